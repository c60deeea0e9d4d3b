#!/usr/bin/python3
"""Moments that no crash point shows: what people and disks do in between."""
import shutil
import time

import crashing
import harness
from harness import require


def begin(box, count=1, cls="named", **more):
    crashing.configure(box, cls, **more)
    crashing.people(box, count)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)


def requests(box):
    return [c for c in box.calls() if c["ev"] == "request"]


# --- between claim and arm ---

def between_claim_and_arm(box, *decision):
    """Stop a drain when its claim is durable, decide, and let it go on."""
    begin(box)
    drain = box.start("drain", "--wait", "10m", "--quiet",
                      env={"DSRUN_CLAIM_FIRST": "1",
                           "DSRUN_CRASH_AT": "run.claim.durable:1:stop"})
    harness.wait_for(drain.stopped, what="the claim")
    box.run(*decision).expect(0)
    drain.cont()
    drain.wait()


def test_a_cancel_between_claim_and_arm_wins(box):
    between_claim_and_arm(box, "cancel", "job-0")
    require(requests(box) == [], "it was dialled")
    require(crashing.tally(box)["CANCELLED"] == 1, crashing.tally(box))
    crashing.promise(box)


def test_a_pause_between_claim_and_arm_wins(box):
    between_claim_and_arm(box, "pause", "--reason", "test")
    require(requests(box) == [], "it was dialled")
    require(crashing.tally(box)["READY"] == 1, crashing.tally(box))
    box.run("resume", "--reason", "test").expect(0)
    crashing.recover(box)
    require(len(requests(box)) >= 1, "it was not dialled after the pause")
    crashing.promise(box)


def test_a_do_not_call_between_claim_and_arm_wins(box):
    between_claim_and_arm(box, "dnc", "add", crashing.PEOPLE[0])
    require(requests(box) == [], "it was dialled")
    require(crashing.tally(box)["FAILED"] == 1, crashing.tally(box))
    crashing.promise(box)


def test_a_cancel_after_the_arm_hangs_up(box):
    begin(box, sim={"speed": 20})
    drain = box.start("drain", "--wait", "10m", "--quiet")
    harness.wait_for(lambda: any(c["ev"] == "answered" for c in box.calls()),
                     what="an answer")
    box.run("cancel", "job-0").expect(0)
    drain.wait()
    require(crashing.tally(box)["CANCELLED"] == 1, crashing.tally(box))
    ended = [c for c in box.calls() if c["ev"] == "ended"]
    require(ended and ended[0]["by"] == "agent", ended)
    crashing.promise(box)


# --- files that come and go ---

def test_an_older_copy_over_the_journal_is_refused(box):
    begin(box, 3)
    shutil.copy(box.data / "journal.db", box.path("old.db"))
    box.run("drain", "--wait", "10m", "--quiet")
    for name in ("journal.db-wal", "journal.db-shm"):
        (box.data / name).unlink(missing_ok=True)
    # In place, so that the inode stays: as cp does.
    shutil.copyfile(box.path("old.db"), box.data / "journal.db")
    rang = len(requests(box))
    for command in (("drain", "--quiet"), ("enqueue", "jobs.jsonl"),
                    ("sync",), ("status",)):
        box.run(*command).expect(12, err="went back in time")
    require(len(requests(box)) == rang, "somebody was dialled")


def test_a_removed_wal_is_refused(box):
    begin(box, 3)
    # Killed: what it wrote is still in the -wal.
    box.run("drain", "--wait", "10m", "--quiet",
            env={"DSRUN_CRASH_AT": "run.dial.answered:2"}).expect(137)
    require((box.data / "journal.db-wal").stat().st_size > 0, "an empty -wal")
    (box.data / "journal.db-wal").unlink()
    (box.data / "journal.db-shm").unlink(missing_ok=True)
    box.run("drain", "--quiet").expect(12)


def test_missing_lock_files_need_an_adoption(box):
    begin(box, 2)
    for names in (["journal.lock"], ["owners.lock"],
                  ["journal.lock", "owners.lock"]):
        for name in names:
            (box.data / name).unlink()
        box.run("drain", "--quiet").expect(12, err="adopt")
        box.run("adopt", "--by", "ana", "--reason", "test").expect(4)
        box.run("status", "--json").json("status")
    box.run("incarnation", "accept", "--by", "ana", "--reason",
            "test", "--yes").expect(0)
    crashing.recover(box)
    crashing.promise(box)


