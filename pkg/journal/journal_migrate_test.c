#include "base/buf.h"

#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"

#include "journal/journal_priv.h"

/*
 * A journal of an older program, opened by this one: every row is still there
 * and everything new works on it, a copy of it as it was lies in archive/, and
 * a death at any point of the way leaves one that the next start migrates.
 */

/* What each migration added, taken away again. */
static const char *const undo[] = {
    [2] = "ALTER TABLE outbox DROP COLUMN kept",
    [3] = "DROP TABLE lease",
    [4] = "DROP TABLE cache",
};

#define BEFORE "archive/before-schema-4.db"

/* By another connection, also while it is in use. */
static void
undone(struct fix *f, int version)
{
	struct buf sql = BUF_INIT(4096);

	assert_int_equal(ARRAY_LEN(undo), journal_schema_newest() + 1);
	for (int v = journal_schema_newest(); v > version; v--)
		buf_printf(&sql, "%s;", undo[v]);
	buf_printf(&sql, "PRAGMA user_version=%d", version);
	sql_on(f, "journal.db", buf_text(&sql));
	buf_free(&sql);
}

static void
older(struct fix *f, int version)
{
	journal_close(&f->j);
	undone(f, version);
}

/* A job, called and DONE. */
static void
lived(struct fix *f, const char *ext)
{
	struct life l = {0};

	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &l, ext);
	OK(journal_owner_close(f->j, &f->err));
}

static void
is_whole(struct fix *f, int64_t jobs)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	OK(journal_check(f->j, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	assert_int_equal(c->jobs, jobs);
	journal_check_free(&c);
}

static void
an_older_journal_is_migrated_and_a_copy_kept(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	lived(f, "a");
	older(f, 1);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	is_whole(f, 1);
	lived(f, "b");
	is_whole(f, 2);
	journal_close(&f->j);
	assert_int_equal(number_on(f, BEFORE, "PRAGMA user_version"), 1);
	assert_int_equal(number_on(f, BEFORE, "SELECT count(*) FROM job"), 1);
	shell(f, "rm -rf archive");
	/* The next start finds nothing to do. */
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_false(there(f, BEFORE));
	is_whole(f, 2);
}

static int
look_child(struct fix *f)
{
	return open_journal(f, JOURNAL_MUST_EXIST) == ERR_NONE ? 0 : 1;
}

static int
hold_child(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE)
		return 1;
	shell(f, "touch held; while [ -e held ]; do sleep 0.01; done");
	return 0;
}

static void
a_migration_waits_for_nobody_who_uses_it(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	lived(f, "a");
	journal_close(&f->j);
	pid_t pid = child_start(f, hold_child);

	shell(f, "while [ ! -e held ]; do sleep 0.01; done");
	undone(f, 1);
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_BUSY);
	SAYS("is in use by pid");
	assert_int_equal(number_on(f, "journal.db", "PRAGMA user_version"), 1);
	shell(f, "rm held");
	assert_int_equal(child_end(pid), 0);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	is_whole(f, 1);
}

static void
old_prepare(struct fix *f)
{
	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock archive");
	OK(open_journal(f, JOURNAL_CREATE));
	lived(f, "a");
	older(f, 1);
}

static void
old_look(struct fix *f)
{
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	is_whole(f, 1);
	assert_int_equal(number_on(f, "journal.db", "PRAGMA user_version"),
	    journal_schema_newest());
	assert_true(there(f, BEFORE));
}

static void
a_death_in_a_migration_is_mended_by_the_next_start(void **state)
{
	assert_true(
	    die_everywhere(*state, old_prepare, look_child, old_look) >= 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_older_journal_is_migrated_and_a_copy_kept),
	    T(a_migration_waits_for_nobody_who_uses_it),
	    T(a_death_in_a_migration_is_mended_by_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
