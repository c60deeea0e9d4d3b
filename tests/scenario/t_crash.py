#!/usr/bin/python3
"""Killed at any moment: the n-th visit of any crash point, n = 1, 2, 3 ...

DSRUN_CRASH_EVERY=1 takes every n (make faults); the default takes a sample,
another one for each class, so that `make test` stays short.
"""
import os
import shutil

import crashing
import harness
from harness import require

EVERY = int(os.environ.get("DSRUN_CRASH_EVERY", "13"))
VISITS_MAX = 2000


def clean(box):
    shutil.rmtree(box.data, ignore_errors=True)


def killed_at(box, n, *args, env=None):
    """Was it still alive at its n-th visit?"""
    r = box.run(*args, env={"DSRUN_CRASH_AT": "*:%d" % n, **(env or {})})
    require(r.exit in (0, 3, 4, 137), "neither done nor killed:", r.exit)
    return r.exit == 137


def each_class(box, cls, offset, env=None):
    crashing.configure(box, cls)
    crashing.people(box)
    visited = 0
    for n in range(1 + offset % EVERY, VISITS_MAX, EVERY):
        clean(box)
        box.transcript.clear()
        box.note("%s, visit %d" % (cls, n))
        box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
        killed = killed_at(box, n, "drain", "--wait", "30m", "--quiet",
                           env=env)
        crashing.recover(box)
        crashing.promise(box)
        if not killed:
            break
        visited = n
    require(visited > 200, "only", visited, "visits were reached")


def test_named_is_killed_at_any_point(box):
    each_class(box, "named", 0)


def test_keyed_is_killed_at_any_point(box):
    each_class(box, "keyed", 1)


def test_queryable_is_killed_at_any_point(box):
    each_class(box, "queryable", 2)


def test_callback_is_killed_at_any_point(box):
    each_class(box, "callback", 3)


def test_blind_is_killed_at_any_point(box):
    each_class(box, "blind", 4)


def test_claimed_apart_is_killed_at_any_point(box):
    each_class(box, "named", 5, {"DSRUN_CLAIM_FIRST": "1"})


def test_enqueue_killed_at_any_point_loses_and_doubles_nothing(box):
    crashing.configure(box)
    crashing.people(box, 20)
    for n in range(1, VISITS_MAX, max(1, EVERY // 4)):
        clean(box)
        killed = killed_at(box, n, "enqueue", "jobs.jsonl", "--quiet")
        box.run("enqueue", "jobs.jsonl").expect(0, out="refused 0")
        again = box.run("enqueue", "jobs.jsonl").expect(0)
        require("added 0, known 20" in again.out, again.out)
        if not killed:
            break
    require(n > 20, "only", n, "visits")


def test_sync_killed_at_any_point_delivers_each_result_once(box):
    crashing.configure(box)
    crashing.people(box, 1)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    box.run("drain", "--wait", "30m", "--quiet",
            env={"DSRUN_CRASH_AT": "sync.locked:1"}).expect(137)
    keep = box.path("keep")
    shutil.copytree(box.data, keep)
    for n in range(1, VISITS_MAX):
        clean(box)
        # The lock files' inodes are part of a journal: copy into them.
        shutil.copytree(keep, box.data)
        box.run("adopt", "--by", "test", "--reason", "copied", "--quiet")
        box.run("incarnation", "accept", "--by", "test", "--reason", "test",
                "--quiet", "--yes")
        killed = killed_at(box, n, "sync", "--quiet")
        box.run("sync", "--quiet").expect(0)
        require(len(box.results()) == 1, len(box.results()), "lines")
        crashing.promise(box)
        if not killed:
            break
    require(n > 10, "only", n, "visits")


def test_a_trace_names_at_least_a_hundred_points(box):
    """The points in the source, so that none is forgotten quietly."""
    import re
    names = set()
    for path in harness.ROOT.glob("pkg/*/*.c"):
        names.update(re.findall(r'CRASH_POINT\("([^"]+)"\)',
                                path.read_text()))
    require(len(names) >= 100, "only", len(names), "crash points")


def test_a_stopped_owner_is_not_robbed(box):
    """SIGSTOP between INTENT and the first byte, until another drain's
    recovery has come and gone; then CONT: the phone rings once."""
    crashing.configure(box)
    crashing.people(box, 1)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    first = box.start("drain", "--wait", "30m", "--quiet",
                      env={"DSRUN_CRASH_AT": "run.dial.before:1:stop"})
    harness.wait_for(first.stopped, what="the stop before the dial")
    box.run("drain", "--wait", "30m", "--quiet").expect(0)
    require(not any(c["ev"] == "request" for c in box.calls()),
            "somebody else dialled")
    first.cont()
    first.wait()
    crashing.recover(box)
    placed = [c for c in box.calls() if c["ev"] == "placed"]
    require(len(placed) == 1, len(placed), "calls were placed")
    crashing.promise(box)


if __name__ == "__main__":
    harness.main()
