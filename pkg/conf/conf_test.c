#include "conf/conf.h"

#include "conf/conf_table.h"
#include "conf/conf_test.h"

static void
expect_setting(struct conf_test *t, const char *key, const char *text,
    enum conf_origin origin, const char *where)
{
	const struct conf_setting *s = conf_setting_find(t->c, key);

	assert_non_null(s);
	assert_string_equal(s->text, text);
	assert_int_equal(s->origin, origin);
	assert_string_equal(s->where, where);
}

static void
without_any_file_the_defaults_stand(void **state)
{
	struct conf_test t;
	char *data;

	(void)state;
	conf_test_begin(&t);
	if (access("/etc/dsrun/dsrun.yaml", F_OK) == 0)
		skip();
	conf_test_expect(&t, "");
	data = mem_printf("%s/data", t.dir);
	assert_null(t.c->path);
	assert_string_equal(t.c->base_dir, t.dir);
	assert_string_equal(t.c->dir, data);
	assert_null(t.c->key_prefix);
	assert_null(t.c->default_kind);
	assert_null(t.c->on_attention);
	assert_string_equal(t.c->carrier_use, "sim");
	assert_int_equal(t.c->sim.speed, 1);
	assert_true(t.c->sim.start_now);
	assert_string_equal(t.c->sim.cls, "named");
	assert_int_equal(t.c->sim.latency_ms, 120);
	assert_int_equal(t.c->sim.list_lag_ms, 500);
	assert_int_equal(t.c->sim.memory_ms, 86400000);
	assert_int_equal(t.c->sim.key_window_ms, 86400000);
	assert_int_equal(t.c->sim.settle_ms, 4000);
	assert_int_equal(t.c->sim.faults.slow_ms, 3000);
	assert_true(t.c->sim.faults.answer_lost == 0);
	assert_int_equal(t.c->limits.concurrency, 30);
	assert_int_equal(t.c->limits.campaign_concurrency, 0);
	assert_int_equal(t.c->limits.line_bytes, 65536);
	assert_int_equal(t.c->limits.queue, 4096);
	assert_int_equal(t.c->disk.min_free_bytes, INT64_C(256) << 20);
	assert_int_equal(t.c->disk.ballast_bytes, 64 << 20);
	assert_int_equal(t.c->disk.checkpoint_bytes, 16 << 20);
	assert_int_equal(t.c->run.grace_ms, 300000);
	assert_int_equal(t.c->run.poll_ms, 1000);
	assert_int_equal(t.c->outbox.max_tries, 20);
	assert_true(t.c->outbox.retry.again && t.c->outbox.retry.full_jitter);
	assert_int_equal(t.c->outbox.retry.after_ms, 2000);
	assert_true(t.c->outbox.retry.factor == 2);
	assert_int_equal(t.c->outbox.retry.max_ms, 3600000);
	assert_string_equal(t.c->log.level, "info");
	assert_int_equal(t.c->log.rotate_bytes, 64 << 20);
	assert_int_equal(t.c->log.keep_days, 30);
	assert_int_equal(t.c->spool_settle_ms, 0);
	assert_int_equal(t.c->kind_count, 0);
	expect_setting(&t, "limits.queue", "4096", CONF_DEFAULT, "default");
	expect_setting(&t, "key_prefix", "", CONF_DEFAULT, "default");
	mem_free(&data);
	conf_test_end(&t);
}

static void
the_later_source_wins(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml", "limits:\n  concurrency: 2\n");
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 2);
	expect_setting(
	    &t, "limits.concurrency", "2", CONF_FILE, "dsrun.yaml:2");

	conf_test_write(&t, ".env", "\nDSRUN_LIMITS_CONCURRENCY=3\nOTHER=x\n");
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 3);
	expect_setting(&t, "limits.concurrency", "3", CONF_DOTENV, ".env:2");

	t.environ_[0] = "DSRUN_LIMITS_CONCURRENCY=4";
	t.environ_[1] = "DSRUN_CARRIER_SIM_SPEED=";
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 4);
	assert_int_equal(t.c->sim.speed, 1);
	expect_setting(&t, "limits.concurrency", "4", CONF_ENV,
	    "environment DSRUN_LIMITS_CONCURRENCY");

	t.flags[0] = (struct conf_flag){"limits.concurrency", "5"};
	t.options.flag_count = 1;
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 5);
	expect_setting(
	    &t, "limits.concurrency", "5", CONF_FLAG, "command line");
	conf_test_end(&t);
}

