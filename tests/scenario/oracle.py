#!/usr/bin/python3
"""What the telephone network saw, against what dsrun says: oracle.py DATA

Reads DATA/sim/calls.jsonl, the simulated network's own log, and
DATA/out/results.jsonl.  Knows nothing of the journal: it holds the promises
that the people who are called can feel.

  keys      at most one placed call per attempt key
  numbers   no two calls of one number at the same time
  calls     each call is placed once, ends once, after it was asked for
  results   one result per job and revision, revisions without a gap
  outcomes  a result that names a call says what the network saw
"""
import collections
import sys

from harness import Failure, read_lines

# What may be said of a call whose end dsrun did not see, or did not believe.
WITHOUT_END = ("interrupted", "unknown")
# What is said where no phone rang.
WITHOUT_CALL = ("refused", "network", "unknown", "none", None)


class Network:
    def __init__(self, lines):
        self.requests = collections.defaultdict(list)  # key -> lines
        self.placed = {}  # call -> line
        self.ended = {}
        self.refused = {}
        self.violations = []
        for line in sorted(lines, key=lambda line: line["at_ms"]):
            self._read(line)

    def _once(self, where, line):
        if line["call"] in where:
            self.violations.append("calls: call %s is %s twice" %
                                   (line["call"], line["ev"]))
        where[line["call"]] = line

    def _read(self, line):
        kind = line["ev"]
        if kind == "request":
            self.requests[line["key"]].append(line)
        elif kind == "placed":
            self._once(self.placed, line)
        elif kind == "ended":
            self._once(self.ended, line)
        elif kind == "refused":
            self._once(self.refused, line)

    def check_calls(self):
        asked = {}
        for request in (r for rs in self.requests.values() for r in rs):
            # A key sent again asks for the same call: the first one counts.
            asked.setdefault(request["call"], request)
        for call, line in self.placed.items():
            if call not in asked:
                yield "calls: call %s was placed but never asked for" % call
            elif asked[call]["at_ms"] > line["at_ms"]:
                yield "calls: call %s was placed before it was asked" % call
            elif asked[call]["key"] != line["key"]:
                yield "calls: call %s changed its key" % call
            if call in self.refused:
                yield "calls: call %s was placed and refused" % call
        for call, line in self.ended.items():
            if call not in self.placed:
                yield "calls: call %s ended but was never placed" % call
            elif line["at_ms"] < self.placed[call]["at_ms"]:
                yield "calls: call %s ended before it was placed" % call

    def check_keys(self):
        rang = collections.Counter(p["key"] for p in self.placed.values())
        for key, times in rang.items():
            if times > 1:
                yield "keys: attempt %s rang %d times" % (key, times)

    def check_numbers(self):
        by_number = collections.defaultdict(list)
        for call, line in self.placed.items():
            end = self.ended.get(call)
            by_number[line["to"]].append(
                (line["at_ms"], end["at_ms"] if end else float("inf"), call))
        for number, calls in by_number.items():
            calls.sort()
            last_end, last_call = -1, None
            for begin, end, call in calls:
                if begin < last_end:
                    yield ("numbers: %s rang twice at once: calls %s and %s" %
                           (number, last_call, call))
                if end > last_end:
                    last_end, last_call = end, call


def check_results(results):
    seen = collections.defaultdict(list)
    for r in results:
        seen[(r["job"]["source"], r["job"]["id"])].append(r["revision"])
    for job, revisions in seen.items():
        for revision, times in collections.Counter(revisions).items():
            if times > 1:
                yield ("results: job %s:%s has revision %d %d times" %
                       (*job, revision, times))
        if sorted(set(revisions)) != list(range(1, max(revisions) + 1)):
            yield "results: job %s:%s has revisions %s" % (*job, revisions)


def check_outcomes(network, results):
    for r in results:
        where = "outcomes: job %s:%s" % (r["job"]["source"], r["job"]["id"])
        call = (r.get("call") or {}).get("carrierCallId")
        if call is None:
            if r["outcome"] not in WITHOUT_CALL:
                yield "%s is %s without a call" % (where, r["outcome"])
            continue
        if call not in network.placed:
            if r["outcome"] not in WITHOUT_CALL:
                yield "%s names call %s, which never rang" % (where, call)
            continue
        end = network.ended.get(call)
        if r["outcome"] in WITHOUT_END:
            continue
        if end is None:
            yield "%s is %s, but call %s goes on" % (where, r["outcome"], call)
        elif end["outcome"] != r["outcome"]:
            yield ("%s is %s, the network saw %s" %
                   (where, r["outcome"], end["outcome"]))


def violations(calls, results, outcomes=True):
    """Every broken promise as a line of text; [] when all were kept."""
    network = Network(calls)
    found = list(network.violations)
    found += network.check_calls()
    found += network.check_keys()
    found += network.check_numbers()
    found += check_results(results)
    if outcomes:
        found += check_outcomes(network, results)
    return found


def require_kept(data, outcomes=True):
    """For tests: the promises were kept in directory data; returns the calls
    and results that were looked at."""
    calls = read_lines(data / "sim" / "calls.jsonl")
    results = read_lines(data / "out" / "results.jsonl")
    found = violations(calls, results, outcomes)
    if found:
        raise Failure("%d promises broken: %s" %
                      (len(found), "; ".join(found[:10])))
    return calls, results


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: oracle.py DATA")
    calls = read_lines(sys.argv[1] + "/sim/calls.jsonl")
    results = read_lines(sys.argv[1] + "/out/results.jsonl")
    found = violations(calls, results)
    for line in found:
        print(line)
    placed = sum(1 for line in calls if line["ev"] == "placed")
    print("%d calls rang, %d results, %d promises broken" %
          (placed, len(results), len(found)))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
