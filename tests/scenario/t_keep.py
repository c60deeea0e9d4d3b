#!/usr/bin/python3
"""init, backup, restore and prune from outside."""
import os
import stat

import crashing
import harness
from harness import require


def lived(box, count=3):
    crashing.configure(box)
    crashing.people(box, count)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    crashing.recover(box)


def test_init_makes_a_journal_of_its_own_and_says_what_next(box):
    crashing.configure(box)
    r = box.run("init").expect(0, err="dsrun enqueue")
    mode = stat.S_IMODE(os.stat(box.data / "journal.db").st_mode)
    require(mode == 0o600, oct(mode), r.err)
    box.run("init", "--json").expect(0).json()


def test_every_other_command_names_the_missing_journal(box):
    crashing.configure(box)
    for command in (("drain",), ("sync",), ("jobs",), ("check",),
                    ("backup", "b.db"), ("prune", "--older-than", "1d")):
        box.run(*command).expect(78, err=str(box.data / "journal.db"))
    require(not box.data.exists(), "a command made the directory")


def test_a_backup_is_checked_and_never_overwrites(box):
    lived(box)
    box.run("backup", "b.db").expect(0)
    box.run("check", "b.db").expect(0)
    before = box.path("b.db").read_bytes()
    r = box.run("backup", "b.db")
    require(r.exit not in (0, 12) and "b.db" in r.err, r.exit, r.err)
    require(box.path("b.db").read_bytes() == before, "it was overwritten")


def test_a_damaged_backup_replaces_nothing(box):
    lived(box)
    box.run("backup", "b.db").expect(0)
    data = bytearray(box.path("b.db").read_bytes())
    at = len(data) // 2
    data[at:at + 64] = b"\xff" * 64
    box.path("b.db").write_bytes(data)
    r = box.run("restore", "b.db", "--by", "ana", "--reason", "x", "--yes")
    require(r.exit == 12, r.exit, r.err)
    box.run("check").expect(0)


def test_a_restore_asks_and_no_is_no(box):
    lived(box)
    box.run("backup", "b.db").expect(0)
    box.run("restore", "b.db", "--by", "ana", "--reason", "x",
            "--no-input").expect(2)
    box.pty("restore", "b.db", "--by", "ana", "--reason", "x",
            answers=[("[y/N]", "n\n")])
    box.run("check").expect(0)


def test_pruned_jobs_are_archived_and_still_known(box):
    lived(box)
    d = box.run("prune", "--older-than", "0", "--json").expect(0).json()
    require(d["jobs"] >= 2 and d["archive"], d)
    require((box.data / d["archive"]).exists(), d)
    r = box.run("enqueue", "jobs.jsonl").expect(0)
    require("added 0, known 3" in r.out, r.out)
    box.run("check").expect(0)
    rang = len([c for c in box.calls() if c["ev"] == "placed"])
    box.run("drain", "--wait", "30m", "--quiet").expect(0)
    require(len([c for c in box.calls() if c["ev"] == "placed"]) == rang,
            "a pruned job was called again")


def test_a_pruned_job_is_not_called_again_by_retry(box):
    lived(box)
    box.run("prune", "--older-than", "0").expect(0)
    r = box.run("retry", "job-0", "--by", "ana", "--reason", "x")
    require(r.exit != 0, "it took a RETRY")


def test_prune_killed_at_any_point_goes_on(box):
    import shutil
    lived(box, 3)
    keep = box.path("keep.db")
    box.run("backup", str(keep)).expect(0)
    for n in range(1, 400, 3):
        box.run("restore", str(keep), "--by", "t", "--reason", "t", "--yes",
                "--quiet")
        shutil.rmtree(box.data / "archive", ignore_errors=True)
        (box.data / "archive").mkdir()
        r = box.run("prune", "--older-than", "0", "--quiet",
                    env={"DSRUN_CRASH_AT": "*:%d" % n})
        box.run("prune", "--older-than", "0", "--quiet").expect(0)
        c = box.run("check", "--json").json("check")
        bad = {k: v for k, v in c["invariants"].items() if v["ok"] is False}
        # The restored journal's calls are of another incarnation: I2, I14
        # speak of those; what prune could break is the rest.
        require(not [k for k in bad if k not in ("I2", "I14")], bad)
        box.transcript.clear()
        if r.exit == 0:
            break
    require(n > 10, "only", n, "visits")


if __name__ == "__main__":
    harness.main()
