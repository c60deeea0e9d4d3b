#!/usr/bin/python3
"""How fast dsrun is, beside the raw limits of the machine it runs on.

    bench.py BUILD [--only WORD]... [--rounds N] [--scale F] [--keep] [--json]

BUILD holds dsrun and tests/bench/*.  Every figure is the median of N rounds
(5 unless said otherwise), in which it and the limit it is measured by take
turns, so that a busy machine slows both: the ratio counts, not the number.
Everything is written into one directory below TMPDIR, which must lie on a
disk (synchronous commits to memory would say nothing), and removed.
--only takes parts (disk commits steps lives program cold memory reads check),
--scale multiplies how much is done.
"""
import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

KIND = """kind: %(name)s
carrier: sim
model: scripted
from: "+15125550100"
limits: {concurrency: 0, max_call: 5m, ring: 30s}
windows: {zone: UTC, mon-fri: always, sat: always, sun: always, holidays: always}
script:
  greeting: "Hello, this is Sarah, an automated assistant calling for DocShield on a recorded line."
  goodbye: "Thank you for your time. Goodbye."
agent: {name: Sarah, company: DocShield}
"""

# Answers at once and talks on, so that all calls record all the time.
TALKER = """name: talker
weight: 0
numbers: ["+1888*"]
ring: 0
answer: human
patience: 120s
script:
  start:
%s    - hangup: completed
""" % ('    - say: "Thank you for calling Riverside Medical Clinic. For appointments, press 1. For '
       'billing, press 2. For the practice administration, press 3. To hear these options again, '
       'press 9."\n    - pause: 300ms\n' * 12)


def fail(text):
    sys.exit("bench: " + text)


class Bench:
    def __init__(self, build, work, options):
        self.bin = os.path.abspath(build)
        self.dsrun = os.path.join(self.bin, "dsrun")
        self.work = work
        self.rounds = options.rounds
        self.scale = options.scale
        self.rows = []
        self.made = 0
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("DSRUN_")}
        for name in ("dsrun", "tests/bench/bench_bare", "tests/bench/bench_plain",
                     "tests/bench/bench_journal"):
            if not os.path.exists(os.path.join(self.bin, name)):
                fail("%s/%s is missing: make bench builds it" % (self.bin, name))

    def count(self, n, multiple=1):
        return max(multiple, int(n * self.scale) // multiple * multiple)

    def place(self):
        """A new empty directory."""
        self.made += 1
        path = os.path.join(self.work, "%03d" % self.made)
        os.mkdir(path)
        return path

    def call(self, *argv, ok=(0,)):
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env=self.env, text=True, check=False)
        if p.returncode not in ok:
            fail("%s: exit %d\n%s" % (" ".join(argv), p.returncode, p.stderr[-2000:]))
        return p

    def tool(self, name, *argv):
        """The numbers that a program of tests/bench prints."""
        out = self.call(os.path.join(self.bin, "tests/bench", name), *[str(a) for a in argv]).stdout
        return [[float(v) for v in line.split()] for line in out.splitlines()]

    def rate(self, name, *argv):
        """How many a second, and how many a second of processor time."""
        count, seconds, cpu = self.tool(name, *argv)[0]
        return count / seconds, count / cpu

    def journal(self):
        path = os.path.join(self.place(), "j")
        self.tool("bench_journal", "init", path)
        return path

    def say(self, what, value, unit, limit=None, limit_is="", ratio=None, goal="", met=None,
            cpu=None):
        self.rows.append({"what": what, "value": value, "unit": unit, "limit": limit,
                          "limit_is": limit_is, "ratio": ratio, "cpu_ratio": cpu, "goal": goal,
                          "met": met})
        print("  %s: %s %s" % (what, number(value), unit), file=sys.stderr, flush=True)

    def pair(self, what, unit, ours, limit, limit_is, goal=None):
        """Both give rates, by the wall and by the processor; the median of the ratios counts."""
        a, b = [], []
        for i in range(self.rounds):
            for f, to in ((ours, a), (limit, b))[::1 if i % 2 == 0 else -1]:
                to.append(f())
        ratio, cpu = (statistics.median(x[k] / y[k] for x, y in zip(a, b)) for k in (0, 1))
        self.say(what, statistics.median(x[0] for x in a), unit,
                 statistics.median(y[0] for y in b), limit_is, ratio,
                 "" if goal is None else ">= %g x" % goal,
                 None if goal is None else ratio >= goal, cpu)

    def settings(self, speed, concurrency, extra_personas=False):
        """A configuration of its own, with the kind of job that asks for nothing."""
        path = self.place()
        os.mkdir(os.path.join(path, "jobs"))
        personas = os.path.join(ROOT, "fixtures/personas")
        if extra_personas:
            personas = os.path.join(path, "personas")
            os.mkdir(personas)
            with open(os.path.join(personas, "talker.yaml"), "w") as f:
                f.write(TALKER)
        with open(os.path.join(path, "jobs/bench.yaml"), "w") as f:
            f.write(KIND % {"name": "bench"})
        with open(os.path.join(path, "dsrun.yaml"), "w") as f:
            f.write("dir: data\ndefault_kind: bench\nrules_dir: %s/rules\nspeech_dir: %s/fixtures/speech\n"
                    "limits: {concurrency: %d}\n"
                    "carrier:\n  use: sim\n  sim: {speed: %d, latency_ms: 0, personas: %s}\n"
                    % (ROOT, ROOT, concurrency, speed, personas))
        return path

    def jobs(self, path, n, prefix):
        name = os.path.join(path, "jobs.jsonl")
        with open(name, "w") as f:
            for i in range(n):
                f.write('{"id":"b-%d","phone":"+%s%07d"}\n' % (i, prefix, i))
        return name

    def dsrun_in(self, path, *argv, **kw):
        return self.call(self.dsrun, argv[0], "--config", os.path.join(path, "dsrun.yaml"),
                         *argv[1:], **kw)

    def has(self, command):
        return self.call(self.dsrun, "help", command, ok=range(256)).returncode == 0 and \
            self.call(self.dsrun, command, "--help", ok=range(256)).returncode == 0


