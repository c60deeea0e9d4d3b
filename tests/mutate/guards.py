#!/usr/bin/python3
"""Mutation check of dsrun's guards: each taken out, is it missed?

    guards.py [--seeds N] [--first N] [--cc CC] [--keep DIR] [NAME...]

The guards stand in guards_table.py.  The tree is copied, and for each of them
built without it: then a seed of the simulator, or the unit test that the table
names, must fail.  A guard that nobody misses, and one whose lines are not
found, fail the check.  First of all the copy as it is must keep every promise,
or else it would prove nothing.

--keep builds in DIR and leaves it there, so that the next check begins with
what was compiled; NAME takes those whose name begins so.
"""
import argparse
import filecmp
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import guards_table

TREE = ("Makefile", "pkg", "cmd", "migrations", "rules", "tests")
SIM = "build/tests/sim/sim"
LIMIT_S = 600
CONTROL_SEEDS = 100


def pattern(piece):
    """piece as it may stand in a file: blanks are any blanks."""
    words = re.findall(r"\w+|[^\w\s]", piece)
    edge = [r"\b" if w[:1].isalnum() or w[:1] == "_" else "" for w in words]
    return re.compile(r"\s*".join(e + re.escape(w) + e for e, w in zip(edge, words)))


def find(text, piece):
    return list(pattern(piece).finditer(text))


def pieces(guards, spare):
    """(name, path, piece, what takes its place) of all that must be there."""
    for g in guards:
        for path, piece, new in g.changes:
            yield g.name, path, piece, new
    for s in spare:
        yield s.name, s.path, s.piece, ""


def problems(root, guards, spare=()):
    """What in the table does not fit the tree, as texts."""
    bad = []
    for name, path, piece, new in pieces(guards, spare):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as f:
                n = len(find(f.read(), piece))
        except FileNotFoundError:
            n = 0
        if n != 1:
            bad.append("%s: found %d times, not once, in %s: %s" %
                       (name, n, path, " ".join(piece.split())))
        if piece.split() == new.split():
            bad.append("%s: changes nothing in %s" % (name, path))
    return bad


def mutate(root, guard):
    """Take the guard out; what stood there, by file."""
    was = {}
    for path, piece, new in guard.changes:
        whole = os.path.join(root, path)
        with open(whole, encoding="utf-8") as f:
            text = f.read()
        was.setdefault(whole, text)
        m = find(text, piece)[0]
        with open(whole, "w", encoding="utf-8") as f:
            f.write(text[:m.start()] + new + text[m.end():])
    return was


def put_back(was):
    for path, text in was.items():
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def end(p):
    """A simulation is a few processes, in a group of their own."""
    if p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
    p.wait()


