#include <sys/stat.h>

#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"

#include "journal/journal_priv.h"

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

/* A journal of three jobs, closed. */
static void
populate(struct fix *f)
{
	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock archive");
	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	add(f, "b");
	add(f, "c");
	journal_close(&f->j);
}

static void
refused(struct fix *f, enum err_code code, const char *says)
{
	enum err_code got = open_journal(f, JOURNAL_MUST_EXIST);

	if (got != code)
		fail_msg("%s, not %s: %s", err_name(got), err_name(code),
		    f->err.text);
	SAYS(says);
	assert_null(f->j);
}

/* --- where a journal may lie -----------------------------------------------
 */

static void
only_create_makes_a_journal_and_all_is_private(void **state)
{
	static const char *const rooms[] = {
	    "recordings", "out", "sim", "spool", "rejects", "archive", "logs"};
	struct fix *f = *state;

	refused(f, ERR_CONFIG, "no journal at /tmp/dsrun-journal-");
	SAYS("dsrun init --dir");
	assert_false(there(f, "journal.lock"));
	(void)snprintf(f->dir + strlen(f->dir), 5, "/new");
	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
		assert_true(there(f, rooms[i]));
	/* -wal and -shm too. */
	shell(f, "test -z \"$(find . -perm /077)\"");
	shell(f, "test -e journal.db-wal");
	journal_close(&f->j);
	f->dir[strlen(f->dir) - 4] = '\0';
}

static uint64_t told_magic;

static enum err_code
told_space(
    struct env *env, const char *path, struct env_space *out, struct err *err)
{
	(void)env;
	(void)path;
	(void)err;
	*out =
	    (struct env_space){.free_bytes = 1 << 30, .fs_magic = told_magic};
	return ERR_NONE;
}

