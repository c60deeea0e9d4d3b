#!/usr/bin/python3
"""The oracle itself: it must see each kind of broken promise."""
import json

import harness
import oracle
from harness import require


def call(n, key, to="+15125550100", begin=0, end=1000, outcome="completed"):
    lines = [
        {"at_ms": begin, "ev": "request", "call": "c%d" % n, "key": key,
         "event": 1, "hash": "00", "to": to, "from": "+15125550199"},
        {"at_ms": begin + 10, "ev": "placed", "call": "c%d" % n, "key": key,
         "to": to}]
    if end is not None:
        lines.append({"at_ms": end, "ev": "ended", "call": "c%d" % n,
                      "outcome": outcome, "by": "callee"})
    return lines


def result(job, n, outcome="completed", revision=1):
    return {"job": {"id": job, "source": "file"}, "outcome": outcome,
            "revision": revision,
            "call": None if n is None else {"carrierCallId": "c%d" % n}}


def broken(calls, results=(), kind=None):
    found = oracle.violations(calls, list(results))
    if kind is None:
        require(not found, "sees what is not there:", found)
    else:
        require(len(found) == 1 and found[0].startswith(kind + ":"),
                "expected one of", kind, "got", found)


def test_a_clean_run_breaks_nothing(box):
    calls = call(1, "a") + call(2, "b", begin=1000, end=2000)
    broken(calls, [result("j1", 1), result("j2", 2)])


def test_two_calls_of_one_key_are_seen(box):
    broken(call(1, "a") + call(2, "a", to="+15125550101"), kind="keys")


def test_a_request_repeated_without_a_second_ring_is_no_fault(box):
    broken(call(1, "a") + call(1, "a")[:1])


def test_two_calls_of_one_number_at_once_are_seen(box):
    broken(call(1, "a") + call(2, "b", begin=500, end=600), kind="numbers")


def test_a_call_within_another_is_seen_behind_a_shorter_one(box):
    calls = (call(1, "a", end=None) + call(2, "b", to="+15125550101") +
             call(3, "c", begin=9000, end=9100))
    broken(calls, kind="numbers")


def test_calls_that_only_touch_do_not_overlap(box):
    broken(call(1, "a", end=1000) + call(2, "b", begin=990, end=2000))


def test_lines_are_ordered_by_time_and_not_by_place(box):
    broken(list(reversed(call(1, "a") + call(2, "b", begin=1000, end=2000))))


def test_a_call_nobody_asked_for_is_seen(box):
    broken(call(1, "a")[1:], kind="calls")


def test_a_call_placed_before_it_was_asked_is_seen(box):
    lines = call(1, "a")
    lines[0]["at_ms"] = 20
    broken(lines, kind="calls")


def test_a_call_placed_twice_is_seen(box):
    lines = call(1, "a")
    broken(lines + lines[1:2], kind="calls")


def test_a_refused_call_that_rang_is_seen(box):
    broken(call(1, "a") + [{"at_ms": 5, "ev": "refused", "call": "c1",
                            "code": "limit"}], kind="calls")


def test_an_end_without_a_call_is_seen(box):
    broken(call(1, "a")[:1] + call(1, "a")[2:], kind="calls")


def test_a_result_twice_is_seen(box):
    broken(call(1, "a"), [result("j", 1), result("j", 1)], kind="results")


def test_a_missing_revision_is_seen(box):
    broken(call(1, "a"), [result("j", 1, revision=1),
                          result("j", 1, revision=3)], kind="results")


def test_another_outcome_than_the_network_saw_is_seen(box):
    broken(call(1, "a", outcome="busy"), [result("j", 1)], kind="outcomes")
    broken(call(1, "a", end=None), [result("j", 1)], kind="outcomes")
    broken([], [result("j", 1)], kind="outcomes")
    broken([], [result("j", None)], kind="outcomes")


def test_results_of_calls_whose_end_was_not_seen_may_say_so(box):
    broken(call(1, "a", outcome="busy"), [result("j", 1, "interrupted")])
    broken(call(1, "a", end=None), [result("j", 1, "unknown")])
    broken([], [result("j", None, "refused")])


def test_files_are_read_without_a_torn_last_line(box):
    lines = "".join(json.dumps(line) + "\n" for line in call(1, "a"))
    box.write("data/sim/calls.jsonl", lines + '{"at_ms": 5, "ev": "pla')
    box.write("data/out/results.jsonl", json.dumps(result("j", 1)) + "\n")
    calls, results = oracle.require_kept(box.data)
    require(len(calls) == 3 and len(results) == 1, "lines are missing")
    box.write("data/sim/calls.jsonl", lines + "".join(
        json.dumps(line) + "\n" for line in call(2, "a", begin=2000,
                                                 end=3000)))
    try:
        oracle.require_kept(box.data)
    except harness.Failure as e:
        require("rang 2 times" in str(e), e)
        return
    require(False, "a second ring passed")


if __name__ == "__main__":
    harness.main()
