#!/usr/bin/python3
"""Coverage of a build made with --coverage, a line for each package.

    cover.py BUILDDIR

Lines and branches as gcov counts them, over what ships: no tests.  A program
killed with SIGKILL writes no counts, so what only such a test reaches is not
seen.
"""
import collections
import glob
import json
import os
import subprocess
import sys


def counts(gcda):
    """{source: [lines run, lines, branches taken, branches]}"""
    out = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities", gcda],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    found = {}
    for file in json.loads(out)["files"]:
        row = found.setdefault(os.path.normpath(file["file"]), [0, 0, 0, 0])
        for line in file["lines"]:
            row[0] += line["count"] > 0
            row[1] += 1
            for branch in line["branches"]:
                row[2] += branch["count"] > 0
                row[3] += 1
    return found


def folder(source):
    part = source.split("/")
    return part[1] if part[0] == "pkg" else "/".join(part[:2])


def percent(part, whole):
    return "%5.1f %%" % (100.0 * part / whole) if whole else "      -"


def main():
    files = {}
    for gcda in glob.glob(os.path.join(sys.argv[1], "**", "*.gcda"),
                          recursive=True):
        if gcda.endswith("_test.gcda"):
            continue
        for source, row in counts(gcda).items():
            # Headers come with each file that includes them: the best counts.
            if source.startswith(("pkg/", "cmd/")):
                files[source] = max(row, files.get(source, row))
    for gcno in glob.glob(os.path.join(sys.argv[1], "**", "*.gcno"),
                          recursive=True):
        source = os.path.relpath(gcno, sys.argv[1])[:-5] + ".c"
        if source not in files and not source.endswith("_test.c"):
            print("never run: " + source)
    total = collections.defaultdict(lambda: [0, 0, 0, 0])
    for source, row in files.items():
        for key in (folder(source), "all"):
            total[key] = [a + b for a, b in zip(total[key], row)]
    if not total:
        print("cover.py: no counts under " + sys.argv[1], file=sys.stderr)
        return 1
    print("%-14s %18s %22s" % ("", "lines", "branches"))
    for key in sorted(total, key=lambda k: (k == "all", k)):
        a, b, c, d = total[key]
        print("%-14s %s %11s %s %13s" % (
            key, percent(a, b), "%d/%d" % (a, b), percent(c, d),
            "%d/%d" % (c, d)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
