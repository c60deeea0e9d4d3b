#include "sink/sink_append.h"

#include "sink/sink_test.h"

#define FIRST "results.jsonl"

static void
place_is(const struct sink_append_place *p, const char *name, int64_t offset)
{
	assert_string_equal(p->name, name);
	assert_int_equal(p->offset, offset);
}

static enum sink_append_found
plan(struct world *w, const char *name, int64_t known,
    struct sink_append_place *next)
{
	struct sink_append_place p = {"", known};
	enum sink_append_found found = SINK_APPEND_FOUND_COUNT;

	(void)snprintf(p.name, sizeof(p.name), "%s", name);
	assert_int_equal(
	    sink_append_plan(w->env, w->dir, &p, next, &found, &w->err),
	    ERR_NONE);
	return found;
}

static enum sink_append_found
verify(struct world *w, int64_t offset, const char *bytes,
    struct sink_append_place *next)
{
	struct sink_append_place p = {FIRST, offset};
	enum sink_append_found found = SINK_APPEND_FOUND_COUNT;

	assert_int_equal(sink_append_verify(w->env, w->dir, &p, bytes,
			     strlen(bytes), next, &found, &w->err),
	    ERR_NONE);
	return found;
}

static enum err_code
apply(struct world *w, const struct sink_append_place *p, const char *bytes)
{
	return sink_append_apply(
	    w->env, w->dir, p, bytes, strlen(bytes), &w->err);
}

static void
the_first_batch_begins_the_file(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;

	assert_int_equal(plan(w, FIRST, 0, &next), SINK_APPEND_FITS);
	place_is(&next, FIRST, 0);
	assert_int_equal(apply(w, &next, "one\n"), ERR_NONE);
	expect_file(w, FIRST, "one\n");

	assert_int_equal(plan(w, FIRST, 4, &next), SINK_APPEND_FITS);
	place_is(&next, FIRST, 4);
	assert_int_equal(apply(w, &next, "two\nthree\n"), ERR_NONE);
	expect_file(w, FIRST, "one\ntwo\nthree\n");
}

static void
applying_twice_is_applying_once(void **state)
{
	struct world *w = *state;
	struct sink_append_place p = {FIRST, 0};

	assert_int_equal(apply(w, &p, "one\n"), ERR_NONE);
	assert_int_equal(apply(w, &p, "one\n"), ERR_NONE);
	expect_file(w, FIRST, "one\n");
}

static void
a_shorter_file_is_left_alone_and_a_new_one_begins(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;

	put_file(w, FIRST, "one\n", 4);
	assert_int_equal(plan(w, FIRST, 9, &next), SINK_APPEND_SHORTER);
	place_is(&next, "results.2.jsonl", 0);
	assert_int_equal(verify(w, 9, "x\n", &next), SINK_APPEND_SHORTER);
	place_is(&next, "results.2.jsonl", 0);
	expect_file(w, FIRST, "one\n");

	/* names that are there are passed over */
	put_file(w, "results.2.jsonl", "", 0);
	put_file(w, "results.3.jsonl", "x", 1);
	assert_int_equal(plan(w, FIRST, 9, &next), SINK_APPEND_SHORTER);
	place_is(&next, "results.4.jsonl", 0);

	/* and the new one is gone on with like the first */
	assert_int_equal(apply(w, &next, "two\n"), ERR_NONE);
	assert_int_equal(
	    plan(w, "results.4.jsonl", 4, &next), SINK_APPEND_FITS);
	place_is(&next, "results.4.jsonl", 4);
}

static void
a_file_moved_away_counts_as_shorter(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;

	assert_int_equal(plan(w, FIRST, 4, &next), SINK_APPEND_SHORTER);
	place_is(&next, "results.2.jsonl", 0);
	assert_int_equal(verify(w, 4, "x\n", &next), SINK_APPEND_SHORTER);
	place_is(&next, "results.2.jsonl", 0);
}

static void
whole_lines_of_others_are_kept(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;

	put_file(w, FIRST, "one\ntheirs\n", 11);
	assert_int_equal(plan(w, FIRST, 4, &next), SINK_APPEND_LONGER);
	place_is(&next, FIRST, 11);
	assert_int_equal(apply(w, &next, "two\n"), ERR_NONE);
	expect_file(w, FIRST, "one\ntheirs\ntwo\n");
}

