#!/usr/bin/python3
"""pkg/mongo against a server that says what MongoDB says in its bad hours:
labels, write concern, step-down, silence, half an answer, wrong counts."""
import time

from mongo_scripted import CUT, HALF, HANG, Id, Scripted, failed, updated
from mongo_world import (NONE, UNREACHABLE, Driver, harness, require, row)

RETRYABLE = ["RetryableWriteError"]


def codes(rows):
    return [r["code"] for r in rows]


def written(script, rows, replica=True, **options):
    """Write; what came of each row, and the server."""
    with Scripted({"update": script}, replica) as s, \
            Driver(s.uri, **options) as d:
        said = codes(d.write(rows))
        require(s.left("update") == 0, "the server was not asked for all:",
                s.asked)
        return said, s.commands("update")


def record(n):
    """Only a call record: one command."""
    return {**row(n), "campaign": ""}


def test_a_write_asks_for_majority_journal_and_a_limit(box):
    said, asked = written([], [row(1)])
    require(said == [NONE], said)
    require([c["update"] for c in asked] ==
            ["callrecords", "campaigns", "campaigns"], asked)
    for c in asked:
        require(c["writeConcern"] ==
                {"w": "majority", "wtimeout": 10000, "j": True}, c)
        require(c["ordered"] is False and "txnNumber" in c, c)


def test_the_server_hears_who_it_is(box):
    with Scripted() as s, Driver(s.uri) as d:
        require(d.ask(do="ping")["replicated"], "no replica set was seen")
        names = [h["client"]["application"]["name"]
                 for h in s.hellos if "client" in h]
        require(names and set(names) == {"dsrun"}, s.hellos)


def test_a_server_alone_gets_no_transaction_number(box):
    said, asked = written([], [record(1)], replica=False)
    require(said == [NONE] and "txnNumber" not in asked[0], asked)


def test_a_retryable_error_is_retried_once_with_the_same_number(box):
    said, asked = written([failed(189, labels=RETRYABLE), updated(1)],
                          [record(1)])
    require(said == [NONE], said)
    require(len(asked) == 2 and asked[0]["txnNumber"] == asked[1]["txnNumber"],
            asked)


def test_twice_retryable_is_for_later(box):
    said, asked = written([failed(189, labels=RETRYABLE)] * 2,
                          [record(1), record(2)])
    require(said == [UNREACHABLE] * 2, said)


def test_an_unknown_code_with_a_label_is_for_later_without_final(box):
    said, _ = written([failed(4711, labels=RETRYABLE)] * 2, [record(1)])
    require(said == [UNREACHABLE], said)
    said, _ = written([failed(4711)] * 2, [record(1)])
    require(said == ["ERR_REJECTED"], said)


def test_stepping_down_is_for_later_and_the_next_try_finds_the_primary(box):
    with Scripted({"update": [failed(10107)]}) as s, Driver(s.uri) as d:
        require(codes(d.write([record(1)])) == [UNREACHABLE], s.asked)
        harness.wait_for(lambda: codes(d.write([record(1)])) == [NONE], 20,
                         "the primary")


def test_write_concern_not_met_is_for_later(box):
    said, _ = written([updated(2, concern=64)], [record(1), record(2)])
    require(said == ["ERR_TIMEOUT"] * 2, said)


def test_write_concern_not_met_beside_a_write_error_is_for_later(box):
    said, _ = written([updated(1, (0, 121), concern=64)],
                      [record(1), record(2)])
    require(said == ["ERR_TIMEOUT"] * 2, said)


def test_a_write_concern_nobody_knows_is_a_fault_of_the_setup(box):
    said, _ = written([updated(1, concern=79)], [record(1)])
    require(said == ["ERR_CONFIG"], said)


def test_refused_rights_are_a_fault_of_the_setup(box):
    said, _ = written([failed(13, "not authorized")],
                      [record(1), record(2)])
    require(said == ["ERR_CONFIG"] * 2, said)


