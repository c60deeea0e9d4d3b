#include <sys/stat.h>

#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/* The -wal grows ahead of what is written, and reads back as if it had not. */

static int64_t
size_of(struct fix *f, const char *name)
{
	char *path = mem_printf("%s/%s", f->dir, name);
	struct stat st = {0};

	assert_int_equal(stat(path, &st), 0);
	mem_free(&path);
	return st.st_size;
}

static enum err_code
deed_run(struct journal *j, void *arg, struct err *err)
{
	int64_t id = 0;

	(void)arg;
	return journal_deed(j, "test", "test", "a group of its own", &id, err);
}

static void
commits(struct fix *f, int n, int *grew)
{
	int64_t before = size_of(f, "journal.db-wal");

	*grew = 0;
	for (int i = 0; i < n; i++) {
		OK(once(f, deed_run, NULL));
		int64_t now = size_of(f, "journal.db-wal");

		*grew += now > before;
		before = now;
	}
}

static void
the_log_grows_a_few_times_for_many_commits(void **state)
{
	struct fix *f = *state;
	int grew = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, deed_run, NULL));
	commits(f, 400, &grew);
	assert_in_range(grew, 3, 12);
	/* At most as much again as is used, and as the checkpoint allows. */
	int64_t used = 32 + f->j->wal_pages * INT64_C(4120);

	assert_in_range(size_of(f, "journal.db-wal"), used, 2 * used);
	commits(f, 400, &grew);
	assert_in_range(grew, 0, 4);
}

static void
above_the_checkpoint_it_does_not_grow(void **state)
{
	struct fix *f = *state;
	int grew = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	f->j->checkpoint_bytes = 200000;
	commits(f, 200, &grew);
	assert_in_range(size_of(f, "journal.db-wal"), 200000, 500000);
	commits(f, 200, &grew);
	assert_int_equal(grew, 0);
}

/* As after a power cut: nothing but the files, and no -shm. */
static void
what_is_behind_the_frames_is_no_frame(void **state)
{
	struct fix *f = *state;
	struct journal_db copy = {0};
	int64_t want = 0, got = 0, room = 0;
	char *path = mem_printf("%s/copy.db", f->dir);

	OK(open_journal(f, JOURNAL_CREATE));
	for (int i = 0; i < 60; i++) {
		OK(once(f, deed_run, NULL));
		room += size_of(f, "journal.db-wal") >
			32 + f->j->wal_pages * INT64_C(4120);
		if (i % 7 != 0)
			continue;
		shell(f, "cp journal.db copy.db && cp journal.db-wal "
			 "copy.db-wal && rm -f copy.db-shm");
		OK(journal_db_open(
		    &copy, f->env, path, SQLITE_OPEN_READWRITE, &f->err));
		OK(journal_db_number(&copy,
		    "SELECT commits FROM head WHERE EXISTS(SELECT 1 FROM "
		    "pragma_quick_check WHERE quick_check='ok')",
		    &got, &f->err));
		OK(journal_db_number(
		    &f->j->r, "SELECT commits FROM head", &want, &f->err));
		assert_int_equal(got, want);
		journal_db_close(&copy);
	}
	assert_in_range(room, 50, 60);
	mem_free(&path);
}

static void
a_closed_journal_leaves_no_log(void **state)
{
	struct fix *f = *state;
	int grew = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	commits(f, 50, &grew);
	journal_close(&f->j);
	assert_int_equal(size_of(f, "journal.db-wal"), 0);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	commits(f, 50, &grew);
	assert_int_not_equal(grew, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_log_grows_a_few_times_for_many_commits),
	    T(above_the_checkpoint_it_does_not_grow),
	    T(what_is_behind_the_frames_is_no_frame),
	    T(a_closed_journal_leaves_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
