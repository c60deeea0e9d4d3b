#include "base/mem.h"

#include "conf_priv.h"

/* What is built in.  Others are added with their adapters. */
const char *const conf_carriers[] = {"sim", NULL};
const char *const conf_models[] = {"scripted", NULL};

static const char *const classes[] = {
    "keyed", "named", "queryable", "callback", "blind", NULL};
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
