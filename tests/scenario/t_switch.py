#!/usr/bin/python3
"""Commands that decide: pause, resume, dnc, clock, incarnation, outbox retry
and drop, sql that writes; and seed."""
import re

import filled
import harness
from filled import (BUSY, HUMAN, VOICEMAIL, called, configure, enqueue, ids,
                    job)
from harness import require


def states(box):
    return {row["id"]: row["state"] for row in
            box.run("jobs", "--json").expect(0).json("jobs")["jobs"]}


def deeds(box):
    rows = box.run("sql", "--json", "SELECT what, by_name, reason FROM deed "
                   "ORDER BY id").expect(0).json("sql")["results"][0]["rows"]
    return [tuple(row) for row in rows]


# --- pause and resume ---

def test_nothing_is_called_while_all_is_paused(box):
    configure(box)
    enqueue(box, job("a"))
    d = box.run("pause", "--reason", "why not", "--by", "ana",
                "--json").expect(0).json("pause")
    require(d == {"schema": 1, "campaignId": None, "paused": True,
                  "changed": True, "by": "ana", "reason": "why not"}, d)
    box.run("drain").expect(0)
    require(box.calls() == [] or not [c for c in box.calls()
                                      if c["ev"] == "request"], "it rang")
    d = box.run("resume", "--reason", "done", "--json").expect(0).json("pause")
    require(d["changed"] is True and d["paused"] is False, d)
    box.run("drain").expect(0)
    require(states(box) == {"a": "DONE"}, states(box))


def test_one_campaign_can_be_paused_alone(box):
    configure(box)
    enqueue(box, job("a", campaignId="c"), job("b", BUSY, campaignId="d"))
    box.run("pause", "--campaign", "c", "--reason", "x").expect(
        0, err="campaign c: paused")
    box.run("drain").expect(0)
    require(states(box) == {"a": "READY", "b": "DONE"}, states(box))
    d = box.run("status", "--json").json("status")
    require([p["campaignId"] for p in d["paused"]] == ["c"], d["paused"])
    box.run("status").expect(
        0, out="dsrun resume --campaign c --reason WHY")
    box.run("resume", "--campaign", "c", "--reason", "x").expect(0)
    box.run("drain").expect(0)
    require(states(box)["a"] == "DONE", states(box))


def test_saying_it_twice_changes_nothing(box):
    configure(box)
    enqueue(box, job("a"))
    box.run("pause", "--reason", "x").expect(0, err="paused;")
    r = box.run("pause", "--reason", "y", "--json").expect(0)
    require(r.json("pause")["changed"] is False, r.out)
    box.run("pause", "--reason", "y").expect(0, err="paused already")
    require(box.run("status", "--json").json()["paused"][0]["reason"] == "x",
            "the first reason is lost")
    box.run("resume", "--reason", "x").expect(0, err="resumed")
    box.run("resume", "--reason", "x").expect(0, err="not paused")
    r = box.run("resume", "--reason", "x", "-q").expect(0)
    require(r.out + r.err == "", "not quiet")


def test_who_says_so_is_kept(box):
    configure(box)
    enqueue(box, job("a"))
    box.run("pause", "--reason", "it's wrong", "--by", "Ana B").expect(0)
    box.run("resume", "--reason", "r", env={"USER": "carl"}).expect(0)
    box.run("pause", "--reason", "r", env={"LOGNAME": "dora"}).expect(0)
    r = box.run("resume", "--reason", "r").expect(0)
    got = deeds(box)
    require(got[:3] == [("pause", "Ana B", "it's wrong"),
                        ("resume", "carl", "r"), ("pause", "dora", "r")], got)
    require(got[3][1].startswith("uid "), got, r.err)


