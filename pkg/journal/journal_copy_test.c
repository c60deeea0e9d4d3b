#include "journal/journal_copy.h"

#include <sys/stat.h>

#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

static char *
in(struct fix *f, const char *name)
{
	return mem_printf("%s/%s", f->dir, name);
}

static enum err_code
backup(struct fix *f, const char *name)
{
	char *path = in(f, name);
	enum err_code code = journal_backup(f->j, path, &f->err);

	mem_free(&path);
	return code;
}

static enum err_code
restore(struct fix *f, const char *name)
{
	char *path = name != NULL ? in(f, name) : NULL;
	struct journal_restore_options o = {.env = f->env,
	    .dir = f->dir,
	    .from = path,
	    .by = "ann",
	    .reason = "test",
	    .build_ms = 1000};
	enum err_code code;

	journal_close(&f->j);
	code = journal_restore(&o, &f->err);
	mem_free(&path);
	return code;
}

#define adopt(f) restore((f), NULL)

static void
must_pass(struct fix *f, const char *name)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];
	char *path = in(f, name);

	OK(journal_check_file(f->env, path, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg(
		    "%s: %s", name, journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
	mem_free(&path);
}

static int64_t
jobs(struct fix *f)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];
	int64_t n;

	OK(journal_check(f->j, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	n = c->jobs;
	journal_check_free(&c);
	return n;
}

static void
add(struct fix *f, const char *ext)
{
	struct life l = {0};

	life_add(f, &l, ext);
}

static unsigned
mode_of(struct fix *f, const char *name)
{
	char *path = in(f, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	mem_free(&path);
	return st.st_mode & 0777;
}

/* --- backup ----------------------------------------------------------------
 */

static void
a_backup_is_whole_private_and_one_file(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	assert_int_equal(mode_of(f, "journal.db"), 0600);
	OK(backup(f, "copy.db"));
	assert_int_equal(mode_of(f, "copy.db"), 0600);
	must_pass(f, "copy.db");
	assert_int_equal(
	    number_on(f, "copy.db", "SELECT count(*) FROM job"), 1);
	shell(f, "test \"$(ls | grep -c copy)\" = 1");
	/* Bytes 18 and 19 of a file in WAL mode are 2. */
	shell(f, "test \"$(od -An -tu1 -j18 -N2 copy.db | tr -d ' ')\" = 11");
}

static void
a_backup_never_replaces_what_is_there(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	shell(f, "echo mine > copy.db");
	assert_int_equal(backup(f, "copy.db"), ERR_EXISTS);
	shell(f, "test \"$(cat copy.db)\" = mine");
	assert_int_equal(backup(f, "none/copy.db"), ERR_NOT_FOUND);
}

static int
add_for_ever(struct fix *f)
{
	char ext[24];

	for (int i = 0; i < 5000; i++) {
		struct life l = {.phone = "+15125550100"};

		if (f->j == NULL &&
		    open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE)
			return 1;
		(void)snprintf(ext, sizeof(ext), "job-%d", i);
		life_add(f, &l, ext);
	}
	return 0;
}

static void
a_backup_sees_one_moment_of_a_busy_journal(void **state)
{
	struct fix *f = *state;
	int64_t before = -1;
	char name[16];
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	pid = child_start(f, add_for_ever);
	for (int i = 0; i < 5; i++) {
		int64_t n;

		(void)snprintf(name, sizeof(name), "copy%d.db", i);
		OK(backup(f, name));
		must_pass(f, name);
		n = number_on(f, name, "SELECT count(*) FROM job");
		assert_true(n >= before);
		before = n;
	}
	killed(pid);
}

static void
a_backup_does_not_wait_for_the_write_lock(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(journal_lock_take(&f->j->lock, 0, &f->err));
	OK(backup(f, "copy.db"));
	journal_lock_give(&f->j->lock);
	must_pass(f, "copy.db");
}

static void
backup_prepare(struct fix *f)
{
	if (!there(f, "journal.db")) {
		OK(open_journal(f, JOURNAL_CREATE));
		add(f, "a");
	}
	shell(f, "rm -f copy.db*");
}

static int
backup_child(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE)
		return 1;
	return backup(f, "copy.db") == ERR_NONE ? 0 : 2;
}

static void
backup_look(struct fix *f)
{
	if (there(f, "copy.db"))
		must_pass(f, "copy.db");
	shell(f, "rm -f copy.db");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(backup(f, "copy.db"));
	must_pass(f, "copy.db");
}

static void
a_crash_leaves_no_half_backup(void **state)
{
	assert_true(die_everywhere(*state, backup_prepare, backup_child,
			backup_look) >= 4);
}

/* --- restore ---------------------------------------------------------------
 */

static void
a_restored_journal_is_the_backup_in_a_new_incarnation(void **state)
{
	struct fix *f = *state;
	uint8_t before[8];

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	add(f, "b");
	assert_false(journal_is_fresh(f->j));
	memcpy(before, f->j->head.incarnation, sizeof(before));
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
	assert_true(journal_is_fresh(f->j));
	assert_memory_not_equal(f->j->head.incarnation, before, sizeof(before));
	assert_true(journal_opened_ms(f->j) >= env_now_ms(f->env) - 60000);
	assert_int_equal(mode_of(f, "journal.db"), 0600);
	/* What was there is kept, whole. */
	shell(f, "mv archive/replaced-*.db old.db");
	must_pass(f, "old.db");
	assert_int_equal(number_on(f, "old.db", "SELECT count(*) FROM job"), 2);
	assert_int_equal(mode_of(f, "old.db"), 0600);
	/* It goes on, and over again. */
	add(f, "c");
	journal_close(&f->j);
	assert_int_equal(number_on(f, "journal.db",
			     "SELECT count(*) FROM deed WHERE what='restore' "
			     "AND by_name='ann' AND reason='test'"),
	    1);
	OK(restore(f, "copy.db"));
	OK(restore(f, "copy.db")); /* twice in one second */
	shell(f, "test $(ls archive | grep -c replaced) = 2");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
	assert_false(there(f, "journal.swap"));
}

static enum err_code
accept(struct journal *j, void *arg, struct err *err)
{
	(void)arg;
	return journal_incarnation_accept(j, "ann", "all calls are known", err);
}

static enum err_code
stop_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	bool yes = false;

	(void)tx;
	if (journal_dnc_put(j, 15125550101, 2, "ann", "", &yes, err) !=
		ERR_NONE ||
	    journal_pause(j, "spring", "ann", "", &yes, err) != ERR_NONE)
		return err->code;
	return journal_pause(j, NULL, "ann", "", &yes, err);
}

/* Who asked since the backup not to be called is not called. */
static void
a_restore_keeps_the_stops_of_what_it_replaces(void **state)
{
	struct fix *f = *state;
	struct journal_tx tx = {.run = stop_run};

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	OK(journal_now(f->j, &tx, &f->err));
	OK(restore(f, "copy.db"));
	must_pass(f, "journal.db");
	assert_int_equal(number_on(f, "journal.db",
			     "SELECT count(*) FROM dnc WHERE "
			     "number=15125550101 AND deed=(SELECT max(id) FROM "
			     "deed WHERE what='restore')"),
	    1);
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM pause"), 2);
	OK(restore(f, "copy.db"));
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM pause"), 2);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
}

static void
a_person_accepts_an_incarnation_once(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(backup(f, "copy.db"));
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(once(f, accept, NULL));
	assert_int_equal(once(f, accept, NULL), ERR_STATE);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_false(journal_is_fresh(f->j));
}

static void
a_backup_comes_to_life_in_an_empty_directory(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	journal_close(&f->j);
	shell(f, "mkdir box && mv copy.db box && rm -rf journal* owners*");
	(void)snprintf(f->dir + strlen(f->dir), 5, "/box");
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
	add(f, "b");
	journal_close(&f->j);
	f->dir[strlen(f->dir) - 4] = '\0';
}

static void
a_backup_that_is_none_changes_nothing(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	shell(f, "cp copy.db bad.db; cp copy.db newer.db; cp copy.db cut.db");
	sql_on(f, "bad.db",
	    "DROP TRIGGER event_no_update; UPDATE event SET "
	    "at_ms=1");
	sql_on(f, "newer.db", "PRAGMA user_version=99");
	sql_on(f, "other.db", "CREATE TABLE t(a)");
	shell(f, "truncate -s 20000 cut.db; echo no > text.db");
	add(f, "b");
	journal_close(&f->j);
	shell(f, "sha256sum journal.db journal.lock owners.lock > sums");
	assert_int_equal(restore(f, "bad.db"), ERR_DAMAGED);
	SAYS("nothing was changed");
	SAYS("bad.db");
	assert_int_equal(restore(f, "newer.db"), ERR_CONFIG);
	assert_int_equal(restore(f, "other.db"), ERR_CONFIG);
	assert_int_equal(restore(f, "cut.db"), ERR_DAMAGED);
	assert_int_equal(restore(f, "text.db"), ERR_DAMAGED);
	assert_int_equal(restore(f, "none.db"), ERR_NOT_FOUND);
	assert_int_equal(restore(f, "journal.db"), ERR_USAGE);
	shell(f, "sha256sum --quiet -c sums && test ! -e journal.swap");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 2);
	assert_false(journal_is_fresh(f->j));
}