static void
a_wrong_value_is_named_also_where_another_wins(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml", "limits: {queue: few}\n");
	conf_test_write(&t, ".env", "DSRUN_LIMITS_QUEUE=1\n");
	t.environ_[0] = "DSRUN_LIMITS_QUEUE=2";
	t.flags[0] = (struct conf_flag){"limits.queue", "100"};
	t.options.flag_count = 1;
	conf_test_expect(&t,
	    ".env:1: DSRUN_LIMITS_QUEUE: expected a number from 16 to 1000000, "
	    "got \"1\"\n"
	    "dsrun.yaml:1: limits.queue: expected a whole number, got "
	    "\"few\"\n"
	    "environment: DSRUN_LIMITS_QUEUE: expected a number from 16 to "
	    "1000000, got \"2\"\n");
	assert_int_equal(t.c->limits.queue, 100);
	assert_string_equal(t.err.text,
	    "3 problems in the configuration, the first: .env:1: "
	    "DSRUN_LIMITS_QUEUE: expected a number from 16 to 1000000, got "
	    "\"1\"");
	conf_test_end(&t);
}

static void
each_wrong_setting_has_its_line_and_text(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml",
	    "carrier:\n"
	    "  use: twilio\n"
	    "  sim:\n"
	    "    speed: 0\n"
	    "    start: tomorrow\n"
	    "    class: nmaed\n"
	    "    faults: {slow: 1.5, slow_ms: x}\n"
	    "disk:\n"
	    "  min_free: 256M\n"
	    "  checkpoint: 1KB\n"
	    "run:\n"
	    "  grace: 5 min\n"
	    "  poll: 1ms\n"
	    "outbox:\n"
	    "  retry: {factor: 11, jitter: half}\n"
	    "log: verbose\n"
	    "key_prefix:\n"
	    "dir: [a]\n");
	conf_test_expect(&t,
	    "dsrun.yaml:2: carrier.use: expected sim, got \"twilio\"\n"
	    "dsrun.yaml:4: carrier.sim.speed: expected a number from 1 to "
	    "100000, got \"0\"\n"
	    "dsrun.yaml:5: carrier.sim.start: expected now or a time such as "
	    "2027-01-05T15:00:00Z, got \"tomorrow\"\n"
	    "dsrun.yaml:6: carrier.sim.class: expected one of keyed, named, "
	    "queryable, callback, blind, got \"nmaed\"; did you mean named?\n"
	    "dsrun.yaml:7: carrier.sim.faults.slow: expected a number from 0 "
	    "to 1, got \"1.5\"\n"
	    "dsrun.yaml:7: carrier.sim.faults.slow_ms: expected a whole "
	    "number, got \"x\"\n"
	    "dsrun.yaml:9: disk.min_free: expected a size such as 65536, "
	    "64KB, 256MB or 2GB, got \"256M\"\n"
	    "dsrun.yaml:10: disk.checkpoint: expected from 256KB to 4GB, got "
	    "\"1KB\"\n"
	    "dsrun.yaml:12: run.grace: expected a duration such as 500ms, "
	    "30s, 10m, 4h or 2d, got \"5 min\"\n"
	    "dsrun.yaml:13: run.poll: expected from 50ms to 1h, got \"1ms\"\n"
	    "dsrun.yaml:15: outbox.retry.factor: expected a number from 1 to "
	    "10, got \"11\"\n"
	    "dsrun.yaml:15: outbox.retry.jitter: expected one of full, none, "
	    "got \"half\"\n"
	    "dsrun.yaml:16: log: expected a section of keys, got a text\n"
	    "dsrun.yaml:17: key_prefix: expected a text, got nothing: remove "
	    "the key\n"
	    "dsrun.yaml:18: dir: expected a text, got a list\n");
	/* What was refused left the default. */
	assert_int_equal(t.c->sim.speed, 1);
	assert_string_equal(t.c->sim.cls, "named");
	conf_test_end(&t);
}

