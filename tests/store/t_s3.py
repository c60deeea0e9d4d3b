"""Recordings on real S3 servers: versitygw, MinIO, moto; read by boto3."""
import hashlib
import os
import random
import socket
import subprocess
import threading
import time
import wave

import stores
from stores import BUCKET, KMS_KEY, Proxy, harness, require

KEY = "path a b+c/ü.wav"
MIB = 1 << 20
PART = 5 * MIB


def noise(box, name, size, seed=1):
    """A file of so many bytes; its SHA-256."""
    data = random.Random(seed).randbytes(size)
    box.write(name, data)
    return hashlib.sha256(data).hexdigest()


def is_ok(said, *what):
    require(said["code"] == "ERR_NONE", *what, said)
    return said


def is_not(said, code, cls, text=""):
    require(said["code"] == code and said["class"] == cls and
            text in said["text"], "expected", code, cls, text, "got", said)
    return said


# --- Objects ---

def test_an_official_client_reads_what_was_put(box):
    s3 = stores.versitygw(box)
    sha = noise(box, "a.bin", 100000)
    said = is_ok(s3.client("--tag", "kind=a call", "--tag", "n=1", "put", KEY,
                           "a.bin"))
    require(said["existed"] is False, said)
    seen = s3.object(KEY)
    require(seen["sha256"] == sha and seen["length"] == 100000, seen)
    require(seen["ContentType"] == "application/octet-stream", seen)
    require(seen["Metadata"]["sha256"] == sha, seen)
    tags = s3.boto("get_object_tagging", Bucket=BUCKET, Key=KEY)["TagSet"]
    require(sorted((t["Key"], t["Value"]) for t in tags) ==
            [("kind", "a call"), ("n", "1")], tags)
    require(is_ok(s3.client("get", KEY))["sha256"] == sha, "read back")
    # Again the same bytes, then others.
    require(is_ok(s3.client("put", KEY, "a.bin"))["existed"], "existed")
    noise(box, "b.bin", 100000, seed=2)
    is_not(s3.client("put", KEY, "b.bin"), "ERR_EXISTS", "final")
    require(s3.object(KEY)["sha256"] == sha, "nothing was replaced")


def test_a_server_that_verifies_refuses_what_is_wrong(box):
    s3 = stores.versitygw(box)
    noise(box, "a.bin", 1000)
    is_not(s3.client("--secret", "wrong", "put", "k", "a.bin"), "ERR_CONFIG",
           "fatal", "SignatureDoesNotMatch")
    is_not(s3.client("--access", "nobody", "put", "k", "a.bin"), "ERR_CONFIG",
           "fatal", "InvalidAccessKeyId")
    is_not(s3.client("--bucket", "another", "put", "k", "a.bin"),
           "ERR_CONFIG", "fatal", "NoSuchBucket")
    is_not(s3.client("--damage", "put", "k", "a.bin"), "ERR_REJECTED",
           "final", "Mismatch")
    is_not(s3.client("head", "k"), "ERR_NOT_FOUND", "final")
    # What is mended within the try.
    said = is_ok(s3.client("--region", "eu-west-1", "put", "k", "a.bin"))
    require(said["region"] == "us-east-1", said)
    s3.server.end()
    said = is_not(s3.client("head", "k"), "ERR_UNREACHABLE", "retry")
    require(said["blame"], said)


def test_a_large_body_that_is_refused_is_told_why(box):
    """The server answers before it has read all, and then resets."""
    s3 = stores.versitygw(box)
    noise(box, "a.bin", 8 * MIB)
    noise(box, "b.bin", 8 * MIB, seed=2)
    is_ok(s3.client("put", "k", "a.bin"))
    told = 0
    for _ in range(4):
        for args, code in (([], "ERR_EXISTS"),
                           (["--secret", "wrong"], "ERR_CONFIG")):
            said = s3.client(*args, "put", "k", "b.bin")
            require(said["code"] in (code, "ERR_UNREACHABLE"), said)
            told += said["code"] == code
    require(told >= 4, "told why only", told, "of 8 times")


