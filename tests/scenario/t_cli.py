#!/usr/bin/python3
"""The command line: every command that needs no journal, and what all share."""
import json
import os
import pathlib
import shutil
import subprocess

import harness
from harness import ROOT, conform, require

RED, YELLOW, BOLD, OFF = "\033[31m", "\033[33m", "\033[1m", "\033[0m"


def commands(box):
    return box.run("help", "--json").json("help")["commands"]


def no_color(text):
    require("\033" not in text, "an escape sequence in", repr(text))


# --- what is wrong on the command line ---

def test_without_a_command_it_says_how_to_go_on(box):
    r = box.run().expect(2, err="dsrun help")
    require(r.out == "", "standard output is for data")
    no_color(r.err)


def test_an_unknown_command_names_the_nearest(box):
    r = box.run("doctr").expect(2, err="did you mean: doctor")
    require("usage:" in r.err, "usage is missing")
    r = box.run("frobnicate").expect(2, err='unknown command "frobnicate"')
    require("did you mean" not in r.err, "nothing is near that")


def test_an_unknown_command_is_red_on_a_terminal(box):
    r = box.pty("doctr").expect(2)
    require(r.out.startswith(RED + "dsrun: "), "not red:", repr(r.out))
    require("doctor" in r.out and "usage:" in r.out, "no help in it")


def test_a_missing_argument_is_yellow_with_an_example(box):
    r = box.pty("completion").expect(2)
    require(r.out.startswith(YELLOW), "not yellow:", repr(r.out))
    require("for example: " + OFF + "source <(dsrun completion bash)" in
            r.out, "no example in", repr(r.out))
    r = box.run("completion").expect(2, err="SHELL is missing")
    no_color(r.err)


def test_a_runtime_error_is_red_with_its_code(box):
    r = box.pty("config", "--set", "nonsense").expect(2)
    require(RED in r.out and "(ERR_USAGE)" in r.out, repr(r.out))


def test_unknown_options_name_the_nearest(box):
    box.run("doctor", "--jsn").expect(2, err="did you mean: --json")
    box.run("doctor", "--no-colour").expect(2, err="did you mean: --no-color")
    box.run("states", "--dott").expect(2, err="did you mean: --dot")
    box.run("doctor", "-x").expect(2, err="unknown option -x")


def test_an_option_of_one_command_is_no_option_of_another(box):
    box.run("doctor", "--dot").expect(2, err="unknown option --dot")


def test_a_value_is_not_taken_from_the_next_option(box):
    box.run("doctor", "--dir", "--json").expect(2, err="--dir needs a value")
    box.run("doctor", "--dir").expect(2, err="--dir needs a value")
    box.run("doctor", "--dir=").expect(2, err="--dir")
    box.run("doctor", "--json=1").expect(2, err="--json takes no value")


def test_a_value_outside_the_choices_is_refused_with_the_nearest(box):
    box.run("config", "--log-level", "debg").expect(
        2, err="did you mean: debug")
    box.run("completion", "bsh").expect(2, err="expected bash, zsh or fish")
    box.run("version", "surplus").expect(2, err="one word too many")


def test_options_may_stand_before_the_command_and_with_an_equals_sign(box):
    first = box.run("--dir=elsewhere", "config", "--json").json("config")
    last = box.run("config", "--json", "--dir", "elsewhere").json("config")
    require(first["dir"] == last["dir"] == str(box.path("elsewhere")),
            first["dir"], last["dir"])


def test_after_two_dashes_everything_is_an_argument(box):
    box.run("help", "--", "--json").expect(2, err='no help for "--json"')


def test_the_last_of_several_wins_and_a_flag_can_be_taken_back(box):
    r = box.run("config", "--json", "--dir", "a", "--dir", "b")
    require(r.json()["dir"] == str(box.path("b")), "not the last one")
    r = box.pty("doctr", "--color", "--no-color").expect(2)
    no_color(r.out)


def test_wrong_use_is_a_document_with_json(box):
    for args in (["doctr", "--json"], ["doctor", "--json", "--jsn"],
                 ["completion", "--json"], ["--json"],
                 ["doctor", "--dirr", "--json"]):
        r = box.run(*args).expect(2)
        error = r.json("error")["error"]
        require(error["code"] == "ERR_USAGE" and error["exit"] == 2, error)
        require(error["message"] in r.err, "standard error says other things")


# --- help ---