static struct meeting meeting;

static int
hold_open(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE)
		return 1;
	meeting_say(&meeting);
	(void)pause();
	return 0;
}

static void
a_journal_in_use_is_not_replaced(void **state)
{
	struct fix *f = *state;
	char pid_text[32];
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(backup(f, "copy.db"));
	journal_close(&f->j);
	meeting_open(&meeting);
	pid = child_start(f, hold_open);
	meeting_wait(&meeting);
	(void)snprintf(pid_text, sizeof(pid_text), "pid %d", (int)pid);
	assert_int_equal(restore(f, "copy.db"), ERR_BUSY);
	SAYS(pid_text);
	assert_int_equal(adopt(f), ERR_BUSY);
	/* Also when its lock files were removed under it. */
	shell(f, "rm journal.lock owners.lock");
	assert_int_equal(restore(f, "copy.db"), ERR_BUSY);
	SAYS("is open in another process");
	assert_int_equal(adopt(f), ERR_BUSY);
	SAYS("is open in another process");
	assert_false(there(f, "journal.swap"));
	killed(pid);
	meeting_close(&meeting);
	OK(adopt(f));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

static void
what_cannot_be_read_is_set_aside_as_it_is(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(backup(f, "copy.db"));
	journal_close(&f->j);
	shell(f, "echo wreck > journal.db; echo wal > journal.db-wal");
	OK(restore(f, "copy.db"));
	shell(f, "grep -qx wreck archive/replaced-*.db && grep -qx wal "
		 "archive/replaced-*.db-wal && test ! -e journal.db-wal");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 0);
}

