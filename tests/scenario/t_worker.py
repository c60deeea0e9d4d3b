#!/usr/bin/python3
"""Runs that last: worker, stop and sync, and what status says of them."""
import json
import os
import signal
import time

import filled
import harness
from filled import BUSY, NO_ANSWER, called, configure, enqueue, job
from harness import require, wait_for


def workers(box):
    return box.run("status", "--json").expect(0).json("status")["workers"]


def started(box, *args, name="north", env=None):
    """A worker that status shows."""
    p = box.start("worker", "--worker-id", name, *args, env=env)
    wait_for(lambda: [w for w in workers(box)
                      if w["name"] == name and w["alive"]], 10, "the worker")
    return p


def done(box, count):
    return box.run("status", "--json").json("status")["jobs"]["DONE"] == count


# --- worker ---

def test_a_worker_calls_jobs_as_they_come(box):
    configure(box)
    box.run("init").expect(0)
    p = started(box)
    enqueue(box, job("a"))
    wait_for(lambda: done(box, 1), 20, "the first job")
    enqueue(box, job("b", BUSY))
    wait_for(lambda: done(box, 2), 20, "the second job")
    require(p.running(), "a worker that has nothing to do ends")
    p.terminate()
    r = p.wait().expect(0)
    require(r.out == "", r.out)
    require(workers(box) == [], workers(box))
    require(len(box.results()) == 2, box.results())


def kilobytes(p, what):
    with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith(what + ":"))


def test_a_worker_at_rest_keeps_no_memory_that_only_work_needs(box):
    configure(box, limits={"concurrency": 200})
    box.run("init").expect(0)
    p = started(box)
    enqueue(box, *(job("j%d" % n, "+1999555%04d" % n) for n in range(1000)))
    wait_for(lambda: done(box, 1000), 60, "the jobs")
    wait_for(lambda: kilobytes(p, "VmRSS") < kilobytes(p, "VmHWM") - 700, 10,
             "memory to be given back")
    p.terminate()
    p.wait().expect(0)


def test_a_worker_loads_no_library_before_there_is_a_result(box):
    configure(box, webhook={"url": "http://127.0.0.1:1/"},
              logtail={"host": "127.0.0.1"},
              s3={"bucket": "results", "endpoint": "http://127.0.0.1:1"})
    box.path(".env").write_text(
        "DSRUN_WEBHOOK_SECRET=%s\nDSRUN_LOGTAIL_TOKEN=%s\n"
        "DSRUN_S3_ACCESS_KEY=A\nDSRUN_S3_SECRET_KEY=%s\n"
        "DSRUN_MONGO_URI=mongodb://127.0.0.1:1/x\n"
        % ("s" * 32, "t" * 24, "k" * 40))
    box.run("init").expect(0)
    p = started(box)
    time.sleep(1)
    with open("/proc/%d/maps" % p.pid, encoding="ascii") as f:
        maps = f.read()
    require("libcurl" not in maps and "libmongoc" not in maps, maps)
    p.terminate()
    p.wait().expect(0)


def test_status_shows_a_worker_by_its_number_and_its_name(box):
    configure(box)
    box.run("init").expect(0)
    p = started(box)
    w, = workers(box)
    require(w["pid"] == p.pid and w["command"] == "worker" and w["alive"], w)
    for which in (str(w["id"]), "north"):
        d = box.run("status", "--json", "--worker-id", which).expect(0).json(
            "status")
        require(d["workers"][0]["id"] == w["id"], d)
        r = box.run("check-status", "--worker-id=" + which).expect(
            0, out="north")
        require("jobs " not in r.out, "it shows more than the worker")
    box.run("status", "--worker-id", "south").expect(1, err='"south"')
    filled.error_of(box.run("status", "--worker-id", "9", "--json"),
                    "ERR_NOT_FOUND")


def test_a_worker_asked_to_stop_before_it_begins_stops(box):
    configure(box)
    box.run("init").expect(0)
    os.makedirs(box.path("data/spool"), exist_ok=True)
    box.write("data/spool/jobs.jsonl", json.dumps(job("a")) + "\n")
    p = box.start("worker", env={"DSRUN_CRASH_AT": "intake.batch.durable:1:stop"})
    wait_for(p.stopped, 10, "the intake to stand still")
    p.terminate()
    p.cont()
    p.wait().expect(0, err="stopping")
    require([c for c in box.calls() if c["ev"] == "request"] == [], box.calls())
    box.run("drain").expect(0)
    require(done(box, 1), "the job it took in is not called later")


