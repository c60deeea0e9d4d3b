#include "conf/conf_table.h"

#include "conf/conf_test.h"

/* A table of its own, with the secret that the program's does not have yet. */
struct sample {
	char *token;
	char *name;
	int64_t count;
};

static const struct conf_row rows[] = {
    {"svc.token", CONF_TYPE_TEXT, true, offsetof(struct sample, token), NULL, 0,
	0, NULL, "the secret"},
    {"svc.name", CONF_TYPE_TEXT, false, offsetof(struct sample, name), "x", 0,
	0, NULL, "no secret"},
    {"svc.count", CONF_TYPE_I64, false, offsetof(struct sample, count), "1", 0,
	9, NULL, "a number"},
};

struct reading {
	struct conf_test t;
	struct sample sample;
	struct conf_setting *settings;
	struct conf_problems ps;
	struct conf_yaml *yaml;
	struct conf_dotenv dotenv;
};

static void
forget(struct reading *r)
{
	conf_table_free(rows, ARRAY_LEN(rows), &r->sample, &r->settings);
	conf_problems_fini(&r->ps);
	conf_yaml_free(&r->yaml);
	conf_dotenv_fini(&r->dotenv);
}

static void
read_table(struct reading *r, const char *yaml, const char *dotenv)
{
	const struct conf_yaml_limits limits = CONF_YAML_LIMITS_DEFAULT;
	struct conf_sources from = {.yaml_file = "f.yaml",
	    .yaml_dir = r->t.dir,
	    .dotenv = &r->dotenv,
	    .dotenv_file = ".env",
	    .dotenv_dir = r->t.dir,
	    .environ_ = r->t.options.environ_,
	    .flags = r->t.flags,
	    .flag_count = r->t.options.flag_count,
	    .cwd = r->t.dir};

	forget(r);
	assert_true(conf_yaml_parse(
	    "f.yaml", yaml, strlen(yaml), &limits, &r->yaml, &r->ps));
	assert_true(conf_dotenv_parse(
	    ".env", dotenv, strlen(dotenv), &r->dotenv, &r->ps));
	from.yaml = conf_yaml_root(r->yaml);
	conf_table_read(r->t.env, rows, ARRAY_LEN(rows), &from, &r->sample,
	    &r->settings, &r->ps);
}

static void
expect_problems(struct reading *r, const char *want)
{
	struct buf out = BUF_INIT(1 << 16);

	conf_problems_print(&out, r->ps.items, r->ps.count);
	assert_string_equal(buf_text(&out), want);
	buf_free(&out);
}

static void
begin(struct reading *r)
{
	memset(r, 0, sizeof(*r));
	conf_test_begin(&r->t);
}

static void
end(struct reading *r)
{
	forget(r);
	conf_test_end(&r->t);
}

static void
expect_token(struct reading *r, const char *token, const char *where)
{
	expect_problems(r, "");
	assert_string_equal(r->sample.token, token);
	assert_string_equal(r->settings[0].text, "***");
	assert_string_equal(r->settings[0].where, where);
}

static void
a_secret_comes_from_environment_or_file_and_is_masked(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	read_table(&r, "", "");
	assert_null(r.sample.token);
	assert_string_equal(r.settings[0].text, "");

	conf_test_write(&r.t, "token", "from a file\r\n");
	read_table(&r, "svc:\n  token_file: token\n", "");
	expect_token(&r, "from a file", "f.yaml:2");
	read_table(&r, "svc: {token_file: token}\n", "DSRUN_SVC_TOKEN=dot\n");
	expect_token(&r, "dot", ".env:1");
	r.t.environ_[0] = "DSRUN_SVC_TOKEN=env";
	read_table(&r, "svc: {token_file: token}\n", "DSRUN_SVC_TOKEN=dot\n");
	expect_token(&r, "env", "environment DSRUN_SVC_TOKEN");
	r.t.environ_[0] = "DSRUN_SVC_TOKEN_FILE=token";
	read_table(&r, "", "DSRUN_SVC_TOKEN=dot\n");
	expect_token(&r, "from a file", "environment DSRUN_SVC_TOKEN_FILE");
	end(&r);
}

static void
a_secret_in_the_file_or_a_flag_is_refused(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	r.t.flags[0] = (struct conf_flag){"svc.token", "hush"};
	r.t.options.flag_count = 1;
	read_table(&r, "svc:\n  token: hush\n  name: a\n", "");
	expect_problems(&r,
	    "f.yaml:2: svc.token: a secret does not belong in this file: set "
	    "DSRUN_SVC_TOKEN, or name a file that holds it as "
	    "svc.token_file\n"
	    "command line: svc.token: a secret must not stand on the command "
	    "line, where everybody on this machine can read it: set "
	    "DSRUN_SVC_TOKEN or DSRUN_SVC_TOKEN_FILE\n");
	assert_null(r.sample.token);
	assert_string_equal(r.sample.name, "a");
	end(&r);
}

