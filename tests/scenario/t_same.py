#!/usr/bin/python3
"""The same jobs end the same way, however they are run.

A stream of jobs with all that can become of one (retries, voicemail, refusals,
opt-outs, caps, hours, a pause, an organisation of several numbers) is run with
the batches of intake, the queue, the pages of lists, concurrency, the number
of processes and the network's speed varied.  What each job comes to stands
beside it here, and must come of every run.

So that it can stand here, nothing in the stream hangs on chance or on time:
each number has its own callee, whose script waits as long as it takes, and the
delays and hours are minutes where a run lasts seconds.  What legitimately
differs from run to run, and is not compared: times, numbers of events and
rows, names of calls, order of results, lengths of recordings, and how often a
callee with `answer: limit` ("try later", which is no try) was asked.  A callee
that is drawn by weight would be the same too, for it is drawn from the
attempt's key, but might lose its patience with a busy machine.
"""
import collections

import harness
import oracle
from harness import ROOT, require

ANSWERS = {
    "accept": ("human", ["say: \"Hello?\"", "listen: 600s",
                         "say: \"Yes, that sounds good. Please go ahead.\"",
                         "listen: 600s", "hangup: completed"]),
    "decline": ("human", ["say: \"Hello?\"", "listen: 600s",
                          "say: \"No, thank you. We are not interested.\"",
                          "listen: 600s", "hangup: completed"]),
    "optout": ("human", ["say: \"Hello?\"", "listen: 600s",
                         "say: \"Please take me off your list and do not call "
                         "again.\"", "listen: 600s", "hangup: completed"]),
    "puts-down": ("human", ["say: \"Yes?\"", "pause: 1500ms",
                            "hangup: hangup"]),
    "machine": ("machine", [
        "say: \"You have reached Riverside Medical Clinic. Our office is "
        "closed. Please leave a message after the tone.\"", "pause: 700ms",
        "beep: {hz: 1000, for: 500ms}", "record: {for: 60s, silence: 6s}",
        "hangup: voicemail"]),
    "in-use": ("busy", None), "rings-on": ("none", None),
    "broken": ("failed", None), "wrong": ("bad-number", None),
    "turned-down": ("rejected", None), "at-once": ("instant", None),
}
NAMES = list(ANSWERS)


def persona(name):
    answer, script = ANSWERS[name]
    text = ("name: %s\nnumbers: [\"+1202556%02d*\"]\nanswer: %s\n"
            "ring: 1s..2s\npatience: 600s\n" %
            (name, NAMES.index(name), answer))
    if name == "machine":
        text += "outcome: voicemail\n"
    if script:
        text += "script:\n  start:\n" + "".join("    - %s\n" % s
                                                for s in script)
    return text


def number(name, n):
    return "+1202556%02d%02d" % (NAMES.index(name), n)


KIND = {
    "from": "+15125550100",
    "limits": {"max_call": "30m", "ring": "20s", "min_gap": "0",
               "per_number_per_day": 0},
    "windows": {"zone": "contact", "mon-fri": "08:00-21:00", "sat": "none",
                "sun": "none", "holidays": "none"},
    "retry": {"max_attempts": 3, "busy": {"after": "1m"},
              "no-answer": {"after": "2m", "factor": 2},
              "voicemail": {"after": "1m"}, "refused": {"after": "1m"}},
    "script": {"greeting": "Hello, this is {{agent.name}}.",
               "voicemail": "Please call us back.", "goodbye": "Goodbye."},
    "agent": {"name": "Sarah", "company": "DocShield"},
}
CAPPED = {**KIND, "limits": {**KIND["limits"], "per_number_per_day": 2}}
ONCE = {**KIND, "retry": {"max_attempts": 1}}
NEW_YORK = {"timezone": "America/New_York"}


def job(name, phone, **more):
    return {"id": name, "phone": phone, "kind": "same", "campaignId": "spring",
            "contact": NEW_YORK, **more}


