#include "journal/journal_fix_test.h"

#include "journal/journal_priv.h"

#define SLOT(n) (512 + 512 * (int64_t)(n))

static void
open_lock(struct fix *f, struct journal_lock *l)
{
	OK(journal_lock_open(l, f->env, f->dir, true, &f->err));
}

static void
write_mark(struct fix *f, struct journal_lock *l, int64_t commits)
{
	OK(journal_lock_take(l, 1000, &f->err));
	OK(journal_mark_read(l, &f->err));
	l->mark.commits = commits;
	l->mark.seq = commits * 10;
	l->mark.pid = getpid();
	memset(l->mark.hash, (int)commits, sizeof(l->mark.hash));
	OK(journal_mark_write(l, &f->err));
	journal_lock_give(l);
}

static int64_t
read_commits(struct fix *f, struct journal_lock *l)
{
	memset(&l->mark, 0xee, sizeof(l->mark));
	OK(journal_mark_read(l, &f->err));
	return l->mark.commits;
}

/* --- the mark --------------------------------------------------------------
 */

static void
the_mark_is_what_was_written_last(void **state)
{
	struct fix *f = *state;
	struct journal_lock a, b;

	open_lock(f, &a);
	assert_int_equal(read_commits(f, &a), 0);
	assert_int_equal(a.mark.stamp, 0);
	for (int64_t i = 1; i <= 5; i++) {
		write_mark(f, &a, i);
		open_lock(f, &b);
		assert_int_equal(read_commits(f, &b), i);
		assert_int_equal(b.mark.seq, i * 10);
		assert_int_equal(b.mark.stamp, i);
		assert_int_equal(b.mark.pid, getpid());
		assert_memory_equal(
		    b.mark.hash, a.mark.hash, sizeof(a.mark.hash));
		journal_lock_close(&b);
	}
	journal_lock_close(&a);
}

static void
spoil(struct fix *f, struct journal_lock *l, int64_t at)
{
	uint8_t byte = 0;
	size_t got = 0;

	OK(env_pread(f->env, l->file, &byte, 1, at, &got, &f->err));
	byte ^= 0x40;
	OK(env_pwrite(f->env, l->file, &byte, 1, at, &f->err));
}

static void
a_torn_slot_is_as_if_it_had_not_been_written(void **state)
{
	/* magic, stamp, commits, hash, flags, CRC */
	static const int64_t places[] = {0, 8, 40, 60, 112, 504};
	struct fix *f = *state;
	struct journal_lock l;

	open_lock(f, &l);
	write_mark(f, &l, 1);
	write_mark(f, &l, 2); /* stamp 2: the even slot */
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		spoil(f, &l, SLOT(0) + places[i]);
		assert_int_equal(read_commits(f, &l), 1);
		spoil(f, &l, SLOT(0) + places[i]);
		assert_int_equal(read_commits(f, &l), 2);
	}
	/* The next write goes where the torn one was. */
	spoil(f, &l, SLOT(0) + 40);
	write_mark(f, &l, 3);
	assert_int_equal(read_commits(f, &l), 3);
	assert_int_equal(l.mark.stamp, 2);
	journal_lock_close(&l);
}

static void
when_both_slots_are_spoiled_the_anchor_is_left(void **state)
{
	struct fix *f = *state;
	struct journal_lock l;

	/* The first mark of all is anchored by itself. */
	open_lock(f, &l);
	write_mark(f, &l, 1);
	for (int64_t i = 2; i <= 5; i++)
		write_mark(f, &l, i);
	spoil(f, &l, SLOT(0) + 40);
	spoil(f, &l, SLOT(1) + 40);
	assert_int_equal(read_commits(f, &l), 1);
	/* An anchor moves only when it is told to. */
	write_mark(f, &l, 7);
	OK(journal_lock_take(&l, 1000, &f->err));
	OK(journal_mark_read(&l, &f->err));
	OK(journal_mark_anchor(&l, &f->err));
	journal_lock_give(&l);
	write_mark(f, &l, 8);
	write_mark(f, &l, 9);
	assert_int_equal(read_commits(f, &l), 9);
	spoil(f, &l, SLOT(0) + 40);
	spoil(f, &l, SLOT(1) + 40);
	assert_int_equal(read_commits(f, &l), 7);
	spoil(f, &l, SLOT(2) + 40);
	assert_int_equal(read_commits(f, &l), 0);
	assert_int_equal(l.mark.stamp, 0);
	journal_lock_close(&l);
}

