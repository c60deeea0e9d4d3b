#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

static void
problem_of(const struct conf *c, const char *key, struct conf_problems *ps,
    const char *text)
{
	const struct conf_setting *s = conf_setting_find(c, key);

	conf_problems_add(ps, s->file, s->line, key, "%s", text);
}

static bool
uses_sim(const struct conf *c)
{
	bool uses = text_eq(c->carrier_use, "sim");

	for (size_t i = 0; i < c->kind_count; i++)
		uses = uses || text_eq(c->kinds[i].carrier, "sim");
	return uses;
}

/*
 * Looked up too early, a call that is on its way would count as one that
 * never was, and the phone would ring twice.
 */
static void
check_settle(
    const struct conf_sim *s, const struct conf *c, struct conf_problems *ps)
{
	int64_t slow_ms = s->faults.slow > 0 ? s->faults.slow_ms : 0;
	int64_t least = s->latency_ms + slow_ms + s->list_lag_ms;
	char *text = NULL;

	if (s->settle_ms >= least)
		return;
	text = mem_printf("expected at least %lld (latency_ms %lld + slow_ms "
			  "%lld + list_lag_ms %lld), got %lld: a call still on "
			  "its way would count as never made",
	    (long long)least, (long long)s->latency_ms, (long long)slow_ms,
	    (long long)s->list_lag_ms, (long long)s->settle_ms);
	problem_of(c, "carrier.sim.settle_ms", ps, text);
	mem_free(&text);
}

/* Lookups are believed only while the network still remembers. */
static void
check_memory(
    const struct conf_sim *s, const struct conf *c, struct conf_problems *ps)
{
	int64_t least = s->settle_ms + 2 * s->list_lag_ms;
	char *text = NULL;

	if (s->memory_ms > least)
		return;
	text = mem_printf("expected more than %lld (settle_ms %lld + twice "
			  "list_lag_ms %lld), got %lld: no lookup could prove "
			  "anything",
	    (long long)least, (long long)s->settle_ms,
	    (long long)s->list_lag_ms, (long long)s->memory_ms);
	problem_of(c, "carrier.sim.memory_ms", ps, text);
	mem_free(&text);
}

/* A default that is missing is the reader's to report, when it needs it. */
static void
check_dir(struct env *env, const struct conf *c, const char *key,
    const char *path, struct conf_problems *ps)
{
	const struct conf_setting *s = conf_setting_find(c, key);

	if (s->origin == CONF_DEFAULT || conf_path_is_dir(env, path))
		return;
	conf_problems_add(ps, s->file, s->line, key,
	    "expected a directory that is there, got %s", path);
}

/* Certificates and keys; what is in them their readers say. */
static void
check_files(struct env *env, const struct conf *c, struct conf_problems *ps)
{
	const struct {
		const char *key, *path;
	} files[] = {{"bull.ca_file", c->bull.ca_file},
	    {"bull.cert_file", c->bull.cert_file},
	    {"bull.key_file", c->bull.key_file},
	    {"mongo.ca_file", c->mongo.ca_file},
	    {"mongo.cert_file", c->mongo.cert_file},
	    {"s3.ca_file", c->s3.ca_file},
	    {"webhook.ca_file", c->webhook.ca_file},
	    {"logtail.ca_file", c->logtail.ca_file}};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct conf_setting *s =
		    conf_setting_find(c, files[i].key);

		if (files[i].path != NULL &&
		    !conf_path_is_file(env, files[i].path))
			conf_problems_add(ps, s->file, s->line, files[i].key,
			    "expected a file that is there, got %s",
			    files[i].path);
	}
}

static void
check_kind(const struct conf *c, struct conf_problems *ps)
{
	const char *names[CONF_KINDS_MAX + 1];
	char *text = NULL;

	if (c->default_kind == NULL ||
	    conf_kind_find(c, c->default_kind) != NULL)
		return;
	for (size_t i = 0; i < c->kind_count; i++)
		names[i] = c->kinds[i].name;
	names[c->kind_count] = NULL;

	const char *near = text_nearest(c->default_kind, names);

	text = mem_printf("there is no jobs/%.60s.yaml beside the "
			  "configuration%s%s%s",
	    c->default_kind, near != NULL ? "; did you mean " : "",
	    near != NULL ? near : "", near != NULL ? "?" : "");
	problem_of(c, "default_kind", ps, text);
	mem_free(&text);
}

