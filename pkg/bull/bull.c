#include "bull/bull.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "bull/bull_priv.h"

#define NAME_MAX_BYTES 256
#define FIELD_MAX ((size_t)1 << 20)
#define ANSWER_MAX ((size_t)16 << 20)

/* Of all queues, and for ever: a connection still knows the script of a call
 * that was cancelled. */
static struct net_redis_script scripts[] = {
#include "bull_scripts.inc"
};

struct net_redis_script *
bull_script(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		if (strcmp(scripts[i].name, name) == 0)
			return &scripts[i];
	CHECK(false);
}

static const char *const library_names[BULL_LIBRARY_COUNT] = {
    [BULL_ANY] = "auto",
    [BULL_CLASSIC] = "bull",
    [BULL_MQ] = "bullmq",
    [BULL_MQ5] = "bullmq5",
    [BULL_MQ6] = "bullmq6",
};

const char *
bull_library_name(enum bull_library library)
{
	CHECK((size_t)library < BULL_LIBRARY_COUNT);
	return library_names[library];
}

bool
bull_library_parse(const char *text, enum bull_library *out)
{
	for (size_t i = 0; i < BULL_LIBRARY_COUNT; i++)
		if (text_eq(text, library_names[i])) {
			*out = (enum bull_library)i;
			return true;
		}
	return false;
}

static enum err_code
check_name(const char *what, const char *text, size_t max, struct err *err)
{
	if (text == NULL || text[0] == '\0')
		return err_set(err, ERR_CONFIG, 0, "no %s is given", what);
	if (strlen(text) > max)
		return err_set(err, ERR_CONFIG, 0, "%s has more than %zu bytes",
		    what, max);
	return ERR_NONE;
}

static enum err_code
check_options(const struct bull_options *o, const char *prefix, struct err *err)
{
	enum err_code code;

	if ((code = check_name(
		 "queue's prefix", prefix, NAME_MAX_BYTES, err)) != ERR_NONE ||
	    (code = check_name(
		 "queue's name", o->queue, NAME_MAX_BYTES, err)) != ERR_NONE ||
	    (code = check_name("token", o->token, BULL_TOKEN_MAX, err)) !=
		ERR_NONE)
		return code;
	if (strchr(o->token, ':') != NULL)
		return err_set(err, ERR_CONFIG, 0, "a token has no colon");
	return ERR_NONE;
}

enum err_code
bull_open(const struct bull_options *o, struct bull **out, struct err *err)
{
	const char *prefix = o->prefix != NULL ? o->prefix : "bull";
	struct bull *b;
	enum err_code code;

	*out = NULL;
	if ((code = check_options(o, prefix, err)) != ERR_NONE)
		return code;
	b = mem_zalloc(1, sizeof(*b));
	b->env = o->env;
	b->redis = o->redis;
	b->pinned = o->library;
	b->name = mem_printf("%s:%s", prefix, o->queue);
	b->keys = mem_printf("%s:", b->name);
	b->token = mem_strdup(o->token);
	b->worker = mem_strdup(o->worker != NULL ? o->worker : "");
	b->field_max = o->field_max > 0 ? o->field_max : FIELD_MAX;
	b->answer_max = o->answer_max > 0 ? o->answer_max : ANSWER_MAX;
	b->limit = o->limit;
	b->limit_ms = o->limit_ms > 0 ? o->limit_ms : 1000;
	b->metrics = o->metrics;
	b->told_drained = true;
	list_init(&b->under_way);
	*out = b;
	return ERR_NONE;
}

void
bull_close(struct bull **bp)
{
	struct bull *b = *bp;

	if (b == NULL)
		return;
	LIST_FOREACH_SAFE (it, &b->under_way)
		bull_cancel(CONTAINER_OF(it, struct bull_call, node));
	mem_free(&b->name);
	mem_free(&b->keys);
	mem_free(&b->token);
	mem_free(&b->worker);
	mem_free(bp);
}

const char *
bull_name(const struct bull *b)
{
	return b->name;
}

enum bull_library
bull_library(const struct bull *b)
{
	return b->library;
}

/* Minted by take.lua: "TOKEN:MICROSECONDS.N". */
int64_t
bull_lease_taken_us(const char *lease)
{
	const char *delivery = strrchr(lease, ':');
	char *end = NULL;
	long long us = 0;

	if (delivery != NULL)
		us = strtoll(delivery + 1, &end, 10);
	return us > 0 && *end == '.' ? us : 0;
}

int64_t
bull_lease_taken_ms(const char *lease)
{
	return bull_lease_taken_us(lease) / 1000;
}

void
bull_know(struct bull *b, const char *lease)
{
	int64_t us = bull_lease_taken_us(lease);

	if (us > b->known_us && bull_is_ours(b, lease))
		b->known_us = us;
}

int64_t
bull_metrics(const struct bull *b)
{
	if (b->metrics > 0)
		return b->metrics;
	return b->has_metrics ? BULL_METRICS_DEFAULT : 0;
}

int64_t
bull_gone(const struct bull *b)
{
	return b->gone;
}

const char *
bull_policy(const struct bull *b)
{
	return net_redis_policy(b->redis);
}

bool
bull_is_ours(const struct bull *b, const char *lease)
{
	size_t len = strlen(b->token);

	return strncmp(lease, b->token, len) == 0 && lease[len] == ':';
}
