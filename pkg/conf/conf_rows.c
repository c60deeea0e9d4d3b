#include "base/mem.h"

#include "conf_priv.h"

/* What is built in.  Others are added with their adapters. */
const char *const conf_carriers[] = {"sim", NULL};
const char *const conf_models[] = {"scripted", NULL};

static const char *const classes[] = {
    "keyed", "named", "queryable", "callback", "blind", NULL};
static const char *const libraries[] = {
    "auto", "bull", "bullmq", "bullmq5", "bullmq6", NULL};
static const char *const modes[] = {"exclusive", "shared", NULL};
static const char *const formats[] = {"wav", "mp3", "opus", NULL};
static const char *const encryptions[] = {"none", "s3", "kms", NULL};
static const char *const styles[] = {"auto", "virtual", "path", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (INT64_C(60) * MINUTE)
#define DAY (24 * HOUR)
#define KB (INT64_C(1) << 10)
#define MB (INT64_C(1) << 20)
#define GB (INT64_C(1) << 30)
#define COUNT_MAX 1000000

#define TEXT(key, type, field, def, words, help)                            \
	{                                                                   \
		key, CONF_TYPE_##type, false, offsetof(struct conf, field), \
		    def, 0, 0, words, help                                  \
	}
#define SECRET(key, field, help)                                               \
	{                                                                      \
		key, CONF_TYPE_TEXT, true, offsetof(struct conf, field), NULL, \
		    0, 0, NULL, help                                           \
	}
#define NUMBER(key, type, field, def, min, max, help)                       \
	{                                                                   \
		key, CONF_TYPE_##type, false, offsetof(struct conf, field), \
		    def, min, max, NULL, help                               \
	}
#define RATE(name, help)                                                     \
	NUMBER("carrier.sim.faults." #name, DOUBLE, sim.faults.name, "0", 0, \
	    1, help)

/* clang-format off */
static const struct conf_row rows[] = {
	TEXT("dir", PATH, dir, "data", NULL, "directory of the journal and of everything dsrun writes"),
	TEXT("key_prefix", TEXT, key_prefix, NULL, NULL, "first part of every attempt's key; absent: the journal's own id"),
	TEXT("default_kind", TEXT, default_kind, NULL, NULL, "kind of a job that names none: a file in jobs/"),
	TEXT("on_attention", TEXT, on_attention, NULL, NULL, "command run once for each job that a person must look at"),
	TEXT("speech_dir", PATH, speech_dir, NULL, NULL, "recorded speech of the model scripted; absent: fixtures/speech beside the file, else the installed one"),
	TEXT("rules_dir", PATH, rules_dir, NULL, NULL, "the law's data (area codes and their zones); absent: rules beside the file, else the installed one"),

	TEXT("carrier.use", CHOICE, carrier_use, "sim", conf_carriers, "who places calls"),
	NUMBER("carrier.sim.speed", I64, sim.speed, "1", 1, 100000, "simulated seconds per second"),
	NUMBER("carrier.sim.start", START, sim, "now", 0, 0, "where a new network's clock begins: now, or a time of RFC 3339"),
	NUMBER("carrier.sim.seed", I64, sim.seed, "1", 0, INT64_C(9007199254740991), "what its chances are drawn from"),
	TEXT("carrier.sim.class", CHOICE, sim.cls, "named", classes, "what it can tell after a crash"),
	NUMBER("carrier.sim.latency_ms", I64, sim.latency_ms, "120", 0, MINUTE, "from request to placed"),
	NUMBER("carrier.sim.list_lag_ms", I64, sim.list_lag_ms, "500", 0, HOUR, "from placed to visible in a lookup"),
	NUMBER("carrier.sim.memory_ms", I64, sim.memory_ms, "86400000", SECOND, 366 * DAY, "how long after its end a call is still found"),
	NUMBER("carrier.sim.key_window_ms", I64, sim.key_window_ms, "86400000", SECOND, 366 * DAY, "how long it knows a key (class keyed)"),
	NUMBER("carrier.sim.settle_ms", I64, sim.settle_ms, "4000", 0, HOUR, "wait before a missing call counts as missing"),
	TEXT("carrier.sim.personas", PATH, sim.personas, NULL, NULL, "directory of who answers; absent: fixtures/personas beside the file, else the installed one"),
	RATE(request_lost, "chance that a request never arrives"),
	RATE(answer_lost, "chance that the phone rings and the answer is lost"),
	RATE(error_after_place, "chance that the phone rings and the answer is an error"),
	RATE(slow, "chance that the answer takes slow_ms longer"),
	NUMBER("carrier.sim.faults.slow_ms", I64, sim.faults.slow_ms, "3000", 0, 10 * MINUTE, "how much longer"),
	RATE(callback_duplicate, "chance that a callback comes twice"),
	RATE(callback_late, "chance that a callback comes callback_late_ms later"),
	NUMBER("carrier.sim.faults.callback_late_ms", I64, sim.faults.callback_late_ms, "5000", 0, DAY, "how much later"),
	RATE(key_forgotten, "chance that a repeated key rings again (class keyed)"),

	NUMBER("limits.concurrency", I64, limits.concurrency, "30", 1, 10000, "live calls at once"),
	NUMBER("limits.campaign_concurrency", I64, limits.campaign_concurrency, "0", 0, 10000, "live calls of one campaign at once; 0: no limit"),
	NUMBER("limits.line_bytes", I64, limits.line_bytes, "65536", 256, MB, "largest job, as JSON or CSV"),
	NUMBER("limits.queue", I64, limits.queue, "4096", 16, COUNT_MAX, "transactions that may wait for the disk"),

	NUMBER("disk.min_free", SIZE, disk.min_free_bytes, "256MB", 0, 1024 * GB, "with less free space no new call is begun"),
	NUMBER("disk.ballast", SIZE, disk.ballast_bytes, "64MB", 0, 16 * GB, "space kept in reserve to end live calls on a full disk"),
	NUMBER("disk.checkpoint", SIZE, disk.checkpoint_bytes, "16MB", 256 * KB, 4 * GB, "size of the journal's log at which it is folded in"),

	NUMBER("run.grace", DURATION, run.grace_ms, "5m", 0, DAY, "how long calls may go on after a stop was asked for"),
	NUMBER("run.poll", DURATION, run.poll_ms, "1s", 50, HOUR, "how often a worker looks for jobs"),

	NUMBER("outbox.max_tries", I64, outbox.max_tries, "20", 1, 1000, "pushes of one result before it becomes a dead letter"),
	NUMBER("outbox.retry.after", DURATION, outbox.retry.after_ms, "2s", 0, DAY, "wait after the first failed push"),
	NUMBER("outbox.retry.factor", DOUBLE, outbox.retry.factor, "2", 1, 10, "each further wait is this much longer"),
	NUMBER("outbox.retry.max", DURATION, outbox.retry.max_ms, "1h", 0, 30 * DAY, "longest wait; 0: no bound"),
	NUMBER("outbox.retry.jitter", JITTER, outbox.retry.full_jitter, "full", 0, 0, "full: anything between 0 and the wait; none: just it"),

	TEXT("bull.queue", TEXT, bull.queue, NULL, NULL, "jobs come from this queue of Bull or BullMQ"),
	TEXT("bull.prefix", TEXT, bull.prefix, "bull", NULL, "of its keys, as the producers have it"),
	TEXT("bull.url", TEXT, bull.url, "redis://127.0.0.1:6379", NULL, "Redis: redis://host:port/db, rediss:// for TLS, or unix:///path; no password in it"),
	TEXT("bull.user", TEXT, bull.user, NULL, NULL, "user of Redis's access list"),
	SECRET("bull.password", bull.password, "its password"),
	TEXT("bull.sentinels", TEXT, bull.sentinels, NULL, NULL, "host:port, between commas, of those who know the master"),
	TEXT("bull.master", TEXT, bull.master, NULL, NULL, "its name among the sentinels"),
	TEXT("bull.ca_file", PATH, bull.ca_file, NULL, NULL, "authority of a server of one's own (PEM)"),
	TEXT("bull.cert_file", PATH, bull.cert_file, NULL, NULL, "our own certificate (PEM)"),
	TEXT("bull.key_file", PATH, bull.key_file, NULL, NULL, "and its key"),
	TEXT("bull.library", CHOICE, bull.library, "auto", libraries, "whose queue it is; another one's is refused"),
	TEXT("bull.mode", CHOICE, bull.mode, "exclusive", modes, "exclusive: only dsrun works on it; shared: Node workers do too"),
	TEXT("bull.names", TEXT, bull.names, NULL, NULL, "names of jobs, between commas, that are of default_kind"),
	NUMBER("bull.lock", DURATION, bull.lock_ms, "6h", 10 * SECOND, 7 * DAY, "how long a job stays ours without Redis"),
	NUMBER("bull.max_stalled", I64, bull.max_stalled, "1", 1, 1000, "deaths of other workers with a job before it fails"),
	NUMBER("bull.limit", I64, bull.limit, "0", 0, 1000000, "jobs taken in each bull.limit_per, as the workers' limiter has it; 0: no limit"),
	NUMBER("bull.limit_per", DURATION, bull.limit_per_ms, "1s", 1, DAY, "its duration"),
	NUMBER("bull.metrics", I64, bull.metrics, "0", 0, 1000000, "minutes of counts to keep for getMetrics; 0: none, unless the queue has some"),

	SECRET("mongo.uri", mongo.uri, "results to this MongoDB: mongodb://USER:PASSWORD@HOST/DATABASE"),
	TEXT("mongo.database", TEXT, mongo.database, NULL, NULL, "database; absent: the one of the URI"),
	TEXT("mongo.ca_file", PATH, mongo.ca_file, NULL, NULL, "TLS, and only this authority (PEM)"),
	TEXT("mongo.cert_file", PATH, mongo.cert_file, NULL, NULL, "our own certificate and its key (PEM)"),
	SECRET("mongo.master_key", mongo.master_key, "encrypts phone, names and e-mail: base64 of 96 random bytes; whoever loses it loses them"),

	TEXT("s3.bucket", TEXT, s3.bucket, NULL, NULL, "recordings and transcripts to this bucket"),
	TEXT("s3.region", TEXT, s3.region, "us-east-1", NULL, "its region"),
	TEXT("s3.endpoint", TEXT, s3.endpoint, NULL, NULL, "a server of one's own: https://host[:port]; absent: Amazon's"),
	TEXT("s3.style", CHOICE, s3.style, "auto", styles, "how the bucket is named: in the host, or in the path"),
	TEXT("s3.prefix", TEXT, s3.prefix, NULL, NULL, "first part of every key, such as calls/"),
	TEXT("s3.format", CHOICE, s3.format, "opus", formats, "what recordings are encoded to"),
	TEXT("s3.encryption", CHOICE, s3.encryption, "s3", encryptions, "at rest, by the server: none, its own keys, or KMS"),
	TEXT("s3.kms_key", TEXT, s3.kms_key, NULL, NULL, "the KMS key's id; absent: the account's default"),
	TEXT("s3.storage_class", TEXT, s3.storage_class, NULL, NULL, "of new objects; absent: STANDARD"),
	TEXT("s3.ca_file", PATH, s3.ca_file, NULL, NULL, "authority of a server of one's own (PEM)"),
	SECRET("s3.access_key", s3.access_key, "key pair; absent: environment, web identity, container or instance"),
	SECRET("s3.secret_key", s3.secret_key, "its secret half"),
	NUMBER("s3.multipart", SIZE, s3.multipart_bytes, "16MB", 5 * MB, 4 * GB, "from this size on an object goes in parts"),
	NUMBER("s3.part", SIZE, s3.part_bytes, "16MB", 5 * MB, 4 * GB, "size of a part"),
	NUMBER("s3.archive_days", I64, s3.archive_days, "90", 0, 36500, "age at which objects go to the archive; 0: never (dsrun doctor --s3 --fix sets this and the next five)"),
	TEXT("s3.archive_class", TEXT, s3.archive_class, "GLACIER_IR", NULL, "its storage class"),
	NUMBER("s3.cold_days", I64, s3.cold_days, "365", 0, 36500, "age at which they go into the cold; 0: never"),
	TEXT("s3.cold_class", TEXT, s3.cold_class, "DEEP_ARCHIVE", NULL, "its storage class"),
	NUMBER("s3.delete_days", I64, s3.delete_days, "1095", 0, 36500, "age at which they are deleted; 0: never"),
	NUMBER("s3.old_versions_days", I64, s3.old_versions_days, "7", 0, 36500, "in a bucket with versioning: days after which the old version of what was deleted goes too; 0: never"),

	TEXT("webhook.url", TEXT, webhook.url, NULL, NULL, "results are posted there"),
	TEXT("webhook.ca_file", PATH, webhook.ca_file, NULL, NULL, "authority of a server of one's own (PEM)"),
	SECRET("webhook.secret", webhook.secret, "signs each post (DSRun-Signature)"),
	SECRET("webhook.old_secret", webhook.old_secret, "signs it too, while receivers change to the new one"),

	TEXT("logtail.host", TEXT, logtail.host, NULL, NULL, "results as events to this log service (Better Stack): the source's ingesting host"),
	TEXT("logtail.ca_file", PATH, logtail.ca_file, NULL, NULL, "authority of a server of one's own (PEM)"),
	SECRET("logtail.token", logtail.token, "the source's token"),

	TEXT("log.level", CHOICE, log.level, "info", levels, "less than this is not logged"),
	NUMBER("log.rotate", SIZE, log.rotate_bytes, "64MB", 64 * KB, 16 * GB, "a larger file of one day is continued in another"),
	NUMBER("log.keep_days", I64, log.keep_days, "30", 1, 3650, "older logs are removed"),

	NUMBER("spool.settle", DURATION, spool_settle_ms, "0s", 0, DAY, "age at which a file in spool/ is taken"),
};
/* clang-format on */

const struct conf_row *
conf_rows(size_t *count)
{
	*count = ARRAY_LEN(rows);
	return rows;
}
