#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "bull/bull.h"
#include "doctor.h"
#include "journal/journal.h"
#include "journal/journal_lease.h"
#include "net/net_env.h"
#include "net/net_redis.h"
#include "shown.h"
#include "wire.h"
#include "wire_queue.h"

/* The queue: its Redis, whose queue it is, how it stands, what of it is ours.
 * Nothing is taken from it, and nothing written. */

#define CONNECT_MS 3000
#define ANSWER_MS 5000

struct asking {
	struct doctor *d;
	struct net_redis *redis;
	struct net_redis_command asked;
	struct journal *journal; /* NULL: none yet, or not to be opened */
	struct bull *bull;
	struct bull_call call;
	bool answered;
};

static void
answered(struct asking *a)
{
	a->answered = true;
	net_env_stop(a->d->ctx->env);
}

static void
command_done(struct net_redis_command *c)
{
	answered(CONTAINER_OF(c, struct asking, asked));
}

static void
call_done(struct bull_call *c)
{
	answered(CONTAINER_OF(c, struct asking, call));
}

/* A connection is tried again for a while; who asks here wants to know now.
 * Sentinels may need more than one try. */
static void
on_changed(void *arg, struct net_redis *r)
{
	struct asking *a = arg;
	struct err why;

	net_redis_why(r, &why);
	if (!net_redis_is_up(r) && why.text[0] != '\0' &&
	    a->d->conf->bull.sentinels == NULL)
		net_env_stop(a->d->ctx->env);
}

/* --- Redis -----------------------------------------------------------------
 */

/* Of INFO's "name:value\r\n" lines; "" when it is not there. */
static const char *
info_of(const char *text, const char *name, char out[SHOWN_MAX])
{
	size_t n = strlen(name);

	out[0] = '\0';
	for (const char *p = text; p != NULL && *p != '\0';) {
		if (strncmp(p, name, n) == 0 && p[n] == ':')
			(void)snprintf(out, SHOWN_MAX, "%.*s",
			    (int)strcspn(p + n + 1, "\r\n"), p + n + 1);
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : NULL;
	}
	return out;
}

static bool
is_full(const char *info)
{
	char text[SHOWN_MAX];
	int64_t used = 0;
	int64_t most = 0;
	struct err ignored;

	return text_i64(info_of(info, "used_memory", text), 0, INT64_MAX, &used,
		   &ignored) == ERR_NONE &&
	       text_i64(info_of(info, "maxmemory", text), 1, INT64_MAX, &most,
		   &ignored) == ERR_NONE &&
	       used >= most;
}

static void
say_memory(struct asking *a, const char *info)
{
	static const char name[] = "redis memory";
	char most[SHOWN_MAX], policy[SHOWN_MAX], used[SHOWN_MAX],
	    limit[SHOWN_MAX];
	bool bounded =
	    strcmp(info_of(info, "maxmemory", most), "0") != 0 && *most != '\0';
	const char *bound =
	    bounded ? info_of(info, "maxmemory_human", limit) : "no limit";

	info_of(info, "maxmemory_policy", policy);
	info_of(info, "used_memory_human", used);
	if (strcmp(policy, "noeviction") == 0 && is_full(info))
		doctor_say(a->d, DOCTOR_FAIL, name,
		    "raise maxmemory, or let somebody remove what is over from "
		    "its queues",
		    "it is full (%s used, %s) and refuses every write: no job "
		    "can be added, taken or ended",
		    used, bound);
	else if (strcmp(policy, "noeviction") == 0)
		doctor_say(a->d, DOCTOR_OK, name, NULL,
		    "maxmemory-policy noeviction, %s used, %s", used, bound);
	else
		doctor_say(a->d, bounded ? DOCTOR_FAIL : DOCTOR_WARN, name,
		    "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
		    "maxmemory-policy %s, %s used, %s: %s", policy, used, bound,
		    bounded ? "Redis may throw away jobs and locks"
			    : "with a limit it would throw away jobs and "
			      "locks");
}

static void
say_disk(struct asking *a, const char *info)
{
	static const char name[] = "redis disk";
	char aof[SHOWN_MAX], status[SHOWN_MAX];

	info_of(info, "aof_last_write_status", status);
	if (strcmp(info_of(info, "aof_enabled", aof), "1") != 0)
		doctor_say(a->d, DOCTOR_WARN, name,
		    "CONFIG SET appendonly yes, and in redis.conf",
		    "appendonly is off: what producers added since the last "
		    "snapshot is lost when Redis dies");
	else if (strcmp(status, "ok") != 0)
		doctor_say(a->d, DOCTOR_FAIL, name, "look at its disk and log",
		    "appendonly is on, and its last write failed");
	else
		doctor_say(a->d, DOCTOR_OK, name, NULL, "appendonly is on");
}

