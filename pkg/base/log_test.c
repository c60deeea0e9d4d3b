#include "base/log.h"

#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_env.h"

#define MONDAY INT64_C(1767600000000) /* 2026-01-05T08:00:00Z */

/* The time stands at MONDAY, but for what a test adds: one second of the
 * machine is one of the network's, and no test takes that long. */
struct shelf {
	struct env *env;
	char dir[64];
	char path[128];
	int names; /* counted by list_dir */
};

static void
at(struct shelf *s, int64_t ms)
{
	env_follow(s->env, ms, env_real_boot_ms(s->env) * 1000, 1);
}

static int
set_up(void **state)
{
	struct shelf *s = mem_zalloc(1, sizeof(*s));
	struct err err;

	(void)strcpy(s->dir, "/tmp/log_test.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(
	    s->path, sizeof(s->path), "%s/dsrun-2026-01-05.jsonl", s->dir);
	assert_int_equal(net_env_open(&s->env, &err), ERR_NONE);
	at(s, MONDAY);
	*state = s;
	return 0;
}

static void
remove_file(void *arg, const char *name)
{
	struct shelf *s = arg;
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%.255s", s->dir, name);
	(void)remove(path);
}

static int
tear_down(void **state)
{
	struct shelf *s = *state;
	struct err err;

	(void)env_list_dir(s->env, s->dir, remove_file, s, &err);
	assert_int_equal(rmdir(s->dir), 0);
	net_env_close(&s->env);
	mem_free(state);
	return 0;
}

static struct log *
made(struct shelf *s, int64_t rotate_bytes, int keep_days)
{
	const struct log_options options = {.dir = s->dir,
	    .level = LOG_LEVEL_INFO,
	    .stderr_level = LOG_LEVEL_ERROR,
	    .rotate_bytes = rotate_bytes,
	    .keep_days = keep_days};

	return log_new(s->env, &options);
}

static char *
content(struct shelf *s, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	struct err err;

	if (env_read_whole(s->env, path, 64 << 20, &text, &len, &err) !=
	    ERR_NONE)
		return mem_strdup("");
	return text;
}

static void
put_file(const struct shelf *s, const char *name, const char *text)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static bool
exists(const struct shelf *s, const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return access(path, F_OK) == 0;
}

static void
a_line_is_json_with_its_fields_in_order(void **state)
{
	struct shelf *s = *state;
	struct log *log = made(s, 0, 0);
	char want[400];
	struct env_stat st;
	struct err err;

	assert_int_equal(env_stat(s->env, s->path, &st, &err), ERR_NOT_FOUND);
	LOG(log, LOG_LEVEL_INFO, "call.placed", LOG_INT("job", 7),
	    LOG_STR("code", "a \"b\"\\\n\x01\x7f"), LOG_STR("none", NULL),
	    LOG_PHONE("to", "+15550100"),
	    LOG_PRIVATE("name", "Dr. M\xc3\xbcller"),
	    LOG_STR("bad", "\xff\xc3\xa4\xe2\x82"));
	LOG(log, LOG_LEVEL_DEBUG, "not.seen", LOG_INT("job", 8));
	log_free(&log);
	assert_null(log);
	log_free(&log);

	char *text = content(s, s->path);
	assert_memory_equal(text, "{\"at\":\"2026-01-05T08:00:0", 25);
	(void)snprintf(want, sizeof(want),
	    "Z\",\"level\":\"info\",\"event\":\"call.placed\",\"pid\":%d,"
	    "\"job\":7,\"code\":\"a \\\"b\\\"\\\\\\u000a\\u0001\\u007f\","
	    "\"none\":null,\"to\":\"+15****00\",\"name\":\"(11 bytes)\","
	    "\"bad\":\"\\ufffd\xc3\xa4\\ufffd\\ufffd\"}\n",
	    (int)getpid());
	assert_string_equal(text + 30, want);
	mem_free(&text);
	assert_int_equal(env_stat(s->env, s->path, &st, &err), ERR_NONE);
	assert_int_equal(st.mode & 0777, 0600);
}

static void
no_log_and_no_directory_drop_everything(void **state)
{
	struct shelf *s = *state;
	struct log *none = NULL;
	const struct log_options options = {.dir = NULL,
	    .level = LOG_LEVEL_DEBUG,
	    .stderr_level = LOG_LEVEL_ERROR};
	struct log *log = log_new(s->env, &options);

	LOG(none, LOG_LEVEL_ERROR, "dropped", LOG_INT("x", 1));
	LOG(log, LOG_LEVEL_WARN, "dropped", LOG_INT("x", 1));
	log_free(&log);
}

