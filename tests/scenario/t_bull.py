#!/usr/bin/python3
"""A queue of Bull or BullMQ on a real Redis: the producer is Node's own
library, the worker is `dsrun drain`."""
import collections
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import filled
import harness
from filled import BAD, BUSY, HUMAN, NO_ANSWER
from harness import require

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "queue"))
import kill_loop  # noqa: E402  (found by the line above)
import world  # noqa: E402

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


# From nine in the morning New York has twelve hours to be called in: 21 s of
# ours.  After that jobs go back to the queue until the next morning, which once
# made a slow failover look like a loss.
MORNING = {"speed": 2000, "start": "2027-01-05T14:00:00Z"}


def configure(box, server, limits=None, sim=None, **bull):
    filled.configure(box, sim={**MORNING, **(sim or {})}, kind={
        "limits": {**LIMITS, **(limits or {})}}, bull={
        "queue": "calls", "url": "redis://127.0.0.1:%d" % server.port,
        "names": "call", **bull})
    if not box.data.exists():
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


def each_library(test, module=None):
    """One test for each library, named after it, in module."""
    for library in LIBRARIES:
        def one(box, library=library):
            with queue_of(library) as (server, peer):
                test(box, library, server, peer)
        one.__name__ = test.__name__ + "_of_" + library
        one.__doc__ = test.__doc__
        (module or globals())[one.__name__] = one


# --- the plain way ---

def test_a_drain_calls_them_and_the_producer_hears(box, library, server, peer):
    # Slowly: on a busy machine nobody speaks in time, at full speed.
    configure(box, server, sim={"speed": 500})
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
          "sink.bull.answered", "journal.lease.answered", "push.turned")


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


@contextlib.contextmanager
def redis_of(server):
    redis = world.Redis(server.port)
    try:
        yield redis
    finally:
        redis.close()


def dies_at(box, point, *command):
    r = box.run(*(command or ("drain", "--quiet")),
                env={"DSRUN_CRASH_AT": point})
    require(r.exit == 137, point, r.exit, r.err)


def all_once(box, peer, ids, numbers=None):
    """Completed, and rang once each."""
    for job in ids:
        said = state(peer, job)
        require(said["state"] == "completed", job, said)
    require(len(rang(box)) == (numbers or len(ids)), len(rang(box)))


def test_killed_again_and_again_each_rings_once(box):
    died = kill_loop.kill_loop(box, "bull", 800, 8, longest_s=0.08)
    require(died >= 2, "died only", died)


# --- Redis loses something ---

def test_a_weekend_off_with_locks_run_out(box, library, server, peer):
    """Nobody was here, the locks are gone, and a stalled check of somebody
    has put one job back."""
    configure(box, server)
    ids = add(peer, *[person(n, "+1202555%04d" % (101 + n)) for n in range(3)])
    dies_at(box, "intake.batch.durable:1")
    with redis_of(server) as redis:
        for job in ids:
            require(redis("DEL", "bull:calls:%s:lock" % job) == 1, "no lock")
        redis("LREM", "bull:calls:active", "0", ids[0])
        redis("RPUSH", "bull:calls:wait", ids[0])
    box.run("drain", "--quiet", "--wait", "3h").expect(0)
    no_lock_is_left(server)
    calls = collections.Counter(row["to"] for row in rang(box))
    ends = [state(peer, job)["state"] for job in ids]
    require(ends == ["completed"] * 3 and len(calls) == 3, ends, calls)
    box.run("check").expect(0)


each_library(test_a_weekend_off_with_locks_run_out)
del test_a_weekend_off_with_locks_run_out


def test_a_redis_that_lost_its_memory_loses_no_job(box, library, server, peer):
    configure(box, server)
    add(peer, person(1), person(2, filled.TREE))
    dies_at(box, "intake.batch.durable:1")
    with redis_of(server) as redis:
        redis("FLUSHALL")
    box.run("drain", "--quiet").expect(0)
    require(len(rang(box)) == 2, "what Redis lost was not called", rang(box))
    # Ids begin at 1 again: other jobs.
    ids = add(peer, person(3), person(4, filled.TREE))
    box.run("drain", "--quiet").expect(0)
    all_once(box, peer, ids, 4)
    box.run("check").expect(0)


each_library(test_a_redis_that_lost_its_memory_loses_no_job)
del test_a_redis_that_lost_its_memory_loses_no_job


