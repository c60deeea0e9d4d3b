#!/usr/bin/python3
"""replay: a call once more, offline, and --redial: a call again."""
import json

import filled
import harness
import oracle
from filled import BUSY, HUMAN, VOICEMAIL, job
from harness import require


def replay(box, *args, exit=0):
    return box.run("replay", "--job", "a", *args, "--json").expect(
        exit).json("replay")


def called(box, *rows):
    """At a speed at which nobody loses patience with a busy machine."""
    filled.configure(box, sim={"speed": 200})
    filled.enqueue(box, *rows)
    box.run("drain").expect(0)


def files(document):
    return {f["kind"]: f["state"] for f in document["files"]}


def rewrite(path, change):
    path.chmod(0o600)
    path.write_bytes(change(path.read_bytes()))


def test_a_call_goes_the_same_way_again(box):
    called(box, job("a"))
    before = box.calls()
    document = replay(box)
    require(document["same"] is True and document["ok"], document)
    require(document["events"] > 3, "hardly a conversation")
    require(set(files(document).values()) == {"same"} and
            len(document["files"]) == 3, document["files"])
    names = [e["event"] for e in document["timeline"]]
    require(names[0] == "ARM" and names[-1] == "END", names)
    text = box.run("replay", "--job", "a").expect(0).out
    require(text.index("ARM") < text.index("the same effects"),
            "the timeline comes first")
    require(box.calls() == before, "somebody was called")


def test_another_script_gives_a_clear_difference(box):
    called(box, job("a"))
    filled.configure(box, sim={"speed": 200}, kind={"script": {
        "greeting": "Good morning.", "voicemail": "Never mind.",
        "goodbye": "Bye."}})
    document = replay(box, exit=1)
    require(document["same"] is False and not document["ok"], document)
    require("the script is another one" in document["difference"] and
            "now" in document["difference"], document["difference"])
    box.run("replay", "--job", "a").expect(1, out="DIFFERENT")


def test_a_recording_that_was_changed_is_told(box):
    called(box, job("a"))
    rewrite(box.data / "recordings" / "1-1.ul2", lambda b: b[:-1] + b"\0")
    require(files(replay(box, exit=1))["recording"] == "different")
    (box.data / "recordings" / "1-1.ul2").unlink()
    require(files(replay(box, exit=1))["recording"] == "missing")


def test_a_conversation_that_was_changed_is_told(box):
    called(box, job("a"))
    path = box.data / "recordings" / "1-1.talk.jsonl"
    rewrite(path, lambda b: b.replace(b'"do":"say"', b'"do":"cry"', 1))
    document = replay(box, exit=1)
    require(files(document)["talk"] == "different" and
            document["same"] is False and document["difference"], document)
    path.unlink()
    document = replay(box, exit=1)
    require(document["same"] is None and "gone" in document["why"], document)


def test_without_a_conversation_there_is_nothing_to_replay(box):
    called(box, job("a", BUSY))
    document = replay(box)
    require(document["same"] is None and document["files"] == [] and
            document["ok"], document)
    box.run("replay", "--job", "a").expect(0, out="no conversation")


def test_the_attempt_is_named(box):
    filled.configure(box, kind={"retry": {"max_attempts": 2,
                                          "busy": {"after": "1m"}}})
    filled.enqueue(box, job("a", BUSY), job("b", VOICEMAIL,
                            notBefore="2027-02-01T17:00:00Z"))
    box.run("drain", "--wait", "1h").expect(0)
    require(replay(box)["attempt"] == 2)
    require(replay(box, "--attempt", "1")["attempt"] == 1)
    box.run("replay", "--job", "a", "--attempt", "3").expect(
        1, err="it had 2")
    box.run("replay", "--job", "b").expect(1, err="not called yet")
    box.run("replay", "--job", "nobody").expect(1, err="no job")
    box.run("replay").expect(2, err="--job")


def test_a_redial_is_meant_and_goes_through_all_rules(box):
    filled.configure(box, kind={"limits": {"max_call": "2m", "ring": "20s",
                                           "min_gap": "2h"}})
    filled.enqueue(box, job("a"))
    box.run("drain").expect(0)
    box.run("replay", "--job", "a", "--redial").expect(2, err="--by")
    box.run("replay", "--job", "a", "--redial", "--by", "ana").expect(
        2, err="--yes")
    r = box.pty("replay", "--job", "a", "--redial", "--by", "ana",
                answers=[("[y/N]", "n\n")])
    require(r.exit == 1 and HUMAN in r.out, r.out)
    require(len(box.results()) == 1)
    r = box.pty("replay", "--job", "a", "--redial", "--by", "ana",
                answers=[("[y/N]", "y\n")])
    require(r.exit == 0 and "QUEUED" in r.out, r.out)
    box.run("drain").expect(0)
    require(len(box.results()) == 1, "called within min_gap")
    box.run("drain", "--wait", "3h").expect(0)
    require([r["revision"] for r in box.results()] == [1, 2])
    oracle.require_kept(box.data)
    box.run("check").expect(0)


def test_a_redial_is_one_call_whatever_comes_of_it(box):
    filled.configure(box, kind={
        "limits": {"max_call": "2m", "ring": "20s", "min_gap": "0",
                   "per_number_per_day": 0},
        "retry": {"max_attempts": 5, "busy": {"after": "1m"}}})
    filled.enqueue(box, job("a", VOICEMAIL))
    box.run("drain").expect(0)
    filled.alter(box, "UPDATE person SET number=%s,sum=NULL" % BUSY[1:])
    r = box.run("replay", "--job", "a", "--redial", "--by", "ana", "--yes",
                "--json").expect(0).json("decision")
    require(r["jobs"][0]["state"] == "QUEUED", r)
    box.run("drain", "--wait", "1h").expect(0)
    require([r["revision"] for r in box.results()] == [1, 2] and
            box.results()[1]["outcome"] == "busy", json.dumps(box.results()))
    box.run("retry", "a", "--by", "ana").expect(0)
    box.run("drain", "--wait", "1h").expect(0)
    placed = [c for c in box.calls() if c["ev"] == "placed"]
    require(len(placed) == 2 + 5, "a retry has its ladder:", len(placed))
    box.run("check").expect(0)


if __name__ == "__main__":
    harness.main()