def test_a_worker_says_what_it_does(box):
    configure(box, sim={"speed": 5})
    box.run("init").expect(0)
    started(box)
    wait_for(lambda: workers(box)[0]["state"] == "idle, 0 calls, 0 done", 10,
             "an idle worker")
    enqueue(box, job("a"))
    wait_for(lambda: workers(box)[0]["state"] == "1 live, 1 calls, 0 done",
             10, "a busy worker")
    box.run("status").expect(0, out="1 live, 1 calls")


def test_an_idle_worker_writes_nothing(box):
    configure(box)
    box.run("init").expect(0)
    started(box)
    wait_for(lambda: workers(box)[0]["state"], 10, "its first word")

    def commits():
        return box.run("sql", "SELECT commits FROM head").expect(0).out

    before = commits()
    time.sleep(2.5)  # longer than between two looks for the dead
    require(commits() == before, "it writes without need")


def test_a_worker_needs_a_name_that_is_one(box):
    configure(box)
    box.run("init").expect(0)
    box.run("worker", "--worker-id", "a b").expect(2, err="letters, digits")
    box.run("worker", "--worker-id", "17").expect(2, err="worker-17")
    box.run("worker", "--worker-id", "x" * 64).expect(2, err="1 to 63")
    box.run("worker", "--worker-id=").expect(2, err="--worker-id")
    box.run("worker", "--dir", "none").expect(78, err="dsrun init")
    filled.error_of(box.run("worker", "--worker-id", "17", "--json"),
                    "ERR_USAGE")


def test_a_worker_tells_its_sum_as_json(box):
    configure(box)
    enqueue(box, job("a"))
    p = box.start("start-worker", "--json")
    wait_for(lambda: done(box, 1), 20, "the job")
    p.terminate()
    d = p.wait().expect(0).json()
    require(d["command"] == "worker" and d["finished"] == 1, d)


def test_two_interrupts_end_a_worker_at_once(box):
    configure(box, sim={"speed": 1})
    enqueue(box, job("a"))
    p = started(box)
    wait_for(lambda: box.run("status", "--json").json()["live"] == 1, 10,
             "the call")
    p.signal(signal.SIGINT)
    wait_for(lambda: "once more" in open(p._err, encoding="utf-8").read(), 5,
             "its word")
    require(p.running(), "a live call was cut off")
    p.signal(signal.SIGINT)
    p.wait(10)
    require(box.run("status", "--json").json()["live"] == 1,
            "its attempt is gone")
    # The next run takes it over.
    require([w["alive"] for w in workers(box)] == [False], workers(box))
    box.run("status").expect(0, out="dead; the next run takes its calls over")


# --- stop ---

def test_stop_ends_a_worker_and_waits_for_it(box):
    configure(box)
    box.run("init").expect(0)
    p = started(box)
    w, = workers(box)
    d = box.run("stop", "--json").expect(0).json("stop")
    require(d == {"schema": 1, "signal": "TERM", "workers": [
        {"id": w["id"], "name": "north", "command": "worker", "pid": p.pid,
         "result": "gone"}]}, d)
    p.wait(5).expect(0)
    require(workers(box) == [], "its row stayed open")
    box.run("stop").expect(0, err="nothing runs here")


def test_one_of_two_workers_is_stopped_by_name_or_number(box):
    configure(box)
    box.run("init").expect(0)
    north, south = started(box), started(box, name="south")
    number = [w["id"] for w in workers(box) if w["name"] == "south"][0]
    box.run("stop", "north").expect(0, err="north (process %d): gone" %
                                    north.pid)
    require(south.running(), "the other one ended too")
    box.run("stop-worker", "--worker-id", number).expect(0)
    south.wait(5).expect(0)
    box.run("stop", "north").expect(1, err='no worker "north"')
    filled.error_of(box.run("stop", "north", "--json"), "ERR_NOT_FOUND")
    box.run("stop", "a", "--worker-id", "b").expect(2, err="two workers")
    box.run("stop", "a", "--all").expect(2, err="not both")


