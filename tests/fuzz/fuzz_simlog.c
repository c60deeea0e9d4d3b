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
	CHECK(same.ev == line->ev && same.at_ms == line->at_ms);
	CHECK(text_eq(same.call, line->call) || line->call[0] != '\0');
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
