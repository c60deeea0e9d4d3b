"""Scenario tests: the real program, real files, real signals.

A test is a function test_SENTENCE(box) in a file t_*.py that ends with

    if __name__ == "__main__":
        harness.main()

Each test has a Box: a directory of its own, helpers that run dsrun in it and
keep a transcript, which is printed when the test fails.  `run.py` runs all
files; each file also runs alone.  A test fails by an exception; require()
raises one that says what was expected; Skip says why a test cannot run here.
"""
import argparse
import concurrent.futures
import contextlib
import errno
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback
import unittest

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_S = 60
TRANSCRIPT_CHARS = 4000


class Failure(AssertionError):
    """What a test expected did not hold."""


class Skip(unittest.SkipTest):
    """This box cannot run the test; it says why."""


def require(holds, *what):
    if not holds:
        raise Failure(" ".join(str(w) for w in what))


def dsrun_path():
    return os.path.abspath(os.environ.get("DSRUN", ROOT / "build" / "dsrun"))


def wait_for(holds, timeout_s=20, what="the condition"):
    """Ask holds() until it is true; returns what it said."""
    end = time.monotonic() + timeout_s
    while True:
        said = holds()
        if said:
            return said
        require(time.monotonic() < end,
                "waited %g s in vain for %s" % (timeout_s, what))
        time.sleep(0.02)