def test_a_pause_needs_a_reason_and_a_journal(box):
    configure(box)
    box.run("pause", "--reason", "x").expect(78, err="dsrun init")
    r = box.run("pause").expect(2, err="--reason")
    require("for example: dsrun pause" in r.err, r.err)
    box.run("resume").expect(2, err="--reason")
    box.run("init").expect(0)
    box.run("pause", "--campaign=", "--reason", "x").expect(
        2, err="--campaign: the value is empty")
    box.run("pause", "--by=", "--reason", "x").expect(2, err="--by")
    box.run("pause", "--reason", "x" * 501).expect(2, err="at most 500")
    filled.error_of(box.run("pause", "--json"), "ERR_USAGE")
    require(deeds(box) == [], deeds(box))


# --- the do-not-call list ---

def listed(box, *args):
    d = box.run("dnc", "list", "--json", *args).expect(0).json("dnc_list")
    return [row["phone"] for row in d["numbers"]]


def test_a_number_on_the_list_is_never_called(box):
    configure(box)
    enqueue(box, job("a"), job("b", BUSY))
    d = box.run("dnc", "add", "+1 (202) 555-0101", "--reason", "asked",
                "--json").expect(0).json("dnc")
    require(d["action"] == "add" and d["added"] == 1 and d["known"] == 0, d)
    box.run("drain").expect(3)
    require(states(box) == {"a": "FAILED", "b": "DONE"}, states(box))
    require([c["to"] for c in box.calls() if c["ev"] == "placed"] == [BUSY],
            box.calls())
    row = box.run("jobs", "--json").json()["jobs"][0]
    require(row["reason"] == "do-not-call", row)


def test_numbers_can_be_added_listed_and_removed(box):
    configure(box)
    box.run("init").expect(0)
    r = box.run("dnc", "list").expect(0, err="the list is empty")
    require(r.out == "", r.out)
    box.run("dnc", "add", HUMAN, BUSY, "--reason", "r").expect(
        0, out="added 2, known 0")
    box.run("dnc", "add", HUMAN, VOICEMAIL).expect(0, out="added 1, known 1")
    require(listed(box) == [HUMAN, VOICEMAIL, BUSY], listed(box))
    box.run("dnc", "list").expect(0, out=HUMAN + "  do-not-call  20")
    require(listed(box, BUSY) == [BUSY], "a list of one")
    box.run("dnc", "remove", HUMAN, "+19995550199", "--reason", "r").expect(
        0, out="removed 1, not listed 1")
    require(listed(box) == [VOICEMAIL, BUSY], listed(box))
    box.run("dnc", "list", HUMAN).expect(0, err="not on the list")


def test_pages_of_the_list(box):
    configure(box)
    box.run("init").expect(0)
    numbers = ["+12025550%03d" % n for n in range(5)]
    box.run("dnc", "add", *numbers).expect(0)
    d = box.run("dnc", "list", "--json", "--limit", 2).json("dnc_list")
    require(d["next"] == numbers[1], d)
    require(listed(box, "--after", d["next"]) == numbers[2:], "another page")
    box.run("dnc", "list", "--limit", 2).expect(0, err="--after " + numbers[1])
    box.run("dnc", "list", "--after", "x").expect(1, err="--after")


def test_one_bad_number_on_the_command_line_stops_all(box):
    configure(box)
    box.run("init").expect(0)
    box.run("dnc", "add", HUMAN, "555-0100").expect(2, err="NUMBER 2")
    box.run("dnc", "add", "+1202555010x").expect(2, err="only digits")
    require(listed(box) == [], listed(box))


def test_a_file_of_numbers_is_imported_line_by_line(box):
    configure(box)
    box.run("init").expect(0)
    box.write("list.txt", "# state list of May\n\n%s\r\n +1 202.555.0105 \n"
              "5550100\nnonsense\n%s\n" % (HUMAN, HUMAN))
    r = box.run("dnc", "import", "list.txt", "--reason", "May").expect(
        3, out="added 2, known 1, refused 2", err="line 5: expected")
    require("line 6: expected" in r.err, r.err)
    require(listed(box) == [HUMAN, BUSY], listed(box))
    d = box.run("dnc", "import", "list.txt", "--json").expect(3).json("dnc")
    require(d["added"] == 0 and d["known"] == 3 and
            [x["line"] for x in d["refused"]] == [5, 6], d)
    require(len([x for x in deeds(box) if x[0] == "dnc add"]) == 2,
            "a deed for each number:", deeds(box))


