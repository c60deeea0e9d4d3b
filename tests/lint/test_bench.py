"""The benchmark's own sums: turns, ratios, rows, and what a missing peer says."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.environ.get("DSRUN_ROOT", os.getcwd())
sys.path.insert(0, os.path.join(ROOT, "tests/bench"))

import bench as program  # noqa: E402
import harness  # noqa: E402
import part_bull  # noqa: E402
import part_start  # noqa: E402
import part_store  # noqa: E402
import rivals  # noqa: E402
import table  # noqa: E402


def bench(rounds):
    """One that measures nothing by itself."""
    b = harness.Bench.__new__(harness.Bench)
    b.rounds, b.rows, b.scale = rounds, [], 1
    return b


class Turns(unittest.TestCase):
    def setUp(self):
        self.stderr, sys.stderr = sys.stderr, open(os.devnull, "w")
        self.addCleanup(self.back)

    def back(self):
        sys.stderr.close()
        sys.stderr = self.stderr

    def test_everybody_runs_once_a_round_and_nobody_always_first(self):
        ran = []
        names = ["a", "b", "c"]
        bench(4).race({n: lambda n=n: ran.append(n) or (1, 1) for n in names})
        rounds = [ran[i:i + 3] for i in range(0, 12, 3)]
        self.assertEqual([sorted(r) for r in rounds], [names] * 4)
        self.assertGreater(len({r[0] for r in rounds}), 1)

    def test_the_ratio_is_taken_round_by_round(self):
        # Everything is ten times slower in the second round.
        ours, theirs = iter([(100, 8), (10, 8), (90, 8)]), iter([(50, 2), (5, 2), (30, 2)])
        b = bench(3)
        b.pair("x", "/s", lambda: next(ours), lambda: next(theirs), "y", 2)
        row = b.rows[0]
        self.assertEqual((row["value"], row["limit"], row["ratio"], row["cpu_ratio"], row["met"]),
                         (90, 30, 2, 4, True))

    def test_a_goal_that_is_missed_is_said(self):
        b = bench(1)
        b.pair("x", "/s", lambda: (1, 1), lambda: (1, 1), "y", 2)
        b.below("z", 12.1, "MB", 12)
        self.assertEqual([r["met"] for r in b.rows], [False, False])
        self.assertEqual(table.text(b.rows).count("MISSED"), 2)
        self.assertEqual(table.markdown(b.rows, "").count("MISSED"), 2)

    def test_less_is_better_where_a_cost_is_compared(self):
        ours, theirs = [(5, 1), (50, 2), (6, 9)], [(100, 2), (100, 4), (100, 9)]
        b = bench(3)
        b.at_most("x", "ms", ours, theirs, "y", 1 / 20)
        b.at_most("x", "ms", ours, theirs, "y", 0.05)
        b.at_most("x", "MB", ours, theirs, "y", 1 / 8, cpu=False)
        self.assertEqual([(r["value"], r["ratio"], r["cpu_ratio"], r["goal"], r["met"])
                          for r in b.rows],
                         [(6, 0.06, 0.5, "<= 1/20 x", False),
                          (6, 0.06, 0.5, "<= 1/20 x", False),
                          (6, 0.06, None, "<= 1/8 x", True)])
        b.at_most("x", "CPU s", [(0.3, 1)], [(1.0, 1)], "y", 0.3, cpu=False)
        b.at_most("x", "ms", ours, theirs, "y")
        self.assertEqual([(r["goal"], r["met"]) for r in b.rows[3:]],
                         [("<= 0.3 x", True), ("", None)])


class Missing(unittest.TestCase):
    """With an empty cache of peers."""

    def setUp(self):
        cache = tempfile.TemporaryDirectory()
        self.addCleanup(cache.cleanup)
        os.environ["DSRUN_PEERS"] = cache.name
        self.addCleanup(os.environ.pop, "DSRUN_PEERS")
        self.stderr, sys.stderr = sys.stderr, open(os.devnull, "w")
        self.addCleanup(self.back)

    def back(self):
        sys.stderr.close()
        sys.stderr = self.stderr

    def test_a_peer_that_is_not_here_says_what_to_run(self):
        lacks = rivals.bull(50).missing()
        self.assertEqual(lacks, "run tests/peers/setup bull redis")
        b = bench(1)
        b.skip("x", "Bull", lacks)
        self.assertIn("skipped: " + lacks, table.text(b.rows))

    def test_every_row_of_queues_and_stores_says_what_it_lacks(self):
        for part, peers in ((part_bull.drain, ["bull redis", "bullmq6 redis"]),
                            (part_bull.first, ["bull redis", "bullmq6 redis"]),
                            (part_bull.held, ["bull redis", "bullmq6 redis"]),
                            (part_store.objects, ["versitygw"]),
                            (part_store.updates, ["mongo-java-server mongoose"])):
            b = bench(1)
            part(b)
            self.assertEqual([r["skipped"] for r in b.rows],
                             ["run tests/peers/setup " + p for p in peers], part.__name__)


class Moments(unittest.TestCase):
    def test_the_first_call_is_told_in_the_box_s_own_time(self):
        with tempfile.TemporaryDirectory() as path:
            os.makedirs(path + "/data/sim")
            with open(path + "/data/sim/calls.jsonl", "w") as f:
                f.write('{"at_ms":1000,"ev":"origin","boot_ms":50000,"speed":2}\n'
                        '{"at_ms":1900,"ev":"call"}\n'
                        '{"at_ms":2000,"ev":"request"}\n{"at_ms":3000,"ev":"request"}\n')
            self.assertEqual(part_start.first_request(path), 50.5)

    def test_a_box_without_a_call_is_no_figure(self):
        with tempfile.TemporaryDirectory() as path:
            os.makedirs(path + "/data/sim")
            with open(path + "/data/sim/calls.jsonl", "w") as f:
                f.write('{"at_ms":1000,"ev":"origin","boot_ms":50000,"speed":2}\n')
            with self.assertRaises(SystemExit):
                part_start.first_request(path)


class Parts(unittest.TestCase):
    def test_each_has_a_name_of_its_own(self):
        named = [f.__name__ for f in program.PARTS.values()]
        self.assertEqual(named, list(program.PARTS))
        for name in ("drain", "first", "held", "objects", "updates"):
            self.assertIn(name, named)


class Readme(unittest.TestCase):
    def file(self, text):
        f = tempfile.NamedTemporaryFile("w", suffix=".md", delete=False)
        self.addCleanup(os.unlink, f.name)
        with f:
            f.write(text)
        return f.name

    def test_the_table_goes_between_the_marks_and_again(self):
        name = self.file("a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n")
        for page in ("one\n", "two \\1\n"):
            table.into_readme(page, name)
            with open(name) as f:
                self.assertEqual(f.read(),
                                 "a\n<!-- bench -->\n" + page + "<!-- /bench -->\nb\n")

    def test_a_readme_without_marks_is_left_alone(self):
        name = self.file("nothing here\n")
        with self.assertRaises(ValueError):
            table.into_readme("x\n", name)

    def test_ours_has_the_marks(self):
        with open(os.path.join(ROOT, "README.md")) as f:
            self.assertEqual(len(table.MARK.findall(f.read())), 1)


class Setup(unittest.TestCase):
    def test_an_unknown_peer_is_refused_with_the_known_ones(self):
        p = subprocess.run([rivals.SETUP, "nobody"], stdin=subprocess.DEVNULL, text=True,
                           stderr=subprocess.PIPE, check=False)
        self.assertNotEqual(p.returncode, 0)
        for name in ("backlite", "bull", "redis"):
            self.assertIn(name, p.stderr)


if __name__ == "__main__":
    unittest.main()
