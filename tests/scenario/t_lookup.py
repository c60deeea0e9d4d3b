#!/usr/bin/python3
"""Jobs that name a campaign and no phone: a real producer on a real Redis, and
campaigns and contacts in a MongoDB that comes and goes."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

import harness
import t_bull
from filled import BUSY, HUMAN
from harness import require, wait_for

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "store"))
import mongo_world as mongo  # noqa: E402  (found by the line above)

AWAY = "mongodb://127.0.0.1:%d/t?serverSelectionTimeoutMS=500"
MARIA = {"firstName": "Maria", "practiceName": "Oak Street Clinic",
         "phone": HUMAN, "timezone": "America/New_York",
         "email": "maria@example.org"}
PUT = """
const { MongoClient, BSON } = require('mongodb')
const [uri, text] = process.argv.slice(1)
new MongoClient(uri).connect().then(async client => {
    const all = BSON.EJSON.parse(text)
    for (const name in all)
        for (const doc of all[name])
            await client.db().collection(name).replaceOne(
                { _id: doc._id }, doc, { upsert: true })
    await client.close()
}).catch(e => { console.error(e); process.exit(1) })
"""


def oid(kind, n):
    return {"$oid": "65f0a1b2c3d4e5%02x%08x" % (kind, n)}


class World:
    """A box, a queue, and a MongoDB with campaigns."""

    def __init__(self, box, store, peer):
        self.box, self.store, self.peer = box, store, peer
        self.away_uri = AWAY % mongo.free_port()

    def put(self, n, contact=None, **campaign):
        """The n-th campaign and its contact; the campaign's id."""
        docs = {"campaigns": [{
            "_id": oid(1, n), "contact": oid(2, n), "batch": oid(3, 0),
            "status": "pending", **campaign}],
            "contacts": [] if contact is None else
            [{"_id": oid(2, n), **contact}]}
        self.docs(docs)
        return oid(1, n)["$oid"]

    def docs(self, docs):
        env = {**os.environ,
               "NODE_PATH": mongo.peer("mongoose") + "/node_modules"}
        r = subprocess.run(["node", "-e", PUT, self.store.uri,
                            json.dumps(docs)], env=env, text=True,
                           stderr=subprocess.PIPE, timeout=60)
        require(r.returncode == 0, r.stderr)

    def campaign(self, n):
        for doc in mongo.dump(self.store)["campaigns"]:
            if doc["_id"] == oid(1, n):
                return doc
        raise AssertionError("no campaign %d" % n)

    def run(self, *args, away=False, **env):
        uri = self.away_uri if away else self.store.uri
        return self.box.run(*args, env={"DSRUN_MONGO_URI": uri, **env})

    def add(self, campaign, step=1, final=False, data=None, **opts):
        """As the specification has it: nothing but these three."""
        job, = t_bull.add(self.peer, {"campaignId": campaign, "step": step,
                                      "finalStep": final, **(data or {})},
                          **opts)
        return job

    def state(self, job):
        return t_bull.state(self.peer, job)

    def logs(self, job):
        return self.peer.do("return (await queue.getJobLogs(arg)).logs", job)

    def promote(self, job):
        self.peer.do("await (await queue.getJob(arg)).promote()", job)

    def rang(self):
        path = self.box.data / "sim" / "calls.jsonl"
        return [r["to"] for r in t_bull.rang(self.box)] \
            if path.exists() else []

    def refused(self, job, *words):
        said = self.state(job)
        require(said["state"] == "failed", said)
        for word in words:
            require(word in said["reason"], word, said)


@contextlib.contextmanager
def world(box, library="bull", **bull):
    with mongo.java_server() as store, \
            t_bull.queue_of(library) as (redis, peer):
        t_bull.configure(box, redis, **bull)
        yield World(box, store, peer)


def each_library(test):
    for library in t_bull.LIBRARIES:
        def one(box, library=library):
            with world(box, library) as w:
                test(box, w)
        one.__name__ = test.__name__ + "_of_" + library
        one.__doc__ = test.__doc__
        globals()[one.__name__] = one


# --- the way through ---