static void
set_flag(struct fix *f, uint32_t flag)
{
	OK(journal_lock_take(&f->j->lock, 0, &f->err));
	OK(journal_mark_read(&f->j->lock, &f->err));
	f->j->lock.mark.flags |= flag;
	OK(journal_mark_write(&f->j->lock, &f->err));
	journal_lock_give(&f->j->lock);
}

static void
a_restore_ends_a_disk_error(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	set_flag(f, MARK_IO_ERROR);
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(f->j->lock.mark.flags, 0);
	add(f, "b");
}

/* Job "a" is in the backup, "b" only in the journal. */
static void
restore_prepare(struct fix *f)
{
	shell(f, "rm -rf journal.* owners.lock copy.db archive");
	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	add(f, "b");
	add(f, "c");
}

static int
restore_child(struct fix *f)
{
	return restore(f, "copy.db") == ERR_NONE ? 0 : 1;
}

static void
restore_look(struct fix *f)
{
	int64_t n;

	/* Usable at once: the old one, or the new one whole. */
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	n = jobs(f);
	assert_true(n == 3 || n == 1);
	assert_true(journal_is_fresh(f->j) == (n == 1));
	add(f, "d");
	if (n == 1)
		shell(f, "ls archive/replaced-*.db > /dev/null");
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
}

static void
a_crash_in_a_restore_leaves_the_old_or_the_new(void **state)
{
	assert_true(die_everywhere(*state, restore_prepare, restore_child,
			restore_look) >= 15);
}

static void
wreck_prepare(struct fix *f)
{
	restore_prepare(f);
	journal_close(&f->j);
	shell(f, "rm -f journal.db-*; echo wreck > journal.db");
}

static void
wreck_look(struct fix *f)
{
	enum err_code code = open_journal(f, JOURNAL_MUST_EXIST);

	if (code == ERR_NONE)
		assert_int_equal(jobs(f), 1);
	else
		assert_int_equal(code, ERR_DAMAGED);
	shell(f, "grep -qxs wreck journal.db archive/replaced-*.db");
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
}

static void
a_crash_in_a_restore_over_a_wreck_loses_neither(void **state)
{
	assert_true(die_everywhere(*state, wreck_prepare, restore_child,
			wreck_look) >= 10);
}

static void
empty_prepare(struct fix *f)
{
	restore_prepare(f);
	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock archive");
}

static void
empty_look(struct fix *f)
{
	enum err_code code = open_journal(f, JOURNAL_CREATE);

	/* A place that waits for its restore is no place for a new one. */
	if (code == ERR_NONE && jobs(f) == 0)
		shell(f, "test ! -e journal.swap");
	OK(restore(f, "copy.db"));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
}

