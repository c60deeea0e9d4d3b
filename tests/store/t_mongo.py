#!/usr/bin/python3
"""pkg/mongo and the sink against MongoDBs that others wrote: what updates mean
(mongo-java-server), SCRAM, TLS, kill and restart (FerretDB), and Mongoose as
the reader."""
import json
import random
import subprocess
import time

from mongo_world import (  # noqa: F401
    BOOKED, CALL_RECORD, CAMPAIGN, COMPLETED, CONTACT, DECLINED, FAILED,
    IN_PROGRESS, KEY, NONE, UNREACHABLE, Cutter, Driver, Later, campaign_id,
    dump, ferretdb, harness, java_server, node, peer, require, row, wait_for,
    without_times)

INDEXES = {
    "campaigns": {"contact_1", "batch_1_status_1",
                  "status_1_lastCompletedDate_1", "lastCompletedDate_1"},
    "callrecords": {"callTime_1", "campaign_1_callTime_1"},
    "contacts": {"phone_1"},
}


def same(a, b, what):
    if a == b:
        return
    for name in a:
        for x, y in zip(a[name], b[name]):
            require(x == y, what, name, "\n", x, "\n", y)
        require(len(a[name]) == len(b[name]), what, name, "has",
                len(a[name]), "and", len(b[name]))


# --- what updates mean ---

def test_everything_written_twice_changes_nothing(box):
    rows = [row(n, n % 3, status=BOOKED if n == 4 else IN_PROGRESS)
            for n in range(9)]
    rows += [{**row(20, 1), "call_id": "", "carrier": "", "completed_ms": 0},
             {**row(21), "campaign": ""}]
    with java_server() as s, Driver(s.uri) as d:
        d.must_write(rows)
        first = dump(s)
        require([len(c["callHistory"]) for c in first["campaigns"]] ==
                [3, 3, 3] and len(first["callrecords"]) == 10, first)
        d.must_write([{**r, "now_ms": 1} for r in rows])
        same(first, dump(s), "after the second time")
        for r in rows:
            d.must_write([{**r, "now_ms": 2}])
        same(first, dump(s), "after the third time, one by one")


def test_an_older_revision_after_a_newer_changes_nothing(box):
    older = row(1, revision=1, outcome="interrupted", now_ms=5)
    newer = row(1, revision=2, outcome="completed", status=COMPLETED,
                meeting={"at": "x"})
    newest = row(1, revision=3, outcome="voicemail", status=COMPLETED)
    with java_server() as s, Driver(s.uri) as d:
        d.must_write([older])
        d.must_write([newest])
        after = dump(s)
        require(after["callrecords"][0]["outcome"] == "voicemail", after)
        require("meeting" not in after["callrecords"][0], after)
        entry, = after["campaigns"][0]["callHistory"]
        require(entry["outcome"] == "voicemail" and
                entry["rev"] == {"$numberInt": "3"}, entry)
        d.must_write([newer])
        d.must_write([older])
        same(after, dump(s), "after older ones")


def test_in_any_order_the_end_is_the_same(box):
    rows = [row(n, n % 2, revision=rev,
                outcome="completed" if rev == 2 else "hangup",
                status=(IN_PROGRESS, FAILED, BOOKED)[n % 3])
            for n in range(6) for rev in (1, 2)]
    states = []
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        with java_server() as s, Driver(s.uri, bulk_ops=seed + 1) as d:
            for i in range(0, len(rows), 5):
                d.must_write(rows[i:i + 5])
            states.append(without_times(dump(s)))
    same(states[0], states[1], "in another order")
    same(states[0], states[2], "in a third order")
    status = [c["status"] for c in states[0]["campaigns"]]
    require(status == ["booked", "booked"], status)


def test_two_writers_at_once_end_in_the_same_state(box):
    rows = [row(n, n % 7, revision=rev, outcome="r%d" % rev)
            for n in range(120) for rev in (1, 2)]

    def writer(uri, seed):
        mine = list(rows)
        random.Random(seed).shuffle(mine)
        with Driver(uri) as d:
            for i in range(0, len(mine), 30):
                d.must_write(mine[i:i + 30])

    with java_server() as s:
        for t in [Later(lambda n=n: writer(s.uri, n)) for n in range(3)]:
            t.get()
        together = without_times(dump(s))
    with java_server() as s, Driver(s.uri) as d:
        for r in range(0, len(rows), 30):
            d.must_write(rows[r:r + 30])
        same(without_times(dump(s)), together, "three at once")


