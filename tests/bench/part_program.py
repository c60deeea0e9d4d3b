"""The program's own throughput, beside the bare loop and real queues."""
import resource
import time

import part_journal
import rivals
from harness import median, number

JOBS = 20000
BEST = 500  # calls at once at which it is fastest: where it is compared with others


def children_s():
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime


def timed(n, work):
    began, used = time.monotonic(), children_s()
    work()
    return n / (time.monotonic() - began), n / (children_s() - used)


def whole_lives(b, n, concurrency):
    """From the file to results.jsonl, through two programs as from cron."""
    path = b.settings(concurrency, speed=1000)
    jobs = b.jobs(path, n, "1999")

    def work():
        b.dsrun_in(path, "enqueue", jobs)
        b.dsrun_in(path, "drain")

    took = timed(n, work)
    b.results(path, n)
    b.away(path)
    return took


def from_queue(b, n, concurrency):
    """The jobs are in the journal before the clock starts; as above, each is
    called, ends, and has its line in results.jsonl."""
    path = b.settings(concurrency, speed=1000)
    b.dsrun_in(path, "enqueue", b.jobs(path, n, "1999"))
    took = timed(n, lambda: b.dsrun_in(path, "drain"))
    b.results(path, n)
    b.away(path)
    return took


def here(all_of_them):
    """Those that this machine has, and the others with what to do about it."""
    lacking = [(r, r.missing()) for r in all_of_them]
    return [r for r, why in lacking if not why], [(r, why) for r, why in lacking if why]


def skipped(b, what, lacking):
    for r, why in lacking:
        b.skip(what, r.name, why)


def raced(b, contestants):
    """A race with a row of what the disk could do meanwhile."""
    took = b.race({"fdatasync": lambda: part_journal.probe(b), **contestants})
    part_journal.probed(b, took["fdatasync"], ", in turns with the next rows")
    return took


def program(b):
    n = b.count(JOBS, 1000)
    what = "whole lives of the program, %d at once"
    contestants, sizes = {}, ((50, None), (200, 0.6), (BEST, None))
    for size, _ in sizes:
        bare = b.journal()
        contestants[size] = lambda size=size: whole_lives(b, n, size)
        contestants["bare loop, groups of %d" % size] = lambda size=size, bare=bare: b.rate(
            "bench_bare", "lives", bare, b.count(4000, 2 * size), size)
    jobs = b.jobs(b.place(), n, "1999")
    others, lacking = here([rivals.backlite(), rivals.bull(50)])
    for r in others:
        contestants[r.name] = lambda r=r: r.lives(b, jobs)
    took = raced(b, contestants)
    for size, goal in sizes:
        bare = "bare loop, groups of %d" % size
        b.beside(what % size, "jobs/s", took[size], took[bare], bare, goal)
    for r in others:
        goal = 2 if r.needs[0] == "backlite" else 1
        b.beside(what % BEST, "jobs/s", took[BEST], took[r.name], r.name, goal)
    skipped(b, what % BEST, lacking)


def queue(b):
    """dsrun first, and at least twice as fast as whoever comes next."""
    n = b.count(JOBS, 1000)
    what = number(n) + " jobs that do nothing, from its own queue"
    others, lacking = here([rivals.bull(200), rivals.backlite(), rivals.huey(), rivals.asynq()])
    contestants = {"dsrun": lambda: from_queue(b, n, BEST)}
    for r in others:
        contestants[r.name] = lambda r=r: r.queue(b, n)
    took = raced(b, contestants)
    if not others:
        b.say(what, median(took["dsrun"]), "jobs/s")
    for r in others:
        b.beside(what, "jobs/s", took["dsrun"], took[r.name], r.name, 2)
    skipped(b, what, lacking)