def read_lines(path):
    """Objects of a JSONL file; a last line without its newline does not
    count; [] when there is no file."""
    try:
        data = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return []
    lines = data.split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def as_yaml(value, depth=0):
    """Settings as block YAML; scalars are JSON, which is YAML too."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        text = ""
        for key, item in value.items():
            if isinstance(item, dict) and item:
                text += "%s%s:\n%s" % (pad, key, as_yaml(item, depth + 1))
            else:
                text += "%s%s: %s\n" % (pad, key, json.dumps(item))
        return text
    return "" if depth == 0 else json.dumps(value)


_schemas = {}
_schemas_lock = threading.Lock()


def conform(document, name):
    """The document must be as schemas/NAME.json says."""
    with _schemas_lock:
        if name not in _schemas:
            schema = json.loads((HERE / "schemas" / (name + ".json"))
                                .read_text())
            jsonschema.Draft202012Validator.check_schema(schema)
            _schemas[name] = jsonschema.Draft202012Validator(
                schema,
                format_checker=jsonschema.FormatChecker())
    bad = sorted(_schemas[name].iter_errors(document), key=str)
    require(not bad, "not as schemas/%s.json says:" % name,
            "; ".join("%s: %s" % (e.json_path, e.message) for e in bad[:5]))
    return document


class Result:
    """One finished run.  exit is what a shell would show (128+N)."""

    def __init__(self, args, returncode, out, err, seconds):
        self.args = args
        self.signal = -returncode if returncode < 0 else 0
        self.exit = returncode if returncode >= 0 else 128 - returncode
        self.out = out
        self.err = err
        self.seconds = seconds

    def json(self, schema=None):
        """The one document on standard output, checked."""
        try:
            document = json.loads(self.out)
        except ValueError as e:
            raise Failure("standard output is no JSON document: %s" % e)
        require(isinstance(document, dict) and document.get("schema") == 1,
                "a document without \"schema\": 1")
        require(self.out.endswith("\n") and self.out.count("\n") == 1,
                "a document must be one line")
        return conform(document, schema) if schema else document

    def expect(self, exit=0, out=None, err=None):
        require(self.exit == exit, "exit code", self.exit, "instead of", exit)
        if out is not None:
            require(out in self.out, "standard output lacks", repr(out))
        if err is not None:
            require(err in self.err, "standard error lacks", repr(err))
        return self


class Process:
    """A dsrun that was started and not waited for."""

    def __init__(self, box, args, popen, out, err):
        self.box, self.args, self.popen = box, args, popen
        self._out, self._err = out, err
        self._began = time.monotonic()
        self.pid = popen.pid

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.running():
            self.box.note("signal %s to %d" % (signal.Signals(number).name,
                                               self.pid))
            os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self):
        """SIGSTOP, and wait until the kernel says that it stands."""
        self.signal(signal.SIGSTOP)
        wait_for(self.stopped, 5, "process %d to stop" % self.pid)

    def stopped(self):
        try:
            stat = pathlib.Path("/proc/%d/stat" % self.pid).read_text()
        except FileNotFoundError:
            return False
        return stat.rsplit(")", 1)[1].split()[0] in "tT"

    def cont(self):
        self.signal(signal.SIGCONT)

    def terminate(self):
        self.signal(signal.SIGTERM)

    def wait(self, timeout_s=TIMEOUT_S):
        try:
            self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failure("%s still runs after %g s" %
                          (" ".join(self.args), timeout_s))
        result = Result(self.args, self.popen.returncode,
                        self._out.read_text("utf-8", "replace"),
                        self._err.read_text("utf-8", "replace"),
                        time.monotonic() - self._began)
        self.box.record(result)
        return result

    def end(self):
        if self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.popen.wait()


class Box:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.data = self.dir / "data"
        self.env = {}
        self.transcript = []
        self._processes = []
        self._count = 0

    # --- files ---

    def path(self, name):
        return self.dir / name

    def write(self, name, content, mode=None):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, "utf-8")
        if mode is not None:
            path.chmod(mode)
        return path

    def config(self, settings=None, **kinds):
        """dsrun.yaml, a dict or text, and jobs/NAME.yaml for each keyword
        (an underscore in NAME is a dash)."""
        text = settings if isinstance(settings, str) else as_yaml(
            settings or {})
        for name, kind in kinds.items():
            name = name.replace("_", "-")
            self.write("jobs/%s.yaml" % name, kind if isinstance(kind, str)
                       else as_yaml({"kind": name, **kind}))
        return self.write("dsrun.yaml", text)

    def jobs(self, name, rows):
        """A JSONL file of jobs."""
        return self.write(name, "".join(json.dumps(r) + "\n" for r in rows))

    def calls(self):
        """The network's own log: the oracle."""
        return read_lines(self.data / "sim" / "calls.jsonl")

    def results(self):
        return read_lines(self.data / "out" / "results.jsonl")

    # --- running ---

    def note(self, text):
        self.transcript.append("# " + text)

    def record(self, r):
        lines = ["$ " + " ".join(r.args)]
        for name, text in (("out", r.out), ("err", r.err)):
            if text:
                shown = text if len(text) <= TRANSCRIPT_CHARS else (
                    text[:TRANSCRIPT_CHARS] + "... (%d more)" %
                    (len(text) - TRANSCRIPT_CHARS))
                shown = shown.replace("\033", "\\e")
                lines += ["  %s| %s" % (name, line)
                          for line in shown.splitlines()]
        lines.append("  exit %d after %.2f s" % (r.exit, r.seconds))
        self.transcript += lines

    def environment(self, extra=None):
        keep = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
                "GCOV_PREFIX", "GCOV_PREFIX_STRIP", "TZDIR")
        env = {k: os.environ[k] for k in keep if k in os.environ}
        env.update({"HOME": str(self.dir), "LC_ALL": "C.UTF-8",
                    "TERM": "xterm-256color"})
        env.update(self.env)
        env.update(extra or {})
        return {k: str(v) for k, v in env.items() if v is not None}

    def argv(self, args):
        return [dsrun_path()] + [str(a) for a in args]

    def run(self, *args, env=None, stdin=None, timeout_s=TIMEOUT_S, cwd=None):
        """Run dsrun off a terminal; env None values remove a variable."""
        argv = self.argv(args)
        began = time.monotonic()
        with subprocess.Popen(
                argv, cwd=cwd or self.dir, env=self.environment(env),
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True) as p:
            if isinstance(stdin, str):
                stdin = stdin.encode()
            try:
                out, err = p.communicate(stdin, timeout_s)
            except subprocess.TimeoutExpired:
                p.kill()
                out, err = p.communicate()
                self.note("still running after %g s: killed" % timeout_s)
        result = Result(["dsrun"] + argv[1:], p.returncode,
                        out.decode("utf-8", "replace"),
                        err.decode("utf-8", "replace"),
                        time.monotonic() - began)
        self.record(result)
        return result

    def shell(self, script, shell="bash", timeout_s=TIMEOUT_S, env=None):
        """A script in which dsrun is on the PATH."""
        bin_dir = self.dir / "bin"
        if not bin_dir.exists():
            bin_dir.mkdir()
            (bin_dir / "dsrun").symlink_to(dsrun_path())
        full = self.environment(env)
        full["PATH"] = "%s:%s" % (bin_dir, full["PATH"])
        began = time.monotonic()
        p = subprocess.run([shell, "-c", script], cwd=self.dir, env=full,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=timeout_s, check=False)
        result = Result([shell, "-c", script], p.returncode,
                        p.stdout.decode("utf-8", "replace"),
                        p.stderr.decode("utf-8", "replace"),
                        time.monotonic() - began)
        self.record(result)
        return result

    def start(self, *args, env=None, cwd=None):
        """Start dsrun and go on; ended with the test at the latest."""
        argv = self.argv(args)
        self._count += 1
        out = self.path("started-%d.out" % self._count)
        err = self.path("started-%d.err" % self._count)
        with open(out, "wb") as o, open(err, "wb") as e:
            p = subprocess.Popen(
                argv, cwd=cwd or self.dir, env=self.environment(env),
                stdin=subprocess.DEVNULL, stdout=o, stderr=e,
                start_new_session=True)
        process = Process(self, ["dsrun"] + argv[1:], p, out, err)
        self.note("started %d: %s" % (p.pid, " ".join(process.args)))
        self._processes.append(process)
        return process

    def pty(self, *args, columns=80, answers=(), env=None, out="pty",
            timeout_s=TIMEOUT_S):
        """Run dsrun on a terminal of so many columns.  What it shows is .out
        (and .err too when out="pipe" gives standard output its own pipe).
        answers: pairs (text to wait for, what is typed then)."""
        argv = self.argv(args)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        began = time.monotonic()
        p = subprocess.Popen(
            argv, cwd=self.dir, env=self.environment(env), stdin=slave,
            stdout=slave if out == "pty" else subprocess.PIPE, stderr=slave,
            start_new_session=True)
        os.close(slave)
        screen, piped = self._watch(p, master, list(answers),
                                    began + timeout_s)
        os.close(master)
        if p.stdout:
            p.stdout.close()
        screen = screen.decode("utf-8", "replace").replace("\r\n", "\n")
        result = Result(["dsrun"] + argv[1:], p.returncode,
                        screen if out == "pty" else
                        piped.decode("utf-8", "replace"),
                        "" if out == "pty" else screen,
                        time.monotonic() - began)
        self.record(result)
        return result

    def _watch(self, p, master, answers, end):
        """Read until both ends are closed; type when it is time."""
        screen, piped, seen = b"", b"", 0
        fds = [master] + ([p.stdout.fileno()] if p.stdout else [])
        while fds:
            ready, _, _ = select.select(fds, [], [],
                                        max(0, end - time.monotonic()))
            if not ready:
                p.kill()
                self.note("still on its terminal at the time limit: killed")
                break
            for fd in ready:
                try:
                    data = os.read(fd, 65536)
                except OSError as e:
                    if e.errno != errno.EIO:
                        raise
                    data = b""
                if not data:
                    fds.remove(fd)
                elif fd == master:
                    screen += data
                else:
                    piped += data
            while answers and answers[0][0].encode() in screen[seen:]:
                asked, typed = answers.pop(0)
                seen = screen.index(asked.encode(), seen) + len(asked)
                os.write(master, typed.encode())
        p.wait()
        return screen, piped

    def close(self):
        for process in self._processes:
            process.end()