def number(v):
    if v is None:
        return ""
    if abs(v) >= 1000:
        return "{:,.0f}".format(v).replace(",", " ")
    return "%.3g" % v if abs(v) < 100 else "%.0f" % v


# --- the parts ---------------------------------------------------------------

def part_disk(b):
    n = b.count(200)
    us = [1e6 / b.rate("bench_plain", "sync", b.place(), n)[0] for _ in range(b.rounds)]
    b.say("fdatasync of 4 KB more of a file", statistics.median(us), "us")


def part_commits(b):
    n = b.count(300)
    path = b.journal()
    plain = b.place()
    b.pair("durable single-job commits", "/s",
           lambda: b.rate("bench_journal", "commits", path, n),
           lambda: b.rate("bench_plain", "commits", plain, n),
           "plain one-row synchronous=FULL commits", 0.8)


def part_steps(b):
    plain = b.place()
    rows = [b.rate("bench_plain", "rows", plain, b.count(100000, 100))[0] for _ in range(b.rounds)]
    b.say("plain inserts, 5 columns, 100 rows a transaction", statistics.median(rows), "/s")
    for group, goal in ((100, 0.8), (500, None)):
        n = b.count(3000, group)
        ours, bare = b.journal(), b.journal()
        b.pair("durable transitions, groups of %d" % group, "/s",
               lambda: b.rate("bench_journal", "steps", ours, n, group),
               lambda: b.rate("bench_bare", "steps", bare, n, group), "bare loop", goal)


def part_lives(b):
    for group in (100, 500):
        n = b.count(4000, group)
        ours, bare = b.journal(), b.journal()
        b.pair("whole lives as transactions, groups of %d" % group, "/s",
               lambda: b.rate("bench_journal", "lives", ours, n, group),
               lambda: b.rate("bench_bare", "lives", bare, n, group), "bare loop")


def children_s():
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime


