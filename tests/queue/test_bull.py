#!/usr/bin/python3
"""Our scripts as a worker among the libraries' own producers, workers and
listeners: Bull 4, BullMQ 5 and BullMQ 6, each test on each."""
import json
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import world  # noqa: E402  (found by the line above)
from world import wait_for  # noqa: E402


def setUpModule():
    global SERVER
    SERVER = world.Server()


def tearDownModule():
    SERVER.stop()


class Library:
    """What every library must stand; the classes below are the libraries."""
    library = None

    @classmethod
    def setUpClass(cls):
        cls.mq = cls.library != "bull"
        # Producer and listener of all tests; a start of Node is slow.
        cls.peer = world.Peer(cls.library, SERVER.port, "calls")
        try:
            cls.peer.do("return 1")
        except BaseException:
            cls.peer.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.peer.stop()

    def setUp(self):
        self.us = world.Ours(self.library, SERVER.port, "calls")
        self.us.redis("FLUSHALL")
        self.peer.heard.clear()
        self.open = []

    def tearDown(self):
        for p in self.open:
            p.stop()
        self.us.close()

    def another(self, name="calls"):
        p = world.Peer(self.library, SERVER.port, name)
        self.open.append(p)
        return p

    def add(self, n=1, opts=None, name="call", data=None):
        """Adds jobs by the library; gives their ids."""
        return self.peer.do("""
            const ids = []
            for (let i = 0; i < arg.n; i++) {
                const job = await queue.add(arg.name, arg.data || {i}, arg.opts || {})
                ids.push(String(job.id))
            }
            return ids""", {"n": n, "opts": opts, "name": name, "data": data})

    def state(self, id):
        return self.peer.do("return (await queue.getJob(arg)).getState()", id)

    def job(self, id):
        return self.peer.do("""
            const j = await queue.getJob(arg)
            return j && {value: j.returnvalue, reason: j.failedReason, trace: j.stacktrace,
                made: j.attemptsMade, finishedOn: j.finishedOn, processedOn: j.processedOn,
                delay: j.delay, progress: j.progress instanceof Function ? j.progress() : j.progress}
            """, id)

    def events(self, name):
        return self.peer.told("event", name)

    # --- taking -----------------------------------------------------------

    def test_jobs_are_taken_in_the_librarys_own_order(self):
        """Ids of fifo, lifo, priorities and delays that are over, beside the
        order in which the library's worker runs the same."""
        fill = """
            const add = (name, opts) => queue.add(name, {}, opts)
            await add('a'); await add('b', {lifo: true}); await add('c', {priority: 5})
            await add('d', {priority: 1}); await add('e'); await add('f', {delay: 250})
            await add('g', {priority: 5}); await add('h', {lifo: true}); await add('i', {delay: 100})
            await add('j', {priority: 3, delay: 400})
            await tools.sleep(500)"""
        self.peer.do(fill)
        if not self.mq:
            self.us.promote()
        ours = [j.field["name"] for j in self.us.take(20)]
        self.assertEqual(len(ours), 10)
        other = self.another("theirs")
        other.do(fill)
        if not self.mq:
            # Bull's worker promotes by a timer of its own.
            them = world.Ours(self.library, SERVER.port, "theirs")
            them.promote()
            them.close()
        other.do("await tools.work()")
        other.wait_told("worked", n=10)
        self.assertEqual(ours, [t["name"] for t in other.told("worked")])

    def test_a_take_locks_and_reads_the_whole_job(self):
        ids = self.add(3, {"attempts": 4}, data={"phone": "+15125550100", "ü": [1, None]})
        jobs = self.us.take(2, lock_ms=5000)
        self.assertEqual([j.id for j in jobs], ids[:2])
        self.assertNotEqual(jobs[0].lease, jobs[1].lease)
        for j in jobs:
            self.assertTrue(j.lease.startswith(world.TOKEN + ":"))
            self.assertEqual(self.us.redis("GET", self.us.key(j.id + ":lock")), j.lease)
            self.assertGreater(self.us.redis("PTTL", self.us.key(j.id + ":lock")), 4000)
            self.assertEqual(json.loads(j.field["data"])["ü"], [1, None])
            self.assertEqual(json.loads(j.field["opts"])["attempts"], 4)
            self.assertEqual(self.state(j.id), "active")
            self.assertIsNotNone(self.job(j.id)["processedOn"])
        self.assertEqual(self.us.take_all(5)["word"], "taken")
        self.assertEqual(self.us.take_all(5)["word"], "empty")

    def test_a_ghost_is_taken_out_and_not_run(self):
        ids = self.add(3)
        self.us.redis("DEL", self.us.key(ids[0]), self.us.key(ids[2]))
        got = self.us.take_all(5)
        self.assertEqual([j.id for j in got["jobs"]], [ids[1]])
        self.assertEqual(got["ghosts"], 2)
        self.assertEqual(self.us.redis("LRANGE", self.us.key("active"), 0, -1), [ids[1]])
        self.assertEqual(self.us.redis("EXISTS", self.us.key(ids[0])), 0)

    def test_a_job_with_ten_megabytes_is_named_and_not_carried(self):
        self.peer.do("await queue.add('big', {text: 'x'.repeat(10 * 1024 * 1024)})")
        [after] = self.add(1)
        big, small = self.us.take(2)
        self.assertGreater(big.big, 10 << 20)
        self.assertIsNone(big.field["data"])
        self.assertEqual(big.field["name"], "big")
        self.assertEqual(small.id, after)
        self.assertEqual(self.us.fail(big, "too large", how="final"), ["done", "failed"])
        self.assertEqual(self.state(big.id), "failed")

    def test_poison_is_failed_and_does_not_stop_the_queue(self):
        ids = self.add(4)
        self.us.redis("HSET", self.us.key(ids[0]), "opts", "{nonsense")
        self.us.redis("HSET", self.us.key(ids[1]), "data", b"\xff\x00{", "opts", "[1,2")
        self.us.redis("HSET", self.us.key(ids[2]), "stacktrace", "not json", "opts", '"text"')
        jobs = self.us.take(4)
        self.assertEqual([j.id for j in jobs], ids)
        for j in jobs[:3]:
            self.assertEqual(self.us.fail(j, "no JSON", "at line 1", "final"), ["done", "failed"])
            self.assertEqual(self.us.redis("ZSCORE", self.us.key("failed"), j.id) is None, False)
            self.assertEqual(json.loads(self.us.hash(j.id)["stacktrace"]), ["at line 1"])
        self.assertEqual(self.us.complete(jobs[3]), ["done"])

    def test_numbers_that_are_none_stop_nothing(self):
        """Each of these makes some command of a script fail, if it comes to it."""
        rule = '{"attempts":9,"backoff":{"type":"exponential","delay":%s},"repeat":{"every":%s,' \
               '"key":"k","endDate":%s},"prevMillis":%s,"removeOnFail":{"age":%s,"count":%s}}'
        for bad in ("1e999", "-1e999", "NaN", "1e300", '"x"', "{}", "null"):
            self.us.redis("FLUSHALL")
            ids = self.add(3)
            self.us.redis("ZADD", self.us.key("repeat"), 5, "k")
            for id in ids[:2]:
                self.us.redis("HSET", self.us.key(id), "opts", rule % ((bad,) * 6), "rjk", "k",
                              *(x for f in ("atm", "ats", "stc", "attemptsMade", "stalledCounter")
                                for x in (f, bad)))
            jobs = self.us.take(3)
            self.assertEqual([j.id for j in jobs], ids)
            self.assertNotEqual(jobs[0].again, "armed")
            for id in ids[:2]:
                self.us.redis("HSET", self.us.key(id), "priority", bad, "delay", bad)
            self.assertEqual(self.us.hand_back(jobs[0]), ["done"])
            self.assertEqual(self.us.fail(self.us.one())[0], "done", bad)
            self.us.redis("DEL", self.us.key(jobs[1].id + ":lock"))
            self.us.stalled()
            time.sleep(0.003)
            self.assertEqual(self.us.stalled()[1], [jobs[1].id])
            self.us.redis("DEL", self.us.key("delayed"))
            found = [j for j in self.us.take(3) if j.id == jobs[1].id]
            self.us.delay(found[0], 1)
            time.sleep(0.003)
            self.us.promote()
            again = [j for j in self.us.take(3) if j.id == jobs[1].id]
            self.assertEqual(self.us.fail(again[0], how="final")[0], "done")

    def test_an_id_whose_key_is_no_hash_is_a_ghost(self):
        ids = self.add(2)
        self.us.redis("SET", self.us.key(ids[0]), "x")
        got = self.us.take_all(2)
        self.assertEqual(([j.id for j in got["jobs"]], got["ghosts"]), (ids[1:], 1))
        self.us.redis("LPUSH", self.us.key("active"), ids[0])
        self.us.stalled()
        time.sleep(0.003)
        self.assertEqual(self.us.stalled(), ["checked", [], []])

    def test_a_paused_queue_gives_nothing_until_it_is_resumed(self):
        self.add(1)
        self.peer.do("await queue.pause()")
        late = self.add(1)
        self.assertEqual(self.us.take_all(5)["word"], "paused")
        self.assertEqual(self.us.look()["paused"], 1)
        self.peer.do("await queue.resume()")
        self.assertEqual(len(self.us.take(5)), 2)
        self.assertEqual(self.us.look()["paused"], 0)
        self.assertTrue(late)

    def test_what_is_given_back_while_paused_comes_with_the_resume(self):
        ids = self.add(3)
        jobs = self.us.take(3)
        self.peer.do("await queue.pause()")
        self.assertEqual(self.us.hand_back(jobs[0]), ["done"])
        self.us.fail(jobs[1], delay=0, how="retry")
        self.peer.do("await queue.resume()")
        self.assertEqual([j.id for j in self.us.take(5)], ids[:1])

    # --- finishing --------------------------------------------------------

    def test_a_producer_that_waits_gets_the_result(self):
        self.peer.do("await tools.listen()")
        self.peer.do("""
            for (const name of ['good', 'bad'])
                tools.wait(await queue.add(name, {}))""")
        good, bad = self.us.take(2)
        self.assertEqual(self.us.complete(good, '{"ok":1,"text":"\\"ü\\"\\n/"}'), ["done"])
        self.assertEqual(self.us.fail(bad, 'no "line"\n', "Error: x\n at y", "final"),
                         ["done", "failed"])
        self.assertEqual(self.peer.wait_told("finished", good.id)[0]["value"],
                         {"ok": 1, "text": '"ü"\n/'})
        self.assertEqual(self.peer.wait_told("finished", bad.id)[0]["error"], 'no "line"\n')
        self.assertEqual(self.state(good.id), "completed")
        self.assertEqual(self.state(bad.id), "failed")
        seen = self.job(bad.id)
        self.assertEqual((seen["reason"], seen["trace"], seen["made"]),
                         ('no "line"\n', ["Error: x\n at y"], 1))
        self.assertEqual(self.job(good.id)["value"], {"ok": 1, "text": '"ü"\n/'})
        self.assertEqual(self.us.redis("EXISTS", self.us.key(good.id + ":lock")), 0)

    def test_listeners_hear_of_our_worker_what_they_hear_of_nodes(self):
        """The same jobs, once worked by us and once by the library."""
        def worked(work):
            self.us.redis("FLUSHALL")
            self.peer.heard.clear()
            self.add(2)
            self.add(1, {"delay": 30})
            self.add(1, name="bad")
            work()
            wait_for(lambda: len(self.events("completed") + self.events("failed")) == 4)
            time.sleep(0.3)
            return sorted(self.plain(t) for t in self.peer.told("event")
                          if t["event"] not in ("drained", "added"))

        def ours():
            time.sleep(0.05)
            self.us.promote()
            for _ in range(6):
                for j in self.us.take(1):
                    if j.field["name"] == "bad":
                        self.us.fail(j, "bad", "", "final")
                    else:
                        self.us.complete(j, '{"by":"node"}')

        def theirs():
            other = self.another()
            other.do("""await tools.work(job => {
                if (job.name === 'bad') throw new Error('bad')
                return {by: 'node'}
            })""")

        self.peer.do("await tools.listen()")
        us = worked(ours)
        self.assertEqual(us, worked(theirs))
        self.assertGreaterEqual(len(us), 12)

    def plain(self, told):
        """An event without its time and without its order: text to compare."""
        args = told["args"]
        if told["event"] == "delayed":
            return "delayed"
        return json.dumps([told["event"], args], sort_keys=True)

    def test_an_answer_that_was_lost_is_asked_for_again(self):
        self.add(4, {"attempts": 3})
        a, b, c, d = self.us.take(4)
        for _ in range(3):
            said = self.us.complete(a)
        self.assertEqual(said, ["completed"])
        self.us.fail(b)
        self.assertEqual(self.us.fail(b), ["already", "wait"])
        self.us.fail(c, how="final")
        self.assertEqual(self.us.fail(c, how="final"), ["already", "failed"])
        due = self.us.look()["now"] + 60000
        self.us.delay(d, due)
        self.assertEqual(self.us.delay(d, due), ["delayed"])
        self.assertEqual(self.job(b.id)["made"], 1)
        self.assertEqual(self.job(c.id)["made"], 1)

    def test_completing_what_another_holds_or_what_is_gone_changes_nothing(self):
        ids = self.add(2)
        a, b = self.us.take(2)
        self.us.redis("SET", self.us.key(a.id + ":lock"), "someone", "PX", 60000)
        self.assertEqual(self.us.complete(a), ["others", "someone"])
        self.assertEqual(self.state(a.id), "active")
        self.us.redis("DEL", self.us.key(b.id))
        self.assertEqual(self.us.complete(b), ["gone"])
        # The same id again is another job.
        self.us.redis("SET", self.us.key(a.id + ":lock"), a.lease)
        self.us.redis("HSET", self.us.key(a.id), "timestamp", "17")
        self.assertEqual(self.us.complete(a), ["gone"])
        self.assertEqual(ids, [a.id, b.id])

    def test_a_lock_that_ran_out_stops_nobody_when_the_job_is_still_active(self):
        self.add(1)
        j = self.us.one(lock_ms=1)
        time.sleep(0.01)
        self.assertEqual(self.us.complete(j), ["done"])
        self.assertEqual(self.state(j.id), "completed")

    def test_removal_policies_are_the_jobs_own(self):
        for rule, kept in ((True, 0), (2, 2), ({"count": 1}, 1), ({"age": 3600}, 4), (None, 4),
                           (False, 4), ({"age": 3600, "count": 2}, 2), (0, 0)):
            for key, finish, into in (("removeOnComplete", self.us.complete, "completed"),
                                      ("removeOnFail", lambda j: self.us.fail(j, how="final"),
                                       "failed")):
                self.us.redis("FLUSHALL")
                ids = self.add(4, {} if rule is None else {key: rule})
                for j in self.us.take(4):
                    self.us.log(j, "line")
                    finish(j)
                    time.sleep(0.002)
                self.assertEqual(self.us.look()[into], kept, (rule, key))
                hashes = [i for i in ids if self.us.redis("EXISTS", self.us.key(i))]
                self.assertEqual(hashes, ids[len(ids) - kept:] if kept else [], (rule, key))
                logs = [i for i in ids if self.us.redis("EXISTS", self.us.key(i + ":logs"))]
                self.assertEqual(logs, hashes)

    def test_old_ones_go_by_age(self):
        ids = self.add(3, {"removeOnComplete": {"age": 1}})
        a, b, c = self.us.take(3)
        self.us.complete(a)
        self.us.complete(b)
        self.us.redis("ZADD", self.us.key("completed"), self.us.look()["now"] - 5000, ids[0])
        self.us.complete(c)
        self.assertEqual(self.us.redis("ZRANGE", self.us.key("completed"), 0, -1), ids[1:])
        self.assertEqual(self.us.redis("EXISTS", self.us.key(ids[0])), 0)

    def test_progress_and_logs_are_seen(self):
        self.peer.do("await tools.listen()")
        self.add(1)
        j = self.us.one()
        self.assertEqual(self.us.progress(j, '{"state":"ringing"}'), ["done"])
        self.us.log(j, "dialled")
        self.us.log(j, "dialled")
        self.us.log(j, "answered")
        self.peer.wait_told("event", "progress")
        self.assertIn("ringing", json.dumps(self.events("progress")[0]["args"]))
        self.assertEqual(self.job(j.id)["progress"], {"state": "ringing"})
        self.assertEqual(self.peer.do("return (await queue.getJobLogs(arg)).logs", j.id),
                         ["dialled", "answered"])
        self.us.redis("DEL", self.us.key(j.id))
        self.assertEqual(self.us.progress(j, "1"), ["gone"])
        self.assertEqual(self.us.log(j, "x"), ["gone"])

    # --- again, later, back -----------------------------------------------

    def test_attempts_and_backoff_are_the_jobs_own(self):
        factor = (1, 2, 4) if self.mq else (1, 3, 7)
        self.add(1, {"attempts": 4, "backoff": {"type": "exponential", "delay": 1000}})
        for n in range(3):
            j = self.us.one()
            _, word, due = self.us.fail(j, "try %d" % n, "trace %d" % n)
            self.assertEqual(word, "delayed")
            self.assertAlmostEqual(due - self.us.look()["now"], factor[n] * 1000, delta=200)
            self.assertEqual(self.state(j.id), "delayed")
            self.peer.do("await (await queue.getJob(arg)).promote()", j.id)
        j = self.us.one()
        self.assertEqual(self.us.fail(j, "last", "trace 3"), ["done", "failed"])
        seen = self.job(j.id)
        self.assertEqual(seen["made"], 4)
        self.assertEqual(seen["trace"], ["trace %d" % n for n in range(4)])
        self.assertEqual(seen["reason"], "last")

    def test_backoff_is_as_the_library_reckons_it(self):
        """The delays of a real worker's failures and of ours."""
        rules = [5000, {"type": "fixed", "delay": 7000}, {"type": "exponential", "delay": 3000}]
        for rule in rules:
            got = []
            for ours in (True, False):
                self.us.redis("FLUSHALL")
                self.add(1, {"attempts": 5, "backoff": rule})
                if ours:
                    _, word, due = self.us.fail(self.us.one())
                    at = self.us.look()["now"]
                else:
                    other = self.another()
                    other.do("await tools.work(() => { throw new Error('x') })")
                    wait_for(lambda: self.us.look()["delayed"] == 1)
                    at, due = self.us.look()["now"], self.us.look()["due"]
                    other.stop()
                got.append(due - at)
            self.assertAlmostEqual(got[0], got[1], delta=1000, msg=rule)

    def test_without_backoff_a_try_follows_at_once(self):
        self.add(2, {"attempts": 2})
        j = self.us.one()
        self.assertEqual(self.us.fail(j), ["done", "retried"])
        first, second = self.us.take(2)
        self.assertEqual((first.id, second.id), ("2", "1"))
        self.assertEqual(second.tries, "1")
        self.us.complete(second)
        self.assertEqual(self.state("1"), "completed")

    def test_a_backoff_function_of_the_producers_is_refused_by_name(self):
        self.add(1, {"attempts": 3, "backoff": {"type": "moon"}})
        j = self.us.one()
        self.assertEqual(self.us.fail(j), ["backoff", "moon"])
        self.assertEqual(self.state(j.id), "active")
        _, word, due = self.us.fail(j, delay=5000)
        self.assertEqual(word, "delayed")
        self.assertEqual(self.state(j.id), "delayed")

    def test_a_delay_counts_no_try_and_the_job_comes_again(self):
        self.add(1, {"attempts": 1})
        j = self.us.one()
        due = self.us.look()["now"] + 150
        self.assertEqual(self.us.delay(j, due), ["done", due])
        self.assertEqual(self.state(j.id), "delayed")
        self.assertEqual(self.us.look()["due"], due)
        self.us.promote()
        self.assertEqual(self.us.take(1), [])
        time.sleep(0.2)
        self.us.promote()
        again = self.us.one()
        self.assertEqual((again.id, again.tries), (j.id, "0"))
        self.us.complete(again)
        self.assertEqual(self.job(j.id)["made"], 1 if self.mq else 0)

    def test_a_delay_is_as_long_where_our_clock_is_wrong(self):
        hour = 3600000
        for off in (-5 * hour, 5 * hour):
            self.add(1)
            j = self.us.one()
            ours = self.us.look()["now"] + off
            word, due = self.us.delay(j, ours + 8 * hour, ours)
            self.assertEqual(word, "done")
            self.assertAlmostEqual(due, self.us.look()["now"] + 8 * hour, delta=5000)

    def test_a_job_we_delayed_wakes_a_real_worker(self):
        self.add(1)
        j = self.us.one()
        other = self.another()
        other.do("await tools.work()")
        self.us.delay(j, self.us.look()["now"] + 300)
        other.wait_told("worked", j.id)

    def test_what_is_handed_back_is_next_and_counts_no_try(self):
        ids = self.add(3)
        jobs = self.us.take(2)
        for j in reversed(jobs):
            self.assertEqual(self.us.hand_back(j), ["done"])
        self.assertEqual(self.us.hand_back(jobs[0]), ["wait"])
        self.assertEqual([j.id for j in self.us.take(3)], ids)
        self.us.redis("FLUSHALL")
        ids = self.add(2, {"priority": 2}) + self.add(1, {"priority": 1})
        first, second = self.us.take(2)
        self.assertEqual([first.id, second.id], [ids[2], ids[0]])
        self.us.hand_back(second)
        self.us.hand_back(first)
        order = [j.id for j in self.us.take(3)]
        self.assertEqual(order, [ids[2], ids[0], ids[1]] if self.mq else [ids[2], ids[1], ids[0]])

    def test_what_is_handed_back_wakes_a_real_worker(self):
        for opts in ({}, {"priority": 3}):
            self.us.redis("FLUSHALL")
            [id] = self.add(1, opts)
            other = self.another()
            j = self.us.one()
            other.do("await tools.work()")
            time.sleep(0.1)
            self.us.hand_back(j)
            other.wait_told("worked", id)
            other.stop()

    def test_a_dashboards_retry_is_taken_again(self):
        self.add(1)
        j = self.us.one()
        self.us.fail(j, how="final")
        self.peer.do("await (await queue.getJob(arg)).retry()", j.id)
        again = self.us.one()
        self.assertEqual((again.id, again.tries), (j.id, "1"))
        if not self.mq:
            self.assertIsNotNone(again.field["retriedOn"])
        self.us.complete(again)
        self.assertEqual(self.state(j.id), "completed")

    # --- many workers, crashes ---------------------------------------------

    def test_beside_a_real_worker_every_job_is_done_once(self):
        self.peer.do("for (let i = 0; i < 10; i++) await queue.addBulk("
                     "Array.from({length: 60}, (_, k) => ({name: 'n', data: {i, k}})))")
        other = self.another()
        other.do("await tools.work(async () => { await tools.sleep(2); return {by: 'node'} }, 3)")
        ours = []
        end = time.monotonic() + 15
        while time.monotonic() < end and self.us.look()["completed"] < 600:
            for j in self.us.take(5):
                self.assertEqual(self.us.complete(j), ["done"])
                ours.append(j.id)
        wait_for(lambda: self.us.look()["completed"] == 600)
        theirs = [t["worked"] for t in other.told("worked")]
        self.assertEqual(sorted(ours + theirs, key=int), [str(i) for i in range(1, 601)])
        self.assertTrue(ours and theirs)
        self.assertEqual(self.us.redis("KEYS", self.us.key("*:lock")), [])

    def test_what_was_taken_before_a_crash_is_adopted_by_the_token(self):
        ids = self.add(4)
        taken = self.us.take(3)
        other = world.Ours(self.library, SERVER.port, "calls", token="j01234")
        theirs = other.take(1)
        found = self.us.adopt()
        self.assertEqual([(j.id, j.lease) for j in found], [(j.id, j.lease) for j in taken])
        self.assertEqual(found[0].field, taken[0].field)
        self.assertEqual([j.id for j in other.adopt()], [theirs[0].id])
        for j in found:
            self.assertEqual(self.us.complete(j), ["done"])
        self.assertEqual(self.us.adopt(), [])
        self.assertEqual(ids[3], theirs[0].id)
        other.close()

    def test_a_lock_that_ran_out_is_taken_back_only_from_nobody(self):
        self.add(6, {"attempts": 3})
        active, wait, others, failed, done, gone = self.us.take(6, lock_ms=30)
        time.sleep(0.05)
        self.assertEqual(self.us.renew([active]), [0])
        # As a stalled check leaves it.
        self.us.redis("LREM", self.us.key("active"), 1, wait.id)
        self.us.redis("RPUSH", self.us.key("wait"), wait.id)
        self.us.redis("SET", self.us.key(others.id + ":lock"), "someone")
        self.us.fail(failed, how="final")
        self.us.complete(done)
        self.us.redis("DEL", self.us.key(gone.id))
        self.assertEqual(self.us.reclaim(active), ["ours", active.lease])
        self.assertEqual(self.us.reclaim(active), ["ours", active.lease])
        self.assertEqual(self.us.reclaim(wait), ["ours", wait.lease])
        self.assertEqual(self.us.reclaim(others), ["others", "someone"])
        self.assertEqual(self.us.reclaim(failed), ["moved", "failed"])
        self.assertEqual(self.us.reclaim(done), ["moved", "completed"])
        self.assertEqual(self.us.reclaim(gone), ["gone", "removed"])
        self.assertEqual(self.us.redis("LLEN", self.us.key("wait")), 0)
        self.assertEqual(self.us.renew([active, wait, others, gone]), [1, 1, 0, 0])
        for j in (active, wait):
            self.assertEqual(self.us.complete(j), ["done"])

    def test_what_the_library_removes_is_missed_and_nothing_else(self):
        self.add(7, {"attempts": 2})
        jobs = self.us.take(7)
        removed, cleaned, stays, done, failed, held, locked = jobs
        self.us.delay(cleaned, jobs[0].lease and int(time.time() * 1000) + 60000)
        for j in (removed, stays, done, failed):
            self.assertEqual(self.us.hand_back(j), ["done"])
        self.assertEqual(self.us.missing(*jobs), [0] * 7)
        self.peer.do("await (await queue.getJob(arg)).remove()", removed.id)
        self.peer.do("await queue.clean(arg, %s'delayed')" % ("1000, " if self.mq else ""), 0)
        other = world.Ours(self.library, SERVER.port, "calls", token="other")
        for j in other.take(3):
            if j.id == done.id:
                other.complete(j)
            elif j.id == failed.id:
                other.fail(j)
            else:
                other.hand_back(j)
        other.close()
        self.assertEqual(self.us.missing(*jobs), [1, 1, 0, 1, 1, 0, 0])
        # Locked or not: our mark stays, all else goes.
        self.us.redis("DEL", self.us.key(held.id + ":lock"))
        self.peer.do("await queue.pause(); await queue.obliterate({force: true})")
        self.assertEqual(self.us.missing(*jobs), [1] * 7)
        self.assertEqual(self.us.reclaim(locked), ["gone", "removed"])
        self.assertEqual(sorted(self.us.redis("KEYS", "*")), [
            self.us.key("dsrun:" + token) for token in (world.TOKEN, "other")])
        # A Redis that rolled back to before the take remembers none of it.
        self.us.redis("DEL", self.us.key("dsrun:" + world.TOKEN))
        self.assertEqual(self.us.missing(*jobs), [0] * 7)
        self.assertEqual(self.us.reclaim(locked), ["gone", "lost"])

    def test_a_job_that_another_tried_meanwhile_is_not_taken_back(self):
        self.add(1, {"attempts": 3})
        j = self.us.one(lock_ms=1)
        time.sleep(0.01)
        self.us.redis("LREM", self.us.key("active"), 1, j.id)
        self.us.redis("RPUSH", self.us.key("wait"), j.id)
        other = world.Ours(self.library, SERVER.port, "calls", token="other")
        other.fail(other.one())
        self.assertEqual(self.us.reclaim(j), ["moved", "wait"])
        other.close()

    def test_a_stalled_job_goes_back_once_and_then_fails(self):
        self.peer.do("await tools.listen()")
        [id] = self.add(1, {"attempts": 5})
        for n in (1, 2):
            self.us.one(lock_ms=1)
            time.sleep(0.02)
            self.assertEqual(self.us.stalled(), ["checked", [], []])
            time.sleep(0.02)
            word, back, failed = self.us.stalled(interval=5)
            self.assertEqual(self.us.stalled()[0], "not-yet")
            if n == 1 or self.mq:
                self.assertEqual((back, failed), ([id], []))
            else:
                self.assertEqual((back, failed), ([], [id]))
            time.sleep(0.02)
        self.peer.wait_told("event", "stalled")
        if self.mq:
            j = self.us.one()
            self.assertEqual(j.field["defa"], "job stalled more than allowable limit")
            self.assertEqual(self.us.fail(j, j.field["defa"], "", "final"), ["done", "failed"])
        self.assertEqual(self.state(id), "failed")
        self.assertEqual(self.job(id)["reason"], "job stalled more than allowable limit")
        self.assertNotIn("defa", self.us.hash(id))
        self.peer.wait_told("event", "failed")

    def test_a_job_we_marked_stalled_twice_is_failed_by_a_real_worker(self):
        if not self.mq:
            self.skipTest("Bull fails it in the check")
        [id] = self.add(1, {"attempts": 5})
        for _ in (1, 2):
            self.us.one(lock_ms=1)
            time.sleep(0.02)
            self.us.stalled()
            time.sleep(0.02)
            self.us.stalled()
            time.sleep(0.02)
        other = self.another()
        other.do("await tools.work()")
        wait_for(lambda: self.us.look()["failed"] == 1)
        self.assertEqual(other.told("worked"), [])
        self.assertEqual(self.job(id)["reason"], "job stalled more than allowable limit")

    def test_a_long_lock_is_left_alone_by_a_real_workers_stalled_check(self):
        self.add(1)
        j = self.us.one()
        other = self.another()
        more = ({"settings": {"stalledInterval": 100, "lockDuration": 1000}} if not self.mq
                else {"stalledInterval": 100})
        other.do("await tools.work(null, 1, arg)", more)
        time.sleep(0.6)
        self.assertEqual(other.told("worked"), [])
        self.assertEqual(self.us.renew([j]), [1])
        self.assertEqual(self.us.complete(j), ["done"])

    # --- adding ------------------------------------------------------------

    def test_jobs_we_add_are_the_librarys_own(self):
        other = self.another()
        other.do("await tools.work()")
        self.us.add("one", '{"a":1}', "", '"attempts":3,"delay":0')
        self.us.add("two", '{"a":1}', "my-id", '"attempts":1,"delay":120,"jobId":"my-id"')
        self.us.add("three", "{}", "", '"attempts":1,"delay":0,"priority":7')
        self.assertEqual(self.us.add("four", "{}", "my-id", '"jobId":"my-id"'), ["known", "my-id"])
        self.us.promote()
        other.wait_told("worked", n=2)
        time.sleep(0.15)
        self.us.promote()
        other.wait_told("worked", n=3)
        self.assertEqual({t["name"] for t in other.told("worked")}, {"one", "two", "three"})
        wait_for(lambda: self.us.look()["completed"] == 3)
        self.assertEqual(self.us.detect()[1], "bullmq" if self.mq else "bull")

    def test_what_we_add_looks_as_if_the_library_had(self):
        self.add(1, {"attempts": 2, "priority": 4}, "n", {"a": 1})
        self.us.add("n", '{"a":1}', "", '"attempts":2,"delay":0,"priority":4' if not self.mq
                    else '"priority":4,"attempts":2')
        theirs, ours = self.us.hash("1"), self.us.hash("2")
        self.assertEqual(set(theirs), set(ours))
        for h in (theirs, ours):
            opts = json.loads(h["opts"])
            opts.pop("timestamp", None)
            h["opts"] = opts
            h.pop("timestamp")
        self.assertEqual(theirs, ours)

    # --- schedules -----------------------------------------------------------

    def scheduled(self, every=None, **more):
        if self.mq:
            self.peer.do("await queue.upsertJobScheduler('tick', arg, {name: 'tick', data: {a: 1}, "
                         "opts: {attempts: 3, removeOnComplete: true}})",
                         dict(more, **({"every": every} if every else {})))
        else:
            if "pattern" in more:
                more["cron"] = more.pop("pattern")
            self.peer.do("await queue.add('tick', {a: 1}, {repeat: arg, attempts: 3, "
                         "removeOnComplete: true})",
                         dict(more, **({"every": every} if every else {})))

    def next_taken(self, timeout_s=5):
        def taken():
            self.us.promote()
            return self.us.take(1)
        return wait_for(taken, timeout_s)[0]

    def test_a_schedule_goes_on_through_us_and_through_node(self):
        self.scheduled(300)
        seen = []
        for _ in range(3):
            j = self.next_taken()
            self.assertEqual(j.again, "armed")
            self.assertNotEqual(j.detail, j.id)
            self.assertEqual(json.loads(j.field["data"]), {"a": 1})
            seen.append(int(j.id.rsplit(":", 1)[1]))
            self.us.complete(j)
        # A slow machine misses slots; it must not leave their grid.
        steps = [b - a for a, b in zip(seen, seen[1:])]
        self.assertTrue(all(s > 0 and s % 300 == 0 for s in steps), steps)
        self.assertEqual(self.us.look()["delayed"], 1)
        waiting = self.us.hash(j.detail)
        other = self.another()
        other.do("await tools.work()")
        other.wait_told("worked", n=2)
        other.stop()
        self.assertEqual(json.loads(waiting["opts"])["attempts"], 3)
        ids = [int(t["worked"].rsplit(":", 1)[1]) for t in other.told("worked")]
        self.assertEqual((ids[0] - seen[-1]) % 300, 0)
        self.assertEqual(len(ids), len(set(ids)))

    def test_the_next_iteration_is_as_the_library_writes_it(self):
        self.scheduled(1500)
        j = self.next_taken()
        ours = self.us.hash(j.detail)
        self.us.complete(j)
        self.us.redis("FLUSHALL")
        self.scheduled(1500)
        other = self.another()
        other.do("await tools.work()")
        other.wait_told("worked", n=1)
        [id] = wait_for(lambda: self.us.redis("ZRANGE", self.us.key("delayed"), 0, 0))
        other.stop()
        theirs = self.us.hash(id)
        for h in (ours, theirs):
            opts = json.loads(h.pop("opts"))
            for moving in ("timestamp", "jobId", "delay", "prevMillis"):
                opts.pop(moving, None)
            opts["repeat"].pop("count")
            h["opts"] = opts
            h.pop("timestamp")
            h.pop("delay")
        self.assertEqual(ours, theirs)

    def test_an_adopted_iteration_arms_no_second_chain(self):
        self.scheduled(200)
        j = self.next_taken()
        time.sleep(0.5)
        for _ in range(2):
            [again] = self.us.adopt()
            self.assertEqual(again.again, "armed")
        self.assertEqual(self.us.look()["delayed"], 1)
        self.assertEqual(again.id, j.id)

    def test_a_schedule_ends_by_its_limit(self):
        self.scheduled(100, limit=2)
        self.assertEqual(self.next_taken().again, "armed")
        self.assertEqual(self.next_taken().again, "ended")
        self.assertEqual(self.us.look()["delayed"], 0)

    def test_a_schedule_ends_by_its_date(self):
        self.scheduled(100, endDate=self.peer.do("return new Date(Date.now() + 150).toISOString()"))
        j = self.next_taken()
        while j.again == "armed":
            time.sleep(0.2)
            j = self.next_taken()
        self.assertEqual(j.again, "ended")

    def test_a_cron_pattern_is_named_and_not_armed(self):
        self.scheduled(pattern="* * * * * *")
        j = self.next_taken()
        self.assertEqual((j.again, j.detail), ("cron", "* * * * * *"))
        self.assertEqual(self.us.look()["delayed"], 0)
        self.assertEqual(self.us.hand_back(j), ["done"])

    def test_a_removed_schedule_stays_removed(self):
        self.scheduled(100)
        j = self.next_taken()
        self.us.complete(j)
        if self.mq:
            self.peer.do("await queue.removeJobScheduler('tick')")
        else:
            self.peer.do("await queue.removeRepeatable('tick', {every: 100})")
        time.sleep(0.15)
        self.us.promote()
        self.assertEqual(self.us.take(1), [])

    # --- deduplication -------------------------------------------------------

    def test_a_finished_job_no_longer_stands_in_its_successors_way(self):
        opts = ({"deduplication": {"id": "d"}} if self.mq else {"debounce": {"id": "d"}})
        first = self.add(1, opts)
        self.assertEqual(self.add(1, opts), first)
        self.us.complete(self.us.one())
        self.assertNotEqual(self.add(1, opts), first)

    # --- limits and counts of workers -------------------------------------------

    def test_a_workers_limiter_is_kept_together(self):
        """Its max stands nowhere in Redis, so we are told; what either starts
        counts for both."""
        limiter = {"max": 5, "duration": 60000}
        worker = self.another()
        self.add(2)
        worker.do("await tools.work(null, 1, arg)", {"limiter": limiter})
        worker.wait_told("worked", n=2)
        self.add(2)
        wait_for(lambda: self.us.look()["completed"] >= 2)
        worker.do("await tools.stop()")
        had = len(worker.told("worked"))
        self.assertEqual(self.us.redis("GET", self.us.key("limiter")), str(had))
        self.add(8)
        # Not told, we take more than it would, and say so where it counts.
        self.us.take(1)
        self.assertEqual(self.us.redis("GET", self.us.key("limiter")), str(had + 1))
        got = self.us.take_all(9, limit=(5, 60000))
        self.assertEqual(len(got["jobs"]), 5 - had - 1)
        got = self.us.take_all(9, limit=(5, 60000))
        self.assertEqual((got["word"], got["jobs"]), ("limited", []))
        self.assertTrue(0 < got["wait"] <= 60000)
        other = self.another()
        other.do("await tools.work(null, 1, arg)", {"limiter": limiter})
        time.sleep(0.5)
        self.assertEqual(other.told("worked"), [])

    def test_our_own_limit_binds_a_workers_limiter_too(self):
        self.add(9)
        self.assertEqual(len(self.us.take(9, limit=(3, 1500))), 3)
        other = self.another()
        other.do("await tools.work(null, 1, arg)", {"limiter": {"max": 3, "duration": 1500}})
        self.assertEqual(other.told("worked"), [])
        got = self.us.take_all(9, limit=(3, 1500))
        self.assertEqual(got["word"], "limited")
        other.wait_told("worked", n=3)
        self.assertLessEqual(len(self.us.take(9, limit=(3, 1500))), 3)

    def test_counts_are_kept_as_a_worker_keeps_them(self):
        """Ours in one queue, a real worker's in another, minutes passing."""
        look = """const of = async how => {
                const m = await queue.getMetrics(how)
                return {count: m.meta.count, prevCount: m.meta.prevCount, data: m.data,
                    total: m.count}
            }
            return [await of('completed'), await of('failed')]"""
        metrics = {"metrics": {"maxDataPoints": 4}}
        theirs = self.another("theirs")
        theirs.do("await tools.work(job => { if (job.name === 'bad') throw Error('no') }, 1, arg)",
                  metrics)
        self.assertEqual(self.peer.do(look)[0]["data"], [])
        said = []
        for minutes in (0, 0, 1, 3, 9, 1):
            for P in (self.us.P, "bull:theirs:"):
                for how in ("completed", "failed"):
                    key = P + "metrics:" + how
                    at = self.us.redis("HGET", key, "prevTS")
                    if at and minutes:
                        self.us.redis("HSET", key, "prevTS", int(at) - minutes * 60000)
            names = ["good", "bad", "good"]
            had = len(theirs.told("worked"))
            for name in names:
                self.add(1, name=name)
                theirs.do("await queue.add(arg, {})", name)
            theirs.wait_told("worked", n=had + 3)
            wait_for(lambda: self.us.redis("LLEN", "bull:theirs:active") == 0)
            for j in self.us.take(3):
                if j.field["name"] == "bad":
                    self.us.fail(j, metrics=4)
                else:
                    self.us.complete(j, metrics=4)
            said.append((self.peer.do(look), theirs.do(look)))
        if any(ours != other for ours, other in said) and time.time() % 60 < 15:
            self.skipTest("a minute ended in the midst of it")
        for ours, other in said:
            self.assertEqual(ours, other)
        self.assertEqual([ours[0]["count"] for ours, _ in said], [2, 4, 6, 8, 10, 12])
        self.assertEqual(len(said[-1][0][0]["data"]), 4)
        self.assertEqual(self.us.detect()[5], 1)

    def test_counts_of_another_type_stop_nothing(self):
        self.add(2)
        self.us.redis("SET", self.us.key("metrics:completed:data"), "x")
        self.us.redis("HSET", self.us.key("metrics:completed"), "count", "x")
        for j in self.us.take(2):
            self.assertEqual(self.us.complete(j, metrics=9), ["done"])
            self.assertEqual(self.state(j.id), "completed")

    # --- which library ---------------------------------------------------------

    def test_the_library_is_known_by_what_it_left(self):
        kind = "bullmq" if self.mq else "bull"
        # A constructor writes the version, some time after it was made.
        self.another()
        if self.mq:
            wait_for(lambda: self.us.redis("HGET", self.us.key("meta"), "version"))
        self.add(1)
        said = self.us.detect()
        self.assertEqual(said[1], kind)
        if self.mq:
            self.assertTrue(said[3].startswith("bullmq:" + self.library[-1] + "."))
        self.us.redis("DEL", self.us.key("meta"), self.us.key("marker"))
        self.assertEqual(self.us.detect()[1], kind)
        self.us.redis("DEL", self.us.key("events"))
        self.us.take(1)
        self.us.redis("DEL", self.us.key("events"), self.us.key("marker"))
        self.assertEqual(self.us.detect()[1], kind)
        self.us.redis("SET", self.us.key("meta-paused"), 1)
        self.us.redis("XADD", self.us.key("events"), "*", "a", "b")
        self.assertEqual(self.us.detect()[1], "both")

    def test_a_key_of_another_type_is_named(self):
        self.assertEqual(self.us.detect(), ["found", "", "", "", "", 0])
        self.us.redis("SET", self.us.key("active"), "x")
        self.assertEqual(self.us.detect(), ["type", "active", "string", "list"])