static void
phones_are_masked_by_length_and_by_sign(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"+15550100100", "+15*******00"},
	    {"+4930123456", "+49******56"},
	    {"+1555010", "+15***10"},
	    {"5550100", "*****00"},
	    {"55501", "***01"},
	    {"5550", "****"},
	    {"911", "***"},
	    {"", ""},
	    {"sip:alice@example.com", "*********************"},
	    {"1+234567", "1*2***67"},
	    {"+123456789012345678901234567890", "+12******************90"},
	};
	char out[24];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(
		    log_mask_phone(rows[i].in, out), rows[i].out);
}

static void
a_day_begins_a_new_file(void **state)
{
	struct shelf *s = *state;
	struct log *log = made(s, 0, 0);

	LOG(log, LOG_LEVEL_INFO, "monday", LOG_INT("n", 1));
	at(s, MONDAY + 16 * INT64_C(3600000) - 60000);
	LOG(log, LOG_LEVEL_INFO, "late", LOG_INT("n", 2));
	at(s, MONDAY + 16 * INT64_C(3600000));
	LOG(log, LOG_LEVEL_INFO, "tuesday", LOG_INT("n", 3));
	log_free(&log);

	char *text = content(s, s->path);
	assert_non_null(strstr(text, "monday"));
	assert_non_null(strstr(text, "late"));
	assert_null(strstr(text, "tuesday"));
	mem_free(&text);
	assert_true(exists(s, "dsrun-2026-01-06.jsonl"));
}

static void
a_full_file_is_followed_by_the_next_number(void **state)
{
	struct shelf *s = *state;
	struct log *log = made(s, 300, 0);

	/* Some 100 bytes a line: four make a file of more than 300. */
	for (int i = 0; i < 9; i++)
		LOG(log, LOG_LEVEL_INFO, "line", LOG_INT("n", i),
		    LOG_STR("pad", "0123456789012345"));
	log_free(&log);
	assert_true(exists(s, "dsrun-2026-01-05.jsonl"));
	assert_true(exists(s, "dsrun-2026-01-05.jsonl.1"));
	assert_false(exists(s, "dsrun-2026-01-05.jsonl.9"));

	/* A new process goes on in the last one, not in the first. */
	char *before = content(s, s->path);
	log = made(s, 300, 0);
	LOG(log, LOG_LEVEL_INFO, "later", LOG_INT("n", 1));
	log_free(&log);
	char *after = content(s, s->path);
	assert_string_equal(before, after);
	assert_null(strstr(after, "later"));
	mem_free(&before);
	mem_free(&after);
}

static void
old_files_go_by_their_date_and_others_stay(void **state)
{
	struct shelf *s = *state;
	static const char *const gone[] = {"dsrun-2026-01-01.jsonl",
	    "dsrun-2026-01-01.jsonl.17", "dsrun-2025-06-30.jsonl.1.gz"};
	static const char *const kept[] = {"dsrun-2026-01-02.jsonl",
	    "dsrun-2026-01-04.jsonl.2", "dsrun-2026-02-01.jsonl",
	    "dsrun-2026-01-01.txt", "dsrun-2026-13-01.jsonl", "notes",
	    "xdsrun-2026-01-01.jsonl"};

	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		put_file(s, gone[i], "{}\n");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		put_file(s, kept[i], "{}\n");
	struct log *log = made(s, 0, 3);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_true(exists(s, gone[i]));
	LOG(log, LOG_LEVEL_INFO, "x", LOG_INT("n", 1));
	log_free(&log);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_false(exists(s, gone[i]));
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		assert_true(exists(s, kept[i]));
}

static void
a_file_taken_away_is_made_again(void **state)
{
	struct shelf *s = *state;
	struct log *log = made(s, 0, 0);
	char moved[160];

	LOG(log, LOG_LEVEL_INFO, "first", LOG_INT("n", 1));
	(void)snprintf(moved, sizeof(moved), "%s/moved", s->dir);
	assert_int_equal(rename(s->path, moved), 0);
	LOG(log, LOG_LEVEL_INFO, "second", LOG_INT("n", 2));
	assert_int_equal(unlink(s->path), 0);
	LOG(log, LOG_LEVEL_INFO, "third", LOG_INT("n", 3));
	log_free(&log);

	char *text = content(s, moved);
	assert_non_null(strstr(text, "first"));
	assert_null(strstr(text, "second"));
	mem_free(&text);
	text = content(s, s->path);
	assert_null(strstr(text, "second"));
	assert_non_null(strstr(text, "third"));
	mem_free(&text);
}

static void
a_torn_line_does_not_swallow_the_next(void **state)
{
	struct shelf *s = *state;

	put_file(s, "dsrun-2026-01-05.jsonl", "{\"at\":\"2026-0");
	struct log *log = made(s, 0, 0);
	LOG(log, LOG_LEVEL_INFO, "next", LOG_INT("n", 1));
	log_free(&log);
	char *text = content(s, s->path);
	assert_memory_equal(
	    text, "{\"at\":\"2026-0\n{\"at\":\"2026-01-05T", 32);
	mem_free(&text);
}