def test_a_redis_rolled_back_shows_finished_jobs_again(box):
    """What was called is not called again; its result is said again."""
    for library in LIBRARIES:
        with queue_of(library, "--enable-debug-command", "yes") as (server,
                                                                    peer):
            name = "of-" + library
            inner = box.path(name)
            inner.mkdir()
            one = harness.Box(inner)
            configure(one, server)
            ids = add(peer, person(1), person(2, filled.TREE))
            with redis_of(server) as redis:
                redis("SAVE")
                one.run("drain", "--quiet").expect(0)
                all_once(one, peer, ids)
                redis("DEBUG", "RELOAD", "NOSAVE")
                require(state(peer, ids[0])["state"] in ("waiting", "wait"),
                        "not rolled back")
            one.run("drain", "--quiet").expect(0)
            all_once(one, peer, ids)
            no_lock_is_left(server)


def test_a_redis_rolled_back_in_the_midst_of_tries(box):
    """Back to before the first try's failure: that is said again, and the
    second is not called twice."""
    with queue_of("bull", "--enable-debug-command", "yes") as (server, peer):
        configure(box, server)
        job, = add(peer, person(1, BUSY), attempts=2,
                   backoff={"type": "fixed", "delay": 20})
        with redis_of(server) as redis:
            redis("SAVE")
            box.run("drain", "--quiet").expect(0)
            time.sleep(0.1)
            box.run("drain", "--quiet").expect(0)
            require(len(rang(box)) == 2, rang(box))
            redis("DEBUG", "RELOAD", "NOSAVE")
        for _ in range(6):
            box.run("drain", "--quiet").expect(0)
            time.sleep(0.1)
        said = state(peer, job)
        require(said["state"] == "failed" and said["made"] == 2, said)
        require(len(rang(box)) == 2, "rang again", rang(box))


# --- people ---

def test_a_dashboard_s_retry_of_a_parked_job_is_one_more_call(box, library,
                                                              server, peer):
    """Nobody knows whether the phone rang; the queue says so.  Who presses
    retry there has decided: another try, called once."""
    configure(box, server, sim={"class": "blind",
                                "faults": {"answer_lost": 1}})
    job, = add(peer, person(1))
    box.run("drain", "--quiet").expect(4)
    box.run("drain", "--quiet")
    said = state(peer, job)
    require(said["state"] == "failed" and "dsrun parked" in said["reason"],
            said)
    require(len(rang(box)) == 1, rang(box))
    for _ in range(2):
        box.run("drain", "--quiet")
    require(len(rang(box)) == 1, "called without being asked")
    peer.do("await (await queue.getJob(arg)).retry()", job)
    box.run("drain", "--quiet")
    # While nobody knows of the first call, its number is not called.
    require(len(rang(box)) == 1, "called in doubt")
    require(state(peer, job)["state"] == "active", state(peer, job))
    box.run("resolve", "#1", "--as", "drop", "--by", "ana", "--reason",
            "asked the practice", "--yes").expect(0)
    for _ in range(3):
        box.run("drain", "--quiet", "--wait", "3h")
    said = state(peer, job)
    require(said["state"] == "failed" and said["made"] == 2, said)
    require(len(rang(box)) == 2, len(rang(box)))
    require(len(box.run("parked", "--json").json("parked")["parked"]) == 1,
            "the second call is in doubt, too")
    no_lock_is_left(server)


each_library(test_a_dashboard_s_retry_of_a_parked_job_is_one_more_call)
del test_a_dashboard_s_retry_of_a_parked_job_is_one_more_call


def test_a_parked_job_that_never_rang_is_its_queue_s_to_retry(box, library,
                                                              server, peer):
    """The queue was told that it failed: to call it here, and again when
    somebody retries it there, would be two calls."""
    configure(box, server, sim={"class": "blind",
                                "faults": {"request_lost": 1}})
    job, = add(peer, person(1))
    box.run("drain", "--quiet").expect(4)
    box.run("drain", "--quiet")
    require(state(peer, job)["state"] == "failed", state(peer, job))
    box.run("resolve", "#1", "--as", "absent", "--by", "ana", "--reason",
            "the carrier never had it", "--yes").expect(0, err="FAILED")
    for _ in range(2):
        box.run("drain", "--quiet", "--wait", "3h")
    row, = box.run("jobs", "--json").json("jobs")["jobs"]
    require((row["state"], row["reason"]) == ("FAILED", "away"), row)
    peer.do("await (await queue.getJob(arg)).retry()", job)
    box.run("drain", "--quiet")
    require(len(box.run("jobs", "--json").json("jobs")["jobs"]) == 2,
            "the retry is no job of its own")