def build(root, cc, target):
    """What make says when it cannot; it is not the make that may have called us."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")}
    # Without warnings: a guard that is gone may leave a variable that nobody uses.
    p = subprocess.run(["make", "-C", root, "CC=" + cc, "WARN=", target], text=True, env=env,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False)
    return None if p.returncode == 0 else p.stdout[-2000:]


def simulate(root, first, seeds):
    """(How many seeds it took, what was seen); None: nothing was."""
    p = subprocess.Popen([os.path.join(root, SIM), "seeds", "--first", str(first),
                          "--seeds", str(seeds), "--no-shrink"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace",
                         start_new_session=True)
    signal.alarm(LIMIT_S)
    try:
        why = ""
        for line in p.stdout:
            m = re.match(r"seed (\d+) FAILED: (.*)", line)
            if m:
                return int(m.group(1)) - first + 1, m.group(2)
            m = re.search(r"ended by a signal; again: sim run --seed (\d+)", line)
            if m:
                return int(m.group(1)) - first + 1, why.strip() or "a signal"
            why = line if line.strip() else why
        return None if p.wait() == 0 else (seeds, why.strip())
    except TimeoutError:
        return seeds, "no end within %d s" % LIMIT_S
    finally:
        signal.alarm(0)
        end(p)
        p.stdout.close()


def run_test(root, name):
    """What the unit test says; None: it passes."""
    try:
        p = subprocess.run([os.path.join(root, "build", name)], cwd=root, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False, timeout=LIMIT_S,
                           errors="replace")
    except subprocess.TimeoutExpired:
        return "no end within %d s" % LIMIT_S
    if p.returncode == 0:
        return None
    failed = re.findall(r"\[  FAILED  \] (\w+)|^not ok \d+ - (\w+)", p.stdout, re.M)
    return "".join(failed[0]) if failed else "it ends with %d" % p.returncode


def look(root, o, guard):
    """(seen?, words) of a tree without the guard."""
    by_sim = guard.seen == "sim"
    wrong = build(root, o.cc, SIM if by_sim else "build/" + guard.seen)
    if wrong:
        return False, "does not build:\n" + wrong
    if not by_sim:
        why = run_test(root, guard.seen)
        return why is not None, "%s: %s" % (guard.seen, why)
    found = simulate(root, o.first, o.seeds)
    if found is None:
        return False, "nobody misses it in %d seeds" % o.seeds
    return True, "after %d seeds: %s" % found


def copy_file(source, target):
    """Only what differs, so that what was compiled of it stays."""
    if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def copy_tree(root, to):
    for name in TREE:
        if os.path.isfile(os.path.join(root, name)):
            copy_file(os.path.join(root, name), os.path.join(to, name))
        for where, _, files in os.walk(os.path.join(root, name)):
            there = os.path.join(to, os.path.relpath(where, root))
            os.makedirs(there, exist_ok=True)
            for f in files:
                copy_file(os.path.join(where, f), os.path.join(there, f))


def as_it_is(root, o, guards):
    """What fails without any mutant, or None."""
    targets = sorted({g.seen for g in guards if g.seen != "sim"})
    for t in [SIM] + ["build/" + t for t in targets]:
        wrong = build(root, o.cc, t)
        if wrong:
            return wrong
    for t in targets:
        why = run_test(root, t)
        if why:
            return "%s fails without a mutant: %s" % (t, why)
    found = simulate(root, o.first, min(o.seeds, CONTROL_SEEDS))
    return "fails without a mutant, after %d seeds: %s" % found if found else None


def check(root, o, guards):
    wrong = as_it_is(root, o, guards)
    if wrong:
        print(wrong)
        return 1
    survive = 0
    for g in guards:
        was = mutate(root, g)
        try:
            seen, words = look(root, o, g)
        finally:
            put_back(was)
        survive += not seen
        print("%-4s %-22s %s\n     %s" %
              ("ok" if seen else "MISS", g.name, g.what, words), flush=True)
    print("guards: %d, of which %d are not missed" % (len(guards), survive))
    return 1 if survive else 0


def too_long(signum, frame):
    raise TimeoutError


def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--seeds", type=int, default=2000)
    a.add_argument("--first", type=int, default=1)
    a.add_argument("--cc", default="cc")
    a.add_argument("--keep")
    a.add_argument("names", nargs="*")
    o = a.parse_args()
    root = os.getcwd()
    guards = [g for g in guards_table.GUARDS
              if not o.names or any(g.name.startswith(n) for n in o.names)]
    bad = problems(root, guards, guards_table.SPARE)
    if bad or not guards:
        print("\n".join(bad) or "no such guard")
        return 1
    signal.signal(signal.SIGALRM, too_long)
    if o.keep:
        os.makedirs(o.keep, exist_ok=True)
        copy_tree(root, o.keep)
        return check(os.path.abspath(o.keep), o, guards)
    with tempfile.TemporaryDirectory(prefix="guards.") as to:
        copy_tree(root, to)
        return check(to, o, guards)


if __name__ == "__main__":
    sys.exit(main())
