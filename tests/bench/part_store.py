"""What a sync costs its own machine: objects in S3, campaigns in MongoDB.

The servers are real and on this machine, and use more of it than any client;
so what counts is the client's own processor time, and the wall says little.
"""
import contextlib
import json
import os
import socket
import subprocess
import time

import part_program
import rivals
from harness import ROOT, fail, number

OBJECTS, OBJECT_BYTES, AT_ONCE = 1000, 1000000, 8
CAMPAIGNS = 50000
# The server looks through all documents for a filter that asks for more than an
# _id, so it is emptied after so many.
PORTION = 5000
ACCESS, SECRET, BUCKET = "AKIDEXAMPLE", "secret-of-the-benchmark", "bench"


@contextlib.contextmanager
def server(b, argv, port, path):
    """A program until it answers on its port, and then until the end."""
    name = os.path.basename(argv[0])
    with open(os.path.join(path, "log"), "w") as log:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=b.env)
    try:
        until = time.monotonic() + 60
        while True:
            if p.poll() is not None or time.monotonic() > until:
                fail("%s does not answer: %s"
                     % (name, open(os.path.join(path, "log")).read()[-2000:]))
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield
    finally:
        p.kill()
        p.wait()
        b.away(path)


def lacking(*names):
    lacks = [n for n in names if rivals.where(n) is None]
    return "run tests/peers/setup " + " ".join(lacks) if lacks else None


# --- objects -------------------------------------------------------------------

@contextlib.contextmanager
def versitygw(b):
    """An empty bucket; gives host and port."""
    path, port = b.place(), rivals.free_port()
    for name in ("iam", "store", "store/" + BUCKET):
        os.mkdir(os.path.join(path, name))
    with server(b, [os.path.join(rivals.where("versitygw"), "versitygw"), "--quiet",
                    "--keep-alive", "--port", "127.0.0.1:%d" % port, "--access", ACCESS,
                    "--secret", SECRET, "--region", "us-east-1", "--iam-dir", path + "/iam",
                    "posix", path + "/store"], port, path):
        yield "127.0.0.1:%d" % port, os.path.join(path, "store", BUCKET)


def stored(path, n):
    """There must be n objects of the size."""
    sizes = [os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files]
    if sizes.count(OBJECT_BYTES) != n:
        fail("the bucket has %d objects of the size, not %d" % (sizes.count(OBJECT_BYTES), n))


def put_by_dsrun(b, file, n):
    """Through the sink; seconds of the processor, and of the wall, per GB."""
    with versitygw(b) as (at, kept):
        work = b.place()
        out = b.call(os.path.join(b.bin, "tests/store/s3_driver"), "--endpoint", "http://" + at,
                     "--bucket", BUCKET, "--access", ACCESS, "--secret", SECRET, "--style",
                     "path", "--work", work, "--format", "link", "--at-once", str(AT_ONCE),
                     "--recording", file, "push-many", str(n)).stdout
        took = json.loads(out.splitlines()[-1])
        stored(kept, n)
        b.away(work)
    gb = n * OBJECT_BYTES / 1e9
    return took["cpuS"] / gb, took["wallMs"] / 1000 / gb


def put_by(b, argv, file, n):
    with versitygw(b) as (at, kept):
        _, wall, cpu = b.numbers(*argv, at, BUCKET, file, n, AT_ONCE, ACCESS=ACCESS,
                                 SECRET=SECRET)[0]
        stored(kept, n)
    gb = n * OBJECT_BYTES / 1e9
    return cpu / gb, wall / gb


CLIENTS = (("minio-go", "minio-go 7.4.1", 1.0, lambda at: [at + "/minio-go", "put"]),
           ("aws-sdk-js", "@aws-sdk/client-s3 3.1175.0", 0.5,
            lambda at: ["node", at + "/put.js"]))


