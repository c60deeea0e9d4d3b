#!/usr/bin/python3
"""The simulator's share of `make test`: seeds, fault loops, pairs, controls.

`make sim` and `make faults` run any number of them; these are samples of a
few minutes.  What fails prints the command that repeats it.
"""
import os
import subprocess
import unittest

SIM = os.path.join(os.path.dirname(os.environ["DSRUN"]), "tests/sim/sim")
JOBS = str(os.cpu_count() or 1)


class Simulated(unittest.TestCase):
    def sim(self, *argv):
        p = subprocess.run([SIM, *argv], stdin=subprocess.DEVNULL, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(p.returncode, 0, p.stdout[-4000:])
        return p.stdout

    def test_2000_seeds_keep_every_promise(self):
        self.sim("seeds", "--seeds", "2000", "--jobs", JOBS)

    def test_one_fault_at_a_sample_of_all_external_calls(self):
        self.sim("faults", "--every", "149", "--jobs", JOBS)

    def test_a_second_fault_while_the_first_is_recovered_from(self):
        self.sim("pairs", "--seeds", "1000", "--jobs", JOBS)

    def test_a_double_call_is_seen_in_every_negative_control(self):
        out = self.sim("controls")
        self.assertEqual(out.count("I14:"), 7, out)

    def test_the_same_seed_is_the_same_run(self):
        first, again = (self.sim("run", "--seed", "77", "--trace") for _ in range(2))
        self.assertEqual(first, again)


if __name__ == "__main__":
    unittest.main()
