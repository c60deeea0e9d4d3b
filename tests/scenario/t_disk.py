#!/usr/bin/python3
"""What the disk refuses: full, nearly full, read-only, unreadable, not local.

Each is said with the file and what to do; no call is begun whose intent could
not be written down; with room, or the right mode, it all goes on.

The small disks are mounted, and root plays somebody who is not root: without
root those tests are skipped.  The simulated network stands for the world and
keeps its log on another disk.
"""
import contextlib
import os
import shutil
import subprocess
import time

import crashing
import filled
import fuse
import harness
import oracle
from harness import require

NOBODY = 65534
# Calls that last longer than it takes to fill a disk on a busy machine.
SLOW = {"speed": 20}


# --- a small disk ---

@contextlib.contextmanager
def small_disk(box, size):
    """data/ on a disk of its own."""
    if os.geteuid() != 0:
        raise harness.Skip("mounting a small disk needs root")
    box.data.mkdir()
    network = box.path("network")
    network.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s" % size,
                            "tmpfs", str(box.data)], capture_output=True,
                           text=True, check=False)
    if mount.returncode != 0:
        raise harness.Skip("a small disk cannot be mounted: " + mount.stderr)
    try:
        (box.data / "sim").symlink_to(network)
        yield
    finally:
        box.close()
        subprocess.run(["umount", "-l", str(box.data)], check=True)


def configure(box, **disk):
    """The floor off, or what `disk` says; all else as the crash tests have
    it."""
    crashing.configure(box, disk={"ballast": "0", "min_free": "0", **disk},
                       outbox={"retry": {"after": "100ms"}},
                       sim=box.sim if hasattr(box, "sim") else None)


def free_bytes(box):
    s = os.statvfs(box.data)
    return s.f_bavail * s.f_frsize


def fill(box):
    with open(box.data / "filler", "ab", 0) as f:
        at = 0
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(f.fileno(), at, size)
                    at += size
    require(free_bytes(box) == 0, "there is room left:", free_bytes(box))


def make_room(box):
    (box.data / "filler").unlink()


def requests(box):
    return len([c for c in box.calls() if c["ev"] == "request"])


def says(result, exit, *words):
    result.expect(exit)
    for word in words:
        require(word in result.err, "it does not say", word, ":", result.err)


# --- full ---

def test_below_min_free_no_call_is_begun_and_a_drain_says_so(box):
    with small_disk(box, "3m"):
        crashing.configure(box)
        crashing.people(box, 3)
        box.run("enqueue", "jobs.jsonl").expect(0)
        says(box.run("drain"), 5, str(box.data), "disk.min_free is 256 MB",
             "until there is room")
        filled.error_of(box.run("drain", "--json").expect(5), "ERR_SPACE")
        says(box.run("drain", "--set", "disk.min_free=1GB"), 5, "1024 MB")
        require("disk.min_free" in box.run("doctor").out, "not in doctor")
        require(requests(box) == 0, "somebody was called")
        configure(box)
        crashing.recover(box)
        crashing.promise(box)


def test_a_sync_whose_files_find_no_room_says_so(box):
    with small_disk(box, "6m"):
        configure(box)
        crashing.people(box, 1)
        box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
        box.run("drain", "--quiet").expect(0)
        # Its result goes out again, with its files.
        shutil.rmtree(box.data / "out" / "c")
        filled.alter(box, "UPDATE outbox SET state=0, tries=0, next_ms=0")
        fill(box)
        # Room for the journal, and none for a recording.
        filler = box.data / "filler"
        os.truncate(filler, filler.stat().st_size - (256 << 10))
        says(box.run("sync", "--quiet"), 5, "the disk is full", "1-1.ul2",
             "ERR_SPACE")
        make_room(box)
        box.run("outbox", "retry", "1").expect(0)
        box.run("sync", "--quiet").expect(0)
        require((box.data / "out" / "c" / "job-0" / "1.wav").exists(),
                "no recording")


def test_on_a_full_disk_nothing_is_begun_and_nothing_is_lost(box):
    with small_disk(box, "40m"):
        configure(box)
        crashing.people(box, 12)
        box.run("enqueue", "jobs.jsonl").expect(0)
        # Results that wait: nobody can take the lock of their file.
        lock = box.data / "out" / "results.lock"
        lock.mkdir()
        box.run("drain", "--max-jobs", 3, "--quiet").expect(1, err=str(lock))
        lock.rmdir()
        asked = requests(box)
        fill(box)
        database = str(box.data / "journal.db")
        for command in (("drain", "--quiet"),
                        ("enqueue", "--phone", "+12025550188")):
            says(box.run(*command), 5, database, "the disk is full",
                 "make room")
        says(box.run("sync"), 5, "make room")
        says(box.run("backup", "data/b.db"), 5, "b.db", "make room")
        require(not (box.data / "b.db").exists(), "half a backup")
        box.run("status").expect(0)
        box.run("check").expect(0)
        box.run("backup", "elsewhere.db").expect(0)
        require(requests(box) == asked, "somebody was called")
        require(box.results() == [], "a result on a full disk")
        make_room(box)
        box.run("check").expect(0)
        r = box.run("sync").expect(0)
        require(len(box.results()) >= 1, "nothing was pushed", r.err)
        box.run("backup", "data/b.db").expect(0)
        box.run("check", "data/b.db").expect(0)
        box.run("enqueue", "jobs.jsonl").expect(0, out="added 0, known 12")
        crashing.recover(box)
        crashing.promise(box)


