#!/usr/bin/python3
"""Coverage of a build made with --coverage, and every branch not taken.

    cover.py BUILDDIR [--gaps FILE] [--packages "job journal run"] [--unnamed]

A line for each package, a line for each file of the --packages, and each of
their gaps: file, line, how many of its branches were never taken, and the
source.  Exit 1 when a gap is not named in FILE, or a package has less than its
share of branches.

Branches are counted as gcov does, two for each condition, over what ships: no
tests and no test headers.  Lines of a CHECK() are left out, and their number is
said: its second side aborts.  What never ran counts with nothing taken.
A program killed with SIGKILL writes no counts, so what only such a test
reaches is not seen.

FILE holds reasons, each with the gaps that it excuses.  A gap is named by
file, function, branches missing, and source line, without the line's number,
so that it stays named when code moves:

    = why these branches are not taken by any test
    pkg/journal/journal_db.c journal_db_begin 1: if (code != ERR_NONE)

--unnamed prints the gaps that FILE does not name in that form, and no more.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys

# The branches that must be taken, in percent.
SHARE = {"job": 100.0, "journal": 95.0, "run": 95.0}

Gap = collections.namedtuple("Gap", "source line function missing of text")


class Counts:
    """Of one source: how often each line and each of its branches ran."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = {}

    def add(self, line):
        self.lines[line["line_number"]] += line["count"]
        taken = [branch["count"] for branch in line["branches"]]
        if not taken:
            return
        # Once for each function that holds it: a static inline of a header
        # comes with every file that includes it.
        key = line["line_number"], line.get("function_name", "")
        known = self.branches.setdefault(key, [0] * len(taken))
        known.extend([0] * (len(taken) - len(known)))
        for i, count in enumerate(taken):
            known[i] += count


def notes_of(gcno):
    """gcov's answer; without counts beside it, everything is 0."""
    out = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities", gcno],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(out)["files"]


def ships(source):
    return source.startswith(("pkg/", "cmd/")) and not re.search(
        r"_test\.[ch]$", source)


def gather(folder):
    """{source: Counts} of all that was compiled under folder."""
    names = [name for name in sorted(glob.glob(
        os.path.join(folder, "**", "*.gcno"), recursive=True))
        if ships(os.path.relpath(name, folder)[:-5] + ".c")]
    found = collections.defaultdict(Counts)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for files in pool.map(notes_of, names):
            for file in files:
                source = os.path.normpath(file["file"])
                if not ships(source):
                    continue
                for line in file["lines"]:
                    found[source].add(line)
    return found


def checks(text):
    """The numbers of the lines that a CHECK() covers."""
    covered = set()
    for match in re.finditer(r"\bCHECK\(", text):
        depth, at = 1, match.end()
        while depth > 0 and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        covered.update(range(text.count("\n", 0, match.start()) + 1,
                             text.count("\n", 0, at) + 2))
    return covered


class Source:
    """Sums of one source and its gaps."""

    def __init__(self, name, counts):
        with open(name, encoding="utf-8") as f:
            text = f.read()
        rows = text.split("\n")
        left_out = checks(text)
        self.lines = len(counts.lines)
        self.ran = sum(n > 0 for n in counts.lines.values())
        self.branches = self.taken = self.checks = 0
        self.gaps = []
        for (line, function), taken in sorted(counts.branches.items()):
            if line in left_out:
                self.checks += len(taken)
                continue
            missing = sum(n == 0 for n in taken)
            self.branches += len(taken)
            self.taken += len(taken) - missing
            if missing:
                self.gaps.append(Gap(name, line, function, missing,
                                     len(taken), rows[line - 1].strip()))


class Table:
    def __init__(self):
        self.rows = collections.defaultdict(lambda: [0, 0, 0, 0, 0])

    def add(self, key, s):
        row = self.rows[key]
        for i, n in enumerate((s.ran, s.lines, s.taken, s.branches, s.checks)):
            row[i] += n

    def show(self):
        print("%-38s %16s %19s" % ("", "lines", "branches"))
        for key in sorted(self.rows, key=lambda k: (k == "all", k)):
            ran, lines, taken, branches, _ = self.rows[key]
            print("%-38s %s %11s %s %11s" % (
                key, percent(ran, lines), "%d/%d" % (ran, lines),
                percent(taken, branches), "%d/%d" % (taken, branches)))