# (job, its state, why, its last outcome, its calls)
STREAM = [
    (job("accept-%d" % i, number("accept", i), priority=i % 3,
         campaignId=("spring", "summer")[i % 2]),
     "DONE", None, "completed", 1) for i in range(4)
] + [
    (job("decline-1", number("decline", 1)), "DONE", None, "completed", 1),
    (job("puts-down", number("puts-down", 1)), "DONE", None, "hangup", 1),
    (job("at-once-1", number("at-once", 1)), "DONE", None, "completed", 1),
    (job("at-once-2", number("at-once", 2), campaignId="summer"),
     "DONE", None, "completed", 1),
    # The ladder.
    (job("machine-1", number("machine", 1)),
     "DONE", "exhausted", "voicemail", 3),
    (job("machine-2", number("machine", 2), kind="once"),
     "DONE", None, "voicemail", 1),
    (job("in-use-1", number("in-use", 1)), "DONE", "exhausted", "busy", 3),
    (job("in-use-2", number("in-use", 2), campaignId="summer"),
     "DONE", "exhausted", "busy", 3),
    (job("in-use-3", number("in-use", 3), kind="once"),
     "DONE", None, "busy", 1),
    (job("rings-on-1", number("rings-on", 1)),
     "DONE", "exhausted", "no-answer", 3),
    (job("broken-1", number("broken", 1)), "DONE", None, "failed", 1),
    (job("wrong-1", number("wrong", 1)), "FAILED", "refused", "refused", 1),
    (job("turned-down-1", number("turned-down", 1)),
     "FAILED", "exhausted", "refused", 3),
    # One number, several jobs: in the order they came, one at a time.
    (job("optout-1", number("optout", 1)), "DONE", None, "completed", 1),
    (job("optout-2", number("optout", 1)), "FAILED", "opt-out", None, 0),
    (job("capped-1", number("accept", 8), kind="capped"),
     "DONE", None, "completed", 1),
    (job("capped-2", number("accept", 8), kind="capped"),
     "DONE", None, "completed", 1),
    (job("capped-3", number("accept", 8), kind="capped"),
     "QUEUED", "cap", None, 0),
    (job("capped-4", number("in-use", 8), kind="capped"),
     "QUEUED", "cap", "busy", 2),
    # One organisation, one call at a time.
    (job("org-1", number("accept", 5), org="clinic"),
     "DONE", None, "completed", 1),
    (job("org-2", number("in-use", 5), org="clinic"),
     "DONE", "exhausted", "busy", 3),
    (job("org-3", number("at-once", 5), org="clinic", campaignId="summer"),
     "DONE", None, "completed", 1),
    # Not now, or not at all.
    (job("listed", number("accept", 9)), "FAILED", "do-not-call", None, 0),
    (job("later", number("accept", 6), notBefore="2027-01-06T17:00:00Z"),
     "QUEUED", "not-before", None, 0),
    (job("night", number("accept", 7), contact={"timezone": "Asia/Tokyo"}),
     "QUEUED", "window", None, 0),
    (job("too-late", number("decline", 2), expiresAt="2027-01-05T17:00:00Z"),
     "EXPIRED", "expired", None, 0),
    (job("paused-1", number("accept", 6), campaignId="winter"),
     "READY", None, None, 0),
    (job("taken-back", number("accept", 6)),
     "CANCELLED", "cancelled", None, 0),
]
ROWS = [row[0] for row in STREAM]
ENDS = {row["id"]: tuple(rest) for row, *rest in STREAM}
FINAL = ("DONE", "FAILED", "EXPIRED", "CANCELLED")
HEARD = {"accept": ("human", "no_decision"), "decline": ("human", "declined"),
         "optout": ("human", "opt_out"), "puts-down": ("human", None),
         "machine": ("machine", None)}


def configure(box, speed=200, concurrency=30, queue=4096, checkpoint="16MB"):
    for name in NAMES:
        box.write("personas/%s.yaml" % name, persona(name))
    box.config({
        "dir": "data", "key_prefix": "test",
        "speech_dir": str(ROOT / "fixtures" / "speech"),
        "rules_dir": str(ROOT / "rules"),
        "disk": {"ballast": "0", "checkpoint": checkpoint},
        "limits": {"concurrency": concurrency, "queue": queue},
        "carrier": {"use": "sim", "sim": {
            "speed": speed, "start": "2027-01-05T17:00:00Z",
            "personas": str(box.path("personas"))}},
    }, same=KIND, capped=CAPPED, once=ONCE)


def take_in(box, batch=None, spool=False):
    """All jobs, so many at a time; a line twice, and one that is another job
    under a known id, change nothing."""
    for at in range(0, len(ROWS), batch or len(ROWS)):
        rows = ROWS[at:at + (batch or len(ROWS))]
        if spool:
            name = "data/spool/%04d.jsonl" % at
            box.jobs(name + ".part", rows)
            box.path(name + ".part").rename(box.path(name))
            continue
        r = box.run("enqueue", box.jobs("jobs.jsonl", rows[:1] + rows))
        r.expect(0, out="added %d, known 1, refused 0" % len(rows))
    if not spool:
        other = dict(ROWS[0], phone=number("decline", 9))
        box.run("enqueue", box.jobs("other.jsonl", [other])).expect(
            3, out="refused 1")