def test_status_only_goes_forward_and_other_words_are_left_alone(box):
    with java_server() as s, Driver(s.uri) as d:
        steps = [(IN_PROGRESS, "in_progress"), (FAILED, "failed"),
                 (IN_PROGRESS, "failed"), (BOOKED, "booked"),
                 (DECLINED, "booked"), (COMPLETED, "booked")]
        for n, (status, want) in enumerate(steps):
            d.must_write([row(n, status=status)])
            got = dump(s)["campaigns"][0]["status"]
            require(got == want, n, got, "instead of", want)
        seeded = node("reader.js", s.uri, "seed")["campaign"]
        node("set.js", s.uri, seeded, '{"status": "paused by hand"}')
        d.must_write([{**row(50), "campaign": seeded, "status": BOOKED}])
        docs = {c["_id"]["$oid"]: c for c in dump(s)["campaigns"]}
        require(docs[seeded]["status"] == "paused by hand", docs[seeded])
        require(len(docs[seeded]["callHistory"]) == 1, docs[seeded])


def test_the_recording_of_a_campaign_is_that_of_its_last_call(box):
    with java_server() as s, Driver(s.uri) as d:
        for n in (3, 9, 5, 9, 1):
            d.must_write([row(n)])
        c = dump(s)["campaigns"][0]
        require(c["recordingUrl"] == "s3://b/9.wav" and
                c["lastCompletedStep"] == {"$numberInt": "9"}, c)


def test_a_campaign_that_cannot_take_it_is_that_row_only(box):
    with java_server() as s, Driver(s.uri) as d:
        d.must_write([row(n, n) for n in range(5)])
        node("set.js", s.uri, campaign_id(2), '{"callHistory": "no list"}')
        said = d.write([row(10 + n, n) for n in range(5)])
        require([r["code"] for r in said] ==
                [NONE, NONE, "ERR_REJECTED", NONE, NONE], said)
        sizes = [len(c["callHistory"]) for c in dump(s)["campaigns"]]
        require(sizes == [2, 2, len("no list"), 2, 2], sizes)


UNIQUE = """
import sys
from pymongo import MongoClient
uri, collection, field = sys.argv[1:]
MongoClient(uri).get_database()[collection].create_index(field, unique=True)
"""


def make_unique(s, collection, field):
    """As an owner of the database may, who knows nothing of dsrun."""
    subprocess.run([peer("pymongo") + "/python/bin/python", "-c", UNIQUE,
                    s.uri, collection, field], check=True, timeout=60)


def test_what_another_document_stands_in_the_way_of_is_told(box):
    """The same duplicate key as of a write that came before, and another
    thing: there the result is, here it never comes."""
    for rows in ([row(1), row(2)], [row(1)] + [row(n) for n in range(2, 9)]):
        with java_server() as s, Driver(s.uri) as d:
            make_unique(s, "callrecords", "outcome")
            said = d.write([{**r, "outcome": "busy", "campaign": ""}
                            for r in rows])
            require([r["code"] for r in said] ==
                    [NONE] + ["ERR_EXISTS"] * (len(rows) - 1), said)
            require("duplicate" in said[1]["text"] and
                    "outcome" in said[1]["text"], said[1])
            require(len(dump(s)["callrecords"]) == 1, dump(s))
        # The campaigns' own: two contacts have the same batch, none.
        with java_server() as s, Driver(s.uri) as d:
            make_unique(s, "campaigns", "batch")
            said = d.write([{**r, "campaign": campaign_id(n)}
                            for n, r in enumerate(rows)])
            require([r["code"] for r in said] ==
                    [NONE] + ["ERR_EXISTS"] * (len(rows) - 1), said)
            require(len(dump(s)["campaigns"]) == 1, dump(s))


def test_17_mb_are_refused_and_the_rest_is_written(box):
    with java_server() as s, Driver(s.uri) as d:
        said = d.write([row(1), row(2, decline_reason="x" * (17 << 20)),
                        row(3)])
        require([r["code"] for r in said] == [NONE, "ERR_MALFORMED", NONE],
                [r["code"] for r in said])
        require(len(dump(s)["callrecords"]) == 2, "the large one is there")


# --- reading ---

