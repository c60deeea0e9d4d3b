"""A Redis of its own, real Bull and BullMQ beside it (peer.js), and our scripts.

The scripts of pkg/bull/lua are run here as pkg/bull runs them, so that what
they do to a queue is proved against the libraries before any C is asked.

A peer that is missing is a skip, and with DSRUN_NEED_PEERS in the environment
a failure; tests/peers/setup brings them.
"""
import atexit
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LUA = ROOT / "pkg" / "bull" / "lua"
PEERS = {"bull": "bull", "bullmq5": "bullmq5", "bullmq6": "bullmq6"}
TOKEN = "j0123"
FIELDS = ("name data opts timestamp delay priority attemptsMade atm ats stc stalledCounter "
          "processedOn retriedOn parentKey rjk deid defa").split()


def missing(what):
    if os.environ.get("DSRUN_NEED_PEERS"):
        raise AssertionError("%s is missing" % what)
    raise unittest.SkipTest("%s is missing: tests/peers/setup brings it" % what)


def wait_for(holds, timeout_s=10, what="the condition"):
    end = time.monotonic() + timeout_s
    while True:
        said = holds()
        if said:
            return said
        if time.monotonic() > end:
            raise AssertionError("waited %g s in vain for %s" % (timeout_s, what))
        time.sleep(0.01)


class Error(Exception):
    """What Redis answered with a minus sign."""


