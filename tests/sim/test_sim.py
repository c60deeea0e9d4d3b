#!/usr/bin/python3
"""The simulator's share of `make test`: seeds, fault loops, pairs, controls.

`make sim` and `make faults` run any number of them; these are samples of a
few minutes.  What fails prints the command that repeats it.
"""
import functools
import operator
import os
import re
import subprocess
import tempfile
import unittest

SIM = os.path.join(os.path.dirname(os.environ["DSRUN"]), "tests/sim/sim")
JOBS = str(os.cpu_count() or 1)

# Ways to do it wrong that must be seen.
CONTROLS = ("lease expired, run again", "query without settle time",
            "settle without the owner's lock", "settle from the intent's wall time",
            "key sent again after the carrier forgot it", "synchronous=NORMAL with power cut",
            "restored backup without lookup")


class Simulated(unittest.TestCase):
    def sim(self, *argv, **more):
        p = subprocess.run([os.path.abspath(SIM), *argv], stdin=subprocess.DEVNULL, text=True,
                           check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           **more)
        self.assertEqual(p.returncode, 0, p.stdout[-4000:])
        return p.stdout

    def test_2000_seeds_keep_every_promise(self):
        self.sim("seeds", "--seeds", "2000", "--jobs", JOBS)

    def test_one_fault_at_a_sample_of_all_external_calls(self):
        self.sim("faults", "--every", "149", "--jobs", JOBS)

    def test_a_second_fault_while_the_first_is_recovered_from(self):
        out = self.sim("pairs", "--seeds", "1000", "--jobs", JOBS)
        self.assertGreater(int(re.search(r"(\d+) with both", out).group(1)), 700, out)

    def test_a_double_call_is_seen_in_every_negative_control(self):
        out = self.sim("controls")
        for name in CONTROLS:
            self.assertRegex(out, r"  %s:\n    seed \d+: I14: \w" % re.escape(name))
        self.assertEqual(out.count("I14:"), len(CONTROLS), out)

    def test_the_same_seed_is_the_same_run(self):
        first, again = (self.sim("run", "--seed", "77", "--trace") for _ in range(2))
        self.assertEqual(first, again)

    def digest(self, *argv, **more):
        return int(re.search(r"digest (\w+)", self.sim(*argv, **more)).group(1), 16)

    def test_a_seed_is_the_same_run_alone_among_others_and_elsewhere(self):
        some = ("seeds", "--first", "70", "--seeds", "12", "--jobs")
        among = self.digest(*some, "1")
        with tempfile.TemporaryDirectory() as there:
            self.assertEqual(among, self.digest(
                *some, "5", cwd=there, env={"TZ": "Asia/Tokyo", "LC_ALL": "C"}))
        alone = [self.digest("run", "--seed", str(n)) for n in range(70, 82)]
        self.assertEqual(len(set(alone)), 12)
        self.assertEqual(among, functools.reduce(operator.xor, alone))


if __name__ == "__main__":
    unittest.main()