def test_a_csv_of_numbers_is_imported_by_its_column(box):
    configure(box)
    box.run("init").expect(0)
    for n, text in enumerate((
            "name,Phone,since\n\"Doe, J.\",%s,2026\nX,\"%s\"\n",
            "\ufeffNumber;name\n%s;x\n%s;y\n",
            "name\tphone\n-\t%s\nx\t%s\n",
            "%s,some,thing\n%s\n")):
        phones = ["+1202555%04d" % (200 + 2 * n), "+1202555%04d" % (201 + 2 * n)]
        box.write("l.csv", text % tuple(phones))
        box.run("dnc", "import", "l.csv").expect(0, out="added 2,")
        require(set(phones) <= set(listed(box)), n, listed(box))
    box.write("l.csv", "name,street\nx,y\n")
    box.run("dnc", "import", "l.csv").expect(
        1, err="l.csv: line 1 is a header without a column")
    box.write("l.csv", "a,phone\nx\n")
    box.run("dnc", "import", "l.csv").expect(3, err="line 2: the column")


def test_numbers_without_a_country_need_a_prefix(box):
    configure(box)
    box.run("init").expect(0)
    text = "2025550101\n1-202-555-0105\n+442079460000\n"
    box.run("dnc", "import", "-", stdin=text).expect(
        3, out="added 1, known 0, refused 2")
    box.run("dnc", "import", "-", "--prefix", "+1", stdin=text).expect(
        0, out="added 2, known 1, refused 0")
    require(set(listed(box)) == {HUMAN, BUSY, "+442079460000"}, listed(box))
    for prefix in ("1", "+", "+01", "+1234", "x"):
        box.run("dnc", "import", "-", "--prefix", prefix, stdin=text).expect(
            2, err="--prefix")


def test_a_long_list_goes_in_whole_and_a_long_report_is_cut(box):
    configure(box)
    box.run("init").expect(0)
    text = "".join("+1202%07d\n" % n for n in range(2500)) + "x1\n" * 30
    r = box.run("dnc", "import", "-", stdin=text).expect(
        3, out="added 2500, known 0, refused 30")
    require("and 10 more" in r.err, r.err)
    d = box.run("dnc", "list", "--json", "--limit", 100000).json("dnc_list")
    require(len(d["numbers"]) == 2500, len(d["numbers"]))
    r = box.run("dnc", "import", "-", stdin="9" * 5000 + "\n").expect(3)
    require("too long" in r.err, r.err)


def test_dnc_says_what_it_lacks(box):
    configure(box)
    box.run("init").expect(0)
    box.run("dnc").expect(2, err="ACTION is missing")
    box.run("dnc", "ad", HUMAN).expect(2, err="did you mean: add")
    box.run("dnc", "add").expect(2, err="NUMBER is missing")
    box.run("dnc", "import").expect(2, err="FILE is missing")
    box.run("dnc", "import", "a", "b").expect(2, err="one file at a time")
    box.run("dnc", "import", "none.txt").expect(1, err="none.txt")
    box.run("dnc", "remove", HUMAN).expect(2, err="--reason is missing")
    filled.error_of(box.run("dnc", "import", "none", "--json"),
                    "ERR_NOT_FOUND")


