#!/usr/bin/python3
"""Locks that end, or jobs that go back, while a run knows nothing of it: it
stands still, or its Redis is away."""
import collections
import os
import pathlib
import signal
import time

import filled
import harness
from harness import require
from t_bull import (add, all_once, configure, dies_at, each_library,
                    no_lock_is_left, person, queue_of, rang, redis_of,
                    restart, state, world)

ANSWERED_A_TAKE = "source.bull.answered:5:stop"


def number(n):
    return "+1999200%04d" % n


def people(n):
    return [person(k, number(k)) for k in range(n)]


def stands_still(run):
    stat = pathlib.Path("/proc/%d/stat" % run.popen.pid)
    harness.wait_for(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] ==
                     "T", what="the run to stand still")


def goes_on(run):
    os.kill(run.popen.pid, signal.SIGCONT)
    return run.wait()


def calls(*boxes):
    return collections.Counter(row["to"] for b in boxes if b.calls()
                               for row in rang(b))


def test_a_run_that_stood_still_calls_nothing_of_others(box, library, server,
                                                        peer):
    """Between the queue's answer and its own journal it stands still for
    longer than the lock; a Node worker does the jobs meanwhile."""
    configure(box, server, mode="shared", lock="10s", sim={"speed": 500})
    ids = add(peer, *people(3))
    run = box.start("drain", "--quiet",
                    env={"DSRUN_CRASH_AT": ANSWERED_A_TAKE})
    stands_still(run)
    with redis_of(server) as redis:
        harness.wait_for(lambda: not redis("KEYS", "*:lock"),
                         what="the locks to end")
        redis("DEL", "bull:calls:stalled-check")  # ours, of just now
    other = world.Peer(library, server.port, "calls")
    try:
        often = {"stalledInterval": 300}
        other.do("await tools.work(null, 3, arg)",
                 {"settings": often} if library == "bull" else often)
        # It tells what it works on, and finishes that a little later.
        harness.wait_for(lambda: [state(peer, j)["value"] for j in ids] ==
                         [{"by": "node"}] * 3, what="the Node worker")
        goes_on(run).expect(0)
    finally:
        other.stop()
    require(not calls(box), "called as well", calls(box))
    require([state(peer, j)["value"] for j in ids] == [{"by": "node"}] * 3,
            [state(peer, j) for j in ids])
    box.run("drain", "--quiet").expect(0)
    require(not calls(box), "called as well", calls(box))
    box.run("check").expect(0)


each_library(test_a_run_that_stood_still_calls_nothing_of_others, globals())
del test_a_run_that_stood_still_calls_nothing_of_others


def test_without_redis_nothing_is_begun_after_the_lock(box):
    """Another directory may have the jobs by then.  Back again, and nobody
    has them: they are ours and called."""
    aof = ("--appendonly", "yes", "--appendfsync", "always")
    for library in ("bull", "bullmq6"):
        inner = box.path(library)
        inner.mkdir()
        one = harness.Box(inner)
        with queue_of(library, *aof) as (server, peer):
            configure(one, server, lock="10s")
            ids = add(peer, *people(2))
            dies_at(one, "intake.batch.durable:1")
            server.process.kill()
            server.process.wait()
            time.sleep(10)
            filled.enqueue(one, filled.job("of-a-file"))
            one.run("drain", "--quiet").expect(5)
            require(sum(calls(one).values()) == 1, "called:", calls(one))
            one.run("why", "#1").expect(0, out="until the queue says")
            require("9999" not in one.run("jobs").out, one.run("jobs").out)
            restart(server, *aof)
            one.run("drain", "--quiet", "--wait", "3h").expect(0)
            all_once(one, peer, ids, 3)
            require(max(calls(one).values()) == 1, calls(one))
            one.run("check").expect(0)
            no_lock_is_left(server)


def test_a_late_answer_revives_nothing_that_went_back(box, library, server,
                                                      peer):
    """A run reads late what it took; another of this directory has adopted it,
    and given it back, and another directory has called it."""
    boxes = []
    for name in ("a", "b"):
        inner = box.path(name)
        inner.mkdir()
        boxes.append(harness.Box(inner))
        configure(boxes[-1], server, sim={"speed": 500})
    one, other = boxes
    ids = add(peer, *people(3))
    late = one.start("drain", "--quiet",
                     env={"DSRUN_CRASH_AT": ANSWERED_A_TAKE})
    stands_still(late)
    one.run("pause", "--reason", "not now").expect(0)
    worker = one.start("worker", "--quiet")
    harness.wait_for(lambda: len(one.run("jobs", "--json").json("jobs")
                                 ["jobs"]) == 3, what="three adopted jobs")
    worker.terminate()
    worker.wait()
    require({state(peer, j)["state"] for j in ids} <= {"waiting", "wait"},
            [state(peer, j) for j in ids])
    other.run("drain", "--quiet").expect(0)
    one.run("resume", "--reason", "now").expect(0)
    goes_on(late).expect(0)
    one.run("drain", "--quiet").expect(0)
    require(len(calls(*boxes)) == 3 and max(calls(*boxes).values()) == 1,
            "called twice", calls(*boxes))
    require([state(peer, j)["state"] for j in ids] == ["completed"] * 3,
            [state(peer, j) for j in ids])
    for each in boxes:
        each.run("check").expect(0)
    no_lock_is_left(server)


each_library(test_a_late_answer_revives_nothing_that_went_back, globals())
del test_a_late_answer_revives_nothing_that_went_back


if __name__ == "__main__":
    harness.main()
