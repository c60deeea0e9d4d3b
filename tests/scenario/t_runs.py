#!/usr/bin/python3
"""drain and enqueue from outside: options, exit codes, the spool, limits."""
import json
import os

import crashing
import harness
from harness import require


def begin(box, count=3, **more):
    crashing.configure(box, **more)
    crashing.people(box, count)
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)


def placed(box):
    return [c for c in box.calls() if c["ev"] == "placed"]


def test_a_drain_is_quiet_off_a_terminal(box):
    begin(box)
    r = box.run("drain", "--wait", "30m").expect(0)
    require(r.out == "" and r.err == "", r.out, r.err)


def test_a_drain_on_a_terminal_shows_a_bar_and_a_summary(box):
    begin(box, 12, sim={"speed": 100})
    r = box.pty("drain", "--wait", "30m", columns=100)
    require("jobs [" in r.out, "no progress bar:", r.out)
    require("jobs finished" in r.out and "results.jsonl" in r.out and
            "dsrun replay --job" in r.out, r.out)


def test_a_drain_tells_the_summary_as_json(box):
    begin(box)
    d = box.run("drain", "--wait", "30m", "--json").expect(0).json()
    require(d["finished"] == 3 and d["pushed"] == 3, d)
    require(sum(d["outcomes"].values()) >= 3, d)


def test_an_empty_journal_is_0_or_6(box):
    crashing.configure(box)
    box.run("init").expect(0)
    box.run("drain").expect(0)
    box.run("drain", "--exit-empty").expect(6)


def test_max_jobs_is_kept(box):
    begin(box, 10)
    box.run("drain", "--max-jobs", "4").expect(0)
    require(len(placed(box)) <= 4, len(placed(box)))
    box.run("drain", "--wait", "30m", "--quiet")
    crashing.recover(box)
    crashing.promise(box)


def test_concurrency_is_kept_by_all_drains_together(box):
    begin(box, 20)
    both = [box.start("drain", "--wait", "20m", "--concurrency", "3",
                      "--quiet") for _ in range(2)]
    for p in both:
        p.wait()
    crashing.recover(box)
    edges = []
    for c in box.calls():
        if c["ev"] == "placed":
            edges.append((c["at_ms"], 1))
        elif c["ev"] == "ended":
            edges.append((c["at_ms"], -1))
    live = most = 0
    for _, step in sorted(edges):
        live += step
        most = max(most, live)
    require(most <= 3, most, "calls at once")


def test_a_soft_end_lets_calls_end(box):
    begin(box, 3, sim={"speed": 30})
    box.run("drain", "--max-duration", "500ms", "--quiet")
    require(len(placed(box)) == 3, "not all were claimed in time")
    ended = [c for c in box.calls() if c["ev"] == "ended"]
    require(len(ended) == 3, len(ended), "calls ended")
    require(crashing.tally(box)["HELD"] == 0, crashing.tally(box))


def test_a_hard_end_leaves_calls_for_the_next_run(box):
    begin(box, 3, sim={"speed": 10})
    box.run("drain", "--max-duration", "800ms", "--cutoff", "hard",
            "--quiet")
    require(crashing.tally(box)["HELD"] > 0, crashing.tally(box))
    crashing.recover(box)
    crashing.promise(box)


def test_a_dry_run_changes_nothing(box):
    begin(box)
    d = box.run("drain", "--dry-run", "--json").expect(0).json()
    require(d["now"] == 3 and len(d["jobs"]) == 3, d)
    require(box.calls() == [] or not placed(box), "it dialled")
    require(crashing.tally(box)["READY"] == 3, crashing.tally(box))


def test_a_file_in_the_spool_counts_once_it_is_renamed_in(box):
    begin(box, 1)
    spool = box.data / "spool"
    line = json.dumps({"id": "s-1", "phone": "+12125550199"}) + "\n"
    (spool / ".half").write_text(line)
    (spool / "x.tmp").write_text(line)
    box.run("drain", "--wait", "30m", "--quiet")
    require(sum(crashing.tally(box).values()) == 1, crashing.tally(box))
    (spool / "now.part").write_text(line)
    os.rename(spool / "now.part", spool / "now.jsonl")
    box.run("drain", "--wait", "30m", "--quiet")
    require(sum(crashing.tally(box).values()) == 2, crashing.tally(box))
    require((spool / "done" / "now.jsonl").exists(), "it was not moved")


