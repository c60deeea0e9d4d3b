#!/usr/bin/python3
"""Jobs, ids and queues as nobody would think of them, beside ordinary ones."""
import collections
import contextlib

import harness
from harness import require
from t_bull import (LIBRARIES, configure, each_library, no_lock_is_left,
                    person, rang, redis_of, state, world)

ODD_IDS = ("a b", "ü-日本-😀", "x" * 300, "%s%n%d", "'\"\\", "a\tb", "..",
           "{a}", "*", "[x]?", "constructor", "nan", "0x1")
# BullMQ refuses these in its own ways.
ODD_IDS_OF_BULL = ("a:b", "007", "-1", "1e3", "b:lock", "b:logs", "repeat:x:1")


def number(n):
    return "+1999200%04d" % n


def add(peer, ids, first=0):
    return peer.do("""const said = []
        for (const [id, p] of arg) {
            const j = await queue.add('call', p, {jobId: id})
            said.push(String(j.id))
        }
        return said""", [(job, person(first + n, number(first + n)))
                         for n, job in enumerate(ids)])


def all_rang_once(box, n):
    calls = collections.Counter(row["to"] for row in rang(box))
    require(len(calls) == n and max(calls.values()) == 1, len(calls), n,
            calls.most_common(3))


def test_odd_ids_are_called_and_answered(box, library, server, peer):
    configure(box, server)
    ids = [*ODD_IDS, *(ODD_IDS_OF_BULL if library == "bull" else ())]
    require(add(peer, ids) == ids, "not the ids that were asked for")
    box.run("drain", "--quiet").expect(0)
    for job in ids:
        said = state(peer, job)
        require(said["state"] == "completed" and
                said["value"]["outcome"] == "completed", job, said)
    all_rang_once(box, len(ids))
    rows = box.run("jobs", "--limit", "100", "--json").json("jobs")["jobs"]
    require(len({row["id"] for row in rows}) == len(ids), rows)
    for row in rows:
        box.run("why", "--", row["id"]).expect(0)
    with redis_of(server) as redis:
        locks = [k for k in redis("KEYS", "bull:calls:*:lock")
                 if redis("TYPE", k) == "string"]
        require(locks == [], locks)
    box.run("check").expect(0)


each_library(test_odd_ids_are_called_and_answered, globals())
del test_odd_ids_are_called_and_answered


def test_ids_that_are_others_keys_hold_nobody_up(box):
    """Bull takes any id.  One named as another's lock is overwritten by it,
    here as by Bull's own worker; all the others are called and answered."""
    with named("bull", "calls", "bull") as (server, peer):
        configure(box, server)
        bad = ["1:lock", "2:logs", "p:lock"]
        ids = add(peer, [bad[0], "a", bad[1], "b", "p", bad[2]])
        plain = peer.do("""const ids = []
            for (const p of arg)
                ids.push(String((await queue.add('call', p)).id))
            return ids""", [person(n, number(50 + n)) for n in range(8)])
        for _ in range(3):
            box.run("drain", "--quiet")
        for job in [i for i in ids if i not in bad] + plain:
            require(state(peer, job)["state"] == "completed", job,
                    state(peer, job))
        calls = collections.Counter(row["to"] for row in rang(box))
        require(max(calls.values()) == 1, calls)
        box.run("check").expect(0)


def test_an_id_too_long_is_failed_and_named(box, library, server, peer):
    configure(box, server)
    ids = ["y" * 3000, "z" * 100000, "plain"]
    add(peer, ids)
    box.run("drain", "--quiet").expect(0)
    for job in ids[:2]:
        said = state(peer, job)
        require(said["state"] == "failed" and "its id has more than" in
                said["reason"], job[:9], said)
    require(state(peer, "plain")["state"] == "completed", "held up")
    all_rang_once(box, 1)


each_library(test_an_id_too_long_is_failed_and_named, globals())
del test_an_id_too_long_is_failed_and_named