def in_the_middle(box, jobs):
    """A drain whose disk becomes full while people are talking."""
    crashing.people(box, jobs)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    drain = box.start("drain", "--wait", "10m")
    harness.wait_for(lambda: any(c["ev"] == "answered" for c in box.calls()),
                     what="an answer")
    fill(box)
    return drain


def starving(box, drain):
    """Until it says that it waits, and for what."""
    said = box.path("started-1.err")
    harness.wait_for(lambda: "room on the disk" in said.read_text() or
                     not drain.running(), 20, "the drain to say that it waits")
    require(drain.running(), "it ended instead of waiting", said.read_text())


def test_calls_whose_steps_find_no_room_wait_and_go_on(box):
    box.sim = SLOW
    with small_disk(box, "16m"):
        configure(box)
        drain = in_the_middle(box, 3)
        # The ends of the calls cannot be written; the drain waits, and says
        # what for.
        starving(box, drain)
        asked = requests(box)
        time.sleep(0.5)
        require(drain.running(), "it gave up")
        require(requests(box) == asked, "it began another call")
        make_room(box)
        drain.wait().expect(0)
        require(crashing.tally(box)["HELD"] == 0, crashing.tally(box))
        crashing.recover(box)
        crashing.promise(box)


def test_a_run_that_is_killed_on_a_full_disk_loses_nothing(box):
    box.sim = SLOW
    with small_disk(box, "16m"):
        configure(box)
        drain = in_the_middle(box, 3)
        starving(box, drain)
        drain.kill()
        asked = requests(box)
        # The next one may find room in the -wal for a step or two, where the
        # last one's did not fit: then it has calls to end, and waits too.
        again = box.start("drain", "--wait", "10m")
        said = box.path("started-2.err")
        harness.wait_for(lambda: "room on the disk" in said.read_text() or
                         not again.running(), 20, "an end or a word")
        if not again.running():
            says(again.wait(), 5, "make room")
        require(requests(box) == asked, "somebody was called")
        make_room(box)
        if again.running():
            again.wait().expect(0)
        crashing.recover(box)
        crashing.promise(box)


def test_the_ballast_lets_live_calls_end(box):
    box.sim = SLOW
    with small_disk(box, "40m"):
        configure(box, ballast="8MB")
        box.run("init").expect(0)
        ballast = box.data / "ballast"
        require(ballast.stat().st_size == 8 << 20, "no ballast")
        drain = in_the_middle(box, 3)
        drain.wait().expect(0)
        require(not ballast.exists(), "the ballast is still there")
        require(crashing.tally(box)["DONE"] >= 1, crashing.tally(box))
        make_room(box)
        box.run("status").expect(0)
        require(ballast.stat().st_size == 8 << 20, "not made again")
        crashing.recover(box)
        crashing.promise(box)


def test_a_full_disk_without_a_shm_is_just_full(box):
    with small_disk(box, "3m"):
        configure(box)
        crashing.people(box, 3)
        box.run("enqueue", "jobs.jsonl").expect(0)
        (box.data / "journal.db-shm").unlink()
        fill(box)
        for command in (("drain", "--quiet"), ("status",),
                        ("enqueue", "--phone", "+12025550188")):
            says(box.run(*command), 5, "make room")
        require(requests(box) == 0, "somebody was called")
        make_room(box)
        crashing.recover(box)
        crashing.promise(box)


# --- read-only ---

def test_a_read_only_disk_is_refused_and_goes_on_when_it_is_not(box):
    with small_disk(box, "6m"):
        configure(box)
        crashing.people(box, 3)
        box.run("enqueue", "jobs.jsonl").expect(0)
        remount = ["mount", "-o", "remount,ro", str(box.data)]
        subprocess.run(remount, check=True)
        for command in (("drain", "--quiet"), ("enqueue", "jobs.jsonl"),
                        ("sync",), ("status",), ("check",),
                        ("backup", "b.db")):
            says(box.run(*command), 1, str(box.data), "Read-only file system",
                 "the mount")
        require(requests(box) == 0, "somebody was called")
        remount[2] = "remount,rw"
        subprocess.run(remount, check=True)
        crashing.recover(box)
        crashing.promise(box)