/* f_type of statfs(2), from linux/magic.h and the file systems' sources. */
static const struct {
	uint64_t magic;
	const char *name; /* NULL: allowed */
} places[] = {
    {0x6969, "NFS"}, {0x517b, "SMB"}, {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"}, {0x01021997, "9P"}, {0x65735546, "FUSE"},
    {0x6a656a63, "virtiofs"}, {0x00c36400, "Ceph"}, {0x5346414f, "AFS"},
    {0x6b414653, "AFS"}, {0x0bd00bd0, "Lustre"}, {0xef53, NULL}, /* ext4 */
    {0x58465342, NULL},                                          /* XFS */
    {0x9123683e, NULL},                                          /* btrfs */
    {0x01021994, NULL},                                          /* tmpfs */
    {0x794c7630, NULL},                                          /* overlayfs */
    {0x2fc12fc1, NULL},                                          /* ZFS */
};

static void
a_place_that_is_not_ours_or_not_local_is_refused(void **state)
{
	struct fix *f = *state;
	const struct env_ops *ops = f->env->ops;
	struct env_ops other = *ops;

	populate(f);
	f->env->uid++;
	refused(f, ERR_CONFIG, "run dsrun as its owner");
	f->env->uid--;
	other.space = told_space;
	f->env->ops = &other;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char says[32];

		told_magic = places[i].magic;
		if (places[i].name == NULL) {
			OK(open_journal(f, JOURNAL_MUST_EXIST));
			continue;
		}
		journal_close(&f->j);
		(void)snprintf(
		    says, sizeof(says), "lies on %s,", places[i].name);
		refused(f, ERR_CONFIG, says);
		SAYS("use a local disk");
		assert_int_equal(open_journal(f, JOURNAL_CREATE), ERR_CONFIG);
	}
	f->env->ops = ops;
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

static void
what_is_no_journal_of_ours_is_refused(void **state)
{
	struct fix *f = *state;
	char set[64];
	int64_t ours;

	populate(f);
	ours = number_on(f, "journal.db", "PRAGMA user_version");
	sql_on(f, "journal.db", "PRAGMA user_version=99");
	refused(f, ERR_CONFIG, "has schema 99");
	SAYS("use the newer dsrun");
	(void)snprintf(
	    set, sizeof(set), "PRAGMA user_version=%lld", (long long)ours);
	sql_on(f, "journal.db", set);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	journal_close(&f->j);
	sql_on(f, "journal.db", "PRAGMA application_id=7");
	refused(f, ERR_CONFIG, "not a journal of dsrun");
	shell(f, "rm -f journal.db-*; seq 5000 > journal.db");
	refused(f, ERR_DAMAGED, "not a database");
}

static void
what_another_program_made_is_refused(void **state)
{
	struct fix *f = *state;
	struct journal_options o = {
	    .env = f->env, .mode = JOURNAL_MUST_EXIST, .build_ms = 1000};
	char *file = mem_printf("%s/journal.db", f->dir);

	populate(f);
	journal_close(&f->j);
	shell(f, "rm journal.db*");
	sql_on(f, "journal.db", "CREATE TABLE x(y)");
	shell(f, "chmod 600 journal.db");
	refused(f, ERR_CONFIG, "not a journal of dsrun");
	/* a file where its directory should be */
	o.dir = file;
	assert_int_equal(journal_open(&o, &f->j, &f->err), ERR_IO);
	SAYS("journal.db");
	mem_free(&file);
}

static void
a_mark_without_a_journal_is_no_place_to_begin(void **state)
{
	struct fix *f = *state;

	populate(f);
	shell(f, "rm journal.db*");
	assert_int_equal(open_journal(f, JOURNAL_CREATE), ERR_DAMAGED);
	SAYS("commit 3 was written here");
	assert_false(there(f, "journal.db"));
	shell(f, "rm *.lock");
	OK(open_journal(f, JOURNAL_CREATE));
}

static void
an_empty_file_where_a_journal_was_is_damage(void **state)
{
	struct fix *f = *state;

	populate(f);
	shell(f, "cp journal.db good.db; rm -f journal.db-*; : > journal.db");
	refused(f, ERR_DAMAGED, "is empty, but commit 3 was written here");
	SAYS("dsrun restore FILE");
	shell(f, "cat good.db > journal.db");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

static void
the_ballast_lies_ready(void **state)
{
	struct fix *f = *state;
	struct journal_options o = {.env = f->env,
	    .dir = f->dir,
	    .mode = JOURNAL_CREATE,
	    .build_ms = 1000,
	    .ballast_bytes = 1 << 20};

	OK(journal_open(&o, &f->j, &f->err));
	shell(f, "test $(stat -c %s ballast) = 1048576");
}

/* --- lock files ------------------------------------------------------------
 */

static void
other_lock_files_are_refused_and_nothing_is_made(void **state)
{
	static const struct {
		const char *command, *says;
	} losses[] = {
	    {"rm journal.lock", "journal.lock is missing"},
	    {"rm owners.lock", "owners.lock is missing"},
	    {": > journal.lock", "journal.lock is empty"},
	    {": > owners.lock", "owners.lock is empty"},
	    {"head -c 9 owners.lock > o; cat o > owners.lock; rm o",
		"owners.lock is empty"},
	    /* made anew under its old inode */
	    {"head -c 16 /dev/urandom > o; cat o > owners.lock; rm o",
		"not the ones it was made with"},
	    {"head -c 16 /dev/urandom | dd of=journal.lock conv=notrunc "
	     "status=none",
		"not the ones it was made with"},
	    /* copied: same id, other inode */
	    {"cp owners.lock o; mv o owners.lock",
		"not the ones it was made with"},
	    {"cp journal.lock o; mv o journal.lock",
		"not the ones it was made with"},
	};

	for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
		struct fix *f = *state;

		populate(f);
		shell(f, losses[i].command);
		shell(f, "ls -li *.lock > before");
		refused(f, ERR_DAMAGED, losses[i].says);
		SAYS("adopt");
		assert_int_equal(open_journal(f, JOURNAL_CREATE), ERR_DAMAGED);
		shell(f, "ls -li *.lock | cmp - before");
	}
}

static struct meeting meeting;

static int
hold_exclusively(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    env_unlock(f->env, f->j->owners, OWNERS_USERS, &f->err) !=
		ERR_NONE ||
	    journal_users_lock(f->j, true, &f->err) != ERR_NONE)
		return 1;
	meeting_say(&meeting);
	(void)pause();
	return 0;
}