def percent(part, whole):
    return "%5.1f %%" % (100.0 * part / whole) if whole else "      -"


def folder_of(source):
    part = source.split("/")
    return part[1] if part[0] == "pkg" else "/".join(part[:2])


def read_reasons(path):
    """{(source, function, text): [missing, reason]}"""
    named, reason = {}, None
    with open(path, encoding="utf-8") as f:
        for number, row in enumerate(f, 1):
            row = row.rstrip("\n")
            if not row or row.startswith("#"):
                continue
            if row.startswith("= "):
                reason = row[2:]
                continue
            found = re.match(r"(\S+) (\S+) (\d+): (.*)$", row)
            if not found or reason is None:
                raise SystemExit("%s:%d: expected \"= REASON\" or \"FILE "
                                 "FUNCTION MISSING: SOURCE\"" % (path, number))
            entry = named.setdefault(found.group(1, 2, 4), [0, reason])
            entry[0] += int(found.group(3))
    return named


def judge(gaps, named):
    """Gaps beside their reasons; None where there is none (or too little)."""
    left = {key: missing for key, (missing, _) in named.items()}
    for gap in gaps:
        key = gap.source, gap.function, gap.text
        left[key] = left.get(key, 0) - gap.missing
        yield gap, named[key][1] if left[key] >= 0 else None


def show_gaps(judged):
    reasons = collections.defaultdict(list)
    for gap, reason in judged:
        reasons[reason].append(gap)
    for reason in sorted(reasons, key=lambda r: (r is None, r)):
        print("\n" + (reason or "NOT NAMED in the file of gaps:"))
        for gap in reasons[reason]:
            print("  %s:%d: %d of %d: %s" % (gap.source, gap.line, gap.missing,
                                             gap.of, gap.text))
    return len(reasons[None]) if None in reasons else 0


def stale(named, gaps):
    """Names that stand for more than what is missing now."""
    missing = collections.Counter()
    for gap in gaps:
        missing[gap.source, gap.function, gap.text] += gap.missing
    return [(key, n - missing[key]) for key, (n, _) in sorted(named.items())
            if n > missing[key]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--gaps")
    parser.add_argument("--packages", default="job journal run")
    parser.add_argument("--unnamed", action="store_true")
    args = parser.parse_args()
    wanted = args.packages.split()
    packages, files, gaps = Table(), Table(), []
    for name, counts in sorted(gather(args.build).items()):
        source = Source(name, counts)
        packages.add(folder_of(name), source)
        packages.add("all", source)
        if folder_of(name) in wanted:
            files.add(name, source)
            gaps += source.gaps
    if not packages.rows:
        print("cover.py: no counts under " + args.build, file=sys.stderr)
        return 1
    named = read_reasons(args.gaps) if args.gaps else {}
    judged = list(judge(gaps, named))
    if args.unnamed:
        for gap, reason in judged:
            if reason is None:
                print("%s %s %d: %s" % (gap.source, gap.function, gap.missing,
                                        gap.text))
        return 0
    packages.show()
    print("\nLeft out: %d branches of CHECK(), whose second side aborts.\n"
          % packages.rows["all"][4])
    files.show()
    bad = show_gaps(judged) if args.gaps else 0
    for key, n in stale(named, gaps):
        print("taken by now, so that it need not be named (%d): %s %s: %s"
              % ((n,) + key))
    print()
    failed = bad > 0
    if bad:
        print("cover: %d gaps have no reason in %s" % (bad, args.gaps))
    for package in wanted:
        _, _, taken, branches, _ = packages.rows[package]
        share = SHARE.get(package, 0.0)
        if taken * 100.0 < share * branches:
            failed = True
            print("cover: pkg/%s: %s of its branches were taken, %.0f %% must "
                  "be" % (package, percent(taken, branches).strip(), share))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