class User:
    """Somebody who is not root, and owns the box."""

    def __init__(self, box):
        self.box = box
        self.prefix = []
        if os.geteuid() != 0:
            return
        if shutil.which("setpriv") is None:
            raise harness.Skip("setpriv is missing")
        self.prefix = ["setpriv", "--reuid=%d" % NOBODY,
                       "--regid=%d" % NOBODY, "--clear-groups"]
        shutil.copy(harness.dsrun_path(), box.path("dsrun"))
        box.path("dsrun").chmod(0o755)
        for path in [box.dir, *box.dir.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def run(self, *args):
        program = str(self.box.path("dsrun")) if self.prefix else \
            harness.dsrun_path()
        began = time.monotonic()
        p = subprocess.run([*self.prefix, program, *args], cwd=self.box.dir,
                           env=self.box.environment(), capture_output=True,
                           text=True, timeout=harness.TIMEOUT_S, check=False)
        result = harness.Result(["dsrun", *args], p.returncode, p.stdout,
                                p.stderr, time.monotonic() - began)
        self.box.record(result)
        return result


ALL = (("drain", "--quiet"), ("enqueue", "more.jsonl"), ("sync",),
       ("status",), ("check",), ("backup", "b.db"))
WRITING = ALL[:2]


def owned(box):
    """A journal with jobs to call and more to come, owned by a User."""
    # What they share with the tree must be theirs to read.
    shutil.copytree(harness.ROOT / "fixtures" / "speech", box.path("speech"))
    shutil.copytree(harness.ROOT / "fixtures" / "personas",
                    box.path("personas"))
    shutil.copytree(harness.ROOT / "rules", box.path("rules"))
    crashing.configure(box, sim={"personas": str(box.path("personas"))},
                       speech_dir=str(box.path("speech")),
                       rules_dir=str(box.path("rules")))
    box.jobs("more.jsonl", [{"id": "more", "phone": "+12025550177"}])
    crashing.people(box, 3)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    return User(box)


def finish(box, user):
    for _ in range(3):
        require(user.run("drain", "--wait", "30m", "--quiet").exit in (0, 3))
    for name, count in crashing.tally(box).items():
        require(count == 0 or name in ("DONE", "FAILED"), name, count)
    oracle.require_kept(box.data)
    user.run("check").expect(0)


def refused(box, user, commands, *words):
    for command in commands:
        box.path("b.db").unlink(missing_ok=True)
        says(user.run(*command), 1, *words)
    require(requests(box) == 0, "somebody was called")


def test_a_read_only_directory_is_refused_and_goes_on_when_it_is_not(box):
    user = owned(box)
    for name in ("journal.db-wal", "journal.db-shm"):
        (box.data / name).unlink(missing_ok=True)
    box.data.chmod(0o500)
    refused(box, user, ALL, str(box.data / "journal.db"),
            "must be able to write", "in its directory")
    box.data.chmod(0o700)
    finish(box, user)


def test_a_file_that_cannot_be_read_is_named(box):
    user = owned(box)
    for name in ("journal.db", "journal.db-wal", "journal.db-shm",
                 "journal.lock", "owners.lock"):
        path = box.data / name
        whose = name if name.endswith(".lock") else "journal.db"
        path.chmod(0)
        refused(box, user, ALL, str(box.data / whose), "dsrun must be able to")
        path.chmod(0o400)
        # What only looks may go on; what writes may not.
        refused(box, user, WRITING if whose == "journal.db" and
                name != "journal.db-wal" else (), "dsrun must be able to")
        path.chmod(0o600)
        user.run("status").expect(0)
    box.path("dsrun.yaml").chmod(0)
    for command in ALL:
        says(user.run(*command), 78, "dsrun.yaml", "Permission denied")
    box.path("dsrun.yaml").chmod(0o600)
    finish(box, user)


def test_files_that_a_run_cannot_write_lose_no_call_and_no_result(box):
    user = owned(box)
    for name in ("out", "recordings", "logs"):
        (box.data / name).chmod(0o500)
    r = user.run("drain", "--wait", "30m", "--quiet")
    says(r, 1, str(box.data / "out"))
    require("call.no-recording" in r.err, "nobody says that it recorded "
            "nothing", r.err)
    rang = len([c for c in box.calls() if c["ev"] == "placed"])
    require(rang >= 3 and box.results() == [], rang, box.results())
    for name in ("out", "recordings", "logs"):
        (box.data / name).chmod(0o700)
    user.run("sync").expect(0)
    require(len(box.results()) >= 3, box.results())
    finish(box, user)


# --- not local ---

def test_a_file_system_that_is_not_local_is_refused(box):
    """FUSE stands for all of them; the others are in journal_open_test.c."""
    crashing.configure(box)
    crashing.people(box, 1)
    box.data.mkdir(mode=0o700)
    with fuse.mounted(box.data):
        for command in (("init",), ("enqueue", "jobs.jsonl"), ("seed",)):
            says(box.run(*command), 78, str(box.data), "lies on FUSE",
                 "use a local disk")
    box.run("enqueue", "jobs.jsonl").expect(0)
    crashing.recover(box)


if __name__ == "__main__":
    harness.main()