def test_odd_data_fails_alone(box, library, server, peer):
    """What can be read is called, however large; what cannot is failed with
    a reason, and the next drain has nothing to do."""
    configure(box, server)
    good = {"large": "x" * 900000, "deep": {"depth": 10}, "much": [0] * 1500,
            "wide": "日本😀"}
    bad = {"nul": "a\0b", "lone": "\ud800", "larger": "x" * 1100000, "deeper": {"depth": 100},
           "deepest": {"depth": 3000}, "more": [[]] * 120000}
    ids = peer.do("""const ids = {}
        for (let [name, value] of Object.entries(arg.all)) {
            if (value.depth)
                for (let n = value.depth, v = 1; n--; value = v)
                    v = n % 2 ? [v] : {v}
            const p = {...arg.person, phone: arg.phones[name], [name]: value}
            ids[name] = String((await queue.add('call', p)).id)
        }
        return ids""", {"all": {**good, **bad}, "person": person(1),
                        "phones": {name: number(n) for n, name in
                                   enumerate([*good, *bad])}})
    with redis_of(server) as redis:
        # What only another program writes.
        for name, text in (("cut", '{"phone":"+1999'), ("list", "[1]"),
                           ("empty", ""), ("words", "hello"),
                           ("bytes", b'{"phone":"\xff\xfe"}'),
                           ("twice", '{"phone":"%s","phone":"x"}' %
                            number(77))):
            ids[name] = peer.do("return String((await queue.add('call', {}))"
                                ".id)")
            redis("HSET", "bull:calls:" + ids[name], "data", text)
        box.run("drain", "--quiet").expect(0)
        for name, job in ids.items():
            fields = dict(zip(*[iter(redis("HMGET", "bull:calls:" + job,
                                           "failedReason", "returnvalue"))]
                              * 2)) or {None: None}
            reason, value = next(iter(fields.items()))
            if name in good:
                require(value and not reason, name, reason)
            else:
                require(reason and reason.startswith("dsrun: ") and
                        len(reason) < 600, name, reason, value)
        states = redis("ZCARD", "bull:calls:completed"), redis(
            "ZCARD", "bull:calls:failed")
        require(states == (len(good), len(ids) - len(good)), states)
    box.run("drain", "--exit-empty", "--quiet").expect(6)
    all_rang_once(box, len(good))
    no_lock_is_left(server)
    box.run("check").expect(0)


each_library(test_odd_data_fails_alone, globals())
del test_odd_data_fails_alone


def test_what_is_refused_holds_nobody_up(box, library, server, peer):
    """More jobs than one take brings, all of them refused but the last."""
    configure(box, server)
    peer.do("""for (let n = 0; n < arg.n; n++)
            await queue.add('call', {phone: 'none', n}, {delay: 1})
        await tools.sleep(20)
        await queue.add('call', arg.last, {delay: 1})""",
            {"n": 2100, "last": person(1)}, timeout_s=60)
    with redis_of(server) as redis:
        # Their hashes are gone; it is as if there were none.
        for job in range(1, 1100):
            redis("DEL", "bull:calls:%d" % job)
    box.run("drain", "--quiet").expect(0)
    all_rang_once(box, 1)
    counts = peer.do("return queue.getJobCounts()")
    require((counts["failed"], counts["completed"]) == (1001, 1) and
            counts["waiting"] == counts["delayed"] == 0, counts)


each_library(test_what_is_refused_holds_nobody_up, globals())
del test_what_is_refused_holds_nobody_up


@contextlib.contextmanager
def named(library, queue, prefix):
    server = world.Server()
    peer = world.Peer(library, server.port, queue, prefix)
    try:
        yield server, peer
    finally:
        peer.stop()
        server.stop()


def test_odd_names_of_queues_and_prefixes(box):
    names = [("{calls}", "bull"), ("calls", "{bull}"), ("a b", "p q"),
             ("{a}{b}", "{"), ("Ünï", "日本"), ("x" * 200, "y" * 200),
             ("*", "[x]?"), ("completed", "id")]
    for library in LIBRARIES:
        for n, (queue, prefix) in enumerate(
                names + ([("a:b", "c:d")] if library == "bull" else [])):
            inner = box.path("%s-%d" % (library, n))
            inner.mkdir()
            one = type(box)(inner)
            with named(library, queue, prefix) as (server, peer):
                configure(one, server, queue=queue, prefix=prefix)
                ids = add(peer, ["one", "two"])
                one.run("drain", "--quiet").expect(0)
                for job in ids:
                    require(state(peer, job)["state"] == "completed", queue,
                            prefix, state(peer, job))
                all_rang_once(one, 2)
                one.run("doctor", "--queue")
                with redis_of(server) as redis:
                    require(redis("KEYS", "*lock") == [], queue, prefix)


if __name__ == "__main__":
    harness.main()
