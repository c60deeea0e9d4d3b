#include "source/source_watch.h"

#include <sys/stat.h>

#include "source/source_test.h"

#define P "\"phone\":\"+15125550100\""

static void
drop(struct world *w, const char *name, const char *text)
{
	char *sub = mem_printf("spool/%s", name);

	put_file(w, sub, text, strlen(text));
	mem_free(&sub);
}

struct watching {
	struct source_watch_options o;
	char spool[96];
	struct source *s;
	struct source_job *jobs[4];
	size_t count;
};

static void
watch(struct world *w, struct watching *g)
{
	*g = (struct watching){0};
	(void)snprintf(g->spool, sizeof(g->spool), "%s/spool", w->dir);
	g->o = (struct source_watch_options){
	    .spool_dir = g->spool,
	    .file =
		{
		    .env = w->env,
		    .rejects_dir = w->rejects,
		    .line_bytes = 1000,
		    .rules = {SOURCE_FILE_NAME, NULL, "intro-call"},
		},
	};
	assert_int_equal(env_make_dirs(w->env, g->spool, &w->err), ERR_NONE);
	g->s = source_watch_new(&g->o);
}

/* One batch; its ids must be these letters. */
static void
expect_batch(struct world *w, struct watching *g, const char *ids)
{
	assert_int_equal(
	    source_batch(g->s, g->jobs, 4, &g->count, &w->err), ERR_NONE);
	assert_int_equal(g->count, strlen(ids));
	for (size_t i = 0; i < g->count; i++)
		assert_int_equal(g->jobs[i]->id[0], ids[i]);
}

static void
take(struct world *w, struct watching *g, enum source_taken how)
{
	for (size_t i = 0; i < g->count; i++)
		assert_int_equal(
		    g->s->ops->taken(g->s->impl, &g->jobs[i], how, &w->err),
		    ERR_NONE);
}

static void
a_file_is_done_when_all_its_jobs_are_taken(void **state)
{
	struct world *w = *state;
	struct watching g;
	struct source_tally tally;

	watch(w, &g);
	expect_batch(w, &g, "");
	drop(w, "1.jsonl", "{\"id\":\"a\"," P "}\n{}\n{\"id\":\"b\"," P "}\n");
	expect_batch(w, &g, "ab");
	/* not yet: they are not in the journal */
	expect_file(w, "spool/done/1.jsonl", NULL);
	take(w, &g, SOURCE_ADDED);
	expect_batch(w, &g, "");
	expect_file(w, "spool/done/1.jsonl",
	    "{\"id\":\"a\"," P "}\n{}\n{\"id\":\"b\"," P "}\n");
	expect_file(w, "rejects/1.jsonl.rejects.jsonl",
	    "{\"error\":\"phone: missing, expected a number such as "
	    "+15125550100\",\"line\":2}\n");

	/* the next file comes by and by */
	drop(w, "2.csv", "id,phone\nc,+15125550100\n");
	expect_batch(w, &g, "c");
	take(w, &g, SOURCE_KNOWN);
	expect_batch(w, &g, "");
	g.s->ops->tally(g.s->impl, &tally);
	assert_int_equal(tally.added, 2);
	assert_int_equal(tally.known, 1);
	assert_int_equal(tally.refused, 1);
	assert_string_equal(tally.first_error,
	    "1.jsonl line 2: phone: missing, expected a number such as "
	    "+15125550100");
	assert_int_equal(g.s->ops->owed(g.s->impl), 0);
	g.s->ops->free(g.s->impl);
}

static void
a_batch_ends_with_its_file(void **state)
{
	struct world *w = *state;
	struct watching g;
	const char *rejects = NULL;

	watch(w, &g);
	drop(w, "1.jsonl", "{\"id\":\"a\"," P "}\n");
	drop(w, "2.jsonl", "{\"id\":\"b\"," P "}\n");
	expect_batch(w, &g, "a");
	take(w, &g, SOURCE_ADDED);
	expect_batch(w, &g, "b");
	expect_file(w, "spool/done/1.jsonl", "{\"id\":\"a\"," P "}\n");
	take(w, &g, SOURCE_ADDED);
	assert_int_equal(
	    g.s->ops->finish(g.s->impl, &rejects, &w->err), ERR_NONE);
	assert_string_equal(rejects, w->rejects);
	expect_file(w, "spool/done/2.jsonl", "{\"id\":\"b\"," P "}\n");
	g.s->ops->free(g.s->impl);
}

static void
a_file_whose_job_was_released_is_read_again(void **state)
{
	struct world *w = *state;
	struct watching g;

	watch(w, &g);
	drop(w, "1.jsonl", "{\"id\":\"a\"," P "}\n{\"id\":\"b\"," P "}\n");
	expect_batch(w, &g, "ab");
	g.s->ops->release(g.s->impl, &g.jobs[0]);
	assert_int_equal(
	    g.s->ops->taken(g.s->impl, &g.jobs[1], SOURCE_ADDED, &w->err),
	    ERR_NONE);
	expect_batch(w, &g, "");
	expect_batch(w, &g, "ab");
	take(w, &g, SOURCE_KNOWN);
	expect_batch(w, &g, "");
	assert_non_null(g.s);
	expect_file(w, "spool/work/1.jsonl", NULL);
	g.s->ops->free(g.s->impl);
}