# --- the runner ---

class Outcome:
    def __init__(self, name):
        self.name = name
        self.why = None
        self.skipped = None
        self.transcript = []
        self.seconds = 0.0


def run_test(name, function, keep):
    outcome = Outcome(name)
    began = time.monotonic()
    directory = tempfile.mkdtemp(prefix="dsrun-%s-" % name.split(".")[-1][:40])
    box = Box(directory)
    try:
        function(box)
    except unittest.SkipTest as e:
        outcome.skipped = str(e)
    except Failure as e:
        frames = [f for f in traceback.extract_tb(e.__traceback__)
                  if f.filename != __file__]
        where = "%s:%d: " % (os.path.basename(frames[-1].filename),
                             frames[-1].lineno) if frames else ""
        outcome.why = where + str(e)
    except Exception:  # a fault of the test itself is a failure too
        outcome.why = traceback.format_exc().rstrip()
    finally:
        try:
            box.close()
        finally:
            outcome.transcript = box.transcript
            if outcome.why and keep:
                outcome.transcript.append("# kept: " + directory)
            else:
                shutil.rmtree(directory, ignore_errors=True)
    outcome.seconds = time.monotonic() - began
    return outcome


def tests_of(module, prefix):
    return [("%s.%s" % (prefix, name), function)
            for name, function in vars(module).items()
            if name.startswith("test_") and callable(function)]