def program_lives(b, n, concurrency):
    """Jobs a second, from the file to results.jsonl."""
    path = b.settings(1000, concurrency)
    jobs = b.jobs(path, n, "1999")
    b.dsrun_in(path, "init")
    began, cpu = time.monotonic(), children_s()
    b.dsrun_in(path, "enqueue", jobs)
    b.dsrun_in(path, "drain")
    seconds, cpu = time.monotonic() - began, children_s() - cpu
    with open(os.path.join(path, "data/out/results.jsonl")) as f:
        if sum(1 for _ in f) != n:
            fail("%s: results.jsonl has not %d lines" % (path, n))
    shutil.rmtree(path)
    return n / seconds, n / cpu


def part_program(b):
    n = b.count(20000, 1000)
    for concurrency, goal in ((50, None), (200, 0.6), (500, None)):
        bare = b.journal()
        b.pair("whole lives of the program, %d at once" % concurrency, "jobs/s",
               lambda: program_lives(b, n, concurrency),
               lambda: b.rate("bench_bare", "lives", bare, b.count(4000, concurrency), concurrency),
               "bare loop, groups of %d" % concurrency, goal)


def wall_ms(argv, env):
    began = time.perf_counter()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, env=env)
    _, err = p.communicate()
    if p.returncode != 0:
        fail("%s: exit %d\n%s" % (" ".join(argv), p.returncode, err.decode()[-2000:]))
    return (time.perf_counter() - began) * 1000


def part_cold(b):
    path = b.settings(1, 50)
    b.dsrun_in(path, "init")
    conf = ["--config", os.path.join(path, "dsrun.yaml")]
    argvs = {"drain": [b.dsrun, "drain"] + conf, "version": [b.dsrun, "version"], "true": ["/bin/true"]}
    b.dsrun_in(path, "drain")
    ms = {k: [] for k in argvs}
    for _ in range(max(20, 4 * b.rounds)):
        for k, argv in random.sample(sorted(argvs.items()), len(argvs)):
            ms[k].append(wall_ms(argv, b.env))
    mid = {k: statistics.median(v) for k, v in ms.items()}
    b.say("cold drain on an empty journal", mid["drain"], "ms", mid["true"], "/bin/true",
          mid["drain"] / mid["true"], "<= 15 ms", mid["drain"] <= 15)
    b.say("dsrun version", mid["version"], "ms", mid["true"], "/bin/true", mid["version"] / mid["true"])


# --- memory and CPU ----------------------------------------------------------

def resident_mb(pid, what="VmRSS"):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    return 0