/* Every line begins and ends as ours do; their number comes back. */
static int
whole_lines(char *text)
{
	int lines = 0;

	while (*text != '\0') {
		char *end = strchr(text, '\n');

		assert_non_null(end);
		assert_memory_equal(text, "{\"at\":\"", 7);
		assert_int_equal(end[-1], '}');
		*end = '\0';
		assert_null(strstr(text + 1, "{\"at\""));
		text = end + 1;
		lines++;
	}
	return lines;
}

static void
log_in_child(const struct shelf *s, int lines)
{
	const struct log_options options = {.dir = s->dir,
	    .stderr_level = LOG_LEVEL_ERROR,
	    .rotate_bytes = 20000};
	struct env *env = NULL;
	struct err err;
	char pad[300];

	if (net_env_open(&env, &err) != ERR_NONE)
		_exit(1);
	env_follow(env, MONDAY, env_real_boot_ms(env) * 1000, 1);
	struct log *log = log_new(env, &options);
	memset(pad, 'x', sizeof(pad) - 1);
	for (int i = 0; i < lines; i++) {
		pad[sizeof(pad) - 1 - (size_t)(i % 200)] = '\0';
		LOG(log, LOG_LEVEL_INFO, "race", LOG_INT("n", i),
		    LOG_STR("pad", pad));
		memset(pad, 'x', sizeof(pad) - 1);
	}
	log_free(&log);
	_exit(0);
}

static void
processes_that_log_at_once_leave_whole_lines_and_lose_none(void **state)
{
	struct shelf *s = *state;
	enum {
		PROCESSES = 4,
		LINES = 400
	};
	pid_t child[PROCESSES];
	int lines = 0;
	int files = 0;

	for (int i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		if (child[i] == 0)
			log_in_child(s, LINES);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = 1;

		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_int_equal(status, 0);
	}
	for (;; files++) {
		char name[64] = "dsrun-2026-01-05.jsonl";

		if (files > 0)
			(void)snprintf(name, sizeof(name),
			    "dsrun-2026-01-05.jsonl.%d", files);
		if (!exists(s, name))
			break;
		char path[160];
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
		char *text = content(s, path);
		/* Over the limit by no more than a line of each process. */
		assert_true(strlen(text) < 20000 + PROCESSES * 500);
		lines += whole_lines(text);
		mem_free(&text);
	}
	assert_int_equal(lines, PROCESSES * LINES);
	assert_true(files > 5);
}

static void
a_line_too_long_loses_whole_fields_and_says_so(void **state)
{
	struct shelf *s = *state;
	struct log *log = made(s, 0, 0);
	char big[5000];
	struct log_field fields[40];

	/* Two bytes a letter, so that the cut may fall into one. */
	for (size_t i = 0; i + 1 < sizeof(big); i++)
		big[i] = (char)(i % 2 == 0 ? 0xc3 : 0xa4);
	big[sizeof(big) - 1] = '\0';
	for (size_t i = 0; i < 39; i++)
		fields[i] = (struct log_field)LOG_STR("f", big + i % 2);
	fields[39] = (struct log_field){.name = NULL};
	log_write(log, LOG_LEVEL_INFO, "big", fields);
	LOG(log, LOG_LEVEL_INFO, "small", LOG_INT("n", 1));
	log_free(&log);

	char *text = content(s, s->path);
	char *end = strchr(text, '\n');
	assert_non_null(end);
	assert_true(end - text <= 16384);
	assert_true(end - text > 14000);
	assert_memory_equal(end - 9, ",\"cut\":1}", 9);
	assert_true(text_is_utf8(text, strlen(text)));
	assert_non_null(strstr(end, "small"));
	mem_free(&text);
}

