#include "carrier/carrier_sim_log.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define CHUNK (256 << 10)
#define SLOTS_MIN 256

/* How far the reading has come. */
struct reading {
	const char *path;
	int64_t line;
	enum err_code (*each)(
	    void *arg, const struct carrier_sim_line *line, struct err *err);
	void *arg;
};

static enum err_code
one_line(struct reading *r, const char *text, size_t len, struct err *err)
{
	struct carrier_sim_line line;
	enum err_code code = carrier_sim_line_parse(text, len, &line, err);

	r->line++;
	if (code == ERR_NONE)
		code = r->each(r->arg, &line, err);
	if (code == ERR_NONE)
		return ERR_NONE;
	(void)err_wrap(err, "%s:%lld", r->path, (long long)r->line);
	if (code == ERR_MALFORMED)
		err->code = ERR_DAMAGED;
	return err->code;
}

static enum err_code
all_lines(
    struct reading *r, char *text, size_t len, size_t *used, struct err *err)
{
	const char *end;
	enum err_code code = ERR_NONE;

	*used = 0;
	while (code == ERR_NONE &&
	       (end = memchr(text + *used, '\n', len - *used)) != NULL) {
		size_t n = (size_t)(end - (text + *used));

		code = one_line(r, text + *used, n, err);
		*used += n + 1;
	}
	return code;
}

enum err_code
carrier_sim_log_each(struct env *env, const char *path,
    enum err_code (*each)(
	void *arg, const struct carrier_sim_line *line, struct err *err),
    void *arg, struct err *err)
{
	struct reading r = {path, 0, each, arg};
	struct env_file *f = NULL;
	char *text = mem_zalloc(1, CHUNK);
	int64_t offset = 0;
	size_t got = 0;
	size_t used = 0;
	enum err_code code = env_open(env, path, ENV_READ, &f, err);

	while (code == ERR_NONE) {
		code = env_pread(env, f, text, CHUNK, offset, &got, err);
		if (code == ERR_NONE)
			code = all_lines(&r, text, got, &used, err);
		if (code != ERR_NONE || used == 0)
			break;
		offset += (int64_t)used;
	}
	if (code == ERR_NONE && got > CARRIER_SIM_LINE_MAX)
		code = err_set(err, ERR_DAMAGED, 0,
		    "%s:%lld: no newline within %d bytes", path,
		    (long long)r.line + 1, CARRIER_SIM_LINE_MAX);
	env_close(env, &f);
	mem_free(&text);
	return code;
}

/* FNV-1a, 32 bits. */
static uint32_t
hash_of(const char *text)
{
	uint32_t h = 2166136261U;

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619U;
	return h;
}

static uint32_t *
key_slot(const struct carrier_sim_log *log, const char *key)
{
	size_t i = hash_of(key) & (log->slots - 1);

	while (log->key_slots[i] != 0 &&
	       strcmp(log->keys[log->key_slots[i] - 1].key, key) != 0)
		i = (i + 1) & (log->slots - 1);
	return &log->key_slots[i];
}

static uint32_t *
call_slot(const struct carrier_sim_log *log, const char *id)
{
	size_t i = hash_of(id) & (log->slots - 1);

	while (log->call_slots[i] != 0 &&
	       strcmp(log->calls[log->call_slots[i] - 1].id, id) != 0)
		i = (i + 1) & (log->slots - 1);
	return &log->call_slots[i];
}

static void
make_room(struct carrier_sim_log *log)
{
	/* There are never more keys than calls. */
	if (2 * (log->call_count + 1) <= log->slots)
		return;
	log->slots = log->slots > 0 ? 2 * log->slots : SLOTS_MIN;
	CHECK(log->slots < UINT32_MAX);
	mem_free(&log->key_slots);
	mem_free(&log->call_slots);
	log->key_slots = mem_zalloc(log->slots, sizeof(*log->key_slots));
	log->call_slots = mem_zalloc(log->slots, sizeof(*log->call_slots));
	log->keys = mem_realloc(log->keys, log->slots / 2, sizeof(*log->keys));
	log->calls =
	    mem_realloc(log->calls, log->slots / 2, sizeof(*log->calls));
	for (size_t i = 0; i < log->key_count; i++)
		*key_slot(log, log->keys[i].key) = (uint32_t)(i + 1);
	for (size_t i = 0; i < log->call_count; i++)
		*call_slot(log, log->calls[i].id) = (uint32_t)(i + 1);
}

static struct carrier_sim_log_key *
key_of(struct carrier_sim_log *log, const char *name)
{
	uint32_t *slot = key_slot(log, name);

	if (*slot == 0) {
		struct carrier_sim_log_key *k = &log->keys[log->key_count++];

		memset(k, 0, sizeof(*k));
		(void)snprintf(k->key, sizeof(k->key), "%s", name);
		*slot = (uint32_t)log->key_count;
	}
	return &log->keys[*slot - 1];
}

