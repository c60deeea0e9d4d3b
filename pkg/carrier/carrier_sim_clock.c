#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/sha256.h"
#include "base/text.h"

#include "carrier/carrier_sim_params.h"

#include "carrier/carrier_sim_priv.h"

/* What the log says about its clock, while it is read for the first time. */
struct clock {
	const struct conf_sim *conf;     /* to compare with; NULL: do not */
	struct carrier_sim_calls *calls; /* to fold into; NULL: do not */
	bool any;
	char account[2 * SHA256_BYTES + 1];
	int64_t speed;
	/* of the newest boot */
	char boot[CARRIER_SIM_WORD_MAX];
	int64_t at_ms, boot_ms;
	int64_t newest_ms;
};

/* A network that began anew, or has other habits, is another account. */
static void
take_fingerprint(struct clock *c, const struct carrier_sim_line *origin)
{
	struct buf text = BUF_INIT(2 * CARRIER_SIM_LINE_MAX);
	uint8_t digest[SHA256_BYTES];

	carrier_sim_line_put(&text, origin);
	sha256_once(text.bytes, text.len, digest);
	(void)text_hex(digest, sizeof(digest), c->account);
	buf_free(&text);
}

static enum err_code
read_origin(
    struct clock *c, const struct carrier_sim_line *line, struct err *err)
{
	if (line->speed < 1 || line->speed > 100000)
		return err_set(err, ERR_MALFORMED, 0, "speed %lld",
		    (long long)line->speed);
	c->any = true;
	c->speed = line->speed;
	take_fingerprint(c, line);
	return c->conf != NULL ? carrier_sim_params_compare(c->conf, line, err)
			       : ERR_NONE;
}

static enum err_code
read_clock(void *arg, const struct carrier_sim_line *line, struct err *err)
{
	struct clock *c = arg;
	bool origin = line->ev == CARRIER_SIM_ORIGIN;
	enum err_code code = ERR_NONE;

	if (c->any == origin)
		return err_set(err, ERR_MALFORMED, 0,
		    "the first line, and no other, must be an \"origin\"");
	if (origin)
		code = read_origin(c, line, err);
	if (origin || line->ev == CARRIER_SIM_BOOT) {
		(void)snprintf(c->boot, sizeof(c->boot), "%s", line->boot);
		c->at_ms = line->at_ms;
		c->boot_ms = line->boot_ms;
	}
	if (line->at_ms > c->newest_ms)
		c->newest_ms = line->at_ms;
	if (code == ERR_NONE && c->calls != NULL)
		code = carrier_sim_calls_apply(c->calls, line, err);
	return code;
}

static bool
is_this_boot(const struct env *env, const struct clock *c)
{
	char here[2 * ENV_ID_BYTES + 1];

	return strcmp(c->boot,
		   text_hex(env->boot_id, sizeof(env->boot_id), here)) == 0;
}

/* Under the lock: an empty log gets its first line, one of an earlier boot a
 * line about this one. */
static enum err_code
begin_clock(struct carrier_sim *s, const struct conf_sim *conf, struct clock *c,
    struct err *err)
{
	struct carrier_sim_line line = {.ev = CARRIER_SIM_BOOT,
	    .at_ms = c->newest_ms,
	    .boot_ms = env_real_boot_ms(s->env)};
	struct buf text = BUF_INIT(CARRIER_SIM_LINE_MAX);
	enum err_code code = ERR_NONE;

	(void)text_hex(s->env->boot_id, sizeof(s->env->boot_id), line.boot);
	if (!c->any)
		carrier_sim_params_origin(s->env, conf, &text, &line);
	if (!c->any || !is_this_boot(s->env, c)) {
		CRASH_POINT("sim.clock.before");
		code = carrier_sim_store_append(&s->store, &line, err);
		CRASH_POINT("sim.clock.after");
		if (code == ERR_NONE)
			code = read_clock(c, &line, err);
	}
	buf_free(&text);
	return code;
}

/* Time must not run backwards for whoever wrote the newest line. */
static enum err_code
follow(
    struct env *env, const struct clock *c, const char *path, struct err *err)
{
	env_follow(env, c->at_ms, c->boot_ms * 1000, c->speed);
	if (env_now_ms(env) >= c->newest_ms)
		return ERR_NONE;
	return err_set(err, ERR_DAMAGED, 0,
	    "%s: a line lies %lld ms ahead of this network's time; was its "
	    "BOOTTIME moved (another time namespace), or the log edited?",
	    path, (long long)(c->newest_ms - env_now_ms(env)));
}

enum err_code
carrier_sim_clock_open(
    struct carrier_sim *s, const struct conf_sim *conf, struct err *err)
{
	struct clock c = {.conf = conf, .calls = &s->calls};
	int64_t now_ms;
	enum err_code code = carrier_sim_store_lock(&s->store, err);

	if (code != ERR_NONE)
		return code;
	code = carrier_sim_store_read(&s->store, read_clock, &c, err);
	if (code == ERR_NONE)
		code = begin_clock(s, conf, &c, err);
	if (code == ERR_NONE)
		code = follow(s->env, &c, s->store.log_path, err);
	carrier_sim_store_unlock(&s->store);
	(void)snprintf(
	    s->terms.account, sizeof(s->terms.account), "%s", c.account);

	/* What came due while nobody looked. */
	if (code == ERR_NONE)
		code = carrier_sim_step_begin(s, &now_ms, err);
	if (code == ERR_NONE)
		carrier_sim_step_end(s);
	return code;
}

/* Most often the first line says it all: the log began in this boot. */
static enum err_code
peek_first(struct carrier_sim_store *store, struct clock *c, struct err *err)
{
	char text[CARRIER_SIM_LINE_MAX];
	struct carrier_sim_line line;
	size_t got = 0;
	enum err_code code =
	    env_pread(store->env, store->log, text, sizeof(text), 0, &got, err);
	const char *end = memchr(text, '\n', got);

	if (code != ERR_NONE || end == NULL)
		return code;
	code = carrier_sim_line_parse(text, (size_t)(end - text), &line, err);
	if (code == ERR_NONE)
		code = read_clock(c, &line, err);
	return code;
}

enum err_code
carrier_sim_peek(struct env *env, const char *dir, bool *found, struct err *err)
{
	struct carrier_sim_store store;
	struct clock c = {0};
	enum err_code code =
	    carrier_sim_store_open(&store, env, dir, false, err);

	*found = false;
	if (code == ERR_NOT_FOUND)
		return ERR_NONE;
	if (code == ERR_NONE)
		code = peek_first(&store, &c, err);
	if (code == ERR_NONE && c.any && !is_this_boot(env, &c)) {
		c = (struct clock){0};
		code = carrier_sim_store_read(&store, read_clock, &c, err);
	}
	carrier_sim_store_close(&store);
	if (code == ERR_MALFORMED) {
		(void)err_wrap(err, "%s/calls.jsonl:1", dir);
		err->code = code = ERR_DAMAGED;
	}
	if (code != ERR_NONE || !c.any)
		return code;
	*found = true;
	if (is_this_boot(env, &c))
		env_follow(env, c.at_ms, c.boot_ms * 1000, c.speed);
	else
		env_follow(env, c.newest_ms, env->ops->boot_us(env), c.speed);
	return ERR_NONE;
}