/* Runs fn with stderr going to a file; its text comes back (mem_free). */
static char *
stderr_of(struct shelf *s, void (*fn)(struct shelf *s))
{
	char path[160];
	char *text;

	(void)snprintf(path, sizeof(path), "%s/stderr", s->dir);
	(void)fflush(stderr);
	int saved = dup(STDERR_FILENO);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(saved >= 0 && fd >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	fn(s);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(fd);
	(void)close(saved);
	text = content(s, path);
	(void)unlink(path);
	return text;
}

static void
log_an_error(struct shelf *s)
{
	struct log *log = made(s, 0, 0);

	LOG(log, LOG_LEVEL_WARN, "job.retry", LOG_INT("job", 6));
	LOG(log, LOG_LEVEL_ERROR, "job.parked", LOG_INT("job", 7),
	    LOG_STR("reason", "two words"), LOG_PHONE("to", "+15550100100"));
	log_free(&log);
}

static void
errors_go_to_stderr_too_as_short_text(void **state)
{
	struct shelf *s = *state;
	char *text = stderr_of(s, log_an_error);

	assert_memory_equal(text, "2026-01-05 08:00:0", 18);
	assert_string_equal(text + 19,
	    " error job.parked job=7 reason=\"two words\""
	    " to=\"+15*******00\"\n");
	mem_free(&text);
	text = content(s, s->path);
	assert_non_null(strstr(text, "job.retry"));
	assert_non_null(strstr(text, "job.parked"));
	mem_free(&text);
}

static void
log_where_nothing_can_be(struct shelf *s)
{
	const struct log_options options = {
	    .dir = "/proc/none", .stderr_level = LOG_LEVEL_ERROR};
	struct log *log = log_new(s->env, &options);

	for (int i = 0; i < 3; i++)
		LOG(log, LOG_LEVEL_INFO, "lost", LOG_INT("n", i));
	log_free(&log);
}

static void
a_log_that_cannot_be_written_says_so_once(void **state)
{
	struct shelf *s = *state;
	char *text = stderr_of(s, log_where_nothing_can_be);

	assert_non_null(strstr(text, "dsrun: the log is not written: "));
	assert_non_null(strstr(text, "/proc/none"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	mem_free(&text);
}

static void
count_turns(struct env_timer *t)
{
	(void)t;
}

static void
gathered_lines_are_written_when_the_turn_is_over(void **state)
{
	struct shelf *s = *state;
	struct log_options o = {.dir = s->dir,
	    .level = LOG_LEVEL_INFO,
	    .gather = true,
	    .stderr_level = (enum log_level)(LOG_LEVEL_ERROR + 1)};
	struct log *log = log_new(s->env, &o);
	struct env_timer soon = {.fn = count_turns};
	char *text;

	LOG(log, LOG_LEVEL_INFO, "one", LOG_INT("n", INT64_MIN));
	LOG(log, LOG_LEVEL_INFO, "two", LOG_INT("n", INT64_MAX));
	assert_int_not_equal(access(s->path, F_OK), 0);
	env_timer_start_real(s->env, &soon, 1);
	net_env_run(s->env);
	text = content(s, s->path);
	assert_non_null(strstr(text, "\"one\""));
	assert_non_null(strstr(text, ":-9223372036854775808}\n{"));
	assert_non_null(strstr(text, ":9223372036854775807}\n"));
	mem_free(&text);

	/* What a person may have to see does not wait, nor what is before it.
	 */
	LOG(log, LOG_LEVEL_INFO, "three", LOG_INT("n", 3));
	LOG(log, LOG_LEVEL_ERROR, "four", LOG_INT("n", 4));
	text = content(s, s->path);
	assert_true(strstr(text, "three") < strstr(text, "four"));
	mem_free(&text);

	/* Another day is another file; the end leaves nothing behind. */
	LOG(log, LOG_LEVEL_INFO, "five", LOG_INT("n", 5));
	at(s, MONDAY + INT64_C(86400000));
	LOG(log, LOG_LEVEL_INFO, "six", LOG_INT("n", 6));
	text = content(s, s->path);
	assert_non_null(strstr(text, "five"));
	assert_null(strstr(text, "six"));
	mem_free(&text);
	log_free(&log);
	char *next = mem_printf("%s/dsrun-2026-01-06.jsonl", s->dir);

	text = content(s, next);
	assert_non_null(strstr(text, "six"));
	mem_free(&text);
	mem_free(&next);
	net_env_drain(s->env);
}

static void
levels_are_read_by_name(void **state)
{
	enum log_level level;
	struct err err;

	(void)state;
	assert_int_equal(log_level_parse("debug", &level, &err), ERR_NONE);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("error", &level, &err), ERR_NONE);
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("loud", &level, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "\"loud\""));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_line_is_json_with_its_fields_in_order),
	    T(no_log_and_no_directory_drop_everything),
	    cmocka_unit_test(phones_are_masked_by_length_and_by_sign),
	    T(a_day_begins_a_new_file),
	    T(a_full_file_is_followed_by_the_next_number),
	    T(old_files_go_by_their_date_and_others_stay),
	    T(a_file_taken_away_is_made_again),
	    T(a_torn_line_does_not_swallow_the_next),
	    T(processes_that_log_at_once_leave_whole_lines_and_lose_none),
	    T(a_line_too_long_loses_whole_fields_and_says_so),
	    T(errors_go_to_stderr_too_as_short_text),
	    T(a_log_that_cannot_be_written_says_so_once),
	    T(gathered_lines_are_written_when_the_turn_is_over),
	    cmocka_unit_test(levels_are_read_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
