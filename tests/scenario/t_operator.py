#!/usr/bin/python3
"""What an operator meets at night: a user without rights, a full Redis, a sink
that is gone from the configuration, dead letters, a job known by the queue's
own id.  Each is named where people look, with what to do."""
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading

import filled
import harness
from filled import called, job
from harness import ROOT, require

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "queue")]
import world  # noqa: E402  (found by the line above)

NOWHERE = "mongodb://127.0.0.1:1/t?serverSelectionTimeoutMS=200"


def findings(box, *args, exit=0):
    d = box.run("doctor", "--json", *args).expect(exit).json("doctor")
    return [(c["check"], c["grade"], "%s -> %s" % (c["text"], c["advice"]))
            for c in d["checks"]]


def said(box, check, grade, *words, args=(), exit=0):
    found = findings(box, *args, exit=exit)
    require(any(c == check and g == grade and all(w in text for w in words)
                for c, g, text in found), "no", check, grade, words, "in",
            found)


def with_queue(test):
    """A Redis and a real Bull on it; the box drains its queue."""
    def run(box):
        server = world.Server("--appendonly", "yes")
        peer = world.Peer("bull", server.port, "calls")
        redis = world.Redis(server.port)
        try:
            at(box, server)
            box.run("init").expect(0)
            test(box, server, redis, peer)
        finally:
            redis.close()
            peer.stop()
            server.stop()
    run.__name__ = test.__name__
    return run


def at(box, server, **bull):
    filled.configure(box, bull={
        "queue": "calls", "url": "redis://127.0.0.1:%d" % server.port,
        "names": "call", **bull})


def add(peer, n=1):
    return peer.do("""const ids = []
        for (let i = 0; i < arg; i++)
            ids.push((await queue.add('call', {phone: '+12025550101',
                contact: {timezone: 'America/New_York'}, i})).id)
        return ids""", n)


# --- the queue ---

@with_queue
def test_a_user_without_a_command_takes_nothing_and_loses_nothing(
        box, server, redis, peer):
    """A script that Redis breaks off keeps what it wrote: the job would stand
    in no list, and its producer wait for ever."""
    add(peer)
    for rights, word in ((("-zadd",), "ZADD"), (("resetchannels",), "PUBLISH"),
                         (("-lrem", "-incr"), "INCR LREM")):
        redis("ACL", "SETUSER", "lame", "reset", "on", ">pw", "~bull:*",
              "&bull:*", "+@all", *rights)
        at(box, server, user="lame")
        box.path(".env").write_text("DSRUN_BULL_PASSWORD=pw\n")
        box.run("drain").expect(78, err=word)
        require(redis("LLEN", "bull:calls:wait") == 1, "it was taken")
        said(box, "queue", "fail", word, "ACL SETUSER", args=["--queue"],
             exit=78)
    redis("ACL", "SETUSER", "lame", "reset", "on", ">pw", "~bull:*",
          "&bull:*", "+@all")
    box.run("drain").expect(0)
    require(redis("ZCARD", "bull:calls:completed") == 1, "not completed")


@with_queue
def test_a_result_waits_until_the_user_has_its_rights_again(
        box, server, redis, peer):
    add(peer)
    redis("ACL", "SETUSER", "lame", "on", ">pw", "~bull:*", "&bull:*", "+@all")
    at(box, server, user="lame")
    box.path(".env").write_text("DSRUN_BULL_PASSWORD=pw\n")
    box.run("drain", env={"DSRUN_CRASH_AT": "intake.batch.durable:1"}
            ).expect(137)
    redis("ACL", "SETUSER", "lame", "-zadd")
    box.run("drain").expect(78, err="ZADD")
    require(redis("LLEN", "bull:calls:active") == 1, "it was given away")
    redis("ACL", "SETUSER", "lame", "+zadd")
    box.run("drain").expect(0)
    box.run("sync").expect(0)
    require(redis("ZCARD", "bull:calls:completed") == 1, "not completed")


