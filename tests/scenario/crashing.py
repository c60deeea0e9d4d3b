"""What the crash tests share: a small box of jobs, and the promise."""
import json
import sqlite3

import oracle
from harness import ROOT, require

# Numbers of the sample network that always answer, each in another way:
# somebody, a receptionist, a voicemail.
PEOPLE = ["+12025550101", "+12025550102", "+12025550104"]

KIND = {
    "carrier": "sim",
    "model": "scripted",
    "from": "+15125550100",
    "limits": {"max_call": "2m", "ring": "30s", "min_gap": "0"},
    "windows": {"zone": "America/New_York", "mon-fri": "08:00-21:00",
                "sat": "none", "sun": "none", "holidays": "none"},
    "retry": {"max_attempts": 2, "no-answer": {"after": "1m"},
              "busy": {"after": "1m"}},
    "script": {"greeting": "Hello, this is {{agent.name}}.",
               "voicemail": "Please call us back.", "goodbye": "Goodbye."},
    "agent": {"name": "Sarah", "company": "DocShield"},
}

FAULTS = {"request_lost": 0.05, "answer_lost": 0.05,
          "error_after_place": 0.05, "slow": 0.05, "slow_ms": 3000,
          "callback_duplicate": 0.05, "callback_late": 0.05,
          "callback_late_ms": 5000}


def configure(box, cls="named", faults=None, sim=None, **more):
    settings = {"speed": 1000, "start": "2027-01-05T17:00:00Z", "class": cls,
                "personas": str(ROOT / "fixtures" / "personas")}
    if faults:
        settings.update({"faults": faults, "settle_ms": 6000})
    settings.update(sim or {})
    # Attempt keys, and so the chances of the network, are the same each time.
    box.config({"dir": "data", "default_kind": "k", "key_prefix": "test",
                "speech_dir": str(ROOT / "fixtures" / "speech"),
                "rules_dir": str(ROOT / "rules"),
                "carrier": {"use": "sim", "sim": settings},
                "disk": {"ballast": "0"}, **more}, k=KIND)


def people(box, count=3):
    box.jobs("jobs.jsonl", [
        {"id": "job-%d" % i, "phone": PEOPLE[i] if i < 3 else
         "+1212555%04d" % (200 + i), "campaignId": "c"}
        for i in range(count)])


def tally(box):
    """Jobs by state, from the closed journal."""
    db = sqlite3.connect("file:%s?mode=ro" % (box.data / "journal.db"),
                         uri=True)
    try:
        names = ["QUEUED", "READY", "HELD", "DONE", "FAILED", "EXPIRED",
                 "CANCELLED", "PARKED"]
        return {names[s]: n for s, n in
                db.execute("SELECT state, n FROM tally")}
    finally:
        db.close()


def recover(box, wait="30m", tries=3):
    """Run until every job is final or PARKED, with all faults off."""
    for _ in range(tries):
        r = box.run("drain", "--wait", wait, "--quiet")
        require(r.exit in (0, 3, 4), "recovery ends with", r.exit, r.err)
        now = tally(box)
        if now["QUEUED"] + now["READY"] + now["HELD"] == 0:
            return now
    require(False, "after recovery jobs are left:", json.dumps(now))


def promise(box):
    """The network's log and the results: nothing rang twice or was lost."""
    broken = oracle.violations(box.calls(), box.results())
    require(not broken, "broken promises:", "; ".join(broken))
    r = box.run("check", "--json")
    document = r.json("check")
    bad = {k: v for k, v in document["invariants"].items()
           if v["ok"] is False}
    require(document["ok"] and not bad, "check says:", json.dumps(bad))
