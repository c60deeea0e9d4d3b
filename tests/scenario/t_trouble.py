#!/usr/bin/python3
"""An operator at three in the morning: what is refused names the way out, the
brakes work whatever else is broken, and a heap is decided by one command."""
import os
import shutil

import damage
import filled
import harness
from filled import configure, enqueue, job
from harness import Skip, require, wait_for
from t_worker import started, workers


def working(box, *args, **more):
    """A worker under whom something is broken."""
    configure(box, **more)
    enqueue(box, job("a", notBefore="2027-03-01T17:00:00Z"))
    return started(box, *args)


# --- brakes ---

def test_the_brakes_work_with_a_broken_kind_of_job(box):
    p = working(box)
    kind = box.path("jobs/call.yaml")
    whole = kind.read_text()
    kind.write_text(whole + "script: {greeting\n")
    for command in (("drain",), ("enqueue", "jobs.jsonl"), ("resume",
                    "--reason", "r"), ("sync",), ("worker",)):
        box.run(*command).expect(78, err="jobs/call.yaml")
    box.run("status").expect(0, out="QUEUED 1", err="jobs/call.yaml")
    box.run("pause", "--reason", "the script is wrong").expect(
        0, err="goes on")
    box.run("dnc", "add", "+12025550101", "--reason", "r").expect(0)
    box.run("jobs").expect(0, out="QUEUED")
    box.run("show", "a").expect(0)
    box.run("stop", "--json").expect(0)
    p.wait().expect(0)
    kind.write_text(whole)
    box.run("status").expect(0, out="PAUSED   all calls")
    box.run("dnc", "list").expect(0, out="+12025550101")


def test_a_configuration_that_may_name_another_directory_is_asked_for_it(box):
    p = working(box)
    box.write("dsrun.yaml", box.path("dsrun.yaml").read_text() + "x: {y\n")
    box.run("pause", "--reason", "r").expect(
        78, err="to pause all the same, name the directory: --dir DIR")
    box.run("status").expect(78, err="--dir DIR")
    box.run("stop", "--dir", box.data).expect(0, err="gone")
    p.wait().expect(0)
    box.run("pause", "--reason", "r", "--dir", box.data).expect(0)
    # What is wrong beside the directory is no reason to refuse a brake.
    configure(box, limits={"concurrency": "many"})
    box.run("drain").expect(78)
    box.run("status").expect(0, out="PAUSED   all calls",
                             err="limits.concurrency")
    configure(box, limits={"concurrency": 5})
    box.write(".env", "no such thing\n")
    box.run("status").expect(78, err="--dir DIR")
    box.run("status", env={"DSRUN_DIR": box.data}).expect(0)


def test_a_campaign_that_nobody_has_is_paused_and_said(box):
    configure(box)
    enqueue(box, job("a", campaignId="spring"))
    r = box.run("pause", "--campaign", "spring", "--reason", "r").expect(0)
    require("no job here" not in r.err, r.err)
    box.run("pause", "--campaign", "sprnig", "--reason", "r").expect(
        0, err="no job here is of campaign sprnig")


# --- lock files ---

def test_a_worker_whose_lock_files_are_gone_is_stopped_and_it_goes_on(box):
    for names in (("journal.lock",), ("owners.lock",),
                  ("journal.lock", "owners.lock")):
        shutil.rmtree(box.data, ignore_errors=True)
        p = working(box)
        other = started(box, name="south")
        for name in names:
            (box.data / name).unlink()
        box.run("adopt", "--by", "ana").expect(11, err="dsrun stop --all")
        box.run("stop", "south").expect(12)
        box.run("stop").expect(0, err="process %d: gone" % p.pid)
        p.wait()
        other.wait()
        box.run("stop").expect(12, err="adopt")
        box.run("adopt", "--by", "ana").expect(4)
        box.run("check", "--quiet").expect(0)
        box.run("stop").expect(0, err="nothing runs here")


def test_a_copy_of_a_journal_in_use_is_not_adopted(box):
    p = working(box)
    box.run("backup", "good.db").expect(0)
    shutil.copytree(box.data, box.path("copy"))
    box.run("drain", "--dir", "copy").expect(
        12, err="or people are called twice.  Then: dsrun adopt")
    for command in (("adopt",), ("restore", "good.db", "--yes")):
        box.run(*command, "--by", "ana", "--dir", "copy").expect(
            11, err="is a copy of a journal that is in use by pid %d" % p.pid)
    box.run("drain", "--dir", "copy").expect(12)
    require([w["pid"] for w in workers(box)] == [p.pid], workers(box))
    p.terminate()
    p.wait().expect(0)
    box.run("adopt", "--by", "ana", "--dir", "copy").expect(4)
    box.run("status", "--dir", "copy").expect(0, out="RESTORED")