class Bull(Library, unittest.TestCase):
    library = "bull"

    def test_what_a_limiter_put_off_holds_nobody_up_when_we_take_it(self):
        worker = self.another()
        worker.do("await tools.work(null, 1, arg)", {"limiter": {"max": 1, "duration": 300}})
        self.add(3)
        wait_for(lambda: self.us.redis("SCARD", self.us.key("limiter:limited")))
        worker.do("await tools.stop()")
        time.sleep(1)
        self.us.promote()
        had = len(worker.told("worked"))
        self.assertEqual(len(self.us.take(3)), 3 - had)
        self.assertEqual(self.us.redis("EXISTS", self.us.key("limiter:limited"),
                                       self.us.key("limiter:index")), 0)


class Mq(Library):
    """What only BullMQ has."""

    def test_the_global_concurrency_is_honoured(self):
        self.add(4)
        self.peer.do("await queue.setGlobalConcurrency(2)")
        got = self.us.take_all(4)
        self.assertEqual((got["word"], len(got["jobs"])), ("taken", 2))
        self.assertEqual(self.us.take_all(4)["word"], "full")
        self.us.complete(got["jobs"][0])
        self.assertEqual(len(self.us.take(4)), 1)

    def test_the_global_rate_limit_is_honoured(self):
        self.add(4)
        self.peer.do("await queue.setGlobalRateLimit(2, 300)")
        self.assertEqual(len(self.us.take(4)), 2)
        got = self.us.take_all(4)
        self.assertEqual(got["word"], "limited")
        self.assertTrue(0 < got["wait"] <= 300)
        self.assertTrue(0 < self.us.look()["limited"] <= 300)
        time.sleep(0.35)
        self.assertEqual(len(self.us.take(4)), 2)

    def flow(self, opts):
        return self.peer.do("""
            const flows = new tools.lib.FlowProducer(tools.options)
            const f = await flows.add({name: 'parent', queueName: 'calls', data: {}, opts: {attempts: 2},
                children: [1, 2].map(i => ({name: 'child', queueName: 'kids', data: {i}, opts: arg}))})
            return [f.job.id, f.children.map(c => c.job.id)]""", opts)

    def kids(self):
        return world.Ours(self.library, SERVER.port, "kids")

    def test_a_flows_parent_is_released_by_its_last_child(self):
        parent, _ = self.flow({})
        kids = self.kids()
        self.assertEqual(self.us.take(1), [])
        a, b = kids.take(2)
        kids.complete(a, '{"n":1}')
        self.assertEqual(self.state(parent), "waiting-children")
        kids.complete(b, '{"n":2}')
        self.assertEqual(self.state(parent), "waiting")
        j = self.us.one()
        values = self.peer.do("return (await queue.getJob(arg)).getChildrenValues()", j.id)
        self.assertEqual(sorted(v["n"] for v in values.values()), [1, 2])
        self.assertEqual(self.us.complete(j), ["done"])
        kids.close()

    def test_a_failed_child_does_what_its_flow_says(self):
        for opts, state, deferred in (({"failParentOnFailure": True}, "waiting", True),
                                      ({"continueParentOnFailure": True}, "waiting", False),
                                      ({"ignoreDependencyOnFailure": True}, "waiting", False),
                                      ({"removeDependencyOnFailure": True}, "waiting", False),
                                      ({}, "waiting-children", False)):
            said = []
            for ours in (True, False):
                self.us.redis("FLUSHALL")
                parent, _ = self.flow(opts)
                kids = self.kids()
                if ours:
                    for j in kids.take(2):
                        self.assertEqual(kids.fail(j, "no", "", "final"), ["done", "failed"])
                else:
                    other = self.another("kids")
                    other.do("await tools.work(() => { throw new Error('no') })")
                    wait_for(lambda: kids.look()["failed"] == 2)
                    other.stop()
                h = self.us.hash(parent)
                self.assertEqual(self.state(parent), state, (opts, ours))
                self.assertEqual("defa" in h, deferred, (opts, ours))
                left = [self.us.redis(count, "bull:calls:%s:%s" % (parent, part))
                        for part, count in (("dependencies", "SCARD"), ("processed", "HLEN"),
                                            ("failed", "HLEN"), ("unsuccessful", "ZCARD"))]
                said.append((left, re.sub("kids:[^ ]*", "kids:ID", h.get("defa", ""))))
                kids.close()
            self.assertEqual(said[0], said[1], opts)

    def test_a_child_removed_at_once_releases_its_parent_too(self):
        parent, _ = self.flow({"removeOnComplete": True, "removeOnFail": True})
        kids = self.kids()
        a, b = kids.take(2)
        kids.complete(a)
        self.assertEqual(self.state(parent), "waiting-children")
        kids.fail(b, "no", "", "final")
        self.assertEqual(self.state(parent), "waiting")
        self.assertEqual(kids.complete(a), ["gone"])
        kids.close()

    def test_a_job_with_children_of_its_own_is_not_completed(self):
        parent, _ = self.flow({})
        self.us.redis("ZREM", self.us.key("waiting-children"), parent)
        self.us.redis("LPUSH", self.us.key("wait"), parent)
        j = self.us.one()
        self.assertEqual(self.us.complete(j), ["children"])
        self.assertEqual(self.state(parent), "active")

    def test_jitter_lies_within_its_part(self):
        for random, least, most in ((0.0, 500, 500), (0.999, 990, 1000)):
            self.us.redis("FLUSHALL")
            self.add(1, {"attempts": 2,
                         "backoff": {"type": "fixed", "delay": 1000, "jitter": 0.5}})
            _, word, due = self.us.fail(self.us.one(), random=random)
            waits = int(self.us.hash("1")["delay"])
            self.assertTrue(least <= waits <= most, waits)

    def test_the_last_of_a_deduplicated_job_follows_when_it_ends(self):
        opts = {"deduplication": {"id": "d", "keepLastIfActive": True}}
        self.add(1, opts, data={"n": 1})
        j = self.us.one()
        self.add(1, opts, data={"n": 2})
        self.add(1, opts, data={"n": 3})
        self.assertEqual(self.us.take(1), [])
        self.us.complete(j)
        again = self.us.one()
        self.assertEqual(json.loads(again.field["data"]), {"n": 3})
        self.us.complete(again)
        self.assertEqual(self.us.take(1), [])

    def test_listeners_hear_when_the_queue_is_drained(self):
        self.peer.do("await tools.listen()")
        self.add(2)
        a, b = self.us.take(2)
        self.us.complete(a)
        self.assertEqual(self.events("drained"), [])
        self.us.complete(b)
        self.peer.wait_told("event", "drained")

    def test_the_stream_is_kept_short(self):
        self.us.redis("HSET", self.us.key("meta"), "opts.maxLenEvents", 100)
        for n in range(200):
            self.us.add("n", "{}", "", "")
            self.us.complete(self.us.one())
        self.assertLess(self.us.redis("XLEN", self.us.key("events")), 250)