static void
check_bull(const struct conf *c, struct conf_problems *ps)
{
	const struct conf_bull *b = &c->bull;
	const char *at = strrchr(b->url, '@');
	const char *colon = strchr(b->url + strcspn(b->url, "/"), ':');

	if (at != NULL && colon != NULL && colon < at)
		problem_of(c, "bull.url", ps,
		    "expected no password in it: set DSRUN_BULL_PASSWORD");
	if ((b->sentinels == NULL) != (b->master == NULL))
		problem_of(c,
		    b->master == NULL ? "bull.master" : "bull.sentinels", ps,
		    "expected both bull.sentinels and bull.master, or neither");
	if ((b->cert_file == NULL) != (b->key_file == NULL))
		problem_of(c,
		    b->key_file == NULL ? "bull.key_file" : "bull.cert_file",
		    ps,
		    "expected both bull.cert_file and bull.key_file, or "
		    "neither");
}

/* Those that happen at all must happen in this order. */
static void
check_lifecycle(const struct conf *c, struct conf_problems *ps)
{
	const struct {
		const char *key;
		int64_t days;
	} steps[] = {{"s3.archive_days", c->s3.archive_days},
	    {"s3.cold_days", c->s3.cold_days},
	    {"s3.delete_days", c->s3.delete_days}};
	size_t before = 0;

	for (size_t i = 1; i < ARRAY_LEN(steps); i++) {
		if (steps[i - 1].days != 0)
			before = i - 1;
		if (steps[i].days == 0 || steps[before].days < steps[i].days)
			continue;

		char *text = mem_printf("expected more than %s: %lld",
		    steps[before].key, (long long)steps[before].days);

		problem_of(c, steps[i].key, ps, text);
		mem_free(&text);
	}
}

/* What is of no use, or not enough, without another setting. */
static void
check_sinks(const struct conf *c, struct conf_problems *ps)
{
	const struct conf_s3 *s3 = &c->s3;

	if ((s3->access_key == NULL) != (s3->secret_key == NULL))
		problem_of(c,
		    s3->access_key == NULL ? "s3.access_key" : "s3.secret_key",
		    ps,
		    "expected both s3.access_key and s3.secret_key, or "
		    "neither");
	if (s3->kms_key != NULL && strcmp(s3->encryption, "kms") != 0)
		problem_of(c, "s3.kms_key", ps,
		    "expected s3.encryption: kms beside it");
	if (c->webhook.url != NULL && c->webhook.secret == NULL)
		problem_of(c, "webhook.secret", ps,
		    "expected a secret, which signs what is posted: set "
		    "DSRUN_WEBHOOK_SECRET");
	if (c->logtail.host != NULL && c->logtail.token == NULL)
		problem_of(c, "logtail.token", ps,
		    "expected the source's token beside logtail.host: set "
		    "DSRUN_LOGTAIL_TOKEN");
	if (c->logtail.host == NULL && c->logtail.token != NULL)
		problem_of(c, "logtail.host", ps,
		    "expected the source's ingesting host beside its token");
}

void
conf_check(struct env *env, const struct conf *c, struct conf_problems *ps)
{
	const struct job_rung *retry = &c->outbox.retry;

	if (uses_sim(c)) {
		check_settle(&c->sim, c, ps);
		check_memory(&c->sim, c, ps);
		check_dir(env, c, "carrier.sim.personas", c->sim.personas, ps);
	}
	check_dir(env, c, "speech_dir", c->speech_dir, ps);
	check_files(env, c, ps);
	check_kind(c, ps);
	check_bull(c, ps);
	check_sinks(c, ps);
	check_lifecycle(c, ps);
	if (retry->max_ms != 0 && retry->max_ms < retry->after_ms)
		problem_of(c, "outbox.retry.max", ps,
		    "expected at least the time of outbox.retry.after");
}
