#include "base/buf.h"

#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

/*
 * What pushing needs of the journal: a row for each sink, what a sink keeps
 * with its row, and what is known of a service between two runs.
 */

#define BIT(sink) (1U << JOURNAL_SINK_##sink)

/* --- rows for many sinks --- */

static enum err_code
due_of(struct journal *j, void *arg, struct err *err)
{
	size_t *counts = arg;
	struct journal_outbox rows[8];
	enum err_code code = ERR_NONE;

	for (enum journal_sink s = JOURNAL_SINK_FILE;
	     s < JOURNAL_SINK_END && code == ERR_NONE; s++)
		code = journal_outbox_due(
		    j, s, INT64_MAX, rows, 8, &counts[s], err);
	return code;
}

static void
each_finish_owes_a_row_to_each_sink(void **state)
{
	struct fix *f = *state;
	size_t due[JOURNAL_SINK_END] = {0};
	struct life a = {0};
	struct life b = {0};

	life_whole(f, &a, "a");
	journal_set_sinks(f->j, BIT(FILE) | BIT(MONGO) | BIT(S3));
	life_whole(f, &b, "b");
	OK(once(f, due_of, due));
	assert_int_equal(due[JOURNAL_SINK_FILE], 2);
	assert_int_equal(due[JOURNAL_SINK_MONGO], 1);
	assert_int_equal(due[JOURNAL_SINK_S3], 1);
	assert_int_equal(due[JOURNAL_SINK_WEBHOOK], 0);
}

static enum err_code
next_of_file(struct journal *j, void *arg, struct err *err)
{
	return journal_outbox_next(
	    j, JOURNAL_SINK_FILE, journal_group_ms(j), arg, err);
}

static enum err_code
file_fails(struct journal *j, void *arg, struct err *err)
{
	int64_t *row = arg;
	struct journal_outbox rows[8];
	size_t count = 0;

	if (journal_outbox_due(j, JOURNAL_SINK_FILE, INT64_MAX, rows, 8, &count,
		err) != ERR_NONE)
		return err->code;
	*row = rows[0].id;
	return journal_outbox_set(
	    j, *row, JOURNAL_OUTBOX_PENDING, INT64_MAX - 1, "away", err);
}

static void
a_sink_that_is_away_holds_no_other_up(void **state)
{
	struct fix *f = *state;
	size_t due[JOURNAL_SINK_END] = {0};
	struct life a = {0};
	int64_t row = 0;
	int64_t next = 0;

	journal_set_sinks(f->j, BIT(FILE) | BIT(MONGO));
	life_whole(f, &a, "a");
	OK(once(f, next_of_file, &next));
	assert_int_equal(next, 0); /* due already */
	OK(once(f, file_fails, &row));
	OK(once(f, next_of_file, &next));
	assert_true(next == INT64_MAX - 1);
	/* The job again: its second result waits at the file alone. */
	life_job(f, &a, JOB_EV_RETRY);
	assert_int_equal(a.job.state, JOB_QUEUED);
	OK(once(f, due_of, due));
	assert_int_equal(due[JOURNAL_SINK_MONGO], 1);
	assert_string_equal(journal_sink_name(JOURNAL_SINK_MONGO), "mongo");
	assert_string_equal(journal_sink_name(JOURNAL_SINK_END), "?");
}

/* --- what a sink keeps --- */

struct kept {
	int64_t row;
	const char *put;
};

static enum err_code
keep(struct journal *j, void *arg, struct err *err)
{
	struct kept *k = arg;

	return journal_outbox_keep(j, k->row, k->put, err);
}

static void
see_kept(void *arg, const struct journal_facts *facts)
{
	(void)snprintf(arg, JOURNAL_KEPT_MAX, "%s", facts->kept);
}

static void
kept_is(struct fix *f, int64_t row, const char *want)
{
	static const int kinds[] = {0, 2};
	struct journal_outbox box = {.id = row};
	char text[JOURNAL_KEPT_MAX] = "?";

	OK(journal_read_facts(f->j, &box, kinds, see_kept, text, &f->err));
	assert_string_equal(text, want);
}

static void
a_row_keeps_what_its_sink_must_find_again(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct kept k = {.put = "upload-1 3"};

	life_whole(f, &a, "a");
	k.row = a.job.outbox;
	kept_is(f, k.row, "");
	OK(once(f, keep, &k));
	OK(journal_owner_close(f->j, &f->err));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	kept_is(f, k.row, "upload-1 3");
	k.put = "";
	OK(once(f, keep, &k));
	kept_is(f, k.row, "");
	/* No such row: nothing is kept, and nothing is wrong. */
	k.row = 4711;
	k.put = "x";
	OK(once(f, keep, &k));
}

/* --- services --- */

struct known {
	struct journal_service s;
	bool put, found;
};

static enum err_code
service(struct journal *j, void *arg, struct err *err)
{
	struct known *k = arg;

	if (k->put)
		return journal_service_put(j, &k->s, err);
	return journal_service_get(j, "s3", &k->s, &k->found, err);
}

static void
seen(void *arg, const struct journal_service *s)
{
	struct buf *b = arg;

	buf_printf(
	    b, "%s %lld %s;", s->name, (long long)s->failures, s->last_error);
}

static void
what_is_known_of_a_service_outlives_the_run(void **state)
{
	struct fix *f = *state;
	struct known k = {0};
	struct buf text = BUF_INIT(1024);

	OK(once(f, service, &k));
	assert_false(k.found);
	assert_string_equal(k.s.name, "s3");
	k.s = (struct journal_service){.name = "s3",
	    .breaker = 1,
	    .failures = 20,
	    .boot = {7},
	    .since_ms = 1000,
	    .tokens_micro = -5,
	    .filled_ms = 2000,
	    .last_error_ms = 3000,
	    .last_error = "SlowDown"};
	struct journal_service put = k.s;

	k.put = true;
	OK(once(f, service, &k));
	OK(once(f, service, &k)); /* again: the same row */
	OK(journal_owner_close(f->j, &f->err));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	k.put = false;
	OK(once(f, service, &k));
	assert_true(k.found);
	assert_memory_equal(k.s.boot, put.boot, sizeof(put.boot));
	assert_int_equal(k.s.breaker, 1);
	assert_int_equal(k.s.tokens_micro, -5);
	assert_int_equal(k.s.since_ms, 1000);
	assert_int_equal(k.s.filled_ms, 2000);
	assert_int_equal(k.s.last_ok_ms, 0);
	assert_int_equal(k.s.last_error_ms, 3000);
	OK(journal_read_services(f->j, seen, &text, &f->err));
	assert_string_equal(buf_text(&text), "s3 20 SlowDown;");
	buf_free(&text);
}

int
main(void)
{
#define N(test) cmocka_unit_test_setup_teardown(test, setup_opened, teardown)
	const struct CMUnitTest tests[] = {
	    N(each_finish_owes_a_row_to_each_sink),
	    N(a_sink_that_is_away_holds_no_other_up),
	    N(a_row_keeps_what_its_sink_must_find_again),
	    N(what_is_known_of_a_service_outlives_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