def test_a_campaign_and_its_contact_are_read_by_id(box):
    with java_server() as s, Driver(s.uri) as d:
        ids = node("reader.js", s.uri, "seed")
        c = d.ask(do="read", collection=CAMPAIGN, id=ids["campaign"])
        require(c["code"] == NONE and c["doc"]["contact"] == ids["contact"] and
                c["doc"]["threadId"] == "t-1", c)
        p = d.ask(do="read", collection=CONTACT, id=c["doc"]["contact"])
        require(p["doc"]["phone"] == "+12025550101" and
                p["doc"]["timezone"] == "America/New_York", p)
        r = d.ask(do="read", collection=CONTACT, id=ids["contact"], max=20)
        require(r["code"] == "ERR_MALFORMED", r)
        r = d.ask(do="read", collection=CONTACT, id=campaign_id(99))
        require(r["code"] == "ERR_NOT_FOUND" and campaign_id(99) in r["text"],
                r)
        r = d.ask(do="phone", phone="+12025550101")
        require(r["doc"]["_id"] == ids["contact"], r)
        r = d.ask(do="phone", phone="+12025550199")
        require(r["code"] == "ERR_NOT_FOUND" and "0199" not in r["text"], r)


def test_mongoose_reads_what_was_written_by_the_specifications_schema(box):
    with java_server() as s, Driver(s.uri) as d:
        ids = node("reader.js", s.uri, "seed")
        meeting = {"start": "2026-02-01T10:00:00Z", "attendees": ["a@b.org"]}
        d.must_write([
            {**row(1), "campaign": ids["campaign"]},
            {**row(2), "campaign": ids["campaign"], "status": BOOKED,
             "meeting": meeting, "decline_reason": ""}])
        got = node("reader.js", s.uri, ids["campaign"])
        c = got["campaign"]
        require(c["status"] == "booked" and c["lastCompletedStep"] == 2 and
                c["recordingUrl"] == "s3://b/2.wav", c)
        require(c["lastCompletedDate"] == {"date": "2026-01-05T09:02:00.000Z"},
                c)
        require(c["contact"]["phone"] == "+12025550101" and
                c["batch"]["sequence"]["name"] == "intro", c)
        require([e["record"]["callId"] for e in c["callHistory"]] ==
                ["sim-1", "sim-2"], c)
        first, second = got["records"]
        require(first["callTime"] == {"date": "2026-01-05T09:00:50.000Z"} and
                first["duration"] == 4.021 and first["cost"] == 0.00125 and
                first["campaign"] == {"id": ids["campaign"]}, first)
        require(second["meeting"] == meeting, second)
        require(got["owners"] == ["booked", "booked"], got)


def test_the_sink_writes_what_mongoose_reads(box):
    with java_server() as s, Driver(s.uri) as d:
        ids = node("reader.js", s.uri, "seed")
        rows = [{**row(n), "campaign": ids["campaign"], "final": int(n == 2)}
                for n in range(3)]
        said = d.ask(do="push", rows=rows)["rows"]
        require(all(r["code"] == NONE for r in said), said)
        c = node("reader.js", s.uri, ids["campaign"])["campaign"]
        require(c["status"] == "completed" and len(c["callHistory"]) == 3, c)


# --- indexes ---

def indexes_of(said, state):
    out = {}
    for i in said["indexes"]:
        if i["state"] == state:
            out.setdefault(i["collection"], set()).add(i["name"])
    return out


def check_indexes(d):
    require(indexes_of(d.ask(do="index"), "missing") == INDEXES,
            "what is missing at first")
    require(indexes_of(d.ask(do="index", make=True), "made") == INDEXES,
            "what was made")
    for make in (False, True):
        said = d.ask(do="index", make=make)
        require(indexes_of(said, "there") == INDEXES, said)


def test_indexes_are_missing_made_and_then_there(box):
    with java_server() as s, Driver(s.uri) as d:
        check_indexes(d)


def test_an_index_that_is_refused_is_told_and_the_others_are_made(box):
    with ferretdb(box) as s, Driver(s.uri) as d:
        d.must_write([row(1)])
        node("set.js", s.uri, "callrecords", "callTime_1")  # of other keys
        said = d.ask(do="index", make=True)
        require(said["code"] == NONE, said)
        refused = [i for i in said["indexes"] if i["state"] == "refused"]
        require([i["name"] for i in refused] == ["callTime_1"] and
                refused[0]["text"], said)
        require(sum(i["state"] == "made" for i in said["indexes"]) == 6, said)


# --- away and back ---