class BullMq5(Mq, unittest.TestCase):
    library = "bullmq5"


class BullMq6(Mq, unittest.TestCase):
    library = "bullmq6"


class Full(unittest.TestCase):
    """A Redis whose memory is full: what runs must not lose its locks."""

    def test_locks_are_renewed_and_jobs_finished_when_redis_is_full(self):
        server = world.Server("--maxmemory-policy", "noeviction")
        for library in ("bull", "bullmq6"):
            us = world.Ours(library, server.port, "calls")
            us.redis("CONFIG", "SET", "maxmemory", "0")
            us.redis("FLUSHALL")
            for n in range(4):
                us.add("n", "{}", "", '"attempts":3')
            a, b, c, d = us.take(4, lock_ms=1000)
            us.redis("CONFIG", "SET", "maxmemory", "1mb")
            with self.assertRaisesRegex(world.Error, "OOM"):
                us.add("n", "{}", "", "")
            self.assertEqual(us.renew([a, b, c, d], 50000), [1, 1, 1, 1])
            self.assertGreater(us.redis("PTTL", us.key(a.id + ":lock")), 40000)
            self.assertEqual(us.complete(a), ["done"])
            self.assertEqual(us.fail(b), ["done", "retried"])
            self.assertEqual(us.fail(c, how="final"), ["done", "failed"])
            self.assertEqual(us.hand_back(d), ["done"])
            us.close()
        server.stop()


