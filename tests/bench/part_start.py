"""What a start costs: with nothing to do, and after a crash with everything to do."""
import json
import os
import signal
import statistics
import subprocess
import time

import rivals
from harness import fail, median, median_ratio, number

# Rings as long as a network lets it ring, so that all of them ring at once.
RINGER = """name: ringer
weight: 0
numbers: ["+1888*"]
answer: none
"""
RING_S = 60
SPEED = 3  # so that ringing is over in 20 s


def took_ms(b, argv):
    """By the wall, and of the processor."""
    began = time.perf_counter()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, env=b.env)
    _, status, used = os.wait4(p.pid, 0)
    wall = time.perf_counter() - began
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        fail("%s: exit %d" % (" ".join(argv), p.returncode))
    return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def cold_times(b, argvs):
    """(wall, processor) of each, many times in turns."""
    ms = {name: [] for name in argvs}
    names = sorted(argvs)
    for i in range(max(20, 4 * b.rounds)):
        k = i % len(names)
        for name in names[k:] + names[:k]:
            ms[name].append(took_ms(b, argvs[name]))
    return ms


def cold(b):
    path = b.settings(50)
    what = "cold drain on an empty queue"
    argvs = {"drain": b.dsrun_argv(path, "drain"), "version": [b.dsrun, "version"],
             "true": ["/bin/true"]}
    b.dsrun_in(path, "drain")
    bull = rivals.bull(50)
    lacks = bull.missing()
    if lacks:
        b.skip(what, "a Node worker with Bull", lacks)
        ms = cold_times(b, argvs)
    else:
        with rivals.redis(b) as (port, _):
            argvs["bull"] = bull.argv(rivals.where("bull")) + ["once", str(port)]
            b.call(*argvs["bull"])
            ms = cold_times(b, argvs)
    drain, true = median(ms["drain"]), median(ms["true"])
    b.say(what, drain, "ms", true, "/bin/true", drain / true, "<= 15 ms", drain <= 15,
          median_ratio(ms["drain"], ms["true"], 1))
    if not lacks:
        ratio = median_ratio(ms["drain"], ms["bull"])
        b.say(what, drain, "ms", median(ms["bull"]),
              "a Node worker with Bull that finds its queue empty", ratio, "<= 1/20 x",
              ratio <= 1 / 20, median_ratio(ms["drain"], ms["bull"], 1))
    b.say("dsrun version", median(ms["version"]), "ms", true, "/bin/true",
          median(ms["version"]) / true, cpu=median_ratio(ms["version"], ms["true"], 1))


# --- recovery ----------------------------------------------------------------

def live(b, path):
    return json.loads(b.dsrun_in(path, "status", "--json").stdout)["live"]


def crash_with_all_ringing(b, path, n):
    """A drain that dies by kill -9 while it has n calls."""
    p = subprocess.Popen(b.dsrun_argv(path, "drain"), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=b.env)
    try:
        until = time.monotonic() + RING_S / SPEED
        while live(b, path) < n:
            if p.poll() is not None or time.monotonic() > until:
                fail("%d of %d jobs were taken when the first calls ended" % (live(b, path), n))
            time.sleep(0.1)
    finally:
        p.send_signal(signal.SIGKILL)
        p.wait()


def boot_s(origin, at_ms):
    """A moment of the network in seconds of BOOTTIME, by its log's first line."""
    return (origin["boot_ms"] + (at_ms - origin["at_ms"]) / origin["speed"]) / 1000


def first_request(path):
    """When the network was first asked for a call, in seconds of BOOTTIME."""
    with open(os.path.join(path, "data/sim/calls.jsonl")) as f:
        rows = [json.loads(line) for line in f]
    asked = [r["at_ms"] for r in rows if r["ev"] == "request"]
    if not asked:
        fail("%s: no call was asked for" % path)
    return boot_s(rows[0], min(asked))


def log_moments(path, event, **fields):
    """When it was said, in seconds of BOOTTIME: the log tells the network's time,
    and the network's own log says how the two belong together."""
    with open(os.path.join(path, "data/sim/calls.jsonl")) as f:
        origin = json.loads(f.readline())
    moments = []
    logs = os.path.join(path, "data/logs")
    for name in sorted(os.listdir(logs)):
        with open(os.path.join(logs, name)) as f:
            for line in f:
                doc = json.loads(line)
                if doc["event"] == event and all(doc.get(k) == v for k, v in fields.items()):
                    moments.append(at_ms(doc["at"]))
    return [boot_s(origin, m) for m in moments]


def at_ms(text):
    whole, ms = text.rstrip("Z").split(".")
    return (int(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))) - time.timezone) * 1000 \
        + int(ms)


def recover(b, n):
    """Seconds from the start of the next drain until all n attempts are its own
    on disk, until the end of each call is on disk, and until it has pushed all
    results and ended."""
    path = b.settings(n, speed=SPEED, ring="%ds" % RING_S, personas={"ringer": RINGER})
    b.dsrun_in(path, "enqueue", b.jobs(path, n, "1888"))
    crash_with_all_ringing(b, path, n)
    # The box was away until nothing rings any more: asked now, the network
    # knows of each call how it ended, and no waiting is part of the figure.
    time.sleep(RING_S / SPEED)
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    b.dsrun_in(path, "drain")
    whole = time.clock_gettime(time.CLOCK_BOOTTIME) - began
    taken = log_moments(path, "attempt.taken-over")
    ended = log_moments(path, "attempt.step", state="ENDED")
    if len(taken) != n or len(ended) != n:
        fail("%s: %d attempts were taken over and %d ended, not %d"
             % (path, len(taken), len(ended), n))
    b.results(path, n)
    b.dsrun_in(path, "check")
    b.away(path)
    return max(taken) - began, max(ended) - began, whole


def recovery(b):
    """What counts is that every job that was taken is decided again: whose it
    is, what became of its call (the carrier was asked about each), and that on
    disk.  A call that may still be on its way has its settle time by design;
    here all were placed."""
    n = b.count(10000)
    took = [recover(b, n) for _ in range(b.rounds)]
    over, ended, whole = (statistics.median(t[k] for t in took) for k in range(3))
    what = "recovery of %s taken jobs after kill -9" % number(n)
    b.say(what + ": all taken over", over, "s")
    b.below(what + ": each asked about and ended", ended, "s", 1)
    b.say(what + ": results out, drain ended", whole, "s")
