#!/usr/bin/python3
"""`dsrun doctor` and the services it asks when told to: MongoDB, S3, a queue.
Servers that are missing are skips (tests/peers/setup brings them)."""
import pathlib
import socket
import sys

import filled
import harness
from harness import require

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "store"), str(HERE.parent / "queue")]
import mongo_world  # noqa: E402  (found by the line above)
import s3_scripted  # noqa: E402
import stores  # noqa: E402
import world  # noqa: E402

INDEXES = {"campaigns.contact_1", "campaigns.batch_1_status_1",
           "campaigns.status_1_lastCompletedDate_1",
           "campaigns.lastCompletedDate_1", "callrecords.callTime_1",
           "callrecords.campaign_1_callTime_1", "contacts.phone_1"}


def asked(box, *args, exit=0, env=None):
    """What doctor found, a list for each check."""
    r = box.run("doctor", "--json", *args, env=env).expect(exit)
    document = r.json("doctor")
    require(document["ok"] == (exit == 0), document)
    found = {}
    for c in document["checks"]:
        found.setdefault(c["check"], []).append(c)
    return found


def one(found, check, grade, *texts):
    finding, = found[check]
    require(finding["grade"] == grade, "not", grade, finding)
    for text in texts:
        require(text in finding["text"] + str(finding["advice"]), "no", text,
                "in", finding)
    return finding


# --- asked or not ---

class Trap:
    """A port at which somebody listens; was anybody there?"""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]

    def was_called(self):
        try:
            self.socket.accept()[0].close()
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.close()


def test_plain_doctor_calls_nobody_and_says_whom_it_could(box):
    trap = Trap()
    filled.configure(
        box, s3={"bucket": "b", "endpoint": "http://127.0.0.1:%d" % trap.port},
        bull={"queue": "calls", "url": "redis://127.0.0.1:%d" % trap.port})
    box.path(".env").write_text(
        "DSRUN_MONGO_URI=mongodb://127.0.0.1:%d/t\n" % trap.port)
    text = one(asked(box), "services", "ok")["text"]
    require("dsrun doctor --mongo --s3 --queue" in text, text)
    require(not trap.was_called(), "it called somebody")
    filled.configure(box)
    box.path(".env").unlink()
    one(asked(box), "services", "ok", "neither")


def test_what_is_not_set_cannot_be_asked(box):
    filled.configure(box)
    found = asked(box, "--mongo", "--s3", "--queue", exit=78)
    one(found, "mongo", "fail", "DSRUN_MONGO_URI")
    one(found, "s3", "fail", "s3.bucket")
    one(found, "queue", "fail", "bull.queue")


def test_a_broken_configuration_is_not_tried_on_services(box):
    trap = Trap()
    filled.configure(box, s3={
        "bucket": "b", "endpoint": "http://127.0.0.1:%d" % trap.port,
        "delete_days": 80})
    found = asked(box, "--s3", exit=78)
    one(found, "configuration", "fail", "s3.delete_days", "s3.cold_days")
    one(found, "s3", "fail", "not asked")
    require(not trap.was_called(), "it called somebody")


def test_fix_needs_something_to_fix(box):
    filled.configure(box)
    for args in ([], ["--queue"]):
        box.run("doctor", "--fix", *args).expect(2, err="--mongo or --s3")


# --- MongoDB ---

def mongo_at(box, uri):
    filled.configure(box)
    box.path(".env").write_text("DSRUN_MONGO_URI=%s\n" % uri)


def test_mongo_s_indexes_are_looked_for_and_made_when_asked_to(box):
    with mongo_world.java_server() as server:
        mongo_at(box, server.uri)
        for _ in range(2):
            found = asked(box, "--mongo")
            one(found, "mongo", "ok", "127.0.0.1:%d" % server.port, "alone")
            require({f["text"].split()[0] for f in found["mongo indexes"]} ==
                    INDEXES, found)
            require({f["grade"] for f in found["mongo indexes"]} == {"warn"},
                    found)
        found = asked(box, "--mongo", "--fix")
        require({f["text"] for f in found["mongo indexes"]} ==
                {"made " + name for name in INDEXES}, found)
        one(asked(box, "--mongo"), "mongo indexes", "ok", "7 are there")
        one(asked(box, "--mongo", "--fix"), "mongo indexes", "ok", "7 are")
        require("7 are" not in box.run("doctor", "--mongo", "-q").expect(0).out,
                "-q says what is well")
        server.kill()
        finding = one(asked(box, "--mongo", exit=5), "mongo", "fail")
        require("lost" in finding["advice"], finding)