def test_help_shows_examples_before_options(box):
    for c in commands(box):
        r = box.run("help", c["name"]).expect(0)
        at = [r.out.index(h) for h in ("Examples:", "Usage:", "Options of")]
        require(at == sorted(at), c["name"], "has another order")
        require(c["summary"] in " ".join(r.out.split()), "no summary")
        require(box.run(c["name"], "--help").out == r.out, "--help differs")
        require(box.run(c["name"], "-h").out == r.out, "-h differs")


def test_help_lists_exactly_the_commands_that_work(box):
    r = box.run("help").expect(0)
    names = [c["name"] for c in commands(box)]
    require(len(set(names)) == len(names), "a name twice")
    for name in names:
        require("\n  %s " % name in r.out, name, "is not listed")
        require(box.run(name, "--help").exit == 0, name, "does not work")


def test_every_command_takes_json(box):
    # Without arguments each either works or says what it lacks: as JSON.
    for c in commands(box):
        if c["name"] in ("worker", "sql", "stop"):
            continue
        r = box.run(c["name"], "--json", "--no-input", "--dir", "none")
        document = r.json()
        require(("error" in document) <= (r.exit != 0), c["name"],
                "reports an error and exits 0")


def test_help_fits_the_terminal(box):
    for columns in (60, 100):
        for c in commands(box):
            r = box.pty("help", c["name"], columns=columns).expect(0)
            for line in r.out.splitlines():
                text = line.replace(BOLD, "").replace(OFF, "")
                fixed = text.lstrip().startswith(("dsrun ", "source "))
                require(len(text) <= columns or fixed, columns, "columns:",
                        repr(line))


def test_help_of_what_is_not_there_names_the_nearest(box):
    box.run("help", "doctro").expect(2, err="perhaps you mean doctor")
    box.run("help", "exit-code").expect(2, err="perhaps you mean exit-codes")


def test_exit_codes_are_one_table(box):
    table = box.run("help", "exit-codes", "--json").json("exit_codes")
    codes = [row["code"] for row in table["exitCodes"]]
    require(codes == [0, 1, 2, 3, 4, 5, 6, 11, 12, 78], codes)
    text = box.run("help", "exit-codes").expect(0).out
    for row in table["exitCodes"]:
        require(row["meaning"] in text, row, "is not in the text")


def test_old_names_of_commands_still_work(box):
    known = {a: c["name"] for c in commands(box) for a in c["aliases"]}
    for alias, name in known.items():
        require(box.run("help", alias).out == box.run("help", name).out,
                alias, "is not", name)
        box.run(alias, "--help").expect(0)
    names = {c["name"] for c in commands(box)}
    wanted = {"start-worker": "worker", "seed-queue": "seed",
              "check-status": "status", "stop-worker": "stop"}
    for alias, name in wanted.items():
        if name in names:
            require(known.get(alias) == name, alias, "is gone")


# --- version ---

def test_version_is_one_line_and_the_same_everywhere(box):
    r = box.run("version").expect(0)
    require(r.out.startswith("dsrun ") and r.out.count("\n") == 1, r.out)
    require(box.run("--version").out == r.out, "--version differs")
    d = box.run("version", "--json").json("version")
    require(r.out.split()[1] == d["version"], "JSON says another version")
    require("compiler" in box.run("version", "-v").out, "-v says no more")


# --- streams ---

def test_colour_is_decided_for_each_stream(box):
    r = box.pty("doctr", out="pipe").expect(2)
    require(RED in r.err, "standard error is a terminal, but not red")
    r = box.pty("doctor", out="pipe")
    no_color(r.out)
    r = box.pty("doctor")
    require("\033[3" in r.out, "a terminal, but no colour")


def test_colour_can_be_refused_and_forced(box):
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
        no_color(box.pty("doctr", env=env).expect(2).out)
    require(RED in box.pty("doctr", env={"NO_COLOR": ""}).out,
            "an empty NO_COLOR says nothing")
    no_color(box.pty("doctr", "--no-color").out)
    require(RED in box.run("doctr", "--color").err, "--color was not heard")
    require(RED in box.pty("doctr", "--color", env={"NO_COLOR": "1"}).out,
            "a flag is stronger than the environment")


def test_a_full_disk_behind_standard_output_is_an_error(box):
    r = box.shell("dsrun states > /dev/full")
    r.expect(1, err="cannot write to standard output")