def test_one_document_refused_in_a_bulk_is_that_row_only(box):
    said, asked = written([updated(2, (1, 121), upserted=(0, 2))],
                          [record(1), record(2), record(3)])
    require(said == [NONE, "ERR_REJECTED", NONE], said)
    require(len(asked) == 1, asked)


def test_duplicate_keys_are_done_again_as_plain_updates(box):
    said, asked = written(
        [updated(1, (0, 11000), (2, 11000)), updated(0)],
        [record(1), record(2), record(3)])
    require(said == [NONE] * 3, said)
    require([u["q"]["_id"] for u in asked[1]["updates"]] ==
            [asked[0]["updates"][i]["q"]["_id"] for i in (0, 2)], asked)
    require(not any(u.get("upsert") for u in asked[1]["updates"]), asked)


def of_campaigns(script, rows):
    """The commands on campaigns, when those on records are all right."""
    said, asked = written([updated(len(rows))] + script, rows)
    require(said == [NONE] * len(rows), said)
    return asked[1:]


def test_a_campaign_that_is_made_is_left_at_that(box):
    ids = [{"campaign": "6" * 24}, {"campaign": "summer"}, {"campaign": "b"}]
    rows = [{**row(n), **c} for n, c in enumerate(ids)]
    made = {0: Id(b"\x66" * 12), 1: "summer"}
    asked = of_campaigns([updated(3, upserted=made), updated(1)], rows)
    require([u["q"]["_id"] for u in asked[1]["updates"]] == ["b"] * len(
        asked[1]["updates"]), asked)
    made[2] = "b"
    asked = of_campaigns([updated(3, upserted=made)], rows)
    require(len(asked) == 1, "a campaign just made was written again", asked)


def test_a_campaign_is_made_only_if_the_answer_proves_it(box):
    rows = [{**row(n), "campaign": str(n)} for n in range(2)]
    for said in (updated(2, upserted={0: "1", 1: "0"}),  # wrong places
                 updated(2, upserted={0: 0, 1: Id(b"0" * 12)}),
                 updated(1, upserted={0: "0"}),  # and the other?
                 updated(2, upserted={2: "0", -1: "1"})):
        asked = of_campaigns([said], rows)
        require({u["q"]["_id"] for u in asked[1]["updates"]} == {"0", "1"},
                "believed", said, asked)


def test_a_server_that_stops_at_the_first_error_is_asked_one_by_one(box):
    said, asked = written(
        [updated(1, (0, 121)),  # the second failed, says FerretDB
         updated(1), updated(0, (0, 121)), updated(1), updated(1)],
        [record(n) for n in range(4)])
    require(said == [NONE, "ERR_REJECTED", NONE, NONE], said)
    require([len(c["updates"]) for c in asked] == [4, 1, 1, 1, 1], asked)


def test_one_by_one_a_duplicate_is_a_plain_update(box):
    said, asked = written(
        [updated(1, (0, 121)), updated(0, (0, 11000)), updated(0),
         updated(1)],
        [record(1), record(2)])
    require(said == [NONE] * 2, said)
    require([c["updates"][0].get("upsert", False) for c in asked[1:]] ==
            [True, False, True], asked)


def test_a_command_refused_whole_does_not_take_the_innocent_along(box):
    said, _ = written([failed(10334, "too large"), failed(10334, "too large"),
                       updated(1)],
                      [record(1), record(2)])
    require(said == ["ERR_REJECTED", NONE], said)


def test_lost_in_the_middle_of_singles_the_rest_is_for_later(box):
    said, _ = written([updated(1, (0, 121)), updated(1), CUT, CUT],
                      [record(n) for n in range(3)])
    require(said == [UNREACHABLE] * 3, said)


def test_another_unique_index_of_theirs_is_final(box):
    said, _ = written([updated(0, (0, 11000)), updated(0, (0, 11000)),
                       updated(0, (0, 11000))], [record(1)])
    require(said == ["ERR_EXISTS"], said)