def prepare(box, batch=None, spool=False, **settings):
    configure(box, **settings)
    box.run("init").expect(0)
    box.run("dnc", "add", number("accept", 9)).expect(0)
    if spool:
        box.jobs("jobs.jsonl", [ROWS[-1], ROWS[-2]])
        box.run("enqueue", "jobs.jsonl").expect(0)
    take_in(box, batch, spool)
    box.run("cancel", "taken-back").expect(0)
    box.run("pause", "--campaign", "winter", "--reason", "x").expect(0)


def run(box, processes=1, **settings):
    prepare(box, **settings)
    drains = [box.start("drain", "--wait", "30m", "--quiet")
              for _ in range(processes)]
    for drain in drains:
        require(drain.wait().exit in (0, 3), "a drain failed")
    box.run("sync").expect(0)


def listed(box, page=1000):
    """The whole list, page by page."""
    rows, after = [], ()
    while True:
        d = box.run("jobs", "--json", "--limit", page,
                    *after).expect(0).json("jobs")
        rows += d["jobs"]
        if d["next"] is None:
            return rows
        require(len(d["jobs"]) == page, "a short page in the middle")
        after = ("--after", d["next"])


def ends(box):
    return {j["id"]: (j["state"], j["reason"], j["outcome"], j["attempts"])
            for j in listed(box)}


def same(box):
    """Every job came to what it must, in the journal, at the network and in
    the results."""
    jobs = ends(box)
    other = {name: (jobs.get(name), end) for name, end in ENDS.items()
             if jobs.get(name) != end}
    require(not other and len(jobs) == len(ENDS), "ended otherwise:", other)
    calls = collections.Counter(c["to"] for c in box.calls()
                                if c["ev"] == "request")
    want = collections.Counter()
    for row in ROWS:
        want[row["phone"]] += ENDS[row["id"]][3]
    require(calls == +want, "other calls:", calls - want, want - calls)
    results = {}
    for r in box.results():
        require(r["job"]["id"] not in results, "twice:", r)
        results[r["job"]["id"]] = r
    require(set(results) == {n for n, end in ENDS.items()
                             if end[0] in FINAL}, "other results")
    for name, r in results.items():
        state, _, outcome, attempts = ENDS[name]
        require((r["state"], r["outcome"], r["attempts"], r["revision"]) ==
                (state, outcome, attempts, 1), "another result:", r)
        heard = HEARD.get(name.rsplit("-", 1)[0] if name != "puts-down" else
                          name)
        if heard and r["call"]:
            require((r["call"]["answeredBy"], r["call"]["declineReason"]) ==
                    heard and r["recording"] and r["transcript"],
                    "another conversation:", r)
    listed_numbers = [n["phone"] for n in box.run(
        "dnc", "list", "--json").json("dnc_list")["numbers"]]
    require(sorted(listed_numbers) == sorted(
        [number("accept", 9), number("optout", 1)]), listed_numbers)
    oracle.require_kept(box.data)
    box.run("check").expect(0)


def test_one_drain_at_leisure(box):
    run(box, speed=100)
    same(box)
    # However long the pages of a list are, it is the same list.
    whole = listed(box)
    for page in (1, 7, 32, 33):
        require(listed(box, page) == whole, "pages of", page)
    # Another end would have been seen.
    box.run("retry", "at-once-1", "--by", "ana").expect(0)
    box.run("drain", "--wait", "1m", "--quiet").expect(0)
    try:
        same(box)
    except harness.Failure as e:
        require("ended otherwise" in str(e), e)
    else:
        require(False, "a second call of at-once-1 is not seen")


def test_one_call_at_a_time(box):
    run(box, speed=400, concurrency=1, queue=16)
    same(box)


def test_five_calls_at_a_time_taken_in_one_by_one(box):
    run(box, concurrency=5, batch=1)
    same(box)


def test_fifty_calls_at_a_time_through_a_short_queue(box):
    run(box, speed=400, concurrency=50, queue=16, batch=7,
        checkpoint="256KB")
    same(box)


def test_two_processes_of_fifty(box):
    run(box, processes=2, concurrency=50, batch=10)
    same(box)


def test_four_processes_one_call_between_them(box):
    run(box, processes=4, speed=400, concurrency=1, queue=16)
    same(box)


def test_two_workers_until_they_are_stopped(box):
    prepare(box, concurrency=5)
    workers = [box.start("worker", "--quiet") for _ in range(2)]
    harness.wait_for(lambda: ends(box) == ENDS, 40, "every job's end")
    for worker in workers:
        worker.terminate()
        require(worker.wait().exit in (0, 3), "a worker failed")
    box.run("sync").expect(0)
    same(box)


def test_four_processes_and_a_spool(box):
    run(box, processes=4, concurrency=5, spool=True, batch=5)
    same(box)


if __name__ == "__main__":
    harness.main()