def objects(b):
    """Recordings of 1 MB as they are: each read and hashed by the sink, proved,
    signed, read again and sent with its checksum, with what the sink asks
    before.  What making a format costs has rows of its own."""
    n = b.count(OBJECTS, 10)
    what = "%s objects of 1 MB to S3, 8 at once: the client" % number(n)
    lacks = lacking("versitygw")
    if lacks:
        b.skip(what, "versitygw", lacks)
        return
    file = os.path.join(b.place(), "recording")
    with open(file, "wb") as f:
        f.write(os.urandom(OBJECT_BYTES))
    contestants = {"dsrun": lambda: put_by_dsrun(b, file, n)}
    for peer, name, _, argv in CLIENTS:
        if not lacking(peer):
            argv = argv(rivals.where(peer))
            contestants[name] = lambda argv=argv: put_by(b, argv, file, n)
    took = part_program.raced(b, contestants)
    for peer, name, goal, _ in CLIENTS:
        if name in took:
            b.at_most(what, "CPU s/GB", took["dsrun"], took[name], name, goal, cpu=False)
        else:
            b.skip(what, name, lacking(peer))


# --- campaigns -----------------------------------------------------------------

@contextlib.contextmanager
def mongo(b):
    """An empty database; gives its URI."""
    at, port, path = rivals.where("mongo-java-server"), rivals.free_port(), b.place()
    with server(b, ["java", "-Xmx1g", "-XX:+UseSerialGC", "-cp", "%s:%s/lib/*" % (at, at),
                    "Server", str(port)], port, path):
        yield "mongodb://127.0.0.1:%d/bench" % port


def update_by_dsrun(b, n):
    """The calls are over and their results are in the journal; seconds of the
    processor of its syncs, per 1,000 updates."""
    took = []
    with mongo(b) as uri:
        secret = os.path.join(b.place(), "mongo.uri")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(uri)
        path = b.settings(part_program.BEST, speed=1000, more="mongo: {uri_file: %s}\n" % secret)
        for first in range(0, n, PORTION):
            some = min(PORTION, n - first)
            b.dsrun_in(path, "enqueue",
                       b.jobs(path, some, "1999", ',"campaignId":"dsrun-%d"', first))
            b.dsrun_in(path, "drain")
            rates = part_program.timed(some, lambda: b.dsrun_in(path, "sync"))
            took.append([some / rate for rate in rates])
            node_on_mongo(b, uri, some, 0, "clear")
        left = json.loads(b.dsrun_in(path, "outbox", "--json").stdout)["outbox"]
        if left:
            fail("%d results are left" % len(left))
        b.away(path)
    wall, cpu = (sum(t[k] for t in took) for k in range(2))
    return cpu / n * 1000, wall / n * 1000


def node_on_mongo(b, uri, n, at_once, how):
    return b.numbers("node", os.path.join(ROOT, "tests/bench/mongo.js"), uri, n, at_once, how,
                     PORTION, NODE_PATH=os.path.join(rivals.where("mongoose"), "node_modules"))


def update_by_node(b, n, at_once, how):
    with mongo(b) as uri:
        _, wall, cpu = node_on_mongo(b, uri, n, at_once, how)[0]
    return cpu / n * 1000, wall / n * 1000


def updates(b):
    """From an empty database 5,000 at a time, Node in one process and dsrun in a
    sync each.  dsrun writes more of each: a call record beside, both guarded by revision,
    and its own journal, in which it reads the result and notes that it is out."""
    n = b.count(CAMPAIGNS, 1000)
    what = "%s campaign updates, CPU per 1 000" % number(n)
    lacks = lacking("mongo-java-server", "mongoose")
    if lacks:
        b.skip(what, "the Node driver", lacks)
        return
    ways = {"Node driver 7.8.0, updateOne, 50 under way":
            lambda: update_by_node(b, n, 50, "one"),
            "Node driver 7.8.0, bulkWrite of 100": lambda: update_by_node(b, n, 100, "bulk")}
    took = part_program.raced(b, {"dsrun": lambda: update_by_dsrun(b, n), **ways})
    for name, goal in zip(ways, (0.3, None)):
        b.at_most(what, "CPU s", took["dsrun"], took[name], name, goal, cpu=False)
