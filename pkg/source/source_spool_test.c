#include "source/source_spool.h"

#include <sys/stat.h>

#include <fcntl.h>

#include "source/source_test.h"

static void
make_dir(struct world *w, const char *name)
{
	char *path = mem_printf("%s/%s", w->dir, name);

	assert_int_equal(env_make_dirs(w->env, path, &w->err), ERR_NONE);
	mem_free(&path);
}

/* A file of the spool, last changed so many seconds ago. */
static void
drop(struct world *w, const char *name, const char *text, int age_s)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {0}};
	char *sub = mem_printf("spool/%s", name);
	char *path = mem_printf("%s/%s", w->dir, sub);

	put_file(w, sub, text, strlen(text));
	times[1].tv_sec =
	    (time_t)(w->env->ops->wall_us(w->env) / 1000000) - age_s;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	mem_free(&path);
	mem_free(&sub);
}

static struct source_spool *
spool_open(struct world *w, int64_t settle_ms)
{
	struct source_spool *s = NULL;
	char *dir = mem_printf("%s/spool", w->dir);

	assert_int_equal(
	    source_spool_open(w->env, dir, settle_ms, &s, &w->err), ERR_NONE);
	mem_free(&dir);
	return s;
}

/* The next file must be this one (NULL: none), and hold text. */
static void
expect_next(
    struct world *w, struct source_spool *s, const char *want, const char *text)
{
	const char *name = "";
	const char *path = NULL;
	char *got = NULL;
	size_t len = 0;

	assert_int_equal(source_spool_next(s, &name, &path, &w->err), ERR_NONE);
	if (want == NULL) {
		assert_null(name);
		assert_null(path);
		return;
	}
	assert_string_equal(name, want);
	assert_int_equal(
	    env_read_whole(w->env, path, 100, &got, &len, &w->err), ERR_NONE);
	assert_string_equal(got, text);
	mem_free(&got);
}

static void
finish(struct world *w, struct source_spool *s)
{
	assert_int_equal(source_spool_finish(s, &w->err), ERR_NONE);
}

static void
files_are_taken_oldest_first_and_end_in_done(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 0);

	drop(w, "new.jsonl", "n", 10);
	drop(w, "b.csv", "b", 50);
	drop(w, "a.csv", "a", 50);
	drop(w, "old.jsonl", "o", 100);
	expect_next(w, s, "old.jsonl", "o");
	expect_file(w, "spool/old.jsonl", NULL);
	expect_file(w, "spool/work/old.jsonl", "o");
	finish(w, s);
	expect_file(w, "spool/work/old.jsonl", NULL);
	expect_file(w, "spool/done/old.jsonl", "o");
	expect_next(w, s, "a.csv", "a");
	finish(w, s);
	expect_next(w, s, "b.csv", "b");
	finish(w, s);

	/* what comes in now waits for the next pass */
	drop(w, "late.csv", "l", 200);
	expect_next(w, s, "new.jsonl", "n");
	finish(w, s);
	expect_next(w, s, NULL, NULL);
	expect_next(w, s, "late.csv", "l");
	finish(w, s);
	expect_next(w, s, NULL, NULL);
	source_spool_close(&s);
	assert_null(s);
	source_spool_close(&s);
}

static void
only_finished_files_count(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 60000);

	drop(w, ".hidden.jsonl", "x", 100);
	drop(w, "a.jsonl.tmp", "x", 100);
	drop(w, "a.jsonl.part", "x", 100);
	drop(w, "a.jsonl~", "x", 100);
	drop(w, "young.jsonl", "x", 5);
	make_dir(w, "spool/folder");
	expect_next(w, s, NULL, NULL);
	drop(w, "young.jsonl", "x", 61);
	expect_next(w, s, "young.jsonl", "x");
	finish(w, s);
	expect_file(w, "spool/a.jsonl.tmp", "x");
	expect_file(w, "spool/.hidden.jsonl", "x");
	source_spool_close(&s);
}

static void
a_name_used_again_loses_no_file(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 0);

	drop(w, "x.csv", "1", 10);
	expect_next(w, s, "x.csv", "1");
	drop(w, "x.csv", "2", 10);
	finish(w, s);
	expect_next(w, s, NULL, NULL);
	expect_next(w, s, "x.csv", "2");
	finish(w, s);
	drop(w, "noending", "3", 10);
	expect_next(w, s, NULL, NULL);
	expect_next(w, s, "noending", "3");
	finish(w, s);
	drop(w, "noending", "4", 10);
	expect_next(w, s, NULL, NULL);
	expect_next(w, s, "noending", "4");
	finish(w, s);
	expect_file(w, "spool/done/x.csv", "1");
	expect_file(w, "spool/done/x.2.csv", "2");
	expect_file(w, "spool/done/noending", "3");
	expect_file(w, "spool/done/noending.2", "4");
	source_spool_close(&s);
}

