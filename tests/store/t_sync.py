#!/usr/bin/python3
"""`dsrun sync` between MongoDB and S3: whatever dies or is cut, and whoever
else syncs, the outbox drains to the same final state."""
import os
import shutil
import sqlite3
import subprocess

import stores  # the first: it finds the others
from mongo_world import campaign_id, java_server, node, without_times
from stores import ACCESS, BUCKET, SECRET, Proxy, harness, require

import filled
from filled import job

MIB = 1 << 20
ROWS = [job("r-%d" % n, phone, campaignId=campaign_id(n % 2), step=n)
        for n, phone in enumerate((filled.HUMAN, filled.BUSY,
                                   filled.VOICEMAIL, "+12025550108"))]


def back(before, data):
    """Files as they were; a lock stays the file that it is, which dsrun knows
    its directory by."""
    for folder, _, names in os.walk(data):
        for name in names:
            if "lock" not in name or name.startswith("s3."):
                os.remove(os.path.join(folder, name))
    shutil.copytree(before, data, dirs_exist_ok=True)


# So long a message on a machine that its recording goes up in parts.
MESSAGE = "Hello, this is Sarah of DocShield. " + " ".join(
    "I am calling about letter number %d." % n for n in range(30))


class Stage:
    """Jobs that were called, and nothing pushed yet; as often as wanted."""

    def __init__(self, box, s3, mongo_port, s3_port=None):
        self.box, self.s3 = box, s3
        self.mongo_port = mongo_port
        self.s3_port = s3_port or s3.server.port
        self.database = None
        self.configure("none")
        filled.enqueue(box, *ROWS)
        box.run("drain", "--quiet").expect(0)
        require(len(self.waiting()) == 2 * len(ROWS), self.waiting())
        shutil.copytree(box.data, box.path("before"))

    def configure(self, database):
        self.database = database
        filled.configure(
            self.box, sim={"speed": 100},
            kind={"limits": {"max_call": "2m", "ring": "50s",
                             "min_gap": "0"},
                  "script": {"greeting": "Good morning.",
                             "voicemail": MESSAGE, "goodbye": "Goodbye."}},
            mongo={"database": database},
            s3={"bucket": BUCKET, "prefix": "calls/", "format": "wav",
                "endpoint": "http://127.0.0.1:%d" % self.s3_port,
                "encryption": "none", "multipart": "5MB", "part": "5MB"},
            outbox={"retry": {"after": "1ms", "max": "1ms",
                              "jitter": "none"}})
        self.box.write(".env", (
            "DSRUN_MONGO_URI=mongodb://127.0.0.1:%d/t?socketTimeoutMS=1000\n"
            "DSRUN_S3_ACCESS_KEY=%s\nDSRUN_S3_SECRET_KEY=%s\n") % (
                self.mongo_port, ACCESS, SECRET), 0o600)

    def rewind(self, database):
        """As it was before the first push, with an empty database and an
        empty bucket."""
        back(self.box.path("before"), self.box.data)
        for key in self.s3.keys():
            self.s3.boto("delete_object", Bucket=BUCKET, Key=key)
        self.configure(database)

    def waiting(self):
        return self.box.run("outbox", "--json").json("outbox")["outbox"]

    def due_now(self):
        """Breakers would keep a test waiting for half a minute."""
        db = sqlite3.connect(self.box.data / "journal.db")
        with db:
            db.executescript("UPDATE service SET breaker=0, failures=0;"
                             "UPDATE outbox SET next_ms=0")
        db.close()

    def drained(self, tries=6):
        for _ in range(tries):
            self.due_now()
            if self.box.run("sync").exit == 0 and not self.waiting():
                return
        raise harness.Failure("rows are left: %s" % self.waiting())

    def state(self, mongo):
        """All that lies there, as others read it."""
        found = node("dump.js", mongo.uri, self.database)[0]
        objects = {}
        for key in self.s3.keys():
            seen = self.s3.object(key)
            objects[key] = (seen["sha256"], seen["ContentType"],
                            seen["Metadata"])
        left = self.s3.uploads("calls/")
        return without_times(found), objects, len(left)


def check_whole(state):
    found, objects, left = state
    require(len(found["callrecords"]) == len(ROWS) and
            len(found["campaigns"]) == 2, found)
    for record in found["callrecords"]:
        for field in ("recordingUrl", "transcriptUrl"):
            key = record.get(field, "").split(BUCKET + "/")[-1]
            require(not key or key in objects, "no object for", record)
    require(any(k.endswith(".wav") for k in objects) and
            any(k.endswith(".json") for k in objects), objects)
    require(left == 0, left, "uploads are left")