def test_control_bytes_of_others_never_reach_the_terminal(box):
    for r in (box.run("\033[2Jx"), box.pty("help", "\033]0;x\007"),
              box.run("config", "--set", "a\033[1mb=1")):
        require("\033[2J" not in r.err + r.out and "\033]0" not in r.out and
                "\033[1m" not in r.err, "raw bytes came through")
        require("\\x1b" in r.err + r.out, "they were dropped, not shown")


def test_a_table_is_cut_on_a_terminal_and_whole_off_it(box):
    long = "x" * 300
    box.config({"on_attention": long})
    whole = box.run("config").expect(0).out
    require(long in whole, "cut off a terminal")
    for columns in (70, 120):
        r = box.pty("config", columns=columns, env={"NO_COLOR": "1"})
        widest = max(len(line) for line in r.out.splitlines())
        require(widest <= columns, widest, "columns on", columns)
        require("\u2026" in r.out, "nothing shows that it was cut")


# --- states ---

def test_states_are_printed_as_text_graph_and_json(box):
    text = box.run("states").expect(0).out
    d = box.run("states", "--json").json("states")
    dot = box.run("states", "--dot").expect(0).out
    require(dot.startswith("digraph"), "no graph")
    for machine in ("job", "attempt"):
        names = {s["name"] for s in d[machine]["states"]}
        for step in d[machine]["steps"]:
            require({step["from"], step["to"]} <= names, step)
            require(step["event"] in text and step["event"] in dot,
                    step["event"], "is missing")
    require({s["name"] for s in d["attempt"]["states"] if s["live"]} ==
            {"CLAIMED", "INTENT", "PLACED", "RINGING", "ANSWERED", "UNKNOWN"},
            "other states are live than the design says")
    box.run("states", "--dot", "--json").expect(2, err="choose one")


# --- config ---

def settings(box, *args, env=None, exit=0):
    r = box.run("config", "--json", *args, env=env).expect(exit)
    d = json.loads(r.out)
    return {s["key"]: s for s in d["settings"]}


def test_config_says_where_each_setting_came_from(box):
    s = settings(box)
    require(s["limits.concurrency"]["origin"] == "default", s)
    box.config({"limits": {"concurrency": 7}})
    s = settings(box)["limits.concurrency"]
    require((s["value"], s["origin"]) == ("7", "file") and
            "dsrun.yaml:2" in s["where"], s)
    s = settings(box, "--set", "limits.concurrency=9")["limits.concurrency"]
    require((s["value"], s["origin"]) == ("9", "flag"), s)
    s = settings(box, "--log-level=debug")["log.level"]
    require((s["value"], s["origin"]) == ("debug", "flag"), s)


def test_config_prints_a_table_for_people(box):
    box.config({"limits": {"concurrency": 7}})
    r = box.run("config").expect(0)
    row = [line.split() for line in r.out.splitlines()
           if line.startswith("limits.concurrency ")]
    require(row and row[0][1] == "7" and "dsrun.yaml:2" in row[0][2], row)


def test_every_problem_of_the_configuration_is_listed_and_exits_78(box):
    box.config("limits:\n  concurency: 5\n  queue: many\n")
    for args in (["config"], ["config", "check"]):
        r = box.run(*args).expect(78)
        require("dsrun.yaml:2: limits.concurency" in r.err and
                "concurrency" in r.err, "no suggestion:", r.err)
        require("dsrun.yaml:3: limits.queue" in r.err, r.err)
        require("2 problems" in r.err, r.err)
        d = box.run(*args, "--json").expect(78).json("config")
        require(d["ok"] is False and len(d["problems"]) == 2, d)
        require([p["line"] for p in d["problems"]] == [2, 3], d)


def test_config_check_of_good_files_is_brief(box):
    box.config({"limits": {"concurrency": 7}})
    r = box.run("config", "check").expect(0, err="no problems")
    require(r.out == "", "nothing was asked for")
    require(box.run("config", "check", "-q").err == "", "-q is not quiet")
    d = box.run("config", "check", "--json").json("config")
    require(d["ok"] is True and "settings" not in d, d)


def test_the_directory_is_found_as_documented(box):
    def where(*args, env=None):
        return box.run("config", "--json", *args, env=env).json()["dir"]
    require(where() == str(box.data), where())
    box.config({"dir": "from-file"})
    require(where() == str(box.path("from-file")), where())
    env = {"DSRUN_DIR": str(box.path("from-env"))}
    require(where(env=env) == str(box.path("from-env")), where(env=env))
    require(where("--dir", "from-flag", env=env) ==
            str(box.path("from-flag")), "the flag is not the strongest")