class Ear:
    """A way to a server on which every answer is heard."""

    def __init__(self, port):
        self.port, self.heard = port, b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = ("http://127.0.0.1:%d" %
                         self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                for ends in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pump, args=ends,
                                     daemon=True).start()
        except OSError:
            pass

    def _pump(self, a, b, answers):
        try:
            data = a.recv(65536)
            while data:
                if answers:
                    self.heard += data
                b.sendall(data)
                data = a.recv(65536)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def test_a_clock_twenty_minutes_off_is_mended(box):
    s3 = stores.versitygw(box)
    sha = noise(box, "a.bin", 1000)
    for n, off in enumerate(("1200000", "-1200000", "0")):
        ear = Ear(s3.server.port)
        env = {"DSRUN_CLOCK_OFFSET_MS": off}
        is_ok(s3.client("put", "k%d" % n, "a.bin", env=env,
                        endpoint=ear.endpoint))
        ear.close()
        # It was refused for its clock, once, and then taken.
        refused = ear.heard.count(b"<Code>RequestTimeTooSkewed</Code>")
        require(refused == (off != "0") and b" 200 " in ear.heard, off,
                ear.heard)
        require(s3.object("k%d" % n)["sha256"] == sha, "clock", off)
        is_ok(s3.client("head", "k%d" % n, env=env))


def test_a_bucket_is_found_by_its_own_host(box):
    s3 = stores.versitygw(box)
    sha = noise(box, "a.bin", 1000)
    endpoint = "http://localhost:%d" % s3.server.port
    is_ok(s3.client("--style", "virtual", "put", KEY, "a.bin",
                    endpoint=endpoint))
    require(s3.object(KEY)["sha256"] == sha, "as put")
    argv = s3.argv("s3_client", ["--style", "virtual", "url", "a b"],
                   endpoint)
    url = subprocess.run(argv, capture_output=True, text=True, check=True,
                         cwd=box.dir).stdout
    require(url == "http://bkt.localhost:%d/a%%20b\n" % s3.server.port, url)


def test_tls_is_verified_with_an_authority_of_ones_own(box):
    certificates = stores.Certificates(box)
    s3 = stores.versitygw(box, certificates)
    sha = noise(box, "a.bin", 1000)
    is_ok(s3.client("put", KEY, "a.bin"))
    require(s3.object(KEY)["sha256"] == sha, "as put")
    ca, s3.ca = s3.ca, None
    is_not(s3.client("put", "k", "a.bin"), "ERR_CONFIG", "fatal")
    s3.ca = ca
    require(s3.keys() == [KEY], "nothing went to a server not trusted")


def test_a_bucket_s_own_host_is_verified_too(box):
    """Virtual host and TLS at once: the certificate must name the bucket."""
    certificates = stores.Certificates(
        box, "DNS:localhost,DNS:*.localhost,DNS:%s.localhost" % BUCKET)
    s3 = stores.versitygw(box, certificates)
    sha = noise(box, "a.bin", 1000)
    is_ok(s3.client("--style", "virtual", "put", KEY, "a.bin"))
    require(s3.object(KEY)["sha256"] == sha, "as put")
    big_sha = noise(box, "big.bin", 2 * PART + 7, seed=2)
    is_ok(s3.push("--style", "virtual", "--recording", "big.bin", "--id", "j",
                  "--multipart", PART, "--part", PART))
    require(s3.object("-/j/1.bin")["sha256"] == big_sha, "in parts")


def test_a_certificate_without_the_bucket_s_host_is_refused(box):
    certificates = stores.Certificates(box)
    s3 = stores.versitygw(box, certificates)
    noise(box, "a.bin", 1000)
    is_not(s3.client("--style", "virtual", "put", KEY, "a.bin"), "ERR_CONFIG",
           "fatal", "certificate")
    require(s3.keys() == [], "it was sent")


# --- Encryption ---