static void
a_torn_line_of_others_is_not_added_to(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;

	put_file(w, FIRST, "one\nthei", 8);
	assert_int_equal(plan(w, FIRST, 4, &next), SINK_APPEND_TORN);
	place_is(&next, "results.2.jsonl", 0);
}

static void
an_edited_file_is_left_alone(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;

	/* of the length we know, but no line of ours ends there */
	put_file(w, FIRST, "edited", 6);
	assert_int_equal(plan(w, FIRST, 6, &next), SINK_APPEND_FOREIGN);
	place_is(&next, "results.2.jsonl", 0);
	assert_int_equal(plan(w, FIRST, 4, &next), SINK_APPEND_FOREIGN);
	assert_int_equal(verify(w, 4, "ed\n", &next), SINK_APPEND_FOREIGN);
	place_is(&next, "results.2.jsonl", 0);
	expect_file(w, FIRST, "edited");
}

static void
what_a_crash_left_of_a_batch_is_ours(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum sink_append_found found;
	} rows[] = {
	    {"one\n", 4, SINK_APPEND_FITS},          /* nothing of it */
	    {"one\ntw", 6, SINK_APPEND_FITS},        /* a beginning */
	    {"one\ntwo\n", 8, SINK_APPEND_FITS},     /* all of it */
	    {"one\n\0\0o\n", 8, SINK_APPEND_FITS},   /* blocks not written */
	    {"one\ntwo\nx\n", 10, SINK_APPEND_FITS}, /* others went on */
	    {"one\nx", 5, SINK_APPEND_FOREIGN},
	    {"one\ntwx\n", 8, SINK_APPEND_FOREIGN},
	    {"one\ntheirs\n", 11, SINK_APPEND_FOREIGN},
	    {"one", 3, SINK_APPEND_SHORTER},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sink_append_place next;
		bool fits = rows[i].found == SINK_APPEND_FITS;

		put_file(w, FIRST, rows[i].bytes, rows[i].len);
		assert_int_equal(verify(w, 4, "two\n", &next), rows[i].found);
		place_is(&next, fits ? FIRST : "results.2.jsonl", fits ? 4 : 0);
	}
}

static void
a_batch_larger_than_a_block_is_compared_to_its_end(void **state)
{
	struct world *w = *state;
	struct sink_append_place next;
	char *bytes = mem_zalloc(10001, 1);

	memset(bytes, 'x', 9999);
	bytes[9999] = '\n';
	put_file(w, FIRST, bytes, 10000);
	assert_int_equal(verify(w, 0, bytes, &next), SINK_APPEND_FITS);
	bytes[9990] = 'y';
	assert_int_equal(verify(w, 0, bytes, &next), SINK_APPEND_FOREIGN);
	mem_free(&bytes);
}

static void
no_hole_is_ever_made(void **state)
{
	struct world *w = *state;
	struct sink_append_place p = {FIRST, 5};
	char want[200];

	put_file(w, FIRST, "one\n", 4);
	assert_int_equal(apply(w, &p, "two\n"), ERR_STATE);
	(void)snprintf(want, sizeof(want),
	    "%s/results.jsonl: 4 bytes long, expected at least 5", w->dir);
	assert_string_equal(w->err.text, want);
	expect_file(w, FIRST, "one\n");
}

static void
only_one_holds_the_lock(void **state)
{
	struct world *w = *state;
	struct env_file *a = NULL;
	struct env_file *b = NULL;

	assert_int_equal(
	    sink_append_lock(w->env, w->dir, &a, &w->err), ERR_NONE);
	assert_int_equal(
	    sink_append_lock(w->env, w->dir, &b, &w->err), ERR_BUSY);
	assert_null(b);
	env_close(w->env, &a);
	assert_int_equal(
	    sink_append_lock(w->env, w->dir, &b, &w->err), ERR_NONE);
	env_close(w->env, &b);
}

static void
what_was_found_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(sink_append_found_name(SINK_APPEND_FITS), "fits");
	assert_string_equal(
	    sink_append_found_name(SINK_APPEND_SHORTER), "shorter");
	assert_string_equal(
	    sink_append_found_name(SINK_APPEND_LONGER), "longer");
	assert_string_equal(sink_append_found_name(SINK_APPEND_TORN), "torn");
	assert_string_equal(
	    sink_append_found_name(SINK_APPEND_FOREIGN), "foreign");
}

