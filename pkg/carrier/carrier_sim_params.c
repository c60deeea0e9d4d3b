#include "carrier/carrier_sim_params.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier.h"

enum param_kind {
	PARAM_TEXT,
	PARAM_I64,
	PARAM_DOUBLE
};

/* name in params (NULL: a member of the line itself), name in the
 * configuration below carrier.sim, and where it lies */
#define AT(field) offsetof(struct conf_sim, field)
static const struct param {
	const char *name;
	enum param_kind kind;
	size_t at;
} params[] = {
    {"class", PARAM_TEXT, AT(cls)},
    {"latency_ms", PARAM_I64, AT(latency_ms)},
    {"list_lag_ms", PARAM_I64, AT(list_lag_ms)},
    {"memory_ms", PARAM_I64, AT(memory_ms)},
    {"key_window_ms", PARAM_I64, AT(key_window_ms)},
    {"settle_ms", PARAM_I64, AT(settle_ms)},
    {"faults.request_lost", PARAM_DOUBLE, AT(faults.request_lost)},
    {"faults.answer_lost", PARAM_DOUBLE, AT(faults.answer_lost)},
    {"faults.error_after_place", PARAM_DOUBLE, AT(faults.error_after_place)},
    {"faults.slow", PARAM_DOUBLE, AT(faults.slow)},
    {"faults.slow_ms", PARAM_I64, AT(faults.slow_ms)},
    {"faults.callback_duplicate", PARAM_DOUBLE, AT(faults.callback_duplicate)},
    {"faults.callback_late", PARAM_DOUBLE, AT(faults.callback_late)},
    {"faults.callback_late_ms", PARAM_I64, AT(faults.callback_late_ms)},
    {"faults.key_forgotten", PARAM_DOUBLE, AT(faults.key_forgotten)},
};

#define VALUE_MAX 64

static void
value_text(
    const struct conf_sim *conf, const struct param *p, char out[VALUE_MAX])
{
	const char *at = (const char *)conf + p->at;
	const char *text;
	int64_t i;
	double d;

	switch (p->kind) {
	case PARAM_TEXT:
		memcpy(&text, at, sizeof(text));
		(void)snprintf(out, VALUE_MAX, "\"%s\"", text);
		break;
	case PARAM_I64:
		memcpy(&i, at, sizeof(i));
		(void)snprintf(out, VALUE_MAX, "%lld", (long long)i);
		break;
	case PARAM_DOUBLE:
		memcpy(&d, at, sizeof(d));
		(void)snprintf(out, VALUE_MAX, "%.12g", d);
		break;
	}
}

void
carrier_sim_params_origin(struct env *env, const struct conf_sim *conf,
    struct buf *text, struct carrier_sim_line *out)
{
	char value[VALUE_MAX];

	buf_clear(text);
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		value_text(conf, &params[i], value);
		buf_printf(text, "%c\"%s\":%s", i == 0 ? '{' : ',',
		    params[i].name, value);
	}
	buf_putc(text, '}');
	memset(out, 0, sizeof(*out));
	out->ev = CARRIER_SIM_ORIGIN;
	out->at_ms =
	    conf->start_now ? env->ops->wall_us(env) / 1000 : conf->start_ms;
	out->schema = 1;
	(void)text_hex(env->boot_id, sizeof(env->boot_id), out->boot);
	out->boot_ms = env_real_boot_ms(env);
	out->speed = conf->speed;
	out->seed = conf->seed;
	out->params = text->bytes;
	out->params_len = text->len;
}

static void
differ(struct buf *text, const char *name, const char *was, size_t len,
    const char *now)
{
	buf_printf(text, "%s%s was %.*s and is %s now",
	    text->len > 0 ? ", " : "", name, (int)len, was, now);
}

enum err_code
carrier_sim_params_compare(const struct conf_sim *conf,
    const struct carrier_sim_line *origin, struct err *err)
{
	struct buf text = BUF_INIT(16 << 10);
	char now[VALUE_MAX];
	char was[VALUE_MAX];

	if (origin->schema != 1)
		return err_set(err, ERR_CONFIG, 0,
		    "schema %lld: made by a newer dsrun; use that",
		    (long long)origin->schema);
	if (origin->speed != conf->speed || origin->seed != conf->seed) {
		const int64_t pairs[2][2] = {
		    {origin->speed, conf->speed}, {origin->seed, conf->seed}};

		for (size_t i = 0; i < 2; i++) {
			(void)snprintf(
			    was, sizeof(was), "%lld", (long long)pairs[i][0]);
			(void)snprintf(
			    now, sizeof(now), "%lld", (long long)pairs[i][1]);
			if (pairs[i][0] != pairs[i][1])
				differ(&text, i == 0 ? "speed" : "seed", was,
				    strlen(was), now);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		size_t len = 7;
		const char *value = carrier_sim_line_member(
		    origin->params, origin->params_len, params[i].name, &len);

		value_text(conf, &params[i], now);
		if (value == NULL)
			value = "unknown";
		if (len != strlen(now) || memcmp(value, now, len) != 0)
			differ(&text, params[i].name, value,
			    len < VALUE_MAX ? len : VALUE_MAX, now);
	}
	enum err_code code = ERR_NONE;
	if (text.len > 0)
		code = err_set(err, ERR_CONFIG, 0,
		    "this network was made with other settings (%s): set them "
		    "back in carrier.sim, or use another directory (--dir), "
		    "which begins a new network",
		    buf_text(&text));
	buf_free(&text);
	return code;
}

int64_t
carrier_sim_params_slowest_ms(const struct conf_sim *conf)
{
	return conf->latency_ms +
	       (conf->faults.slow > 0 ? conf->faults.slow_ms : 0);
}

enum err_code
carrier_sim_params_check(const struct conf_sim *conf, struct err *err)
{
	int64_t least = carrier_sim_params_slowest_ms(conf) + conf->list_lag_ms;

	if (conf->speed < 1 || conf->speed > 100000)
		return err_set(err, ERR_CONFIG, 0,
		    "carrier.sim.speed: expected 1 to 100000, got %lld",
		    (long long)conf->speed);
	if (conf->settle_ms < least)
		return err_set(err, ERR_CONFIG, 0,
		    "carrier.sim.settle_ms: %lld ms do not cover latency, "
		    "slowness and list lag; expected at least %lld",
		    (long long)conf->settle_ms, (long long)least);
	return ERR_NONE;
}