/* Whoever wrote the first mark died before its anchor was on the disk. */
static void
an_anchor_that_is_missing_is_made_by_the_next(void **state)
{
	struct fix *f = *state;
	struct journal_lock l;

	open_lock(f, &l);
	write_mark(f, &l, 1);
	spoil(f, &l, SLOT(2) + 40);
	assert_int_equal(read_commits(f, &l), 1);
	write_mark(f, &l, 2);
	write_mark(f, &l, 3);
	spoil(f, &l, SLOT(0) + 40);
	spoil(f, &l, SLOT(1) + 40);
	assert_int_equal(read_commits(f, &l), 2);
	journal_lock_close(&l);
}

static void
a_file_cut_short_has_the_slots_that_are_whole(void **state)
{
	struct fix *f = *state;
	struct journal_lock l;

	open_lock(f, &l);
	write_mark(f, &l, 1); /* stamp 1: the odd slot, the second */
	write_mark(f, &l, 2);
	OK(env_truncate(f->env, l.file, SLOT(1) + 100, &f->err));
	assert_int_equal(read_commits(f, &l), 2);
	OK(env_truncate(f->env, l.file, SLOT(0) + 506, &f->err));
	assert_int_equal(read_commits(f, &l), 0);
	journal_lock_close(&l);
}

/* --- the lock --------------------------------------------------------------
 */

static void
the_lock_is_one_at_a_time_also_within_a_process(void **state)
{
	struct fix *f = *state;
	struct journal_lock a, b;

	open_lock(f, &a);
	open_lock(f, &b);
	OK(journal_lock_take(&a, 0, &f->err));
	assert_int_equal(journal_lock_take(&b, 0, &f->err), ERR_BUSY);
	assert_false(b.held);
	journal_lock_give(&a);
	journal_lock_give(&a); /* repeatable */
	OK(journal_lock_take(&b, 0, &f->err));
	journal_lock_close(&b); /* the kernel gives it back */
	OK(journal_lock_take(&a, 0, &f->err));
	journal_lock_close(&a);
}

static struct meeting meeting;

static int
take_and_stay(struct fix *f)
{
	struct journal_lock l;

	open_lock(f, &l);
	write_mark(f, &l, 7);
	OK(journal_lock_take(&l, 1000, &f->err));
	meeting_say(&meeting);
	(void)pause();
	return 0;
}

static void
who_waits_too_long_is_told_who_had_it(void **state)
{
	struct fix *f = *state;
	struct journal_lock l;
	char text[32];
	int64_t from;
	pid_t pid;

	meeting_open(&meeting);
	pid = child_start(f, take_and_stay);
	meeting_wait(&meeting);
	open_lock(f, &l);
	from = env_real_boot_ms(f->env);
	assert_int_equal(journal_lock_take(&l, 200, &f->err), ERR_BUSY);
	assert_in_range(env_real_boot_ms(f->env) - from, 200, 2000);
	(void)snprintf(text, sizeof(text), "process %d", (int)pid);
	SAYS(text);
	/* The turnstile was given back: who comes next is not shut out. */
	killed(pid);
	OK(journal_lock_take(&l, 0, &f->err));
	journal_lock_close(&l);
	meeting_close(&meeting);
}

static int
busy_committer(struct fix *f)
{
	struct journal_lock l;

	open_lock(f, &l);
	for (int64_t i = 1;; i++) {
		OK(journal_lock_take(&l, 10000, &f->err));
		if (i == 10)
			meeting_say(&meeting);
		env_pause(f->env, 1000); /* as long as a commit */
		journal_lock_give(&l);
	}
	return 0;
}

static void
a_busy_committer_does_not_starve_a_poller(void **state)
{
	struct fix *f = *state;
	struct journal_lock l;
	pid_t pid;

	meeting_open(&meeting);
	pid = child_start(f, busy_committer);
	meeting_wait(&meeting);
	open_lock(f, &l);
	for (int i = 0; i < 20; i++) {
		OK(journal_lock_take(&l, 2000, &f->err));
		journal_lock_give(&l);
	}
	killed(pid);
	journal_lock_close(&l);
	meeting_close(&meeting);
}

static void
a_missing_lock_file_is_damage(void **state)
{
	struct fix *f = *state;
	struct journal_lock l;

	assert_int_equal(
	    journal_lock_open(&l, f->env, f->dir, false, &f->err), ERR_DAMAGED);
	SAYS("adopt");
	journal_lock_close(&l);
	assert_false(there(f, "journal.lock"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_mark_is_what_was_written_last),
	    T(a_torn_slot_is_as_if_it_had_not_been_written),
	    T(when_both_slots_are_spoiled_the_anchor_is_left),
	    T(an_anchor_that_is_missing_is_made_by_the_next),
	    T(a_file_cut_short_has_the_slots_that_are_whole),
	    T(the_lock_is_one_at_a_time_also_within_a_process),
	    T(who_waits_too_long_is_told_who_had_it),
	    T(a_busy_committer_does_not_starve_a_poller),
	    T(a_missing_lock_file_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