def test_the_kms_key_is_echoed(box):
    s3 = stores.minio(box)
    sha = noise(box, "a.bin", 1000)
    kms = ["--sse", "kms", "--kms-key", KMS_KEY, "--kms-context",
           '{"who":"dsrun"}']
    is_ok(s3.client(*kms, "put", KEY, "a.bin"))
    seen = s3.object(KEY)
    require(seen["sha256"] == sha, seen)
    require(seen["ServerSideEncryption"] == "aws:kms" and
            KMS_KEY in seen["SSEKMSKeyId"], seen)
    is_ok(s3.client("--sse", "s3", "put", "s", "a.bin"))
    require(s3.object("s")["ServerSideEncryption"] == "AES256", "SSE-S3")
    said = s3.client("--sse", "kms", "--kms-key", "no-such-key", "put", "k",
                     "a.bin")
    is_not(said, "ERR_CONFIG", "fatal", "KeyNotFound")
    # In parts, too.
    sha = noise(box, "big.bin", 2 * PART + 100)
    is_ok(s3.push(*kms, "--recording", "big.bin", "--id", "j", "--multipart",
                  PART, "--part", PART))
    seen = s3.object("-/j/1.bin")
    require(seen["sha256"] == sha and
            seen["ServerSideEncryption"] == "aws:kms", seen)


def test_a_server_that_does_not_encrypt_is_found_out(box):
    s3 = stores.versitygw(box)
    noise(box, "a.bin", 1000)
    is_not(s3.client("--sse", "s3", "put", "k", "a.bin"), "ERR_CONFIG",
           "fatal", "did not encrypt")
    # It is there by now, and the next try is a person's matter too.
    is_not(s3.client("--sse", "s3", "put", "k", "a.bin"), "ERR_EXISTS",
           "final", "encrypted")


# --- The sink ---

def test_a_call_is_pushed_and_pushed_again(box):
    s3 = stores.versitygw(box)
    box.write("call.ul2", bytes(random.Random(3).randbytes(320 * 100)))
    text = b'{"schema":1,"lines":[]}'
    box.write("t.json", text)
    row = ["--recording", "call.ul2", "--transcript", "t.json", "--campaign",
           "camp/1", "--id", "job ü", "--format", "wav"]
    said = is_ok(s3.push(*row))
    again = is_ok(s3.push(*row, "--tries", "1"))
    require(said["recording"] == again["recording"], "a stable name")
    stem = "camp%2F1/job%20%C3%BC/1"
    require(sorted(s3.keys()) == [stem + ".json", stem + ".wav"], s3.keys())
    seen = s3.object(stem + ".json")
    require(seen["sha256"] == hashlib.sha256(text).hexdigest() and
            seen["ContentType"] == "application/json", seen)
    seen = s3.object(stem + ".wav")
    require(seen["ContentType"] == "audio/wav", seen)
    require(seen["Metadata"]["source-sha256"] == hashlib.sha256(
        box.path("call.ul2").read_bytes()).hexdigest(), seen)
    with wave.open(str(box.path("store") / BUCKET / (stem + ".wav"))) as w:
        require((w.getnchannels(), w.getsampwidth(), w.getframerate(),
                 w.getnframes()) == (2, 2, 48000, 96000), w.getparams())
    require(not [n for n in os.listdir(box.dir) if n.startswith("s3.")],
            "a working file was left")


def test_a_file_that_changed_is_never_uploaded(box):
    s3 = stores.versitygw(box)
    before = noise(box, "call.ul2", 32000)
    box.write("t.json", b"{}")
    for row in (["--recording", "call.ul2", "--format", "wav"],
                ["--recording", "call.ul2"], ["--transcript", "t.json"]):
        is_not(s3.push("--damage", *row), "ERR_PERSON", "final",
               "quarantined")
    require(s3.keys() == [], "something was uploaded")
    require(hashlib.sha256(box.path("call.ul2").read_bytes()).hexdigest() ==
            before, "the file was touched")


def test_other_bytes_under_the_key_stay(box):
    s3 = stores.versitygw(box)
    first = noise(box, "a.bin", 10000)
    is_ok(s3.push("--recording", "a.bin", "--id", "j"))
    noise(box, "b.bin", 10000, seed=2)
    is_not(s3.push("--recording", "b.bin", "--id", "j"), "ERR_EXISTS",
           "final")
    noise(box, "c.bin", 3 * PART, seed=3)
    is_not(s3.push("--recording", "c.bin", "--id", "j", "--multipart", PART,
                   "--part", PART), "ERR_EXISTS", "final")
    require(s3.object("-/j/1.bin")["sha256"] == first, "replaced")
    require(s3.uploads() == [], "an upload was begun")


