#!/usr/bin/python3
"""Run fuzzers that were built with libFuzzer, and sum up.

    run.py (--seconds N | --runs N) [--jobs N] BUILD TARGET...
    run.py --keep [--files N] BUILD TARGET...

TARGET is NAME of tests/fuzz/fuzz_NAME.c.  Each begins with the inputs of
tests/fuzz/corpus/NAME and those of earlier runs, BUILD/corpus/NAME, and puts
new ones there.  The first target that crashes, leaks, runs too long or breaks
a property makes the exit status 1; its input is in BUILD/crashes, and the
command that repeats it is printed.

--keep chooses from all these inputs the few that reach most, and makes them
the new tests/fuzz/corpus/NAME.  Files whose names begin with a word (seed-,
found-) stay.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# Longest input, where 4096 bytes is not right: short ones are tried faster.
MAX_LEN = {"record": 2600, "phone": 80, "text": 160, "window": 400,
           "talk": 400}
# A single input that takes longer than this is a bug.
INPUT_LIMIT_S = 10


def folders(build, name):
    kept = os.path.join(HERE, "corpus", name)
    found = os.path.join(build, "corpus", name)
    crashes = os.path.join(build, "crashes")
    for folder in (kept, found, crashes):
        os.makedirs(folder, exist_ok=True)
    return kept, found, crashes


def program(build, name):
    return os.path.join(build, "tests/fuzz/fuzz_" + name)


def command(build, name, limit):
    kept, found, crashes = folders(build, name)
    argv = [program(build, name), "-print_final_stats=1",
            "-timeout=%d" % INPUT_LIMIT_S, "-max_len=%d" %
            MAX_LEN.get(name, 4096), "-rss_limit_mb=1024",
            "-artifact_prefix=%s/%s-" % (crashes, name), limit]
    words = os.path.join(HERE, "dict", name + ".dict")
    if os.path.exists(words):
        argv.append("-dict=" + words)
    return argv + [found, kept]


def figure(text, key):
    m = re.search(key + r":\s+(\d+)", text)
    return int(m.group(1)) if m else 0


def fuzz(build, name, limit):
    p = subprocess.run(command(build, name, limit), text=True,
                       errors="replace", stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    inputs = figure(p.stdout, "stat::number_of_executed_units")
    speed = figure(p.stdout, "stat::average_exec_per_sec")
    edges = re.findall(r" cov: (\d+)", p.stdout)
    line = "%-4s %-10s %10d inputs, %7d a second, %5s edges" % (
        "FAIL" if p.returncode else "ok", name, inputs, speed,
        edges[-1] if edges else "?")
    if p.returncode:
        end = [row for row in p.stdout.splitlines()
               if not re.match(r"#\d+\t|stat::|\tNEW_FUNC", row)][-60:]
        line += "\n     | " + "\n     | ".join(end)
        m = re.search(r"Test unit written to (\S+)", p.stdout)
        if m:
            line += "\n     repeat it: %s %s" % (program(build, name),
                                                 m.group(1))
    return p.returncode == 0, line


def run(args):
    limit = ("-runs=%d" % args.runs if args.runs else
             "-max_total_time=%d" % args.seconds)
    good = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        work = [pool.submit(fuzz, args.build, name, limit)
                for name in args.targets]
        for done in concurrent.futures.as_completed(work):
            ok, line = done.result()
            good += ok
            print(line)
            sys.stdout.flush()
    print("%d passed, %d failed" % (good, len(work) - good))
    return 0 if good == len(work) else 1


def reached(build, name, paths, folder):
    """Which features each input reaches, by libFuzzer's own set cover."""
    control = os.path.join(folder, "control")
    everything = os.path.join(folder, "all")
    os.makedirs(everything)
    for path in paths:
        try:
            shutil.copy(path, everything)
        except FileNotFoundError:
            pass  # a fuzzer that runs now found a smaller one
    os.makedirs(os.path.join(folder, "none"))
    subprocess.run([program(build, name), "-set_cover_merge=1",
                    "-use_counters=0", "-merge_control_file=" + control,
                    os.path.join(folder, "none"), everything],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)
    with open(control, errors="replace") as f:
        rows = f.read().splitlines()
    files = rows[2:2 + int(rows[0])]
    features = {path: set() for path in files}
    for row in rows:
        part = row.split()
        if part and part[0] == "FT":
            features[files[int(part[1])]] |= set(part[2:])
    return features


def choose(features, begun, most):
    """Greedily: whatever adds most, the smaller of two."""
    chosen, have = [], set(begun)
    while len(chosen) < most:
        best = max(features, default=None, key=lambda path: (
            len(features[path] - have), -os.path.getsize(path)))
        if best is None or not features[best] - have:
            break
        chosen.append(best)
        have |= features.pop(best)
    return chosen


def keep(args):
    for name in args.targets:
        kept, found, _ = folders(args.build, name)
        paths = glob.glob(kept + "/*") + glob.glob(found + "/*")
        with tempfile.TemporaryDirectory() as folder:
            features = reached(args.build, name, paths, folder)
            named = [p for p in features if "-" in os.path.basename(p)]
            begun = set().union(*(features.pop(p) for p in named))
            chosen = choose(features, begun, args.files - len(named))
            for path in glob.glob(kept + "/*"):
                if "-" not in os.path.basename(path):
                    os.remove(path)
            for path in chosen:
                shutil.copy(path, os.path.join(
                    kept, os.path.basename(path)[:10]))
        left = glob.glob(kept + "/*")
        print("%-10s %3d of %d inputs, %d bytes" % (
            name, len(left), len(paths), sum(map(os.path.getsize, left))))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("build")
    parser.add_argument("targets", nargs="+")
    args = parser.parse_args()
    return keep(args) if args.keep else run(args)


if __name__ == "__main__":
    sys.exit(main())
