"""A queue of Bull or BullMQ on a real Redis, worked by dsrun and by Node.

Redis has AOF with fsync always, so that both lose nothing; and each transition
of dsrun's jobs is durable in its journal besides.
"""
import contextlib
import os
import signal
import subprocess
import time

import part_memory
import part_program
import part_start
import rivals
from harness import cpu_s, fail, median, number

JOBS = 20000
QUEUE = 'bull: {queue: calls, url: "redis://127.0.0.1:%d", names: call}\n'
# At how many at once a Node worker was seen to be fastest.
BULL, BULLMQ = 200, 100


class Node:
    """A library, and worker.js on it."""

    def __init__(self, kind, name, peer, workers):
        self.kind, self.name, self.peer, self.workers = kind, name, peer, workers

    def missing(self):
        lacks = [n for n in (self.peer, "redis") if rivals.where(n) is None]
        return "run tests/peers/setup " + " ".join(lacks) if lacks else None

    def env(self):
        return {"NODE_PATH": os.path.join(rivals.where(self.peer), "node_modules")}

    def argv(self, command, port, *rest):
        worker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.js")
        return ["node", worker, self.kind, command] + [str(a) for a in (port, *rest)]

    def fill(self, b, port, n):
        b.call(*self.argv("fill", port, n), **self.env())


def libraries():
    return (Node("bull", "Bull 4.16.5", "bull", BULL),
            Node("bullmq", "BullMQ 6.7.0", "bullmq6", BULLMQ))


# --- a drain -------------------------------------------------------------------

def completed(port, n):
    """All of them are, as Redis has it."""
    has = int(rivals.ask(port, "ZCARD", "bull:calls:completed"))
    left = int(rivals.ask(port, "LLEN", "bull:calls:wait")) + \
        int(rivals.ask(port, "LLEN", "bull:calls:active"))
    if has != n or left != 0:
        fail("%d of %d jobs are completed, and %d are left" % (has, n, left))


def by_dsrun(b, node, n):
    path = None
    with rivals.redis(b) as (port, pid):
        node.fill(b, port, n)
        path = b.settings(part_program.BEST, speed=1000, more=QUEUE % port)
        before = cpu_s(pid)
        wall, cpu = part_program.timed(n, lambda: b.dsrun_in(path, "drain"))
        server = cpu_s(pid) - before
        completed(port, n)
    b.results(path, n)
    b.away(path)
    return wall, n / (n / cpu + server)


def by_node(b, node, n):
    with rivals.redis(b) as (port, pid):
        node.fill(b, port, n)
        before = cpu_s(pid)
        count, seconds, cpu = b.numbers(*node.argv("drain", port, n, node.workers),
                                        **node.env())[0]
        server = cpu_s(pid) - before
        completed(port, n)
    return count / seconds, count / (cpu + server)


def drain(b):
    """dsrun on each library's queue beside that library's own worker: the
    faster one of Node's is the one to beat."""
    n = b.count(JOBS, 500)
    what = number(n) + " jobs that do nothing, from %s's queue"
    here, lacking = part_program.here(libraries())
    contestants = {}
    for node in here:
        contestants["dsrun, " + node.name] = lambda node=node: by_dsrun(b, node, n)
        contestants[node.name] = lambda node=node: by_node(b, node, n)
    took = part_program.raced(b, contestants) if here else {}
    fastest = max(here, key=lambda node: median(took[node.name]), default=None)
    for node in here:
        b.beside(what % node.name, "jobs/s", took["dsrun, " + node.name], took[fastest.name],
                 "%s worker, AOF always, %d at once" % (fastest.name, fastest.workers), 2)
    for node, why in lacking:
        b.skip(what % node.name, node.name, why)


# --- the first job ---------------------------------------------------------------

def placed_ms(path):
    """When the first call was asked for, in ms since 1970."""
    at = part_start.first_request(path)
    return (at - time.clock_gettime(time.CLOCK_BOOTTIME) + time.time()) * 1000