def test_stop_leaves_drains_alone_unless_all_is_said(box):
    configure(box, sim={"speed": 1})
    enqueue(box, job("a"))
    p = box.start("drain")
    wait_for(lambda: [w for w in workers(box) if w["alive"]], 10, "the drain")
    box.run("stop").expect(0, err="--all")
    require(p.running(), "the drain was stopped")
    r = box.run("stop", "--all", "--wait", "200ms").expect(
        11, err="still running")
    require("drain" in r.err, r.err)
    d = box.run("stop", "--all", "--force", "--json").expect(0).json("stop")
    require(d["signal"] == "KILL" and d["workers"][0]["result"] == "gone", d)
    require(p.wait(5).signal == signal.SIGKILL, "it lives")


def test_live_calls_end_before_a_stopped_worker_does(box):
    configure(box, sim={"speed": 20})
    enqueue(box, job("a", NO_ANSWER))
    p = started(box)
    wait_for(lambda: box.run("status", "--json").json()["live"] == 1, 10,
             "the call")
    box.run("stop", "--wait", "0").expect(0, err="signalled")
    p.wait(20).expect(0)
    require(done(box, 1), "the call was cut off")


def test_a_killed_worker_is_recovered_by_the_next_run(box):
    configure(box, sim={"speed": 20})
    enqueue(box, job("a", NO_ANSWER))
    p = started(box)
    wait_for(lambda: box.run("status", "--json").json()["live"] == 1, 10,
             "the call")
    box.run("stop", "--force").expect(0, err="taken over by the next run")
    p.wait(5)
    require([w["alive"] for w in workers(box)] == [False], workers(box))
    box.run("drain")
    require(workers(box) == [] and
            box.run("status", "--json").json()["live"] == 0, "not recovered")
    keys = [c["key"] for c in box.calls() if c["ev"] == "placed"]
    require(len(keys) == len(set(keys)) == 1, keys)


def test_a_number_that_another_process_has_by_now_is_left_alone(box):
    configure(box)
    box.run("init").expect(0)
    p = started(box)
    other = box.start("worker", "--dir", "elsewhere")  # ends: no journal
    other.wait(10)
    bystander = os.getpid()
    filled.alter(box, "UPDATE owner SET pid=%d WHERE closed_ms IS NULL" %
                 bystander)
    r = box.run("stop", "--wait", "0").expect(11, err="another container")
    require(str(bystander) in r.err, r.err)
    require(p.running(), "the worker was ended though its number is unknown")
    d = box.run("stop", "--json", "--wait", "0").expect(11).json("stop")
    require(d["workers"][0]["result"] == "elsewhere", d)


def test_stop_on_a_terminal_says_that_it_waits(box):
    configure(box)
    box.run("init").expect(0)
    p = started(box)
    r = box.pty("stop").expect(0)
    require("live calls may end first" in r.out and "gone" in r.out, r.out)
    p.wait(5)


# --- sync ---

def test_sync_pushes_what_waits(box):
    called(box, job("a"), job("b", BUSY))
    filled.alter(box, "UPDATE outbox SET state=2, error='e'")
    box.run("outbox", "retry").expect(0)
    before = len(box.results())
    d = box.run("sync", "--json").expect(0).json()
    require(d["command"] == "sync" and d["pushed"] == 2, d)
    require(len(box.results()) == before + 2, box.results())
    r = box.run("sync").expect(0)
    require(r.out + r.err == "", "not silent:", r.out, r.err)
    box.run("sync", "--exit-empty").expect(6)
    require(workers(box) == [], "a sync became an owner")


def test_sync_calls_nobody(box):
    configure(box)
    enqueue(box, job("a"))
    box.run("sync", "--max-duration", "5s").expect(0)
    require(not [c for c in box.calls() if c["ev"] == "request"], "it rang")
    box.run("sync", "--dir", "none").expect(78, err="dsrun init")
    box.run("sync", "--max-duration", "x").expect(2, err="--max-duration")


def test_sync_with_a_time_limit_ends_though_nothing_can_be_pushed(box):
    called(box, job("a"))
    filled.alter(box, "UPDATE outbox SET state=0, next_ms=0")
    out = box.data / "out"
    out.rename(box.data / "was")
    out.write_text("in the way")
    began = time.monotonic()
    box.run("sync", "--max-duration", "500ms", timeout_s=20)
    require(time.monotonic() - began < 10, "it went on for",
            time.monotonic() - began)


if __name__ == "__main__":
    harness.main()