def expect_same(want, got, *what):
    require(want[0] == got[0], *what, "documents:", got[0],
                        "wanted", want[0])
    require(want[1] == got[1], *what, "objects:", got[1], "wanted", want[1])


def reference(stage, mongo):
    """What it comes to when nothing goes wrong, and the points it passes."""
    trace = stage.box.path("trace")
    stage.rewind("clean")
    stage.box.run("sync", env={"DSRUN_CRASH_TRACE": str(trace)}).expect(0)
    require(not stage.waiting(), stage.waiting())
    state = stage.state(mongo)
    check_whole(state)
    return state, trace.read_text().split()


def test_killed_at_every_point_a_sync_ends_the_same(box):
    s3 = stores.versitygw(box)
    with java_server() as mongo:
        stage = Stage(box, s3, mongo.port)
        want, trace = reference(stage, mongo)
        points = []
        for name in dict.fromkeys(trace):
            if name.startswith(("push.", "sink.s3.", "mongo.")):
                n = trace.count(name)
                points += ["%s:%d" % (name, i) for i in
                           sorted({1, (n + 1) // 2, n})]
        names = {p.split(":")[0] for p in points}
        require({"mongo.bulk", "push.said", "push.begin", "sink.s3.put",
                 "sink.s3.kept", "sink.s3.part", "sink.s3.completed"} <=
                names, "it passed only", names)
        reaped = 0
        for i, point in enumerate(points):
            stage.rewind("k%d" % i)
            box.run("sync", env={"DSRUN_CRASH_AT": point}).expect(137)
            stage.drained()
            got = stage.state(mongo)
            expect_same(want, got, "killed at", point)
            # Its id was not written down yet: the bucket's rule ends it.
            require(got[2] <= ("created" in point), point, got[2], "uploads")
            if got[2]:
                reaped += is_reaped(stage)
        box.note("%d kills, %d uploads reaped" % (len(points), reaped))


def is_reaped(stage):
    said = stage.s3.client("--prefix", "calls/", "reap", "-60")
    require(said["code"] == "ERR_NONE" and said["aborted"] == 1, said)
    return 1


def test_killed_again_and_again_a_sync_comes_to_its_end(box):
    """The n-th visit of any point, n growing with each try."""
    s3 = stores.versitygw(box)
    with java_server() as mongo:
        stage = Stage(box, s3, mongo.port)
        want, trace = reference(stage, mongo)
        stage.rewind("often")
        kills = 0
        for n in range(1, len(trace) + 20):
            stage.due_now()
            r = box.run("sync", env={"DSRUN_CRASH_AT": "*:%d" % n})
            kills += r.exit == -9 or r.exit == 137
            if r.exit == 0 and not stage.waiting():
                break
        stage.drained()
        require(kills >= 3, "killed only", kills, "times")
        expect_same(want, stage.state(mongo), "after", kills, "kills")


def test_two_syncs_at_once_do_no_harm(box):
    s3 = stores.versitygw(box)
    with java_server() as mongo:
        stage = Stage(box, s3, mongo.port)
        want, _ = reference(stage, mongo)
        for i in range(4):
            stage.rewind("two%d" % i)
            both = [subprocess.Popen(box.argv(["sync"]), cwd=box.dir,
                                     env=box.environment(), text=True,
                                     stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
                    for _ in range(2)]
            said = [(p.communicate(timeout=60), p.returncode) for p in both]
            box.note(str(said))
            require(0 in [code for _, code in said], said)
            stage.drained(1)
            expect_same(want, stage.state(mongo), "two at once", i)
            require(stage.state(mongo)[2] == 0, "uploads are left")


def test_two_machines_with_one_journals_rows_do_no_harm(box):
    """A copy of the directory, as a restored backup has it: the same rows are
    pushed by both, at the same time."""
    s3 = stores.versitygw(box)
    with java_server() as mongo:
        stage = Stage(box, s3, mongo.port)
        want, _ = reference(stage, mongo)
        stage.rewind("copies")
        other = box.path("other")
        other.mkdir()
        for name in ("dsrun.yaml", ".env"):
            shutil.copy(box.path(name), other / name)
        os.chmod(other / ".env", 0o600)
        shutil.copytree(box.path("jobs"), other / "jobs")
        shutil.copytree(box.path("before"), other / "data")
        box.run("adopt", "--by", "ana", cwd=other).expect(4)
        both = [subprocess.Popen(box.argv(["sync"]), cwd=cwd, text=True,
                                 env=box.environment(),
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
                for cwd in (box.dir, other)]
        said = [(p.communicate(timeout=60), p.returncode) for p in both]
        box.note(str(said))
        require({code for _, code in said} <= {0, 5}, said)
        stage.drained()
        expect_same(want, stage.state(mongo), "two machines")


FAULTS = [(kind, stream, attributes) for stream in ("downstream", "upstream")
          for kind, attributes in (
              ("limit_data", {"bytes": 0}), ("limit_data", {"bytes": 60}),
              ("limit_data", {"bytes": 400}), ("limit_data", {"bytes": 2500}),
              ("reset_peer", {"timeout": 0}), ("reset_peer", {"timeout": 40}),
              ("timeout", {"timeout": 300}),
              ("latency", {"latency": 40, "jitter": 30}))]
FAULTS += [("slicer", "downstream", {"average_size": 30, "size_variation": 20,
                                     "delay": 500}),
           ("slicer", "upstream", {"average_size": 20000, "delay": 100,
                                   "size_variation": 9000})]


def cut(box, which, streams=("downstream", "upstream")):
    s3 = stores.versitygw(box)
    with java_server() as mongo:
        proxy = Proxy(box, mongo.port if which == "mongo"
                      else s3.server.port)
        ports = ((proxy.port, None) if which == "mongo"
                 else (mongo.port, proxy.port))
        stage = Stage(box, s3, *ports)
        want, _ = reference(stage, mongo)
        faults = [f for f in FAULTS if f[1] in streams]
        if which == "s3":
            faults += [("limit_data", "upstream", {"bytes": 5 * MIB // 2}),
                       ("limit_data", "upstream", {"bytes": 6 * MIB})]
        else:
            # The connection stays and nothing comes any more.
            faults += [("timeout", s, {"timeout": 0}) for s in streams]
        hurt, lost = 0, 0
        for i, (kind, stream, attributes) in enumerate(faults):
            stage.rewind("c%d" % i)
            proxy.toxic(kind, stream, **attributes)
            r = box.run("sync")
            require(r.exit in (0, 5), kind, stream, attributes, r.exit)
            hurt += r.exit == 5
            proxy.heal()
            stage.drained()
            got = stage.state(mongo)
            expect_same(want, got, kind, stream, attributes)
            lost += got[2]
            for upload in s3.uploads("calls/"):
                s3.boto("abort_multipart_upload", Bucket=BUCKET,
                        Key=upload["Key"], UploadId=upload["UploadId"])
        box.note("%d of %d faults were felt; %d uploads' ids never came" %
                 (hurt, len(faults), lost))
        require(hurt >= len(faults) // 2, "only", hurt, "were felt")


def test_mongodb_cut_in_its_answers_a_sync_ends_the_same(box):
    cut(box, "mongo", ["downstream"])


def test_mongodb_cut_in_what_we_send_a_sync_ends_the_same(box):
    cut(box, "mongo", ["upstream"])


def test_s3_cut_at_every_point_a_sync_ends_the_same(box):
    cut(box, "s3")


def test_both_away_for_an_hour_nothing_is_lost(box):
    s3 = stores.versitygw(box)
    with java_server() as mongo:
        stage = Stage(box, s3, mongo.port)
        want, _ = reference(stage, mongo)
        stage.rewind("hour")
        dead = stores.free_port()
        port, stage.mongo_port, stage.s3_port = stage.mongo_port, dead, dead
        for _ in range(8):
            stage.configure("hour")
            stage.due_now()
            box.run("sync").expect(5)
        rows = stage.waiting()
        # A call that nobody answered has nothing for S3.
        sinks = [r["sink"] for r in rows]
        require({r["state"] for r in rows} == {"pending"} and
                sinks.count("mongo") == len(ROWS) and
                sinks.count("s3") >= 2, rows)
        stage.mongo_port, stage.s3_port = port, s3.server.port
        stage.configure("hour")
        stage.drained()
        expect_same(want, stage.state(mongo), "after an hour")


if __name__ == "__main__":
    harness.main()
