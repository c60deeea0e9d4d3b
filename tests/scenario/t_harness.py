#!/usr/bin/python3
"""The harness itself: signals, waiting, terminals and failures."""
import signal
import time

import harness
from harness import Failure, require


def fails(function, *words):
    try:
        function()
    except Failure as e:
        for word in words:
            require(word in str(e), "says", e)
        return
    require(False, "did not fail")


def test_a_condition_that_never_holds_ends_with_its_name(box):
    began = time.monotonic()
    fails(lambda: harness.wait_for(lambda: False, 0.2, "the moon"),
          "the moon")
    require(time.monotonic() - began < 5, "it waited on")


def test_another_exit_code_fails(box):
    fails(lambda: box.run("version").expect(1), "exit code", "0")


def test_the_transcript_holds_what_was_run(box):
    box.run("version")
    require(any("dsrun version" in line for line in box.transcript) and
            any("exit 0" in line for line in box.transcript), box.transcript)


def test_a_killed_program_shows_as_128_plus_the_signal(box):
    r = box.shell("dsrun version > /dev/null; kill -9 $$")
    require(r.exit == 137 and r.signal == signal.SIGKILL, r.exit)


def test_a_started_program_can_be_stopped_continued_and_killed(box):
    # A pipe that nobody writes to keeps the program waiting.
    fifo = box.path("dsrun.yaml")
    import os
    os.mkfifo(fifo)
    p = box.start("config")
    harness.wait_for(p.running, 5, "it to start")
    p.stop()
    require(p.stopped(), "it is not stopped")
    p.cont()
    harness.wait_for(lambda: not p.stopped(), 5, "it to go on")
    r = p.kill()
    require(r.exit == 137, r.exit)
    require(not p.running(), "it still runs")


def test_settings_become_yaml_that_dsrun_reads(box):
    box.config({"limits": {"concurrency": 3}, "carrier": {"sim": {
        "faults": {"slow": 0.25}}}, "key_prefix": "a: \"b\" # c"})
    d = box.run("config", "--json").expect(0).json("config")
    got = {s["key"]: s["value"] for s in d["settings"]}
    require(got["limits.concurrency"] == "3" and
            got["carrier.sim.faults.slow"] == "0.25" and
            got["key_prefix"] == "a: \"b\" # c", got)


def test_a_terminal_that_hangs_is_ended(box):
    import os
    os.mkfifo(box.path("dsrun.yaml"))
    r = box.pty("config", timeout_s=1)
    require(r.signal == signal.SIGKILL, r.exit)


if __name__ == "__main__":
    harness.main()