def cpu_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(b, path, *argv):
    with open(os.path.join(path, "stderr"), "w") as err:
        p = subprocess.Popen([b.dsrun, argv[0], "--config", os.path.join(path, "dsrun.yaml")]
                             + list(argv[1:]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=err, env=b.env)
    try:
        yield p
    finally:
        p.send_signal(signal.SIGTERM)
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def live_calls(b, path):
    doc = json.loads(b.dsrun_in(path, "status", "--json").stdout)
    return doc["live"]


def recordings(path):
    return sum(len(files) for _, _, files in os.walk(os.path.join(path, "data/recordings")))


def part_memory(b):
    if b.has("worker"):
        path = b.settings(1, 50)
        b.dsrun_in(path, "init")
        with running(b, path, "worker") as p:
            time.sleep(2)
            if p.poll() is not None:
                fail("the worker ended: " + open(os.path.join(path, "stderr")).read())
            from_s = cpu_s(p.pid)
            time.sleep(3)
            mb = resident_mb(p.pid)
            b.say("resident memory, idle worker", mb, "MB", None, "", None, "<= 12 MB", mb <= 12)
            b.say("CPU of an idle worker", (cpu_s(p.pid) - from_s) / 3 * 100, "% of a core")
    calls = 30
    path = b.settings(1, calls, extra_personas=True)
    b.dsrun_in(path, "init")
    b.dsrun_in(path, "enqueue", b.jobs(path, calls, "1888"))
    with running(b, path, "drain") as p:
        time.sleep(3)
        if p.poll() is not None:
            fail("the drain ended early: " + open(os.path.join(path, "stderr")).read())
        percent, last = [], cpu_s(p.pid)
        for _ in range(b.rounds):
            began = time.monotonic()
            time.sleep(3)
            now = cpu_s(p.pid)
            percent.append((now - last) / (time.monotonic() - began) * 100)
            last = now
        mb = resident_mb(p.pid)
        if recordings(path) < calls:
            fail("%d calls record, expected %d" % (recordings(path), calls))
        b.say("resident memory, %d calls recording" % calls, mb, "MB", None, "", None, "<= 64 MB", mb <= 64)
        cpu = statistics.median(percent)
        b.say("CPU of %d recorded calls in real time" % calls, cpu, "% of a core", None, "", None,
              "<= 2 %", cpu <= 2)


# --- a large journal ---------------------------------------------------------

def part_reads(b):
    n = b.count(1000000)
    full, empty = b.journal(), b.journal()
    b.rate("bench_bare", "load", full, n)
    for path in (full, empty):
        b.tool("bench_journal", "ready", path, 1000)
    p99 = {full: ([], []), empty: ([], [])}
    for i in range(b.rounds):
        for path in (full, empty) if i % 2 == 0 else (empty, full):
            claim, listing = b.tool("bench_journal", "reads", path, 300)
            p99[path][0].append(claim[1])
            p99[path][1].append(listing[1])
    for k, what in enumerate(("claim of 50, p99, %s finished jobs", "listing of 50, p99, %s finished jobs")):
        f, e = p99[full][k], p99[empty][k]
        ratio = statistics.median(x / y for x, y in zip(f, e))
        b.say(what % number(n), statistics.median(f), "us", statistics.median(e), "with none", ratio,
              "<= 1.2 x", ratio <= 1.2)


def part_check(b):
    if not b.has("check"):
        return
    path = b.settings(1, 50)
    b.dsrun_in(path, "init")
    lives = b.count(166667)
    b.tool("bench_journal", "ready", os.path.join(path, "data"), 1)
    b.rate("bench_bare", "load", os.path.join(path, "data"), lives)
    seconds = []
    for _ in range(min(3, b.rounds)):
        began = time.monotonic()
        b.dsrun_in(path, "check")
        seconds.append(time.monotonic() - began)
    s = statistics.median(seconds)
    b.say("check of %s events" % number(6 * lives), s, "s", None, "", None, "<= 3 s", s <= 3)
    bare = b.settings(1, 50)
    b.dsrun_in(bare, "init")
    b.tool("bench_journal", "ready", os.path.join(bare, "data"), 1)
    b.rate("bench_bare", "lives", os.path.join(bare, "data"), 1000, 100)
    b.dsrun_in(bare, "check")


PARTS = {"disk": part_disk, "commits": part_commits, "steps": part_steps, "lives": part_lives,
         "program": part_program, "cold": part_cold, "memory": part_memory, "reads": part_reads,
         "check": part_check}


def table(rows):
    head = ("what", "median", "", "limit", "of", "ratio", "by cpu", "goal", "")
    lines = [head]
    for r in rows:
        lines.append((r["what"], number(r["value"]), r["unit"], number(r["limit"]), r["limit_is"],
                      "%.2f" % r["ratio"] if r["ratio"] is not None else "",
                      "%.2f" % r["cpu_ratio"] if r["cpu_ratio"] is not None else "", r["goal"],
                      {None: "", True: "met", False: "MISSED"}[r["met"]]))
    width = [max(len(line[i]) for line in lines) for i in range(len(head))]
    right = {1, 3, 5, 6}
    for line in lines:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, width))]
        print("  ".join(cells).rstrip())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--only", action="append", choices=sorted(PARTS))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--scale", type=float, default=1.0)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--json", action="store_true")
    o = p.parse_args()
    work = tempfile.mkdtemp(prefix="dsrun-bench-")
    began = time.monotonic()
    try:
        b = Bench(o.build, work, o)
        for name, part in PARTS.items():
            if not o.only or name in o.only:
                part(b)
        if o.json:
            print(json.dumps({"schema": 1, "rows": b.rows}, indent=1))
        else:
            table(b.rows)
            print("\n%d rounds in turns, %.0f s, load %.1f on %d cores, SQLite and dsrun on the disk of %s"
                  % (b.rounds, time.monotonic() - began, os.getloadavg()[0], os.cpu_count(),
                     os.path.dirname(work)))
    finally:
        if o.keep:
            print("kept: " + work, file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