# --- In parts ---

def big(box, s3, size, *more, key="j"):
    return (["--recording", "big.bin", "--id", key, "--multipart", PART,
             "--part", PART, "--kept", "kept"] + list(more))


def test_killed_at_every_point_an_upload_goes_on(box):
    s3 = stores.versitygw(box)
    sha = noise(box, "big.bin", 4 * PART + 12345)
    points = ["sink.s3.encoded:1", "sink.s3.created:1", "sink.s3.kept:1"]
    points += ["sink.s3.part:%d" % n for n in range(1, 6)]
    points += ["sink.s3.completed:1"]
    for n, point in enumerate(points):
        key = "j%d" % n
        box.path("kept").unlink(missing_ok=True)
        row = big(box, s3, 0, key=key)
        killed = s3.push(*row, env={"DSRUN_CRASH_AT": point}, killed=True)
        require(killed is None, point, "did not kill it:", killed)
        is_ok(s3.push(*row, "--tries", "1"), point)
        seen = s3.object("-/%s/1.bin" % key)
        require(seen["sha256"] == sha, point, seen)
        left = s3.uploads("-/%s/" % key)
        # Its id was not written down yet: reaped by its age.
        require(len(left) == (1 if "created" in point else 0), point, left)
    said = is_ok(s3.client("--prefix", "-/j1/", "reap", "-60"))
    require(said["aborted"] == 1, said)
    require(s3.uploads("-/") == [], s3.uploads("-/"))
    require(not [n for n in os.listdir(box.dir) if n.startswith("s3.") and
                 not n.endswith(".lock")], "working files were left")


def test_parts_that_arrived_are_not_sent_again(box):
    s3 = stores.versitygw(box)
    noise(box, "big.bin", 6 * PART)
    row = big(box, s3, 0, "--parts-at-once", "1")
    require(s3.push(*row, env={"DSRUN_CRASH_AT": "sink.s3.part:4"},
                    killed=True) is None, "killed")
    said = s3.push(*row, env={"DSRUN_CRASH_TRACE": str(box.path("trace"))})
    is_ok(said)
    sent = box.path("trace").read_text().split().count("sink.s3.part")
    require(sent == 2, sent, "parts were sent again instead of 2")


def test_an_upload_of_other_bytes_is_aborted_and_begun_anew(box):
    s3 = stores.versitygw(box)
    noise(box, "big.bin", 3 * PART)
    row = big(box, s3, 0)
    for change in ("part", "bytes"):
        require(s3.push(*row, env={"DSRUN_CRASH_AT": "sink.s3.part:2"},
                        killed=True) is None, "killed")
        require(len(s3.uploads("-/j/")) == 1, "one upload")
        if change == "part":
            again = ["--part", 6 * MIB]
        else:
            noise(box, "big.bin", 3 * PART, seed=9)
            again = []
        # Killed again before it is complete, so that the place stays free.
        require(s3.push(*row, *again,
                        env={"DSRUN_CRASH_AT": "sink.s3.part:1"},
                        killed=True) is None, "killed")
        require(len(s3.uploads("-/j/")) == 1, "the stale one was aborted")
    is_ok(s3.push(*row))
    require(s3.uploads("-/j/") == [], "all is done")