static void
a_useless_file_is_put_aside_and_the_next_one_read(void **state)
{
	struct world *w = *state;
	struct watching g;
	struct source_tally tally;
	char *path = mem_printf("%s/spool/2.jsonl", w->dir);

	watch(w, &g);
	drop(w, "1.csv", "id,kind\n");
	drop(w, "2.jsonl", "{\"id\":\"a\"," P "}\n");
	drop(w, "3.jsonl", "{\"id\":\"b\"," P "}\n");
	assert_int_equal(chmod(path, 0), 0);
	/* root may read everything */
	expect_batch(w, &g, geteuid() == 0 ? "a" : "b");
	take(w, &g, SOURCE_ADDED);
	if (geteuid() == 0) {
		expect_batch(w, &g, "b");
		take(w, &g, SOURCE_ADDED);
	}
	expect_batch(w, &g, "");
	expect_file(w, "spool/failed/1.csv", "id,kind\n");
	expect_file(w, "spool/failed/1.csv.error",
	    "1.csv: line 1: there is no column \"phone\" among the 2 columns; "
	    "name one with --map \"COLUMN=phone\"\n");
	expect_file(w, "spool/done/3.jsonl", "{\"id\":\"b\"," P "}\n");
	g.s->ops->tally(g.s->impl, &tally);
	assert_int_equal(tally.refused, geteuid() == 0 ? 1 : 2);
	mem_free(&path);
	g.s->ops->free(g.s->impl);
}

static void
another_process_at_work_leaves_nothing_for_us(void **state)
{
	struct world *w = *state;
	struct watching a;
	struct watching b;

	watch(w, &a);
	watch(w, &b);
	drop(w, "1.jsonl", "{\"id\":\"a\"," P "}\n");
	expect_batch(w, &a, "a");
	drop(w, "2.jsonl", "{\"id\":\"b\"," P "}\n");
	expect_batch(w, &b, "");
	take(w, &a, SOURCE_ADDED);
	expect_batch(w, &a, "");
	/* it let go when nothing was left */
	expect_batch(w, &b, "b");
	take(w, &b, SOURCE_ADDED);
	a.s->ops->free(a.s->impl);
	b.s->ops->free(b.s->impl);
	expect_file(w, "spool/work/2.jsonl", "{\"id\":\"b\"," P "}\n");
}

/* Reads everything, writing the ids of what it took behind each other. */
static bool
take_all(struct world *w, void *arg)
{
	struct watching g;
	struct source_tally tally;

	watch(w, &g);
	do {
		if (source_batch(g.s, g.jobs, 4, &g.count, &w->err) != ERR_NONE)
			return false;
		CRASH_POINT("test.journalled");
		take(w, &g, SOURCE_ADDED);
	} while (g.count > 0);
	g.s->ops->tally(g.s->impl, &tally);
	*(int64_t *)arg = tally.added;
	g.s->ops->free(g.s->impl);
	return true;
}

static void
wherever_it_dies_no_file_is_lost(void **state)
{
	struct world *w = *state;
	int64_t added = 0;
	int n = 1;

	for (;; n++) {
		struct sweep all = {w->env, w->dir};
		char *spool = mem_printf("%s/spool", w->dir);
		bool died;

		(void)env_list_dir(w->env, w->dir, sweep_one, &all, &w->err);
		assert_int_equal(
		    env_make_dirs(w->env, spool, &w->err), ERR_NONE);
		mem_free(&spool);
		drop(w, "1.jsonl", "{\"id\":\"a\"," P "}\nx\n");
		drop(w, "2.csv", "id,phone\nb,+15125550100\n");
		died = killed_at(n, take_all, w, &added);
		added = 0;
		assert_true(take_all(w, &added));
		if (!died)
			break;
		expect_file(
		    w, "spool/done/1.jsonl", "{\"id\":\"a\"," P "}\nx\n");
		expect_file(
		    w, "spool/done/2.csv", "id,phone\nb,+15125550100\n");
		char *rejects = get_file(w, "rejects/1.jsonl.rejects.jsonl");

		assert_non_null(strstr(rejects, "{\"raw\":\"x\","));
		mem_free(&rejects);
	}
	assert_true(n > 15);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_file_is_done_when_all_its_jobs_are_taken),
	    T(a_batch_ends_with_its_file),
	    T(a_file_whose_job_was_released_is_read_again),
	    T(a_useless_file_is_put_aside_and_the_next_one_read),
	    T(another_process_at_work_leaves_nothing_for_us),
	    T(wherever_it_dies_no_file_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