def test_down_it_is_for_later_and_back_it_goes_on(box):
    with java_server() as s, Driver(s.uri) as d:
        d.must_write([row(1)])
        s.kill()
        for _ in range(2):
            began = time.monotonic()
            said = d.write([row(2), row(3)])
            require([r["code"] for r in said] == [UNREACHABLE] * 2, said)
            require(time.monotonic() - began < 6, "that took too long")
        r = d.ask(do="read", collection=CAMPAIGN, id=campaign_id(0))
        require(r["code"] == UNREACHABLE, r)
        s.start()
        wait_for(lambda: d.write([row(2)])[0]["code"] == NONE, 20,
                 "the server that is back")


def test_a_server_that_became_read_only_makes_no_dead_letters(box):
    """As a standby does that is taken for the primary: it answers, reads, and
    calls each write an error of its own."""
    with ferretdb(box) as s:
        if not s.below:
            raise harness.Skip("FerretDB is not on PostgreSQL here")
        s.below.sql("ALTER DATABASE postgres SET "
                    "default_transaction_read_only = on")
        s.kill()
        s.start()
        with Driver(s.uri) as d:
            said = d.write([row(1), row(2), row(3)])
            require({r["code"] for r in said} == {"ERR_BUSY"}, said)
        s.below.sql("ALTER DATABASE postgres RESET ALL")
        s.kill()
        s.start()
        with Driver(s.uri) as d:
            d.must_write([row(1), row(2), row(3)])


def test_killed_in_mid_bulk_the_same_rows_again_end_as_if_never_killed(box):
    rows = [row(n, n % 20) for n in range(160)]  # FerretDB is slow
    with ferretdb(box) as s:
        kills, began = 0, time.monotonic()
        d = Driver(s.uri, bulk_ops=40)
        d.must_write(rows[:40])
        for delay_s in (0.02, 0.05, 0.1, 0.2, 0.3):
            d.send(do="write", rows=rows)
            time.sleep(delay_s)
            s.kill()
            codes = [r["code"] for r in d.receive()["rows"]]
            require(set(codes) <= {NONE, UNREACHABLE}, set(codes))
            kills += UNREACHABLE in codes
            s.start()
        require(kills >= 3, "only", kills, "kills fell into a bulk")
        wait_for(lambda: d.write(rows[:1])[0]["code"] == NONE, 30,
                 "the server that is back")
        d.must_write(rows)
        d.close()
        state = without_times(dump(s))
        box.note("%d kills, %.1f s" % (kills, time.monotonic() - began))
    with java_server() as s, Driver(s.uri) as d:
        d.must_write(rows)
        same(without_times(dump(s)), state, "after kills")


def killed_at_each(s, tag, point, rows, before):
    """For n = 1, 2, 3 ...: a writer that dies at the n-th visit of the point,
    and another that writes the same rows again; the databases' names."""
    names = []
    while len(names) < 40:
        name = "%s%d" % (tag, len(names) + 1)
        uri = s.uri.replace("/t", "/" + name)
        if before:
            with Driver(uri) as d:
                d.must_write(before)
        d = Driver(uri, bulk_ops=3, env={
            "DSRUN_CRASH_AT": "%s:%d" % (point, len(names) + 1)})
        d.send(do="write", rows=rows)
        line = d.process.stdout.readline()
        code, _ = d.close()
        require(bool(line) == (code == 0) and code in (0, -9), line, code)
        names.append(name)
        if code == 0:
            return names
        with Driver(uri, bulk_ops=3) as d:
            d.must_write(rows)
    raise harness.Failure("%s is visited without end" % point)


def test_a_writer_killed_at_every_bulk_ends_as_if_never_killed(box):
    """Between bulks: the call records are there, or some campaigns'."""
    rows = [row(n, n % 4, revision=1 + n % 2, status=(IN_PROGRESS, BOOKED)[
        n == 5]) for n in range(7)]
    # Another's revision of two of them is there before: duplicates.
    before = [row(2, 2, revision=3), row(3, 3, revision=3)]
    with java_server() as s:
        for tag, old in (("new", []), ("old", before)):
            names = killed_at_each(s, tag, "mongo.bulk", rows, old)
            require(len(names) >= 8, "killed only at", names)
            states = [without_times(x) for x in node(
                "dump.js", s.uri, *names)]
            require(len(states[-1]["callrecords"]) == 7, states[-1])
            for name, state in zip(names, states):
                same(states[-1], state, "killed at " + name)


def test_a_writer_killed_between_single_writes_ends_as_if_never_killed(box):
    """FerretDB stops a bulk at its first error: what is left goes singly."""
    rows = [row(n, n % 2) for n in range(4)]
    with ferretdb(box) as s:
        names = killed_at_each(s, "one", "mongo.one", rows, rows[1:3])
        require(len(names) >= 4, "killed only at", names)
        states = [without_times(x) for x in node("dump.js", s.uri, *names)]
        require(len(states[-1]["callrecords"]) == 4, states[-1])
        for name, state in zip(names, states):
            same(states[-1], state, "killed at " + name)


