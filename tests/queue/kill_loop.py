#!/usr/bin/python3
"""The whole program killed with -9 again and again over a queue of Bull or
BullMQ: kill_loop.py [--jobs N] [--kills N] [--dsrun FILE] [LIBRARY...]

Node's own library adds the jobs; `dsrun drain` is started, killed after a
while, and started again, as cron would.  At the end the network's own log must
show each number once, the queue each job completed, and no lock.

The whole loop is 20,000 jobs of each library; tests/scenario/t_bull.py runs a
short one.
"""
import argparse
import collections
import pathlib
import random
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "scenario"))
sys.path.insert(0, str(ROOT / "tests" / "queue"))

import filled  # noqa: E402  (found by the lines above)
import harness  # noqa: E402
import world  # noqa: E402
from harness import require  # noqa: E402

LIBRARIES = ("bull", "bullmq5", "bullmq6")
AT_ONCE = 200


def configure(box, server):
    """Callees that answer and hang up at once, so that dying is what takes
    the time."""
    filled.configure(box, kind={
        "windows": {"zone": "contact", "mon-fri": "always", "sat": "always",
                    "sun": "always", "holidays": "always"},
        "limits": {"concurrency": AT_ONCE, "max_call": "2m", "ring": "20s",
                   "min_gap": "0", "per_number_per_day": 0}},
        limits={"concurrency": AT_ONCE},
        bull={"queue": "calls", "names": "call",
              "url": "redis://127.0.0.1:%d" % server.port})
    box.run("init").expect(0)


def fill(peer, jobs):
    peer.do("""for (let i = 0; i < arg; i += 500)
        await queue.addBulk(Array.from({length: Math.min(500, arg - i)},
            (_, k) => ({name: 'call', data: {
                phone: '+1999' + String(2000000 + i + k),
                contact: {timezone: 'America/New_York'}}})))""",
            jobs, timeout_s=120)


def once_each(box, redis, jobs):
    """What must hold at the end, whatever died when."""
    placed = collections.Counter(row["to"] for row in box.calls()
                                 if row["ev"] == "placed")
    twice = [number for number, n in placed.items() if n > 1]
    require(not twice, "rang twice:", twice[:5], "of", len(twice))
    require(len(placed) == jobs, len(placed), "rang instead of", jobs)
    require(redis("ZCARD", "bull:calls:completed") == jobs, "completed",
            redis("ZCARD", "bull:calls:completed"))
    for key, command in (("wait", "LLEN"), ("active", "LLEN"),
                         ("failed", "ZCARD"), ("delayed", "ZCARD")):
        require(redis(command, "bull:calls:" + key) == 0, key,
                redis(command, "bull:calls:" + key))
    cursor, locks = "0", []
    while True:
        cursor, keys = redis("SCAN", cursor, "MATCH", "bull:calls:*:lock",
                             "COUNT", 1000)
        locks += keys
        if cursor == "0":
            break
    require(not locks, "locks are left:", locks[:5], "of", len(locks))


def kill_loop(box, library, jobs, kills, longest_s=0.5, seed=7):
    """How often it died."""
    server = world.Server("--appendonly", "yes", "--appendfsync", "everysec")
    peer = world.Peer(library, server.port, "calls")
    redis = None
    chance = random.Random(seed)
    died = 0
    try:
        redis = world.Redis(server.port)
        configure(box, server)
        fill(peer, jobs)
        while died < kills:
            p = box.start("drain", "--quiet")
            end = time.monotonic() + chance.uniform(0.01, longest_s)
            while p.running() and time.monotonic() < end:
                time.sleep(0.002)
            if not p.running():
                r = p.wait()
                require(r.exit == 0, "drain ended with", r.exit, r.err)
                if redis("ZCARD", "bull:calls:completed") == jobs:
                    break
                continue
            p.kill()
            died += 1
            del box.transcript[:-50]
        for _ in range(5):
            box.run("drain", "--quiet").expect(0)
            if redis("ZCARD", "bull:calls:completed") == jobs:
                break
        once_each(box, redis, jobs)
        box.run("check").expect(0)
    finally:
        if redis:
            redis.close()
        peer.stop()
        server.stop()
    return died


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--jobs", type=int, default=20000)
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--dsrun", default=None)
    p.add_argument("library", nargs="*", default=LIBRARIES)
    args = p.parse_args()
    if args.dsrun:
        harness.os.environ["DSRUN"] = args.dsrun
    for library in args.library:
        with harness.tempfile.TemporaryDirectory(prefix="dsrun-kill-") as d:
            began = time.monotonic()
            died = kill_loop(harness.Box(d), library, args.jobs, args.kills)
            print("%s: %d jobs, died %d times, each called once, %.0f s" % (
                library, args.jobs, died, time.monotonic() - began),
                  flush=True)


if __name__ == "__main__":
    main()
