#include "carrier/carrier_sim_log.h"

#include "carrier/carrier_sim_world_test.h"

#define H                                  \
	"abababababababababababababababab" \
	"abababababababababababababababab"
#define REQUEST(at, call, key, event)                              \
	"{\"at_ms\":" at ",\"ev\":\"request\",\"call\":\"" call    \
	"\",\"key\":\"" key "\",\"event\":" event ",\"hash\":\"" H \
	"\",\"to\":\"+1\",\"from\":\"+2\"}\n"
#define PLACED(at, call, key)                                  \
	"{\"at_ms\":" at ",\"ev\":\"placed\",\"call\":\"" call \
	"\",\"key\":\"" key "\",\"to\":\"+1\"}\n"
#define ANSWERED(at, call) \
	"{\"at_ms\":" at ",\"ev\":\"answered\",\"call\":\"" call "\"}\n"
#define ENDED(at, call)                                       \
	"{\"at_ms\":" at ",\"ev\":\"ended\",\"call\":\"" call \
	"\",\"outcome\":\"completed\",\"by\":\"callee\"}\n"
#define REFUSED(at, call)                                       \
	"{\"at_ms\":" at ",\"ev\":\"refused\",\"call\":\"" call \
	"\",\"code\":\"limit\"}\n"

static enum err_code
read_text(const char *text, struct carrier_sim_log *out, struct err *err)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/log", world.dir);
	world_write(path, text);
	return carrier_sim_log_read(world.real, path, out, err);
}

static void
a_log_is_added_up_by_key_and_call(void **state)
{
	struct carrier_sim_log log;
	struct err err = {0};

	(void)state;
	world_begin("named");
	assert_int_equal(
	    read_text(REQUEST("10", "a", "k1", "5") PLACED("20", "a",
			  "k1") REQUEST("30", "b", "k2", "6") ANSWERED("40",
			  "a") ENDED("50", "a") REFUSED("60", "b") REQUEST("70",
			  "c", "k1", "7") PLACED("80", "c", "k1") REQUEST("90",
			  "c", "k1", "8") REQUEST("99", "d", "k3",
			  "9") "{\"at_ms\":100,\"ev\":\"ended\",\"call\":\"c\"",
		&log, &err),
	    ERR_NONE);
	assert_int_equal(log.key_count, 3);
	assert_int_equal(log.call_count, 4);
	assert_int_equal(log.newest_ms, 99);

	const struct carrier_sim_log_key *k = carrier_sim_log_find(&log, "k1");
	assert_non_null(k);
	/* Rang twice: said, not hidden. */
	assert_int_equal(k->placed, 2);
	assert_int_equal(k->request_count, 3);
	assert_int_equal(k->requests[0].event, 5);
	assert_int_equal(k->requests[0].hash[31], 0xab);
	assert_int_equal(k->requests[2].event, 8);
	assert_string_equal(log.calls[k->requests[2].call].id, "c");
	assert_string_equal(log.calls[k->last_call].id, "c");
	assert_int_equal(log.calls[k->last_call].requests, 2);
	const struct carrier_sim_log_call *a = &log.calls[0];
	assert_int_equal(a->requested_ms, 10);
	assert_int_equal(a->placed_ms, 20);
	assert_int_equal(a->answered_ms, 40);
	assert_int_equal(a->ended_ms, 50);
	assert_int_equal(a->outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(a->by, CARRIER_SIM_BY_CALLEE);
	k = carrier_sim_log_find(&log, "k2");
	assert_int_equal(k->placed, 0);
	assert_int_equal(
	    log.calls[k->last_call].refused, CARRIER_SIM_CODE_LIMIT);
	assert_int_equal(carrier_sim_log_find(&log, "k3")->placed, 0);
	assert_null(carrier_sim_log_find(&log, "k4"));
	carrier_sim_log_free(&log);
	world_end();
}

static void
a_placed_line_too_many_is_counted(void **state)
{
	struct carrier_sim_log log;
	struct err err = {0};

	(void)state;
	world_begin("named");
	assert_int_equal(read_text(REQUEST("10", "a", "k", "5") PLACED(
				       "20", "a", "k") PLACED("21", "a", "k"),
			     &log, &err),
	    ERR_NONE);
	assert_int_equal(log.keys[0].placed, 2);
	assert_int_equal(log.calls[0].placed, 2);
	carrier_sim_log_free(&log);
	world_end();
}

static void
what_cannot_have_happened_is_refused_with_its_line(void **state)
{
	static const char *const texts[] = {
	    REQUEST("10", "a", "k", "5") PLACED("20", "b", "k"),
	    REQUEST("10", "a", "k", "5") ANSWERED("20", "a"),
	    REQUEST("10", "a", "k", "5") ENDED("20", "a"),
	    REQUEST("10", "a", "k", "5") PLACED("20", "a", "j"),
	    REQUEST("10", "a", "k", "5") PLACED("9", "a", "k"),
	    REQUEST("10", "a", "k", "5") REQUEST("10", "a", "j", "5"),
	    REQUEST("10", "a", "k", "5") "nonsense\n",
	};
	static const char *const later[] = {
	    REQUEST("10", "a", "k", "5") PLACED("20", "a", "k")
		REFUSED("21", "a"),
	    REQUEST("10", "a", "k", "5") REFUSED("20", "a")
		PLACED("21", "a", "k"),
	    REQUEST("10", "a", "k", "5") PLACED("20", "a", "k")
		ANSWERED("19", "a"),
	    REQUEST("10", "a", "k", "5") PLACED("20", "a", "k") ENDED("30", "a")
		ENDED("31", "a"),
	};
	struct carrier_sim_log log;
	struct err err = {0};

	(void)state;
	world_begin("named");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(read_text(texts[i], &log, &err), ERR_DAMAGED);
		assert_non_null(strstr(err.text, "/log:2: "));
	}
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		assert_int_equal(read_text(later[i], &log, &err), ERR_DAMAGED);
		assert_non_null(strstr(err.text, "/log:"));
		assert_null(strstr(err.text, "/log:2: "));
	}
	assert_int_equal(
	    carrier_sim_log_read(world.real, "/nonexistent/log", &log, &err),
	    ERR_NOT_FOUND);
	world_end();
}