def test_the_rights_that_are_asked_for_are_those_that_scripts_use(box):
    lua = ROOT / "pkg" / "bull" / "lua"
    used = {w.upper() for f in lua.glob("*.lua")
            for w in re.findall(r"call\('([A-Za-z]+)'", f.read_text())}
    named = re.search(r"COMMANDS = ((?:'[A-Z ]+'[ .\n]*)+)",
                      (lua / "detect.lua").read_text()).group(1)
    named = set(re.findall("[A-Z]+", named))
    require(named == used, "too many:", named - used, "missing:", used - named)


@with_queue
def test_a_user_who_may_not_ask_how_redis_is_may_work(box, server, redis,
                                                      peer):
    add(peer)
    redis("ACL", "SETUSER", "lame", "on", ">pw", "~bull:*", "&bull:*", "+@all",
          "-info", "-config")
    at(box, server, user="lame")
    box.path(".env").write_text("DSRUN_BULL_PASSWORD=pw\n")
    said(box, "redis", "warn", "NOPERM", "+info", args=["--queue"])
    box.run("drain").expect(0)
    require(redis("ZCARD", "bull:calls:completed") == 1, "not completed")


@with_queue
def test_a_full_redis_is_said(box, server, redis, peer):
    add(peer)
    redis("CONFIG", "SET", "maxmemory", "1")
    said(box, "redis memory", "fail", "full", "maxmemory", args=["--queue"],
         exit=1)
    redis("CONFIG", "SET", "maxmemory", "0")
    said(box, "redis memory", "ok", args=["--queue"])


@with_queue
def test_a_wrong_password_is_told_from_one_too_many(box, server, redis, peer):
    box.path(".env").write_text("DSRUN_BULL_PASSWORD=pw\n")
    said(box, "redis", "fail", "wants no password", args=["--queue"], exit=78)
    redis("ACL", "SETUSER", "ana", "on", ">right", "+@all", "~*")
    at(box, server, user="ana")
    said(box, "redis", "fail", "WRONGPASS", "bull.user", args=["--queue"],
         exit=78)
    at(box, server, library="bullmq")
    box.path(".env").unlink()
    add(peer)
    said(box, "queue", "fail", "bull.library", args=["--queue"], exit=78)


@with_queue
def test_answers_wait_for_the_queue_that_asked(box, server, redis, peer):
    """The new queue knows no such job: that is not the end of it."""
    add(peer)
    box.run("drain", env={"DSRUN_CRASH_AT": "push.begin:1"}).expect(137)
    at(box, server, queue="other")
    filled.alter(box, "UPDATE outbox SET next_ms=0 WHERE state=0")
    box.run("sync", "--max-duration", "1s")
    require(redis("LLEN", "bull:calls:active") == 1, "told")
    box.run("outbox").expect(0, out="bull.queue is bull:bull:other now")
    said(box, "results", "warn", "wait for bull", "bull.queue")
    at(box, server)
    filled.alter(box, "UPDATE outbox SET next_ms=0 WHERE state=0")
    box.run("sync").expect(0)
    require(redis("ZCARD", "bull:calls:completed") == 1, "not completed")


@with_queue
def test_a_job_is_found_by_its_queue_s_own_id(box, server, redis, peer):
    one, two = add(peer, 2)
    box.run("drain").expect(0)
    d = box.run("why", one, "--json").expect(0).json("why")
    require(d["id"].startswith(one + "@"), d)
    box.run("show", two).expect(0, out="%s@" % two)
    box.run("replay", one).expect(0)
    box.run("replay").expect(2, err="JOB is missing")
    box.run("replay", one, "--job", two).expect(2, err="say one")
    box.run("why", "3").expect(1, err="no job")
    peer.do("""const j = await queue.getJob(arg)
        await j.remove()
        await queue.add('call', {phone: '+12025550101',
            contact: {timezone: 'America/New_York'}}, {jobId: arg})""", one)
    box.run("drain").expect(0)
    r = box.run("why", one).expect(2, err="more than once")
    require(r.err.count(one + "@") == 2, r.err)


