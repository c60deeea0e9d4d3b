#!/usr/bin/python3
"""Results pushed over a network: `dsrun sync` and a service that is there,
away, throttling, or says no."""
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
