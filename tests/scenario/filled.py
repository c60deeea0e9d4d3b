"""A box that has called somebody: what tests of looking and deciding share."""
import json
import sqlite3

import harness
from harness import ROOT

# Numbers of the sample network at which always the same one answers.
HUMAN, TREE, VOICEMAIL = "+12025550101", "+12025550103", "+12025550104"
BUSY, NO_ANSWER, BAD = "+12025550105", "+12025550106", "+12025550107"

KIND = {
    "from": "+15125550100",
    "limits": {"max_call": "2m", "ring": "20s", "min_gap": "0"},
    "windows": {"zone": "contact", "mon-fri": "08:00-21:00", "sat": "none",
                "sun": "none", "holidays": "none"},
    "script": {"greeting": "Hello, this is {{agent.name}}.",
               "goodbye": "Goodbye."},
    "agent": {"name": "Sarah", "company": "DocShield"},
}


def steady(box):
    """The sample network without its chances: keys, and so what was drawn,
    would be others in each run, and now and then a human declines."""
    for f in sorted((ROOT / "fixtures" / "personas").glob("*.yaml")):
        box.write("personas/" + f.name, "".join(
            line for line in f.read_text().splitlines(True)
            if "- chance:" not in line))
    return str(box.path("personas"))


def configure(box, sim=None, kind=None, **more):
    """A Tuesday noon in New York, five thousand times as fast."""
    settings = {"speed": 5000, "start": "2027-01-05T17:00:00Z",
                "personas": steady(box)}
    box.config({"dir": "data", "default_kind": "call",
                "speech_dir": str(ROOT / "fixtures" / "speech"),
                "rules_dir": str(ROOT / "rules"),
                "disk": {"ballast": "0"},
                "carrier": {"use": "sim", "sim": {**settings, **(sim or {})}},
                **more}, call={**KIND, **(kind or {})})


def job(name, phone=HUMAN, zone="America/New_York", **more):
    return {"id": name, "phone": phone,
            "contact": {"first_name": "Maria", "timezone": zone}, **more}


def enqueue(box, *rows):
    box.jobs("jobs.jsonl", rows)
    box.run("enqueue", "jobs.jsonl").expect(0)


def called(box, *rows, exit=0):
    """Configured, with these jobs, all called."""
    configure(box)
    enqueue(box, *rows)
    box.run("drain").expect(exit)


def parked(box, *rows):
    """A carrier that can never say what became of a request."""
    configure(box, sim={"class": "blind", "faults": {"answer_lost": 1}})
    enqueue(box, *rows)
    box.run("drain").expect(4)


def ids(document, key="jobs"):
    return [row["id"] for row in document[key]]


def alter(box, sql):
    """What no command can bring about; nothing else may be running."""
    db = sqlite3.connect(box.data / "journal.db")
    with db:
        db.executescript(sql)
    db.close()


def error_of(result, code):
    """The error document of a run with --json."""
    error = result.json("error")["error"]
    harness.require(error["code"] == code, "code", error["code"],
                    "instead of", code)
    harness.require(json.dumps(error), "no error")
    return error