def test_a_large_recording_survives_kill_9_at_any_moment(box):
    """1 GB where peers are needed (CI), or DSRUN_S3_BIG megabytes."""
    s3 = stores.versitygw(box)
    usual = 1024 if os.environ.get("DSRUN_NEED_PEERS") else 128
    size = int(os.environ.get("DSRUN_S3_BIG", usual)) * MIB
    h, chunk = hashlib.sha256(), random.Random(5).randbytes(MIB)
    with open(box.path("big.bin"), "wb") as f:
        for n in range(size // MIB):
            block = n.to_bytes(8, "big") + chunk[8:]
            f.write(block)
            h.update(block)
    row = big(box, s3, size, "--part", 16 * MIB)
    argv = s3.argv("s3_driver", row + ["push"])
    kills, wait_s = 0, 0.2
    while True:
        p = subprocess.Popen(argv, cwd=box.dir, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=box.environment())
        try:
            out, err = p.communicate(timeout=wait_s)
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            kills += 1
            wait_s *= 1.5
        require(kills < 30, "it does not come to its end")
    box.note("killed %d times" % kills)
    require(kills > 0 and p.returncode == 0, kills, out, err)
    seen = s3.object("-/j/1.bin")
    require(seen["length"] == size and seen["sha256"] == h.hexdigest(), seen)
    require(s3.uploads("-/j/") == [], "uploads are left")


# --- Faults on the way ---

def until_done(box, s3, row, endpoint, proxy, heal_after):
    """Push again and again; the proxy is healed after some tries."""
    codes = []
    for n in range(heal_after + 6):
        if n == heal_after:
            proxy.heal()
        said = s3.push(*row, "--tries", n, endpoint=endpoint)
        codes.append(said["code"])
        if said["code"] == "ERR_NONE":
            return codes
        require(said["class"] == "retry", said)
    raise harness.Failure("never done: %s" % codes)


def test_an_answer_that_was_lost_does_no_harm(box):
    s3 = stores.versitygw(box)
    proxy = Proxy(box, s3.server.port)
    sha = noise(box, "big.bin", 200000)
    row = ["--recording", "big.bin", "--id", "small"]
    proxy.toxic("limit_data", bytes=0)
    codes = until_done(box, s3, row, proxy.endpoint, proxy, 2)
    require(codes[:2] == ["ERR_UNREACHABLE"] * 2, codes)
    require(s3.keys() == ["-/small/1.bin"], s3.keys())
    require(s3.object("-/small/1.bin")["sha256"] == sha, "as it was")


def test_cut_at_every_point_it_ends_the_same(box):
    s3 = stores.versitygw(box)
    proxy = Proxy(box, s3.server.port)
    sha = noise(box, "big.bin", 3 * PART + 1)
    faults = [("limit_data", "downstream", {"bytes": n})
              for n in (1, 300, 700, 1200, 2000)]
    faults += [("limit_data", "upstream", {"bytes": n})
               for n in (100, PART // 2, PART + 2000, 3 * PART)]
    faults += [("reset_peer", "downstream", {"timeout": 0}),
               ("reset_peer", "upstream", {"timeout": 50}),
               ("latency", "downstream", {"latency": 30, "jitter": 20}),
               ("slicer", "downstream", {"average_size": 40,
                                         "size_variation": 20,
                                         "delay": 100})]
    for n, (kind, stream, attributes) in enumerate(faults):
        key = "f%d" % n
        box.path("kept").unlink(missing_ok=True)
        proxy.toxic(kind, stream, **attributes)
        until_done(box, s3, big(box, s3, 0, key=key), proxy.endpoint, proxy,
                   2)
        proxy.heal()
        seen = s3.object("-/%s/1.bin" % key)
        require(seen["sha256"] == sha, kind, attributes, seen)
    left = s3.uploads("-/")
    box.note("%d uploads whose id never came" % len(left))
    require(is_ok(s3.client("--prefix", "-/", "reap", "-60"))["aborted"] ==
            len(left), "reaped")


def test_two_who_push_the_same_at_once_agree(box):
    s3 = stores.versitygw(box)
    sha = noise(box, "big.bin", 3 * PART)
    for row in (["--recording", "big.bin", "--id", "whole", "--multipart",
                 64 * MIB], ["--recording", "big.bin", "--id", "parts",
                             "--multipart", PART, "--part", PART]):
        argv = s3.argv("s3_driver", row + ["push"])
        both = [subprocess.Popen(argv, cwd=box.dir, text=True,
                                 stdout=subprocess.PIPE,
                                 env=box.environment()) for _ in range(2)]
        said = [p.communicate()[0] for p in both]
        box.note(str(said))
        require(any(p.returncode == 0 for p in both), said)
        # Who came second may have been told to come again.
        is_ok(s3.push(*row, "--tries", 1))
        require(s3.object("-/%s/1.bin" % row[3])["sha256"] == sha, said)
    require(s3.uploads("-/") == [], s3.uploads("-/"))


def test_a_server_that_stands_still_is_given_up(box):
    s3 = stores.versitygw(box)
    proxy = Proxy(box, s3.server.port)
    noise(box, "a.bin", 1000)
    proxy.toxic("timeout", timeout=500)
    began = time.monotonic()
    said = is_not(s3.client("put", "k", "a.bin", endpoint=proxy.endpoint),
                  "ERR_UNREACHABLE", "retry")
    require(said["blame"] and time.monotonic() - began < 20, said)
    proxy.heal()
    is_ok(s3.client("put", "k", "a.bin", endpoint=proxy.endpoint))


def test_half_open_it_is_given_up_and_goes_on(box):
    """The connection stands, and from then on nothing comes through it."""
    s3 = stores.versitygw(box)
    proxy = Proxy(box, s3.server.port)
    sha = noise(box, "big.bin", 2 * PART + 1)
    for n, (stream, row) in enumerate(
            (s, r) for s in ("downstream", "upstream")
            for r in (["--multipart", 64 * MIB],
                      ["--multipart", PART, "--part", PART])):
        box.path("kept").unlink(missing_ok=True)
        row = ["--recording", "big.bin", "--id", "h%d" % n, "--kept", "kept",
               "--stall", 700] + row
        proxy.toxic("timeout", stream, timeout=0)
        began = time.monotonic()
        said = is_not(s3.push(*row, endpoint=proxy.endpoint), "ERR_TIMEOUT",
                      "retry")
        require(said["blame"] and time.monotonic() - began < 20, said)
        proxy.heal()
        is_ok(s3.push(*row, "--tries", 1, endpoint=proxy.endpoint))
        require(s3.object("-/h%d/1.bin" % n)["sha256"] == sha, stream, row)
    left = len(s3.uploads("-/"))
    require(is_ok(s3.client("--prefix", "-/", "reap", "-60"))["aborted"] ==
            left <= 1, left, "uploads whose id never came")


# --- The bucket ---

def test_lifecycle_is_set_checked_and_leaves_others_alone(box):
    s3 = stores.moto(box)
    noise(box, "a.bin", 100)
    theirs = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "log/"},
              "Expiration": {"Days": 3}}
    said = is_ok(s3.client("--prefix", "rec/", "check"))
    require(said["differs"] == "there is no such rule" and
            said["lifecycleUnknown"] == "", said)
    s3.boto("put_bucket_lifecycle_configuration", Bucket=BUCKET,
            LifecycleConfiguration={"Rules": [theirs]})
    said = is_ok(s3.client("--prefix", "rec/", "set"))
    require(said["kept"] == 1, said)
    said = is_ok(s3.client("--prefix", "rec/", "check"))
    require(said["hasRule"] and said["differs"] == "", said)
    rules = s3.boto("get_bucket_lifecycle_configuration",
                    Bucket=BUCKET)["Rules"]
    require([r["ID"] for r in rules] == ["logs", "dsrun"], rules)
    require(rules[0]["Expiration"]["Days"] == 3, rules)
    require(rules[1]["Expiration"]["Days"] == 1095, rules)
    require([(t["Days"], t["StorageClass"]) for t in
             rules[1]["Transitions"]] ==
            [(90, "GLACIER_IR"), (365, "DEEP_ARCHIVE")], rules)
    said = is_ok(s3.client("--prefix", "rec/", "--days", "30,0,400,0,7",
                           "check"))
    require("archive: 90 days, wanted 30" in said["differs"], said)
    is_ok(s3.client("--class", "STANDARD_IA", "put", "k", "a.bin"))
    require(s3.object("k")["StorageClass"] == "STANDARD_IA", "class")


def test_the_buckets_own_encryption_is_seen(box):
    s3 = stores.minio(box)
    said = is_ok(s3.client("check"))
    require(said["encryption"] == "", said)
    s3.boto("put_bucket_encryption", Bucket=BUCKET,
            ServerSideEncryptionConfiguration={"Rules": [
                {"ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY}}]})
    said = is_ok(s3.client("check"))
    require(said["encryption"] == "aws:kms" and KMS_KEY in said["kmsKey"],
            said)


if __name__ == "__main__":
    harness.main()
