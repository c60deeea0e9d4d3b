#include "base/buf.h"

#include "journal/journal_check.h"
#include "journal/journal_fault_test.h"
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
    [5] = "ALTER TABLE person DROP COLUMN sum",
};

#define BEFORE "archive/before-schema-5.db"

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

/* --- a disk that fails meanwhile --- */

static bool
is_flagged(struct fix *f)
{
	struct journal_lock l;
	bool flagged;

	OK(journal_lock_open(&l, f->env, f->dir, false, &f->err));
	OK(journal_mark_read(&l, &f->err));
	flagged = (l.mark.flags & MARK_IO_ERROR) != 0;
	journal_lock_close(&l);
	return flagged;
}

/*
 * At each of its calls in turn the disk breaks: how often it broke what `doing`
 * had written.  After that no page in memory may be believed, and the mark says
 * so to the next start.
 */
static int
broken_while(struct fix *f, void (*prepare)(struct fix *f), const char *doing)
{
	bool hit = true;
	int seen = 0;

	for (long n = 1; hit; n++) {
		prepare(f);
		fault_arm(FAULT_DISK, n, EIO, true);
		enum err_code code = open_journal(f, JOURNAL_MUST_EXIST);

		hit = fault_disarm();
		if (code == ERR_STORE && strstr(f->err.text, doing) != NULL) {
			seen++;
			if (!is_flagged(f))
				fail_msg("call %ld: %s", n, f->err.text);
		}
		journal_close(&f->j);
		OK(open_journal(f, JOURNAL_MUST_EXIST));
		is_whole(f, 1);
		assert_false(is_flagged(f));
	}
	return seen;
}

static void
a_disk_that_breaks_in_a_migration_is_told_to_the_next_start(void **state)
{
	fault_install(((struct fix *)*state)->env);
	assert_true(broken_while(*state, old_prepare, "COMMIT") >= 2);
}

/* As a copy that was put in place is. */
static void
rollback_prepare(struct fix *f)
{
	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock archive");
	OK(open_journal(f, JOURNAL_CREATE));
	lived(f, "a");
	journal_close(&f->j);
	sql_on(f, "journal.db", "PRAGMA journal_mode=DELETE");
}

static void
a_disk_that_breaks_in_the_change_to_wal_is_told_to_the_next_start(void **state)
{
	fault_install(((struct fix *)*state)->env);
	assert_true(
	    broken_while(*state, rollback_prepare, "journal_mode=WAL") >= 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_older_journal_is_migrated_and_a_copy_kept),
	    T(a_migration_waits_for_nobody_who_uses_it),
	    T(a_death_in_a_migration_is_mended_by_the_next_start),
	    T(a_disk_that_breaks_in_a_migration_is_told_to_the_next_start),
	    T(a_disk_that_breaks_in_the_change_to_wal_is_told_to_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
