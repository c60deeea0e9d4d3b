"""What every part of the benchmark stands on: directories, programs, turns and rows.

A measurement is a function that gives two rates, by the wall and by the
processor.  Rivals take turns, round after round, each round in another order,
and the ratio of each round is taken before the median: a busy machine slows
all of them, and a ratio says more than a number.
"""
import os
import shutil
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = ("bench_bare", "bench_plain", "bench_journal")
LONGEST_S = 1800  # of one program

KIND = """kind: bench
carrier: sim
model: scripted
from: "+15125550100"
limits: {concurrency: 0, max_call: 5m, ring: %(ring)s}
windows: {zone: UTC, mon-fri: always, sat: always, sun: always, holidays: always}
script:
  greeting: "Hello, this is Sarah, an automated assistant calling for DocShield on a recorded line."
  goodbye: "Thank you for your time. Goodbye."
agent: {name: Sarah, company: DocShield}
"""

CONFIG = """dir: data
default_kind: bench
rules_dir: %(root)s/rules
speech_dir: %(root)s/fixtures/speech
limits: {concurrency: %(concurrency)d}
carrier:
  use: sim
  sim: {speed: %(speed)d, latency_ms: 0, list_lag_ms: 0, personas: %(personas)s}
"""


def fail(text):
    sys.exit("bench: " + text)


def number(v):
    """For a person: three digits, or all of them in groups."""
    if v is None:
        return ""
    if abs(v) >= 1000:
        return "{:,.0f}".format(v).replace(",", " ")
    return "%.3g" % v if abs(v) < 100 else "%.0f" % v