def test_half_an_answer_is_for_later_and_then_it_goes_on(box):
    with Scripted({"update": [HALF, HALF]}) as s, Driver(s.uri) as d:
        require(codes(d.write([record(1)])) == [UNREACHABLE], s.asked)
        harness.wait_for(lambda: codes(d.write([record(1)])) == [NONE], 20,
                         "the server")


def test_a_cut_connection_is_retried_by_the_driver_once(box):
    said, asked = written([CUT, updated(1)], [record(1)])
    require(said == [NONE] and len(asked) == 2, said, asked)


def test_a_hanging_server_is_left_after_the_socket_timeout(box):
    began = time.monotonic()
    said, _ = written([HANG, HANG], [record(1), record(2)])
    took = time.monotonic() - began
    require(said == [UNREACHABLE] * 2, said)
    require(took < 10, "it took", took, "s for 700 ms and one retry")


def test_a_bulk_is_cut_where_the_options_say(box):
    said, asked = written([], [record(n) for n in range(7)], bulk_ops=3)
    require(said == [NONE] * 7, said)
    require([len(c["updates"]) for c in asked] == [3, 3, 1], asked)


def test_17_mb_are_refused_before_they_are_sent(box):
    rows = [record(1), record(2) | {"decline_reason": "x" * (17 << 20)},
            record(3)]
    said, asked = written([], rows)
    require(said == [NONE, "ERR_MALFORMED", NONE], said)
    require([len(c["updates"]) for c in asked] == [2], "it was sent")


def test_the_sink_says_who_is_to_blame(box):
    with Scripted({"update": [updated(2, (1, 112)), failed(13)]}) as s, \
            Driver(s.uri) as d:
        rows = [record(n) for n in range(3)]
        said = d.ask(do="push", rows=rows)["rows"]
        require([(r["code"], r["blame"]) for r in said] ==
                [(NONE, False), ("ERR_BUSY", False), (NONE, False)], said)
        said = d.ask(do="push", rows=rows[:1])["rows"]
        require([(r["code"], r["blame"]) for r in said] ==
                [("ERR_CONFIG", True)], said)


def test_after_a_bulk_that_failed_the_next_are_smaller(box):
    with Scripted({"update": [updated(500, concern=64)]}) as s, \
            Driver(s.uri) as d:
        rows = [record(n) for n in range(1600)]
        said = codes(d.ask(do="push", rows=rows)["rows"])
        require(said == ["ERR_TIMEOUT"] * 500 + [NONE] * 1100, set(said))
        sizes = [len(c["updates"]) for c in s.commands("update")]
        require(sizes == [500, 125, 250, 500, 225], sizes)


def test_a_bulk_is_blamed_once(box):
    """Five of them in a minute open a breaker, and not five rows of one."""
    with Scripted({"update": [updated(20, concern=64)]}) as s, \
            Driver(s.uri) as d:
        rows = [record(n) for n in range(20)]
        said = d.ask(do="push", rows=rows)["rows"]
        require([(r["code"], r["blame"]) for r in said] ==
                [("ERR_TIMEOUT", True)] * 20, said)
        require([r["echo"] for r in said] == [False] + [True] * 19, said)


def test_a_read_that_fails_is_translated_too(box):
    with Scripted({"find": [failed(13435), failed(13435), failed(13)]}) as s, \
            Driver(s.uri) as d:
        ask = {"do": "read", "collection": 0, "id": "c"}
        require(d.ask(**ask)["code"] == UNREACHABLE, s.asked)
        harness.wait_for(
            lambda: d.ask(**ask)["code"] == "ERR_CONFIG", 20, "the answer")
        require(d.ask(**ask)["code"] == "ERR_NOT_FOUND", s.asked)


if __name__ == "__main__":
    harness.main()