each_library(test_a_parked_job_that_never_rang_is_its_queue_s_to_retry)
del test_a_parked_job_that_never_rang_is_its_queue_s_to_retry


def test_a_retry_with_its_count_taken_back_is_said(box):
    """Its try cannot be told from the one that was called: nobody is called
    twice, and whoever looks reads why."""
    for library in ("bullmq5", "bullmq6"):
        inner = box.path(library)
        inner.mkdir()
        one = harness.Box(inner)
        with queue_of(library) as (server, peer):
            configure(one, server)
            job, = add(peer, person(1, BUSY), attempts=2)
            for _ in range(2):
                one.run("drain", "--quiet").expect(0)
            require(state(peer, job)["state"] == "failed", state(peer, job))
            peer.do("await (await queue.getJob(arg)).retry('failed', "
                    "{resetAttemptsMade: true})", job)
            one.run("drain").expect(0, err="that was called before")
            require(len(rang(one)) == 2, rang(one))
            one.run("retry", "%s" % one.run("jobs", "--json").json("jobs")
                    ["jobs"][0]["id"], "--by", "ana", "--reason", "asked",
                    "--yes").expect(0)
            one.run("drain", "--quiet").expect(0)
            require(len(rang(one)) == 3, rang(one))


# --- others on the queue ---

def test_two_directories_share_a_queue(box):
    for library in LIBRARIES:
        with queue_of(library) as (server, peer):
            boxes = []
            for name in ("a-" + library, "b-" + library):
                inner = box.path(name)
                inner.mkdir()
                boxes.append(harness.Box(inner))
                configure(boxes[-1], server, limits={"concurrency": 2})
            ids = add(peer, *[person(n, "+1999200%04d" % n)
                              for n in range(60)])
            runs = [b.start("drain", "--quiet") for b in boxes]
            for run in runs:
                run.wait().expect(0)
            for job in ids:
                require(state(peer, job)["state"] == "completed", job)
            calls = collections.Counter(
                row["to"] for b in boxes
                if (b.data / "sim" / "calls.jsonl").exists()
                for row in rang(b))
            require(len(calls) == 60 and max(calls.values()) == 1, calls)
            no_lock_is_left(server)


def test_beside_a_node_worker_each_job_is_done_once(box, library, server,
                                                    peer):
    configure(box, server, mode="shared", lock="1m",
              limits={"concurrency": 3})
    other = world.Peer(library, server.port, "calls")
    try:
        ids = add(peer, *[person(n, "+1999200%04d" % n) for n in range(150)])
        other.do("await tools.work(async () => "
                 "{ await tools.sleep(3); return 1 }, 2)")
        box.run("drain", "--quiet").expect(0)
        harness.wait_for(lambda: all(
            state(peer, j)["state"] == "completed" for j in ids[-3:]) and
            peer.do("return queue.getJobCounts()")["completed"] == len(ids),
            what="all of them")
        theirs = [str(t["worked"]) for t in other.told("worked")]
        require(len(theirs) == len(set(theirs)), "twice by Node")
        ours = rang(box) if box.calls() else []
        require(len(ours) == len({row["to"] for row in ours}), "twice by us")
        require(ours and len(theirs) + len(ours) == len(ids), len(theirs),
                len(ours))
    finally:
        other.stop()
    no_lock_is_left(server)


each_library(test_beside_a_node_worker_each_job_is_done_once)
del test_beside_a_node_worker_each_job_is_done_once


def test_a_redis_that_evicts_is_said_once_and_refused_when_shared(box):
    with queue_of("bull") as (server, peer):
        configure(box, server)
        with redis_of(server) as redis:
            redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        add(peer, person(1))
        r = box.run("drain").expect(0)
        require(r.err.count("noeviction") == 1, r.err)
        configure(box, server, mode="shared")
        add(peer, person(2))
        r = box.run("drain").expect(78)
        require("noeviction" in r.err, r.err)
        require(len(rang(box)) == 1, "called under an evicting policy")


# --- what queues can do ---

