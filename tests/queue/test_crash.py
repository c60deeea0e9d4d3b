#!/usr/bin/python3
"""pkg/bull (bull_worker) killed and started again, and beside a real worker."""
import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import world  # noqa: E402  (found by the line above)
from world import wait_for  # noqa: E402

JOBS = 4000


class Crash(unittest.TestCase):
    def setUp(self):
        self.server = world.Server()
        self.addCleanup(self.server.stop)
        self.dir = tempfile.TemporaryDirectory(prefix="dsrun-queue-")
        self.addCleanup(self.dir.cleanup)
        self.diary = os.path.join(self.dir.name, "diary")

    def start(self, library, batch):
        return subprocess.Popen(
            [world.built("bull_worker"), str(self.server.port), library, "calls", "j7", self.diary,
             str(batch)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, process):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        return [int(n) for n in out.split()]

    def fill(self, library):
        peer = world.Peer(library, self.server.port, "calls")
        self.addCleanup(peer.stop)
        peer.do("""for (let i = 0; i < arg; i += 500)
            await queue.addBulk(Array.from({length: 500}, (_, k) => ({name: 'n', data: {n: i + k},
                opts: {attempts: 3}})))""", JOBS)
        return peer

    def did(self):
        with open(self.diary) as f:
            return [line.split()[0] for line in f]

    def check_once(self, library, theirs=()):
        us = world.Ours(library, self.server.port, "calls")
        look = us.look()
        self.assertEqual((look["completed"], look["failed"], look["active"], look["wait"]),
                         (JOBS, 0, 0, 0))
        self.assertEqual(us.redis("KEYS", us.key("*:lock")), [])
        counted = collections.Counter(self.did() + list(theirs))
        self.assertEqual([i for i, n in counted.items() if n > 1], [])
        self.assertEqual(len(counted), JOBS)
        us.close()

    def killed(self, library):
        self.fill(library)
        chance = random.Random(7)
        kills = 0
        while True:
            process = self.start(library, chance.choice((1, 7, 50, 500)))
            try:
                process.wait(chance.uniform(0.005, 0.06) if kills < 40 else 60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                continue
            self.end(process)
            break
        self.check_once(library)
        self.assertGreater(kills, 3)

    def test_bull_jobs_are_done_once_under_kills(self):
        self.killed("bull")

    def test_bullmq5_jobs_are_done_once_under_kills(self):
        self.killed("bullmq5")

    def test_bullmq6_jobs_are_done_once_under_kills(self):
        self.killed("bullmq6")

    def beside(self, library):
        peer = self.fill(library)
        other = world.Peer(library, self.server.port, "calls")
        self.addCleanup(other.stop)
        other.do("await tools.work(async () => { await tools.sleep(1); return 1 }, 5)")
        other.wait_told("worked")
        self.end(self.start(library, 5))
        wait_for(lambda: peer.do("return queue.getJobCounts()")["completed"] == JOBS, 20)
        theirs = [t["worked"] for t in other.told("worked")]
        self.assertTrue(theirs and self.did())
        self.check_once(library, theirs)

    def test_beside_bulls_own_worker_each_job_is_done_once(self):
        self.beside("bull")

    def test_beside_bullmq6s_own_worker_each_job_is_done_once(self):
        self.beside("bullmq6")

    def test_a_cut_connection_loses_and_doubles_nothing(self):
        """Every connection is cut again and again; the worker ends at the
        first cut, as a process would that is started again by cron."""
        self.fill("bullmq6")
        redis = world.Redis(self.server.port)
        cuts = before = 0
        while True:
            process = self.start("bullmq6", 20)
            while process.poll() is None and cuts < 20:
                done = redis("ZCARD", "bull:calls:completed")
                if done > before:
                    before = done + 100
                    redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                    break
                time.sleep(0.001)
            out, err = process.communicate(timeout=60)
            if process.returncode == 0:
                break
            self.assertIn("ERR_UNREACHABLE", err)
            cuts += 1
        self.assertGreater(cuts, 1)
        self.check_once("bullmq6")
        redis.close()


if __name__ == "__main__":
    unittest.main()
