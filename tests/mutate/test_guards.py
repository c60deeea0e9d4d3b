"""The table of guards: does it fit the tree?  And can the check that takes them
out fail itself?  The mutants themselves are make mutate-guards."""
import os
import re
import sys
import tempfile
import unittest

ROOT = os.environ.get("DSRUN_ROOT", os.getcwd())
sys.path.insert(0, os.path.join(ROOT, "tests/mutate"))

import guards  # noqa: E402
from guards_table import GUARDS, SPARE, Guard  # noqa: E402


class TheTable(unittest.TestCase):
    def test_each_guard_stands_in_the_tree_exactly_once(self):
        self.assertEqual(guards.problems(ROOT, GUARDS, SPARE), [])

    def test_each_is_told_by_its_own_name(self):
        names = [g.name for g in GUARDS] + [s.name for s in SPARE]
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertRegex(name, r"^\d\d[a-z]?-[a-z-]+$")

    def test_who_sees_it_is_there(self):
        for g in GUARDS:
            if g.seen != "sim":
                self.assertTrue(os.path.exists(os.path.join(ROOT, g.seen + ".c")), g.seen)


class TheCheck(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.root = place.name
        self.write("int\nf(void)\n{\n\treturn is_alive(1,\n\t    2);\n}\n")

    def write(self, text):
        with open(os.path.join(self.root, "a.c"), "w", encoding="utf-8") as f:
            f.write(text)

    def read(self):
        with open(os.path.join(self.root, "a.c"), encoding="utf-8") as f:
            return f.read()

    def guard(self, piece, new="return 1;"):
        return Guard("00-alive", "", [("a.c", piece, new)], "sim")

    def test_a_piece_is_found_however_it_is_broken_into_lines(self):
        self.assertEqual(guards.problems(self.root, [self.guard("return is_alive(1, 2);")]), [])

    def test_a_piece_that_moved_away_is_told(self):
        bad = guards.problems(self.root, [self.guard("return is_alive(2);")])
        self.assertRegex("".join(bad), "00-alive: found 0 times")

    def test_a_piece_that_stands_there_twice_is_told(self):
        self.write(self.read() * 2)
        bad = guards.problems(self.root, [self.guard("return is_alive(1, 2);")])
        self.assertRegex("".join(bad), "found 2 times")

    def test_a_word_is_not_found_inside_another(self):
        self.write("int not_alive;\n")
        bad = guards.problems(self.root, [self.guard("alive;")])
        self.assertRegex("".join(bad), "found 0 times")

    def test_a_guard_is_taken_out_and_put_back(self):
        before = self.read()
        was = guards.mutate(self.root, self.guard("return is_alive(1, 2);"))
        self.assertTrue(re.search(r"\{\s*return 1;\s*\}", self.read()))
        guards.put_back(was)
        self.assertEqual(self.read(), before)

    def simulate(self, script):
        path = os.path.join(self.root, guards.SIM)
        os.makedirs(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o700)
        return guards.simulate(self.root, 1, 9)

    def test_when_no_seed_fails_it_is_not_missed(self):
        self.assertIsNone(self.simulate("exit 0\n"))

    def test_the_first_seed_that_fails_says_why(self):
        self.assertEqual(
            self.simulate("echo 'seed 7 FAILED: I14: it rang'\nexec sleep 100\n"),
            (7, "I14: it rang"))

    def test_a_check_of_dsrun_that_ends_it_is_seen_too(self):
        self.assertEqual(
            self.simulate("echo 'CHECK failed' >&2\necho >&2\n"
                          "echo 'sim: ended by a signal; again: sim run --seed 3' >&2\nexit 1\n"),
            (3, "CHECK failed"))


if __name__ == "__main__":
    unittest.main()