def test_order_pause_limits_and_removal(box, library, server, peer):
    configure(box, server, limits={"concurrency": 1})
    number = "+199920000%02d"
    plain = add(peer, person(1, number % 1))
    add(peer, person(2, number % 2), lifo=True)
    add(peer, person(3, number % 3), priority=5)
    add(peer, person(4, number % 4), priority=2)
    add(peer, person(5, number % 5), removeOnComplete=True)
    add(peer, person(6, number % 6), delay=1)
    peer.do("await queue.pause()")
    r = box.run("drain", "--quiet")
    require(r.exit == 0 and not rang(box), "called in a paused queue")
    peer.do("await queue.resume()")
    time.sleep(0.05)
    box.run("drain", "--quiet").expect(0)
    order = [int(row["to"][-2:]) for row in rang(box)]
    require(sorted(order) == [1, 2, 3, 4, 5, 6], order)
    require(order.index(4) < order.index(3), "priorities", order)
    require(order.index(2) < order.index(1), "lifo", order)
    counts = peer.do("return queue.getJobCounts()")
    require(counts["completed"] == 5, counts)
    require(state(peer, plain[0])["state"] == "completed", plain)
    no_lock_is_left(server)


each_library(test_order_pause_limits_and_removal)
del test_order_pause_limits_and_removal


REPEAT = """const mq = tools.kind !== 'bull', r = arg.repeat
    if (mq && r.cron) { r.pattern = r.cron; delete r.cron }
    if (mq) await queue.upsertJobScheduler('daily', r,
        {name: 'call', data: arg.person})
    else await queue.add('call', arg.person, {repeat: r})
    const [late] = await queue.getDelayed()
    if (late) await late.promote()
    const [job] = late ? [late] : await queue.getWaiting()
    return String(job.id)"""


def test_repeats_by_interval_go_on_and_by_cron_are_refused(box, library,
                                                           server, peer):
    configure(box, server)
    every = peer.do(REPEAT, {"repeat": {"every": 3600000},
                             "person": person(1, "+19992000001")})
    box.run("drain", "--quiet").expect(0)
    require(state(peer, every)["state"] == "completed", state(peer, every))
    require(peer.do("return queue.getDelayedCount()") == 1, "not armed again")
    peer.do("for (const j of await queue.getDelayed()) await j.remove()"
            if library == "bull" else "await queue.removeJobScheduler('daily')")
    cron = peer.do(REPEAT, {"repeat": {"cron": "0 0 1 1 *"},
                            "person": person(2, "+19992000002")})
    box.run("drain", "--quiet")
    said = state(peer, cron)
    require(said["state"] == "failed", said)
    for word in (cron, "(call)", '"0 0 1 1 *"', "let cron add the job"):
        require(word in said["reason"], word, said)
    require(len(rang(box)) == 1, rang(box))
    no_lock_is_left(server)


each_library(test_repeats_by_interval_go_on_and_by_cron_are_refused)
del test_repeats_by_interval_go_on_and_by_cron_are_refused


ARMING = ("intake.batch.durable", "source.bull.written", "push.begin",
          "sink.bull.answered", "sink.bull.written", "push.turned")


def test_a_schedule_survives_a_death_at_any_point(box, library, server, peer):
    """Each iteration rings once, and one next one is there: not none, not
    two."""
    configure(box, server)
    peer.do(REPEAT, {"repeat": {"every": 3600000},
                     "person": person(1, "+19992000001")})
    rung, deaths = 0, 0
    points = ["source.bull.answered:%d" % n for n in range(1, 12)]
    for point in (*points, *[p + ":1" for p in ARMING]):
        r = box.run("drain", "--quiet", env={"DSRUN_CRASH_AT": point})
        require(r.exit in (0, 137), point, r)
        deaths += r.exit == 137
        # Another in between finds what is ours, and arms nothing twice.
        box.run("drain", "--quiet", "--wait", "30m").expect(0)
        rung += 1
        require(len(rang(box)) == rung, point, len(rang(box)), rung)
        now = peer.do("""const [wait, delayed, failed] = await Promise.all([
                queue.getWaiting(), queue.getDelayed(), queue.getFailed()])
            const next = delayed.map(j => String(j.id))
            for (const j of delayed) await j.promote()
            return {wait: wait.length, next, failed: failed.length}""")
        require((now["wait"], len(now["next"]), now["failed"]) == (0, 1, 0),
                point, now)
    require(deaths >= 12, "died only", deaths)
    require(len({row["call"] for row in rang(box)}) == rung, "twice")
    no_lock_is_left(server)
    box.run("check").expect(0)


each_library(test_a_schedule_survives_a_death_at_any_point)
del test_a_schedule_survives_a_death_at_any_point