static enum err_code
ask_command(struct asking *a, const struct net_redis_arg *words, size_t count,
    struct err *err)
{
	net_redis_command_fini(&a->asked);
	a->asked = (struct net_redis_command){
	    .args = words, .arg_count = count, .done = command_done};
	a->answered = false;
	net_redis_send(a->redis, &a->asked);
	net_env_run(a->d->ctx->env);
	if (a->answered)
		return net_redis_check(&a->asked, err);
	net_redis_cancel(&a->asked);
	net_redis_why(a->redis, err);
	return err->code;
}

/* It answers, and does not tell of itself. */
static enum err_code
say_untold(struct asking *a, const struct err *err)
{
	doctor_say(a->d, DOCTOR_WARN, "redis",
	    "allow this user INFO and CONFIG GET (ACL SETUSER USER +info "
	    "+config|get), then version, memory and disk are looked at too",
	    "it answers, and does not say how it is: %s", err->text);
	return ERR_NONE;
}

static enum err_code
ask_redis(struct asking *a, struct err *err)
{
	static const struct net_redis_arg words[] = {{"INFO", 4}};
	struct net_redis_options o =
	    wire_queue_redis(a->d->ctx->env, &a->d->conf->bull);
	char role[SHOWN_MAX];

	o.connect_ms = CONNECT_MS;
	o.command_ms = ANSWER_MS;
	o.changed = on_changed;
	o.arg = a;
	if (net_redis_open(&o, &a->redis, err) != ERR_NONE)
		return err->code;
	if (ask_command(a, words, ARRAY_LEN(words), err) != ERR_NONE)
		return a->asked.code == ERR_NONE && a->answered &&
			       text_starts(err->text, "NOPERM")
			   ? say_untold(a, err)
			   : err->code;

	const char *info = a->asked.value->kind == NET_REDIS_STRING
			       ? a->asked.value->text
			       : "";
	char *url = net_redis_url_shown(o.url);

	doctor_say(a->d, DOCTOR_OK, "redis", NULL, "%s%s answers, Redis %s, %s",
	    o.sentinels != NULL ? "what the sentinels name for " : "",
	    o.sentinels != NULL ? o.sentinel_master : url,
	    net_redis_version(a->redis), info_of(info, "role", role));
	mem_free(&url);
	say_memory(a, info);
	say_disk(a, info);
	return ERR_NONE;
}

/* --- the queue -------------------------------------------------------------
 */

static enum err_code
await_call(struct asking *a, struct err *err)
{
	if (!a->answered)
		net_env_run(a->d->ctx->env);
	if (!a->answered) {
		bull_cancel(&a->call);
		net_redis_why(a->redis, err);
		return err->code;
	}
	if (a->call.code != ERR_NONE)
		*err = a->call.err;
	return a->call.code;
}

static struct bull_call *
fresh(struct asking *a)
{
	bull_call_fini(&a->call);
	a->call = (struct bull_call){.done = call_done};
	a->answered = false;
	return &a->call;
}

static enum err_code
ask_library(struct asking *a, const char *name, struct err *err)
{
	enum err_code code;

	bull_detect(a->bull, fresh(a));
	code = await_call(a, err);
	if (code != ERR_NONE)
		return code;
	doctor_say(a->d, DOCTOR_OK, name, NULL, "%s is %s's%s%s",
	    bull_name(a->bull), bull_library_name(bull_library(a->bull)),
	    *a->call.text != '\0' ? ", known by "
				  : ", though nothing in it says so yet",
	    a->call.text);
	return ERR_NONE;
}

static void
put_count(struct buf *b, int64_t n, const char *what)
{
	if (n > 0)
		buf_printf(
		    b, "%s%lld %s", b->len > 0 ? ", " : "", (long long)n, what);
}

static enum err_code
ask_counts(struct asking *a, const char *name, int64_t *active, struct err *err)
{
	const struct bull_counts *n = &a->call.counts;
	struct buf text = BUF_INIT(512);
	enum err_code code;

	bull_look(a->bull, fresh(a));
	code = await_call(a, err);
	if (code != ERR_NONE)
		return code;
	*active = n->active;
	put_count(&text, n->wait + n->held, "wait");
	put_count(&text, n->prioritized, "wait by priority");
	put_count(&text, n->delayed, "delayed");
	put_count(&text, n->waiting_children, "wait for children");
	put_count(&text, n->active, "active");
	put_count(&text, n->completed, "completed");
	put_count(&text, n->failed, "failed");
	if (text.len == 0)
		buf_puts(&text, "no job");
	if (n->paused)
		doctor_say(a->d, DOCTOR_WARN, name,
		    "resume it where it was paused: queue.resume()",
		    "it is paused, nothing is taken from it; %s",
		    buf_text(&text));
	else
		doctor_say(a->d, DOCTOR_OK, name, NULL, "%s", buf_text(&text));
	buf_free(&text);
	return ERR_NONE;
}

/* --- leases ----------------------------------------------------------------
 */