def test_a_campaign_is_called_and_written_back(box, w):
    phones = (HUMAN, "+1 (202) 555-0105")
    ids = [w.add(w.put(n, {**MARIA, "phone": phone}), final=n == 1)
           for n, phone in enumerate(phones)]
    w.run("drain").expect(0)
    require(sorted(w.rang()) == sorted([HUMAN, BUSY]), w.rang())
    for job in ids:
        require(w.state(job)["state"] == "completed", w.state(job))
    shown = [w.run("show", j["id"], "--json").json("show")["job"]
             for j in w.run("jobs", "--json").json("jobs")["jobs"]]
    contact = shown[0]["contact"]
    require(contact["first_name"] == "Maria" and
            contact["practice"] == "Oak Street Clinic" and
            contact["timezone"] == "America/New_York" and
            contact["email"] == "maria@example.org" and
            "phone" not in contact, contact)
    w.run("sync").expect(0)
    first, second = w.campaign(0), w.campaign(1)
    require(first["lastCompletedStep"] == {"$numberInt": "1"} and
            first["status"] == "in_progress", first)
    require(second["status"] == "failed", second)
    # The same step again is refused now, the next one is not.
    again = w.add(oid(1, 0)["$oid"])
    after = w.add(oid(1, 0)["$oid"], step=2, final=True)
    over = w.add(oid(1, 1)["$oid"], step=2)
    w.run("drain").expect(0)
    w.refused(again, "step 1", "was made")
    w.refused(over, "is over: failed")
    require(w.state(after)["state"] == "completed", w.state(after))
    require(len(w.rang()) == 3, w.rang())
    w.run("check").expect(0)


each_library(test_a_campaign_is_called_and_written_back)
del test_a_campaign_is_called_and_written_back


def test_what_can_never_be_called_says_why(box):
    with world(box) as w:
        none = w.add("65f0a1b2c3d4e5010000ffff")
        orphan = w.add(w.put(1))
        mute = w.add(w.put(2, {"firstName": "Ann"}))
        bad = w.add(w.put(3, {**MARIA, "phone": "555"}))
        out = w.add(w.put(4, {**MARIA, "optedOut": True}))
        over = w.add(w.put(5, MARIA, status="booked"))
        done = w.add(w.put(6, MARIA, lastStep=3), step=3)
        w.run("drain").expect(0)
        w.refused(none, "not found", "65f0a1b2c3d4e5010000ffff")
        w.refused(orphan, "contact", "not found")
        w.refused(mute, "no phone")
        w.refused(bad, "phone")
        w.refused(out, "wants no calls")
        w.refused(over, "is over: booked")
        w.refused(done, "step 3", "last completed step is 3")
        require(w.rang() == [], w.rang())
        # Whatever comes for that number now is not called either.
        require(HUMAN in w.run("dnc", "list").out, w.run("dnc", "list").out)
        job = w.add(w.put(7, MARIA))
        w.run("drain")
        require(w.rang() == [], w.rang())
        require(w.state(job)["state"] == "failed", w.state(job))


def test_the_queue_s_own_retry_is_no_second_step(box):
    with world(box) as w:
        job = w.add(w.put(1, {**MARIA, "phone": BUSY}), final=True,
                    attempts=2, backoff={"type": "fixed", "delay": 50})
        w.run("drain").expect(0)
        w.run("sync").expect(0)
        require(w.campaign(1)["status"] == "failed", w.campaign(1))
        time.sleep(0.2)
        w.run("drain").expect(0)
        require(len(w.rang()) == 2, w.rang())
        require("busy" in w.state(job)["reason"], w.state(job))


def test_a_step_added_twice_is_called_once(box):
    """Before a sync, and while MongoDB knows of nothing."""
    with world(box) as w:
        campaign = w.put(1, MARIA)
        twins = [w.add(campaign), w.add(campaign)]
        w.run("drain").expect(0)
        require(sorted(w.state(j)["state"] for j in twins) ==
                ["completed", "failed"], [w.state(j) for j in twins])
        third = w.add(campaign)
        w.run("drain").expect(0)
        w.refused(third, "step 1", "by another job")
        fourth = w.add(campaign)
        w.run("drain", away=True).expect(0)
        w.refused(fourth, "step 1", "by another job")
        require(w.rang() == [HUMAN], w.rang())


# --- away ---

def test_away_and_unknown_waits_with_a_reason(box, w):
    job = w.add(w.put(1, MARIA))
    r = w.run("drain", away=True).expect(5)
    require("MongoDB" in r.err and "put off by 60 s" in r.err, r.err)
    said = w.state(job)
    require(said["state"] == "delayed" and said["made"] == 0, said)
    lines = w.logs(job)
    require(len(lines) == 1 and "put off by 60 s" in lines[0] and
            "MongoDB" in lines[0], lines)
    require(w.rang() == [], w.rang())
    w.promote(job)
    w.run("drain", away=True).expect(5)
    require(w.state(job)["state"] == "delayed", w.state(job))
    w.promote(job)
    w.run("drain").expect(0)
    require(w.state(job)["state"] == "completed", w.state(job))
    require(w.rang() == [HUMAN], w.rang())


each_library(test_away_and_unknown_waits_with_a_reason)
del test_away_and_unknown_waits_with_a_reason