class Elsewhere(unittest.TestCase):
    """A Redis that looks at keys: a Cluster, and a user of few rights."""

    def live(self, us):
        us.add("n", "{}", "", '"attempts":3')
        us.add("n", "{}", "", '"attempts":3,"priority":2,"delay":0')
        us.add("n", "{}", "", '"attempts":3,"delay":1')
        self.assertIn(us.detect()[1], ("bull", "bullmq"))
        time.sleep(0.005)
        us.promote()
        a, b, c = us.take(3)
        self.assertEqual(us.renew([a, b, c]), [1, 1, 1])
        self.assertEqual(len(us.adopt()), 3)
        us.progress(a, "1")
        us.log(a, "x")
        self.assertEqual(us.complete(a), ["done"])
        self.assertEqual(us.fail(b), ["done", "retried"])
        self.assertEqual(us.delay(c, us.look()["now"] + 1000)[0], "done")
        self.assertEqual(us.reclaim(b), ["moved", "prioritized" if us.library != "bull"
                                         and b.field["priority"] != "0" else "wait"])
        self.assertEqual(us.hand_back(us.one()), ["done"])
        self.assertEqual(us.stalled()[0], "checked")

    def test_a_cluster_routes_all_of_a_queue_by_its_tag(self):
        server = world.Server("--cluster-enabled", "yes")
        redis = world.Redis(server.port)
        redis("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_for(lambda: "cluster_state:ok" in redis("CLUSTER", "INFO"))
        for library in ("bull", "bullmq6"):
            us = world.Ours(library, server.port, library, prefix="{bull}")
            self.live(us)
            us.close()
        redis.close()
        server.stop()

    def test_a_user_of_the_queues_own_keys_and_channels_is_enough(self):
        server = world.Server()
        redis = world.Redis(server.port)
        redis("ACL", "SETUSER", "queue", "on", ">pw", "~bull:*", "&bull:*", "+@all", "-@dangerous",
              "-@admin")
        for library in ("bull", "bullmq6"):
            us = world.Ours(library, server.port, library)
            us.redis("AUTH", "queue", "pw")
            with self.assertRaisesRegex(world.Error, "NOPERM"):
                us.redis("GET", "elsewhere")
            self.live(us)
            us.close()
        redis.close()
        server.stop()


if __name__ == "__main__":
    unittest.main(verbosity=1)
