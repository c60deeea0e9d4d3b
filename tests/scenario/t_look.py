#!/usr/bin/python3
"""Commands that look and change nothing: jobs, show, status, parked, outbox
and sql that reads."""
import json
import re

import filled
import harness
from filled import BUSY, HUMAN, called, configure, enqueue, ids, job, parked
from harness import conform, require

ESC = "\033["


# --- all of them ---

LOOKING = (["jobs"], ["status"], ["parked"], ["outbox"], ["clock"],
           ["incarnation"], ["show", "a"], ["sql", "SELECT 1"],
           ["dnc", "list"])


def test_without_a_journal_each_says_where_it_looked_and_exits_78(box):
    for args in LOOKING:
        r = box.run(*args, "--dir", "none", "--json").expect(78)
        error = filled.error_of(r, "ERR_CONFIG")
        require(str(box.path("none")) in error["message"] and
                "dsrun init" in error["message"], error)
    require(not box.path("none").exists(), "a look made a directory")


def test_looking_changes_nothing(box):
    called(box, job("a"))
    before = box.run("sql", "SELECT commits, seq FROM head", "--json").out
    for args in LOOKING:
        box.run(*args).expect(0)
    after = box.run("sql", "SELECT commits, seq FROM head", "--json").out
    require(before == after, before, after)


def test_off_a_terminal_nothing_is_coloured_or_masked_in_json(box):
    called(box, job("a"))
    for args in LOOKING:
        r = box.run(*args)
        require(ESC not in r.out + r.err, args, "has an escape sequence")


# --- jobs ---

def several(box):
    configure(box)
    enqueue(box, *[job("j-%d" % n, "+1202555%04d" % (101 + n),
                       campaignId="c-%d" % (n % 2)) for n in range(7)])


def test_jobs_lists_what_is_there(box):
    called(box, job("a", campaignId="c"), job("b", BUSY))
    d = box.run("jobs", "--json").expect(0).json("jobs")
    require(ids(d) == ["a", "b"] and d["next"] is None, d)
    a, b = d["jobs"]
    require(a["phone"] == HUMAN and a["source"] == "file" and
            a["kind"] == "call" and a["campaignId"] == "c" and
            a["state"] == "DONE" and a["outcome"] and a["attempts"] == 1, a)
    require(b["outcome"] == "busy" and b["campaignId"] is None, b)


def test_a_number_is_masked_for_people_and_whole_for_programs(box):
    called(box, job("a"))
    r = box.run("jobs").expect(0, out="+12*******01")
    require(HUMAN not in r.out, "the whole number")
    box.run("jobs", "--full").expect(0, out=HUMAN)
    require(HUMAN in box.run("jobs", "--json").out, "no number")


def test_jobs_of_a_state_and_of_a_campaign(box):
    several(box)
    d = box.run("jobs", "--json", "--campaign", "c-1").json("jobs")
    require(ids(d) == ["j-1", "j-3", "j-5"], d)
    for state in ("QUEUED", "READY", "HELD", "DONE", "FAILED", "PARKED"):
        for campaign in ([], ["--campaign", "c-0"]):
            d = box.run("jobs", "--json", "--state", state,
                        *campaign).json("jobs")
            n = 0 if state != "READY" else 4 if campaign else 7
            require(len(d["jobs"]) == n, state, campaign, d)
    require(ids(box.run("jobs", "--json", "--campaign", "none").json()) == [],
            "a campaign that is not there has jobs")


def test_pages_of_jobs_have_each_job_once(box):
    several(box)
    for more in ([], ["--newest"], ["--state", "READY"],
                 ["--state", "READY", "--newest"]):
        seen, after = [], []
        while True:
            d = box.run("jobs", "--json", "--limit", 3, *more,
                        *after).json("jobs")
            require(len(d["jobs"]) <= 3, "too many")
            seen += ids(d)
            if d["next"] is None:
                break
            after = ["--after", d["next"]]
        want = ["j-%d" % n for n in range(7)]
        require(seen == (want[::-1] if "--newest" in more else want), more,
                seen)


def test_the_next_page_is_named_for_people_too(box):
    several(box)
    r = box.run("jobs", "--limit", 2).expect(0, err="--after j-1")
    require("j-2" not in r.out, r.out)
    r = box.run("jobs", "--state", "FAILED").expect(0, err="no such jobs")
    require(r.out == "", "heads without rows")


