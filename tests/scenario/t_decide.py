#!/usr/bin/python3
"""What a named person decides: resolve, cancel, retry; and what why says."""
import json
import re
import sqlite3

import filled
import harness
import oracle
from filled import HUMAN, NO_ANSWER, TREE, VOICEMAIL, job
from harness import require, wait_for

BY = ("--by", "ana", "--reason", "asked the practice")


def one(result):
    """The only row of a decision's document."""
    rows = result.json("decision")["jobs"]
    require(len(rows) == 1, "rows:", rows)
    return rows[0]


def show(box, name):
    return box.run("show", name, "--json").expect(0).json("show")


def state(box, name):
    rows = box.run("jobs", "--json").expect(0).json("jobs")["jobs"]
    return next(r["state"] for r in rows if r["id"] == name)


def query(box, sql):
    """Rows of a journal that nobody uses."""
    db = sqlite3.connect("file:%s?mode=ro" % (box.data / "journal.db"),
                         uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def kept(box):
    """The network and dsrun agree, and check finds nothing."""
    oracle.require_kept(box.data)
    return box.run("check", "--json").expect(0).json("check")


def stopped_at(box, point, *args, **env):
    """A drain that the kernel stopped at a crash point."""
    process = box.start("drain", *args, env={
        "DSRUN_CRASH_AT": point + ":1:stop", **env})
    wait_for(process.stopped, 10, "the stop at " + point)
    return process


# --- resolve ---

def test_each_word_about_a_parked_attempt_has_its_effect(box):
    filled.parked(box, job("a"), job("b", "+12125550142"),
                  job("c", "+12155550113"))
    r = one(box.run("resolve", "a", "--as", "placed", *BY, "--json").expect(0))
    require((r["result"], r["state"], r["outcome"]) ==
            ("done", "DONE", "unknown"), r)
    box.run("resolve", "b", "--as", "absent", *BY).expect(0, err="QUEUED")
    box.run("resolve", "c", "--as", "drop", *BY).expect(0, err="CANCELLED")
    states = {n: show(box, n)["attempts"][-1]["state"] for n in "abc"}
    require(states == {"a": "ENDED", "b": "ABSENT", "c": "CANCELLED"}, states)
    box.run("sync").expect(0)
    results = {r["job"]["id"]: r for r in box.results()}
    require(results["a"]["outcome"] == "unknown", results)
    require(results["c"]["state"] == "CANCELLED" and "b" not in results,
            results)
    require(not oracle.violations(box.calls(), box.results()))


def test_who_said_so_stands_beside_the_events_and_not_in_them(box):
    filled.parked(box, job("a"))
    box.run("resolve", "a", "--as", "drop", *BY).expect(0)
    deeds = query(box, "SELECT id, what, by_name, reason FROM deed")
    require(deeds == [(1, "resolve drop #1", "ana", "asked the practice")],
            deeds)
    event = show(box, "a")["events"][-1]
    require(event["event"] == "RESOLVE_DROP" and event["detail"] == "deed 1",
            event)
    require("ana" not in json.dumps(show(box, "a")["events"]), "named")


def test_an_absent_call_is_made_again_and_check_lists_the_lie(box):
    filled.parked(box, job("a"))
    box.run("resolve", "a", "--as", "absent", *BY).expect(0)
    box.run("drain").expect(4)
    require(len([c for c in box.calls() if c["ev"] == "placed"]) == 2)
    require(len(show(box, "a")["attempts"]) == 2)
    box.run("resolve", "a", "--as", "placed", *BY).expect(0)
    document = kept(box)
    require(any("I14" in line for line in document["listed"]),
            "the answer was lost, the phone rang:", document["listed"])


def test_resolve_wants_a_name_a_reason_and_a_parked_job(box):
    filled.called(box, job("a"))
    box.run("resolve", "a", "--as", "absent", "--by", "ana").expect(2)
    box.run("resolve", "a", "--as", "gone", *BY).expect(2)
    box.run("resolve", "b", "--as", "drop", *BY).expect(1, err="no job")
    r = box.run("resolve", "a", "--as", "drop", *BY, "--json").expect(1)
    filled.error_of(r, "ERR_STATE")
    require(not query(box, "SELECT 1 FROM deed"), "a deed without an effect")


def test_an_attempt_of_a_live_run_is_not_resolved(box):
    filled.configure(box)
    filled.enqueue(box, job("a"))
    process = stopped_at(box, "run.dial.before")
    r = box.run("resolve", "a", "--as", "absent", *BY).expect(11)
    require("pid %d" % process.pid in r.err, "no pid:", r.err)
    box.run("retry", "a", "--by", "ana").expect(
        11, err="pid %d" % process.pid)
    process.cont()
    process.wait().expect(0)
    require(state(box, "a") == "DONE")
    kept(box)


def test_what_a_dead_run_left_is_for_the_next_one(box):
    filled.configure(box)
    filled.enqueue(box, job("a"))
    process = stopped_at(box, "run.dial.before")
    process.kill()
    box.run("resolve", "a", "--as", "absent", *BY).expect(11, err="is gone")
    box.run("why", "a").expect(0, out="which is gone")
    box.run("drain", "--wait", "1h").expect(0)
    kept(box)


def test_late_evidence_contradicts_a_persons_word(box):
    filled.configure(box, sim={
        "class": "callback",
        "faults": {"answer_lost": 1, "callback_late": 1,
                   "callback_late_ms": 1200000}})
    filled.enqueue(box, job("a", campaignId="spring"))
    box.run("drain").expect(4)
    box.run("resolve", "a", "--as", "drop", *BY).expect(0)
    wait_for(lambda: box.run("drain").exit == 4 or
             show(box, "a")["attempts"][0]["state"] == "CONFLICT",
             10, "the callback")
    require(show(box, "a")["attempts"][0]["state"] == "CONFLICT")
    paused = box.run("status", "--json").json("status")["paused"]
    require(paused, "its campaign goes on")
    require(any("I14" in line for line in kept(box)["listed"]))


def test_late_evidence_ends_a_parked_attempt_by_itself(box):
    filled.configure(box, sim={
        "class": "callback",
        "faults": {"answer_lost": 1, "callback_late": 1,
                   "callback_late_ms": 1200000}})
    filled.enqueue(box, job("a"))
    box.run("drain").expect(4)
    wait_for(lambda: box.run("drain") and state(box, "a") == "DONE", 10,
             "the callback")
    box.run("resolve", "a", "--as", "absent", *BY).expect(1)
    kept(box)


# --- cancel ---

def test_a_job_that_waits_is_cancelled_once(box):
    filled.configure(box)
    filled.enqueue(box, job("a"), job("b", notBefore="2027-03-01T00:00:00Z"))
    r = box.run("cancel", "a", "b", "--json").expect(0)
    require([j["state"] for j in r.json("decision")["jobs"]] == ["CANCELLED"] * 2)
    r = one(box.run("cancel", "a", "--json").expect(0))
    require(r["result"] == "already", r)
    box.run("drain").expect(0)
    require([r["state"] for r in box.results()] == ["CANCELLED"] * 2)
    require(all(r["call"] is None for r in box.results()))
    require(not [c for c in box.calls() if c["ev"] == "request"])
    kept(box)


def test_a_campaign_is_cancelled_when_it_is_meant(box):
    filled.configure(box)
    filled.enqueue(box, job("a", campaignId="spring"),
                   job("b", VOICEMAIL, campaignId="spring"),
                   job("c", NO_ANSWER, campaignId="autumn"))
    box.run("cancel").expect(2)
    box.run("cancel", "a", "--campaign", "spring").expect(2)
    box.run("cancel", "--campaign", "spring").expect(2, err="2 jobs")
    require(state(box, "a") == "READY")
    r = box.pty("cancel", "--campaign", "spring",
                answers=[("[y/N]", "n\n")])
    require(r.exit == 1 and state(box, "a") == "READY", "asked for nothing")
    box.run("cancel", "--campaign", "spring", "--yes").expect(0)
    require([state(box, n) for n in "abc"] ==
            ["CANCELLED", "CANCELLED", "READY"])
    require(len(query(box, "SELECT 1 FROM deed")) == 1, "one deed for all")
    box.run("cancel", "--campaign", "spring", "--yes").expect(
        0, err="no job")


def test_a_cancel_between_claim_and_arm_wins(box):
    filled.configure(box)
    filled.enqueue(box, job("a"))
    process = stopped_at(box, "run.claim.durable", DSRUN_CLAIM_FIRST="1")
    r = one(box.run("cancel", "a", "--json").expect(0))
    require(r["result"] == "told" and str(process.pid) in r["text"], r)
    require(one(box.run("cancel", "a", "--json"))["result"] == "already")
    process.cont()
    process.wait().expect(0)
    require(state(box, "a") == "CANCELLED")
    require(not [c for c in box.calls() if c["ev"] == "request"], "dialled")
    kept(box)


def test_a_cancel_survives_the_death_of_who_was_told(box):
    filled.configure(box)
    filled.enqueue(box, job("a"))
    process = stopped_at(box, "run.claim.durable", DSRUN_CLAIM_FIRST="1")
    box.run("cancel", "a").expect(0)
    process.kill()
    box.run("drain").expect(0)
    require(state(box, "a") == "CANCELLED")
    require(not [c for c in box.calls() if c["ev"] == "request"], "dialled")
    kept(box)


def test_a_cancel_after_the_intent_hangs_up(box):
    filled.configure(box, sim={"speed": 60},
                     kind={"retry": {"no-answer": {"after": "1m"}}})
    filled.enqueue(box, job("a", TREE))
    process = box.start("drain")
    wait_for(lambda: any(c["ev"] == "placed" for c in box.calls()), 10,
             "a call")
    box.run("cancel", "a").expect(0, err="hang up")
    process.wait().expect(0)
    end = [c for c in box.calls() if c["ev"] == "ended"]
    require(end[0]["by"] == "agent", end)
    require(state(box, "a") == "CANCELLED", "the ladder went on")
    kept(box)


def test_what_is_parked_or_over_is_not_cancelled(box):
    filled.parked(box, job("a"), job("b", VOICEMAIL))
    box.run("resolve", "b", "--as", "placed", *BY).expect(0)
    box.run("cancel", "a").expect(4, err="dsrun resolve")
    box.run("cancel", "b").expect(1, err="DONE")
    r = box.run("cancel", "a", "b", "--json").expect(1)
    require([j["code"] for j in r.json("decision")["jobs"]] ==
            ["ERR_PERSON", "ERR_STATE"])


# --- retry ---

def test_a_retry_calls_again_with_the_next_revision(box):
    filled.called(box, job("a"))
    box.run("retry", "a").expect(2)
    box.run("retry", "a", "--by", "ana").expect(0, err="QUEUED")
    box.run("retry", "a", "--by", "ana").expect(1, err="dsrun why")
    box.run("drain").expect(0)
    require([r["revision"] for r in box.results()] == [1, 2])
    require(len(show(box, "a")["attempts"]) == 2)
    kept(box)


def test_a_result_that_waits_is_still_the_one_of_its_own_end(box):
    """Sent late, a revision says what was true when it was made."""
    filled.configure(box)
    filled.enqueue(box, job("a"))
    process = stopped_at(box, "sync.locked")
    process.kill()
    require(state(box, "a") == "DONE")
    first = show(box, "a")["job"]["outcome"]
    box.run("retry", "a", "--by", "ana").expect(0)
    box.run("cancel", "a").expect(0)
    box.run("sync").expect(0)
    rows = [(r["revision"], r["state"], r["outcome"], r["call"] is None)
            for r in box.results()]
    require(rows == [(1, "DONE", first, False), (2, "CANCELLED", None, True)],
            rows)


def test_a_job_past_its_end_needs_a_new_one(box):
    filled.configure(box)
    filled.enqueue(box, job("a", expiresAt="2027-01-05T16:00:00Z"))
    box.run("drain").expect(0)
    require(state(box, "a") == "EXPIRED")
    box.run("retry", "a", "--by", "ana").expect(1, err="--expires-at")
    box.run("retry", "a", "--by", "ana", "--expires-at",
            "2027-01-06T16:00:00Z").expect(0)
    box.run("drain").expect(0)
    require(state(box, "a") == "DONE")
    kept(box)


def test_what_was_erased_or_pruned_is_not_called_again(box):
    filled.called(box, job("a"), job("b", VOICEMAIL))
    filled.alter(box, """
        DELETE FROM person WHERE job=1;
        INSERT INTO archived VALUES(2, 'a', x'00');
        DELETE FROM event WHERE job=2;""")
    box.run("retry", "a", "--by", "ana").expect(1, err="erased")
    box.run("retry", "b", "--by", "ana").expect(1, err="pruned")


def test_a_parked_job_is_resolved_before_it_is_called_again(box):
    filled.parked(box, job("a"))
    box.run("retry", "a", "--by", "ana").expect(4, err="dsrun resolve")


# --- why ---

def gates(document):
    return {g["gate"]: g for g in document["gates"]}


def test_why_shows_each_rule_with_its_data(box):
    filled.configure(box, sim={"start": "2027-01-05T23:00:00Z"})
    filled.enqueue(box, job("a", zone="Europe/Berlin"), job("b", VOICEMAIL))
    box.run("drain", "--max-jobs", "1").expect(0)
    document = box.run("why", "a", "--json").expect(0).json("why")
    require(document["state"] == "QUEUED" and document["notBefore"], document)
    require("not before" in document["answer"], document["answer"])
    window = gates(document)["window"]
    require(window["verdict"] == "later" and
            re.search("tzdata 20", window["data"]), window)
    require(gates(document)["do-not-call"]["verdict"] == "ok")
    text = box.run("why", "a").expect(0).out
    require("RULE" in text and "window" in text, text)


def test_why_names_who_has_the_number(box):
    filled.parked(box, job("a", org="o"), job("b"), job("c", TREE, org="o"))
    document = box.run("why", "b", "--json").expect(0).json("why")
    require(document["state"] == "READY", document)
    require(gates(document)["number-free"]["verdict"] == "wait" and
            "job #1" in document["answer"], document)
    document = box.run("why", "c", "--json").expect(0).json("why")
    require(gates(document)["org-free"]["verdict"] == "wait", document)


def test_why_says_what_to_do_in_each_state(box):
    filled.parked(box, job("a"), job("b", TREE), job("c", VOICEMAIL))
    box.run("resolve", "b", "--as", "drop", *BY).expect(0)
    box.run("why", "a").expect(0, out="dsrun resolve a")
    box.run("why", "b").expect(0, out="dsrun retry b")
    box.run("resolve", "c", "--as", "absent", *BY).expect(0)
    box.run("why", "c").expect(0, out="dsrun drain")
    box.run("pause", *BY).expect(0)
    box.run("why", "c").expect(0, out="dsrun resume")
    box.run("why", "nobody").expect(1, err="no job")


def test_why_names_the_process_that_calls(box):
    filled.configure(box)
    filled.enqueue(box, job("a", HUMAN))
    process = stopped_at(box, "run.dial.before")
    document = box.run("why", "a", "--json").expect(0).json("why")
    require("pid %d" % process.pid in document["answer"] and
            document["gates"] == [], document)
    process.cont()
    process.wait().expect(0)


if __name__ == "__main__":
    harness.main()
