#!/usr/bin/python3
"""check: each promise that is broken on purpose is named, no other is.

Journals are broken in copies that no dsrun has open, the network's log in
place.  A chain is broken so that it verifies: what is wrong then is what it
says.
"""
import hashlib
import json
import shutil
import sqlite3
import struct

import filled
import harness
from filled import BAD, BUSY, NO_ANSWER, TREE, VOICEMAIL, job
from harness import require

JOBS = (job("a"), job("b", VOICEMAIL), job("c", BUSY), job("d", BAD),
        job("e", NO_ANSWER))
# The tables' numbers (pkg/job/job_state.c); a new journal tells the rest.
READY, HELD, DONE = 1, 2, 3
NEW, INTENT, UNKNOWN, ABSENT, ENDED = 0, 2, 6, 10, 8


def called(box):
    filled.configure(box, kind={"limits": {"max_call": "2m", "ring": "50s",
                                           "min_gap": "0"}})
    filled.enqueue(box, *JOBS)
    box.run("drain", "--wait", "1h").expect(3)


def check(box, *args, exit=0):
    return box.run("check", *args, "--json").expect(exit).json("check")


def broken(document):
    return {name for name, i in document["invariants"].items()
            if i["ok"] is False}


def unseen(document):
    return {name for name, i in document["invariants"].items()
            if i["ok"] is None}


# --- copies of the journal ---

def copy(box):
    """A closed copy, as one file."""
    path = box.path("copy.db")
    for suffix in ("", "-wal"):
        source = str(box.data / "journal.db") + suffix
        shutil.copyfile(source, str(path) + suffix)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    return path


def damage(box, *statements, events=()):
    """A copy with what statements do, triggers out of their way, and then
    with events at the end of their jobs' chains."""
    path = copy(box)
    db = sqlite3.connect(path)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE "
                          "type='trigger'").fetchall()
    for name, _ in triggers:
        db.execute("DROP TRIGGER " + name)
    for statement in statements:
        db.execute(statement)
    for event in events:
        append(db, *event)
    for _, sql in triggers:
        db.execute(sql)
    db.commit()
    db.close()
    return path


def step_of(db, machine, was, event):
    names = {"ARM": 1, "DOUBT": 7, "END": 11, "VANISH": 15, "RETRY": 11,
             "CLAIM": 0}
    return db.execute("SELECT id FROM step WHERE machine=? AND was=? AND "
                      "event=?", (machine, was, names[event])).fetchone()[0]


def append(db, job_id, was, event, job_state, attempt, state):
    """One more event of an attempt, hashed as the others are; the rows of
    job and head follow."""
    last, n, before = db.execute(
        "SELECT e.seq, e.n, e.hash FROM job j JOIN event e ON e.seq=j.last "
        "WHERE j.id=?", (job_id,)).fetchone()
    seq, at = db.execute("SELECT max(seq)+1, max(at_ms) FROM event").fetchone()
    step = step_of(db, 1, was, event)
    digest = hashlib.sha256(
        b"E" + before + struct.pack(
            "<QQIQHBQBI", seq, job_id, n + 1, at, step, job_state,
            attempt, state, 0xffffffff)).digest()
    db.execute("INSERT INTO event(seq,job,n,prev,at_ms,step,job_state,"
               "attempt,attempt_state,detail,hash) VALUES"
               "(?,?,?,?,?,?,?,?,?,NULL,?)",
               (seq, job_id, n + 1, last, at, step, job_state, attempt,
                state, digest))
    db.execute("UPDATE job SET last=?, state=? WHERE id=?",
               (seq, job_state, job_id))
    db.execute("UPDATE head SET seq=?, hash=?", (seq, digest))


def named(box, invariant, *statements, events=(), with_=()):
    """Invariant is false in such a copy, and nothing else but with_."""
    path = damage(box, *statements, events=events)
    document = check(box, path, exit=12)
    item = document["invariants"][invariant]
    require(item["ok"] is False and item["violations"], invariant,
            "is not named:", json.dumps(document))
    others = broken(document) - {invariant} - set(with_)
    require(not others, "named too:", others, json.dumps(document))
    text = box.run("check", path, "--quiet").expect(12).out
    require(invariant in text and "BROKEN" in text, text)
    return document


# --- nothing is wrong ---

def test_a_journal_that_kept_its_promises_passes(box):
    called(box)
    document = check(box)
    require(document["ok"] and document["database"] == "ok")
    require(unseen(document) == {"I5", "I13"}, unseen(document))
    for name in ("I1", "I2", "I12", "I14", "I15"):
        require(document["invariants"][name]["checked"] >= 4, name)
    r = box.run("check").expect(0)
    require("I15" in r.out and "5 jobs" in r.out, r.out)
    require(box.run("check", "--quiet").expect(0).out == "")


