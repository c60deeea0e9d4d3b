#!/usr/bin/python3
"""How fast dsrun is, beside the raw limits of the machine and beside real queues.

    bench.py [BUILD] [--only PART]... [--without PART]... [--rounds N] [--scale F]
             [--keep] [--json | --markdown]
    bench.py [BUILD] --readme     put what the last run wrote into README.md

BUILD (build) holds dsrun and tests/bench/*.  Every figure is the median of N rounds
(5 unless said otherwise), in which it and what it is measured by take turns, so
that a busy machine slows both: the ratio counts, not the number.  Everything is
written into one directory below TMPDIR, which must lie on a disk (synchronous
commits to memory would say nothing), and removed.  --scale multiplies how much
is done.  Without --only the rows are also written, as Markdown, to BUILD/bench.md.

Rivals come from tests/peers/setup; without one its rows say what to run.

    harness.py       directories, programs, turns, rows    table.py    text and Markdown
    rivals.py        Redis, Bull, backlite, Huey, Asynq    part_*.py   what is measured
"""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

import part_bull
import part_encode
import part_journal
import part_large
import part_memory
import part_program
import part_start
import part_store
import table
from harness import ROOT, Bench, fail

PARTS = {f.__name__: f for f in (
    part_journal.disk, part_journal.commits, part_journal.steps, part_journal.lives,
    part_program.program, part_program.queue, part_start.cold, part_start.recovery,
    part_memory.memory, part_large.reads, part_large.check,
    part_encode.encode, part_bull.drain, part_bull.first, part_bull.held,
    part_store.objects, part_store.updates)}


def options():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("build", nargs="?", default=os.path.join(ROOT, "build"))
    p.add_argument("--only", action="append", choices=PARTS)
    p.add_argument("--without", action="append", choices=PARTS, default=[])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--scale", type=float, default=1.0)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("--markdown", action="store_true")
    p.add_argument("--readme", action="store_true")
    return p.parse_args()


def foot(b, began, load):
    """What the figures rest on."""
    size = "" if b.scale == 1 else " at %g of the size" % b.scale
    return ("%d rounds in turns%s, %.0f s; load before it %.1f, after it %.1f, on %d cores; "
            "everything on the disk of %s"
            % (b.rounds, size, time.monotonic() - began, load, os.getloadavg()[0],
               os.cpu_count(), os.path.dirname(b.work)))


def run(o, work):
    began, load = time.monotonic(), os.getloadavg()[0]
    b = Bench(o.build, work, o.rounds, o.scale)
    for name, part in PARTS.items():
        if (not o.only or name in o.only) and name not in o.without:
            part(b)
    last = foot(b, began, load)
    page = table.markdown(b.rows, last)
    if not o.only:
        with open(os.path.join(o.build, "bench.md"), "w") as f:
            f.write(page)
    if o.json:
        print(json.dumps({"schema": 1, "rows": b.rows}, indent=1))
    elif o.markdown:
        print(page, end="")
    else:
        print(table.text(b.rows) + "\n\n" + last)


def readme(build):
    name = os.path.join(build, "bench.md")
    if not os.path.exists(name):
        fail("%s is missing: make bench writes it" % name)
    with open(name) as f:
        table.into_readme(f.read())


def main():
    o = options()
    if o.readme:
        readme(o.build)
        return
    # So that a stopped run, too, ends what it began and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    work = tempfile.mkdtemp(prefix="dsrun-bench-")
    try:
        run(o, work)
    finally:
        if o.keep:
            print("kept: " + work, file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