@with_queue
def test_seed_queue_means_the_queue_where_there_is_one(box, server, redis,
                                                       peer):
    d = box.run("seed-queue", "--count", 2, "--json").expect(0).json("seed")
    require(d["queue"] == "bull:calls", d)
    require(redis("LLEN", "bull:calls:wait") == 2, "not in the queue")
    d = box.run("seed", "--json").expect(0).json("seed")
    require(d["queue"] is None, d)


def test_a_server_of_another_authority_is_told_from_one_that_is_away(box):
    for name in ("ours", "theirs"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", name + ".key", "-out", name + ".pem", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1"],
            cwd=box.dir, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(box.path("theirs.pem"), box.path("theirs.key"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener, context),
                         daemon=True).start()
        for ca, exit, check, words in (
                ("ours", 5, "redis", ("certificate", "ca_file")),
                ("gone", 78, "configuration", ("bull.ca_file", "there"))):
            filled.configure(box, bull={
                "queue": "calls", "ca_file": str(box.path(ca + ".pem")),
                "url": "rediss://127.0.0.1:%d" % listener.getsockname()[1]})
            said(box, check, "fail", *words, args=["--queue"], exit=exit)
        box.path("ours.pem").rename(box.path("gone.pem"))
        box.run("init").expect(0)
        box.run("drain").expect(5, err="look: dsrun doctor --queue")


def greet(listener, context):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            context.wrap_socket(client, server_side=True).close()
        except OSError:
            client.close()


# --- the outbox ---

def test_results_of_a_sink_that_is_gone_are_said(box):
    filled.configure(box)
    box.path(".env").write_text("DSRUN_MONGO_URI=%s\n" % NOWHERE)
    filled.enqueue(box, job("a"))
    box.run("drain").expect(0)
    box.run("sync").expect(5)
    said(box, "results", "warn", "1 of 1", "mongo", "dsrun doctor --mongo")
    box.path(".env").unlink()
    filled.alter(box, "UPDATE outbox SET next_ms=0 WHERE state=0")
    box.run("sync").expect(0)
    box.run("outbox").expect(0, out="mongo is not set in the configuration")
    said(box, "results", "warn", "1 wait for mongo", "not set", "drop ROW")
    box.run("status").expect(0, out="results wait for mongo")
    d = box.run("status", "--json").expect(0).json("status")
    require(d["outbox"]["unset"] == ["mongo"], d["outbox"])
    row = box.run("outbox", "--json").json("outbox")["outbox"][0]["row"]
    box.run("outbox", "drop", row, "--by", "ana", "--reason", "no Mongo here"
            ).expect(0)
    said(box, "journal", "ok", "nobody is needed")
    d = box.run("status", "--json").expect(0).json("status")
    require(d["outbox"] == {"pending": 0, "dead": 0, "unset": []}, d["outbox"])


def test_a_dead_letter_that_is_dropped_asks_for_nobody(box):
    called(box, job("a"))
    filled.alter(box, "UPDATE outbox SET state=2, tries=9, error='e'")
    said(box, "results", "warn", "1 dead letter", "dsrun outbox retry")
    box.run("status").expect(0, out="dsrun outbox --state dead")
    box.run("outbox", "drop", "1", "--by", "ana", "--reason", "by hand"
            ).expect(0, err="1 given up")
    require("DEAD" not in box.run("status").expect(0).out, "it asks still")
    box.run("outbox", "--state", "dead").expect(0, out="dropped by ana: by hand")
    box.run("outbox", "drop", "1", "--reason", "r").expect(
        1, err="neither pending nor")
    box.run("outbox", "retry").expect(0, err="no dead letters")
    box.run("outbox", "retry", "1").expect(0)
    box.run("sync").expect(0)
    said(box, "journal", "ok", "nobody is needed")


def test_parked_jobs_are_said(box):
    filled.parked(box, job("a"))
    said(box, "parked", "warn", "1 jobs", "dsrun parked")


if __name__ == "__main__":
    harness.main()
