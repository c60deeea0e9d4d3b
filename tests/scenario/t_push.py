#!/usr/bin/python3
"""Results pushed over a network: `dsrun sync` and a service that is there,
away, throttling, or says no."""
import gzip
import hashlib
import hmac
import http.server
import json
import threading

import filled
import harness
from filled import job
from harness import require

SECRET = "a secret of the test"


class Hook(http.server.ThreadingHTTPServer):
    """A receiver that answers by a list of statuses, then 200."""
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Post)
        self.got, self.says = [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d/hook" % self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


class Post(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.says.pop(0) if self.server.says else 200
        self.server.got.append((dict(self.headers), body, status))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def pushed(box, *rows, url, **more):
    """These jobs are called; their results wait."""
    filled.configure(box, webhook={"url": url},
                     outbox={"max_tries": 3, **more})
    box.path(".env").write_text("DSRUN_WEBHOOK_SECRET=%s\n" % SECRET)
    filled.enqueue(box, *rows)
    box.run("drain", "--quiet").expect(0)


def waiting(box):
    return box.run("outbox", "--json").json("outbox")["outbox"]


def test_sync_posts_each_result_once_signed(box):
    hook = Hook()
    pushed(box, job("a"), job("b", filled.BUSY), url=hook.url)
    require(not hook.got, "a drain posted")
    require([r["sink"] for r in waiting(box)] == ["webhook"] * 2,
            waiting(box))
    box.run("sync").expect(0)
    box.run("sync").expect(0)
    require(len(hook.got) == 2, hook.got)
    lines = {json.loads(line)["job"]["id"]: json.loads(line) for line in
             (box.data / "out" / "results.jsonl").read_text().splitlines()}
    for headers, body, _ in hook.got:
        t, v1 = (part.split("=", 1)[1] for part in
                 headers["DSRun-Signature"].split(","))
        require(hmac.new(SECRET.encode(), t.encode() + b"." + body,
                         hashlib.sha256).hexdigest() == v1, "not signed")
        result = json.loads(body)
        require(result["outcome"] == lines[result["job"]["id"]]["outcome"],
                result)
    require(len({h["DSRun-Event-Id"] for h, _, _ in hook.got}) == 2, "same")
    require(not waiting(box), "rows are left")
    service = box.run("status", "--json").json("status")["services"]["webhook"]
    require(service["breaker"] == "closed" and service["lastOkAt"], service)
    hook.close()


def test_a_receiver_that_is_away_gets_them_when_it_is_back(box):
    hook = Hook()
    port, url = hook.server_address[1], hook.url
    hook.close()
    pushed(box, *[job("j%d" % i, "+1202555%04d" % (100 + i))
                  for i in range(6)], url=url,
           retry={"after": "1ms", "max": "1ms", "jitter": "none"})
    r = box.run("sync").expect(5)
    require("webhook" in r.err, r.err)
    # What is away makes no dead letters, however often it is tried.
    for _ in range(4):
        box.run("sync")
    rows = waiting(box)
    require(len(rows) == 6 and {r["state"] for r in rows} == {"pending"},
            rows)
    box.run("status").expect(0, out="breaker open")
    hook = Hook(port)
    # Its breaker opens for 30 s; nobody waits for that in a test.
    filled.alter(box, "UPDATE service SET breaker=0, failures=0;"
                 "UPDATE outbox SET next_ms=0")
    box.run("sync").expect(0)
    require(len(hook.got) == 6 and not waiting(box), hook.got)
    hook.close()


def test_what_a_receiver_refuses_is_a_dead_letter_and_can_be_sent_again(box):
    hook = Hook()
    hook.says = [410]
    pushed(box, job("a"), url=hook.url)
    box.run("sync").expect(3)
    row, = waiting(box)
    require(row["state"] == "dead" and "410" in row["error"], row)
    box.run("show", "a").expect(0, out="was given up")
    box.run("outbox", "retry", "--by", "ana", "--reason", "mended").expect(0)
    box.run("sync").expect(0)
    require([s for _, _, s in hook.got] == [410, 200], hook.got)
    hook.close()


def test_a_killed_sync_posts_again_with_the_same_id(box):
    hook = Hook()
    pushed(box, job("a"), url=hook.url)
    box.run("sync", env={"DSRUN_CRASH_AT": "push.said:1"}).expect(137)
    require(len(waiting(box)) == 1, "it was written down")
    box.run("sync").expect(0)
    ids = {h["DSRun-Event-Id"] for h, _, _ in hook.got}
    require(len(hook.got) == 2 and len(ids) == 1, hook.got)
    hook.close()


def test_a_worker_posts_by_itself(box):
    hook = Hook()
    pushed(box, job("a"), url=hook.url)
    worker = box.start("worker", "--quiet")
    harness.wait_for(lambda: len(hook.got) == 1, what="the post")
    worker.terminate()
    worker.wait()
    require(not waiting(box), "it was not written down")
    hook.close()


def test_an_address_without_a_secret_is_refused(box):
    filled.configure(box, webhook={"url": "https://example.org/hook"})
    r = box.run("config", "check").expect(78)
    require("DSRUN_WEBHOOK_SECRET" in r.out + r.err, r.out + r.err)


# --- the log service ---

TOKEN = "a-token-of-the-test"


def logged(box, hook, *rows, **more):
    """These jobs are called, however often a number is; their events wait."""
    limits = {**filled.KIND["limits"], "per_number_per_day": 0}
    filled.configure(box, logtail={"host": hook.url}, kind={"limits": limits},
                     outbox={"max_tries": 3}, **more)
    box.path(".env").write_text("DSRUN_LOGTAIL_TOKEN=%s\n" % TOKEN)
    filled.enqueue(box, *rows)
    box.run("drain", "--quiet").expect(0)


def people(n):
    return [job("j%d" % i) for i in range(n)]


def events(hook, status=200):
    """The batches it answered so, each a list of events; all were as they
    are to be."""
    batches = []
    for headers, body, said in hook.got:
        require(headers["Authorization"] == "Bearer " + TOKEN, headers)
        require(headers["Content-Type"] == "application/x-ndjson", headers)
        require(headers["Content-Encoding"] == "gzip", headers)
        text = gzip.decompress(body).decode()
        require(text.endswith("\n"), "no whole line")
        if said == status:
            batches.append([json.loads(line) for line in text.splitlines()])
    return batches


def kept(box):
    path = box.data / "out" / "logtail.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_sync_sends_events_of_results_in_one_packed_batch(box):
    hook = Hook()
    logged(box, hook, *people(5), job("busy", filled.BUSY))
    require(not hook.got, "a drain sent something")
    box.run("sync").expect(0)
    box.run("sync").expect(0)
    batch, = events(hook)
    require({e["job"]["id"] for e in batch} ==
            {"busy", *("j%d" % i for i in range(5))}, batch)
    require(len({e["eventId"] for e in batch}) == 6, "ids that are the same")
    text = json.dumps(batch)
    require(filled.HUMAN not in text and "Maria" not in text, "personal", text)
    require(not waiting(box), "rows are left")
    require(not (box.data / "out" / "logtail.jsonl").exists(), "kept too")
    hook.close()


def test_a_log_service_that_wants_no_more_is_said_once_and_a_file_has_it(box):
    for status in (402, 403):
        box.path("told").unlink(missing_ok=True)
        hook = Hook()
        hook.says = [status] * 9
        name = "s%d" % status
        logged(box, hook, job(name),
               on_attention="cat >> %s" % box.path("told"))
        # As if no day had been told of yet.
        filled.alter(box, "DELETE FROM attention")
        r = box.run("sync", "--quiet").expect(0)
        require("logtail.jsonl" in r.err and str(status) in r.err, r.err)
        require([e["job"]["id"] for e in kept(box)][-1] == name, kept(box))
        require(not waiting(box), "rows are left")
        # The next run asks again, and nobody is told again on this day.
        filled.enqueue(box, job(name + "b"))
        box.run("drain", "--quiet").expect(0)
        require(not box.run("sync", "--quiet").expect(0).err, "said again")
        require(kept(box)[-1]["job"]["id"] == name + "b", kept(box))
        require(len(events(hook, status)) == 2, hook.got)
        harness.wait_for(lambda: box.path("told").exists(), what="the word")
        require(len(box.path("told").read_text().splitlines()) == 1, "twice")
        hook.close()


def test_a_batch_that_is_too_large_goes_in_halves(box):
    hook = Hook()
    logged(box, hook, *people(8))
    hook.says = [413, 200, 413]
    box.run("sync").expect(0)
    sent = [e["eventId"] for batch in events(hook) for e in batch]
    require(len(sent) == len(set(sent)) == 8, sent)
    refused = [len(b) for b in events(hook, 413)]
    require(refused == [8, 4], refused)
    require(sorted(len(b) for b in events(hook)) == [2, 2, 4], hook.got)
    require(not waiting(box), "rows are left")
    hook.close()


def test_events_for_a_log_service_that_is_away_wait_in_the_outbox(box):
    hook = Hook()
    port = hook.server_address[1]
    hook.close()
    logged(box, hook, *people(3))
    r = box.run("sync").expect(5)
    require("logtail" in r.err, r.err)
    require([r["state"] for r in waiting(box)] == ["pending"] * 3,
            waiting(box))
    hook = Hook(port)
    filled.alter(box, "UPDATE service SET breaker=0, failures=0;"
                 "UPDATE outbox SET next_ms=0")
    box.run("sync").expect(0)
    require(sum(len(b) for b in events(hook)) == 3 and not waiting(box),
            hook.got)
    hook.close()


def test_a_log_service_needs_host_and_token(box):
    filled.configure(box, logtail={"host": "in.logs.example.org"})
    r = box.run("config", "check").expect(78)
    require("DSRUN_LOGTAIL_TOKEN" in r.out + r.err, r.out + r.err)
    filled.configure(box)
    box.path(".env").write_text("DSRUN_LOGTAIL_TOKEN=%s\n" % TOKEN)
    r = box.run("config", "check").expect(78)
    require("logtail.host" in r.out + r.err, r.out + r.err)
    require(TOKEN not in r.out + r.err + box.run("config").out, "shown")


def test_what_was_given_up_is_not_pruned_away(box):
    """A dead letter reached nobody yet: its result and its recording stay
    until it has gone out, or a person drops it."""
    hook = Hook()
    hook.says = [410, 410]
    pushed(box, job("a"), job("b", filled.VOICEMAIL), url=hook.url)
    box.run("sync").expect(3)
    filled.enqueue(box, job("newest", "+12025550109"))
    box.run("drain", "--quiet").expect(0)
    box.run("sync").expect(0)
    dead = [r["row"] for r in waiting(box)]
    require(len(dead) == 2, waiting(box))
    d = box.run("prune", "--older-than", "0", "--json").expect(0).json()
    require(d["jobs"] == 0, d)
    require([r["row"] for r in waiting(box)] == dead, "the dead are gone")
    box.run("outbox", "retry", str(dead[0]), "--by", "ana").expect(0)
    box.run("sync").expect(0)
    box.run("outbox", "drop", str(dead[1]), "--by", "ana", "--reason",
            "told by phone").expect(0)
    d = box.run("prune", "--older-than", "0", "--json").expect(0).json()
    require(d["jobs"] == 2, d)
    hook.close()


# --- a sink that cannot even be begun ---

def test_a_sink_that_cannot_be_opened_keeps_no_other_from_its_results(box):
    """Keys that are half there, an authority's file that is none."""
    hook = Hook()
    box.write("none.pem", "no certificate\n", 0o600)
    for n, (env, more) in enumerate((
            ({"AWS_ACCESS_KEY_ID": "half"}, {"s3": {"bucket": "bkt"}}),
            ({}, {"logtail": {"host": "https://127.0.0.1:1/",
                              "ca_file": "none.pem"}}),
            ({}, {"s3": {"bucket": "bkt", "ca_file": "none.pem"}}))):
        name = "j%d" % n
        filled.configure(box, webhook={"url": hook.url}, **more)
        box.path(".env").write_text(
            "DSRUN_WEBHOOK_SECRET=%s\n" % SECRET +
            ("DSRUN_LOGTAIL_TOKEN=%s\n" % TOKEN if "logtail" in more else ""))
        filled.enqueue(box, job(name, "+1202555%04d" % (130 + n)))
        box.run("drain", "--quiet").expect(0)
        sink = next(iter(more))
        r = box.run("sync", env=env).expect(78)
        require(sink in r.err, r.err)
        require(len(hook.got) == n + 1, "the webhook got nothing")
        require(any(json.loads(line)["job"]["id"] == name for line in
                    (box.data / "out" / "results.jsonl").open()),
                "no line in results.jsonl")
        row, = waiting(box)
        require(row["sink"] == sink and row["state"] == "pending" and
                row["error"], row)
        box.run("status").expect(0, out=row["error"][:40])
        filled.alter(box, "UPDATE outbox SET state=1 WHERE state=0")
    hook.close()


def test_what_a_person_must_mend_is_said_before_what_mends_itself(box):
    hook = Hook()
    port = hook.server_address[1]
    hook.close()
    box.write("none.pem", "no certificate\n", 0o600)
    # In this order they are asked; the first is away.
    box.path(".env").write_text(
        "DSRUN_LOGTAIL_TOKEN=%s\nDSRUN_WEBHOOK_SECRET=%s\n" %
        (TOKEN, SECRET))
    filled.configure(
        box, webhook={"url": "http://127.0.0.1:%d/" % port},
        logtail={"host": "https://127.0.0.1:1/", "ca_file": "none.pem"})
    filled.enqueue(box, job("later"))
    box.run("drain", "--quiet").expect(0)
    r = box.run("sync").expect(78)
    require("dsrun sync: logtail" in r.err, r.err)
    require('sink="webhook"' in r.err, r.err)


def test_a_batch_that_came_to_nothing_is_one_line_of_the_log(box):
    hook = Hook()
    hook.says = [503] * 9
    logged(box, hook, *people(40))
    r = box.run("sync").expect(5)
    lines = [line for line in r.err.splitlines() if "sync.retry" in line]
    require(len(lines) == len(hook.got) > 0, len(hook.got), r.err)
    hook.close()


def test_a_sync_with_nothing_due_says_what_waits(box):
    hook = Hook()
    hook.says = [429] * 9
    pushed(box, job("a"), url=hook.url, retry={"after": "1h"})
    box.run("sync").expect(5)
    r = box.run("sync", "--verbose").expect(0)
    require("1 result waits to be pushed: dsrun outbox" in r.err, r.err)
    hook.close()


if __name__ == "__main__":
    harness.main()