static void
who_has_it_alone_is_named(void **state)
{
	struct fix *f = *state;
	char text[48];
	pid_t pid;

	populate(f);
	meeting_open(&meeting);
	pid = child_start(f, hold_exclusively);
	meeting_wait(&meeting);
	(void)snprintf(text, sizeof(text), "rebuilt by pid %d", (int)pid);
	refused(f, ERR_BUSY, text);
	killed(pid);
	meeting_close(&meeting);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

/* --- going back in time ----------------------------------------------------
 */

static void
what_went_back_in_time_is_refused(void **state)
{
	static const char *const ways[] = {
	    /* over it, in place or by a new file; -wal lost */
	    "rm -f journal.db-*; cat old.db > journal.db",
	    "rm -f journal.db-*; cp old.db new.db; mv new.db journal.db",
	    "rm journal.db-wal",
	};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct fix *f = *state;

		populate(f);
		shell(f, "cp journal.db old.db");
		OK(open_journal(f, JOURNAL_MUST_EXIST));
		add(f, "d");
		/* As if killed: no checkpoint. */
		f->j->broken = true;
		journal_close(&f->j);
		shell(f, "test -s journal.db-wal");
		shell(f, ways[i]);
		refused(
		    f, ERR_DAMAGED, "went back in time: it ends at commit 3");
		SAYS("commit 4, event 4 was written here");
	}
}

static void
forge_mark(struct fix *f, void (*change)(struct journal_mark *m))
{
	struct journal_lock l;

	OK(journal_lock_open(&l, f->env, f->dir, false, &f->err));
	OK(journal_lock_take(&l, 0, &f->err));
	OK(journal_mark_read(&l, &f->err));
	change(&l.mark);
	OK(journal_mark_write(&l, &f->err));
	journal_lock_close(&l);
}

static void
other_hash(struct journal_mark *m)
{
	m->hash[5] ^= 1;
}

static void
other_journal(struct journal_mark *m)
{
	m->journal[5] ^= 1;
}

static void
other_incarnation(struct journal_mark *m)
{
	m->incarnation[5] ^= 1;
}

static void
older(struct journal_mark *m)
{
	m->commits = 1;
	m->seq = 0;
}

