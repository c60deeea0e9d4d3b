#!/usr/bin/python3
"""Damage: each kind is refused in words that name the file and what to do,
nobody is called meanwhile, `check` names the first bad place, and doing what
the words say works.

What the disk itself refuses (full, read-only, not local) is in t_disk.py.
"""
import pathlib
import shutil
import sqlite3

import crashing
import damage
import filled
import harness
from harness import require

COMMANDS = (("drain", "--quiet"), ("enqueue", "jobs.jsonl"), ("sync",),
            ("status",), ("backup", "never.db"))
RESTORE = ("restore", "good.db", "--by", "ana", "--reason", "test", "--yes")


def lived(box, count=30, called=12):
    """Some jobs are over, the others wait; good.db is a backup of that."""
    crashing.configure(box)
    crashing.people(box, count)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    box.run("drain", "--max-jobs", called, "--quiet")
    box.run("backup", "good.db", "--quiet").expect(0)
    require((box.data / "journal.db-wal").stat().st_size == 0, "a -wal")


def backed_up(box, sql):
    """One value, from the backup."""
    db = sqlite3.connect("file:%s?mode=ro" % box.path("good.db"), uri=True)
    value, = db.execute(sql).fetchone()
    db.close()
    require(value is not None, "there is none:", sql)
    return value


def requests(box):
    return len([c for c in box.calls() if c["ev"] == "request"])


def refused(box, *words, commands=COMMANDS, exit=12):
    """No command does anything; each says all words."""
    asked = requests(box)
    for command in commands:
        r = box.run(*command).expect(exit)
        for word in words:
            require(word in r.err, command, "does not say", word, ":", r.err)
    require(requests(box) == asked, "somebody was called")
    require(not box.path("never.db").exists(), "a backup of damage was made")


def named(box, where, *words):
    """check finds it, in JSON and in text, and accuses nobody of what it only
    could not read."""
    d = box.run("check", "--json").expect(12).json("check")
    parts = {**d["invariants"], **d["parts"]}
    require(not d["ok"] and parts[where]["ok"] is False, where, "is not named",
            d)
    first = parts[where]["violations"][0]
    said = "\n".join(parts[where]["violations"])
    for word in words:
        require(word in said, where, "does not say", word, ":", said)
    text = box.run("check", "--quiet").expect(12).out
    require(where in text and first in text, text)
    return {name for name, part in parts.items() if part["ok"] is False}


def unreadable(box):
    """Not even the first page: there is no place to name but the file."""
    error = filled.error_of(box.run("check", "--json").expect(12),
                            "ERR_DAMAGED")
    require(str(box.data / "journal.db") in error["message"], error)


def mended(box):
    box.run(*RESTORE).expect(4)
    box.run("check").expect(0)


def all_over(box):
    """Every job ends, and no promise was broken on the way."""
    crashing.recover(box)
    crashing.promise(box)


# --- pages of the database ---

def test_a_broken_page_is_named_and_a_backup_mends_it(box):
    lived(box)
    for name, kind in (("event", "internal"), ("event", "leaf"),
                       ("head", "leaf"), ("job", "leaf"), ("attempt", "leaf"),
                       ("outbox", "leaf"), ("person", "leaf"),
                       ("job_ready", "leaf"), ("sqlite_schema", "leaf")):
        box.note("a page of %s, %s" % (name, kind))
        page = damage.pages(box)[(name, kind)][0]
        damage.overwrite(box, page)
        if name == "sqlite_schema":
            unreadable(box)
        else:
            wrong = named(box, "database", "age %d" % page)
            # What could not be read is not said to be missing.
            require(not wrong & {"I1", "I2", "I12", "I14", "I15"}, wrong)
        # The first may have called whom it could still read of; no other.
        box.run("drain", "--quiet").expect(12, err="dsrun restore FILE")
        refused(box, str(box.data / "journal.db"), "dsrun restore FILE")
        mended(box)
    all_over(box)