def test_who_opted_out_in_a_call_is_not_taken_off_by_the_way(box):
    configure(box)
    box.run("init").expect(0)
    filled.alter(box, "INSERT INTO dnc VALUES(12025550101, 2, 1, NULL)")
    d = box.run("dnc", "list", "--json").json("dnc_list")
    require(d["numbers"][0]["kind"] == "opt-out", d)
    box.run("dnc", "remove", HUMAN, "--reason", "r").expect(2, err="--yes")
    require(listed(box) == [HUMAN], "removed all the same")
    box.pty("dnc", "remove", HUMAN, "--reason", "r",
            answers=[("[y/N]", "n\n")]).expect(1)
    require(listed(box) == [HUMAN], "removed all the same")
    box.pty("dnc", "remove", HUMAN, "--reason", "r",
            answers=[("[y/N]", "y\n")]).expect(0, out="removed 1")
    require(listed(box) == [], listed(box))


# --- the clock ---

WRONG = {"DSRUN_CLOCK_OFFSET_MS": 40 * 86400000}


def test_a_clock_that_jumped_stops_dialling_until_a_person_accepts(box):
    configure(box, kind={"windows": {"zone": "UTC", "mon-fri": "always",
                                     "sat": "always", "sun": "always"}})
    enqueue(box, job("a"))
    box.run("pause", "--reason", "r")
    box.run("drain").expect(0)
    box.run("resume", "--reason", "r")
    box.run("drain", env=WRONG).expect(4)
    require(not [c for c in box.calls() if c["ev"] == "request"], "it rang")
    d = box.run("clock", "--json", env=WRONG).expect(0).json("clock")
    require(d["trusted"] is False and d["accepted"] is False and
            "jumped" in d["why"], d)
    box.run("clock", env=WRONG).expect(0, out="not trusted",
                                       err="dsrun clock accept --by NAME")
    box.run("clock", "accept", env=WRONG).expect(2, err="--by is missing")
    box.run("clock", "accept", "--by", "ana", "--reason", "looked",
            env=WRONG).expect(0, err="accepted")
    require(("clock accept", "ana", "looked") in deeds(box), deeds(box))
    d = box.run("clock", "--json", env=WRONG).expect(0).json("clock")
    require(d["trusted"] is True, d)
    box.run("drain", env=WRONG).expect(0)
    require(states(box) == {"a": "DONE"}, states(box))


def test_a_clock_in_order_is_trusted(box):
    called(box, job("a"))
    box.run("clock").expect(0, out="trusted: it is 20")
    d = box.run("clock", "accept", "--by", "ana", "--json").expect(0).json(
        "clock")
    require(d["trusted"] is True and d["accepted"] is True, d)
    box.run("clock", "axept", "--by", "ana").expect(2, err="accept")


# --- the incarnation ---

def test_a_restored_journal_is_accepted_by_a_person(box):
    called(box, job("a"))
    filled.alter(box, "UPDATE head SET fresh=1")
    d = box.run("incarnation", "--json").expect(0).json("incarnation")
    require(d["fresh"] is True and d["accepted"] is False, d)
    box.run("incarnation").expect(0, out="restored, not accepted yet",
                                  err="accept --by NAME")
    box.run("incarnation", "accept").expect(2, err="--by is missing")
    box.run("incarnation", "accept", "--by", "ana").expect(0, err="accepted")
    require(("incarnation accept", "ana", "") in deeds(box), deeds(box))
    d = box.run("incarnation", "--json").json("incarnation")
    require(d["fresh"] is False, d)
    d = box.run("incarnation", "accept", "--by", "b", "--json").expect(
        0).json("incarnation")
    require(d["accepted"] is False, "there was nothing to accept")
    box.run("incarnation").expect(0, out="in order")


# --- outbox ---

def given_up(box):
    called(box, job("a"), job("b", BUSY), job("c", VOICEMAIL))
    filled.alter(box, "UPDATE outbox SET state=2, tries=9, error='e' "
                 "WHERE id<3; UPDATE outbox SET state=0, next_ms=4102444800000 "
                 "WHERE id=3")