def test_cut_at_any_message_the_same_rows_again_end_as_if_never_cut(box):
    rows = [row(n, n % 2, revision=1 + n % 2) for n in range(6)]
    cuts = []
    with java_server() as s, Driver(s.uri) as clean:
        clean.must_write(rows)
        for where in ("answer", "half", "request"):
            for n in range(1, 12):
                with Cutter(s.port, where, n) as c, Driver(
                        "mongodb://127.0.0.1:%d/%s%d" % (c.own_port, where, n),
                        bulk_ops=4) as d:
                    codes = {r["code"] for r in d.write(rows)}
                    require(codes <= {NONE, UNREACHABLE}, codes)
                    if not c.hit:
                        break
                    cuts.append("%s%d" % (where, n))
                    # Whatever was done, it is not there for certain.
                    require(UNREACHABLE in codes or n <= 2, cuts[-1], codes)
                    wait_for(lambda: all(r["code"] == NONE
                                         for r in d.write(rows)), 20,
                             "the server behind the cut")
        require(len(cuts) >= 15, "only", cuts)
        want = without_times(dump(s))
        for cut, state in zip(cuts, node("dump.js", s.uri, *cuts)):
            same(want, without_times(state), "after the cut of " + cut)


# --- SCRAM, TLS, encryption ---

def test_a_wrong_password_is_a_fault_of_the_setup_and_is_not_shown(box):
    with ferretdb(box) as s:
        with Driver(s.uri) as d:
            require(d.ask(do="ping")["code"] == NONE, "the right one")
            d.must_write([row(1)])
        with Driver(s.uri.replace("p%3Aw%40%2F1", "hunter2")) as d:
            for r in d.write([row(1), row(2)]):
                require(r["code"] == "ERR_CONFIG" and
                        "hunter2" not in r["text"], r)


def certificate(box, name):
    """A CA and a certificate of it for 127.0.0.1: (ca, cert, key)."""
    at = {k: box.path("%s-%s.pem" % (name, k))
          for k in ("ca", "cakey", "cert", "key", "csr")}

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2,
            "-subj", "/CN=ca " + name, "-keyout", at["cakey"], "-out", at["ca"])
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1",
            "-keyout", at["key"], "-out", at["csr"])
    names = box.write(name + ".ext", "subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", at["csr"], "-CA", at["ca"], "-CAkey",
            at["cakey"], "-CAcreateserial", "-days", 2, "-extfile", names,
            "-out", at["cert"])
    return at["ca"], at["cert"], at["key"]


def test_tls_is_verified(box):
    ca, cert, key = certificate(box, "right")
    wrong, _, _ = certificate(box, "wrong")
    with ferretdb(box, tls=(cert, key)) as s:
        with Driver(s.uri, ca=str(ca)) as d:
            d.must_write([row(1)])
        with Driver(s.uri, ca=str(wrong)) as d:
            began = time.monotonic()
            r = d.write([row(1)])[0]
            require(r["code"] == UNREACHABLE and "certificate" in r["text"], r)
            require(time.monotonic() - began < 6, "that took too long")
        with Driver(s.uri + "&tls=true") as d:
            require(d.write([row(1)])[0]["code"] == UNREACHABLE,
                    "a CA that nobody trusts")
        # Another name than the certificate's.
        with Driver(s.uri.replace("127.0.0.1", "localhost"),
                    ca=str(ca)) as d:
            require(d.write([row(1)])[0]["code"] == UNREACHABLE,
                    "another host's certificate")


def test_a_client_certificate_is_shown_where_one_is_asked_for(box):
    ca, cert, key = certificate(box, "right")
    other, mine, mykey = certificate(box, "client")
    both = box.write("both.pem", mine.read_text() + mykey.read_text(), 0o600)
    with ferretdb(box, tls=(cert, key, other)) as s:
        with Driver(s.uri, ca=str(ca), cert=str(both)) as d:
            d.must_write([row(1)])
        with Driver(s.uri, ca=str(ca)) as d:
            require(d.write([row(1)])[0]["code"] == UNREACHABLE,
                    "without one")
        with Driver(s.uri, ca=str(ca), cert=str(box.path("none.pem"))) as d:
            require(d.write([row(1)])[0]["code"] != NONE, "a file that is not")


