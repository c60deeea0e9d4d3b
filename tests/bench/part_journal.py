"""The disk, and the journal beside plain SQLite on it (bench_*.c)."""
import statistics


def probe(b):
    """What the disk can do at this moment: how often it syncs 4 KB more of a file."""
    path = b.place()
    took = b.rate("bench_plain", "sync", path, b.count(200))
    b.away(path)
    return took


def probed(b, probes, when=""):
    b.say("fdatasync of 4 KB more of a file" + when,
          statistics.median(1e6 / p[0] for p in probes), "us")


def disk(b):
    probed(b, [probe(b) for _ in range(b.rounds)])


def commits(b):
    n = b.count(3000)
    path = b.journal()
    plain = b.place()
    b.pair("durable single-job commits", "/s",
           lambda: b.rate("bench_journal", "commits", path, n),
           lambda: b.rate("bench_plain", "commits", plain, n),
           "plain one-row synchronous=FULL commits", 0.8)


def steps(b):
    plain = b.place()
    rows = [b.rate("bench_plain", "rows", plain, b.count(100000, 100))[0] for _ in range(b.rounds)]
    b.say("plain inserts, 5 columns, 100 rows a transaction", statistics.median(rows), "/s")
    for group, goal in ((100, 0.8), (500, None)):
        n = b.count(3000, 2 * group)
        ours, bare = b.journal(), b.journal()
        b.pair("durable transitions, groups of %d" % group, "/s",
               lambda: b.rate("bench_journal", "steps", ours, n, group),
               lambda: b.rate("bench_bare", "steps", bare, n, group), "bare loop", goal)


def lives(b):
    for group in (100, 500):
        n = b.count(4000, 2 * group)
        ours, bare = b.journal(), b.journal()
        b.pair("whole lives as transactions, groups of %d" % group, "/s",
               lambda: b.rate("bench_journal", "lives", ours, n, group),
               lambda: b.rate("bench_bare", "lives", bare, n, group), "bare loop")