def outbox(box):
    d = box.run("outbox", "--json").expect(0).json("outbox")
    return {r["row"]: r["state"] for r in d["outbox"]}


def test_dead_letters_are_tried_again(box):
    given_up(box)
    d = box.run("outbox", "retry", "2", "--by", "ana", "--reason", "r",
                "--json").expect(0).json("outbox_change")
    require(d["changed"] == [2] and d["unchanged"] == [], d)
    require(outbox(box) == {1: "dead", 2: "pending", 3: "pending"},
            outbox(box))
    require(("outbox retry", "ana", "r") in deeds(box), deeds(box))
    before = len(box.results())
    box.run("sync").expect(0)
    require(outbox(box) == {1: "dead", 3: "pending"}, outbox(box))
    require(len(box.results()) == before + 1, "not pushed")
    box.run("outbox", "retry").expect(0, err="1 will be pushed again")
    box.run("outbox", "retry").expect(0, err="no dead letters")


def test_a_row_that_waits_is_due_at_once_when_a_person_says_so(box):
    given_up(box)
    box.run("outbox", "retry", "3", "1", "77").expect(
        1, err="row 77 is neither dead nor put off")
    require(outbox(box) == {1: "pending", 2: "dead", 3: "pending"},
            outbox(box))
    # It is due, and nothing is to be hastened any more.
    box.run("outbox", "retry", "3").expect(
        1, err="row 3 is neither dead nor put off")
    before = len(box.results())
    box.run("sync").expect(0)
    require(len(box.results()) == before + 2, "not pushed")
    d = box.run("outbox", "retry", "77", "--json").expect(1).json(
        "outbox_change")
    require(d["changed"] == [] and d["unchanged"] == [77], d)
    box.run("outbox", "retry", "x").expect(2, err="ROW x")


def test_a_dropped_row_is_pushed_no_more(box):
    given_up(box)
    box.run("outbox", "drop", "3").expect(2, err="--reason is missing")
    box.run("outbox", "drop", "--reason", "r").expect(2, err="expected ROWs")
    box.run("outbox", "drop", "3", "--reason", "by hand").expect(
        0, err="1 given up")
    require(outbox(box)[3] == "dead", outbox(box))
    box.run("outbox", "drop", "3", "--reason", "r").expect(
        1, err="row 3 is neither pending nor")
    box.run("outbox", "retry").expect(0)
    require(outbox(box) == {1: "pending", 2: "pending", 3: "dead"},
            "all the dead does not mean the dropped:", outbox(box))
    box.run("outbox", "retry", "3").expect(0)
    require(outbox(box)[3] == "pending", "a named one can be tried again")


# --- sql that writes ---

def test_sql_writes_when_told_and_sure(box):
    called(box, job("a"))
    sql = "UPDATE job SET priority=7; SELECT priority FROM job"
    box.run("sql", "--write", sql).expect(2, err="--yes")
    r = box.run("sql", "--write", "--yes", sql).expect(0, err="1 row changed")
    require(r.out.split() == ["priority", "7"], r.out)
    d = box.run("sql", "--write", "--yes", "--json", sql).expect(0).json("sql")
    require(d["results"] == [{"changed": 1}, {"columns": ["priority"],
                                              "rows": [[7]]}], d)
    r = box.pty("sql", "--write", sql, answers=[("[y/N]", "n\n")]).expect(1)
    require("nothing has changed" in r.out, r.out)


def test_sql_that_writes_is_whole_or_not_at_all(box):
    called(box, job("a"))
    for bad in ("SELEC", "UPDATE job SET state=99", "INSERT INTO tally VALUES"
                "(0,0)", "COMMIT", "DELETE FROM event"):
        box.run("sql", "--write", "--yes",
                "UPDATE job SET priority=9; SELECT priority FROM job; " +
                bad).expect(2)
        d = box.run("sql", "--json", "SELECT priority FROM job").json("sql")
        require(d["results"][0]["rows"] == [[0]], bad, d)
    for sql in ("BEGIN", "ROLLBACK", "SAVEPOINT x", "COMMIT"):
        box.run("sql", "--write", "--yes", sql).expect(
            2, err="one transaction already")