def test_who_is_not_the_owner_is_told_so(box):
    if os.getuid() != 0:
        raise Skip("needs root")
    configure(box)
    enqueue(box, job("a"))
    box.dir.chmod(0o755)
    for command in ("status", "drain", "check", "adopt --by ana"):
        box.shell("setpriv --reuid=65534 --regid=65534 --clear-groups "
                  "dsrun " + command).expect(
                      78, err="belongs to uid 0, this runs as uid 65534: "
                      "run dsrun as its owner")


# --- heaps ---

def test_a_heap_of_parked_jobs_is_resolved_by_one_command(box):
    configure(box, sim={"class": "blind", "faults": {"answer_lost": 1}},
              limits={"concurrency": 300})
    enqueue(box, *(job("j%d" % n, "+1999555%04d" % n,
                       campaignId="c%d" % (n % 2)) for n in range(300)))
    box.run("drain").expect(4)
    said = ("--by", "ana", "--reason", "r")
    box.run("resolve", "--as", "drop", *said).expect(2, err="or --all")
    box.run("resolve", "j1", "--all", "--as", "drop", *said).expect(2)
    box.run("resolve", "j1", "--cause", "blind", "--as", "drop",
            *said).expect(2, err="choose among --all")
    box.run("resolve", "--all", "--as", "absent", *said).expect(
        2, err="Resolve 300 parked jobs as absent (they may be called "
        "again)? Nobody can be asked here: say --yes")
    box.run("resolve", "--all", "--cause", "restored", "--as", "drop", *said,
            "--yes").expect(0, err="nothing of that is parked")
    box.run("resolve", "--all", "--campaign", "c1", "--cause", "blind",
            "--as", "placed", *said, "--yes").expect(0, err="150 done")
    jobs = box.run("status", "--json").json("status")["jobs"]
    require(jobs["PARKED"] == 150 and jobs["DONE"] == 150, jobs)
    box.run("resolve", "j0", "j2", "--as", "drop", *said).expect(
        0, err="j2")
    box.run("resolve", "--all", "--as", "drop", *said, "--yes").expect(
        0, err="148 done")
    jobs = box.run("status", "--json").json("status")["jobs"]
    require(jobs["PARKED"] == 0 and jobs["CANCELLED"] == 150, jobs)
    box.run("check", "--quiet").expect(0)


def test_a_heap_of_parked_jobs_is_not_a_heap_of_mails(box):
    configure(box, sim={"class": "blind"},
              on_attention="(echo mail; cat) >> told; sleep 1")
    enqueue(box, *(job("j%d" % n, "+1999555%04d" % n) for n in range(600)))
    box.run("backup", "good.db").expect(0)
    box.run("restore", "good.db", "--by", "ana", "--yes").expect(4)
    box.run("drain", "--quiet").expect(4)

    def told():
        lines = box.path("told").read_text().splitlines()
        return lines if len(lines) > 600 else None
    lines = wait_for(told, 10, "the lines")
    mails = lines.count("mail")
    require(2 <= mails <= 4, mails, "mails")
    told_of = [line for line in lines if line.startswith("parked #")]
    require(len(told_of) == len(set(told_of)) == 600, len(told_of))


def test_a_heap_of_dead_letters_is_given_up_or_tried_again(box):
    filled.called(box, *(job("j%d" % n, "+1999555%04d" % n)
                         for n in range(60)))
    filled.alter(box, """
        UPDATE outbox SET state=2, tries=9, error='refused';
        UPDATE outbox SET sink=5 WHERE id%3=0;
        UPDATE outbox SET state=0, tries=0, error=NULL WHERE id%6=0;""")
    listed = box.run("outbox", "--sink", "webhook", "--limit", "7", "--json"
                     ).expect(0).json("outbox")
    require(len(listed["outbox"]) == 7 and listed["next"], listed)
    require({r["sink"] for r in listed["outbox"]} == {"webhook"}, listed)
    box.run("outbox", "drop", "--reason", "r").expect(2, err="--all")
    box.run("outbox", "drop", "1", "--all", "--reason", "r").expect(2)
    box.run("outbox", "retry", "1", "--sink", "file").expect(2)
    box.run("outbox", "drop", "--all", "--sink", "web", "--reason", "r"
            ).expect(2)
    gone = ("outbox", "drop", "--all", "--reason", "receiver is gone")
    box.run(*gone, "--sink", "webhook").expect(
        2, err="Give up 10 results for webhook that could not be pushed? ")
    box.run(*gone, "--sink", "webhook", "--yes").expect(0, err="10 given up")
    box.run(*gone, "--sink", "webhook", "--state", "pending", "--yes").expect(
        0, err="10 given up")
    box.run("outbox", "retry", "--sink", "webhook").expect(
        0, err="no dead letters")
    box.run("outbox", "retry", "--sink", "file").expect(
        0, err="40 will be pushed again")


# --- a restore ---