PERSON = {"phone": "+12025550155", "firstName": "Ada", "lastName": "Boole",
          "email": "ada@example.org", "timezone": "Europe/Berlin"}


def is_secret(value):
    return (isinstance(value, dict) and
            value.get("$binary", {}).get("subType") == "06")


def check_encryption(s):
    with Driver(s.uri, master_key=KEY) as d:
        require(d.ask(do="put", id=campaign_id(7), contact=PERSON)["code"] ==
                "ERR_CONFIG", "encrypted without a data key")
        for want in ("missing", "made", "there"):
            said = d.ask(do="index", make=want != "missing")
            mine = [i for i in said["indexes"] if "data key" in i["name"]]
            require([i["state"] for i in mine] == [want], want, said)
        for n in (7, 8):
            r = d.ask(do="put", id=campaign_id(n), contact=PERSON)
            require(r["code"] == NONE, r)
        one, two = dump(s)["contacts"]
        for field in ("phone", "firstName", "lastName", "email"):
            require(is_secret(one[field]), field, one)
            same_bytes = one[field] == two[field]
            require(same_bytes == (field in ("phone", "email")), field)
        require(one["timezone"] == "Europe/Berlin", one)
        r = d.ask(do="phone", phone=PERSON["phone"])
        require({k: r["doc"][k] for k in PERSON} == PERSON, r)
        d.must_write([row(1, meeting={"attendee": {"email": "x@y.z"},
                                      "at": "noon"})])
        meeting = dump(s)["callrecords"][0]["meeting"]
        require(is_secret(meeting["attendee"]["email"]) and
                meeting["at"] == "noon", meeting)
    with Driver(s.uri) as d:
        r = d.ask(do="read", collection=CONTACT, id=campaign_id(7))
        require(r["code"] == "ERR_CONFIG" and "encrypted" in r["text"], r)
    with Driver(s.uri, master_key="Q0JB" * 32) as d:
        r = d.ask(do="read", collection=CONTACT, id=campaign_id(7))
        require(r["code"] == "ERR_CONFIG", "read with another key", r)


def test_phones_mails_and_names_lie_there_encrypted(box):
    with ferretdb(box) as s:  # the other knows no binary of subtype 6
        check_encryption(s)


def read_by_pymongo(s, key, phone):
    where = peer("pymongo")
    return subprocess.run(
        [where + "/python/bin/python", where + "/decrypt.py", s.uri, key,
         phone], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=60)


def test_the_official_driver_decrypts_what_was_encrypted(box):
    """With the master key and nothing else of ours."""
    with ferretdb(box) as s, Driver(s.uri, master_key=KEY) as d:
        d.ask(do="index", make=True)
        for n, phone in enumerate(("+12025550155", "+12025550156",
                                   "+12025550155")):
            require(d.ask(do="put", id=campaign_id(n), contact={
                **PERSON, "phone": phone, "mobilePhone": "+1",
                "surname": "Boole", "mail": "b@c.d"})["code"] == NONE, n)
        d.must_write([row(1, meeting={
            "attendee": {"email": "x@y.z", "name": "Zo\u00eb"},
            "at": "noon"})])
        r = read_by_pymongo(s, KEY, "+12025550155")
        require(r.returncode == 0, r.stderr)
        got = json.loads(r.stdout)
        one, two, three = got["contacts"]
        for field, how in (("phone", 1), ("email", 1), ("mobilePhone", 1),
                           ("mail", 1), ("firstName", 2), ("lastName", 2),
                           ("surname", 2)):
            require(one[field]["how"] == how, field, one)
        require(one["firstName"]["plain"] == "Ada" and
                one["email"]["plain"] == "ada@example.org" and
                two["phone"]["plain"] == "+12025550156" and
                one["timezone"] == "Europe/Berlin", got)
        meeting = got["callrecords"][0]["meeting"]
        require(meeting["attendee"]["name"]["plain"] == "Zo\u00eb" and
                meeting["attendee"]["email"]["plain"] == "x@y.z" and
                meeting["at"] == "noon", meeting)
        # Equal phones are equal bytes, to that driver's queries too.
        require(got["byPhone"] == [one["_id"], three["_id"]], got)
        require(len({c[f]["key"] for c in got["contacts"]
                     for f in ("phone", "firstName")}) == 1, "one data key")
        r = read_by_pymongo(s, "Q0JB" * 32, "+12025550155")
        require(r.returncode != 0 and "HMAC" in r.stderr, r.stderr)


if __name__ == "__main__":
    harness.main()