static void
many_keys_are_all_found(void **state)
{
	struct buf text = BUF_INIT(16 << 20);
	struct carrier_sim_log log;
	struct err err = {0};

	(void)state;
	world_begin("named");
	for (int i = 0; i < 5000; i++) {
		buf_printf(&text,
		    "{\"at_ms\":%d,\"ev\":\"request\",\"call\":\"c%d\","
		    "\"key\":\"k%d\",\"event\":%d,\"hash\":\"" H
		    "\",\"to\":\"+1\",\"from\":\"+2\"}\n",
		    i, i, i % 4000, i);
		buf_printf(&text,
		    "{\"at_ms\":%d,\"ev\":\"placed\",\"call\":\"c%d\","
		    "\"key\":\"k%d\",\"to\":\"+1\"}\n",
		    i, i, i % 4000);
	}
	assert_int_equal(read_text(text.bytes, &log, &err), ERR_NONE);
	buf_free(&text);
	assert_int_equal(log.key_count, 4000);
	assert_int_equal(log.call_count, 5000);
	for (int i = 0; i < 4000; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "k%d", i);
		const struct carrier_sim_log_key *k =
		    carrier_sim_log_find(&log, key);
		assert_non_null(k);
		assert_int_equal(k->placed, i < 1000 ? 2 : 1);
	}
	carrier_sim_log_free(&log);
	world_end();
}

static enum err_code
stop_at_third(void *arg, const struct carrier_sim_line *line, struct err *err)
{
	int *n = arg;

	(void)line;
	return ++*n == 3 ? err_set(err, ERR_CANCELLED, 0, "enough") : ERR_NONE;
}

static void
a_reader_may_stop(void **state)
{
	char path[96];
	struct err err = {0};
	int n = 0;

	(void)state;
	world_begin("named");
	(void)snprintf(path, sizeof(path), "%s/log", world.dir);
	world_write(path, REQUEST("10", "a", "k", "5") PLACED("20", "a", "k")
			      ANSWERED("30", "a") ENDED("40", "a"));
	assert_int_equal(
	    carrier_sim_log_each(world.real, path, stop_at_third, &n, &err),
	    ERR_CANCELLED);
	assert_int_equal(n, 3);
	assert_non_null(strstr(err.text, "/log:3: enough"));
	world_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_log_is_added_up_by_key_and_call),
	    cmocka_unit_test(a_placed_line_too_many_is_counted),
	    cmocka_unit_test(
		what_cannot_have_happened_is_refused_with_its_line),
	    cmocka_unit_test(many_keys_are_all_found),
	    cmocka_unit_test(a_reader_may_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