def one_job(b, node, port):
    rivals.ask(port, "FLUSHALL")
    node.fill(b, port, 1)
    return time.time() * 1000, part_program.children_s()


def dsrun_first(b, node, port):
    path = b.settings(50, more=QUEUE % port)
    began, used = one_job(b, node, port)
    b.dsrun_in(path, "drain")
    took = placed_ms(path) - began, (part_program.children_s() - used) * 1000
    completed(port, 1)
    b.away(path)
    return took


def node_first(b, node, port):
    began, used = one_job(b, node, port)
    at = b.numbers(*node.argv("first", port), **node.env())[0][0]
    return at - began, (part_program.children_s() - used) * 1000


def first(b):
    """From exec to the first call of a machine that has called nobody yet, and
    the tick of cron that finds nothing.  By the processor: until the end."""
    what, idle = "from start to the first call", "cold drain on an empty queue of %s"
    here, lacking = part_program.here(libraries())
    for node in here:
        with rivals.redis(b) as (port, _):
            path = b.settings(50, more=QUEUE % port)
            b.dsrun_in(path, "drain")
            turns = [b.race({
                "dsrun": lambda node=node, port=port: dsrun_first(b, node, port),
                node.name: lambda node=node, port=port: node_first(b, node, port)})
                for _ in range(2)]
            took = {name: turns[0][name] + turns[1][name] for name in turns[0]}
            empty = part_start.cold_times(b, {
                "dsrun": b.dsrun_argv(path, "drain"),
                "node": ["env", "NODE_PATH=" + node.env()["NODE_PATH"],
                         *node.argv("empty", port)]})
        b.at_most(what, "ms", took["dsrun"], took[node.name],
                  "a Node worker with " + node.name, 1 / 20)
        ms = median(empty["dsrun"])
        b.below(idle % node.name, ms, "ms", 20)
        b.at_most(idle % node.name, "ms", empty["dsrun"], empty["node"],
                  "a Node program that asks how many wait")
    for node, why in lacking:
        b.skip(what, node.name, why)


# --- memory ----------------------------------------------------------------------

@contextlib.contextmanager
def ended(p):
    """Whatever happens."""
    try:
        yield p
    finally:
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(30)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def node_held(b, node, n):
    """Megabytes with nothing done yet, and after n jobs."""
    with rivals.redis(b) as (port, _):
        p = subprocess.Popen(node.argv("stay", port, n, node.workers), text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             env={**b.env, **node.env()})
        with ended(p):
            p.stdout.readline()
            time.sleep(1)
            idle = part_memory.resident_mb(p.pid)
            node.fill(b, port, n)
            if p.stdout.readline().strip() != "done":
                fail("the Node worker ended early")
            time.sleep(1)
            return idle, part_memory.resident_mb(p.pid)


def dsrun_held(b, node, n):
    with rivals.redis(b) as (port, _):
        path = b.settings(node.workers, speed=1000, more=QUEUE % port)
        with part_memory.running(b, path, "worker") as p:
            time.sleep(1)
            idle = part_memory.resident_mb(p.pid)
            node.fill(b, port, n)
            until = time.monotonic() + 300
            while int(rivals.ask(port, "ZCARD", "bull:calls:completed")) < n:
                if p.poll() is not None or time.monotonic() > until:
                    fail("the worker did not complete %d jobs" % n)
                time.sleep(0.1)
            time.sleep(1)
            return idle, part_memory.resident_mb(p.pid)


def held(b):
    n = b.count(JOBS, 500)
    here, lacking = part_program.here(libraries())
    for node in here:
        took = b.race({"dsrun": lambda node=node: dsrun_held(b, node, n),
                       node.name: lambda node=node: node_held(b, node, n)})
        for k, when in enumerate(("before its first job", "after %s jobs" % number(n))):
            b.at_most("resident memory of a worker, " + when, "MB",
                      [(t[k],) for t in took["dsrun"]], [(t[k],) for t in took[node.name]],
                      "a Node worker with " + node.name, 1 / 8, cpu=False)
    for node, why in lacking:
        b.skip("resident memory of a worker", node.name, why)