static void
a_file_that_cannot_be_used_is_put_aside_with_its_reason(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 0);

	for (int i = 1; i <= 2; i++) {
		drop(w, "x.csv", i == 1 ? "1" : "2", 10);
		expect_next(w, s, "x.csv", i == 1 ? "1" : "2");
		assert_int_equal(
		    source_spool_fail(s, "x.csv: line 1: no column", &w->err),
		    ERR_NONE);
		expect_next(w, s, NULL, NULL);
	}
	expect_file(w, "spool/failed/x.csv", "1");
	expect_file(
	    w, "spool/failed/x.csv.error", "x.csv: line 1: no column\n");
	expect_file(w, "spool/failed/x.2.csv", "2");
	expect_file(w, "spool/work/x.csv", NULL);
	source_spool_close(&s);
}

static void
what_is_left_or_was_dropped_by_a_crash_comes_first(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 0);

	drop(w, "b.csv", "b", 10);
	expect_next(w, s, "b.csv", "b");
	source_spool_leave(s);
	expect_next(w, s, NULL, NULL);
	drop(w, "a.csv", "a", 100);
	source_spool_close(&s);

	s = spool_open(w, 60000);
	expect_next(w, s, "b.csv", "b");
	finish(w, s);
	expect_next(w, s, "a.csv", "a");
	finish(w, s);
	source_spool_close(&s);
}

static void
a_file_taken_back_is_passed_over(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 0);
	char *path = mem_printf("%s/spool/b.csv", w->dir);

	drop(w, "a.csv", "a", 30);
	drop(w, "b.csv", "b", 20);
	drop(w, "c.csv", "c", 10);
	expect_next(w, s, "a.csv", "a");
	finish(w, s);
	assert_int_equal(unlink(path), 0);
	expect_next(w, s, "c.csv", "c");
	finish(w, s);
	mem_free(&path);
	source_spool_close(&s);
}

static void
one_process_at_a_time_works_on_a_spool(void **state)
{
	struct world *w = *state;
	struct source_spool *s = spool_open(w, 0);
	struct source_spool *other = NULL;
	char *dir = mem_printf("%s/spool", w->dir);

	assert_int_equal(
	    source_spool_open(w->env, dir, 0, &other, &w->err), ERR_BUSY);
	assert_null(other);
	source_spool_close(&s);
	assert_int_equal(
	    source_spool_open(w->env, dir, 0, &other, &w->err), ERR_NONE);
	source_spool_close(&other);
	mem_free(&dir);
}

/* Take every file: the bad one fails, the others are finished. */
static bool
drain(struct world *w, void *arg)
{
	char *dir = mem_printf("%s/spool", w->dir);
	struct source_spool *s = NULL;
	const char *name = NULL;
	const char *path = NULL;
	enum err_code code;

	(void)arg;
	code = source_spool_open(w->env, dir, 0, &s, &w->err);
	while (code == ERR_NONE) {
		code = source_spool_next(s, &name, &path, &w->err);
		if (code != ERR_NONE || name == NULL)
			break;
		code = *name == 'b' ? source_spool_fail(s, "bad", &w->err)
				    : source_spool_finish(s, &w->err);
	}
	source_spool_close(&s);
	mem_free(&dir);
	return code == ERR_NONE;
}

static void
wherever_it_dies_each_file_ends_in_one_place(void **state)
{
	struct world *w = *state;
	int n = 1;

	for (;; n++) {
		struct sweep all = {w->env, w->dir};
		bool died;

		(void)env_list_dir(w->env, w->dir, sweep_one, &all, &w->err);
		make_dir(w, "spool");
		drop(w, "a.csv", "a", 30);
		drop(w, "bad.csv", "b", 20);
		drop(w, "c.csv", "c", 10);
		died = killed_at(n, drain, w, NULL);
		assert_true(drain(w, NULL));
		expect_file(w, "spool/done/a.csv", "a");
		expect_file(w, "spool/done/c.csv", "c");
		expect_file(w, "spool/failed/bad.csv", "b");
		expect_file(w, "spool/failed/bad.csv.error", "bad\n");
		expect_file(w, "spool/done/a.2.csv", NULL);
		expect_file(w, "spool/done/c.2.csv", NULL);
		expect_file(w, "spool/failed/bad.2.csv", NULL);
		if (!died)
			break;
	}
	/* four steps each, and three of the reason's file */
	assert_int_equal(n, 3 * 4 + 3 + 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(files_are_taken_oldest_first_and_end_in_done),
	    T(only_finished_files_count),
	    T(a_name_used_again_loses_no_file),
	    T(a_file_that_cannot_be_used_is_put_aside_with_its_reason),
	    T(what_is_left_or_was_dropped_by_a_crash_comes_first),
	    T(a_file_taken_back_is_passed_over),
	    T(one_process_at_a_time_works_on_a_spool),
	    T(wherever_it_dies_each_file_ends_in_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