def test_jobs_says_what_is_wrong_with_its_options(box):
    several(box)
    box.run("jobs", "--state", "REDY").expect(2, err="did you mean: READY")
    box.run("jobs", "--limit", 0).expect(2, err="--limit")
    r = box.run("jobs", "--after", "nobody").expect(1, err="--after")
    require("nobody" in r.err and "dsrun jobs" in r.err, r.err)
    filled.error_of(box.run("jobs", "--after", "x", "--json"),
                    "ERR_NOT_FOUND")


def test_jobs_fit_the_terminal_and_are_coloured_there(box):
    called(box, job("a" * 60, campaignId="c" * 60))
    r = box.pty("jobs", columns=80).expect(0)
    require("\033[32mDONE" in r.out and "\u2026" in r.out, repr(r.out))
    for line in re.sub(r"\033\[[0-9;]*m", "", r.out).splitlines():
        require(len(line) <= 80, len(line), "columns:", line)
    require("a" * 60 in box.run("jobs").out, "cut off a terminal")


# --- show ---

def test_show_tells_the_life_of_a_job(box):
    called(box, job("a", campaignId="c", org="o", data={"x": 1}))
    d = box.run("show", "a", "--json").expect(0).json("show")
    j = d["job"]
    require(j["phone"] == HUMAN and j["contact"]["first_name"] == "Maria" and
            j["data"] == {"x": 1} and j["org"] == "o" and
            j["erased"] is False and j["revision"] == 1, j)
    require(j["result"]["state"] == "done", j["result"])
    a = d["attempts"][0]
    placed = [c for c in box.calls() if c["ev"] == "placed"]
    require(a["key"] == placed[0]["key"] and
            a["carrierCallId"] == placed[0]["call"], a, placed)
    require(a["armedAt"] <= a["placedAt"] <= a["answeredAt"] < a["endedAt"],
            a)
    require(a["carrier"] == "sim" and a["answeredBy"], a)
    kinds = {f["kind"]: f for f in a["artifacts"]}
    require(set(kinds) == {"recording", "talk", "transcript"}, kinds)
    for f in kinds.values():
        require((box.data / f["path"]).stat().st_size == f["bytes"], f)


def test_events_of_show_are_a_chain_that_ends_in_the_state(box):
    called(box, job("a"))
    d = box.run("show", "a", "--json").json("show")
    events = d["events"]
    require([e["n"] for e in events] == list(range(1, len(events) + 1)),
            events)
    require([e["event"] for e in events] ==
            ["ADMIT", "ARM", "PLACE", "RING", "ANSWER", "END"], events)
    attempt = [e for e in events if e["of"] == "attempt"]
    for before, after in zip(attempt, attempt[1:]):
        require(before["to"] == after["from"], before, after)
    require(events[-1]["jobState"] == d["job"]["state"] == "DONE", d)
    request = [c for c in box.calls() if c["ev"] == "request"][0]
    armed = [e for e in events if e["seq"] == request["event"]][0]
    require(armed["event"] == "ARM" and armed["hash"] == request["hash"],
            "the network's log names another event")


def test_show_is_readable(box):
    called(box, job("a", campaignId="c"))
    r = box.run("show", "a").expect(0)
    for word in ("a  (file #1)  DONE", "attempt 1  ENDED", HUMAN, "Maria",
                 "Tue 12:0", "America/New_York", "recordings/1-1.ul2",
                 "NEW -> INTENT, job HELD", "is pushed"):
        require(word in r.out, repr(word), "is not in", r.out)
    require("\033[32mDONE" in box.pty("show", "a").out, "no colour")


def test_a_job_has_three_names(box):
    called(box, job("a"))
    want = box.run("show", "a", "--json").out
    for name in ("file:a", "#1"):
        require(box.run("show", name, "--json").out == want, name)


def test_show_of_what_is_not_there_says_where_to_look(box):
    called(box, job("a"))
    box.run("show", "b").expect(1, err="dsrun jobs")
    box.run("show", "#17").expect(1, err="no job #17")
    box.run("show", "#x").expect(1, err="#x")
    r = box.run("show").expect(2, err="JOB is missing")
    require("for example: dsrun show" in r.err, r.err)
    filled.error_of(box.run("show", "b", "--json").expect(1),
                    "ERR_NOT_FOUND")


def test_show_of_an_erased_person_says_so(box):
    called(box, job("a"))
    filled.alter(box, "DELETE FROM person")
    r = box.run("show", "a").expect(0, out="was erased")
    require(HUMAN not in r.out and "Maria" not in r.out, r.out)
    j = box.run("show", "a", "--json").json("show")["job"]
    require(j["erased"] is True and j["phone"] is None and
            j["contact"] is None and j["data"] is None, j)
    row = box.run("jobs", "--json").json("jobs")["jobs"][0]
    require(row["phone"] is None, row)
    require("Maria" not in box.run("jobs").out, "still there")