def test_a_copy_is_compared_up_to_its_last_event(box):
    filled.configure(box)
    filled.enqueue(box, *JOBS[:2])
    box.run("drain", "--max-jobs", "1").expect(0)
    path = copy(box)
    box.run("drain").expect(0)
    document = check(box, path)
    require(document["ok"] and unseen(document) == {"I5", "I12", "I13"},
            json.dumps(document))
    require(document["invariants"]["I14"]["checked"] == 1,
            document["invariants"]["I14"])


def test_without_the_networks_log_its_promises_are_unseen(box):
    called(box)
    (box.data / "sim" / "calls.jsonl").unlink()
    document = check(box)
    require(document["ok"] and unseen(document) ==
            {"I1", "I2", "I5", "I12", "I13", "I14", "I15"}, unseen(document))


def test_a_journal_in_use_is_not_accused(box):
    filled.configure(box, sim={"speed": 300})
    filled.enqueue(box, *[job(str(i), "+1212555%04d" % (100 + i))
                          for i in range(60)])
    process = box.start("drain")
    looks = 0
    while process.running() and looks < 40:
        require(check(box)["ok"])
        looks += 1
    process.wait()
    require(looks > 3, "it was over too soon to tell")


def test_what_is_no_journal_is_said_so(box):
    filled.configure(box)
    box.write("none.db", "hello\n" * 400)
    box.run("check", "none.db").expect(12)
    box.run("check", "gone.db").expect(1, err="gone.db")
    box.run("check").expect(78, err="dsrun init")


def test_calls_that_a_restored_journal_forgot_are_listed(box):
    filled.configure(box)
    filled.enqueue(box, *JOBS[:2])
    box.run("drain", "--max-jobs", "1").expect(0)
    box.run("backup", "old.db").expect(0)
    box.run("drain").expect(0)
    box.run("restore", "old.db", "--by", "ana", "--yes").expect(4)
    listed = check(box)["listed"]
    require(len(listed) == 1 and "was lost" in listed[0], listed)
    box.run("drain", "--wait", "1h").expect(0)
    require(len([c for c in box.calls() if c["ev"] == "placed"]) == 2,
            "called again")
    require("was lost" in " ".join(check(box)["listed"]))


# --- the journal is broken ---

def test_two_live_attempts_of_a_job_are_named(box):
    called(box)
    named(box, "I3", events=[
        (1, NEW, "ARM", HELD, 258, INTENT), (1, NEW, "ARM", HELD, 259, INTENT)
    ], with_=["I4", "I6", "I9", "I11"])


def test_a_number_held_twice_is_named(box):
    filled.parked(box, job("a"), job("b", TREE))
    named(box, "I4", "DROP INDEX attempt_number",
          "UPDATE attempt SET number=(SELECT number FROM person WHERE job=1)",
          "CREATE INDEX attempt_number ON attempt(number) WHERE number IS NOT "
          "NULL")


def test_a_new_attempt_after_a_doubt_without_evidence_is_named(box):
    called(box)
    named(box, "I6", events=[
        (1, NEW, "ARM", HELD, 258, INTENT),
        (1, INTENT, "DOUBT", HELD, 258, UNKNOWN),
        (1, UNKNOWN, "VANISH", READY, 258, ABSENT)],
        with_=["I9", "I11"])


def test_an_end_written_twice_is_named(box):
    called(box)
    named(box, "I7", events=[(1, INTENT, "END", DONE, 257, ENDED)],
          with_=["I9"])


def test_an_altered_event_is_named(box):
    called(box)
    named(box, "I8", "UPDATE event SET detail='x' WHERE seq=7")
    named(box, "I8", "DELETE FROM sealed WHERE n=2")
    # And no command goes on with such a journal.
    filled.alter(box, "DROP TRIGGER event_no_update;"
                 "UPDATE event SET detail='x' WHERE seq=7;")
    box.run("check").expect(12, err="event 7")
    box.run("drain").expect(12)


def test_a_state_that_its_events_do_not_say_is_named(box):
    called(box)
    named(box, "I9", "UPDATE job SET state=6 WHERE id=1")
    named(box, "I9", "UPDATE attempt SET state=11 WHERE id=257",
          with_=["I14", "I15"])  # the network knows of the call


def test_a_result_without_its_row_is_named(box):
    called(box)
    named(box, "I10", "DELETE FROM outbox WHERE id=2")


def test_tries_that_were_none_are_named(box):
    called(box)
    named(box, "I11", "UPDATE job SET tries=9 WHERE id=2")


def test_another_schema_is_named(box):
    called(box)
    path = damage(box, "DROP INDEX job_due")
    document = check(box, path, exit=12)
    require(document["database"] != "ok" and not document["ok"], document)