def test_away_and_known_is_called(box):
    with world(box) as w:
        campaign = w.put(1, MARIA)
        w.add(campaign)
        w.run("drain").expect(0)
        job = w.add(campaign, step=2)
        # One whose phone stands in it needs nobody.
        plain, = t_bull.add(w.peer, t_bull.person(1))
        r = w.run("drain", "--verbose", away=True).expect(0)
        require("as they were known" in r.err, r.err)
        require(len(w.rang()) == 3, w.rang())
        for j in (job, plain):
            require(w.state(j)["state"] == "completed", w.state(j))
        w.run("sync").expect(0)
        require(w.campaign(1)["lastCompletedStep"] == {"$numberInt": "2"},
                w.campaign(1))
        require(len(w.campaign(1)["callHistory"]) == 2, w.campaign(1))


def test_a_worker_goes_on_when_it_comes_back(box):
    with world(box) as w:
        known = w.put(1, MARIA)
        env = {"DSRUN_MONGO_URI": w.store.uri +
               "?serverSelectionTimeoutMS=500"}
        worker = w.box.start("worker", env=env)
        try:
            first = w.add(known)
            wait_for(lambda: w.state(first)["state"] == "completed", 20)
            w.store.kill()
            job = w.add(known, step=2)
            waits = w.add("65f0a1b2c3d4e5010000ffff")
            wait_for(lambda: w.state(job)["state"] == "completed", 20)
            wait_for(lambda: w.state(waits)["state"] == "delayed", 20)
            w.store.start()
            # It is left alone for 10 s; what waits is promoted by hand.
            time.sleep(10)
            w.promote(waits)
            wait_for(lambda: w.state(waits)["state"] == "failed", 20)
            w.refused(waits, "not found")
        finally:
            worker.terminate()
            worker.wait()
        require(len(w.rang()) == 2, w.rang())


def test_ids_need_not_be_object_ids(box):
    with world(box) as w:
        w.docs({"campaigns": [{"_id": "spring-1", "contact": "ada",
                               "lastStep": 1}],
                "contacts": [{"_id": "ada", **MARIA}]})
        again, job = w.add("spring-1"), w.add("spring-1", step=2)
        w.run("drain").expect(0)
        w.refused(again, "step 1")
        require(w.state(job)["state"] == "completed", w.state(job))
        require(w.rang() == [HUMAN], w.rang())


def test_killed_around_the_lookup_each_is_called_once(box):
    with world(box) as w:
        n = 0
        for point in ("source.bull.looked_up:1", "source.people.written:1",
                      "journal.cache.put:2", "intake.batch.durable:2"):
            job = w.add(w.put(n, {**MARIA,
                                  "phone": "+1202555%04d" % (101 + n)}))
            n += 1
            r = w.run("drain", "--quiet", DSRUN_CRASH_AT=point)
            require(r.exit in (137, 0), point, r)
            w.run("drain", "--quiet").expect(0)
            require(w.state(job)["state"] == "completed", point, w.state(job))
            require(len(w.rang()) == n, point, w.rang())
        w.run("check").expect(0)


def test_called_and_not_told_is_told_and_not_refused(box):
    """The campaign has the step by then; the job is answered all the same."""
    with world(box) as w:
        job = w.add(w.put(1, MARIA), final=True)
        r = w.run("drain", "--quiet", DSRUN_CRASH_AT="push.begin:1")
        require(r.exit == 137, r)
        w.put(1, MARIA, status="completed", lastCompletedStep=1)
        w.run("drain").expect(0)
        require(w.state(job)["state"] == "completed", w.state(job))
        require(len(w.rang()) == 1, w.rang())


def test_nothing_personal_is_left_after_a_prune(box):
    with world(box) as w:
        w.add(w.put(1, MARIA))
        w.run("drain").expect(0)
        w.run("sync").expect(0)
        count = "SELECT count(*) n FROM cache"
        require("2" in w.run("sql", count).out, w.run("sql", count).out)
        w.add(w.put(2, {**MARIA, "phone": BUSY}))
        w.run("drain").expect(0)
        time.sleep(0.5)
        r = w.run("prune", "--older-than", "1s")
        left = w.run("sql", count).out
        require(r.exit == 0 and "0" in left, r, left)


def test_an_empty_queue_loads_no_driver(box):
    with world(box) as w:
        r = w.run("drain", away=True, LD_DEBUG="files").expect(0)
        require("libuv" in r.err and "libmongoc" not in r.err, "loaded")
        w.add(w.put(1, MARIA))
        r = w.run("drain", LD_DEBUG="files").expect(0)
        require("libmongoc" in r.err, "not loaded")


if __name__ == "__main__":
    harness.main()