def test_what_came_from_outside_cannot_move_the_cursor(box):
    evil = job("a", data={"\u202e": "\x9b2J"})
    evil["contact"]["first_name"] = "\033]0;x\007"
    configure(box)
    enqueue(box, evil)
    for args in (["show", "a"], ["sql", "SELECT * FROM person"],
                 ["sql", "SELECT char(27,7,8238) AS '\033[2J'"]):
        for r in (box.run(*args), box.pty(*args)):
            text = re.sub(r"\033\[[0-9;]*m", "", r.out)
            require("\033" not in text and "\007" not in text and
                    "\u202e" not in text and "\x9b" not in text, args,
                    repr(text))


def test_a_waiting_job_says_how_to_find_out_why(box):
    configure(box)
    enqueue(box, job("a b", notBefore="2099-01-01T00:00:00Z"))
    r = box.pty("show", "a b").expect(0)
    require("dsrun why 'a b'" in r.out and "2099-01-01" in r.out, r.out)
    require("dsrun why" not in box.run("show", "a b").err, "a hint for cron")


# --- status ---

def test_status_counts_what_there_is(box):
    called(box, job("a"), job("b", notBefore="2099-01-01T00:00:00Z"))
    d = box.run("status", "--json").expect(0).json("status")
    require(d["jobs"]["DONE"] == 1 and d["jobs"]["QUEUED"] == 1 and
            sum(d["jobs"].values()) == 2, d["jobs"])
    require(d["live"] == 0 and d["paused"] == [] and d["services"] == {} and
            d["workers"] == [] and d["clockTrusted"] is True, d)
    require(d["outbox"] == {"pending": 0, "dead": 0, "unset": []}, d["outbox"])
    require(d["lastDrain"]["summary"]["finished"] == 1 and
            d["lastDrain"]["endedAt"] > d["lastDrain"]["startedAt"],
            d["lastDrain"])
    require(d["journal"]["bytes"] > 0 and d["journal"]["fresh"] is False and
            d["journal"]["sqlite"].startswith("3."), d["journal"])
    r = box.run("status").expect(0)
    for word in ("QUEUED 1 DONE 1", "0 of 30", "1 jobs finished", "SQLite 3.",
                 str(box.data)):
        require(word in r.out, repr(word), "is not in", r.out)


def test_status_of_an_empty_journal(box):
    configure(box)
    box.run("init").expect(0)
    d = box.run("status", "--json").expect(0).json("status")
    require(sum(d["jobs"].values()) == 0 and d["lastDrain"] is None and
            d["oldestQueuedMs"] == 0, d)
    box.run("status").expect(0, out="jobs     none")


def test_what_needs_a_person_stands_first(box):
    parked(box, job("a"))
    box.run("pause", "--reason", "the script is wrong", "--by", "ana")
    filled.alter(box, "UPDATE head SET fresh=1")
    lines = box.run("status").expect(0).out.splitlines()
    require(lines[0].startswith("PAUSED") and "by ana" in lines[0] and
            "the script is wrong" in lines[0], lines)
    require(lines[1].startswith("PARKED") and "1 job" in lines[1] and
            "dsrun parked" in lines[1], lines)
    require(lines[2].startswith("RESTORED") and
            "dsrun incarnation" in lines[2], lines)
    require(lines[3].startswith("jobs"), lines)
    d = box.run("status", "--json").json("status")
    require(d["paused"][0]["reason"] == "the script is wrong" and
            d["paused"][0]["campaignId"] is None and
            d["journal"]["fresh"] is True, d)
    require("\033[33mPAUSED" in box.pty("status").out, "no colour")


def test_status_of_a_clock_that_jumped_says_so(box):
    called(box, job("a"))
    wrong = {"DSRUN_CLOCK_OFFSET_MS": 40 * 86400000}
    d = box.run("status", "--json", env=wrong).json("status")
    require(d["clockTrusted"] is False and "jumped" in d["clockWhy"], d)
    r = box.run("status", env=wrong).expect(0, out="CLOCK")
    require("dsrun clock" in r.out, r.out)


def test_the_oldest_ready_job_has_its_age(box):
    configure(box)
    enqueue(box, job("a"))
    box.run("pause", "--reason", "x")
    box.run("drain").expect(0)
    d = box.run("status", "--json").json("status")
    require(d["oldestQueuedMs"] > 0, d)
    box.run("status").expect(0, out="the oldest READY job since")


# --- parked ---