static void
unknown_keys_are_errors_with_a_suggestion(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml",
	    "limits: {concurency: 3}\n"
	    "limts: {}\n"
	    "speed: 60\n"
	    "log.level: debug\n"
	    "qwertz: 1\n");
	conf_test_write(
	    &t, ".env", "DSRUN_LOG_LEVLE=debug\nDSRUN_QWERTZUIOP=1\nLEVEL=1\n");
	t.environ_[0] = "DSRUN_CARRIER_SIM_SPED=60";
	t.environ_[1] = "DSRUN_BIN=/x";
	t.environ_[2] = "DSRUN_SOMETHING_ELSE_ALTOGETHER=1";
	t.environ_[3] = "NOTHING";
	t.flags[0] = (struct conf_flag){"log.levle", "debug"};
	t.flags[1] = (struct conf_flag){"qwertz", "1"};
	t.options.flag_count = 2;
	conf_test_expect(&t,
	    ".env:1: DSRUN_LOG_LEVLE: no such setting; did you mean "
	    "DSRUN_LOG_LEVEL\n"
	    ".env:2: DSRUN_QWERTZUIOP: no such setting; remove it\n"
	    "command line: log.levle: no such setting; did you mean "
	    "log.level\n"
	    "command line: qwertz: no such setting; see `dsrun config`\n"
	    "dsrun.yaml:1: limits.concurency: unknown key; did you mean "
	    "concurrency?\n"
	    "dsrun.yaml:2: limts: unknown key; did you mean limits?\n"
	    "dsrun.yaml:3: speed: unknown key here; did you mean "
	    "carrier.sim.speed, each part a section?\n"
	    "dsrun.yaml:4: log.level: unknown key here; did you mean "
	    "log.level, each part a section?\n"
	    "dsrun.yaml:5: qwertz: unknown key; remove it (`dsrun config` "
	    "lists all keys)\n"
	    "environment: DSRUN_CARRIER_SIM_SPED: no such setting; did you "
	    "mean DSRUN_CARRIER_SIM_SPEED?\n");
	conf_test_end(&t);
}

static void
paths_are_relative_to_where_they_stand(void **state)
{
	struct conf_test t;
	char *sub;
	char *want;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "box/dsrun.yaml", "dir: ./store/\n");
	sub = mem_printf("%s/box", t.dir);
	t.options.config = "box/dsrun.yaml";
	conf_test_expect(&t, "");
	assert_string_equal(t.c->base_dir, sub);
	want = mem_printf("%s/store", sub);
	assert_string_equal(t.c->dir, want);
	mem_free(&want);

	conf_test_write(&t, "box/.env", "DSRUN_DIR=inner\n");
	conf_test_expect(&t, "");
	want = mem_printf("%s/inner", sub);
	assert_string_equal(t.c->dir, want);
	mem_free(&want);

	t.environ_[0] = "DSRUN_DIR=here";
	conf_test_expect(&t, "");
	want = mem_printf("%s/here", t.dir);
	assert_string_equal(t.c->dir, want);
	mem_free(&want);

	t.options.dir = "/abs";
	conf_test_expect(&t, "");
	assert_string_equal(t.c->dir, "/abs");
	expect_setting(&t, "dir", "/abs", CONF_FLAG, "command line");
	mem_free(&sub);
	conf_test_end(&t);
}

static void
the_file_is_looked_for_in_order(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml", "limits: {concurrency: 1}\n");
	conf_test_write(&t, "two.yaml", "limits: {concurrency: 2}\n");
	conf_test_write(&t, "three.yaml", "limits: {concurrency: 3}\n");
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 1);
	t.environ_[0] = "DSRUN_CONFIG=two.yaml";
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 2);
	t.options.config = "three.yaml";
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 3);

	t.options.config = "four.yaml";
	conf_test_expect(&t,
	    "four.yaml: expected this file to be there, for --config names "
	    "it\n");
	t.options.config = NULL;
	t.environ_[0] = "DSRUN_CONFIG=five.yaml";
	t.options.env_file = "six.env";
	conf_test_expect(&t,
	    "five.yaml: expected this file to be there, for DSRUN_CONFIG "
	    "names it\n"
	    "six.env: expected this file to be there, for --env-file names "
	    "it\n");
	conf_test_end(&t);
}

static void
another_env_file_replaces_the_one_beside(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, ".env", "DSRUN_LIMITS_CONCURRENCY=1\n");
	conf_test_write(&t, "other.env", "DSRUN_RUN_POLL='2s'\n");
	t.options.env_file = "other.env";
	conf_test_expect(&t, "");
	assert_int_equal(t.c->limits.concurrency, 30);
	assert_int_equal(t.c->run.poll_ms, 2000);
	conf_test_end(&t);
}

