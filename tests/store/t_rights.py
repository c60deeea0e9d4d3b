#!/usr/bin/python3
"""Rights that are missing: what sync, status, outbox and doctor say of it, and
that all goes out as soon as they are given."""
import json
import subprocess

import stores  # the first: it finds the others
from mongo_scripted import Scripted, failed
from stores import ACCESS, BUCKET, SECRET, harness, require
from t_sync import MESSAGE

import filled
from filled import job

READ = ("s3:GetObject", "s3:ListBucket", "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration")
# What docs/sinks.md asks for a sync.
SYNC = ("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts")


def user_of(store):
    """One who may do what allow() says, and nothing else."""
    subprocess.run([str(stores.peer("versitygw") / "versitygw"), "admin",
                    "--access", ACCESS, "--secret", SECRET, "--endpoint-url",
                    store.endpoint, "create-user", "--access", "clerk",
                    "--secret", "secret-of-the-clerk", "--role", "user"],
                   check=True, stdout=subprocess.DEVNULL, timeout=60)


def allow(store, rights):
    said = store.boto("put_bucket_policy", Bucket=BUCKET, Policy=json.dumps({
        "Statement": [{"Effect": "Allow", "Principal": "clerk", "Action": r,
                       "Resource": "arn:aws:s3:::" + BUCKET +
                       ("/*" if "Object" in r or "Upload" in r else "")}
                      for r in rights]}))
    require("error" not in said, said)


def called(box, env, *rows, **more):
    """Their results wait for this sink."""
    filled.configure(
        box, kind={"limits": {"max_call": "2m", "ring": "50s", "min_gap": "0"},
                   "script": {"greeting": "Good morning.",
                              "voicemail": MESSAGE, "goodbye": "Goodbye."}},
        outbox={"retry": {"after": "1ms", "max": "1ms", "jitter": "none"}},
        **more)
    box.write(".env", env, 0o600)
    filled.enqueue(box, *rows)
    box.run("drain", "--quiet").expect(0)


def called_for_s3(box, store, *rows):
    called(box, "DSRUN_S3_ACCESS_KEY=clerk\n"
           "DSRUN_S3_SECRET_KEY=secret-of-the-clerk\n", *rows,
           sim={"speed": 100},
           s3={"bucket": BUCKET, "prefix": "calls/", "format": "wav",
               "endpoint": store.endpoint, "encryption": "none",
               "archive_days": 0, "cold_days": 0,
               "multipart": "5MB", "part": "5MB"})


def waiting(box):
    return box.run("outbox", "--json").json("outbox")["outbox"]


def finding(box, name, flag, *more, exit=0):
    said = box.run("doctor", flag, *more, "--json").expect(exit)
    found = [f for f in said.json("doctor")["checks"] if f["check"] == name]
    require(len(found) == 1, name, said.out)
    return found[0]


def test_keys_that_may_only_read_are_said_and_all_goes_out_afterwards(box):
    store = stores.versitygw(box)
    user_of(store)
    allow(store, READ)
    called_for_s3(box, store, job("a"), job("b", filled.VOICEMAIL))
    for _ in range(3):
        box.run("sync").expect(78, err="AccessDenied")
    rows = waiting(box)
    require([r["state"] for r in rows] == ["pending"] * 2 and
            all("AccessDenied" in r["error"] for r in rows), rows)
    box.run("status").expect(0, out="AccessDenied")
    s3 = box.run("status", "--json").json("status")["services"]["s3"]
    require(s3["breaker"] == "closed" and "403" in s3["lastError"], s3)
    said = finding(box, "s3 write", "--s3", "--fix", exit=78)
    require("s3:PutObject" in said["advice"], said)
    require(store.keys() == [], store.keys())
    allow(store, SYNC)
    box.run("sync").expect(0)
    require(not waiting(box), waiting(box))
    require(sorted(k.rsplit(".", 1)[1] for k in store.keys()) ==
            ["json", "json", "wav", "wav"], store.keys())


def test_the_rights_that_a_sync_is_said_to_need_are_enough(box):
    """Large recordings too, and a killed upload that is gone on with."""
    store = stores.versitygw(box)
    user_of(store)
    allow(store, SYNC)
    called_for_s3(box, store, job("b", filled.VOICEMAIL))
    box.run("sync", env={"DSRUN_CRASH_AT": "sink.s3.part:1"}).expect(137)
    require(len(store.uploads("calls/")) == 1, "no upload was begun")
    box.run("sync").expect(0)
    require(not waiting(box), waiting(box))
    require(len(store.keys()) == 2 and not store.uploads("calls/"),
            store.keys())


def test_a_user_of_mongodb_that_may_only_read_is_said(box):
    no = failed(13, "not authorized on t to execute command")
    with Scripted({"update": [no] * 4}) as mongo:
        called(box, "DSRUN_MONGO_URI=%s\n" % mongo.uri, job("a"), job("b"),
               mongo={"database": "t"})
        for _ in range(2):
            box.run("sync").expect(78, err="not authorized")
        rows = waiting(box)
        require([r["state"] for r in rows] == ["pending"] * 2 and
                all("not authorized" in r["error"] for r in rows), rows)
        box.run("status").expect(0, out="not authorized")
        said = finding(box, "mongo write", "--mongo", exit=78)
        require(said["grade"] == "fail" and "readWrite" in said["advice"],
                said)
        require(mongo.left("update") == 1, mongo.left("update"))
        box.run("sync").expect(78)
        # Now it may.
        said = finding(box, "mongo write", "--mongo")
        require(said["grade"] == "ok", said)
        box.run("sync").expect(0)
        require(not waiting(box), waiting(box))
        tried = [c for c in mongo.commands("update")
                 if c["updates"][0]["q"].get("_id") ==
                 "dsrun doctor: never written"]
        require(len(tried) == 3 and
                not any(c["updates"][0].get("upsert") for c in tried), tried)


if __name__ == "__main__":
    harness.main()
