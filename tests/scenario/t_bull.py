#!/usr/bin/python3
"""A queue of Bull or BullMQ on a real Redis: the producer is Node's own
library, the worker is `dsrun drain`."""
import contextlib
import json
import pathlib
import sys
import time

import filled
import harness
from filled import BAD, BUSY, HUMAN, NO_ANSWER
from harness import require

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "queue"))
import world  # noqa: E402  (found by the line above)

LIBRARIES = ("bull", "bullmq5", "bullmq6")


@contextlib.contextmanager
def queue_of(library, *options):
    server = world.Server(*options)
    peer = world.Peer(library, server.port, "calls")
    try:
        yield server, peer
    finally:
        peer.stop()
        server.stop()


LIMITS = {"max_call": "2m", "ring": "20s", "min_gap": "0",
          "per_number_per_day": 0}


def configure(box, server, limits=None, sim=None, **bull):
    filled.configure(box, sim=sim, kind={
        "limits": {**LIMITS, **(limits or {})}}, bull={
        "queue": "calls", "url": "redis://127.0.0.1:%d" % server.port,
        "names": "call", **bull})
    box.run("init").expect(0)


def person(n, phone=HUMAN, **more):
    return {"phone": phone, "campaignId": "spring",
            "contact": {"timezone": "America/New_York"}, "n": n, **more}


def add(peer, *people, **opts):
    return peer.do("""const ids = []
        for (const p of arg.people)
            ids.push(String((await queue.add('call', p, arg.opts)).id))
        return ids""", {"people": people, "opts": opts})


def state(peer, job):
    return peer.do("""const j = await queue.getJob(arg)
        return {state: await j.getState(), value: j.returnvalue,
            reason: j.failedReason, made: j.attemptsMade}""", job)


def rang(box):
    path = box.data / "sim" / "calls.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in lines if row["ev"] == "placed"]


def no_lock_is_left(server):
    r = world.Redis(server.port)
    require(r("KEYS", "bull:calls:*:lock") == [], "a lock is left")
    r.close()


def each_library(test):
    """One test for each library, named after it."""
    for library in LIBRARIES:
        def one(box, library=library):
            with queue_of(library) as (server, peer):
                test(box, library, server, peer)
        one.__name__ = test.__name__ + "_of_" + library
        one.__doc__ = test.__doc__
        globals()[one.__name__] = one


# --- the plain way ---

def test_a_drain_calls_them_and_the_producer_hears(box, library, server, peer):
    configure(box, server)
    ids = add(peer, *[person(n, "+1202555%04d" % (101 + n % 6))
                      for n in range(12)])
    box.run("drain").expect(0)
    for job in ids:
        said = state(peer, job)
        require(said["state"] == "completed" and
                said["value"]["outcome"] in ("completed", "voicemail", "busy",
                                             "no-answer", "hangup"), said)
    require(len(box.run("jobs", "--json").json("jobs")["jobs"]) == 12, "jobs")
    no_lock_is_left(server)
    before = len(rang(box))
    box.run("drain", "--exit-empty").expect(6)
    require(len(rang(box)) == before, "called again")
    box.run("check").expect(0)


each_library(test_a_drain_calls_them_and_the_producer_hears)
del test_a_drain_calls_them_and_the_producer_hears


def test_what_can_never_be_called_fails_with_its_reason(box, library, server,
                                                        peer):
    configure(box, server)
    ids = add(peer, {"n": 1}, {"phone": "not a number"},
              person(3, kind="nobody"), person(4))
    box.run("drain").expect(0)
    states = [state(peer, job) for job in ids]
    require([s["state"] for s in states] ==
            ["failed", "failed", "failed", "completed"], states)
    require("phone" in states[0]["reason"] and
            "kind" in states[2]["reason"], states)
    box.run("drain", "--exit-empty").expect(6)


each_library(test_what_can_never_be_called_fails_with_its_reason)
del test_what_can_never_be_called_fails_with_its_reason


def test_the_queue_s_own_attempts_and_backoff_are_followed(box, library,
                                                           server, peer):
    configure(box, server)
    job, = add(peer, person(1, BUSY), attempts=2,
               backoff={"type": "fixed", "delay": 50})
    box.run("drain").expect(0)
    said = state(peer, job)
    require(said["state"] in ("delayed", "waiting", "wait"), said)
    require(len(rang(box)) == 1, rang(box))
    time.sleep(0.2)
    box.run("drain").expect(0)
    said = state(peer, job)
    require(said["state"] == "failed" and "busy" in said["reason"], said)
    require(len(rang(box)) == 2, rang(box))


