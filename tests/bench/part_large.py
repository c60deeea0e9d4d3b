"""A journal that has grown: reading it, and proving it."""
import os
import shutil
import statistics
import time

from harness import number

FINISHED = 10_000_000
JOB_BYTES = 870  # of the rows of a finished job


def room(b, n):
    """Why there is none, or None."""
    free = shutil.disk_usage(b.work).free
    want = n * JOB_BYTES * 1.5
    return None if free > want else \
        "%.0f GB of disk are free, %.0f are needed" % (free / 1e9, want / 1e9)


def reads(b):
    """300 claims that change nothing and 300 listings a round, p50 and p99 of
    each; a busy machine's p99 is the machine's own, so the other is shown."""
    n = b.count(FINISHED)
    whats = [("%s of 50, %s, with %s finished jobs" % (what, p, number(n)), i, k)
             for i, what in enumerate(("claim", "listing")) for k, p in enumerate(("p50", "p99"))]
    lacks = room(b, n)
    if lacks:
        for what, _, _ in whats:
            b.skip(what, "with none", lacks)
        return
    full, empty = b.journal(), b.journal()
    began = time.monotonic()
    b.rate("bench_bare", "load", full, n)
    b.say("loading %s finished jobs" % number(n), time.monotonic() - began, "s")
    for path in (full, empty):
        b.tool("bench_journal", "ready", path, 1000)
    took = {full: [], empty: []}
    for i in range(b.rounds):
        for path in (full, empty) if i % 2 == 0 else (empty, full):
            took[path].append(b.tool("bench_journal", "reads", path, 300))
    for what, i, k in whats:
        f, e = ([r[i][k] for r in took[path]] for path in (full, empty))
        ratio = statistics.median(x / y for x, y in zip(f, e))
        goal = ("<= 1.2 x", ratio <= 1.2) if k == 1 else ("", None)
        b.say(what, statistics.median(f), "us", statistics.median(e), "with none", ratio, *goal)
    b.away(os.path.dirname(full))


def check(b):
    """Of events as they lie on disk when the cache is warm."""
    path = b.settings(50)
    lives = b.count(166667)
    data = os.path.join(path, "data")
    b.tool("bench_journal", "ready", data, 1)
    b.rate("bench_bare", "load", data, lives)
    seconds = []
    for _ in range(b.rounds):
        began = time.monotonic()
        b.dsrun_in(path, "check")
        seconds.append(time.monotonic() - began)
    b.below("check of %s events" % number(6 * lives), statistics.median(seconds), "s", 3)
    # What the bare loop writes beside us all the time is a journal, too.
    bare = b.settings(50)
    data = os.path.join(bare, "data")
    b.tool("bench_journal", "ready", data, 1)
    b.rate("bench_bare", "lives", data, 1000, 100)
    b.dsrun_in(bare, "check")