static void
an_unreadable_file_is_one_problem_and_the_defaults_stand(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml", "limits: {\nx");
	conf_test_write(&t, ".env", "what is this\n");
	conf_test_expect(&t,
	    ".env:1: what: expected NAME=VALUE\n"
	    "dsrun.yaml:2: not readable as YAML: did not find expected ',' or "
	    "'}' while parsing a flow mapping\n");
	assert_int_equal(t.c->limits.concurrency, 30);
	conf_test_write(&t, "dsrun.yaml", "- a\n");
	conf_test_write(&t, ".env", "");
	conf_test_expect(
	    &t, "dsrun.yaml:1: expected a section of keys, got a list\n");
	conf_test_end(&t);
}

static void
settle_must_cover_what_may_still_be_on_its_way(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml",
	    "carrier:\n  sim:\n    latency_ms: 600\n    list_lag_ms: 400\n"
	    "    settle_ms: 999\n    faults: {slow_ms: 5000}\n");
	conf_test_expect(&t,
	    "dsrun.yaml:5: carrier.sim.settle_ms: expected at least 1000 "
	    "(latency_ms 600 + slow_ms 0 + list_lag_ms 400), got 999: a call "
	    "still on its way would count as never made\n");
	t.environ_[0] = "DSRUN_CARRIER_SIM_SETTLE_MS=1000";
	conf_test_expect(&t, "");
	t.environ_[1] = "DSRUN_CARRIER_SIM_FAULTS_SLOW=0.1";
	conf_test_expect(&t,
	    "environment: carrier.sim.settle_ms: expected at least 6000 "
	    "(latency_ms 600 + slow_ms 5000 + list_lag_ms 400), got 1000: a "
	    "call still on its way would count as never made\n");
	t.environ_[0] = "DSRUN_CARRIER_SIM_SETTLE_MS=6000";
	t.environ_[2] = "DSRUN_CARRIER_SIM_MEMORY_MS=6800";
	conf_test_expect(&t,
	    "environment: carrier.sim.memory_ms: expected more than 6800 "
	    "(settle_ms 6000 + twice list_lag_ms 400), got 6800: no lookup "
	    "could prove anything\n");
	t.environ_[2] = "DSRUN_CARRIER_SIM_MEMORY_MS=6801";
	conf_test_expect(&t, "");
	conf_test_end(&t);
}

static void
what_is_named_must_be_there(void **state)
{
	struct conf_test t;
	char *want;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml",
	    "default_kind: intro-cal\nspeech_dir: s\n"
	    "carrier: {sim: {personas: p}}\n"
	    "outbox: {retry: {after: 2h}}\n");
	conf_test_write(&t, "jobs/intro-call.yaml",
	    "kind: intro-call\nfrom: \"+15125550100\"\n");
	want = mem_printf(
	    "default: outbox.retry.max: expected at least the time of "
	    "outbox.retry.after\n"
	    "dsrun.yaml:1: default_kind: there is no jobs/intro-cal.yaml "
	    "beside the configuration; did you mean intro-call?\n"
	    "dsrun.yaml:2: speech_dir: expected a directory that is there, "
	    "got %s/s\n"
	    "dsrun.yaml:3: carrier.sim.personas: expected a directory that is "
	    "there, got %s/p\n",
	    t.dir, t.dir);
	conf_test_expect(&t, want);
	mem_free(&want);
	conf_test_end(&t);
}

static void
a_certificate_must_be_a_file(void **state)
{
	struct conf_test t;
	char *want;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "here.pem", "");
	conf_test_write(&t, "dsrun.yaml",
	    "bull: {ca_file: here.pem}\n"
	    "s3: {ca_file: gone.pem}\n"
	    "mongo: {cert_file: jobs}\n");
	conf_test_write(&t, "jobs/x", "");
	want = mem_printf(
	    "dsrun.yaml:2: s3.ca_file: expected a file that is there, got "
	    "%s/gone.pem\n"
	    "dsrun.yaml:3: mongo.cert_file: expected a file that is there, got "
	    "%s/jobs\n",
	    t.dir, t.dir);
	conf_test_expect(&t, want);
	mem_free(&want);
	conf_test_end(&t);
}

static void
data_beside_the_file_is_preferred(void **state)
{
	struct conf_test t;
	char *want;

	(void)state;
	conf_test_begin(&t);
	conf_test_expect(&t, "");
	assert_non_null(strstr(t.c->speech_dir, "/share/dsrun/speech"));
	conf_test_write(&t, "fixtures/speech/x", "");
	conf_test_write(&t, "fixtures/personas/x", "");
	conf_test_expect(&t, "");
	want = mem_printf("%s/fixtures/speech", t.dir);
	assert_string_equal(t.c->speech_dir, want);
	expect_setting(&t, "speech_dir", want, CONF_DEFAULT, "default");
	mem_free(&want);
	want = mem_printf("%s/fixtures/personas", t.dir);
	assert_string_equal(t.c->sim.personas, want);
	mem_free(&want);
	conf_test_end(&t);
}

