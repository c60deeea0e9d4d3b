"""Memory and processor: idle, and with calls that record in real time."""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import time

from harness import fail

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


def resident_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0


def exact_cpu_s(pid):
    """What its threads have used, to the nanosecond; it ends none meanwhile."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
            total += int(f.read().split()[0])
    return total / 1e9


@contextlib.contextmanager
def running(b, path, command):
    with open(os.path.join(path, "stderr"), "w") as err:
        p = subprocess.Popen(b.dsrun_argv(path, command), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=err, env=b.env)
    try:
        yield p
        if p.poll() is not None:
            fail("the %s ended early: %s"
                 % (command, open(os.path.join(path, "stderr")).read()[-2000:]))
    finally:
        p.send_signal(signal.SIGTERM)
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(60)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def idle(b):
    path = b.settings(50)
    with running(b, path, "worker") as p:
        time.sleep(2)
        used = exact_cpu_s(p.pid)
        time.sleep(3)
        mb = resident_mb(p.pid)
        percent = (exact_cpu_s(p.pid) - used) / 3 * 100
    b.below("resident memory, idle worker", mb, "MB", 12)
    b.say("CPU of an idle worker", percent, "% of a core")
    b.away(path)


def recordings(path):
    return sum(len(files) for _, _, files in os.walk(os.path.join(path, "data/recordings")))


def all_record(b, path, calls):
    """Every call has its files, and is live."""
    until = time.monotonic() + 60
    while True:
        live = json.loads(b.dsrun_in(path, "status", "--json").stdout)["live"]
        if live == calls and recordings(path) >= 2 * calls:
            return
        if time.monotonic() > until:
            fail("%d calls are live with %d files, not %d calls" % (live, recordings(path), calls))
        time.sleep(0.5)


def recording(b, calls):
    """Resident megabytes, and how much of a core, 3 s at a time."""
    path = b.settings(calls, personas={"talker": TALKER})
    b.dsrun_in(path, "enqueue", b.jobs(path, calls, "1888"))
    percent = []
    with running(b, path, "drain") as p:
        all_record(b, path, calls)
        time.sleep(2)
        for _ in range(b.rounds):
            began, used = time.monotonic(), exact_cpu_s(p.pid)
            time.sleep(3)
            percent.append((exact_cpu_s(p.pid) - used) / (time.monotonic() - began) * 100)
        mb = resident_mb(p.pid)
    b.away(path)
    return mb, statistics.median(percent)


def memory(b):
    idle(b)
    mb, percent = recording(b, 30)
    b.below("resident memory, 30 calls recording", mb, "MB", 64)
    b.below("CPU of 30 recorded calls in real time", percent, "% of a core", 2)
    mb, percent = recording(b, 1000)
    b.below("resident memory, 1 000 calls recording", mb, "MB", 512)
    b.say("CPU of 1 000 recorded calls in real time", percent, "% of a core")
