#include "base/buf.h"

#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

/* What came, as text: "n,r|1,x;" for heads, rows and ends of statements. */
struct seen {
	char text[4096];
	int restarts;
};

static void
say(struct seen *s, const char *text)
{
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s", text);
}

static void
on_restart(void *arg)
{
	struct seen *s = arg;

	s->text[0] = '\0';
	s->restarts++;
}

static void
on_begin(void *arg, const char *const *names, int columns)
{
	for (int i = 0; i < columns; i++) {
		say(arg, i > 0 ? "," : "");
		say(arg, names[i]);
	}
}

static void
on_row(void *arg, const struct journal_cell *cells, int columns)
{
	static const char *const types[] = {
	    "null", "int", "real", "text", "blob"};
	char text[80];

	for (int i = 0; i < columns; i++) {
		const struct journal_cell *c = &cells[i];

		say(arg, i > 0 ? "," : "|");
		say(arg, types[c->type]);
		if (c->type == JOURNAL_CELL_INTEGER)
			(void)snprintf(
			    text, sizeof(text), ":%lld", (long long)c->integer);
		else if (c->type == JOURNAL_CELL_REAL)
			(void)snprintf(text, sizeof(text), ":%g", c->real);
		else if (c->type == JOURNAL_CELL_NULL)
			text[0] = '\0';
		else
			(void)snprintf(
			    text, sizeof(text), ":%zu:%s", c->len, c->bytes);
		say(arg, text);
	}
}

static void
on_changed(void *arg, int64_t rows)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "changed %lld;", (long long)rows);
	say(arg, text);
}

static enum err_code
ask(struct fix *f, struct seen *s, const char *sql, bool write)
{
	const struct journal_sql o = {.write = write,
	    .restart = on_restart,
	    .begin = on_begin,
	    .row = on_row,
	    .changed = on_changed,
	    .arg = s};

	memset(s, 0, sizeof(*s));
	return journal_sql(f->j, sql, &o, &f->err);
}

static void
begin(struct fix *f)
{
	struct life l = {.id = 0};

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &l, "a");
}

static void
every_cell_keeps_its_type(void **state)
{
	struct fix *f = *state;
	struct seen s;

	begin(f);
	OK(ask(f, &s,
	    "SELECT 1 AS n, 1.5 AS r, 'x' AS t, x'4142' AS b, NULL AS z",
	    false));
	assert_string_equal(
	    s.text, "n,r,t,b,z|int:1,real:1.5,text:1:x,blob:2:AB,null");
	OK(ask(f, &s, "SELECT x'' AS e, '' AS f", false));
	assert_string_equal(s.text, "e,f|blob:0:,text:0:");
}

static void
statements_run_one_after_the_other(void **state)
{
	struct fix *f = *state;
	struct seen s;

	begin(f);
	OK(ask(f, &s, " ; -- nothing\n", false));
	assert_string_equal(s.text, "");
	OK(ask(f, &s, "SELECT 1 AS a; /* and */ SELECT ext FROM job;", false));
	assert_string_equal(s.text, "a|int:1ext|text:1:a");
	assert_int_equal(
	    ask(f, &s, "SELECT 1 AS a; SELECT x; SELECT 2", false), ERR_USAGE);
	SAYS("no such column: x");
	assert_string_equal(s.text, "a|int:1");
}

static void
reading_cannot_write(void **state)
{
	static const char *const all[] = {"DELETE FROM person",
	    "UPDATE job SET priority=1", "CREATE TABLE x(y)",
	    "PRAGMA user_version=99", "BEGIN IMMEDIATE"};
	struct fix *f = *state;
	struct seen s;

	begin(f);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_int_equal(ask(f, &s, all[i], false), ERR_USAGE);
		SAYS("--write");
	}
}