def test_a_wrong_password_for_mongo_is_a_matter_of_configuration(box):
    with mongo_world.ferretdb(box) as server:
        mongo_at(box, server.uri.replace("u:p", "u:hush"))
        r = box.run("doctor", "--mongo").expect(78, out="fail  mongo")
        require("hush" not in r.out + r.err, "the password is shown")
        mongo_at(box, server.uri)
        r = box.run("doctor", "--mongo", "--fix").expect(0)
        require("***" in r.out and "%3A" not in r.out, r.out)
        box.run("doctor", "--mongo").expect(0, out="7 are there")


# --- S3 ---

def bucket_at(box, store, **s3):
    filled.configure(box, s3={"bucket": stores.BUCKET, "prefix": "rec/",
                              "endpoint": store.endpoint, **s3})
    box.path(".env").write_text(
        "DSRUN_S3_ACCESS_KEY=%s\nDSRUN_S3_SECRET_KEY=%s\n" %
        (stores.ACCESS, stores.SECRET))


def rules(store):
    said = store.boto("get_bucket_lifecycle_configuration",
                      Bucket=stores.BUCKET)
    return {r["ID"]: r for r in said.get("Rules", [])}


def test_a_bucket_s_lifecycle_is_looked_at_and_set_when_asked_to(box):
    store = stores.moto(box)
    store.boto("put_bucket_lifecycle_configuration", Bucket=stores.BUCKET,
               LifecycleConfiguration={"Rules": [
                   {"ID": "logs", "Status": "Enabled",
                    "Filter": {"Prefix": "log/"}, "Expiration": {"Days": 3}}]})
    bucket_at(box, store)
    for _ in range(2):
        found = asked(box, "--s3")
        one(found, "s3", "ok", "bucket bkt", "keys from config")
        one(found, "s3 encryption", "ok", "SSE-S3")
        one(found, "s3 lifecycle", "warn", "no such rule",
            "dsrun doctor --s3 --fix")
    require(set(rules(store)) == {"logs"}, "it was set without --fix")
    one(asked(box, "--s3", "--fix"), "s3 lifecycle", "ok",
        "beside 1 rules of others", "GLACIER_IR after 90 days",
        "DEEP_ARCHIVE after 365 days", "deleted after 1095 days")
    mine = rules(store)["dsrun"]
    require(mine["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7, mine)
    require(set(rules(store)) == {"logs", "dsrun"} and
            mine["Filter"]["Prefix"] == "rec/" and
            mine["Expiration"]["Days"] == 1095 and
            mine["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
            and [(t["Days"], t["StorageClass"]) for t in mine["Transitions"]]
            == [(90, "GLACIER_IR"), (365, "DEEP_ARCHIVE")], mine)
    one(asked(box, "--s3"), "s3 lifecycle", "ok", "1095")
    # Other days are another rule.
    bucket_at(box, store, archive_days=30, cold_days=0, delete_days=400)
    one(asked(box, "--s3"), "s3 lifecycle", "warn",
        "archive: 90 days, wanted 30", "delete: 1095 days, wanted 400")
    one(asked(box, "--s3", "--fix"), "s3 lifecycle", "ok", "400")
    one(asked(box, "--s3"), "s3 lifecycle", "ok", "GLACIER_IR after 30 days")
    require(rules(store)["dsrun"]["Expiration"]["Days"] == 400 and
            rules(store)["logs"]["Expiration"]["Days"] == 3, rules(store))
    store.server.end()
    one(asked(box, "--s3", exit=5), "s3", "fail")


def test_a_bucket_that_is_not_there_or_not_ours_is_said(box):
    store = stores.versitygw(box)
    bucket_at(box, store)
    asked(box, "--s3", "--set", "s3.bucket=another", exit=78)
    box.path(".env").write_text(
        "DSRUN_S3_ACCESS_KEY=%s\nDSRUN_S3_SECRET_KEY=not-the-secret\n" %
        stores.ACCESS)
    r = box.run("doctor", "--s3").expect(78)
    require("not-the-secret" not in r.out + r.err, "the secret is shown")


def test_a_server_without_archive_classes_keeps_only_what_it_can(box):
    store = stores.minio(box)
    bucket_at(box, store)
    found = asked(box, "--s3", "--fix", exit=78)
    one(found, "s3 lifecycle", "fail", "s3.archive_days: 0")
    bucket_at(box, store, archive_days=0, cold_days=0)
    found = asked(box, "--s3", "--fix")
    one(found, "s3 lifecycle", "ok", "deleted after 1095 days")
    require(rules(store)["dsrun"]["Expiration"]["Days"] == 1095,
            rules(store))


def test_classes_of_the_lifecycle_are_as_configured(box):
    store = stores.moto(box)
    bucket_at(box, store, archive_days=30, archive_class="STANDARD_IA",
              cold_days=90, cold_class="GLACIER", delete_days=400,
              old_versions_days=1)
    one(asked(box, "--s3", "--fix"), "s3 lifecycle", "ok",
        "STANDARD_IA after 30 days, GLACIER after 90 days")
    mine = rules(store)["dsrun"]
    require([(t["Days"], t["StorageClass"]) for t in mine["Transitions"]] ==
            [(30, "STANDARD_IA"), (90, "GLACIER")] and
            mine["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1, mine)
    one(asked(box, "--s3"), "s3 lifecycle", "ok")
    bucket_at(box, store, archive_days=30, archive_class="GLACIER_IR",
              cold_days=90, delete_days=400, old_versions_days=0)
    one(asked(box, "--s3"), "s3 lifecycle", "warn",
        "archive: to STANDARD_IA, wanted GLACIER_IR",
        "cold: to GLACIER, wanted DEEP_ARCHIVE",
        "old versions: 1 days, wanted 0")
    # What Amazon would refuse is said before it is asked.
    for wrong, text in (({"archive_class": "cool & cheap"}, "storage class"),
                        ({"archive_days": 29,
                          "archive_class": "STANDARD_IA"}, "30 days")):
        bucket_at(box, store, **wrong)
        one(asked(box, "--s3", "--fix", exit=78), "s3", "fail", text)


def test_in_a_bucket_with_versions_what_is_deleted_goes_too(box):
    store = stores.moto(box)
    bucket_at(box, store)
    one(asked(box, "--s3"), "s3 versioning", "ok", "what is deleted is gone")
    for status in ("Enabled", "Suspended"):
        store.boto("put_bucket_versioning", Bucket=stores.BUCKET,
                   VersioningConfiguration={"Status": status})
        bucket_at(box, store)
        one(asked(box, "--s3", "--fix"), "s3 versioning", "ok", status,
            "had back for 7 days")
        one(asked(box, "--s3"), "s3 lifecycle", "ok",
            "old versions deleted 7 days later")
        bucket_at(box, store, old_versions_days=0)
        one(asked(box, "--s3"), "s3 versioning", "warn", status, "for ever",
            "s3.old_versions_days")


def test_a_bucket_is_written_to_when_asked_to(box):
    for store, more in ((stores.versitygw(box), {"encryption": "none"}),
                        (stores.minio(box), {})):
        bucket_at(box, store, archive_days=0, cold_days=0, **more)
        exit = 0 if "minio" in str(store.server.popen.args) else 78
        one(asked(box, "--s3"), "s3", "ok")
        require(store.keys() == [], "it wrote without --fix")
        wrote = one(asked(box, "--s3", "--fix", exit=exit), "s3 write", "ok",
                    "wrote and read rec/dsrun-doctor-")
        again = one(asked(box, "--s3", "--fix", exit=exit), "s3 write", "ok",
                    "refused to replace rec/dsrun-doctor-")
        key, = store.keys()
        require(key in wrote["text"] and key in again["text"], key)
        require(store.uploads() == [], store.uploads())
    # Encrypted otherwise it is another object.
    bucket_at(box, store, archive_days=0, cold_days=0, encryption="kms",
              kms_key=stores.KMS_KEY)
    one(asked(box, "--s3", "--fix"), "s3 write", "ok", "wrote and read")
    require(len(store.keys()) == 2, store.keys())
    bucket_at(box, store, archive_days=0, cold_days=0, encryption="kms",
              kms_key="no-such-key")
    one(asked(box, "--s3", "--fix", exit=78), "s3 write", "fail")


def test_an_upload_that_was_left_behind_is_aborted(box):
    store = stores.moto(box)  # whose uploads were all begun in 2010
    store.boto("create_multipart_upload", Bucket=stores.BUCKET, Key="rec/a")
    store.boto("create_multipart_upload", Bucket=stores.BUCKET, Key="b")
    bucket_at(box, store)
    asked(box, "--s3")
    require(len(store.uploads()) == 2, "one was aborted without --fix")
    one(asked(box, "--s3", "--fix"), "s3 uploads", "ok", "1 that were begun")
    require([u["Key"] for u in store.uploads()] == ["b"], store.uploads())


def test_a_right_that_is_missing_is_named(box):
    for right in ("s3:PutObject", "s3:GetObject",
                  "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"):
        with s3_scripted.Scripted(deny=[right]) as store:
            bucket_at(box, store)
            found = asked(box, "--s3", "--fix", exit=78)
            finding = one(found, "s3 write", "fail", "AccessDenied")
            require(right + " on arn:aws:s3:::bkt/rec/*" in
                    finding["advice"].replace(" and s3:GetObject", ""),
                    right, finding)
            one(found, "s3 lifecycle", "ok")
    for right, check, word in (
            ("s3:GetBucketVersioning", "s3 versioning", "AccessDenied"),
            ("s3:ListBucketMultipartUploads", "s3 uploads", "AccessDenied"),
            ("s3:GetLifecycleConfiguration", "s3 lifecycle", "")):
        with s3_scripted.Scripted(deny=[right]) as store:
            bucket_at(box, store)
            found = asked(box, "--s3")
            if check in found:
                one(found, check, "warn", right, word)
            else:
                one(asked(box, "--s3", "--fix"), check, "warn", right, word)
    with s3_scripted.Scripted(sse=False) as store:
        bucket_at(box, store)
        one(asked(box, "--s3", "--fix", exit=78), "s3 write", "fail",
            "did not encrypt", "s3.encryption: none")


def test_a_server_without_lifecycles_is_said_to_have_none(box):
    store = stores.versitygw(box)
    bucket_at(box, store)
    for fix, exit, grade in (((), 0, "warn"), (("--fix",), 78, "fail")):
        none = ("--s3", *fix, "--set", "s3.encryption=none")
        one(asked(box, *none, exit=exit), "s3 lifecycle", grade,
            "stays for ever", "by other means")
        one(asked(box, *none, "--set", "s3.archive_days=0", "--set",
                  "s3.cold_days=0", "--set", "s3.delete_days=0"),
            "s3 lifecycle", "ok", "none is wanted")


def test_a_rule_for_old_versions_is_sent_to_a_bucket_that_has_them(box):
    with s3_scripted.Scripted(
            says={"versioning": s3_scripted.VERSIONED}) as store:
        bucket_at(box, store)
        one(asked(box, "--s3", "--fix"), "s3 versioning", "ok", "Enabled")
        require("<NoncurrentVersionExpiration><NoncurrentDays>7<" in
                store.says["lifecycle"], store.says)
        one(asked(box, "--s3"), "s3 lifecycle", "ok")


def test_a_bucket_that_does_not_encrypt_is_said(box):
    store = stores.minio(box)
    bucket_at(box, store, encryption="none")
    one(asked(box, "--s3"), "s3 encryption", "warn", "s3.encryption: s3")
    store.boto("put_bucket_encryption", Bucket=stores.BUCKET,
               ServerSideEncryptionConfiguration={"Rules": [
                   {"ApplyServerSideEncryptionByDefault": {
                       "SSEAlgorithm": "aws:kms",
                       "KMSMasterKeyID": stores.KMS_KEY}}]})
    one(asked(box, "--s3"), "s3 encryption", "ok", "aws:kms")


# --- the queue ---

def queue_at(box, server, sim=None, **bull):
    filled.configure(box, sim=sim, bull={
        "queue": "calls", "url": "redis://127.0.0.1:%d" % server.port,
        "names": "call", **bull})


def add(peer, n):
    peer.do("""for (let i = 0; i < arg; i++)
        await queue.add('call', {phone: '+12025550101', campaignId: 'c',
            contact: {timezone: 'America/New_York'}, i})""", n)


def of_each_library(test):
    for library in ("bull", "bullmq5", "bullmq6"):
        def named(box, library=library):
            server = world.Server("--appendonly", "yes")
            peer = world.Peer(library, server.port, "calls")
            try:
                test(box, library, server, peer)
            finally:
                peer.stop()
                server.stop()
        named.__name__ = test.__name__ + "_of_" + library
        globals()[named.__name__] = named


def test_a_queue_is_known_and_counted(box, library, server, peer):
    queue_at(box, server)
    found = asked(box, "--queue")
    one(found, "redis", "ok", "127.0.0.1:%d" % server.port, "Redis", "master")
    one(found, "redis memory", "ok", "noeviction")
    one(found, "redis disk", "ok", "appendonly")
    one(found, "leases", "warn", "dsrun init")
    box.run("init").expect(0)
    add(peer, 3)
    found = asked(box, "--queue")
    kind, counts = (f["text"] for f in found["queue"])
    require("bull:calls is %s's" % library in kind and counts == "3 wait",
            kind, counts)
    one(found, "leases", "ok", "none")
    peer.do("await queue.pause()")
    found = asked(box, "--queue")
    require(found["queue"][1]["grade"] == "warn" and
            "3 wait" in found["queue"][1]["text"], found["queue"])
    peer.do("await queue.resume()")
    box.run("drain", env={"DSRUN_CRASH_AT": "intake.batch.durable:1"}
            ).expect(137)
    found = asked(box, "--queue")
    require("3 active" in found["queue"][1]["text"], found["queue"])
    one(found, "leases", "ok", "3 are ours", "oldest since",
        "5h 59m left")
    r = box.run("doctor", "--queue", "-q").expect(0)
    require("redis" not in r.out, r.out)
    box.run("drain").expect(0)
    found = asked(box, "--queue")
    require("3 completed" in found["queue"][1]["text"], found["queue"])
    one(found, "leases", "ok", "none")


of_each_library(test_a_queue_is_known_and_counted)
del test_a_queue_is_known_and_counted


def with_redis(test):
    def run(box):
        server = world.Server()
        redis = world.Redis(server.port)
        try:
            test(box, server, redis)
        finally:
            redis.close()
            server.stop()
    run.__name__ = test.__name__
    return run


@with_redis
def test_a_redis_that_can_lose_jobs_is_said(box, server, redis):
    queue_at(box, server)
    box.run("init").expect(0)
    one(asked(box, "--queue"), "redis disk", "warn", "appendonly")
    redis("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
    one(asked(box, "--queue"), "redis memory", "warn", "volatile-lru")
    redis("CONFIG", "SET", "maxmemory", "100mb")
    one(asked(box, "--queue", exit=1), "redis memory", "fail",
        "volatile-lru", "100.00M")


@with_redis
def test_jobs_that_others_work_on_are_said_in_mode_exclusive(box, server,
                                                             redis):
    queue_at(box, server)
    box.run("init").expect(0)
    redis("LPUSH", "bull:calls:active", "7")
    redis("HSET", "bull:calls:7", "name", "call", "data", "{}", "opts", "{}",
          "timestamp", "1", "delay", "0", "priority", "0")
    redis("SET", "bull:calls:7:lock", "a-node-worker")
    found = asked(box, "--queue")
    require([f["grade"] for f in found["leases"]] == ["ok", "warn"] and
            "1 active jobs are not ours" in found["leases"][1]["text"],
            found["leases"])
    found = asked(box, "--queue", "--set", "bull.mode=shared", "--set",
                  "bull.lock=1m")
    one(found, "leases", "ok", "none")


@with_redis
def test_a_lease_that_is_lost_in_redis_is_said(box, server, redis):
    queue_at(box, server)
    box.run("init").expect(0)
    redis("LPUSH", "bull:calls:wait", "7")
    redis("HSET", "bull:calls:7", "name", "call", "data",
          '{"phone":"+12025550101"}', "opts", "{}", "timestamp", "1",
          "delay", "0", "priority", "0")
    box.run("drain", env={"DSRUN_CRASH_AT": "intake.batch.durable:1"}
            ).expect(137)
    one(asked(box, "--queue"), "leases", "ok", "1 are ours")
    redis("DEL", "bull:calls:7:lock")
    one(asked(box, "--queue"), "leases", "warn", "the journal has 1")


@with_redis
def test_a_redis_that_is_away_or_refuses_us_is_said(box, server, redis):
    queue_at(box, server, library="bullmq5")
    box.run("init").expect(0)
    redis("HSET", "bull:calls:id", "no", "counter")
    found = asked(box, "--queue", exit=78)
    require(found["queue"][0]["grade"] == "fail", found["queue"])
    redis("CONFIG", "SET", "requirepass", "open sesame")
    one(asked(box, "--queue", exit=78), "redis", "fail", "NOAUTH")
    box.path(".env").write_text("DSRUN_BULL_PASSWORD=a-wrong-one\n")
    r = box.run("doctor", "--queue").expect(78, out="WRONGPASS")
    require("a-wrong-one" not in r.out + r.err, "the password is shown")
    server.stop()
    one(asked(box, "--queue", exit=5), "redis", "fail", "refused")


if __name__ == "__main__":
    harness.main()