def cpu_s(pid):
    """What a live process has used."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median_ratio(ours, theirs, k=0):
    return statistics.median(x[k] / y[k] for x, y in zip(ours, theirs))


def median(pairs, k=0):
    return statistics.median(p[k] for p in pairs)


class Bench:
    """One run: where things are, how often all is done, and the rows so far."""

    def __init__(self, build, work, rounds, scale):
        self.bin = os.path.abspath(build)
        self.dsrun = os.path.join(self.bin, "dsrun")
        self.work = work
        self.rounds = rounds
        self.scale = scale
        self.rows = []
        self.made = 0
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("DSRUN_")}
        for name in ["dsrun"] + ["tests/bench/" + t for t in TOOLS]:
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

    # --- programs

    def call(self, *argv, **env):
        """To its end, or to ours: then it is killed (subprocess.run does that)."""
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env={**self.env, **env}, text=True,
                           check=False, timeout=LONGEST_S)
        if p.returncode != 0:
            fail("%s: exit %d\n%s" % (" ".join(argv), p.returncode, p.stderr[-2000:]))
        return p

    def numbers(self, *argv, **env):
        """The lines of numbers that a program prints."""
        out = self.call(*[str(a) for a in argv], **env).stdout
        return [[float(v) for v in line.split()] for line in out.splitlines()]

    def tool(self, name, *argv):
        return self.numbers(os.path.join(self.bin, "tests/bench", name), *argv)

    def rate(self, name, *argv):
        """How many a second, and how many a second of processor time."""
        count, seconds, cpu = self.tool(name, *argv)[0]
        return count / seconds, count / cpu

    def journal(self):
        path = os.path.join(self.place(), "j")
        self.tool("bench_journal", "init", path)
        return path

    # --- dsrun itself

    def settings(self, concurrency, speed=1, ring="30s", personas=None, more=""):
        """A directory with a configuration, and the kind of job that asks for
        nothing; personas: {name: YAML} in place of the fixtures; more: YAML that
        is added to the configuration."""
        path = self.place()
        where = os.path.join(ROOT, "fixtures/personas")
        if personas:
            where = os.path.join(path, "personas")
            os.mkdir(where)
        for name, text in (personas or {}).items():
            with open(os.path.join(where, name + ".yaml"), "w") as f:
                f.write(text)
        os.mkdir(os.path.join(path, "jobs"))
        with open(os.path.join(path, "jobs/bench.yaml"), "w") as f:
            f.write(KIND % {"ring": ring})
        with open(os.path.join(path, "dsrun.yaml"), "w") as f:
            f.write(CONFIG % {"root": ROOT, "concurrency": concurrency, "speed": speed,
                              "personas": where} + more)
        self.dsrun_in(path, "init")
        return path

    @staticmethod
    def jobs(path, n, prefix, more="", first=0):
        """A file of n jobs; the first digits of their numbers choose who answers;
        more: further fields, with %d for the job's number."""
        name = os.path.join(path, "jobs.jsonl")
        with open(name, "w") as f:
            for i in range(first, first + n):
                f.write('{"id":"b-%d","phone":"+%s%07d"%s}\n'
                        % (i, prefix, i, more % i if more else ""))
        return name

    def dsrun_argv(self, path, *argv):
        return [self.dsrun, argv[0], "--config", os.path.join(path, "dsrun.yaml"), *argv[1:]]

    def dsrun_in(self, path, *argv):
        return self.call(*self.dsrun_argv(path, *argv))

    @staticmethod
    def results(path, n):
        """There must be n of them."""
        with open(os.path.join(path, "data/out/results.jsonl")) as f:
            lines = sum(1 for _ in f)
        if lines != n:
            fail("%s: results.jsonl has %d lines, not %d" % (path, lines, n))

    # --- turns

    def race(self, contestants):
        """{name: what it gave, round by round}"""
        took = {name: [] for name in contestants}
        names = list(contestants)
        for i in range(self.rounds):
            k = i % len(names)
            order = names[k:] + names[:k]
            for name in order if i % 2 == 0 else reversed(order):
                began = time.monotonic()
                took[name].append(contestants[name]())
                print("    %s: %s (%.1f s)" % (name, number(took[name][-1][0]),
                                              time.monotonic() - began),
                      file=sys.stderr, flush=True)
        return took

    def pair(self, what, unit, ours, limit, limit_is, goal=None):
        took = self.race({"dsrun": ours, limit_is: limit})
        self.beside(what, unit, took["dsrun"], took[limit_is], limit_is, goal)

    # --- rows

    def beside(self, what, unit, ours, theirs, limit_is, goal=None):
        """A row of two that took turns; the ratio counts."""
        ratio = median_ratio(ours, theirs)
        self.say(what, median(ours), unit, median(theirs), limit_is, ratio,
                 "" if goal is None else ">= %g x" % goal,
                 None if goal is None else ratio >= goal, median_ratio(ours, theirs, 1))

    def at_most(self, what, unit, ours, theirs, limit_is, goal=None, cpu=True):
        """A row of two that took turns, of which less is better: what counts,
        and what each used of the processor (cpu: the ratio of that, too)."""
        ratio = median_ratio(ours, theirs)
        text = "" if goal is None else "<= %s x" % (
            "1/%g" % (1 / goal) if 0 < goal < 0.2 else "%g" % goal)
        self.say(what, median(ours), unit, median(theirs), limit_is, ratio, text,
                 None if goal is None else ratio <= goal,
                 median_ratio(ours, theirs, 1) if cpu else None)

    def below(self, what, value, unit, most):
        """A row of one that must not be more than that."""
        self.say(what, value, unit, goal="<= %g %s" % (most, unit.split()[0]), met=value <= most)

    def say(self, what, value, unit, limit=None, limit_is="", ratio=None, goal="", met=None,
            cpu=None):
        self.rows.append({"what": what, "value": value, "unit": unit, "limit": limit,
                          "limit_is": limit_is, "ratio": ratio, "cpu_ratio": cpu, "goal": goal,
                          "met": met, "skipped": ""})
        print("  %s: %s %s" % (what, number(value), unit), file=sys.stderr, flush=True)

    def skip(self, what, limit_is, why):
        """A row that says what this machine lacks for it."""
        self.rows.append({"what": what, "value": None, "unit": "", "limit": None,
                          "limit_is": limit_is, "ratio": None, "cpu_ratio": None, "goal": "",
                          "met": None, "skipped": why})
        print("  %s: skipped: %s" % (what, why), file=sys.stderr, flush=True)

    def away(self, path):
        """What was measured there is not needed any more."""
        shutil.rmtree(path)