def test_the_configuration_is_found_as_documented(box):
    def found(*args, env=None):
        return box.run("config", "--json", *args, env=env).json()["file"]
    box.write("a.yaml", "limits: {concurrency: 1}\n")
    box.write("b.yaml", "limits: {concurrency: 2}\n")
    require(found(env={"DSRUN_CONFIG": "a.yaml"}) == str(box.path("a.yaml")),
            "DSRUN_CONFIG was not read")
    require(found("--config", "b.yaml", env={"DSRUN_CONFIG": "a.yaml"}) ==
            str(box.path("b.yaml")), "--config is not the strongest")
    box.run("config", "--config", "none.yaml").expect(78, err="none.yaml")


def test_set_wants_a_key_and_a_value(box):
    for bad in ("limits", "=5"):
        box.run("config", "--set", bad).expect(2, err="KEY=VALUE")
    box.run("config", "--set", "limits.concurency=5").expect(
        78, err="limits.concurrency")


# --- doctor ---

def graded(box, *args, exit=None, env=None):
    r = box.run("doctor", "--json", *args, env=env)
    d = r.json("doctor")
    if exit is not None:
        r.expect(exit)
    found = {}
    for c in d["checks"]:
        found.setdefault(c["check"], c)
    return found


def healthy(box):
    box.config({"carrier": {"sim": {
        "personas": str(ROOT / "fixtures" / "personas")}},
        "speech_dir": str(ROOT / "fixtures" / "speech")})
    box.data.mkdir(mode=0o700)


def test_doctor_is_content_with_a_box_in_order(box):
    healthy(box)
    found = graded(box, exit=0)
    for check in ("configuration", "directory", "free space", "file system",
                  "time zones", "personas", "speech"):
        require(found[check]["grade"] == "ok", found[check])
    text = box.run("doctor").expect(0).out
    require("ok    directory" in text, text)
    require(" ok " not in box.run("doctor", "-q").expect(0).out,
            "-q shows what is well")


def test_doctor_changes_nothing(box):
    healthy(box)
    box.data.rmdir()
    before = sorted(p.name for p in box.dir.iterdir())
    found = graded(box, exit=0)
    require(found["directory"]["grade"] == "warn" and
            "dsrun init" in found["directory"]["advice"], found["directory"])
    after = sorted(p.name for p in box.dir.iterdir())
    require(before == after, "it left", after)


def test_doctor_finds_a_directory_that_others_can_use(box):
    healthy(box)
    box.data.chmod(0o777)
    require(graded(box, exit=1)["directory"]["grade"] == "fail", "777 is ok")
    box.data.chmod(0o750)
    require(graded(box, exit=0)["directory"]["grade"] == "warn", "750 is ok")
    box.data.rmdir()
    box.write("data", "a file")
    require(graded(box, exit=1)["directory"]["text"].endswith(
        "is no directory"), "a file is ok")


def test_doctor_finds_a_directory_of_another_user(box):
    if os.geteuid() != 0:
        return  # only root can give a directory away
    healthy(box)
    os.chown(box.data, 12345, 12345)
    found = graded(box, exit=1)["directory"]
    require(found["grade"] == "fail" and "12345" in found["text"], found)


def test_doctor_finds_a_full_disk(box):
    healthy(box)
    free_mb = shutil.disk_usage(box.dir).free >> 20
    found = graded(box, "--set", "disk.min_free=%dMB" % (free_mb + 100000),
                   exit=1)["free space"]
    require(found["grade"] == "fail", found)


def test_doctor_finds_what_is_missing(box):
    healthy(box)
    empty = box.path("empty")
    empty.mkdir()
    found = graded(box, "--set", "carrier.sim.personas=%s" % empty, exit=1)
    require(found["personas"]["grade"] == "fail", found["personas"])
    found = graded(box, "--set", "speech_dir=%s" % empty, exit=0)
    require(found["speech"]["grade"] == "warn", found["speech"])
    found = graded(box, exit=1, env={"TZDIR": str(empty)})
    require(found["time zones"]["grade"] == "fail", found["time zones"])


def test_doctor_shows_problems_of_the_configuration(box):
    box.config("limits:\n  concurency: 5\n")
    found = graded(box, exit=78)["configuration"]
    require(found["grade"] == "fail" and "dsrun.yaml:2" in found["text"],
            found)