static void
another_history_at_the_mark_is_refused(void **state)
{
	struct fix *f = *state;

	populate(f);
	forge_mark(f, other_hash);
	refused(f, ERR_DAMAGED, "went back in time");
	populate(f);
	forge_mark(f, other_journal);
	refused(f, ERR_DAMAGED, "went back in time");
	populate(f);
	forge_mark(f, other_incarnation);
	refused(f, ERR_DAMAGED, "went back in time");
	/* It may only be older. */
	populate(f);
	forge_mark(f, older);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

/* A power cut took the newest mark back, and somebody the -wal: what is left
 * agrees with the older mark, and does not know of the calls. */
static void
after_a_power_cut(struct journal_mark *m)
{
	older(m);
	memset(m->boot, 7, sizeof(m->boot));
}

static void
a_wal_removed_before_the_first_start_of_a_boot_is_missed(void **state)
{
	struct fix *f = *state;

	populate(f);
	forge_mark(f, after_a_power_cut);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	journal_close(&f->j);
	forge_mark(f, after_a_power_cut);
	shell(f, "mv journal.db-wal aside");
	for (int i = 0; i < 2; i++)
		refused(f, ERR_DAMAGED, "journal.db-wal is missing");
	shell(f, "mv aside journal.db-wal");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

/* Restored or rebuilt, opened once, and the power went before a commit. */
static void
placed(struct journal_mark *m)
{
	after_a_power_cut(m);
	m->flags |= MARK_PLACED;
}

static void
a_file_put_in_place_may_have_no_wal_until_its_name_is_kept(void **state)
{
	struct fix *f = *state;

	populate(f);
	forge_mark(f, placed);
	shell(f, "rm journal.db-wal");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(f->j->lock.mark.flags & MARK_PLACED, 0);
	journal_close(&f->j);
	forge_mark(f, after_a_power_cut);
	shell(f, "rm journal.db-wal");
	refused(f, ERR_DAMAGED, "journal.db-wal is missing");
}

static void
a_lost_mark_is_refused_but_not_that_of_the_first_group(void **state)
{
	struct fix *f = *state;

	populate(f);
	shell(f, "truncate -s 16 journal.lock");
	refused(f, ERR_DAMAGED, "has lost its mark");
	shell(f, "rm -rf journal.* owners.lock");
	OK(open_journal(f, JOURNAL_CREATE));
	add(f, "a");
	journal_close(&f->j);
	shell(f, "truncate -s 16 journal.lock");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	add(f, "b");
}

/* --- what is proved at a start ---------------------------------------------
 */

static void
an_altered_event_is_named(void **state)
{
	struct fix *f = *state;
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_whole(f, &l, "a");
	journal_close(&f->j);
	shell(f, "cp journal.db good.db");
	sql_on(f, "journal.db",
	    "DROP TRIGGER event_no_update; UPDATE event "
	    "SET at_ms=at_ms+1 WHERE seq=3");
	refused(f, ERR_DAMAGED, "event 3 was altered");
	shell(f, "cat good.db > journal.db");
	sql_on(f, "journal.db",
	    "DROP TRIGGER event_no_update; UPDATE event "
	    "SET n=99999999999 WHERE seq=3");
	refused(f, ERR_DAMAGED, "event 3 was altered");
}

static void
a_missing_event_is_named(void **state)
{
	struct fix *f = *state;
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_whole(f, &l, "a");
	journal_close(&f->j);
	shell(f, "cp journal.db good.db");
	sql_on(f, "journal.db",
	    "DROP TRIGGER event_no_delete; DELETE FROM event WHERE seq=3");
	refused(f, ERR_DAMAGED, "event 3 is missing");
	SAYS("dsrun restore FILE");
	shell(f, "cat good.db > journal.db");
	sql_on(f, "journal.db",
	    "DROP TRIGGER event_no_delete; DELETE FROM event WHERE seq="
	    "(SELECT max(seq) FROM event)");
	refused(f, ERR_DAMAGED, "is missing");
	shell(f, "cat good.db > journal.db");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

static void
after_a_power_cut_the_pages_are_read(void **state)
{
	struct fix *f = *state;
	char *cmd;
	int64_t page;

	populate(f);
	page = number_on(f, "journal.db",
	    "SELECT rootpage FROM sqlite_master WHERE name='attention'");
	cmd = mem_printf("head -c 4096 /dev/urandom | dd of=journal.db bs=4096 "
			 "seek=%lld conv=notrunc status=none",
	    (long long)page - 1);
	shell(f, cmd);
	mem_free(&cmd);
	/* A clean end, or this boot: not looked at. */
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	journal_close(&f->j);
	sql_on(f, "journal.db",
	    "INSERT INTO owner(boot,pid,started_ms,command) "
	    "VALUES(zeroblob(16),1,1,'drain')");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	journal_close(&f->j);
	sql_on(f, "journal.db", "UPDATE head SET boot=zeroblob(16)");
	refused(f, ERR_DAMAGED, "see `dsrun check`");
}

static void
what_cannot_be_looked_at_is_not_missing(void **state)
{
	struct fix *f = *state;

	journal_close(&f->j);
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "journal.db" : "journal.swap";

		shell(f, "rm -rf *");
		shell(f, i == 0 ? "ln -s journal.db journal.db"
				: "ln -s journal.swap journal.swap");
		refused(f, ERR_IO, name);
		assert_int_equal(open_journal(f, JOURNAL_CREATE), ERR_IO);
		SAYS(name);
		/* Nothing was put in its place. */
		shell(f, i == 0 ? "test -L journal.db -a ! -e owners.lock"
				: "test -L journal.swap -a ! -e owners.lock");
	}
}

/* --- creating --------------------------------------------------------------
 */

static void
nothing_there(struct fix *f)
{
	journal_close(&f->j);
	shell(f, "rm -rf *");
}

static int
create_and_add(struct fix *f)
{
	if (open_journal(f, JOURNAL_CREATE) != ERR_NONE)
		return 1;
	add(f, "a");
	return 0;
}

static void
created_look(struct fix *f)
{
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	assert_true(jobs(f) <= 1);
	life_add(f, &l, "a");
	life_add(f, &l, "b");
	assert_int_equal(jobs(f), 2);
}

static void
who_dies_while_creating_leaves_room_for_the_next(void **state)
{
	assert_in_range(
	    die_everywhere(*state, nothing_there, create_and_add, created_look),
	    12, 100);
}

static int
create_together(struct fix *f)
{
	struct life l = {0};
	char ext[24];
	char c;

	/* Until the parent closes its end. */
	(void)close(meeting.fd[1]);
	if (read(meeting.fd[0], &c, 1) != 0)
		return 9;
	if (open_journal(f, JOURNAL_CREATE) != ERR_NONE) {
		(void)fprintf(stderr, "%s\n", f->err.text);
		return 1;
	}
	(void)snprintf(ext, sizeof(ext), "of-%d", (int)getpid());
	l.phone = "+15125550100";
	life_add(f, &l, ext);
	return 0;
}

static void
all_who_create_at_once_share_one_journal(void **state)
{
	struct fix *f = *state;
	pid_t pid[4];

	for (int round = 0; round < 5; round++) {
		nothing_there(f);
		meeting_open(&meeting);
		for (size_t i = 0; i < ARRAY_LEN(pid); i++)
			pid[i] = child_start(f, create_together);
		meeting_close(&meeting);
		for (size_t i = 0; i < ARRAY_LEN(pid); i++)
			assert_int_equal(child_end(pid[i]), 0);
		OK(open_journal(f, JOURNAL_MUST_EXIST));
		assert_int_equal(jobs(f), ARRAY_LEN(pid));
	}
}

/* --- after a disk error ----------------------------------------------------
 */

static void
disk_error(struct journal_mark *m)
{
	m->flags |= MARK_IO_ERROR;
}

static void
error_prepare(struct fix *f)
{
	populate(f);
	/* With rows that lie in the -wal alone. */
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	add(f, "d");
	f->j->broken = true;
	journal_close(&f->j);
	forge_mark(f, disk_error);
}

static int
just_open(struct fix *f)
{
	return open_journal(f, JOURNAL_MUST_EXIST) == ERR_NONE ? 0 : 1;
}

static void
rebuilt_look(struct fix *f)
{
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(f->j->lock.mark.flags, 0);
	assert_int_equal(jobs(f), 4);
	assert_false(there(f, "journal.swap"));
	assert_false(there(f, "journal.old"));
	add(f, "e");
	shell(f, "test -z \"$(find . -name 'journal*' -perm /077)\"");
}

static void
after_a_disk_error_the_next_start_rebuilds_whole(void **state)
{
	struct fix *f = *state;
	struct stat before, after;
	char path[128];

	error_prepare(f);
	(void)snprintf(path, sizeof(path), "%s/journal.db", f->dir);
	assert_int_equal(stat(path, &before), 0);
	rebuilt_look(f);
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_true(
	    die_everywhere(f, error_prepare, just_open, rebuilt_look) >= 10);
}

static void
a_rebuild_that_cannot_read_changes_nothing(void **state)
{
	struct fix *f = *state;
	int64_t page;
	char *cmd;

	populate(f);
	forge_mark(f, disk_error);
	page = number_on(f, "journal.db",
	    "SELECT rootpage FROM sqlite_master WHERE name='event'");
	cmd = mem_printf("head -c 4096 /dev/urandom | dd of=journal.db bs=4096 "
			 "seek=%lld conv=notrunc status=none; sha256sum "
			 "journal.db > sum",
	    (long long)page - 1);
	shell(f, cmd);
	mem_free(&cmd);
	refused(f, ERR_DAMAGED, "malformed");
	shell(f, "sha256sum --quiet -c sum");
	refused(f, ERR_DAMAGED, "malformed");
}

static void
break_page_of(struct fix *f, const char *name)
{
	char *sql = mem_printf(
	    "SELECT rootpage FROM sqlite_master WHERE name='%s'", name);
	char *cmd = mem_printf("head -c 4096 /dev/urandom | dd of=journal.db "
			       "bs=4096 seek=%lld conv=notrunc status=none",
	    (long long)number_on(f, "journal.db", sql) - 1);

	shell(f, cmd);
	mem_free(&cmd);
	mem_free(&sql);
}

static void
a_writer_that_meets_a_broken_page_is_the_last(void **state)
{
	struct fix *f = *state;
	struct life l = {
	    .tx = {.run = life_add_run}, .ext = "d", .phone = "+15125550104"};

	populate(f);
	break_page_of(f, "person");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(journal_now(f->j, &l.tx, &f->err), ERR_DAMAGED);
	SAYS("journal.db is damaged");
	assert_int_equal(journal_now(f->j, &l.tx, &f->err), ERR_DAMAGED);
	SAYS("nothing more is written");
	refused(f, ERR_DAMAGED, "the journal cannot be rebuilt");
	SAYS("dsrun restore FILE");
	assert_false(there(f, "journal.swap"));
}

static void
a_rebuild_that_would_hide_a_loss_is_refused(void **state)
{
	struct fix *f = *state;

	populate(f);
	sql_on(f, "journal.db", "DELETE FROM job WHERE ext='b'");
	forge_mark(f, disk_error);
	shell(f, "sha256sum journal.db > sum");
	refused(f, ERR_DAMAGED, "does not hold what it should");
	SAYS("dsrun restore FILE");
	shell(f, "sha256sum --quiet -c sum && test ! -e journal.swap");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(only_create_makes_a_journal_and_all_is_private),
	    T(a_place_that_is_not_ours_or_not_local_is_refused),
	    T(what_is_no_journal_of_ours_is_refused),
	    T(what_another_program_made_is_refused),
	    T(a_mark_without_a_journal_is_no_place_to_begin),
	    T(an_empty_file_where_a_journal_was_is_damage),
	    T(the_ballast_lies_ready),
	    T(other_lock_files_are_refused_and_nothing_is_made),
	    T(who_has_it_alone_is_named),
	    T(what_went_back_in_time_is_refused),
	    T(another_history_at_the_mark_is_refused),
	    T(a_wal_removed_before_the_first_start_of_a_boot_is_missed),
	    T(a_file_put_in_place_may_have_no_wal_until_its_name_is_kept),
	    T(a_lost_mark_is_refused_but_not_that_of_the_first_group),
	    T(an_altered_event_is_named),
	    T(a_missing_event_is_named),
	    T(after_a_power_cut_the_pages_are_read),
	    T(who_dies_while_creating_leaves_room_for_the_next),
	    T(what_cannot_be_looked_at_is_not_missing),
	    T(all_who_create_at_once_share_one_journal),
	    T(after_a_disk_error_the_next_start_rebuilds_whole),
	    T(a_rebuild_that_cannot_read_changes_nothing),
	    T(a_writer_that_meets_a_broken_page_is_the_last),
	    T(a_rebuild_that_would_hide_a_loss_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