# --- the journal and the network disagree ---

def calls_of(box):
    return box.data / "sim" / "calls.jsonl"


def rewrite(box, change):
    """The network's log with each line changed, dropped or doubled."""
    lines = []
    for line in harness.read_lines(calls_of(box)):
        said = change(line)
        lines += said if isinstance(said, list) else [said]
    calls_of(box).write_text("".join(json.dumps(li) + "\n" for li in lines))


def key_of(box, name):
    document = box.run("show", name, "--json").json("show")
    return document["attempts"][-1]["key"]


def accused(box, invariant, word, with_=()):
    document = check(box, exit=12)
    item = document["invariants"][invariant]
    require(item["ok"] is False and word in " ".join(item["violations"]),
            invariant, "does not say", word, ":", json.dumps(document))
    others = broken(document) - {invariant} - set(with_)
    require(not others, "named too:", others, json.dumps(document))
    return document


def test_a_phone_that_rang_twice_for_one_attempt_is_named(box):
    called(box)
    key = key_of(box, "a")

    def again(line):
        if line.get("key") != key:
            return line
        return [line, {**line, "call": "sim-again"}]
    rewrite(box, again)
    accused(box, "I1", "2 phones", with_=["I14"])


def test_a_request_by_another_event_is_named(box):
    called(box)
    key = key_of(box, "a")
    rewrite(box, lambda li: {**li, "event": li["event"] + 1}
            if li["ev"] == "request" and li["key"] == key else li)
    accused(box, "I2", "another event")


def test_a_request_by_another_hash_is_named(box):
    called(box)
    key = key_of(box, "a")
    rewrite(box, lambda li: {**li, "hash": "00" * 32}
            if li["ev"] == "request" and li["key"] == key else li)
    accused(box, "I2", "another hash")


def test_a_call_that_nobody_armed_is_named(box):
    called(box)
    rewrite(box, lambda li: [li] if li["ev"] != "origin" else [
        li, {"at_ms": li["at_ms"] + 1, "ev": "request", "call": "x",
             "key": "ab" * 32, "event": 4711, "hash": "00" * 32,
             "to": "+12025550101", "from": "", "persona": "human",
             "ring_ms": 20000, "max_ms": 120000, "line": 0}])
    accused(box, "I2", "a key that no attempt has")


def test_a_call_at_night_is_named(box):
    called(box)
    call = next(c["call"] for c in box.calls()
                if c["ev"] == "request" and c["to"].endswith("0101"))
    rewrite(box, lambda li: {**li, "at_ms": li["at_ms"] + 12 * 3600000}
            if li.get("call") == call else li)
    document = accused(box, "I12", "hours of call are closed")
    require("allowed until" in " ".join(
        document["invariants"]["I12"]["violations"]))


def test_a_call_held_as_refused_is_named(box):
    called(box)
    call = next(c for c in box.calls() if c["ev"] == "refused")

    def rang(line):
        if line != call:
            return line
        request = next(c for c in box.calls() if c["ev"] == "request" and
                       c["call"] == call["call"])
        return {"at_ms": line["at_ms"], "ev": "placed", "call": line["call"],
                "key": request["key"], "to": request["to"]}
    rewrite(box, rang)
    accused(box, "I14", "held as REFUSED")


def test_more_phones_than_attempts_are_named(box):
    called(box)
    path = damage(box, "UPDATE attempt SET state=10 WHERE id=257")
    document = check(box, path, exit=12)
    violations = document["invariants"]["I14"]["violations"]
    require(any("held as ABSENT" in v for v in violations) and
            any("1 phones rang for job #1" in v for v in violations),
            violations)


def test_an_outcome_the_network_did_not_see_is_named(box):
    called(box)
    rewrite(box, lambda li: {**li, "outcome": "failed"}
            if li["ev"] == "ended" and li["outcome"] == "busy" else li)
    accused(box, "I15", "outcome busy")


def test_an_end_the_network_does_not_know_is_named(box):
    called(box)
    call = next(c["call"] for c in box.calls() if c["ev"] == "placed" and
                c["to"].endswith("0105"))
    rewrite(box, lambda li: [] if li.get("call") == call else li)
    accused(box, "I15", "the network never said so")


def test_a_job_with_another_outcome_than_its_call_is_named(box):
    called(box)
    path = damage(box, "UPDATE attempt SET outcome=2 WHERE id=257")
    document = check(box, path, exit=12)
    require(any("its last call with voicemail" in v for v in
                document["invariants"]["I15"]["violations"]), document)


def test_a_log_that_no_network_wrote_is_an_error(box):
    called(box)
    with open(calls_of(box), "a") as f:
        f.write("{}\n")
    box.run("check").expect(12, err="calls.jsonl")


if __name__ == "__main__":
    harness.main()
