#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_log.h"
#include "fuzz.h"
#include "mem_env.h"

/*
 * The simulated network's log.  A line that is read and written again reads as
 * the same; the sum of a log agrees with its lines; a torn last line changes
 * nothing; damage is named with its place.
 */

#define PATH "/sim/calls.jsonl"

struct tally {
	int64_t lines, requests, placed;
	int64_t newest_ms;
};

/* What a line of this ev carries came back; the rest is not written. */
static void
check_equal(const struct carrier_sim_line *a, const struct carrier_sim_line *b)
{
	bool call = a->ev != CARRIER_SIM_ORIGIN && a->ev != CARRIER_SIM_BOOT;
	bool request = a->ev == CARRIER_SIM_REQUEST;
	bool to = request || a->ev == CARRIER_SIM_PLACED;

	CHECK(a->ev == b->ev && a->at_ms == b->at_ms);
	CHECK(text_eq(a->call, b->call) || !call);
	CHECK((text_eq(a->key, b->key) && text_eq(a->to, b->to)) || !to);
	CHECK(!request ||
	      (text_eq(a->from, b->from) && a->event == b->event &&
		  text_eq(a->persona, b->persona) && a->ring_ms == b->ring_ms &&
		  a->max_ms == b->max_ms && a->line == b->line &&
		  memcmp(a->hash, b->hash, sizeof(a->hash)) == 0));
	CHECK(a->ev != CARRIER_SIM_ENDED ||
	      (a->outcome == b->outcome && a->by == b->by));
	CHECK(a->ev != CARRIER_SIM_REFUSED || a->code == b->code);
	CHECK(a->ev != CARRIER_SIM_TAKEN || a->n == b->n);
	CHECK(call || (text_eq(a->boot, b->boot) && a->boot_ms == b->boot_ms));
	CHECK(a->ev != CARRIER_SIM_ORIGIN ||
	      (a->schema == b->schema && a->speed == b->speed &&
		  a->seed == b->seed && a->params_len == b->params_len &&
		  memcmp(a->params, b->params, a->params_len) == 0));
}

static void
check_params(const struct carrier_sim_line *line)
{
	size_t len = 0;
	const char *value = carrier_sim_line_member(
	    line->params, line->params_len, "class", &len);

	CHECK(value == NULL ||
	      (value > line->params && len > 0 && len < line->params_len));
	CHECK(value == NULL || value + len < line->params + line->params_len);
}

static void
check_line(const struct carrier_sim_line *line)
{
	struct buf text = BUF_INIT(2 * CARRIER_SIM_LINE_MAX);
	struct buf again = BUF_INIT(2 * CARRIER_SIM_LINE_MAX);
	struct carrier_sim_line same;
	struct err err = {0};

	/* Written in full it may be longer than the network ever writes. */
	if (line->params_len > CARRIER_SIM_LINE_MAX / 2)
		return;
	carrier_sim_line_put(&text, line);
	CHECK(text.bytes[text.len - 1] == '\n');
	CHECK(carrier_sim_line_parse(text.bytes, text.len - 1, &same, &err) ==
	      ERR_NONE);
	check_equal(line, &same);
	if (line->ev == CARRIER_SIM_ORIGIN)
		check_params(line);
	carrier_sim_line_put(&again, &same);
	CHECK(again.len == text.len);
	CHECK(memcmp(again.bytes, text.bytes, text.len) == 0);
	buf_free(&text);
	buf_free(&again);
}

static enum err_code
count_line(void *arg, const struct carrier_sim_line *line, struct err *err)
{
	struct tally *t = arg;

	(void)err;
	t->lines++;
	t->requests += line->ev == CARRIER_SIM_REQUEST;
	t->placed += line->ev == CARRIER_SIM_PLACED;
	if (line->at_ms > t->newest_ms)
		t->newest_ms = line->at_ms;
	check_line(line);
	return ERR_NONE;
}

static void
check_call(const struct carrier_sim_log *log, size_t i)
{
	const struct carrier_sim_log_call *c = &log->calls[i];

	CHECK(c->key < log->key_count && c->requests >= 1 && c->placed >= 0);
	if (c->answered_ms != 0)
		CHECK(c->placed > 0 && c->answered_ms >= c->requested_ms);
	if (c->outcome != JOB_OUTCOME_NONE)
		CHECK(c->placed > 0 && c->refused == CARRIER_SIM_CODE_NONE);
	if (c->refused != CARRIER_SIM_CODE_NONE)
		CHECK(c->placed == 0);
}

static void
check_sum(const struct carrier_sim_log *log, const struct tally *want)
{
	int64_t requests = 0;
	int64_t placed = 0;
	int64_t of_calls = 0;

	for (size_t i = 0; i < log->key_count; i++) {
		const struct carrier_sim_log_key *k = &log->keys[i];

		CHECK(carrier_sim_log_find(log, k->key) == k);
		CHECK(k->request_count > 0 && k->last_call < log->call_count);
		for (size_t r = 0; r < k->request_count; r++)
			CHECK(k->requests[r].call < log->call_count &&
			      log->calls[k->requests[r].call].key == i);
		requests += (int64_t)k->request_count;
		placed += k->placed;
	}
	CHECK(requests == want->requests && placed == want->placed);
	for (size_t i = 0; i < log->call_count; i++) {
		check_call(log, i);
		of_calls += log->calls[i].placed;
	}
	CHECK(of_calls == placed);
	CHECK(log->newest_ms == want->newest_ms);
}

/* What a crash leaves behind the last newline is not there. */
static void
check_torn(struct env *env, const uint8_t *bytes, size_t len,
    const struct carrier_sim_log *want)
{
	const uint8_t *last = memrchr(bytes, '\n', len);
	size_t whole = last != NULL ? (size_t)(last - bytes) + 1 : 0;
	struct carrier_sim_log log;
	struct err err = {0};

	if (whole == len)
		return;
	mem_env_put(env, PATH, bytes, whole);
	CHECK(carrier_sim_log_read(env, PATH, &log, &err) == ERR_NONE);
	CHECK(log.key_count == want->key_count);
	CHECK(log.call_count == want->call_count);
	CHECK(log.newest_ms == want->newest_ms);
	carrier_sim_log_free(&log);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct env *env = mem_env_new();
	struct carrier_sim_log log;
	struct tally t = {0};
	struct err err = {0};
	enum err_code each;
	enum err_code code;

	mem_env_put(env, PATH, bytes, len);
	each = carrier_sim_log_each(env, PATH, count_line, &t, &err);
	if (each != ERR_NONE)
		fuzz_refused(each, &err);
	code = carrier_sim_log_read(env, PATH, &log, &err);
	CHECK(code == ERR_NONE || code == ERR_DAMAGED);
	CHECK(each == ERR_NONE || code == each);
	if (code == ERR_NONE) {
		check_sum(&log, &t);
		check_torn(env, bytes, len, &log);
	} else {
		fuzz_refused(code, &err);
		CHECK(text_starts(err.text, PATH ":"));
	}
	carrier_sim_log_free(&log);
	mem_env_free(&env);
	return 0;
}
