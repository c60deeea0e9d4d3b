#!/usr/bin/python3
"""Real processes, random kill -9: two drains, a worker and a sync at once on
one journal, while the network loses and delays things.

DSRUN_KILLS is how many kills each class gets (500 for a whole run).
"""
import os
import random
import time

import crashing
import harness
from harness import require

KILLS = int(os.environ.get("DSRUN_KILLS", "40"))
JOBS = 60

COMMANDS = (("drain", "--wait", "1h"), ("drain", "--wait", "1h"),
            ("worker",), ("sync",))


def kill_at_random(box, cls, seed):
    chance = random.Random(seed)
    crashing.configure(box, cls, crashing.FAULTS)
    crashing.people(box, JOBS)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    running = [None] * len(COMMANDS)
    kills = 0
    while kills < KILLS:
        for i, command in enumerate(COMMANDS):
            if running[i] is None or not running[i].running():
                if running[i] is not None:
                    r = running[i].wait()
                    require(r.exit in (0, 3, 4, 5, 11, 137),
                            command, "ended with", r.exit, r.err)
                running[i] = box.start(*command, "--quiet")
        time.sleep(chance.uniform(0.005, 0.1))
        victim = running[chance.randrange(len(running))]
        if victim.running():
            victim.kill()
            kills += 1
        del box.transcript[:-200]
    for process in running:
        if process.running():
            process.kill()
    # A blind carrier's doubts are for a person; what they hold waits.
    for _ in range(4):
        box.run("drain", "--wait", "3h", "--quiet")
    now = crashing.tally(box)
    require(now["QUEUED"] + now["HELD"] == 0, now)
    require(now["READY"] == 0 or now["PARKED"] > 0, now)
    crashing.promise(box)


def test_named(box):
    kill_at_random(box, "named", 1)


def test_keyed(box):
    kill_at_random(box, "keyed", 2)


def test_queryable(box):
    kill_at_random(box, "queryable", 3)


def test_callback(box):
    kill_at_random(box, "callback", 4)


def test_blind(box):
    kill_at_random(box, "blind", 5)


if __name__ == "__main__":
    harness.main()
