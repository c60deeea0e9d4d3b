#!/usr/bin/python3
"""Rights that are missing, on real servers: what sync, status, outbox and
doctor say, and that all goes out once they are given."""
import json
import subprocess
import sys

import stores  # the first: it finds the others
from mongo_scripted import Scripted, failed
from stores import BUCKET, harness, require

import filled
from filled import job


def reader_of(store):
    """A user of versitygw who may read in the bucket and nothing else."""
    subprocess.run([str(stores.peer("versitygw") / "versitygw"), "admin",
                    "--allow-insecure", "--access", stores.ACCESS, "--secret",
                    stores.SECRET, "--endpoint-url", store.endpoint,
                    "create-user", "--access", "reader", "--secret",
                    "secret-of-the-reader", "--role", "user"], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)
    allow(store, "s3:GetObject", "s3:ListBucket", "s3:GetLifecycleConfiguration",
          "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration")


def allow(store, *rights):
    said = store.boto("put_bucket_policy", Bucket=BUCKET, Policy=json.dumps({
        "Statement": [{"Effect": "Allow", "Principal": "reader",
                       "Action": r, "Resource": "arn:aws:s3:::" + BUCKET +
                       ("/*" if "Object" in r or "Upload" in r else "")}
                      for r in rights]}))
    require("error" not in said, said)


def say(r):
    print("---", r.args[1:] if hasattr(r, "args") else "", r.exit, "\n", r.out, r.err, file=sys.stderr)
    return r


def test_explore(box):
    s3 = stores.versitygw(box)
    reader_of(s3)
    no = failed(13, "not authorized on t to execute command")
    with Scripted({"update": [no] * 50}) as mongo:
        filled.configure(
            box, mongo={"database": "t"},
            s3={"bucket": BUCKET, "prefix": "calls/", "format": "wav",
                "endpoint": s3.endpoint, "encryption": "none"})
        box.write(".env", (
            "DSRUN_MONGO_URI=%s\n"
            "DSRUN_S3_ACCESS_KEY=%s\nDSRUN_S3_SECRET_KEY=%s\n") % (
                mongo.uri, "reader", "secret-of-the-reader"), 0o600)
        filled.enqueue(box, job("a"), job("b", "+12025550108"))
        box.run("drain", "--quiet").expect(0)
        say(box.run("sync"))
        say(box.run("status"))
        say(box.run("outbox"))
        say(box.run("sync"))
        say(box.run("doctor", "--s3"))
        say(box.run("doctor", "--s3", "--fix"))
        say(box.run("doctor", "--mongo"))
        say(box.run("outbox"))
        r = box.run("outbox", "--json").json("outbox")["outbox"]
        say(box.run("outbox", "drop", str(r[0]["row"]), "--by", "ana", "--reason", "sent by hand"))
        say(box.run("outbox"))
        say(box.run("status"))


if __name__ == "__main__":
    harness.main()