static void
every_value_of_every_type_arrives(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "dsrun.yaml",
	    "key_prefix: \"box 1\"\n"
	    "on_attention: mail ops\n"
	    "carrier:\n"
	    "  sim:\n"
	    "    speed: 60\n"
	    "    start: 2027-01-05T15:00:00Z\n"
	    "    seed: 9\n"
	    "    class: keyed\n"
	    "    faults: {request_lost: 0.05, key_forgotten: 1}\n"
	    "disk: {min_free: 1GB, ballast: 0}\n"
	    "outbox: {retry: {factor: 1.5, max: 0, jitter: none}}\n"
	    "spool: {settle: 250ms}\n");
	conf_test_expect(&t, "");
	assert_string_equal(t.c->key_prefix, "box 1");
	assert_string_equal(t.c->on_attention, "mail ops");
	assert_int_equal(t.c->sim.speed, 60);
	assert_false(t.c->sim.start_now);
	assert_int_equal(t.c->sim.start_ms, 1799161200000);
	assert_int_equal(t.c->sim.seed, 9);
	assert_string_equal(t.c->sim.cls, "keyed");
	assert_true(t.c->sim.faults.request_lost == 0.05);
	assert_true(t.c->sim.faults.key_forgotten == 1);
	assert_int_equal(t.c->disk.min_free_bytes, 1 << 30);
	assert_int_equal(t.c->disk.ballast_bytes, 0);
	assert_true(t.c->outbox.retry.factor == 1.5);
	assert_int_equal(t.c->outbox.retry.max_ms, 0);
	assert_false(t.c->outbox.retry.full_jitter);
	assert_int_equal(t.c->spool_settle_ms, 250);
	conf_test_end(&t);
}

/* Run from the root of the tree, as `make unit` does. */
static void
the_sample_configuration_names_every_key_and_has_no_problem(void **state)
{
	struct conf_test t;
	char cwd[4096];
	char *text = NULL;
	size_t len = 0;
	size_t count = 0;
	const struct conf_row *rows = conf_rows(&count);

	(void)state;
	if (access("dsrun.yaml", R_OK) != 0)
		skip();
	conf_test_begin(&t);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	t.options.cwd = cwd;
	t.options.config = "dsrun.yaml";
	/* Whoever builds here may have a .env of their own. */
	conf_test_write(&t, "empty.env", "");
	char *env_file = mem_printf("%s/empty.env", t.dir);

	t.options.env_file = env_file;
	conf_test_expect(&t, "");
	assert_true(t.c->kind_count >= 2);
	assert_non_null(conf_kind_find(t.c, t.c->default_kind));
	assert_int_equal(
	    env_read_whole(t.env, "dsrun.yaml", 1 << 16, &text, &len, &t.err),
	    ERR_NONE);
	for (size_t i = 0; i < count; i++) {
		const char *dot = strrchr(rows[i].key, '.');
		char *key =
		    mem_printf("%s%s:", dot != NULL ? dot + 1 : rows[i].key,
			rows[i].secret ? "_file" : "");

		if (strstr(text, key) == NULL)
			fail_msg("dsrun.yaml does not name %s", rows[i].key);
		mem_free(&key);
	}
	mem_free(&text);
	mem_free(&env_file);
	conf_test_end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_any_file_the_defaults_stand),
	    cmocka_unit_test(the_later_source_wins),
	    cmocka_unit_test(a_wrong_value_is_named_also_where_another_wins),
	    cmocka_unit_test(each_wrong_setting_has_its_line_and_text),
	    cmocka_unit_test(unknown_keys_are_errors_with_a_suggestion),
	    cmocka_unit_test(paths_are_relative_to_where_they_stand),
	    cmocka_unit_test(the_file_is_looked_for_in_order),
	    cmocka_unit_test(another_env_file_replaces_the_one_beside),
	    cmocka_unit_test(
		an_unreadable_file_is_one_problem_and_the_defaults_stand),
	    cmocka_unit_test(settle_must_cover_what_may_still_be_on_its_way),
	    cmocka_unit_test(what_is_named_must_be_there),
	    cmocka_unit_test(a_certificate_must_be_a_file),
	    cmocka_unit_test(data_beside_the_file_is_preferred),
	    cmocka_unit_test(every_value_of_every_type_arrives),
	    cmocka_unit_test(
		the_sample_configuration_names_every_key_and_has_no_problem),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