static void
a_crash_in_a_restore_to_nowhere_can_be_repeated(void **state)
{
	assert_true(die_everywhere(*state, empty_prepare, restore_child,
			empty_look) >= 10);
}

/* --- adopt -----------------------------------------------------------------
 */

static void
a_copied_directory_is_refused_until_adopted(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	journal_close(&f->j);
	shell(f, "mkdir box && cp -a journal.* owners.lock box/");
	(void)snprintf(f->dir + strlen(f->dir), 5, "/box");
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
	SAYS("dsrun adopt");
	OK(adopt(f));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
	assert_true(journal_is_fresh(f->j));
	add(f, "b");
	journal_close(&f->j);
	f->dir[strlen(f->dir) - 4] = '\0';
	/* The first one is none the wiser. */
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
}

/* What lies in f->dir, as a copy in box, which f->dir names from then on. */
static void
go_to_a_copy(struct fix *f)
{
	shell(f, "mkdir box && cp -a journal.* owners.lock box/");
	(void)snprintf(f->dir + strlen(f->dir), 5, "/box");
}

static void
go_back(struct fix *f)
{
	f->dir[strlen(f->dir) - 4] = '\0';
}

/* Both would call the same people: the other one asks no carrier first. */
static void
a_copy_of_a_journal_in_use_is_not_taken_over(void **state)
{
	struct fix *f = *state;
	int64_t pids[JOURNAL_PIDS_MAX];
	char said[32];
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "good.db"));
	journal_close(&f->j);
	meeting_open(&meeting);
	pid = child_start(f, hold_open);
	meeting_wait(&meeting);
	assert_int_equal(journal_users_of(f->env, f->dir, pids), 1);
	assert_int_equal(pids[0], pid);
	go_to_a_copy(f);
	shell(f, "cp ../good.db .");
	assert_int_equal(journal_users_of(f->env, f->dir, pids), 0);
	(void)snprintf(said, sizeof(said), "in use by pid %d:", (int)pid);
	assert_int_equal(adopt(f), ERR_BUSY);
	SAYS(said);
	assert_int_equal(restore(f, "good.db"), ERR_BUSY);
	SAYS(said);
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
	/* The one it came from is left alone, also without its lock files. */
	go_back(f);
	shell(f, "rm journal.lock owners.lock");
	assert_true(journal_is_user(f->env, f->dir, pid));
	assert_false(journal_is_user(f->env, f->dir, getpid()));
	assert_int_equal(adopt(f), ERR_BUSY);
	killed(pid);
	meeting_close(&meeting);
	assert_false(journal_is_user(f->env, f->dir, pid));
	(void)snprintf(f->dir + strlen(f->dir), 5, "/box");
	OK(adopt(f));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
	journal_close(&f->j);
	go_back(f);
}

static void
lost_and_empty_lock_files_are_made_again(void **state)
{
	static const char *const losses[] = {"rm journal.lock",
	    "rm owners.lock", "rm journal.lock owners.lock", ": > journal.lock",
	    ": > owners.lock",
	    ("cp owners.lock o; rm owners.lock; cp o owners.lock; echo 0123456789"
	     "abcdefg > owners.lock")};
	struct fix *f = *state;
	int64_t n = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
		char ext[8];

		(void)snprintf(ext, sizeof(ext), "%zu", i);
		add(f, ext);
		n++;
		journal_close(&f->j);
		shell(f, losses[i]);
		assert_int_equal(
		    open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
		assert_int_equal(open_journal(f, JOURNAL_CREATE), ERR_DAMAGED);
		OK(adopt(f));
		OK(open_journal(f, JOURNAL_MUST_EXIST));
		assert_int_equal(jobs(f), n);
	}
}

static void
a_journal_behind_its_mark_can_be_adopted(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	OK(backup(f, "copy.db"));
	add(f, "b");
	journal_close(&f->j);
	shell(f, "rm -f journal.db-*; cp copy.db journal.db");
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
	SAYS("went back in time");
	OK(adopt(f));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(jobs(f), 1);
	assert_true(journal_is_fresh(f->j));
	add(f, "c");
}

static void
what_cannot_be_proved_is_not_adopted(void **state)
{
	struct fix *f = *state;

	assert_int_equal(adopt(f), ERR_CONFIG);
	SAYS("nothing to adopt");
	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	journal_close(&f->j);
	sql_on(f, "journal.db", "UPDATE job SET state=3");
	shell(f, "rm journal.lock");
	assert_int_equal(adopt(f), ERR_DAMAGED);
	SAYS("job #1 is DONE, its events say READY");
	assert_false(there(f, "journal.swap"));
	sql_on(f, "journal.db", "UPDATE job SET state=1");
	OK(adopt(f));
}

