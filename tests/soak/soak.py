#!/usr/bin/python3
"""A soak: 30 calls at once all the time, while others are killed and stopped.

    soak.py [BUILD] [--minutes M] [--seed N] [--speed S] [--keep]

One worker lives all the time; its memory and file handles must stay flat.
Beside it a second worker and two drains are killed at random and started again,
two syncs run at once every few seconds and some of them are killed, any of
them is stopped for a moment now and then, and the simulated network loses,
doubles and delays.  Jobs come through the spool.  The people called are those
of fixtures/personas, so calls talk and record, some are tried again and some
want no more calls; a reader takes exported recordings away.

A process of its own (soak_probe) commits a small row every 250 ms and says
how long that took, before the load and under it.

Then feeding ends, everything comes to rest, and the network's log is held
against the results (tests/scenario/oracle.py) and the journal (dsrun check).
How many calls were live is read from the network's log, for every moment.

Everything is written into one directory below TMPDIR and removed unless
--keep.  Exit code 1 when a promise is broken or something is not flat.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import figures

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))

import crashing  # noqa: E402
import harness  # noqa: E402
import oracle  # noqa: E402
from harness import require  # noqa: E402

CALLS = 30          # at once, all the time
SLOTS = 48          # limits.concurrency: a kill costs some calls for a while
MORE_SLOTS = 8      # that only a drain may use, or it would find none free
OWN_CALLS = 20      # of them the measured worker has, on average
BACKLOG = 80        # jobs that may be called, at least
WARM_UP = 0.15      # of the soak: caches fill
SHORT_OF = 0.01     # of the time there may be fewer than CALLS: after a kill
PROBE_MS = 250
QUIET_S = 180       # for all that is left to end
AREAS = (202, 212, 312, 415, 512, 617, 713, 818)

# Same fault rates as the crash tests: a few in a hundred each.
FAULTS = crashing.FAULTS

# A conversation long enough to be asked and told no, by the sample's script.
SCRIPT = (harness.ROOT / "jobs" / "intro-call.yaml").read_text()
SCRIPT = SCRIPT[SCRIPT.index("\nagent:"):]
KIND = {"kind": "k", "carrier": "sim", "model": "scripted",
        "from": "+15125550100",
        # No cap a day: jobs of a number that comes again would wait for the
        # next day, and none of a soak may be left.
        "limits": {"max_call": "3m", "ring": "25s", "min_gap": "0",
                   "per_number_per_day": 0},
        "windows": {"zone": "UTC", "mon-fri": "always", "sat": "always",
                    "sun": "always", "holidays": "always"},
        "retry": {"max_attempts": 2, "no-answer": {"after": "1m"},
                  "busy": {"after": "1m"}, "network": {"after": "10s"}}}

FINE = (0, 3, 4, 5, 11, 137)  # ends of what is killed and runs beside others


def say(text):
    print(text, flush=True)


def boot_s():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def resident_mb(pid):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise harness.Failure("process %d has no memory" % pid)


def cpu_s(pid):
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(
        ")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_files(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def left(tally):
    """Jobs that are not over."""
    return sum(tally[s] for s in ("QUEUED", "READY", "HELD", "PARKED"))


class Schedule:
    """Things to do again and again on one thread: each says in how many
    seconds it wants to be next, or None."""

    def __init__(self):
        self.tasks = []

    def add(self, fn, in_s=0.0):
        self.tasks.append([time.monotonic() + in_s, fn])

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            task = min(self.tasks, key=lambda t: t[0])
            wait = min(task[0], end) - time.monotonic()
            if wait > 0:
                time.sleep(wait)
                continue
            again = task[1]()
            if again is None:
                self.tasks.remove(task)
            else:
                task[0] = time.monotonic() + again


class Feeder:
    """Files of jobs for the spool; some numbers come again, some share an
    organisation."""

    def __init__(self, box):
        self.box, self.made, self.files = box, 0, 0

    @staticmethod
    def number(i):
        return "+1%d%03d%04d" % (AREAS[i % len(AREAS)],
                                 200 + i // 10000 % 700, i % 10000)

    def job(self):
        i = self.made
        self.made += 1
        again = i % 10 == 0 and i >= 400
        row = {"id": "s-%d" % i, "phone": self.number(i - 399 if again else i),
               "campaignId": "c-%d" % (i % 7),
               "contact": {"first_name": "Maria",
                           "timezone": "America/New_York"}}
        if i % 20 == 1:
            row["org"] = "o-%d" % (i // 20 % 50)
        return row

    def feed(self, count):
        self.files += 1
        name = "%06d.jsonl" % self.files
        self.box.jobs(name, [self.job() for _ in range(count)])
        os.rename(self.box.path(name), self.box.data / "spool" / name)


class Soak:
    def __init__(self, box, build, options):
        self.box, self.build, self.options = box, build, options
        self.chance = random.Random(options.seed)
        self.feeder = Feeder(box)
        self.worker = None
        self.others = dict.fromkeys(("worker", "drain", "drain again", "sync",
                                     "sync again"))
        self.count = collections.Counter()
        self.idle_after = None  # never at rest
        self.samples = []  # (boot s, MB, handles)
        self.live = []     # (all attempts, those of the worker)
        self.stops = []    # (from us, to us)
        self.waits = set()
        self.probes = []

    # --- the tasks ---

    def command(self, name):
        drain = ("drain", "--wait", "1h", "--max-jobs", MORE_SLOTS,
                 "--concurrency", SLOTS + MORE_SLOTS)
        return {"worker": ("worker",), "drain": drain, "drain again": drain,
                "sync": ("sync",), "sync again": ("sync",)}[name]

    def start(self, name):
        self.others[name] = self.box.start(*self.command(name), "--quiet")
        self.count["started " + name] += 1

    def ended(self, name):
        """Did it end, or was it never there?  It must have ended well."""
        p = self.others[name]
        if p is None:
            return True
        if p.running():
            return False
        r = p.wait()
        require(r.exit in FINE, name, "ended with", r.exit, r.err)
        for path in (p._out, p._err):
            path.unlink()
        self.others[name] = None
        return True

    def keep(self, name):
        """Started again at once, or when the others have taken its calls."""
        if not self.ended(name):
            return 0.2
        if name in self.waits:
            self.waits.remove(name)
            self.start(name)
            return 0.2
        self.waits.add(name)
        return self.chance.choice((0.01, 1, 4))

    def two_syncs(self):
        """Now and then one of them is killed on its way."""
        if self.ended("sync") and self.ended("sync again"):
            self.start("sync")
            self.start("sync again")
            if self.chance.random() < 0.3:
                self.schedule.add(lambda: self.kill("sync"),
                                  self.chance.uniform(0.005, 0.06))
        return 3

    def kill(self, name):
        p = self.others[name]
        if p is not None and p.running():
            p.kill()
            self.count["killed " + p.args[1]] += 1

    def kill_one(self):
        self.kill(self.chance.choice(("worker", "drain", "drain again")))
        return self.chance.uniform(2, 8)

    def stop_one(self):
        """Any but the probe stands still for up to two seconds."""
        running = [p for p in [self.worker, *self.others.values()]
                   if p is not None and p.running()]
        p = self.chance.choice(running)
        for_s = self.chance.uniform(0.1, 2)
        self.stops.append((boot_s() * 1e6, (boot_s() + for_s + 0.2) * 1e6))
        p.signal(signal.SIGSTOP)
        self.count["stopped"] += 1
        if p is self.worker:
            self.count["stopped the one that is measured"] += 1
        self.schedule.add(p.cont, for_s)
        return self.chance.uniform(5, 15)

    def status(self):
        return self.box.run("status", "--json").expect(0).json()

    def feed(self):
        now = self.status()
        own = [w["state"] for w in now["workers"] if w["name"] == "measured"]
        said = re.match(r"(\d+) live", own[0] or "") if own else None
        self.live.append((now["live"], int(said[1]) if said else 0))
        if now["jobs"]["READY"] < BACKLOG:
            self.feeder.feed(BACKLOG)
        del self.box.transcript[:-300]
        return 1

    def sample(self):
        require(self.worker.running(), "the worker ended:",
                self.worker.wait().err if not self.worker.running() else "")
        self.samples.append((boot_s(), resident_mb(self.worker.pid),
                             open_files(self.worker.pid)))
        return 2

    def read_results(self):
        """Whoever reads out/ takes recordings away when they are whole."""
        old = time.time() - 20
        for path in (self.box.data / "out").rglob("*.wav"):
            if path.stat().st_mtime < old:
                path.unlink()
                self.count["exported recordings"] += 1
        return 10

    def progress(self):
        if self.samples:
            _, mb, files = self.samples[-1]
            say("  %4.0f s: %d jobs fed, %d attempts live (%d its own), "
                "%.1f MB, %d file handles, %d kills" %
                (boot_s() - self.began, self.feeder.made, *self.live[-1], mb,
                 files, self.kills()))
        return 60

    def kills(self):
        return sum(n for k, n in self.count.items() if k.startswith("killed"))

    # --- the probe ---

    def probe(self, every_ms):
        out = self.box.path("probe-%d" % len(self.probes))
        with open(out, "wb") as o:
            p = subprocess.Popen(
                [self.build / "tests/soak/soak_probe", self.box.data,
                 str(every_ms)], stdin=subprocess.DEVNULL, stdout=o,
                stderr=subprocess.PIPE, text=True)
        self.probes.append(p)
        return p, out

    @staticmethod
    def end_probe(p, out):
        p.terminate()
        _, err = p.communicate(timeout=60)
        require(p.returncode == 0, "the probe ended with", p.returncode, err)
        return [tuple(int(v) for v in line.split())
                for line in out.read_text().splitlines()]

    def close(self):
        for p in self.probes:
            if p.poll() is None:
                p.kill()
                p.wait()

    # --- the parts ---

    def configure(self):
        settings = {"speed": self.options.speed, "class": "named",
                    "start": "2027-01-05T17:00:00Z", "settle_ms": 6000,
                    "faults": FAULTS,
                    "personas": str(harness.ROOT / "fixtures" / "personas")}
        self.box.config({"dir": "data", "default_kind": "k",
                         "speech_dir": str(harness.ROOT / "fixtures/speech"),
                         "rules_dir": str(harness.ROOT / "rules"),
                         "limits": {"concurrency": SLOTS},
                         "carrier": {"use": "sim", "sim": settings},
                         "disk": {"ballast": "0"}},
                        k=harness.as_yaml(KIND) + SCRIPT)
        self.box.run("init").expect(0)

    def begin(self):
        """The worker alone, at rest after its first call; the probe alone."""
        self.worker = self.box.start("worker", "--worker-id", "measured",
                                     "--quiet")
        self.feeder.feed(1)
        harness.wait_for(lambda: self.at_rest(1), 120, "the first call")
        time.sleep(2)
        self.idle_before = (resident_mb(self.worker.pid),
                            open_files(self.worker.pid))
        p, out = self.probe(20)
        time.sleep(5)
        self.alone = self.end_probe(p, out)

    def fill(self):
        """Until so many are live that the soak can begin."""
        self.feeder.feed(2 * BACKLOG)
        harness.wait_for(lambda: self.status()["live"] >= SLOTS - 1, 60,
                         "the first calls")
        time.sleep(15 / self.options.speed + 2)  # until they ring

    def soak(self):
        self.schedule = Schedule()
        for fn, in_s in ((lambda: self.keep("worker"), 0),
                         (lambda: self.keep("drain"), 0),
                         (lambda: self.keep("drain again"), 0), (self.feed, 0),
                         (self.sample, 1), (self.two_syncs, 2),
                         (self.kill_one, 3),
                         (self.stop_one, 5), (self.read_results, 10),
                         (self.progress, 60)):
            self.schedule.add(fn, in_s)
        p, out = self.probe(PROBE_MS)
        self.began, cpu = boot_s(), cpu_s(self.worker.pid)
        self.schedule.run(self.options.minutes * 60)
        self.ended_s, cpu = boot_s(), cpu_s(self.worker.pid) - cpu
        self.cpu_percent = cpu / (self.ended_s - self.began) * 100
        self.loaded = self.end_probe(p, out)

    def at_rest(self, finished):
        now = self.status()["jobs"]
        return (now["QUEUED"] + now["READY"] + now["HELD"] == 0 and
                sum(now.values()) >= finished)

    def rest(self):
        """Nothing is fed or killed any more: the worker ends what is left, and
        must then be as it was before."""
        for p in [self.worker, *(p for p in self.others.values() if p)]:
            p.cont()
        harness.wait_for(lambda: self.at_rest(self.feeder.made), QUIET_S,
                         "the last calls")
        for p in self.others.values():
            if p is not None and p.running():
                p.terminate()
        for name, p in self.others.items():
            if p is not None:
                harness.wait_for(lambda n=name: self.ended(n), 30, name)
        time.sleep(3)
        self.idle_after = (resident_mb(self.worker.pid),
                           open_files(self.worker.pid))
        self.worker.terminate()
        r = self.worker.wait()
        require(r.exit in (0, 3, 4), "the worker ended with", r.exit, r.err)

    def decide(self, job):
        """What died too often with its dsrun is for a person, who asks the
        telephone company: did that number ring since?"""
        attempt = job["attempt"] or {}
        rang = False
        if attempt.get("armedAt"):
            armed_ms = datetime.datetime.fromisoformat(
                attempt["armedAt"]).timestamp() * 1000
            rang = any(line["ev"] == "placed" and line["to"] == job["phone"]
                       and line["at_ms"] >= armed_ms
                       for line in self.box.calls())
        self.box.run("resolve", job["id"], "--as",
                     "placed" if rang else "absent", "--by", "soak",
                     "--reason", "the network's log").expect(0)
        self.count["parked"] += 1

    def heal(self):
        """Nobody is killed now; what is left must end."""
        for _ in range(4):
            for job in self.box.run("parked", "--json", "--limit",
                                    "1000").json()["parked"]:
                self.decide(job)
            self.box.run("drain", "--wait", "1h", "--quiet",
                         timeout_s=QUIET_S)
            if left(crashing.tally(self.box)) == 0:
                break
        self.box.run("sync").expect(0)

    # --- the verdict ---

    def network_ms(self, at_s):
        """The network's time at a moment of CLOCK_BOOTTIME."""
        o = self.calls[0]
        return o["at_ms"] + (at_s * 1000 - o["boot_ms"]) * o["speed"]

    def say_calls(self, v):
        spans = figures.live_over_time(
            self.calls, self.network_ms(self.began),
            self.network_ms(self.ended_s))
        short = figures.share_below(spans, CALLS)
        v.must(short <= SHORT_OF, "calls that ring or talk",
               "mean %.1f, least %d, fewer than %d for %.2f %% of the time "
               "(every moment, at most %g %%)" %
               (figures.mean(spans), figures.least(spans), CALLS, short * 100,
                SHORT_OF * 100))
        attempts = [n for n, _ in self.live]
        few = sum(n < CALLS for n in attempts) / len(attempts)
        v.must(few <= SHORT_OF, "attempts live in the journal",
               "mean %.1f, least %d of %d looks, fewer than %d in %.2f %% of "
               "them (at most %g %%)" %
               (statistics.mean(attempts), min(attempts), len(attempts), CALLS,
                few * 100, SHORT_OF * 100))
        own = statistics.mean(n for _, n in self.live)
        v.must(own >= OWN_CALLS, "attempts of the measured worker",
               "mean %.1f, at least %d" % (own, OWN_CALLS))

    @staticmethod
    def say_idle(v, before_mb, after_mb, ended):
        v.say("resident memory, idle", "%.1f MB before, %.1f MB after, of "
              "which %.1f by design (%d bytes for each of %d calls)" %
              (before_mb, after_mb,
               ended * figures.NETWORK_BYTES_A_CALL / 1048576,
               figures.NETWORK_BYTES_A_CALL, ended))

    def say_flat(self, v):
        warm = self.began + (self.ended_s - self.began) * WARM_UP
        samples = [s for s in self.samples if s[0] >= warm]
        ended = figures.call_ends(self.calls)
        memory = figures.without_design(
            [(self.network_ms(at), mb) for at, mb, _ in samples], ended)
        figures.judge_memory(v, [(at * 1000, mb) for (at, _, _), (_, mb) in
                                 zip(samples, memory)])
        before, after = self.idle_before, self.idle_after
        if after is not None:
            self.say_idle(v, before[0], after[0], len(ended))
        figures.judge_files(v, [(at * 1000, n) for at, _, n in samples],
                            before[1], after[1] if after else None)
        v.say("processor of the worker", "%.1f %% of a core" %
              self.cpu_percent)

    def say_commits(self, v):
        for what, rows in (
                ("commit, nobody else at work", self.alone),
                ("commit under load", self.loaded),
                ("... while nobody was stopped",
                 figures.apart(self.loaded, self.stops))):
            waits = [us / 1000 for _, us, code in rows if code == 0]
            v.say(what, "p50 %.1f ms, p99 %.1f ms, most %.0f ms of %d" %
                  (figures.quantile(waits, 0.5), figures.quantile(waits, 0.99),
                   max(waits), len(waits)))
        refused = sum(1 for row in self.loaded if row[2] != 0)
        v.must(refused == 0, "commits refused", "%d" % refused)

    def say_promises(self, v):
        results = self.box.results()
        broken = oracle.violations(self.calls, results)
        v.must(not broken, "promises (oracle)", "%d broken%s" %
               (len(broken), ": " + "; ".join(broken[:5]) if broken else ""))
        r = self.box.run("check", "--json", timeout_s=600)
        document = r.json("check")
        bad = {k: i for k, i in document["invariants"].items()
               if i["ok"] is False}
        v.must(r.exit == 0 and document["ok"] and not bad, "dsrun check",
               "ok" if not bad else json.dumps(bad))
        now = crashing.tally(self.box)
        v.must(sum(now.values()) == self.feeder.made and left(now) == 0,
               "jobs",
               "%d fed, %d in the journal, %d left; %s" %
               (self.feeder.made, sum(now.values()), left(now),
                ", ".join("%s %d" % s for s in now.items() if s[1])))
        named = collections.Counter(r["job"]["id"] for r in results
                                    if r["revision"] == 1)
        v.must(len(named) == self.feeder.made and
               set(named.values()) == {1}, "results",
               "%d jobs have their first one, %d lines" %
               (len(named), len(results)))
        outcomes = collections.Counter(r["outcome"] for r in results)
        v.say("outcomes", ", ".join("%s %d" % o
                                    for o in outcomes.most_common()))

    def say_load(self, v):
        seen = collections.Counter(line["ev"] for line in self.calls)
        keys = {line["key"] for line in self.calls if line["ev"] == "request"}
        kept = sum(p.stat().st_size for p in
                   (self.box.data / "recordings").rglob("*.ul2"))
        listed = self.box.run("sql", "SELECT count(*) FROM dnc").expect(0)
        again = self.box.run(
            "sql", "SELECT count(*) FROM job WHERE attempts>1").expect(0)
        v.say("the network", "%d attempts, %d requests, %d calls rang, "
              "%d were answered" % (len(keys), seen["request"],
                                    seen["placed"], seen["answered"]))
        v.say("people", "%s jobs tried again, %s opted out, %.1f MB recorded" %
              (again.out.split()[-1], listed.out.split()[-1],
               kept / 1048576))
        v.say("done to it", ", ".join("%s %d" % c for c in
                                      sorted(self.count.items())))

    def verdict(self):
        """What was measured is told though the end went wrong."""
        v = figures.Verdict()
        try:
            self.rest()
            self.heal()
        except harness.Failure as e:
            v.must(False, "coming to rest", str(e))
        self.calls = self.box.calls()
        self.say_load(v)
        self.say_calls(v)
        self.say_flat(v)
        self.say_commits(v)
        self.say_promises(v)
        return v


def options():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("build", nargs="?", default=harness.ROOT / "build",
                   type=pathlib.Path)
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--speed", type=int, default=4)
    p.add_argument("--keep", action="store_true")
    return p.parse_args()


def run(s, o):
    say("soak: %g minutes, the network %d times as fast as life, seed %d" %
        (o.minutes, o.speed, o.seed))
    s.configure()
    s.begin()
    s.fill()
    s.soak()
    v = s.verdict()
    say("\n".join(v.lines))
    say("soak: %s" % ("flat, and every promise kept" if not v.bad else
                      "%d things are wrong" % len(v.bad)))
    return 1 if v.bad else 0


def main():
    o = options()
    os.environ["DSRUN"] = str(o.build.resolve() / "dsrun")
    # So that a stopped run, too, ends what it began and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = tempfile.mkdtemp(prefix="dsrun-soak-")
    box = harness.Box(directory)
    s = Soak(box, o.build.resolve(), o)
    code = 1
    try:
        code = run(s, o)
    except harness.Failure as e:
        say("soak: %s\n%s" % (e, "\n".join(box.transcript[-12:])))
    finally:
        s.close()
        box.close()
        if o.keep:
            say("kept: " + directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