static void
a_secret_s_file_must_hold_one(void **state)
{
	struct reading r;
	char *want;

	(void)state;
	begin(&r);
	conf_test_write(&r.t, "empty", "\n");
	read_table(&r, "svc: {token_file: empty}\n", "");
	want = mem_printf("f.yaml:1: svc.token_file: %s/empty: expected one "
			  "line of text, the secret\n",
	    r.t.dir);
	expect_problems(&r, want);
	mem_free(&want);

	read_table(&r, "svc: {token_file: nowhere}\n", "");
	assert_int_equal(r.ps.count, 1);
	assert_non_null(strstr(
	    r.ps.items[0].text, "expected a file that holds the secret"));
	assert_non_null(strstr(r.ps.items[0].text, "nowhere"));

	r.t.environ_[0] = "DSRUN_SVC_TOKEN=a";
	r.t.environ_[1] = "DSRUN_SVC_TOKEN_FILE=empty";
	read_table(&r, "", "");
	expect_problems(&r,
	    "environment: DSRUN_SVC_TOKEN_FILE: DSRUN_SVC_TOKEN is given too: "
	    "remove one\n");
	end(&r);
}

static void
only_a_secret_has_a_file_key(void **state)
{
	struct reading r;

	(void)state;
	begin(&r);
	read_table(&r, "svc: {name_file: a}\n", "DSRUN_SVC_NAME_FILE=b\n");
	expect_problems(&r,
	    "f.yaml:1: svc.name_file: unknown key; remove it (`dsrun config` "
	    "lists all keys)\n"
	    ".env:1: DSRUN_SVC_NAME_FILE: no such setting; did you mean "
	    "DSRUN_SVC_NAME\n");
	end(&r);
}

static void
every_row_of_the_program_is_sound(void **state)
{
	char name[CONF_ENV_NAME_MAX];
	char other[CONF_ENV_NAME_MAX];
	size_t count = 0;
	const struct conf_row *all = conf_rows(&count);

	(void)state;
	assert_true(count > 40);
	for (size_t i = 0; i < count; i++) {
		assert_true(*all[i].help != '\0');
		assert_true(all[i].help[strlen(all[i].help) - 1] != '.');
		(void)conf_env_name(all[i].key, name);
		assert_int_equal(
		    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"),
		    strlen(name));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
			    name, conf_env_name(all[j].key, other));
	}
	assert_string_equal(conf_env_name("carrier.sim.latency_ms", name),
	    "DSRUN_CARRIER_SIM_LATENCY_MS");
	assert_string_equal(conf_env_name("a-b.c", name), "DSRUN_A_B_C");
}

static void
sizes_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
		const char *back;
	} rows_[] = {
	    {"0", 0, "0"},
	    {"1000", 1000, "1000"},
	    {"1024", 1024, "1KB"},
	    {"64KB", 65536, "64KB"},
	    {"256MB", INT64_C(256) << 20, "256MB"},
	    {"1024MB", INT64_C(1) << 30, "1GB"},
	};
	static const char *const bad[] = {"", "MB", "1TB", "1mb", "-1", "1.5GB",
	    "1 MB", "99999999999999GB", "1000000000000000000"};
	char text[24];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows_); i++) {
		int64_t bytes = -1;

		assert_int_equal(
		    conf_size_parse(rows_[i].text, &bytes, &err), ERR_NONE);
		assert_int_equal(bytes, rows_[i].bytes);
		assert_string_equal(
		    conf_size_text(bytes, text, sizeof(text)), rows_[i].back);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t bytes = -1;

		assert_int_equal(
		    conf_size_parse(bad[i], &bytes, &err), ERR_MALFORMED);
		assert_int_equal(bytes, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_secret_comes_from_environment_or_file_and_is_masked),
	    cmocka_unit_test(a_secret_in_the_file_or_a_flag_is_refused),
	    cmocka_unit_test(a_secret_s_file_must_hold_one),
	    cmocka_unit_test(only_a_secret_has_a_file_key),
	    cmocka_unit_test(every_row_of_the_program_is_sound),
	    cmocka_unit_test(sizes_are_read_and_written),
	};

	return cmocka_run_group_tests_name("conf_table", tests, NULL, NULL);
}