/*
 * The journal's side of the protocol, as a file of two numbers and the batch:
 * what it says is durable once rename has returned.
 */
struct book {
	int64_t known;
	int64_t batch; /* number of the one under way; 0 = none */
	struct sink_append_place place;
};

static void
book_write(struct world *w, const struct book *b)
{
	char *from = mem_printf("%s/book.tmp", w->dir);
	char *to = mem_printf("%s/book", w->dir);

	put_file(w, "book.tmp", b, sizeof(*b));
	if (rename(from, to) != 0)
		_exit(4);
	mem_free(&from);
	mem_free(&to);
}

static struct book
book_read(struct world *w)
{
	struct book b = {0, 0, {FIRST, 0}};
	char *text = get_file(w, "book");

	if (text != NULL)
		memcpy(&b, text, sizeof(b));
	mem_free(&text);
	return b;
}

#define BATCHES 3

/* Append batches 1 to BATCHES, from wherever the book says we are. */
static bool
append_all(struct world *w, void *arg)
{
	static const char *const bytes[] = {"", "one\n", "two\n2\n", "three\n"};
	int64_t *done = arg;
	struct env_file *lock = NULL;
	struct book b = book_read(w);
	int64_t next = 1;

	if (sink_append_lock(w->env, w->dir, &lock, &w->err) != ERR_NONE)
		return false;
	for (int64_t at = 0; next <= BATCHES; next++) {
		at += (int64_t)strlen(bytes[next]);
		if (b.batch == 0 && b.known < at)
			break;
		if (b.batch == next)
			break;
	}
	for (; next <= BATCHES; next++) {
		enum sink_append_found found = SINK_APPEND_FOREIGN;
		struct sink_append_place known = {FIRST, b.known};
		size_t len = strlen(bytes[next]);
		enum err_code code =
		    b.batch == 0
			? sink_append_plan(
			      w->env, w->dir, &known, &b.place, &found, &w->err)
			: sink_append_verify(w->env, w->dir, &b.place,
			      bytes[next], len, &b.place, &found, &w->err);

		if (code != ERR_NONE || found != SINK_APPEND_FITS)
			return false;
		b.batch = next;
		book_write(w, &b);
		CRASH_POINT("test.journalled");
		if (apply(w, &b.place, bytes[next]) != ERR_NONE)
			return false;
		b.known = b.place.offset + (int64_t)len;
		b.batch = 0;
		book_write(w, &b);
		CRASH_POINT("test.noted");
	}
	env_close(w->env, &lock);
	*done = BATCHES;
	return true;
}

static void
wherever_it_dies_each_row_stands_once_and_in_order(void **state)
{
	struct world *w = *state;
	char *book = mem_printf("%s/book", w->dir);
	char *file = mem_printf("%s/%s", w->dir, FIRST);
	int64_t done = 0;
	int n = 1;

	for (;; n++) {
		bool died;

		(void)unlink(book);
		(void)unlink(file);
		died = killed_at(n, append_all, w, &done);
		/* the second one dies too, one step further on */
		(void)killed_at(2, append_all, w, &done);
		done = 0;
		assert_true(append_all(w, &done));
		assert_int_equal(done, BATCHES);
		expect_file(w, FIRST, "one\ntwo\n2\nthree\n");
		if (!died)
			break;
	}
	/* opened, written, synced, done, journalled, noted, of each batch */
	assert_int_equal(n, 6 * BATCHES + 1);
	mem_free(&book);
	mem_free(&file);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(the_first_batch_begins_the_file),
	    T(applying_twice_is_applying_once),
	    T(a_shorter_file_is_left_alone_and_a_new_one_begins),
	    T(a_file_moved_away_counts_as_shorter),
	    T(whole_lines_of_others_are_kept),
	    T(a_torn_line_of_others_is_not_added_to),
	    T(an_edited_file_is_left_alone),
	    T(what_a_crash_left_of_a_batch_is_ours),
	    T(a_batch_larger_than_a_block_is_compared_to_its_end),
	    T(no_hole_is_ever_made),
	    T(only_one_holds_the_lock),
	    T(what_was_found_has_a_name),
	    T(wherever_it_dies_each_row_stands_once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