def test_a_flow_s_parent_is_called_after_its_children(box):
    for library in ("bullmq5", "bullmq6"):
        with queue_of(library) as (server, peer):
            inner = box.path(library)
            inner.mkdir()
            one = harness.Box(inner)
            configure(one, server)
            ids = peer.do("""const flow = new tools.lib.FlowProducer(
                    tools.options)
                const job = n => ({name: 'call', queueName: 'calls',
                    data: arg[n]})
                const t = await flow.add({...job(0),
                    children: [job(1), job(2)]})
                const ids = [t.job.id, ...t.children.map(c => c.job.id)]
                await flow.close()
                return ids""", [person(n, "+1999200000%d" % n)
                                for n in range(3)])
            one.run("drain", "--quiet").expect(0)
            one.run("drain", "--quiet").expect(0)
            all_once(one, peer, ids)
            require(rang(one)[-1]["to"].endswith("0"), rang(one))
            no_lock_is_left(server)


def test_bullmq_s_global_limits_are_kept(box):
    for library in ("bullmq5", "bullmq6"):
        with queue_of(library) as (server, peer):
            inner = box.path(library)
            inner.mkdir()
            one = harness.Box(inner)
            configure(one, server)
            ids = add(peer, *[person(n, "+1999200%04d" % n)
                              for n in range(6)])
            with redis_of(server) as redis:
                redis("HSET", "bull:calls:meta", "max", "2", "duration",
                      "60000")
            one.run("drain", "--quiet").expect(0)
            require(len(rang(one)) == 2, library, len(rang(one)))
            with redis_of(server) as redis:
                redis("HDEL", "bull:calls:meta", "max", "duration")
                redis("DEL", "bull:calls:limiter")
                redis("HSET", "bull:calls:meta", "concurrency", "1")
            one.run("drain", "--quiet").expect(0)
            all_once(one, peer, ids)


def test_a_worker_s_settings_limit_and_count(box, library, server, peer):
    """bull.limit is a worker's limiter, bull.metrics its maxDataPoints."""
    configure(box, server, limit=2, limit_per="1h", metrics=60)
    ids = add(peer, *[person(n, "+1999200%04d" % n) for n in range(5)])
    box.run("drain", "--quiet").expect(0)
    require(len(rang(box)) == 2, len(rang(box)))
    box.run("drain", "--quiet").expect(0)
    require(len(rang(box)) == 2, "called above its limit")
    with redis_of(server) as redis:
        require(redis("GET", "bull:calls:limiter") == "2", "not counted")
        redis("DEL", "bull:calls:limiter")
    # Without the setting: the queue has counts, so they go on.
    configure(box, server)
    box.run("drain", "--quiet").expect(0)
    all_once(box, peer, ids)
    counts = peer.do("return (await queue.getMetrics('completed')).meta.count")
    require(counts == 5, counts)


each_library(test_a_worker_s_settings_limit_and_count)
del test_a_worker_s_settings_limit_and_count


def test_jobs_added_while_a_drain_runs_are_called_by_it(box):
    with queue_of("bull") as (server, peer):
        configure(box, server, limits={"concurrency": 1}, sim={"speed": 20})
        first = add(peer, person(1, HUMAN))
        run = box.start("drain", "--quiet")
        harness.wait_for(lambda: box.calls() and rang(box),
                         what="the first call")
        more = add(peer, person(2, "+19992000002"))
        run.wait().expect(0)
        all_once(box, peer, first + more)


# --- Redis away ---

def test_without_redis_what_the_journal_has_is_called(box):
    server = world.Server()
    configure(box, server)
    filled.enqueue(box, filled.job("a"))
    server.stop()
    r = box.run("drain").expect(5)
    require("queue bull:calls" in r.err, r.err)
    require(len(rang(box)) == 1, "not called")


def test_without_redis_only_the_queue_s_own_jobs_wait_for_it(box):
    """One may have been removed there; one of a file may not."""
    with queue_of("bull") as (server, peer):
        configure(box, server, limits={"concurrency": 5})
        add(peer, person(1, "+19992000001"))
        dies_at(box, "intake.batch.durable:1")
        server.process.kill()
        server.process.wait()
        filled.enqueue(box, filled.job("of-a-file"))
        run = box.start("drain", "--quiet")
        harness.wait_for(lambda: box.calls() and rang(box), timeout_s=6,
                         what="the call of the file's job")
        require([row["to"] for row in rang(box)] == [HUMAN], rang(box))
        harness.wait_for(lambda: len(rang(box)) == 2, what="the other call")
        run.terminate()
        run.wait().expect(5)


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


def is_up(server):
    try:
        return server.answers()
    except world.Error:  # it reads its file
        return False


def restart(server, *options):
    """kill -9, and once more what it was, on its port and directory."""
    server.process.kill()
    server.process.wait()
    server.process = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(server.port),
         "--dir", server.dir, "--save", "", "--daemonize", "no", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    harness.wait_for(lambda: is_up(server), what="Redis")