class Redis:
    """A connection: RESP2, one command at a time; bytes are text, latin-1."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 5)
        self.sock.settimeout(20)
        self.file = self.sock.makefile("rb")

    def close(self):
        self.file.close()
        self.sock.close()

    def __call__(self, *args):
        out = [b"*%d\r\n" % len(args)]
        for a in args:
            a = a if isinstance(a, bytes) else str(a).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(a), a))
        self.sock.sendall(b"".join(out))
        answer = self.read()
        if isinstance(answer, Error):
            raise answer
        return answer

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Error(rest.decode())
        if kind == b":":
            return int(rest)
        n = int(rest)
        if n < 0:
            return None
        if kind == b"$":
            return self.file.read(n + 2)[:-2].decode("utf-8", "surrogateescape")
        return [self.read() for _ in range(n)]

    def hash(self, key):
        flat = self("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))


class Server:
    """redis-server in a directory of its own, on a free port."""

    def __init__(self, *options):
        if not shutil.which("redis-server"):
            missing("redis-server")
        self.dir = tempfile.mkdtemp(prefix="dsrun-queue-")
        for _ in range(20):
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                self.port = s.getsockname()[1]
            # A Cluster's nodes talk on a port 10,000 above.
            if self.port > 55535 and "--cluster-enabled" in options:
                continue
            self.process = subprocess.Popen(
                ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir",
                 self.dir, "--save", "", "--daemonize", "no", *options],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.answers():
                atexit.register(self.stop)
                return
        raise AssertionError("redis-server does not answer")

    def answers(self):
        for _ in range(200):
            if self.process.poll() is not None:
                return False
            try:
                r = Redis(self.port)
            except OSError:
                time.sleep(0.02)
                continue
            try:
                return r("PING") == "PONG"
            except OSError:
                time.sleep(0.02)  # one that ends: its Cluster's port is taken
            finally:
                r.close()
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def where(peer):
    found = subprocess.run([ROOT / "tests" / "peers" / "setup", "--where", peer],
                           stdout=subprocess.PIPE, text=True)
    if found.returncode:
        missing("tests/peers/" + peer)
    return found.stdout.strip()


class Peer:
    """peer.js: do() runs code there, told() gives what it told meanwhile."""

    def __init__(self, library, port, name, prefix="bull"):
        if not shutil.which("node"):
            missing("node")
        env = dict(os.environ, NODE_PATH=where(PEERS[library]) + "/node_modules")
        self.process = subprocess.Popen(
            ["node", str(HERE / "peer.js"), "bull" if library == "bull" else "bullmq", str(port),
             name, prefix], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers = queue.Queue()
        self.heard = []
        self.n = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "told" in said:
                self.heard.append(said["told"])
            else:
                self.answers.put(said)

    def do(self, js, arg=None, timeout_s=20):
        self.n += 1
        self.process.stdin.write(json.dumps({"n": self.n, "js": js, "arg": arg}) + "\n")
        self.process.stdin.flush()
        said = self.answers.get(timeout=timeout_s)
        if "error" in said:
            raise AssertionError("peer: " + said["error"])
        return said.get("value")

    def told(self, key, value=None):
        """What was told with this key, and with this value of it."""
        return [t for t in list(self.heard) if key in t and value in (None, t[key])]

    def wait_told(self, key, value=None, n=1, timeout_s=10):
        wait_for(lambda: len(self.told(key, value)) >= n, timeout_s,
                 "%d of %s %s; told: %s" % (n, key, value, self.heard[-20:]))
        return self.told(key, value)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


_texts = {}


def script(name):
    """The script as pkg/bull/lua/embed.sh puts it together."""
    if name not in _texts:
        own = (LUA / (name + ".lua")).read_text()
        parts = own.split("\n", 1)[0].removeprefix("-- use ").split()
        _texts[name] = "".join((LUA / ("part_%s.lua" % p)).read_text() for p in parts) + own
    return _texts[name]


def built(name):
    """A program of this folder, beside the dsrun that is tested."""
    dsrun = pathlib.Path(os.environ.get("DSRUN", ROOT / "build" / "dsrun"))
    program = dsrun.parent / "tests" / "queue" / name
    if not program.exists():
        missing(str(program))
    return str(program)


class Job:
    def __init__(self, row):
        self.id, self.lease, self.big, self.again, self.detail = row[:5]
        self.field = dict(zip(FIELDS, row[5:]))
        self.stamp = self.field["timestamp"] or ""
        self.tries = self.field["attemptsMade"] or self.field["atm"] or "0"


class Ours:
    """Our worker: every script of pkg/bull/lua as a method."""

    def __init__(self, library, port, name, prefix="bull", token=TOKEN):
        self.redis = Redis(port)
        self.library = library
        self.P = "%s:%s:" % (prefix, name)
        self.token = token

    def close(self):
        self.redis.close()

    def run(self, name, *args):
        return self.redis("EVAL", script(name), 1, self.P, self.library, *args)

    def take_all(self, n=1, lock_ms=60000, max_bytes=1 << 20, max_all=16 << 20, tell="0",
                 known=0, limit=(0, 1000)):
        word, now, due, wait, ghosts, rows, dry = self.run(
            "take", n, self.token, lock_ms, max_bytes, max_all, "ours", tell, known, *limit)
        return {"word": word, "now": now, "due": due, "wait": wait, "ghosts": ghosts, "dry": dry,
                "jobs": [Job(r) for r in rows]}

    def take(self, n=1, **more):
        return self.take_all(n, **more)["jobs"]

    def one(self, **more):
        jobs = self.take(1, **more)
        assert len(jobs) == 1, "one job, not none"
        return jobs[0]

    def complete(self, j, value='{"ok":1}', metrics=0):
        return self.complete_all((j, value), metrics=metrics)[0]

    def complete_all(self, *ends, metrics=0):
        each = [x for j, value in ends for x in (j.id, j.lease, j.stamp, value)]
        return self.run("complete", self.token, metrics, *each)[1]

    def fail(self, j, reason="broke", stack="", how="retry", random=0.5, delay=-1,
             metrics=0):
        return self.run("fail", j.id, j.lease, j.stamp, j.tries, self.token, reason, stack, how,
                        random, delay, metrics)

    def delay(self, j, due, ours=None):
        return self.run("delay", j.id, j.lease, j.stamp, due, ours or self.look()["now"])

    def hand_back(self, j):
        return self.run("handback", j.id, j.lease, j.stamp, self.token)

    def renew(self, jobs, lock_ms=60000):
        pairs = [x for j in jobs for x in (j.id, j.lease)]
        return self.run("renew", lock_ms, *pairs)[1]

    def reclaim(self, j, lock_ms=60000):
        return self.run("reclaim", j.id, j.lease, j.stamp, j.tries, self.token, lock_ms)

    def missing(self, *jobs):
        return self.run("missing", self.token, *[
            x for j in jobs for x in (j.id, j.lease, j.stamp, j.tries)])[1]

    def adopt(self, max_bytes=1 << 20):
        pairs = [x for row in self.run("ours", self.token)[2] for x in row[:2]]
        return [Job(r) for r in self.run("read", self.token, max_bytes, 16 << 20, *pairs)[2]]

    def promote(self):
        return self.run("promote", self.token)

    def stalled(self, most=1, interval=1):
        return self.run("stalled", most, interval, self.token)

    def look(self):
        names = ("now paused due limited wait prioritized delayed active completed failed "
                 "held children").split()
        return dict(zip(names, self.run("look")[1:]))

    def progress(self, j, value):
        return self.run("progress", j.id, j.stamp, value)

    def log(self, j, line):
        return self.run("log", j.id, j.stamp, line)

    def add(self, name="call", data="{}", id="", opts=""):
        return self.run("add", id, name, data, opts, self.token)

    def detect(self):
        return self.run("detect")

    def hash(self, id):
        return self.redis.hash(self.P + id)

    def key(self, name):
        return self.P + name