def report(outcome, number, tap):
    bad = outcome.why is not None
    if tap:
        print("%sok %d - %s%s" % ("not " if bad else "", number, outcome.name,
                                  " # SKIP " + outcome.skipped
                                  if outcome.skipped else ""))
    elif outcome.skipped:
        print("SKIP %s: %s" % (outcome.name, outcome.skipped))
    elif bad:
        print("FAIL %s (%.1f s)" % (outcome.name, outcome.seconds))
    if bad:
        for line in outcome.why.splitlines():
            print("# " + line)
        for line in outcome.transcript:
            print("#   " + line)
    sys.stdout.flush()


def run_all(tests, jobs, tap, keep):
    failed = skipped = 0
    if tap:
        print("1..%d" % len(tests))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(run_test, name, function, keep)
                   for name, function in tests]
        for number, done in enumerate(
                concurrent.futures.as_completed(futures), 1):
            outcome = done.result()
            failed += outcome.why is not None
            skipped += outcome.skipped is not None
            report(outcome, number, tap)
    print("%d passed, %d failed%s" % (
        len(tests) - failed - skipped, failed,
        ", %d skipped" % skipped if skipped else ""))
    return 1 if failed or not tests else 0


def main(modules=None):
    """Run the tests of __main__, or of modules: pairs (name, module)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--dsrun", help="the program (else $DSRUN, build/dsrun)")
    parser.add_argument("--keep", action="store_true",
                        help="keep the directories of failed tests")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*",
                        help="only tests whose name contains one of these")
    args = parser.parse_args()
    if args.dsrun:
        os.environ["DSRUN"] = os.path.abspath(args.dsrun)
    if modules is None:
        module = sys.modules["__main__"]
        modules = [(pathlib.Path(module.__file__).stem, module)]
    tests = [t for name, module in modules for t in tests_of(module, name)]
    if args.names:
        tests = [t for t in tests if any(n in t[0] for n in args.names)]
    if args.list:
        print("\n".join(name for name, _ in tests))
        sys.exit(0)
    if not os.access(dsrun_path(), os.X_OK):
        sys.exit("%s is no program: build it, or name it by --dsrun" %
                 dsrun_path())
    tap = os.environ.get("CMOCKA_MESSAGE_OUTPUT") == "TAP"
    sys.exit(run_all(tests, args.jobs, tap, args.keep))