# --- completion ---

COMPLETE = r"""
source <(dsrun completion bash) || exit 9
complete_words() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _dsrun dsrun "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\n' "${COMPREPLY[@]}"
}
"""


def completed(box, *words):
    quoted = " ".join("'%s'" % w for w in words)
    r = box.shell(COMPLETE + "complete_words dsrun " + quoted).expect(0)
    return {w for w in r.out.split("\n") if w}


def test_bash_completes_commands_options_and_values(box):
    names = {c["name"] for c in commands(box)}
    require(completed(box, "") == names, "other commands")
    require(completed(box, "doc") == {"doctor"}, "doc is doctor")
    require(completed(box, "--lo") == {"--log-level"}, "a global option")
    require(completed(box, "states", "--d") == {"--dot", "--dir"},
            "options of a command and of all")
    require("--dot" not in completed(box, "doctor", "--d"), "not its option")
    require(completed(box, "doctor", "--mo") == {"--mongo"}, "its own")
    require(completed(box, "doctor", "--log-level", "d") == {"debug"}, "value")
    require(completed(box, "doctor", "--log-level", "=", "w") == {"warn"},
            "after an equals sign")
    require(completed(box, "--dir", "x", "completion", "") ==
            {"bash", "zsh", "fish"}, "arguments, behind a global option")


def test_bash_completes_files(box):
    box.write("one.yaml", "")
    box.path("two").mkdir()
    require("one.yaml" in completed(box, "doctor", "--config", "on"), "a file")
    require(completed(box, "doctor", "--dir", "") >= {"two"} and
            "one.yaml" not in completed(box, "doctor", "--dir", ""),
            "directories only")


def test_every_shell_reads_its_script(box):
    for shell, check in (("bash", "bash -n"), ("zsh", "zsh -n"),
                         ("fish", "fish --no-execute")):
        script = box.run("completion", shell).expect(0).out
        d = box.run("completion", shell, "--json").json("completion")
        require(d["shell"] == shell and d["script"] == script, "JSON differs")
        for c in commands(box):
            require(c["name"] in script, c["name"], "is not in", shell)
        if not shutil.which(shell):
            box.note("%s is not installed: its script was not read" % shell)
            continue
        path = box.write("script." + shell, script)
        p = subprocess.run(check.split() + [str(path)], capture_output=True,
                           text=True, check=False)
        require(p.returncode == 0, shell, "refuses it:", p.stderr)


# --- the files beside the program ---

def test_the_crontab_names_commands_and_options_that_exist(box):
    by_name = {c["name"]: {o["name"] for o in c["options"]}
               for c in commands(box)}
    everywhere = {o["name"] for o in
                  box.run("help", "--json").json()["options"]}
    text = (ROOT / "crontab.example").read_text()
    lines = [line for line in text.splitlines()
             if "dsrun" in line and not line.startswith(("#", "DSRUN"))
             and "=" not in line.split()[0]]
    require(len(lines) >= 4, "only %d lines" % len(lines))
    for line in lines:
        require(len(line.split()) > 6, "no five fields and a command:", line)
        words = line.split("dsrun ", 1)[1].split()
        if words[0] not in by_name:
            continue  # it comes with the journal
        for word in words[1:]:
            if word.startswith("--"):
                name = word[2:].split("=")[0]
                require(name in by_name[words[0]] | everywhere, line)


def test_the_readme_has_the_same_exit_codes(box):
    table = box.run("help", "exit-codes", "--json").json()["exitCodes"]
    rows = [line.split("|")[1].strip()
            for line in (ROOT / "README.md").read_text().splitlines()
            if line.startswith("| ") and line.split("|")[1].strip().isdigit()]
    require(rows == [str(row["code"]) for row in table], rows)


def test_schemas_refuse_what_they_should(box):
    good = {"schema": 1, "error": {"code": "ERR_IO", "message": "x",
                                   "exit": 1}}
    conform(good, "error")
    for bad in ({}, {**good, "schema": 2},
                {"schema": 1, "error": {"code": "x", "message": "x",
                                        "exit": 1}}):
        try:
            conform(bad, "error")
        except harness.Failure:
            continue
        require(False, bad, "passed")
    for path in pathlib.Path(harness.HERE, "schemas").glob("*.json"):
        try:
            conform({}, path.stem)
        except harness.Failure:
            continue
        require(False, path.name, "takes an empty object")


if __name__ == "__main__":
    harness.main()
