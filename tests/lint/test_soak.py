"""The soak's own sums: a leak is seen, noise is not, and what was live."""
import os
import random
import sys
import unittest

ROOT = os.environ.get("DSRUN_ROOT", os.getcwd())
sys.path.insert(0, os.path.join(ROOT, "tests/soak"))

import figures  # noqa: E402


def series(per_sample, noise, base=10.0, count=900):
    """A sample every 2 s for half an hour: (ms, value)."""
    chance = random.Random(1)
    return [(i * 2000, base + i * per_sample + chance.gauss(0, noise))
            for i in range(count)]


def line(ev, at_ms):
    return {"ev": ev, "at_ms": at_ms}


class Flat(unittest.TestCase):
    def judged(self, judge, *args):
        v = figures.Verdict()
        judge(v, *args)
        return v.bad

    def test_noise_is_flat(self):
        self.assertEqual(self.judged(figures.judge_memory,
                                     series(0, 0.5)), [])
        self.assertEqual(self.judged(figures.judge_files,
                                     series(0, 3, 60), 20, 20), [])

    def test_a_leak_of_memory_is_seen(self):
        # 300 bytes in each of 5 calls a second
        bad = self.judged(figures.judge_memory,
                          series(3000 / 1048576, 0.3))
        self.assertEqual(len(bad), 1)
        self.assertIn("rise", bad[0])

    def test_a_leak_of_handles_is_seen(self):
        # one in 500 calls, 10 calls a sample
        bad = self.judged(figures.judge_files, series(0.02, 3, 60), 20, None)
        self.assertEqual(len(bad), 1)

    def test_handles_that_are_all_back_at_rest_are_no_leak(self):
        self.assertEqual(self.judged(figures.judge_files,
                                     series(0.02, 3, 60), 20, 20), [])

    def test_one_handle_left_at_rest_is_seen(self):
        bad = self.judged(figures.judge_files, series(0, 3, 60), 20, 21)
        self.assertEqual(len(bad), 1)
        self.assertIn("idle", bad[0])

    def test_what_is_too_short_is_only_said(self):
        v = figures.Verdict()
        figures.judge_memory(v, series(1, 0.1, count=20))
        self.assertEqual(v.bad, [])
        self.assertIn("too short", v.lines[0])

    def test_more_than_30_calls_may_need_is_seen(self):
        bad = self.judged(figures.judge_memory, series(0, 0.1, 70))
        self.assertEqual(len(bad), 1)

    def test_what_grows_by_design_is_no_leak(self):
        ended = [i * 2000 for i in range(900) for _ in range(100)]
        grown = series(100 * figures.NETWORK_BYTES_A_CALL / 1048576, 0.1)
        self.assertEqual(len(self.judged(figures.judge_memory, grown)), 1)
        flat = figures.without_design(grown, ended)
        self.assertAlmostEqual(figures.rise(flat), 0, delta=0.1)
        self.assertEqual(self.judged(figures.judge_memory, flat), [])


class Live(unittest.TestCase):
    LOG = [line("placed", 0), line("placed", 100), line("ended", 400),
           line("answered", 450), line("placed", 600), line("ended", 700)]

    def test_every_moment_between_counts(self):
        spans = figures.live_over_time(self.LOG, 50, 1050)
        self.assertEqual(spans, [(1, 50), (2, 300), (1, 200), (2, 100),
                                 (1, 350)])
        self.assertEqual(figures.least(spans), 1)
        self.assertAlmostEqual(figures.share_below(spans, 2), 0.6)
        self.assertAlmostEqual(figures.mean(spans), 1.4)

    def test_lines_in_another_order_say_the_same(self):
        self.assertEqual(figures.live_over_time(self.LOG[::-1], 50, 1050),
                         figures.live_over_time(self.LOG, 50, 1050))

    def test_nothing_happens(self):
        self.assertEqual(figures.live_over_time([], 0, 10), [(0, 10)])


class Sums(unittest.TestCase):
    def test_quantiles(self):
        self.assertEqual(figures.quantile(range(1, 101), 0.5), 51)
        self.assertEqual(figures.quantile(range(1, 101), 0.99), 100)
        self.assertEqual(figures.quantile([7], 0.99), 7)

    def test_the_rise_is_that_of_the_line(self):
        self.assertAlmostEqual(figures.rise([(0, 1), (1, 2), (2, 3)]), 2)
        self.assertEqual(figures.rise([(1, 5)]), 0)

    def test_samples_that_touch_a_stop_are_left_out(self):
        samples = [(0, 5, 0), (8, 5, 0), (21, 1, 0), (15, 2, 0)]
        self.assertEqual(figures.apart(samples, [(10, 20)]),
                         [(0, 5, 0), (21, 1, 0)])


if __name__ == "__main__":
    unittest.main()
