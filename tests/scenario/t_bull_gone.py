#!/usr/bin/python3
"""Jobs that somebody removes from their queue while dsrun has them: handed
back, taken and not called yet, being called, parked."""
import filled
import harness
from harness import require
from t_bull import (add, configure, dies_at, each_library, no_lock_is_left,
                    person, rang, redis_of, state)

NIGHT = {"speed": 1, "start": "2027-01-05T05:00:00Z"}
OBLITERATE = "await queue.pause(); await queue.obliterate({force: true})"


def jobs(box):
    rows = box.run("jobs", "--json").json("jobs")["jobs"]
    return {row["id"].split("@")[0]: (row["state"], row["reason"])
            for row in rows}


def put_off(box, server, peer, n):
    """n jobs that went back to the queue until the morning."""
    configure(box, server, sim=NIGHT, lock="1m")
    ids = add(peer, *[person(k, "+1202555%04d" % (101 + k))
                      for k in range(n)])
    for _ in range(2):
        box.run("drain").expect(0)
    require([state(peer, j)["state"] for j in ids] == ["delayed"] * n, ids)
    require(set(jobs(box).values()) == {("QUEUED", "away")}, jobs(box))
    return ids


def was_not_called(box):
    require(not box.calls() or not rang(box), "called", box.calls())


def test_removed_after_it_went_back_it_is_cancelled(box, library, server,
                                                    peer):
    one, two, three = put_off(box, server, peer, 3)
    peer.do("await (await queue.getJob(arg)).remove()", one)
    peer.do("await (await queue.getJob(arg)).remove()", two)
    r = box.run("drain").expect(0)
    require("2 jobs are not called" in r.err, r.err)
    require(jobs(box) == {one: ("CANCELLED", "gone"),
                          two: ("CANCELLED", "gone"),
                          three: ("QUEUED", "away")}, jobs(box))
    box.run("why", "#1").expect(0, out="its queue no longer has it")
    require(len(box.results()) == 2, box.results())
    r = box.run("drain").expect(0)
    require("not called" not in r.err and len(box.results()) == 2, r.err)
    require(state(peer, three)["state"] == "delayed", "not left alone")
    # Cleaned away, by age and state, is removed as well.
    peer.do("await queue.clean(%s)" % (
        "0, 'delayed'" if library == "bull" else "0, 100, 'delayed'"))
    box.run("drain", "--quiet").expect(0)
    require(jobs(box)[three] == ("CANCELLED", "gone"), jobs(box))
    was_not_called(box)
    box.run("check").expect(0)


each_library(test_removed_after_it_went_back_it_is_cancelled, globals())
del test_removed_after_it_went_back_it_is_cancelled


def test_a_redis_that_knows_nothing_cancels_nothing(box, library, server,
                                                    peer):
    """Emptied, or another one for a while: the jobs may come back."""
    one, two = put_off(box, server, peer, 2)
    with redis_of(server) as redis:
        redis("SWAPDB", "0", "1")
        box.run("drain", "--quiet").expect(0)
        require(set(jobs(box).values()) == {("QUEUED", "away")}, jobs(box))
        # Who knows that the queue is lost for good can call them here.
        box.run("why", "#1").expect(0, out="dsrun cancel")
        # Not either when the other one has given us jobs.
        add(peer, person(9, "+19992000009"))
        box.run("drain", "--quiet").expect(0)
        states = [s for s, _ in jobs(box).values()]
        require("CANCELLED" not in states, states)
        redis("SWAPDB", "0", "1")
        box.run("drain", "--quiet").expect(0)
    require([state(peer, j)["state"] for j in (one, two)] ==
            ["delayed"] * 2, "changed")
    was_not_called(box)


each_library(test_a_redis_that_knows_nothing_cancels_nothing, globals())
del test_a_redis_that_knows_nothing_cancels_nothing


def test_an_obliterated_queue_s_jobs_are_not_called(box, library, server,
                                                    peer):
    configure(box, server)
    add(peer, *[person(n, "+1202555%04d" % (101 + n)) for n in range(4)])
    dies_at(box, "intake.batch.durable:1")
    require(len(jobs(box)) == 4, jobs(box))
    peer.do(OBLITERATE)
    r = box.run("drain").expect(0)
    require("4 jobs are not called" in r.err, r.err)
    require(set(jobs(box).values()) == {("CANCELLED", "gone")}, jobs(box))
    was_not_called(box)
    # The queue is used again, with the same numbers.
    new, = add(peer, person(9, "+19992000009"))
    require(new == "1", new)
    box.run("drain", "--quiet").expect(0)
    require(state(peer, new)["state"] == "completed", state(peer, new))
    require(len(rang(box)) == 1, rang(box))
    no_lock_is_left(server)
    box.run("check").expect(0)


each_library(test_an_obliterated_queue_s_jobs_are_not_called, globals())
del test_an_obliterated_queue_s_jobs_are_not_called


BY_HAND = {
    "failed": "moveToFailed(new Error('by hand'), %s)",
    "completed": "moveToCompleted('by hand', %s)"}