def test_a_worker_outlives_its_redis(box):
    aof = ("--appendonly", "yes", "--appendfsync", "always")
    with queue_of("bullmq5", *aof) as (server, peer):
        configure(box, server)
        ids = add(peer, person(1, "+19992000001"))
        worker = box.start("worker", "--quiet")
        harness.wait_for(lambda: state(peer, ids[0])["state"] == "completed",
                         what="the first job")
        for n in (2, 3):
            restart(server, *aof)
            ids += add(peer, person(n, "+1999200000%d" % n))
            harness.wait_for(
                lambda: state(peer, ids[-1])["state"] == "completed",
                what="a job after the restart")
            require(worker.running(), "the worker ended")
        worker.terminate()
        worker.wait()
        all_once(box, peer, ids)
        no_lock_is_left(server)


def fill(redis):
    """Full: what asks for memory is refused."""
    used = int([line for line in redis("INFO", "memory").split("\r\n")
                if line.startswith("used_memory:")][0].split(":")[1])
    redis("CONFIG", "SET", "maxmemory", str(used // 2))


def test_a_full_redis_loses_and_doubles_nothing(box, library, server, peer):
    """Full with two called and not answered, two taken and not called, two
    that wait: what can be done is done, the rest once there is room, and
    whoever runs it is told."""
    configure(box, server)
    ids = add(peer, person(1), person(2, filled.TREE))
    dies_at(box, "push.begin:1")
    ids += add(peer, *[person(n, "+1999200%04d" % n) for n in (3, 4)])
    dies_at(box, "intake.batch.durable:1")
    ids += add(peer, *[person(n, "+1999200%04d" % n) for n in (5, 6)])
    with redis_of(server) as redis:
        fill(redis)
        for _ in range(3):
            r = box.run("drain", "--quiet").expect(5)
            require("Redis is full: raise its maxmemory" in r.err, r.err)
        require(len(rang(box)) == 4, "not called, or twice", rang(box))
        with contextlib.suppress(world.Error):
            redis("SET", "other", "x")
            raise AssertionError("it was not full")
        # Locks are renewed all the while: nobody's stalled check finds one.
        for job in ids[:4]:
            where = state(peer, job)["state"]
            left = redis("PTTL", "bull:calls:%s:lock" % job)
            require(where == "completed" or (where == "active" and left > 0),
                    job, where, left)
        for job in ids[4:]:
            require(state(peer, job)["state"] in ("waiting", "wait"), job)
        redis("CONFIG", "SET", "maxmemory", "0")
    box.run("drain", "--quiet").expect(0)
    all_once(box, peer, ids)
    no_lock_is_left(server)
    box.run("check").expect(0)


each_library(test_a_full_redis_loses_and_doubles_nothing)
del test_a_full_redis_loses_and_doubles_nothing


class Sentinels:
    """Three of them over a master and its replica."""

    def __init__(self, box):
        self.box, self.processes, self.ports = box, [], []
        self.master = world.Server()
        self.replica = world.Server(
            "--replicaof", "127.0.0.1", str(self.master.port),
            "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
        for n in range(3):
            port = free_port()
            conf = box.write("sentinel-%d/s.conf" % n, """port %d
bind 127.0.0.1
sentinel monitor m 127.0.0.1 %d 2
sentinel down-after-milliseconds m 2000
sentinel failover-timeout m 3000
""" % (port, self.master.port))
            self.processes.append(subprocess.Popen(
                ["redis-server", str(conf), "--sentinel"], cwd=conf.parent,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            self.ports.append(port)
        harness.wait_for(self.agree, what="the sentinels")

    def ask(self, port, *words):
        try:
            r = world.Redis(port)
        except OSError:
            return None
        try:
            return r(*words)
        except (world.Error, OSError):
            return None
        finally:
            r.close()

    def agree(self):
        """Each knows the replica and the two others."""
        for port in self.ports:
            said = self.ask(port, "SENTINEL", "MASTER", "m")
            about = dict(zip(said[::2], said[1::2])) if said else {}
            if (about.get("num-slaves"), about.get("num-other-sentinels")) != (
                    "1", "2"):
                return False
        return True

    def name(self, server):
        return all(self.ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME",
                            "m") == ["127.0.0.1", str(server.port)]
                   for port in self.ports)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.replica.stop()
        self.master.stop()


def test_a_failover_with_the_old_master_back_doubles_nothing(box):
    """Jobs were taken from the old master; it dies, another is master, and
    the old one comes back and calls itself master for a while."""
    if not os.environ.get("DSRUN_NEED_PEERS"):
        raise harness.Skip("sentinels count seconds of their own: set "
                           "DSRUN_NEED_PEERS on a machine that is not busy")
    group = Sentinels(box)
    peer = world.Peer("bull", group.master.port, "calls")
    try:
        configure(box, group.master, url="redis://127.0.0.1:%d" %
                  group.master.port, master="m", sentinels=",".join(
                      "127.0.0.1:%d" % port for port in group.ports),
                  sim={"speed": 300})
        ids = add(peer, *[person(n, "+1999200000%d" % n) for n in range(6)])
        dies_at(box, "intake.batch.durable:1")
        with redis_of(group.replica) as replica:
            harness.wait_for(lambda: replica(
                "LLEN", "bull:calls:active") == 6, what="the replica")
        peer.stop()
        group.master.process.kill()
        group.master.process.wait()
        harness.wait_for(lambda: group.name(group.replica), what="a failover")
        restart(group.master)
        with redis_of(group.replica) as redis:
            box.run("drain", "--quiet").expect(0)
            require(redis("ZCARD", "bull:calls:completed") == 6, "answers")
        calls = collections.Counter(row["to"] for row in rang(box))
        require(len(calls) == len(ids) and max(calls.values()) == 1, calls)
        no_lock_is_left(group.replica)
        box.run("check").expect(0)
    finally:
        if peer.process.poll() is None:
            peer.stop()
        group.stop()


def test_an_old_master_that_answers_for_a_while_doubles_nothing(
        box, library, server, peer):
    """Taken from a master that dies and comes back empty, while its replica
    is master: what is called while the old one answers is answered to the
    new one later, once."""
    replica = world.Server("--replicaof", "127.0.0.1", str(server.port),
                           "--repl-diskless-sync-delay", "0")
    try:
        configure(box, server)
        ids = add(peer, *[person(n, "+1999200000%d" % n) for n in range(6)])
        dies_at(box, "intake.batch.durable:1")
        with redis_of(replica) as new:
            harness.wait_for(lambda: new("LLEN", "bull:calls:active") == 6,
                             what="the replica")
            peer.stop()
            server.process.kill()
            server.process.wait()
            new("REPLICAOF", "NO", "ONE")
            restart(server)
            for _ in range(2):
                box.run("drain", "--quiet").expect(0)
            require(len(rang(box)) == 6, "not called", rang(box))
            require(new("LLEN", "bull:calls:active") == 6, "who told it?")
            configure(box, replica)
            box.run("drain", "--quiet").expect(0)
            require(new("ZCARD", "bull:calls:completed") == 6, "answers")
            require(len(ids) == 6 and len(rang(box)) == 6, "rang again")
        no_lock_is_left(replica)
        box.run("check").expect(0)
    finally:
        replica.stop()


each_library(test_an_old_master_that_answers_for_a_while_doubles_nothing)
del test_an_old_master_that_answers_for_a_while_doubles_nothing


# --- a bad way to Redis ---

class Proxy:
    """toxiproxy before a Redis; its address is ours to give away."""

    def __init__(self, port):
        program = pathlib.Path(world.where("toxiproxy")) / "toxiproxy-server"
        self.api, self.port = free_port(), free_port()
        self.process = subprocess.Popen(
            [program, "-host", "127.0.0.1", "-port", str(self.api)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_for(self.answers, what="toxiproxy")
        self.call("POST", "/proxies", {
            "name": "redis", "enabled": True,
            "listen": "127.0.0.1:%d" % self.port,
            "upstream": "127.0.0.1:%d" % port})

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s" % (self.api, path), method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"User-Agent": "tests"})
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.read()

    def answers(self):
        try:
            return self.call("GET", "/version")
        except OSError:
            return False

    def poison(self, kind, stream="downstream", **attributes):
        self.call("POST", "/proxies/redis/toxics", {
            "name": "it", "type": kind, "stream": stream,
            "attributes": attributes})

    def heal(self):
        with contextlib.suppress(urllib.error.HTTPError):
            self.call("DELETE", "/proxies/redis/toxics/it")

    def stop(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_answers_cut_in_their_midst_double_nothing(box, library, server,
                                                   peer):
    """After so many bytes of answers the connection is cut: in the greeting,
    in what a take gives, in an answer to a result ... , each time once more."""
    proxy = Proxy(server.port)
    try:
        configure(box, proxy, sim={"speed": 500})
        ids = add(peer, *[person(n, "+1999200%04d" % n) for n in range(40)])
        cuts = []
        for size in (6000, 9000, *range(12000, 24000, 800)):
            proxy.poison("limit_data", bytes=size)
            r = box.run("drain", "--quiet")
            require(r.exit in (0, 5), size, r.exit, r.err)
            if r.exit == 5:
                cuts.append((size, len(rang(box))))
            proxy.heal()
        require([n for _, n in cuts if n == 0] and
                [n for _, n in cuts if n > 0],
                "not cut both before and after a call:", cuts)
        box.run("drain", "--quiet").expect(0)
        all_once(box, peer, ids)
        no_lock_is_left(server)
        box.run("check").expect(0)
    finally:
        proxy.stop()


each_library(test_answers_cut_in_their_midst_double_nothing)
del test_answers_cut_in_their_midst_double_nothing


def test_a_slow_redis_and_one_that_resets_double_nothing(box):
    with queue_of("bull") as (server, peer):
        proxy = Proxy(server.port)
        try:
            configure(box, proxy, sim={"speed": 500})
            ids = add(peer, *[person(n, "+1999200%04d" % n)
                              for n in range(30)])
            for kind, more in (("latency", {"latency": 40, "jitter": 30}),
                               ("slicer", {"average_size": 7,
                                           "size_variation": 3,
                                           "delay": 50}),
                               ("reset_peer", {"timeout": 60}),
                               ("reset_peer", {"timeout": 150})):
                proxy.poison(kind, **more)
                r = box.run("drain", "--quiet", "--max-jobs", "6")
                require(r.exit in (0, 5), kind, r.exit, r.err)
                proxy.heal()
            box.run("drain", "--quiet").expect(0)
            all_once(box, peer, ids)
            no_lock_is_left(server)
        finally:
            proxy.stop()


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


def test_while_it_is_paused_a_run_takes_nothing(box):
    """What it took would wait here, and others could not have it."""
    with queue_of("bull") as (server, peer):
        configure(box, server, limits={"concurrency": 3})
        ids = add(peer, *[person(n, "+1999200%04d" % n) for n in range(30)])
        box.run("pause", "--reason", "the script is wrong").expect(0)
        box.run("drain", "--quiet").expect(0)
        worker = box.start("worker", "--quiet")
        time.sleep(1.5)
        require({state(peer, j)["state"] for j in ids[::9]} == {"waiting"},
                peer.do("return queue.getJobCounts()"))
        box.run("resume", "--reason", "it is right").expect(0)
        harness.wait_for(lambda: all(
            state(peer, j)["state"] == "completed" for j in ids[::9]),
            what="the jobs")
        worker.terminate()
        worker.wait().expect(0)
        require(len(rang(box)) == 30, len(rang(box)))


# --- test jobs ---

def test_seeded_jobs_come_as_a_producer_s(box, library, server, peer):
    configure(box, server, library=library)
    d = box.run("seed-queue", "--queue", "--campaign-id", "65a1", "--step", 2,
                "--final", "--count", 3, "--json").expect(0).json("seed")
    require(d["added"] == 3 and d["queue"] == "bull:calls" and
            len(set(d["ids"])) == 3, d)
    require(box.run("jobs", "--json").json("jobs")["jobs"] == [],
            "it is in the journal already")
    seen = peer.do("""const j = await queue.getJob(arg)
        return {name: j.name, data: j.data, state: await j.getState()}""",
                   d["ids"][0])
    require(seen["state"] in ("waiting", "wait") and seen["name"] == "call"
            and seen["data"]["campaignId"] == "65a1"
            and seen["data"]["step"] == 2 and seen["data"]["finalStep"], seen)
    r = box.run("seed", "--queue").expect(0, out="to bull:calls")
    require("seed-" in r.out, r.out)
    box.run("drain", "--quiet", "--wait", "12h")
    for job in d["ids"]:
        require(state(peer, job)["state"] in ("completed", "failed"), job)
    require(len(box.run("jobs", "--json").json("jobs")["jobs"]) == 4, "jobs")


each_library(test_seeded_jobs_come_as_a_producer_s)
del test_seeded_jobs_come_as_a_producer_s


def test_seeding_a_queue_says_what_it_lacks(box):
    filled.configure(box)
    box.run("seed", "--queue").expect(78, err="bull.queue")
    filled.configure(box, bull={"queue": "calls",
                                "url": "redis://127.0.0.1:1"})
    box.run("seed", "--queue").expect(5, err="127.0.0.1:1")
    require(not (box.data / "journal.db").exists(), "it made a journal")


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


if __name__ == "__main__":
    harness.main()