def test_a_new_directory_has_a_spool_to_move_files_into(box):
    crashing.configure(box)
    box.run("init").expect(0)
    box.write("a.jsonl", json.dumps({"id": "s-1", "phone": "+12125550199"}) + "\n")
    os.rename(box.path("a.jsonl"), box.data / "spool" / "a.jsonl")
    box.run("drain", "--quiet").expect(0)
    require(len(box.results()) == 1, box.results())


def test_a_worker_takes_what_is_spooled_and_enqueued(box):
    begin(box, 1)
    worker = box.start("worker", "--quiet")
    harness.wait_for(lambda: len(box.results()) == 1, what="the first result")
    spool = box.data / "spool"
    (spool / "a.part").write_text(
        json.dumps({"id": "s-1", "phone": "+12125550199"}) + "\n")
    os.rename(spool / "a.part", spool / "a.jsonl")
    box.run("enqueue", "--phone", "+12125550198", "--id", "e-1").expect(0)
    harness.wait_for(lambda: len(box.results()) == 3, what="three results")
    worker.terminate()
    require(worker.wait().exit == 0, "a stopped worker did not end well")
    crashing.promise(box)


def test_somebody_is_told_once_of_a_parked_job(box):
    begin(box, 1, cls="blind", faults={"answer_lost": 1.0},
          on_attention="cat >> told")
    box.run("drain", "--wait", "30m", "--quiet").expect(4)
    box.run("drain", "--wait", "30m", "--quiet")
    harness.wait_for(lambda: box.path("told").exists(), what="the command")
    require(crashing.tally(box)["PARKED"] == 1, crashing.tally(box))
    told = box.path("told").read_text().splitlines()
    require(len(told) == 1 and told[0].startswith("parked #1-1"), told)


def test_the_same_file_twice_adds_nothing(box):
    begin(box, 5)
    r = box.run("enqueue", "jobs.jsonl").expect(0)
    require("added 0, known 5, refused 0" in r.out, r.out)


def test_a_bad_line_is_refused_and_the_rest_goes_on(box):
    crashing.configure(box)
    box.write("mixed.jsonl",
              '{"id":"a","phone":"+12125550150"}\n'
              '{"id":"b","phone":"12"}\n'
              'nonsense\n'
              '{"id":"c","phone":"+12125550151","color":"red"}\n'
              '{"id":"d","phone":"+1 (212) 555-0152"}\n')
    r = box.run("enqueue", "mixed.jsonl").expect(3)
    require("added 2, known 0, refused 3" in r.out, r.out)
    rejects = harness.read_lines(
        box.data / "rejects" / "mixed.jsonl.rejects.jsonl")
    require([x["line"] for x in rejects] == [2, 3, 4], rejects)


def test_an_id_with_other_content_is_refused_loudly(box):
    begin(box, 1)
    box.jobs("other.jsonl", [{"id": "job-0", "phone": "+12125550177"}])
    r = box.run("enqueue", "other.jsonl").expect(3)
    require("refused 1" in r.out, r.out)


def test_a_number_is_not_called_twice_at_once(box):
    crashing.configure(box)
    box.jobs("jobs.jsonl", [{"id": "j%d" % i, "phone": crashing.PEOPLE[i % 2]}
                            for i in range(6)])
    box.run("enqueue", "jobs.jsonl", "--quiet").expect(0)
    crashing.recover(box, wait="2d", tries=6)
    crashing.promise(box)


def test_outside_the_hours_nobody_is_called(box):
    begin(box, 2, sim={"start": "2027-01-05T12:30:00Z"})
    box.run("drain", "--quiet").expect(0)
    require(not placed(box), "somebody was called before the hours")
    require(crashing.tally(box)["QUEUED"] == 2, crashing.tally(box))
    w = box.run("why", "job-0").expect(0)
    require("window" in w.out, w.out)
    box.run("drain", "--wait", "12h", "--quiet")
    require(len(placed(box)) >= 2, "nobody was called in the morning")
    crashing.promise(box)


if __name__ == "__main__":
    harness.main()
