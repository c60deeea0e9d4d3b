"""Each row of the state tables flipped or removed: does a test of pkg/job fail?
And can the check that asks so fail itself?"""
import glob
import os
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.environ.get("DSRUN_ROOT", os.getcwd())
MUTATE = os.path.join(ROOT, "tests/mutate/mutate.py")
BUILD = os.path.dirname(os.environ.get("DSRUN", "build/dsrun"))


def check(*argv):
    return subprocess.run([sys.executable, MUTATE] + list(argv), cwd=ROOT,
                          stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class TheTables(unittest.TestCase):
    def test_each_mutant_of_a_row_is_seen(self):
        programs = glob.glob(os.path.join(BUILD, "mutate/pkg/job/*_test"))
        self.assertTrue(programs, "make mutate builds them")
        p = check(*sorted(programs))
        self.assertEqual(p.returncode, 0, p.stdout)
        self.assertRegex(p.stdout, r"^mutants: \d{4}, of which 0 survive$")


class TheCheck(unittest.TestCase):
    def script(self, text):
        f = tempfile.NamedTemporaryFile("w", suffix="_test", delete=False)
        self.addCleanup(os.unlink, f.name)
        with f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(f.name, stat.S_IRWXU)
        return f.name

    def test_whom_no_test_sees_is_a_survivor(self):
        p = check("--sample", "3", self.script("exit 0\n"))
        self.assertEqual(p.returncode, 1)
        self.assertEqual(p.stdout.count("survives: "), 3)
        self.assertIn("mutants: 3, of which 3 survive", p.stdout)

    def test_one_that_sees_a_part_leaves_the_rest(self):
        p = check("--sample", "200", self.script(
            'case "$JOB_MUTANT" in *remove*) exit 1 ;; esac\n'))
        self.assertEqual(p.returncode, 1)
        self.assertNotIn("removed", p.stdout)
        self.assertIn("next is", p.stdout)

    def test_a_program_that_always_fails_proves_nothing(self):
        p = check("--sample", "3", self.script("exit 1\n"))
        self.assertEqual(p.returncode, 1)
        self.assertIn("fails without a mutant", p.stdout)


if __name__ == "__main__":
    unittest.main()