static struct carrier_sim_log_call *
call_of(struct carrier_sim_log *log, const struct carrier_sim_line *line,
    size_t key)
{
	uint32_t *slot = call_slot(log, line->call);

	if (*slot == 0) {
		struct carrier_sim_log_call *c = &log->calls[log->call_count++];

		memset(c, 0, sizeof(*c));
		(void)snprintf(c->id, sizeof(c->id), "%s", line->call);
		(void)snprintf(c->to, sizeof(c->to), "%s", line->to);
		c->key = key;
		c->requested_ms = line->at_ms;
		*slot = (uint32_t)log->call_count;
	}
	return &log->calls[*slot - 1];
}

static enum err_code
add_request(struct carrier_sim_log *log, const struct carrier_sim_line *line,
    struct err *err)
{
	make_room(log);

	struct carrier_sim_log_key *k = key_of(log, line->key);
	size_t key = (size_t)(k - log->keys);
	struct carrier_sim_log_call *c = call_of(log, line, key);
	if (c->key != key || strcmp(c->to, line->to) != 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "call %s was requested with another key or number", c->id);
	c->requests++;
	/* Grown by half when its count reaches a power of two. */
	if ((k->request_count & (k->request_count - 1)) == 0)
		k->requests = mem_realloc(k->requests,
		    k->request_count > 0 ? 2 * k->request_count : 1,
		    sizeof(*k->requests));
	struct carrier_sim_log_request *r = &k->requests[k->request_count++];
	*r = (struct carrier_sim_log_request){.at_ms = line->at_ms,
	    .event = line->event,
	    .call = (size_t)(c - log->calls)};
	memcpy(r->hash, line->hash, sizeof(r->hash));
	if (k->placed == 0)
		k->last_call = r->call;
	return ERR_NONE;
}

/* False when it cannot follow what was. */
static bool
add_event(struct carrier_sim_log *log, struct carrier_sim_log_call *c,
    const struct carrier_sim_line *line)
{
	struct carrier_sim_log_key *k = &log->keys[c->key];
	bool over = c->outcome != JOB_OUTCOME_NONE ||
		    c->refused != CARRIER_SIM_CODE_NONE;

	if (line->ev == CARRIER_SIM_TAKEN)
		return true;
	if (over || line->at_ms < c->requested_ms)
		return false;
	if (line->ev == CARRIER_SIM_PLACED) {
		c->placed++;
		c->placed_ms = line->at_ms;
		k->placed++;
		k->last_call = (size_t)(c - log->calls);
		return strcmp(k->key, line->key) == 0 &&
		       strcmp(c->to, line->to) == 0;
	}
	if (line->ev == CARRIER_SIM_REFUSED) {
		c->refused = line->code;
		return c->placed == 0;
	}
	if (line->ev == CARRIER_SIM_ANSWERED) {
		bool first = c->answered_ms == 0;

		c->answered_ms = line->at_ms;
		return first && c->placed > 0 && line->at_ms >= c->placed_ms;
	}
	c->ended_ms = line->at_ms;
	c->outcome = line->outcome;
	c->by = line->by;
	return c->placed > 0 && line->at_ms >= c->placed_ms &&
	       line->at_ms >= c->answered_ms;
}

static enum err_code
add_line(void *arg, const struct carrier_sim_line *line, struct err *err)
{
	struct carrier_sim_log *log = arg;

	if (line->at_ms > log->newest_ms)
		log->newest_ms = line->at_ms;
	if (line->ev == CARRIER_SIM_ORIGIN || line->ev == CARRIER_SIM_BOOT)
		return ERR_NONE;
	if (line->ev == CARRIER_SIM_REQUEST)
		return add_request(log, line, err);
	uint32_t at = log->slots > 0 ? *call_slot(log, line->call) : 0;
	if (at == 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "call %s was never requested", line->call);
	if (!add_event(log, &log->calls[at - 1], line))
		return err_set(err, ERR_MALFORMED, 0,
		    "call %s: this cannot follow the lines before it",
		    line->call);
	return ERR_NONE;
}

enum err_code
carrier_sim_log_read(struct env *env, const char *path,
    struct carrier_sim_log *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	enum err_code code =
	    carrier_sim_log_each(env, path, add_line, out, err);

	if (code != ERR_NONE)
		carrier_sim_log_free(out);
	return code;
}

void
carrier_sim_log_free(struct carrier_sim_log *log)
{
	for (size_t i = 0; i < log->key_count; i++)
		mem_free(&log->keys[i].requests);
	mem_free(&log->keys);
	mem_free(&log->calls);
	mem_free(&log->key_slots);
	mem_free(&log->call_slots);
	memset(log, 0, sizeof(*log));
}

const struct carrier_sim_log_key *
carrier_sim_log_find(const struct carrier_sim_log *log, const char *key)
{
	uint32_t at = log->slots > 0 ? *key_slot(log, key) : 0;

	return at > 0 ? &log->keys[at - 1] : NULL;
}