def test_a_restore_under_a_running_worker_is_refused(box):
    begin(box, 1)
    box.run("backup", "b.db").expect(0)
    worker = box.start("worker", "--quiet")
    harness.wait_for(lambda: box.run("status", "--json").json()["workers"],
                     what="the worker")
    r = box.run("restore", "b.db", "--by", "ana", "--reason", "test", "--yes")
    r.expect(11, err=str(worker.pid))
    require(worker.running(), "the worker ended")
    worker.terminate()
    worker.wait()
    crashing.promise(box)


def test_after_a_restore_no_number_is_dialled_again_unasked(box):
    """The backup does not know of the calls; the network does."""
    begin(box, 3)
    box.run("backup", "b.db").expect(0)
    box.run("drain", "--wait", "10m", "--quiet")
    rang = {c["key"] for c in box.calls() if c["ev"] == "placed"}
    box.run("restore", "b.db", "--by", "ana", "--reason", "test",
            "--yes").expect(4)
    box.run("drain", "--wait", "10m", "--quiet")
    placed = [c["key"] for c in box.calls() if c["ev"] == "placed"]
    require(len(placed) == len(set(placed)), "a key rang twice")
    require(rang <= set(placed), "a call vanished from the log")
    again = [c for c in box.calls() if c["ev"] == "placed" and
             c["key"] not in rang]
    first = {c["to"] for c in box.calls()
             if c["ev"] == "placed" and c["key"] in rang}
    require(not [c for c in again if c["to"] in first],
            "a number was dialled again though its call was found", again)


def test_a_restored_journal_whose_carrier_cannot_be_asked_parks(box):
    begin(box, 2, cls="callback")
    box.run("backup", "b.db").expect(0)
    box.run("drain", "--wait", "10m", "--quiet")
    rang = len(requests(box))
    box.run("restore", "b.db", "--by", "ana", "--reason", "test",
            "--yes").expect(4)
    box.run("drain", "--wait", "10m", "--quiet").expect(4)
    require(len(requests(box)) == rang, "it dialled without asking")
    require(crashing.tally(box)["PARKED"] == 2, crashing.tally(box))


def test_a_journal_copied_with_its_directory_needs_an_adoption(box):
    begin(box, 1)
    shutil.copytree(box.data, box.path("copy"))
    box.run("drain", "--dir", "copy", "--quiet").expect(12, err="adopt")
    box.run("adopt", "--dir", "copy", "--by", "ana", "--reason",
            "moved").expect(4)
    box.run("status", "--dir", "copy", "--json").json("status")


# --- the clock ---

def test_an_untrusted_clock_dials_nobody(box):
    begin(box, 1)
    r = box.run("drain", "--quiet", env={"DSRUN_CLOCK_OFFSET_MS": "3600000"})
    require(r.exit == 4, r.exit)
    require(requests(box) == [], "it dialled")
    s = box.run("status", "--json",
                env={"DSRUN_CLOCK_OFFSET_MS": "3600000"}).json("status")
    require(s["clockTrusted"] is False, s)
    box.run("clock", "accept", "--by", "ana", "--reason", "checked",
            env={"DSRUN_CLOCK_OFFSET_MS": "3600000"}).expect(0)
    box.run("drain", "--wait", "30m", "--quiet",
            env={"DSRUN_CLOCK_OFFSET_MS": "3600000"})
    require(requests(box), "it did not dial after the clock was accepted")


# --- overlap ---

def test_two_drains_at_once_share_the_work(box):
    begin(box, 20)
    both = [box.start("drain", "--wait", "20m", "--quiet") for _ in range(2)]
    for p in both:
        require(p.wait().exit in (0, 3), "a drain failed")
    crashing.recover(box)
    crashing.promise(box)


def test_a_term_lets_calls_end_and_a_second_one_does_not(box):
    begin(box, 3, sim={"speed": 10})
    drain = box.start("drain", "--wait", "20m")
    harness.wait_for(lambda: any(c["ev"] == "answered" for c in box.calls()),
                     what="an answer")
    drain.terminate()
    time.sleep(0.1)
    require(drain.running(), "it ended in the middle of a call")
    drain.terminate()
    drain.wait()
    crashing.recover(box)
    crashing.promise(box)


if __name__ == "__main__":
    harness.main()