static int
claim_and_die(struct fix *f)
{
	struct life l = {0};

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", NULL, &f->err) != ERR_NONE)
		return 1;
	if (!life_claim(f, &l))
		return 2;
	cover_keep();
	(void)raise(SIGKILL);
	return 3;
}

static void
the_attempts_of_the_old_life_are_taken_over(void **state)
{
	struct fix *f = *state;
	struct journal_takeover t;
	struct journal_attempt a;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	assert_true(WIFSIGNALED(child(f, claim_and_die)));
	shell(f, "rm journal.lock owners.lock");
	OK(adopt(f));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	journal_takeover_init(&t);
	OK(journal_now(f->j, &t.tx, &f->err));
	assert_int_equal(t.owners, 1);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.attempts[0], 257);
	journal_takeover_fini(f->j, &t);
	OK(journal_read_attempt(f->j, 257, &a, &f->err));
	assert_int_equal(a.state, ATTEMPT_UNKNOWN);
	assert_int_equal(a.owner, journal_owner(f->j));
	assert_int_equal(jobs(f), 1);
}

static int
adopt_stopped(struct fix *f)
{
	struct crash_at at = {"journal.restore.locked", 1, SIGSTOP};

	crash_hook(crash_now, &at);
	return adopt(f) == ERR_NONE ? 0 : 1;
}

static void
of_two_adopts_at_once_one_wins(void **state)
{
	struct fix *f = *state;
	uint8_t incarnation[8];
	int status = 0;
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	journal_close(&f->j);
	shell(f, "rm journal.lock owners.lock");
	pid = child_start(f, adopt_stopped);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(adopt(f), ERR_BUSY);
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_BUSY);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(child_end(pid), 0);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	memcpy(incarnation, f->j->head.incarnation, sizeof(incarnation));
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM deed"), 1);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_memory_equal(
	    incarnation, f->j->head.incarnation, sizeof(incarnation));
}

static void
adopt_prepare(struct fix *f)
{
	shell(f, "rm -rf journal.* owners.lock archive");
	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	add(f, "b");
	journal_close(&f->j);
	shell(f, "rm journal.lock owners.lock");
}

static int
adopt_child(struct fix *f)
{
	return adopt(f) == ERR_NONE ? 0 : 1;
}

static void
adopt_look(struct fix *f)
{
	enum err_code code = open_journal(f, JOURNAL_CREATE);

	if (code != ERR_NONE) {
		assert_int_equal(code, ERR_DAMAGED);
		OK(adopt(f));
		OK(open_journal(f, JOURNAL_MUST_EXIST));
	}
	assert_true(journal_is_fresh(f->j));
	assert_int_equal(jobs(f), 2);
	add(f, "c");
}

static void
a_crash_in_an_adopt_can_be_repeated(void **state)
{
	assert_true(die_everywhere(
			*state, adopt_prepare, adopt_child, adopt_look) >= 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_backup_is_whole_private_and_one_file),
	    T(a_backup_never_replaces_what_is_there),
	    T(a_backup_sees_one_moment_of_a_busy_journal),
	    T(a_backup_does_not_wait_for_the_write_lock),
	    T(a_crash_leaves_no_half_backup),
	    T(a_restored_journal_is_the_backup_in_a_new_incarnation),
	    T(a_restore_keeps_the_stops_of_what_it_replaces),
	    T(a_person_accepts_an_incarnation_once),
	    T(a_backup_comes_to_life_in_an_empty_directory),
	    T(a_backup_that_is_none_changes_nothing),
	    T(a_journal_in_use_is_not_replaced),
	    T(what_cannot_be_read_is_set_aside_as_it_is),
	    T(a_restore_ends_a_disk_error),
	    T(a_crash_in_a_restore_leaves_the_old_or_the_new),
	    T(a_crash_in_a_restore_over_a_wreck_loses_neither),
	    T(a_crash_in_a_restore_to_nowhere_can_be_repeated),
	    T(a_copied_directory_is_refused_until_adopted),
	    T(a_copy_of_a_journal_in_use_is_not_taken_over),
	    T(lost_and_empty_lock_files_are_made_again),
	    T(a_journal_behind_its_mark_can_be_adopted),
	    T(what_cannot_be_proved_is_not_adopted),
	    T(the_attempts_of_the_old_life_are_taken_over),
	    T(of_two_adopts_at_once_one_wins),
	    T(a_crash_in_an_adopt_can_be_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