def test_parked_shows_what_is_known_and_what_to_type(box):
    parked(box, job("a", campaignId="c"), job("b c", BUSY))
    d = box.run("parked", "--json").expect(0).json("parked")
    require(ids(d, "parked") == ["a", "b c"] and d["next"] is None, d)
    a = d["parked"][0]
    require(a["phone"] == HUMAN and a["reason"] == "blind" and
            a["attempt"]["state"] == "PARKED" and a["attempt"]["armedAt"] and
            a["attempt"]["placedAt"] is None, a)
    r = box.run("parked").expect(0)
    for how in ("placed", "absent", "drop"):
        require("dsrun resolve a --as %s " % how in r.out and
                "dsrun resolve 'b c' --as %s " % how in r.out, r.out)
    require(HUMAN not in r.out and "+12*******01" in r.out, "not masked")
    box.run("parked", "--full").expect(0, out=HUMAN)


def test_the_lines_that_parked_shows_can_be_typed(box):
    parked(box, job("it's $HOME", campaignId="c"))
    line = box.run("parked", "--json").json("parked")["parked"][0][
        "commands"]["absent"]
    r = box.shell("printf '%s\\n' " + line.split(" --as")[0].split(
        "resolve ")[1])
    require(r.out == "it's $HOME\n", repr(r.out))


def test_pages_of_parked_jobs(box):
    parked(box, *[job("p%d" % n, "+1202555%04d" % (101 + n))
                  for n in range(3)])
    d = box.run("parked", "--json", "--limit", 2).json("parked")
    require(ids(d, "parked") == ["p0", "p1"] and d["next"], d)
    d = box.run("parked", "--json", "--after", d["next"]).json("parked")
    require(ids(d, "parked") == ["p2"] and d["next"] is None, d)
    box.run("parked", "--limit", 1).expect(0, err="--after '#1'")
    box.run("parked", "--after", "x").expect(1, err="--after")


def test_nothing_parked_is_said_once(box):
    called(box, job("a"))
    r = box.run("parked").expect(0, err="nothing is parked")
    require(r.out == "", r.out)
    require(box.run("parked", "--quiet").err == "", "not quiet")
    require(box.run("parked", "--json").json("parked")["parked"] == [], "some")


# --- outbox ---

def test_the_outbox_shows_what_waits_and_what_was_given_up(box):
    called(box, job("a"), job("b", BUSY), job("c", filled.VOICEMAIL))
    filled.alter(box, """
        UPDATE outbox SET state=2, tries=9, error='disk on fire' WHERE id=1;
        UPDATE outbox SET state=0, tries=1, error='later', next_ms=1 WHERE
        id=3""")
    d = box.run("outbox", "--json").expect(0).json("outbox")
    require([(r["row"], r["state"], r["tries"]) for r in d["outbox"]] ==
            [(1, "dead", 9), (3, "pending", 1)] and d["next"] is None, d)
    r = box.run("outbox").expect(0, out="disk on fire")
    require("later" in r.out, r.out)
    r = box.run("outbox", "list", "--state", "dead").expect(0)
    require("disk on fire" in r.out and "later" not in r.out, r.out)
    d = box.run("outbox", "--json", "--limit", 1).json("outbox")
    require(d["next"] == "1" and len(d["outbox"]) == 1, d)
    d = box.run("outbox", "--json", "--after", d["next"]).json("outbox")
    require([r["row"] for r in d["outbox"]] == [3], d)
    require(box.run("status", "--json").json("status")["outbox"] ==
            {"pending": 1, "dead": 1, "unset": []}, "status counts others")
    box.run("status").expect(0, out="DEAD")
    require("\033[31mdead" in box.pty("outbox").out, "no colour")


def test_services_and_what_they_were_sent_are_shown(box):
    called(box, job("a"))
    filled.alter(box, """
        INSERT INTO outbox SELECT 2,job,2,revision,attempt,NULL,0,4,1,
        'no answer',NULL FROM outbox WHERE id=1;
        UPDATE head SET next_outbox=3;
        INSERT INTO service VALUES('mongo',1,5,x'00',0,0,0,NULL,
        1799168400000,'no answer')""")
    services = box.run("status", "--json").json("status")["services"]
    require(services == {"mongo": {
        "breaker": "open", "failures": 5, "lastOkAt": None,
        "lastErrorAt": "2027-01-05T17:00:00.000Z",
        "lastError": "no answer"}}, services)
    box.run("status").expect(0, out="breaker open, last answered never")
    box.run("outbox").expect(0, out="mongo")
    box.run("show", "a").expect(
        0, out="revision 1 waits to be pushed (row 2, 4 tries): no answer")
    d = box.run("show", "a", "--json").json("show")["job"]
    require(d["result"]["state"] == "done" and
            d["sinks"]["mongo"]["state"] == "pending", d)