each_library(test_the_queue_s_own_attempts_and_backoff_are_followed)
del test_the_queue_s_own_attempts_and_backoff_are_followed


# --- deaths ---

POINTS = ("intake.batch.durable", "source.bull.answered:3", "push.begin",
          "sink.bull.answered", "sink.bull.written", "push.turned")


def test_killed_anywhere_each_job_is_called_once(box, library, server, peer):
    configure(box, server)
    n = 0
    for point in POINTS:
        point = point if ":" in point else point + ":1"
        ids = add(peer, person(n), person(n + 1, BUSY))
        n += 2
        r = box.run("drain", "--quiet", env={"DSRUN_CRASH_AT": point})
        require(r.exit in (137, 0), point, r)
        box.run("drain", "--quiet", "--wait", "30m").expect(0)
        for job in ids:
            said = state(peer, job)
            require(said["state"] == "completed", point, said)
        require(len(rang(box)) == n, point, len(rang(box)), n)
    no_lock_is_left(server)
    box.run("check").expect(0)


each_library(test_killed_anywhere_each_job_is_called_once)
del test_killed_anywhere_each_job_is_called_once


# --- Redis away ---

def test_without_redis_what_the_journal_has_is_called(box):
    server = world.Server()
    configure(box, server)
    filled.enqueue(box, filled.job("a"))
    server.stop()
    r = box.run("drain").expect(5)
    require("queue bull:calls" in r.err, r.err)
    require(len(rang(box)) == 1, "not called")


def test_a_result_that_redis_did_not_hear_goes_out_later(box):
    with queue_of("bull", "--appendonly", "yes") as (server, peer):
        configure(box, server)
        job, = add(peer, person(1))
        r = box.run("drain", "--quiet",
                    env={"DSRUN_CRASH_AT": "push.begin:1"})
        require(r.exit == 137, r)
        require(state(peer, job)["state"] == "active", "not taken")
        box.run("sync").expect(0)
        require(state(peer, job)["state"] == "completed", "not told")
        require(len(rang(box)) == 1, "called again")


# --- stops ---

def test_what_nobody_has_begun_goes_back_on_a_stop(box):
    with queue_of("bull") as (server, peer):
        configure(box, server, sim={"speed": 1},
                  limits={"concurrency": 1})
        ids = add(peer, *[person(n, "+1202555%04d" % (101 + n % 6))
                          for n in range(5)])
        worker = box.start("worker", "--quiet")
        harness.wait_for(lambda: (box.data / "sim" / "calls.jsonl").exists()
                         and rang(box), what="the first call")
        worker.terminate()
        harness.wait_for(lambda: sorted(
            state(peer, j)["state"] for j in ids) ==
            ["active"] + ["waiting"] * 4, what="four that went back")
        worker.terminate()
        worker.wait()


def test_a_closed_window_puts_a_job_off_in_the_queue(box):
    with queue_of("bull") as (server, peer):
        configure(box, server, sim={"speed": 1,
                                    "start": "2027-01-05T05:00:00Z"},
                  lock="1m")
        job, = add(peer, person(1))
        box.run("drain").expect(0)
        # The gate said "not before"; the next one gives the job back.
        box.run("drain").expect(0)
        require(state(peer, job)["state"] == "delayed", state(peer, job))
        require(not (box.data / "sim" / "calls.jsonl").exists() or
                not rang(box), "called at night")


# --- refused ---

def test_another_library_s_queue_is_refused(box):
    with queue_of("bullmq6") as (server, peer):
        configure(box, server, library="bull")
        add(peer, person(1))
        r = box.run("drain").expect(78)
        require("bull" in r.err, r.err)


def test_a_password_in_the_address_is_refused(box):
    filled.configure(box, bull={"queue": "calls",
                                "url": "redis://me:secret@127.0.0.1:1"})
    r = box.run("config", "check").expect(78)
    require("DSRUN_BULL_PASSWORD" in r.out + r.err, r.out + r.err)
