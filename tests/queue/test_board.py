#!/usr/bin/python3
"""What Bull Board shows of jobs that our scripts worked, and what its buttons
do to them."""
import json
import os
import pathlib
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import world  # noqa: E402  (found by the line above)


class Board:
    library = None

    def setUp(self):
        self.server = world.Server()
        self.addCleanup(self.server.stop)
        env = dict(os.environ, NODE_PATH=world.where("bullboard") + "/node_modules")
        kind = "bull" if self.library == "bull" else "bullmq"
        self.process = subprocess.Popen(
            ["node", str(world.HERE / "board.js"), kind, str(self.server.port), "calls"], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        self.url = "http://127.0.0.1:%d/api/queues" % json.loads(
            self.process.stdout.readline())["port"]
        self.us = world.Ours(self.library, self.server.port, "calls")
        self.addCleanup(self.us.close)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def shown(self, status):
        queues = self.ask("?activeQueue=calls&page=1&jobsPerPage=20&status=" + status)["queues"]
        return queues[0]["counts"], queues[0]["jobs"]

    def test_every_state_is_shown_as_of_a_node_worker(self):
        for n in range(6):
            self.us.add("call", '{"n":%d}' % n, "", '"attempts":2,"delay":0')
        done, bad, late, now, back, next_try = self.us.take(6)
        self.us.log(done, "answered")
        self.us.progress(done, "100")
        self.us.complete(done, '{"outcome":"completed"}')
        self.us.fail(bad, "refused", "Error: refused\n    at dial", "final")
        self.us.delay(late, self.us.look()["now"] + 60000)
        self.us.hand_back(back)
        self.us.fail(next_try, "busy")
        counts, [job] = self.shown("completed")
        self.assertEqual({k: v for k, v in counts.items() if v},
                         {"completed": 1, "failed": 1, "delayed": 1, "active": 1, "waiting": 2})
        self.assertEqual(job["returnValue"], {"outcome": "completed"})
        self.assertEqual(job["data"], {"n": 0})
        self.assertEqual(job["progress"], 100)
        self.assertLessEqual(job["timestamp"], job["processedOn"])
        self.assertLessEqual(job["processedOn"], job["finishedOn"])
        self.assertEqual(self.ask("/calls/%s/logs" % job["id"]), ["answered"])
        _, [job] = self.shown("failed")
        # The board adds one to what Bull counts.
        self.assertEqual((job["failedReason"], job["stacktrace"], job["attempts"]),
                         ("refused", ["Error: refused\n    at dial"],
                          2 if self.library == "bull" else 1))
        _, [job] = self.shown("active")
        self.assertEqual(job["id"], now.id)
        _, [job] = self.shown("delayed")
        self.assertEqual(job["id"], late.id)
        _, waiting = self.shown("waiting")
        self.assertEqual({j["id"] for j in waiting}, {back.id, next_try.id})

    def test_its_retry_button_gives_the_job_back_to_us(self):
        self.us.add("call", "{}", "", '"attempts":1,"delay":0')
        j = self.us.one()
        self.us.fail(j, "parked", "", "final")
        self.ask("/calls/%s/retry" % j.id, "PUT")
        again = self.us.one()
        self.assertEqual((again.id, again.tries, again.stamp), (j.id, "1", j.stamp))
        self.assertEqual(self.us.complete(again), ["done"])

    def test_its_promote_and_pause_buttons_are_obeyed(self):
        self.us.add("call", "{}", "", '"attempts":1,"delay":60000')
        self.assertEqual(self.us.take(1), [])
        self.ask("/calls/1/promote", "PUT")
        self.ask("/calls/pause", "PUT")
        self.assertEqual(self.us.take_all(1)["word"], "paused")
        self.ask("/calls/resume", "PUT")
        self.assertEqual(self.us.one().id, "1")


class OfBull(Board, unittest.TestCase):
    library = "bull"


class OfBullMq6(Board, unittest.TestCase):
    library = "bullmq6"


if __name__ == "__main__":
    unittest.main()
