#!/usr/bin/python3
"""A Redis that refuses us in the midst of a run: by its access list, by its
password."""
import harness
from harness import require
from t_bull import (add, all_once, configure, dies_at, no_lock_is_left, person,
                    queue_of, rang, redis_of, state)


def people(n):
    return [person(k, "+1202555%04d" % (101 + k)) for k in range(n)]


def test_nobody_is_hung_up_on_when_the_queue_refuses(box):
    """The next take is not allowed any more while three are on the phone."""
    with queue_of("bull") as (server, peer):
        configure(box, server, sim={"speed": 20}, limits={"concurrency": 3})
        ids = add(peer, *people(5))
        run = box.start("drain", "--quiet")
        harness.wait_for(lambda: box.calls() and len(rang(box)) == 3,
                         what="three calls")
        with redis_of(server) as redis:
            redis("ACL", "SETUSER", "default", "-evalsha", "-eval")
            r = run.wait().expect(78, err="NOPERM")
            redis("ACL", "SETUSER", "default", "+@all")
        require("interrupted" not in r.err and "hung" not in r.err, r.err)
        outcomes = {row["outcome"] for row in
                    box.run("jobs", "--json").json("jobs")["jobs"]}
        require(outcomes <= {"completed", "voicemail", "no-answer", "busy",
                             None}, outcomes)
        box.run("drain", "--quiet").expect(0)
        all_once(box, peer, ids)
        no_lock_is_left(server)
        box.run("check").expect(0)


def test_a_wrong_password_is_no_trouble_that_passes(box):
    """What the journal has is called; the exit code says that a person must
    look, and quickly, however many answers wait."""
    with queue_of("bullmq5") as (server, peer):
        configure(box, server, sim={"speed": 50}, limits={"concurrency": 1})
        ids = add(peer, *people(3))
        dies_at(box, "intake.batch.durable:1")
        run = box.start("drain", "--quiet")
        harness.wait_for(lambda: box.calls() and rang(box), what="a call")
        with redis_of(server) as redis:
            redis("CONFIG", "SET", "requirepass", "secret")
            redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            run.wait().expect(78, err="NOAUTH")
            require(len(rang(box)) == 3, "not called", rang(box))
            for command in ("drain", "sync"):
                box.run(command, "--quiet").expect(78, err="NOAUTH")
            box.run("drain", "--quiet", env={"DSRUN_BULL_PASSWORD": "other"}
                    ).expect(78, err="WRONGPASS")
            require(len(rang(box)) == 3, "called again", rang(box))
            box.run("sync", env={"DSRUN_BULL_PASSWORD": "secret"}).expect(0)
            redis("CONFIG", "SET", "requirepass", "")
        require([state(peer, j)["state"] for j in ids] == ["completed"] * 3,
                [state(peer, j) for j in ids])
        no_lock_is_left(server)


if __name__ == "__main__":
    harness.main()