def test_an_empty_outbox_says_so(box):
    called(box, job("a"))
    r = box.run("outbox").expect(0, err="nothing waits")
    require(r.out == "", r.out)
    box.run("outbox", "list", "7").expect(2, err="list takes no ROW")
    box.run("outbox", "--state", "done").expect(2, err="pending or dead")


# --- sql ---

def rows(box, sql, *more):
    return box.run("sql", "--json", sql, *more).expect(0).json("sql")[
        "results"]


def test_sql_keeps_the_types_of_cells(box):
    called(box, job("a"))
    result, = rows(box, "SELECT 1 AS n, 1.5 AS r, 'x' AS t, x'00ff' AS b, "
                   "NULL AS z, 9223372036854775807 AS big")
    require(result["columns"] == ["n", "r", "t", "b", "z", "big"], result)
    require(result["rows"] ==
            [[1, 1.5, "x", "00ff", None, "9223372036854775807"]], result)


def test_sql_runs_several_statements(box):
    called(box, job("a"))
    a, b = rows(box, "SELECT ext FROM job; -- and\n SELECT 1 WHERE 0;")
    require(a["rows"] == [["a"]] and b["rows"] == [], a, b)
    r = box.run("sql", "SELECT ext FROM job").expect(0)
    require(r.out.split() == ["ext", "a"], r.out)


def test_sql_comes_from_standard_input_too(box):
    called(box, job("a"))
    r = box.run("sql", stdin="SELECT ext\nFROM job;\n").expect(0)
    require(r.out.split() == ["ext", "a"], r.out)
    box.run("sql", stdin=b"SELECT 1\0").expect(2, err="NUL")
    box.run("sql", stdin="--" + "x" * (1 << 20)).expect(2, err="bytes of SQL")


def test_sql_cannot_write_unless_told(box):
    called(box, job("a"))
    for sql in ("DELETE FROM person", "UPDATE job SET state=1",
                "CREATE TABLE x(y)", "PRAGMA user_version=7"):
        box.run("sql", sql).expect(2, err="--write")
    require(rows(box, "SELECT count(*) FROM person")[0]["rows"] == [[1]],
            "it is gone")


def test_a_mistake_in_sql_has_sqlites_words(box):
    called(box, job("a"))
    box.run("sql", "SELEC 1").expect(2, err='near "SELEC"')
    box.run("sql", "SELECT x").expect(2, err="no such column: x")
    error = filled.error_of(box.run("sql", "--json", "SELECT 1; SELEC"),
                            "ERR_USAGE")
    require("SELEC" in error["message"], error)
    r = box.run("sql", "SELECT 'before'; SELEC").expect(2)
    require("before" in r.out, "what came before the mistake is lost")


def test_an_answer_of_many_rows_comes_whole(box):
    called(box, job("a"))
    r = box.run("sql", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                "i+1 FROM n WHERE i<12000) SELECT i FROM n").expect(0)
    got = [int(x) for x in r.out.split() if x != "i"]
    require(got == list(range(1, 12001)), len(got))


def test_sql_asks_on_a_terminal(box):
    called(box, job("a"))
    r = box.pty("sql", answers=[("sql> ", "SELECT ext\n"),
                                ("...> ", "FROM job;\n"),
                                ("sql> ", "SELEC;\n"),
                                ("sql> ", "SELECT 'on';\n"),
                                ("sql> ", "quit\n")]).expect(0)
    require('near "SELEC"' in r.out and "\non" in r.out, r.out)
    r = box.pty("sql", "--no-input").expect(2)
    require("QUERY is missing" in r.out, r.out)


def test_rows_are_never_cut_off_a_terminal(box):
    called(box, job("a"))
    long = "x" * 500
    require(long in box.run("sql", "SELECT '%s'" % long).out, "cut")
    require("\u2026" in box.pty("sql", "SELECT '%s'" % long).out, "not cut")


def test_documents_of_looking_conform(box):
    called(box, job("a"), job("b", BUSY))
    for args, schema in ((["jobs"], "jobs"), (["status"], "status"),
                         (["show", "a"], "show"), (["parked"], "parked"),
                         (["outbox"], "outbox"), (["sql", "SELECT 1"], "sql"),
                         (["clock"], "clock"), (["dnc", "list"], "dnc_list"),
                         (["incarnation"], "incarnation")):
        document = box.run(*args, "--json").expect(0).json(schema)
        conform(json.loads(json.dumps(document)), schema)


if __name__ == "__main__":
    harness.main()
