#!/usr/bin/python3
"""Run test programs, show what failed, and sum up.

    run.py [--jobs N] [--dsrun FILE] [--scripts DIR]... [PROGRAM...]

PROGRAMs are cmocka binaries and run side by side.  Scripts are DIR/t_*.py
(those of tests/scenario/harness.py; they run N tests at once themselves, so
one file after the other), and DIR/test_*.py and DIR/test_*.sh; those that
mostly wait, for real servers, run two more beside those.  They run from
the root of the tree with DSRUN (the program's absolute path) and DSRUN_ROOT
(the tree's) in the environment, and report in TAP or as Python's unittest
does; one that does neither counts as one test by its exit status, but for
t_*.py, which then has forgotten to run its tests.

A program that crashes, runs too long, runs fewer tests than it announced, or
none, has failed.  The last line is "N passed, N failed"; exit 1 when any
failed or none ran.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

UNIT_LIMIT_S = 300
SCRIPT_LIMIT_S = 900
SHOWN_LINES = 80
# Scripts whose tests mostly wait, for servers that nobody here wrote: a third
# of a core for each test that runs.
WAITS = ("tests/queue/*", "tests/store/*", "tests/scenario/t_bull*",
         "tests/scenario/t_lookup.py")
# Of what begins with DSRUN, what is not for the program but for its tests.
KEPT = ("DSRUN_NEED_PEERS", "DSRUN_PEERS")


class Result:
    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.why = []
        self.output = ""
        self.seconds = 0.0

    def fail(self, why):
        self.failed += 1
        self.why.append(why)


def read_tap(text, r):
    """Counts of a TAP report; False when it is none."""
    plan = re.search(r"^1\.\.(\d+)", text, re.M)
    # And what harness.py says first of one that failed: the transcript that
    # follows is long, and only the end of all is shown.
    rows = re.findall(r"^(not )?ok (\d+)\b(.*(?:\n# (?! ).*)?)$", text, re.M)
    if not plan and not rows:
        return False
    for bad, number, rest in rows:
        if re.search(r"#\s*SKIP", rest.split("\n")[0], re.I):
            r.skipped += 1
        elif bad:
            r.fail("not ok " + number + rest)
        else:
            r.passed += 1
    if plan and len(rows) < int(plan.group(1)):
        r.fail("%d of %s tests ran" % (len(rows), plan.group(1)))
    return True


def read_unittest(text, r):
    ran = re.findall(r"^Ran (\d+) tests? in", text, re.M)
    if not ran:
        return False
    total = sum(int(n) for n in ran)

    def count(word):
        return sum(int(n) for n in re.findall(
            r"^(?:OK|FAILED) \(.*?\b" + word + r"=(\d+)", text, re.M))

    bad = count("failures") + count("errors") + count("unexpected successes")
    r.skipped = count("skipped")
    # An error while a class is set up is counted by unittest but not run.
    r.passed = max(0, total - bad - r.skipped)
    for _ in range(bad):
        r.failed += 1
    r.why += re.findall(r"^(?:FAIL|ERROR): .*$", text, re.M)
    return True


def environment(extra):
    env = {k: v for k, v in os.environ.items()
           if (not k.startswith("DSRUN") or k in KEPT) and
           k not in ("MAKEFLAGS", "MFLAGS")}
    env["CMOCKA_MESSAGE_OUTPUT"] = "TAP"
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env["LC_ALL"] = "C.UTF-8"
    env.update(extra)
    return env


def end_group(pid):
    """Whatever the program left behind: its session is its process group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def run(name, argv, extra, limit_s):
    r = Result(name)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        try:
            p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out, env=environment(extra),
                                 start_new_session=True)
        except OSError as e:
            r.fail(str(e))
            return r
        try:
            status = p.wait(limit_s)
        except subprocess.TimeoutExpired:
            status = None
        end_group(p.pid)
        if status is None:
            p.wait()
        out.seek(0)
        r.output = out.read().decode("utf-8", "replace")
    r.seconds = time.monotonic() - began
    if not read_tap(r.output, r) and not read_unittest(r.output, r):
        if status == 0 and os.path.basename(name).startswith("t_"):
            r.fail("it reports nothing: end it with harness.main()")
        elif status == 0:
            r.passed = 1
    if status is None:
        r.fail("still running after %d s" % limit_s)
    elif status < 0:
        r.fail("ended by " + signal.Signals(-status).name)
    elif status > 0 and r.failed == 0:
        r.fail("exit status %d" % status)
    elif r.passed + r.failed + r.skipped == 0:
        r.fail("no test ran")
    return r


def show(r):
    words = ["%d passed" % r.passed]
    if r.failed:
        words.append("%d failed" % r.failed)
    if r.skipped:
        words.append("%d skipped" % r.skipped)
    print("%-4s %-44s %s (%.1f s)" % ("FAIL" if r.failed else "ok", r.name,
                                      ", ".join(words), r.seconds))
    if r.failed:
        for why in r.why:
            print("     " + why[:1000].replace("\n", "\n     "))
        lines = [line for line in r.output.splitlines()
                 if not re.match(r"ok \d+ |1\.\.\d+", line)]
        if len(lines) > SHOWN_LINES:
            print("     ... %d lines before these" %
                  (len(lines) - SHOWN_LINES))
        for line in lines[-SHOWN_LINES:]:
            print("     | " + line)
    sys.stdout.flush()


def programs(args):
    for path in args.programs:
        at = path.rfind("pkg/") if "pkg/" in path else path.rfind("cmd/")
        yield (path[max(at, 0):], [os.path.abspath(path)], {}, UNIT_LIMIT_S)


def scripts(args):
    extra = {"DSRUN": os.path.abspath(args.dsrun), "DSRUN_ROOT": os.getcwd()}
    for folder in args.scripts:
        for path in sorted(glob.glob(os.path.join(folder, "*"))):
            name = os.path.basename(path)
            if name.startswith("t_") and name.endswith(".py"):
                argv = [sys.executable, path, "-j", str(args.jobs)]
            elif name.startswith("test_") and name.endswith(".py"):
                argv = [sys.executable, path]
            elif name.startswith("test_") and name.endswith(".sh"):
                argv = ["sh", path]
            else:
                continue
            yield (path, argv, extra, SCRIPT_LIMIT_S)


def waits(path):
    return any(fnmatch.fnmatch(os.path.relpath(path), w) for w in WAITS)


def results(args):
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for done in concurrent.futures.as_completed(
                [pool.submit(run, *job) for job in programs(args)]):
            yield done.result()
    with concurrent.futures.ThreadPoolExecutor(1) as busy, \
            concurrent.futures.ThreadPoolExecutor(2) as idle:
        for done in concurrent.futures.as_completed(
                [(idle if waits(job[0]) else busy).submit(run, *job)
                 for job in scripts(args)]):
            yield done.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--dsrun", default="build/dsrun")
    parser.add_argument("--scripts", action="append", default=[])
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    passed = failed = 0
    for r in results(args):
        show(r)
        passed += r.passed
        failed += r.failed
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