def test_a_restored_journal_is_not_accepted_in_passing(box):
    configure(box)
    enqueue(box, job("a"))
    box.run("backup", "good.db").expect(0)
    box.run("drain").expect(0)
    box.run("restore", "good.db", "--by", "ana", "--yes").expect(
        4, err="next: dsrun drain, and dsrun parked; when nothing is left")
    accept = ("incarnation", "accept", "--by", "ana")
    box.run(*accept).expect(2, err="Call the 1 jobs that wait without asking "
                            "a carrier first? Nobody can be asked")
    box.run("status").expect(0, out="RESTORED")
    box.run("drain").expect(0)
    box.run(*accept).expect(0, err="accepted")
    rings = [c for c in box.calls() if c["ev"] == "placed"]
    require(len(rings) == 1, rings)
    box.run("check", "--quiet").expect(0)


def test_a_restore_forgets_no_stop(box):
    configure(box)
    enqueue(box, job("a", campaignId="spring"))
    box.run("dnc", "add", "+12025550191", "--reason", "r").expect(0)
    box.run("backup", "good.db").expect(0)
    box.run("dnc", "add", "+12025550101", "--reason", "r").expect(0)
    box.run("pause", "--campaign", "spring", "--reason", "r").expect(0)
    box.run("pause", "--reason", "r").expect(0)
    back = ("restore", "good.db", "--by", "ana", "--yes")
    d = box.run(*back, "--json").expect(4).json()
    require((d["keptNumbers"], d["keptPauses"], d["stopsLost"]) ==
            (1, 2, False), d)
    listed = box.run("dnc", "list").expect(0).out
    require("+12025550101" in listed and "+12025550191" in listed, listed)
    status = box.run("status").expect(0)
    require("PAUSED   all calls by ana" in status.out and
            "PAUSED   campaign spring by ana" in status.out, status.out)
    # Of a file with a broken page they are read all the same.
    box.run("dnc", "add", "+12025550102", "--reason", "r").expect(0)
    page = damage.pages(box)[("event", "leaf")][0]
    damage.overwrite(box, page)
    box.run("status").expect(12)
    box.run(*back).expect(4, err="2 numbers of the do-not-call list, 2 pauses")
    require("+12025550102" in box.run("dnc", "list").out, "it is forgotten")
    box.run("check", "--quiet").expect(0)
    damage.overwrite(box, damage.pages(box)[("dnc", "leaf")][0])
    box.run(*back).expect(4, err="before anybody is called, enter again")
    damage.overwrite(box, 1)
    box.run(*back).expect(4, err="before anybody is called, enter again")


# --- before a call ---

def test_a_dry_run_tells_what_waits_and_what_has_come_due(box):
    configure(box, sim={"speed": 1})
    enqueue(box, job("now"), job("due", "+12025550102",
                                 notBefore="2027-01-05T17:00:01Z"),
            job("later", "+12025550103", notBefore="2027-01-06T17:00:00Z"))
    box.run("pause", "--reason", "so that nobody is called").expect(0)
    box.run("drain")

    def due():
        d = box.run("drain", "--dry-run", "--json").expect(0).json()
        return d["later"] == 3 and len(d["jobs"]) == 3
    box.run("drain", "--dry-run").expect(
        0, out="until 2027-01-06 17:00:00Z", err="3 wait")
    wait_for(due, 10, "the second job")
    box.run("resume", "--reason", "r").expect(0)
    wait_for(lambda: "2 would be called, 1 wait" in
             box.run("drain", "--dry-run").err, 10, "two that may be called")


def test_hours_that_are_opened_hold_for_jobs_that_wait(box):
    shut = {**filled.KIND["windows"], "mon-fri": "14:00-21:00"}
    later = {**filled.KIND["windows"], "mon-fri": "15:00-21:00"}
    configure(box, sim={"speed": 1}, kind={"windows": shut})
    enqueue(box, *(job("j%d" % n, "+1999555%04d" % n) for n in range(700)),
            job("own", notBefore="2027-01-05T18:00:00Z"))
    box.run("drain").expect(0, err="")
    jobs = box.run("status", "--json").json("status")["jobs"]
    require(jobs["QUEUED"] == 701, jobs)
    before = box.run("sql", "SELECT count(*) FROM event").out
    box.run("drain").expect(0, err="")
    configure(box, sim={"speed": 1}, kind={"windows": later})
    box.run("drain").expect(0, err="")
    require(box.run("sql", "SELECT count(*) FROM event").out == before,
            "hours that were not opened moved a job")
    configure(box, sim={"speed": 1}, limits={"concurrency": 1000})
    box.run("why", "j0").expect(0, out="the next dsrun drain looks at it")
    box.run("pause", "--reason", "so that nobody is called").expect(0)
    box.run("drain").expect(0, err="700 jobs that waited for them")
    jobs = box.run("status", "--json").json("status")["jobs"]
    require(jobs["READY"] == 700 and jobs["QUEUED"] == 1, jobs)
    box.run("drain").expect(0, err="")
    box.run("check", "--quiet").expect(0)


if __name__ == "__main__":
    harness.main()