def test_a_broken_header_is_refused_and_a_backup_mends_it(box):
    lived(box, 6, 3)
    for offset, data in ((0, b"\0" * 100), (16, b"\xff\xff"),
                         (28, b"\0\0\0\x14"), (0, b"\xa5" * damage.PAGE)):
        damage.overwrite(box, 1, offset, data)
        unreadable(box)
        refused(box, str(box.data / "journal.db") + " is damaged",
                "dsrun restore FILE")
        mended(box)
    all_over(box)


def test_a_broken_freelist_is_mended_by_the_next_start(box):
    lived(box)
    trunk, free = damage.freelist(box)
    require(trunk > 0 and free > 0, "no page is free")
    damage.overwrite(box, trunk)
    named(box, "database", "reelist")
    drain = box.run("drain", "--quiet").expect(12)
    require("is damaged" in drain.err, drain.err)
    # All rows could be read, so a whole journal could be made of them.
    box.run("status").expect(0)
    box.run("check").expect(0)
    all_over(box)


def test_a_truncated_database_is_refused_and_a_backup_mends_it(box):
    lived(box, 6, 3)
    whole = (box.data / "journal.db").stat().st_size
    for size in (0, 50, 100, damage.PAGE, whole // 2, whole - damage.PAGE):
        with open(box.data / "journal.db", "r+b") as f:
            f.truncate(size)
        unreadable(box)
        refused(box, str(box.data / "journal.db"), "dsrun restore FILE")
        mended(box)
    all_over(box)


# --- rows, behind SQLite's back ---

# Columns of event: job, n, prev, at_ms, step, ..., attempt_state, detail, hash.
def test_a_flipped_bit_in_an_event_is_named(box):
    lived(box, 12, 8)
    saved = damage.Saved(box)
    seq = backed_up(box, "SELECT max(seq) FROM event WHERE prev>1 AND "
                    "attempt_state IS NOT NULL AND seq<(SELECT max(seq) FROM "
                    "event)")
    for column in (2, 3, 4, 5, 6, 8, 10):
        saved.put_back()
        damage.flip(box, "event", seq, column)
        named(box, "I8", "event %d" % seq)
        refused(box, str(box.data / "journal.db"), "event %d " % seq,
                "dsrun check", "dsrun restore FILE")
    # The newest is known to the mark too.
    saved.put_back()
    last = backed_up(box, "SELECT max(seq) FROM event")
    damage.flip(box, "event", last, 10)
    named(box, "I8", "event %d" % last)
    refused(box, "event %d is not the one that was written here" % last,
            "dsrun restore FILE")
    mended(box)
    all_over(box)


def test_a_row_removed_behind_sqlites_back_is_named(box):
    lived(box, 6, 3)
    saved = damage.Saved(box)
    last = backed_up(box, "SELECT max(seq) FROM event")
    attempt = backed_up(box, "SELECT min(id) FROM attempt")
    # A start misses each of the newest 1,000 events.
    for seq in (2, last - 2, last):
        saved.put_back()
        damage.remove(box, "event", seq)
        named(box, "I8")
        refused(box, "event %d is missing" % seq, "dsrun restore FILE")
    # Of other rows nothing is read at a start: the nightly check names them.
    for table, row, where, word in (
            ("job", 2, "I8", "job #2, which is not there"),
            ("attempt", attempt, "I9", "has events and no row"),
            ("outbox", 1, "I10", "0 results in the outbox"),
            ("sealed", 2, "I8", "seal 3 follows seal 1")):
        saved.put_back()
        damage.remove(box, table, row)
        named(box, where, word)
        mended(box)
        saved = damage.Saved(box)
    all_over(box)


def test_a_flipped_bit_in_another_row_is_named(box):
    lived(box, 6, 3)
    attempt = backed_up(box, "SELECT min(id) FROM attempt")
    done = backed_up(box, "SELECT min(id) FROM job WHERE state=3")
    for table, row, column, where in (
            ("attempt", attempt, 1, "I9"), ("job", done, 8, "I9"),
            ("sealed", 2, 7, "I8"), ("step", 1011, 4, "schema"),
            ("tally", 1, 1, "tally")):
        damage.flip(box, table, row, column, bit=1)
        named(box, where)
        mended(box)
    all_over(box)


def test_a_flipped_bit_in_whom_to_call_is_named_and_calls_nobody(box):
    """A page that is one still, with another number on it."""
    lived(box, 6, 3)
    waits = backed_up(box, "SELECT min(id) FROM job WHERE state=1")
    done = backed_up(box, "SELECT min(id) FROM job WHERE state=3")
    for job, column in ((waits, 1), (waits, 4), (waits, 5), (done, 1)):
        damage.flip(box, "person", job, column, bit=0)
        wrong = named(box, "database", "job #%d" % job, "whom it is to call")
        require(wrong == {"database"}, wrong)
        if job == waits:
            refused(box, str(box.data / "journal.db"), "job #%d " % job,
                    "dsrun check", "dsrun restore FILE",
                    commands=(("drain", "--quiet"),))
        mended(box)
    all_over(box)


# --- the -wal and the -shm ---

def killed(box):
    """A run that was killed: what it wrote is in the -wal alone."""
    lived(box, 12, 6)
    box.run("drain", "--quiet",
            env={"DSRUN_CRASH_AT": "run.dial.answered:2"}).expect(137)
    require((box.data / "journal.db-wal").stat().st_size > 2 * damage.PAGE,
            "hardly a -wal")


def test_a_damaged_wal_is_refused_and_the_whole_one_can_come_back(box):
    killed(box)
    saved = damage.Saved(box)
    path = box.data / "journal.db-wal"
    wal = path.read_bytes()
    frame = 24 + damage.PAGE
    # Frames have the header's salts; what is behind them is room.
    frames = 0
    while wal[32 + frames * frame + 8:][:8] == wal[16:24]:
        frames += 1
    wal = wal[:32 + frames * frame]

    def bit(at):
        return wal[:at] + bytes([wal[at] ^ 1]) + wal[at + 1:]

    for what, data in (
            ("missing", None), ("empty", b""), ("a torn header", wal[:20]),
            ("a torn frame", wal[:-2000]),
            ("without its last frame", wal[:32 + (frames - 1) * frame]),
            ("without all but one", wal[:32 + frame]),
            ("a bit in its header", bit(5)), ("a bit in it", bit(40)),
            ("a bit in the middle", bit(len(wal) // 2)),
            ("a bit in its last page", bit(len(wal) - 1)),
            ("garbage", b"\xa5" * len(wal))):
        box.note("-wal: " + what)
        saved.put_back()
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
        refused(box, "went back in time", "Put the newer files back",
                "dsrun restore FILE")
        error = filled.error_of(box.run("check", "--json").expect(12),
                                "ERR_DAMAGED")
        require("went back in time" in error["message"], error)
    saved.put_back()
    box.run("check").expect(0)
    all_over(box)


def test_a_journal_whose_wal_is_lost_can_be_adopted(box):
    killed(box)
    (box.data / "journal.db-wal").unlink()
    refused(box, "went back in time", "dsrun adopt --by NAME")
    box.run("adopt", "--by", "ana", "--reason", "the -wal is lost").expect(4)
    box.run("status").expect(0, out="RESTORED")
    all_over(box)
    box.run("incarnation", "accept", "--by", "ana").expect(0)


def test_the_shm_may_be_anything(box):
    """It is made anew from the -wal whenever nobody has it open."""
    killed(box)
    saved = damage.Saved(box)
    path = box.data / "journal.db-shm"
    for data in (None, b"", b"\xa5" * 32768, b"\0" * 65536, b"\xff" * 100):
        saved.put_back()
        if data is not None:
            path.write_bytes(data)
        box.run("check").expect(0)
    path.write_bytes(b"\xa5" * 32768)
    all_over(box)


# --- the lock files ---

def test_garbage_in_the_lock_files_needs_an_adoption(box):
    lived(box, 6, 3)
    ways = (
        ("journal.lock", lambda b: b"\xa5" * len(b), "lock files are not"),
        ("journal.lock", lambda b: b[:16] + b"\xa5" * (len(b) - 16),
         "has lost its mark"),
        ("journal.lock", lambda b: b"", "is empty"),
        ("owners.lock", lambda b: b"\xa5" * 16, "lock files are not"),
        ("owners.lock", lambda b: b[:9], "is empty"))
    for name, change, words in ways:
        path = box.data / name
        data = change(path.read_bytes())
        with open(path, "r+b") as f:
            f.truncate(0)
            f.write(data)
        refused(box, words, "adopt", str(box.data))
        box.run("check", "--json").expect(12)
        box.run("adopt", "--by", "ana", "--reason", "test").expect(4)
        box.run("check").expect(0)
    # What lies behind the id is nobody's.
    with open(box.data / "owners.lock", "ab") as f:
        f.write(b"\xa5" * 100)
    box.run("check").expect(0)
    all_over(box)


# --- another schema, another place ---

def test_a_newer_schema_is_refused_and_left_alone(box):
    lived(box, 6, 3)
    with sqlite3.connect(box.data / "journal.db") as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    before = (box.data / "journal.db").read_bytes()
    refused(box, str(box.data / "journal.db"), "has schema 99",
            "use the newer dsrun", exit=78)
    box.run("check").expect(78, err="use the newer dsrun")
    box.run("check", box.data / "journal.db").expect(78)
    box.run("adopt", "--by", "ana").expect(78, err="use the newer dsrun")
    require((box.data / "journal.db").read_bytes() == before, "it changed")
    mended(box)
    all_over(box)


def copied_if_there(src, dst):
    """As cp does: a temporary file that is gone by its turn is not copied."""
    try:
        shutil.copy2(src, dst)
    except FileNotFoundError:
        pass


def test_a_journal_copied_while_it_is_used_needs_an_adoption(box):
    lived(box, 12, 6)
    worker = box.start("worker", "--quiet")
    harness.wait_for(lambda: box.run("status", "--json").json()["workers"],
                     what="the worker")
    box.path("one").mkdir()
    shutil.copy(box.data / "journal.db", box.path("one"))
    shutil.copytree(box.data, box.path("all"),
                    copy_function=copied_if_there)
    require(worker.running(), "the worker did not survive it")
    worker.terminate()
    worker.wait()
    all_over(box)
    for name, word in (("one", "owners.lock is missing"),
                       ("all", "lock files are not the ones")):
        there = ("--dir", name)
        for command in COMMANDS:
            r = box.run(*command, *there).expect(12)
            require(word in r.err and "adopt" in r.err, r.err)
        box.run("check", *there).expect(12, err="adopt")
        box.run("adopt", "--by", "ana", "--reason", "moved",
                *there).expect(4)
        box.run("status", *there).expect(0, out="RESTORED")
        # A copy of many files is no moment of them: of a recording that was
        # being written it may have a part, of the network's log too.
        d = box.run("check", "--json", *there).json("check")
        wrong = {name for name, part in {**d["invariants"],
                                         **d["parts"]}.items()
                 if part["ok"] is False}
        require(not wrong - {"files", "I15"}, wrong, d)
    require(not box.path("never.db").exists(), "a backup was made")
    # The one that was copied never noticed.
    box.run("check").expect(0)


# --- what calls left ---

def waiting(box):
    """All called; the results wait, for nobody can take their lock."""
    filled.configure(box, sim={"speed": 200}, kind={"limits": {
        "max_call": "2m", "ring": "50s", "min_gap": "0"}})
    filled.enqueue(box, *[
        filled.job("a%d" % i, phone, campaignId="c") for i, phone in enumerate(
            (filled.HUMAN, filled.TREE, filled.VOICEMAIL, "+12025550102"))])
    box.run("drain", "--max-jobs", 1, "--quiet").expect(0)
    lock = box.data / "out" / "results.lock"
    lock.unlink()
    lock.mkdir()
    box.run("drain", "--quiet").expect(1, err=str(lock))
    lock.rmdir()


def files_of(box, name):
    d = box.run("replay", "--job", name, "--json").json("replay")
    return {f["kind"]: (f["state"], f["path"]) for f in d["files"]}


def test_a_damaged_recording_is_named_and_not_passed_on(box):
    waiting(box)
    names = [j["id"] for j in box.run(
        "jobs", "--json").json("jobs")["jobs"]]
    late = [n for n in names if n not in
            [r["job"]["id"] for r in box.results()]]
    require(len(late) == 3, late)
    paths = {n: pathlib.Path(files_of(box, n)["recording"][1])
             for n in late}
    whole = {n: p.read_bytes() for n, p in paths.items()}
    cut, altered, gone = late
    paths[cut].write_bytes(whole[cut][:len(whole[cut]) // 2])
    half = len(whole[altered]) // 2
    damage.write(paths[altered], half, bytes([whole[altered][half] ^ 0x10]))
    paths[gone].unlink()
    named(box, "files", "recordings/%s" % paths[cut].name,
          "%d were written" % len(whole[cut]),
          "recordings/%s" % paths[altered].name, "was altered")
    d = box.run("check", "--json").json("check")
    require(len(d["listed"]) == 1 and paths[gone].name in d["listed"][0] and
            "is gone" in d["listed"][0], d["listed"])
    for n, state in ((cut, "different"), (altered, "different"),
                     (gone, "missing")):
        require(files_of(box, n)["recording"][0] == state, n)
    # The results go out, without what is not theirs.
    r = box.run("sync")
    for n in (cut, altered, gone):
        require(str(paths[n]) in r.err, "sync does not name", paths[n], r.err)
    results = {r["job"]["id"]: r for r in box.results()}
    for n in late:
        require(results[n]["recording"] is None, results[n])
        require(not list((box.data / "out" / "c" / n).glob("*.wav")), n)
    require(len(box.results()) == 4, "a result is missing or doubled")
    # Put back, they are whole again for check and replay.
    for n in late:
        paths[n].write_bytes(whole[n])
    box.run("check").expect(0)
    require(files_of(box, cut)["recording"][0] == "same")


def test_an_altered_talk_file_is_named_and_replay_says_where(box):
    filled.configure(box, sim={"speed": 200})
    filled.enqueue(box, filled.job("a"))
    box.run("drain", "--quiet").expect(0)
    path = pathlib.Path(files_of(box, "a")["talk"][1])
    whole = path.read_bytes()
    lines = whole.split(b"\n")
    say = next(i for i, line in enumerate(lines) if b'"do":"say"' in line)
    ways = {
        "another effect": (
            b"\n".join(lines[:say] + [lines[say].replace(
                b'"do":"say"', b'"do":"flush"', 1)] + lines[say + 1:]),
            "line %d" % (say + 1)),
        "an event left out": (
            b"\n".join(lines[:say] + lines[say + 1:]), "line"),
        "cut in a line": (whole[:whole.index(lines[say]) + 20], None),
        "no JSON": (whole.replace(lines[say], b"{" + lines[say]),
                    "line %d" % (say + 1)),
    }
    for what, (data, where) in ways.items():
        box.note("the talk file: " + what)
        path.write_bytes(data)
        named(box, "files", "recordings/%s, the talk file" % path.name)
        d = box.run("replay", "--job", "a", "--json").expect(1).json("replay")
        require({f["kind"]: f["state"] for f in d["files"]}["talk"] ==
                "different" and not d["ok"], d)
        if where:  # a line that was cut off may have been the last
            require(d["same"] is False and where in d["difference"], what, d)
    path.write_bytes(whole)
    box.run("check").expect(0)
    box.run("replay", "--job", "a").expect(0, out="the same effects")


if __name__ == "__main__":
    harness.main()