def test_ended_by_hand_whatever_its_lock_it_is_not_called(
        box, library, server, peer):
    """As people end what hangs in active: the library leaves the lock."""
    ways = {"failed": "true", "completed": "true, true"} \
        if library == "bull" else {"failed": "'0'", "completed": "'0', false"}
    configure(box, server)
    ids = add(peer, *[person(n, "+1999200000%d" % n) for n in range(4)])
    add(peer, person(4, "+19992000004"), removeOnFail=True)
    dies_at(box, "intake.batch.durable:1")
    for job, way in zip((*ids[:2], "5"), ("failed", "completed", "failed")):
        peer.do("await (await queue.getJob(arg)).%s" %
                (BY_HAND[way] % ways[way]), job)
    box.run("drain", "--quiet").expect(0)
    require({row["to"][-1] for row in rang(box)} == {"2", "3"}, rang(box))
    require([state(peer, j)["state"] for j in ids] ==
            ["failed", "completed", "completed", "completed"],
            [state(peer, j) for j in ids])
    ended = [jobs(box)[j] for j in (*ids[:2], "5")]
    require(ended == [("CANCELLED", "gone")] * 3, ended)
    no_lock_is_left(server)
    # Tried again there, it is one more try.
    peer.do("await (await queue.getJob(arg)).retry()", ids[0])
    box.run("drain", "--quiet").expect(0)
    require(len(rang(box)) == 3, rang(box))
    require(state(peer, ids[0])["state"] == "completed", state(peer, ids[0]))
    box.run("check").expect(0)


each_library(test_ended_by_hand_whatever_its_lock_it_is_not_called, globals())
del test_ended_by_hand_whatever_its_lock_it_is_not_called


def test_removed_while_it_is_called_the_call_goes_on(box, library, server,
                                                     peer):
    configure(box, server, sim={"speed": 20})
    add(peer, person(1, "+12025550101"))
    run = box.start("drain", "--verbose")
    harness.wait_for(lambda: box.calls() and rang(box), what="a call")
    peer.do(OBLITERATE)
    r = run.wait().expect(0)
    require("dead-letter" not in r.err, r.err)
    require("no such job in it any more" in r.err, r.err)
    require(len(rang(box)) == 1, rang(box))
    require(jobs(box)["1"][0] == "DONE", jobs(box))
    box.run("outbox", "--json").expect(0, out='"outbox":[]')
    require(box.results()[0]["state"] == "DONE", box.results())
    box.run("drain", "--quiet").expect(0)
    require(len(rang(box)) == 1, rang(box))
    box.run("check").expect(0)


each_library(test_removed_while_it_is_called_the_call_goes_on, globals())
del test_removed_while_it_is_called_the_call_goes_on


def test_removed_in_the_midst_of_a_run_most_are_not_called(
        box, library, server, peer):
    """All are in the journal; the first answer that finds no such job makes
    the run look for the others."""
    configure(box, server, sim={"speed": 20}, limits={"concurrency": 1})
    add(peer, *[person(n, "+1202555%04d" % (101 + n)) for n in range(6)])
    dies_at(box, "intake.batch.durable:1")
    run = box.start("drain")
    harness.wait_for(lambda: box.calls() and rang(box), what="a call")
    peer.do(OBLITERATE)
    run.wait().expect(0)
    states = [s for s, _ in jobs(box).values()]
    require(len(rang(box)) <= 3 and states.count("CANCELLED") >= 3, states)
    require(states.count("CANCELLED") + len(rang(box)) == 6, states)
    box.run("check").expect(0)


each_library(test_removed_in_the_midst_of_a_run_most_are_not_called,
             globals())
del test_removed_in_the_midst_of_a_run_most_are_not_called


def test_parked_in_an_obliterated_queue_it_is_resolved(box, library, server,
                                                       peer):
    for way, end in (("absent", None), ("drop", "CANCELLED")):
        inner = box.path(way)
        inner.mkdir()
        one = harness.Box(inner)
        configure(one, server, sim={"class": "blind",
                                    "faults": {"request_lost": 1}})
        peer.do("await queue.resume()")
        add(peer, person(1))
        one.run("drain", "--quiet").expect(4)
        peer.do(OBLITERATE)
        one.run("drain", "--quiet").expect(0)
        one.run("resolve", "#1", "--as", way, "--by", "ana", "--reason",
                "asked the practice", "--yes").expect(0)
        one.run("drain", "--quiet", "--wait", "3h").expect(0)
        said, = jobs(one).values()
        require(said[0] in ((end,) if end else ("CANCELLED", "FAILED")), way,
                said)
        require(one.run("parked", "--json").json("parked")["parked"] == [],
                "parked still")
        was_not_called(one)
        one.run("check").expect(0)


each_library(test_parked_in_an_obliterated_queue_it_is_resolved, globals())
del test_parked_in_an_obliterated_queue_it_is_resolved


if __name__ == "__main__":
    harness.main()