def test_what_sql_makes_without_a_row_is_kept(box):
    called(box, job("a"))
    box.run("sql", "--write", "--yes", "CREATE TABLE note(x)").expect(0)
    box.run("sql", "SELECT count(*) FROM note").expect(0, out="0")


def test_the_journal_is_sound_after_sql_wrote(box):
    called(box, job("a"))
    box.run("sql", "--write", "--yes", "UPDATE job SET priority=7").expect(0)
    enqueue(box, job("b", BUSY))
    box.run("drain").expect(0)
    require(states(box) == {"a": "DONE", "b": "DONE"}, states(box))


def test_sql_that_writes_waits_for_nobody_on_a_terminal(box):
    called(box, job("a"))
    r = box.pty("sql", "--write", answers=[
        ("[y/N]", "y\n"), ("sql> ", "UPDATE job SET priority=3;\n"),
        ("sql> ", "exit\n")]).expect(0)
    require("1 row changed" in r.out, r.out)


# --- seed ---

def test_seed_adds_people_who_do_not_exist(box):
    configure(box)
    d = box.run("seed", "--count", 40, "--json").expect(0).json("seed")
    require(d["added"] == 40 and d["refused"] == 0 and
            len(set(d["ids"])) == 40, d)
    rows = box.run("jobs", "--json", "--limit", 100).json("jobs")["jobs"]
    require(ids({"jobs": rows}) == d["ids"], rows)
    phones = [row["phone"] for row in rows]
    require(len(set(phones)) == 40 and
            all(re.fullmatch(r"\+1\d{3}55501\d\d", p) for p in phones), phones)
    again = box.run("seed", "--json").expect(0).json("seed")
    require(not set(again["ids"]) & set(d["ids"]), "the same ids again")


def test_seeded_jobs_can_be_called(box):
    configure(box)
    d = box.run("seed", "--count", 3, "--json").expect(0).json("seed")
    box.run("drain", "--wait", "4h")
    require(len([c for c in box.calls() if c["ev"] == "request"]) >= 1,
            "nobody was called")
    j = box.run("show", d["ids"][0], "--json").json("show")["job"]
    require(j["contact"]["first_name"] and j["contact"]["timezone"], j)


def test_seed_of_a_campaign(box):
    configure(box)
    box.run("seed-queue", "65a1", "--step", 2, "--final").expect(
        0, out="added 1")
    box.run("seed", "--campaign-id=65a1").expect(0)
    d = box.run("jobs", "--json", "--campaign", "65a1").json("jobs")
    require(len(d["jobs"]) == 2, d)
    j = box.run("show", d["jobs"][0]["id"], "--json").json("show")["job"]
    require(j["step"] == 2 and j["finalStep"] is True, j)
    box.run("seed", "a", "--campaign-id", "b").expect(2, err="two campaigns")


def test_seed_says_what_it_lacks(box):
    configure(box)
    box.run("seed", "--kind", "none").expect(2, err="jobs/none.yaml")
    require(not box.data.exists(), "a journal was made for nothing")
    box.run("seed", "--count", 0).expect(2, err="--count")
    box.run("seed", "--step", -1).expect(2, err="--step")


def test_documents_of_deciding_are_errors_too(box):
    configure(box)
    box.run("init").expect(0)
    for args in (["pause"], ["dnc", "add"], ["clock", "accept"],
                 ["incarnation", "accept"], ["outbox", "drop"],
                 ["sql", "--write", "SELECT 1", "--no-input"],
                 ["seed", "--kind", "none"]):
        r = box.run(*args, "--json").expect(2)
        filled.error_of(r, "ERR_USAGE")


if __name__ == "__main__":
    harness.main()