static const char leases[] = "leases";

static void
open_journal(struct asking *a)
{
	const char *dir = a->d->conf->dir;
	char *path = mem_printf("%s/journal.db", dir);
	struct env_stat st;
	struct err err;

	if (env_stat(a->d->ctx->env, path, &st, &err) != ERR_NONE)
		doctor_say(a->d, DOCTOR_WARN, leases,
		    "`dsrun init` makes it, if the directory is the right one",
		    "there is no journal in %s, so none of them is ours", dir);
	else if (wire_journal(a->d->ctx, JOURNAL_MUST_EXIST, &a->journal,
		     &err) != ERR_NONE)
		doctor_fail(a->d, leases, "see what `dsrun status` says", &err);
	mem_free(&path);
}

static void
count_lease(void *arg, const struct journal_lease *l)
{
	int64_t *n = arg;

	(void)l;
	++*n;
}

static enum err_code
count_held(struct asking *a, int64_t *held, struct err *err)
{
	char *source = wire_queue_name(&a->d->conf->bull);
	enum err_code code = journal_read_leases(a->journal, source,
	    JOURNAL_LEASE_HELD, 0, INT32_MAX, count_lease, held, err);

	mem_free(&source);
	return code;
}

static void
describe(const struct bull_call *c, struct buf *out)
{
	char oldest[SHOWN_MAX], soonest[SHOWN_MAX];
	int64_t first = c->now_ms;
	int64_t left = INT64_MAX;

	for (size_t i = 0; i < c->lease_count; i++) {
		int64_t taken = bull_lease_taken_ms(c->leases[i].lease);

		if (taken > 0 && taken < first)
			first = taken;
		if (c->leases[i].left_ms < left)
			left = c->leases[i].left_ms;
	}
	if (c->lease_count == 0)
		buf_puts(out, "none of its jobs is ours");
	else
		buf_printf(out,
		    "of its jobs %zu are ours, the oldest since %s; the first "
		    "lock to end has %s left",
		    c->lease_count, shown_age(c->now_ms - first, oldest),
		    shown_age(left, soonest));
}

/* Jobs of others are as they should be in mode shared, and for a moment. */
static void
say_others(struct asking *a, int64_t others)
{
	if (others > 0 && strcmp(a->d->conf->bull.mode, "exclusive") == 0)
		doctor_say(a->d, DOCTOR_WARN, leases,
		    "end other workers of this queue, or set bull.mode: shared",
		    "%lld active jobs are not ours, and bull.mode is exclusive",
		    (long long)others);
}

static enum err_code
ask_leases(struct asking *a, int64_t active, struct err *err)
{
	struct buf text = BUF_INIT(512);
	int64_t held = 0;
	int64_t ours;

	bull_ours(a->bull, fresh(a));
	if (await_call(a, err) != ERR_NONE || count_held(a, &held, err))
		return err->code;
	describe(&a->call, &text);
	ours = (int64_t)a->call.lease_count;
	if (ours == held)
		doctor_say(
		    a->d, DOCTOR_OK, leases, NULL, "%s", buf_text(&text));
	else
		doctor_say(a->d, DOCTOR_WARN, leases,
		    "nothing while one runs; else the next `dsrun drain` "
		    "takes in what it does not know, and asks for its own",
		    "%s; the journal has %lld", buf_text(&text),
		    (long long)held);
	/* One whose lock was lost may be ours yet. */
	say_others(a, active - (ours > held ? ours : held));
	buf_free(&text);
	return ERR_NONE;
}

static enum err_code
ask(struct asking *a, const char *name, struct err *err)
{
	int64_t active = 0;
	enum err_code code;

	open_journal(a);
	code = wire_queue_bull(a->d->ctx->env, &a->d->conf->bull, a->journal,
	    a->redis, &a->bull, err);
	if (code == ERR_NONE)
		code = ask_library(a, name, err);
	if (code == ERR_NONE)
		code = ask_counts(a, name, &active, err);
	if (code == ERR_NONE && a->journal != NULL)
		code = ask_leases(a, active, err);
	return code;
}

void
doctor_queue(struct doctor *d, const char *name)
{
	struct asking a = {.d = d};
	struct err err;

	if (!wire_queue_is_set(d->conf)) {
		(void)err_set(&err, ERR_CONFIG, 0, "bull.queue is not set");
		doctor_fail(d, name, "name a queue in dsrun.yaml", &err);
		return;
	}
	if (ask_redis(&a, &err) != ERR_NONE)
		doctor_fail(d, "redis", NULL, &err);
	else if (ask(&a, name, &err) != ERR_NONE)
		doctor_fail(d, name, NULL, &err);
	bull_call_fini(&a.call);
	bull_close(&a.bull);
	net_redis_cancel(&a.asked);
	net_redis_command_fini(&a.asked);
	net_redis_close(&a.redis);
	journal_close(&a.journal);
}
