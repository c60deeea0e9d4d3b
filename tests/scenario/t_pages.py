#!/usr/bin/python3
"""What docs/queue.md and docs/sinks.md tell people to paste, pasted."""
import json
import os
import re
import shutil
import subprocess
import time

import filled
import harness
from harness import ROOT, Skip, require, wait_for
from t_doctor import world
from t_push import SECRET, Hook, pushed


def pasted(page, title):
    """The fenced block whose first line is this comment."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(r"```\w+\n(?://|#) %s\n(.*?)```" % title, text, re.S)
    require(found, "no", title, "in", page)
    return found.group(1)


def node():
    found = shutil.which("node")
    require(found or not os.environ.get("DSRUN_NEED_PEERS"), "no node")
    if not found:
        raise Skip("node is missing")
    return found


def each_producer(test):
    for library in ("bull", "bullmq5", "bullmq6"):
        def named(box, library=library):
            program, server = node(), world.Server()
            try:
                test(box, library, program, server)
            finally:
                server.stop()
        named.__name__ = test.__name__ + "_of_" + library
        globals()[named.__name__] = named


def test_the_producer_of_the_queue_s_page_hears_its_result(box, library,
                                                           program, server):
    js = pasted("queue.md", "producer: " + library.rstrip("56"))
    require("6379" in js, js)
    box.write("producer.js", js.replace("6379", str(server.port)))
    filled.configure(box, bull={"queue": "calls", "url":
                                "redis://127.0.0.1:%d" % server.port})
    # The page's job is of a kind that this tree has.
    (box.path("jobs") / "intro-call.yaml").write_text(
        (ROOT / "jobs" / "intro-call.yaml").read_text())
    box.run("init").expect(0)
    producer = subprocess.Popen(
        [program, box.path("producer.js")], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "NODE_PATH": world.where(
            library) + "/node_modules"})
    try:
        redis = world.Redis(server.port)
        wait_for(lambda: redis("LLEN", "bull:calls:wait") == 1, what="the job")
        redis.close()
        box.run("drain").expect(0)
        out, err = producer.communicate(timeout=30)
    finally:
        producer.kill()
        producer.wait()
    require(producer.returncode == 0, err)
    result = json.loads(out)
    require(set(result) == {"schema", "job", "outcome", "attempts", "callId",
                            "durationMs", "recordingUrl", "transcriptUrl",
                            "revision"} and result["attempts"] >= 1, result)
    require(re.fullmatch(r"1@\d{13}#0", result["job"]), result)
    box.run("why", result["job"]).expect(0)


each_producer(test_the_producer_of_the_queue_s_page_hears_its_result)
del test_the_producer_of_the_queue_s_page_hears_its_result


def posts(box):
    """Headers and bodies of real posts, then ones that are not to be
    believed."""
    hook = Hook()
    pushed(box, filled.job("a"), url=hook.url)
    box.run("sync").expect(0)
    hook.close()
    (headers, body, _), = hook.got
    header, t = headers["DSRun-Signature"], int(time.time())
    signed = header.split(",")
    return [(header, body, SECRET, t, True),
            (signed[0] + ",v1=" + "0" * 64 + "," + signed[1], body, SECRET, t,
             True),
            (header, body + b" ", SECRET, t, False),
            (header, body, SECRET + "x", t, False),
            (header, body, SECRET, t + 1000, False),
            (header.replace("t=1", "t=2"), body, SECRET, t, False),
            (signed[1], body, SECRET, t, False),
            (signed[0], body, SECRET, t, False),
            (signed[0] + ",v1", body, SECRET, t, False),
            (signed[0] + ",v1=zz", body, SECRET, t, False),
            ("t=x," + signed[1], body, SECRET, t, False),
            ("", body, SECRET, t, False)]


def test_the_python_of_the_sinks_page_verifies_a_real_post(box):
    space = {}
    exec(pasted("sinks.md", "verify: python"), space)
    for *given, wanted in posts(box):
        require(space["verify"](*given) is wanted, given, wanted)


def test_the_node_of_the_sinks_page_verifies_a_real_post(box):
    program = node()
    given = posts(box)
    box.write("verify.js", pasted("sinks.md", "verify: node") + """
const rows = JSON.parse(require('fs').readFileSync(0))
console.log(JSON.stringify(rows.map(([header, body, secret, now]) =>
  verify(header, Buffer.from(body, 'latin1'), secret, now))))
""")
    r = subprocess.run(
        [program, box.path("verify.js")], text=True, stdout=subprocess.PIPE,
        input=json.dumps([[h, b.decode("latin1"), s, n]
                          for h, b, s, n, _ in given]), check=True)
    require(json.loads(r.stdout) == [wanted for *_, wanted in given], r.stdout)


def test_the_settings_of_both_pages_are_there(box):
    filled.configure(box)
    keys = {s["key"] for s in
            box.run("config", "--json").json("config")["settings"]}
    keys |= {k.rsplit(".", 1)[0] for k in keys}
    for page in ("queue.md", "sinks.md"):
        text = (ROOT / "docs" / page).read_text()
        said = set(re.findall(
            r"`((?:bull|mongo|s3|webhook|logtail|outbox)\.[a-z_]+)`", text))
        said = {re.sub("_file$", "", s) if re.sub("_file$", "", s) in keys
                else s for s in said}
        require(len(said) > 10, page, said)
        require(said <= keys, page, "names settings that are not there:",
                said - keys)


if __name__ == "__main__":
    harness.main()
