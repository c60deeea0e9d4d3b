"""Real queues beside dsrun, as tests/peers/setup brings them.

Each works jobs that do nothing, as durably as it can be run and at the number
of workers at which it was seen to be fastest.  Its own clock counts: it stands
still while the program starts and connects, and of dsrun's own, starting and
opening the journal are counted.  What a rival's Redis uses of the processor is
added to what the rival uses.
"""
import contextlib
import os
import signal
import socket
import subprocess
import time

from harness import ROOT, cpu_s, fail

SETUP = os.path.join(ROOT, "tests/peers/setup")


def where(name):
    """Its directory, or None."""
    p = subprocess.run([SETUP, "--where", name], stdin=subprocess.DEVNULL, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return p.stdout.strip() if p.returncode == 0 else None


# --- Redis -------------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(port, *words):
    """One command, whose answer is a line: its text without the sign before it."""
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        s.sendall(("*%d\r\n" % len(words) +
                   "".join("$%d\r\n%s\r\n" % (len(w), w) for w in words)).encode())
        line = s.makefile("rb").readline().decode().strip()
    if line[:1] not in ("+", ":"):
        fail("Redis answers %s with %s" % (words[0], line))
    return line[1:]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(b"PING\r\n")
            return s.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@contextlib.contextmanager
def redis(b):
    """A server whose every write is synced before it is answered (AOF always);
    gives its port and pid."""
    path, port = b.place(), free_port()
    with open(os.path.join(path, "log"), "w") as log:
        p = subprocess.Popen(
            [os.path.join(where("redis"), "redis-server"), "--bind", "127.0.0.1", "--port",
             str(port), "--dir", path, "--save", "", "--daemonize", "no", "--appendonly", "yes",
             "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=b.env)
    try:
        until = time.monotonic() + 10
        while not answers(port):
            if p.poll() is not None or time.monotonic() > until:
                fail("redis-server does not answer: " + open(os.path.join(path, "log")).read())
            time.sleep(0.01)
        if p.poll() is not None:  # somebody else answered
            fail("redis-server ended: " + open(os.path.join(path, "log")).read())
        yield port, p.pid
    finally:
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(30)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
        b.away(path)


# --- the rivals --------------------------------------------------------------

class Rival:
    """name, what it needs of tests/peers, and what it can do: queue(b, n) works n
    jobs that wait in its queue, lives(b, file, n) also puts them in from a file
    (None: it is not compared in that).  Both give rates, as harness.py's do."""

    def __init__(self, name, needs, workers, argv, on_redis, has_lives):
        self.name, self.needs, self.workers = name, needs, workers
        self.argv, self.on_redis = argv, on_redis
        self.lives = self._lives if has_lives else None

    def missing(self):
        """What must be set up first, or None."""
        lacks = [n for n in self.needs if where(n) is None]
        return "run tests/peers/setup " + " ".join(lacks) if lacks else None

    def program(self, b, *argv):
        return b.numbers(*self.argv(where(self.needs[0])), *argv)

    @contextlib.contextmanager
    def _store(self, b):
        """Where its jobs lie, and the pid of who keeps them."""
        if self.on_redis:
            with redis(b) as (port, pid):
                yield self.on_redis % port, pid
        else:
            path = b.place()
            yield path, None
            b.away(path)

    def _timed(self, b, pid, *argv):
        before = cpu_s(pid) if pid else 0
        count, seconds, cpu = self.program(b, *argv)[0]
        cpu += cpu_s(pid) - before if pid else 0
        return count / seconds, count / cpu

    def queue(self, b, n):
        with self._store(b) as (at, pid):
            self.program(b, "fill", at, n)
            return self._timed(b, pid, "drain", at, n, self.workers)

    def _lives(self, b, jobs):
        with self._store(b) as (at, pid):
            return self._timed(b, pid, "lives", at, jobs, self.workers)


def backlite():
    return Rival("backlite 0.6.0, WAL and FULL, 5 000 workers", ["backlite"], 5000,
                 lambda at: [at + "/backlite"], None, True)


def bull(workers):
    return Rival("Bull 4.16.5, AOF always, %d at once" % workers, ["bull", "redis"], workers,
                 lambda at: ["node", at + "/bull.js"], "%d", True)


def huey():
    return Rival("Huey 3.5.4, SQLite with fsync, 1 worker", ["huey"], 1,
                 lambda at: [at + "/python/bin/python", at + "/huey_bench.py"], None, False)


def asynq():
    return Rival("Asynq 0.26.0, AOF always, 50 at once", ["asynq", "redis"], 50,
                 lambda at: [at + "/asynq"], "127.0.0.1:%d", False)