static void
a_transaction_of_the_reader_is_not_left_open(void **state)
{
	struct fix *f = *state;
	struct life l = {.id = 0};
	struct seen s;

	begin(f);
	OK(ask(f, &s, "BEGIN; SELECT count(*) AS n FROM job", false));
	assert_string_equal(s.text, "changed 0;n|int:1");
	life_add(f, &l, "b");
	OK(ask(f, &s, "SELECT count(*) AS n FROM job", false));
	assert_string_equal(s.text, "n|int:2");
}

static void
writing_is_whole_and_leaves_a_mark(void **state)
{
	struct fix *f = *state;
	struct seen s;

	begin(f);
	OK(ask(f, &s, "SELECT commits FROM head", false));
	assert_string_equal(s.text, "commits|int:1");
	OK(ask(f, &s,
	    "UPDATE job SET priority=7; SELECT priority AS p FROM job", true));
	assert_string_equal(s.text, "changed 1;p|int:7");
	assert_int_equal(s.restarts, 1);
	OK(ask(f, &s, "SELECT commits FROM head", false));
	assert_string_equal(s.text, "commits|int:2");
	OK(open_journal(f, JOURNAL_MUST_EXIST)); /* the mark agrees */
	OK(ask(f, &s, "SELECT priority AS p FROM job", false));
	assert_string_equal(s.text, "p|int:7");
}

static void
writing_that_fails_leaves_nothing_and_no_transaction(void **state)
{
	static const char *const bad[] = {"SELEC", "UPDATE job SET state=77",
	    "DELETE FROM event", "INSERT INTO head SELECT * FROM head", "BEGIN",
	    "COMMIT", "ROLLBACK", "SAVEPOINT x", "RELEASE member", "VACUUM"};
	struct fix *f = *state;
	struct seen s;

	begin(f);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *sql = mem_printf("UPDATE job SET priority=9; %s", bad[i]);

		assert_int_equal(ask(f, &s, sql, true), ERR_USAGE);
		OK(ask(f, &s, "SELECT priority AS p FROM job", false));
		assert_string_equal(s.text, "p|int:0");
		mem_free(&sql);
	}
	OK(ask(f, &s, "UPDATE job SET priority=1", true));
}

static void
what_counts_no_rows_is_written_too(void **state)
{
	struct fix *f = *state;
	struct seen s;

	begin(f);
	OK(ask(f, &s, "CREATE TABLE note(x)", true));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(ask(f, &s, "SELECT count(*) AS n FROM note", false));
	assert_string_equal(s.text, "n|int:0");
}

static void
too_much_is_refused_unread(void **state)
{
	struct fix *f = *state;
	char *sql = mem_zalloc(JOURNAL_SQL_MAX + 2, 1);
	struct seen s;

	begin(f);
	memset(sql, ' ', JOURNAL_SQL_MAX + 1);
	assert_int_equal(ask(f, &s, sql, false), ERR_USAGE);
	sql[JOURNAL_SQL_MAX] = '\0';
	OK(ask(f, &s, sql, false));
	mem_free(&sql);

	struct buf wide = BUF_INIT(4096);

	buf_puts(&wide, "SELECT 0");
	for (int i = 1; i < 65; i++)
		buf_printf(&wide, ",%d", i);
	assert_int_equal(ask(f, &s, buf_text(&wide), false), ERR_USAGE);
	SAYS("65 columns");
	buf_free(&wide);
}

static void
a_prompt_knows_when_a_statement_ends(void **state)
{
	(void)state;
	assert_false(journal_sql_complete("SELECT 1"));
	assert_true(journal_sql_complete("SELECT 1;"));
	assert_false(journal_sql_complete("SELECT ';"));
	assert_true(strncmp(journal_sqlite_version(), "3.", 2) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {T(every_cell_keeps_its_type),
	    T(statements_run_one_after_the_other), T(reading_cannot_write),
	    T(a_transaction_of_the_reader_is_not_left_open),
	    T(writing_is_whole_and_leaves_a_mark),
	    T(writing_that_fails_leaves_nothing_and_no_transaction),
	    T(what_counts_no_rows_is_written_too),
	    T(too_much_is_refused_unread),
	    T(a_prompt_knows_when_a_statement_ends)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
