#include "journal/journal_fault_test.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>

#include "journal/journal_archive.h"
#include "journal/journal_check.h"
#include "journal/journal_copy.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_prune.h"
#include "journal/journal_read.h"

/*
 * Whole deeds of a journal on a machine that fails: the n-th statement, call
 * of the disk or call of env fails, until the deed came to its end before.
 * Each time it ends with an error that says something, or as if nothing had
 * been; and with the faults gone the journal opens, checks, and has all that
 * was said to be there.
 */

#define FUTURE_MS INT64_C(9000000000000)

struct story {
	const char *name;
	/* Faults off; what lies there then is what each n begins with. */
	void (*prepare)(struct fix *f);
	bool is_open; /* the journal, before the act */
	enum err_code (*act)(struct fix *f);
	/* Faults off again; closes the journal. */
	void (*look)(struct fix *f, enum err_code code);
};

/* --- a directory as it was --------------------------------------------------
 */

static struct {
	struct {
		char *path;
		char *bytes;
		size_t len;
	} file[32];
	size_t count;
} kept;

static int
keep_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	char *bytes;
	int fd;

	(void)at;
	if (what != FTW_F)
		return 0;
	assert_true(kept.count < ARRAY_LEN(kept.file));
	bytes = mem_zalloc(1, (size_t)st->st_size + 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, bytes, (size_t)st->st_size), st->st_size);
	(void)close(fd);
	kept.file[kept.count].path = mem_strdup(path);
	kept.file[kept.count].bytes = bytes;
	kept.file[kept.count++].len = (size_t)st->st_size;
	return 0;
}

static int
drop_other(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st;
	(void)at;
	if (what != FTW_F)
		return 0;
	for (size_t i = 0; i < kept.count; i++)
		if (strcmp(kept.file[i].path, path) == 0)
			return 0;
	return unlink(path);
}

static void
keep(struct fix *f)
{
	for (size_t i = 0; i < kept.count; i++) {
		mem_free(&kept.file[i].path);
		mem_free(&kept.file[i].bytes);
	}
	kept.count = 0;
	assert_int_equal(nftw(f->dir, keep_one, 8, FTW_PHYS), 0);
}

/* The same files as at keep, in place: the journal knows its lock files by
 * their inodes. */
static void
as_kept(struct fix *f)
{
	assert_int_equal(nftw(f->dir, drop_other, 8, FTW_PHYS), 0);
	for (size_t i = 0; i < kept.count; i++) {
		int fd = open(kept.file[i].path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(
		    write(fd, kept.file[i].bytes, kept.file[i].len),
		    kept.file[i].len);
		(void)close(fd);
	}
}

static char *
in(struct fix *f, const char *name)
{
	return mem_printf("%s/%s", f->dir, name);
}

static void
must_pass(struct fix *f)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	OK(journal_check(f->j, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
}

static int64_t
jobs_in(struct fix *f, enum job_state state)
{
	struct journal_counts counts;

	OK(journal_read_counts(f->j, &counts, &f->err));
	return counts.jobs[state];
}

static void
nothing_lies_there(struct fix *f)
{
	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock archive recordings out sim "
		 "spool rejects logs ballast *.db");
}

static void
fresh(struct fix *f)
{
	nothing_lies_there(f);
	OK(open_journal(f, JOURNAL_CREATE));
}

/* --- the stories -----------------------------------------------------------
 */

static enum err_code
create(struct fix *f)
{
	struct journal_options o = {.env = f->env,
	    .dir = f->dir,
	    .mode = JOURNAL_CREATE,
	    .build_ms = 1000,
	    .ballast_bytes = 4096};

	return journal_open(&o, &f->j, &f->err);
}

static void
created(struct fix *f, enum err_code code)
{
	(void)code;
	OK(open_journal(f, JOURNAL_CREATE));
	must_pass(f);
	journal_close(&f->j);
}

static void
two_jobs_closed(struct fix *f)
{
	struct life a = {0}, b = {0};

	fresh(f);
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &a, "a");
	life_add(f, &b, "b");
	OK(journal_owner_close(f->j, &f->err));
	journal_close(&f->j);
}

static enum err_code
open_it(struct fix *f)
{
	return open_journal(f, JOURNAL_MUST_EXIST);
}

static void
opened(struct fix *f, enum err_code code)
{
	(void)code;
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
	assert_int_equal(jobs_in(f, JOB_DONE), 1);
	assert_int_equal(jobs_in(f, JOB_READY), 1);
	journal_close(&f->j);
}

/* The next start finds the mark of a disk error and rebuilds. */
static enum err_code
one_job(struct journal *j, void *arg, struct err *err)
{
	struct life *l = arg;

	l->phone = "+15125550199";
	return life_add_run(j, &l->tx, err);
}

static void
disk_error_seen(struct fix *f)
{
	struct life c = {.ext = "c"};
	long n = 0;

	two_jobs_closed(f);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	do {
		fault_arm(FAULT_DISK, ++n, EIO, true);
		(void)once(f, one_job, &c);
		assert_true(fault_disarm());
	} while (f->err.code != ERR_DAMAGED);
	journal_close(&f->j);
}

/* A life, step by step, as far as it goes. */
static struct {
	struct life l;
	int steps; /* that were said to be on disk */
} lived;

static bool
lives(struct fix *f, enum attempt_event e, enum job_event je)
{
	if (life_try(f, &lived.l, e, je) != ERR_NONE)
		return false;
	lived.steps++;
	return true;
}

static enum err_code
live(struct fix *f, int64_t checkpoint_bytes)
{
	struct journal_options o = {.env = f->env,
	    .dir = f->dir,
	    .mode = JOURNAL_MUST_EXIST,
	    .build_ms = 1000,
	    .checkpoint_bytes = checkpoint_bytes};
	struct life *l = &lived.l;

	memset(&lived, 0, sizeof(lived));
	l->phone = "+15125550100";
	l->ext = "x";
	l->tx = (struct journal_tx){.run = life_add_run};
	if (journal_open(&o, &f->j, &f->err) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", NULL, &f->err) != ERR_NONE ||
	    journal_now(f->j, &l->tx, &f->err) != ERR_NONE)
		return f->err.code;
	lived.steps = 1;
	l->tx = (struct journal_tx){.run = life_claim_run};
	l->claim =
	    (struct journal_claim){.want = 1, .visit = life_arm, .arg = l};
	if (journal_now(f->j, &l->tx, &f->err) != ERR_NONE)
		return f->err.code;
	lived.steps = 2;
	if (!lives(f, ATTEMPT_EV_PLACE, JOB_EV_NOTE) ||
	    !lives(f, ATTEMPT_EV_ANSWER, JOB_EV_NOTE))
		return f->err.code;
	l->attempt.outcome = l->job.outcome = JOB_OUTCOME_COMPLETED;
	if (!lives(f, ATTEMPT_EV_END, JOB_EV_FINISH) ||
	    once(f, outbox_all_done, NULL) != ERR_NONE)
		return f->err.code;
	lived.steps = 6;
	return journal_owner_close(f->j, &f->err);
}

static void
fresh_closed(struct fix *f)
{
	fresh(f);
	journal_close(&f->j);
}

static enum err_code
live_with_a_log(struct fix *f)
{
	return live(f, 0);
}

/* After each group the log is folded in. */
static enum err_code
live_without_a_log(struct fix *f)
{
	return live(f, 1);
}

static void
lived_so_far(struct fix *f, enum err_code code)
{
	int64_t events;

	if (code == ERR_NONE)
		assert_int_equal(lived.steps, 6);
	journal_close(&f->j);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
	/* What was said to be there is; one step more may be. */
	events = number_on(f, "journal.db", "SELECT count(*) FROM event");
	if (lived.steps == 6) {
		assert_int_equal(events, 5);
		assert_int_equal(number_on(f, "journal.db",
				     "SELECT count(*) FROM outbox WHERE "
				     "state=1"),
		    1);
	} else {
		assert_in_range(events, lived.steps, lived.steps + 1);
	}
	journal_close(&f->j);
}

/* One who dies with a job claimed, and one with a request on its way. */
static int
die_with_two(struct fix *f)
{
	struct life a = {.claim_only = true}, b = {0};

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", NULL, &f->err) != ERR_NONE ||
	    !life_claim(f, &a) || !life_claim(f, &b))
		return 1;
	cover_keep();
	(void)raise(SIGKILL);
	return 2;
}

static void
two_were_taken(struct fix *f)
{
	struct life a = {0}, b = {0};

	fresh(f);
	life_add(f, &a, "a");
	life_add(f, &b, "b");
	assert_true(WIFSIGNALED(child(f, die_with_two)));
}

static enum err_code
take_over(struct fix *f)
{
	struct journal_takeover t;
	enum err_code code;
	bool alive = false;

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", "w", &f->err) != ERR_NONE ||
	    journal_owner_say(f->j, "looking", &f->err) != ERR_NONE)
		return f->err.code;
	journal_takeover_init(&t);
	code = journal_now(f->j, &t.tx, &f->err);
	if (code == ERR_NONE) {
		assert_int_equal(t.owners, 1);
		assert_int_equal(t.count, 1);
	}
	journal_takeover_fini(f->j, &t);
	if (code == ERR_NONE)
		code = journal_owner_live(f->j, 1, &alive, &f->err);
	assert_false(alive);
	return code;
}

static void
all_are_taken_over(struct fix *f, enum err_code code)
{
	struct journal_takeover t;

	(void)code;
	journal_close(&f->j);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	journal_takeover_init(&t);
	OK(journal_now(f->j, &t.tx, &f->err));
	assert_int_equal(t.count, 1); /* in doubt, and ours */
	journal_takeover_fini(f->j, &t);
	assert_int_equal(jobs_in(f, JOB_READY), 1);
	assert_int_equal(jobs_in(f, JOB_HELD), 1);
	must_pass(f);
	journal_close(&f->j);
}

/* --- pruning --- */

static enum err_code
put_files(struct journal *j, void *arg, struct err *err)
{
	const struct life *l = arg;
	struct journal_artifact a = {.path = "a.ulaw", .bytes = 9};

	bool yes;

	if (journal_artifact_put(j, l->attempt.id, &a, err) != ERR_NONE ||
	    journal_inbox_put(j, "sim", "1", l->attempt.id,
		JOURNAL_MSG_EVIDENCE, "{}", &yes, err) != ERR_NONE ||
	    journal_inbox_put(j, "sim", "2", l->attempt.id,
		JOURNAL_MSG_EVIDENCE, "{}", &yes, err) != ERR_NONE ||
	    journal_inbox_fold_all(j, l->attempt.id, err) != ERR_NONE)
		return err->code;
	return outbox_all_done(j, NULL, err);
}

static void
one_is_over(struct fix *f)
{
	struct life a = {.org = "clinic"}, b = {0};

	fresh(f);
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &a, "a");
	OK(once(f, put_files, &a));
	life_add(f, &b, "b");
	OK(journal_owner_close(f->j, &f->err));
	journal_close(&f->j);
}

static enum err_code
prune(struct fix *f)
{
	struct journal_prune p = {.before_ms = FUTURE_MS};
	enum err_code code = journal_prune(f->j, &p, &f->err);

	if (code == ERR_NONE) {
		assert_int_equal(p.jobs, 1);
		assert_int_equal(p.file_count, 1);
		code = journal_prune_files_gone(f->j, &p, &f->err);
	}
	journal_prune_fini(&p);
	return code;
}

static void
pruned_or_not(struct fix *f, enum err_code code)
{
	struct journal_prune p = {.before_ms = FUTURE_MS};

	(void)code;
	journal_close(&f->j);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
	/* What was not done is done now, and nothing twice. */
	OK(journal_prune(f->j, &p, &f->err));
	OK(journal_prune_files_gone(f->j, &p, &f->err));
	journal_prune_fini(&p);
	must_pass(f);
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM archived"), 1);
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM event"), 1);
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM job"), 2);
	journal_close(&f->j);
}

static void
on_archive(void *arg, const char *name)
{
	if (text_starts(name, "pruned-"))
		(void)snprintf(arg, 64, "archive/%.40s", name);
}

static void
one_is_archived(struct fix *f)
{
	one_is_over(f);
	OK(open_it(f));
	OK(prune(f));
	journal_close(&f->j);
}

static enum err_code
verify_archive(struct fix *f)
{
	struct journal_archive a = {0};
	char *dir = in(f, "archive");
	char name[64] = "";
	enum err_code code =
	    env_list_dir(f->env, dir, on_archive, name, &f->err);
	char *path = in(f, name);

	if (code == ERR_NONE)
		code = journal_archive_verify(f->env, path, &a, &f->err);
	if (code == ERR_NONE)
		assert_int_equal(a.jobs, 1);
	mem_free(&path);
	mem_free(&dir);
	return code;
}

static void
archive_is_whole(struct fix *f, enum err_code code)
{
	(void)code;
	OK(verify_archive(f));
}

/* --- copies --- */

static enum err_code
back_up(struct fix *f)
{
	char *path = in(f, "copy.db");
	enum err_code code = journal_backup(f->j, path, &f->err);

	mem_free(&path);
	return code;
}

/* Pages that cannot be read are an answer too. */
static bool disk_fails;

static enum err_code
check_copy(struct fix *f)
{
	char *path = in(f, "copy.db");
	char text[ERR_TEXT_MAX];
	struct journal_check *c = NULL;
	enum err_code code =
	    journal_check_file(f->env, path, NULL, &c, &f->err);

	if (code == ERR_NONE && !c->ok &&
	    (!disk_fails || c->item[JOURNAL_CHECK_DATABASE].ok))
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
	mem_free(&path);
	return code;
}

/* Whole, or nothing that could be taken for one. */
static void
backed_up_or_not(struct fix *f, enum err_code code)
{
	if (code == ERR_NONE || there(f, "copy.db"))
		OK(check_copy(f));
	opened(f, code);
}

static void
a_copy_lies_there(struct fix *f)
{
	two_jobs_closed(f);
	OK(open_it(f));
	OK(back_up(f));
	journal_close(&f->j);
}

static void
copy_is_whole(struct fix *f, enum err_code code)
{
	(void)code;
	OK(check_copy(f));
}

static enum err_code
put_back(struct fix *f)
{
	char *path = in(f, "copy.db");
	struct journal_restore_options o = {.env = f->env,
	    .dir = f->dir,
	    .from = path,
	    .by = "ann",
	    .reason = "test",
	    .build_ms = 1000};
	enum err_code code = journal_restore(&o, &f->err);

	mem_free(&path);
	return code;
}

static enum err_code
adopt(struct fix *f)
{
	struct journal_restore_options o = {
	    .env = f->env, .dir = f->dir, .build_ms = 1000};

	return journal_restore(&o, &f->err);
}

/* A third job came since the copy. */
static void
older_copy(struct fix *f)
{
	struct life c = {0};

	a_copy_lies_there(f);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	life_add(f, &c, "c");
	journal_close(&f->j);
}

static void
old_or_new(struct fix *f, enum err_code code)
{
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
	if (code == ERR_NONE)
		assert_true(journal_is_fresh(f->j));
	assert_int_equal(jobs_in(f, JOB_READY), journal_is_fresh(f->j) ? 1 : 2);
	assert_int_equal(jobs_in(f, JOB_DONE), 1);
	journal_close(&f->j);
	/* And it can be repeated. */
	OK(put_back(f));
	opened(f, ERR_NONE);
}

static void
copy_alone(struct fix *f)
{
	a_copy_lies_there(f);
	shell(f, "rm -rf journal.* owners.lock archive");
}

static void
restored_or_not(struct fix *f, enum err_code code)
{
	if (code != ERR_NONE)
		OK(put_back(f));
	opened(f, code);
}

static void
lock_files_lost(struct fix *f)
{
	two_jobs_closed(f);
	shell(f, "rm journal.lock owners.lock");
}

static void
adopted_or_not(struct fix *f, enum err_code code)
{
	if (code != ERR_NONE)
		OK(adopt(f));
	opened(f, code);
}

/* --- the loop --------------------------------------------------------------
 */

static const struct story stories[] = {
    {"create", nothing_lies_there, false, create, created},
    {"open", two_jobs_closed, false, open_it, opened},
    {"rebuild", disk_error_seen, false, open_it, opened},
    {"live", fresh_closed, false, live_with_a_log, lived_so_far},
    {"fold in", fresh_closed, false, live_without_a_log, lived_so_far},
    {"take over", two_were_taken, false, take_over, all_are_taken_over},
    {"prune", one_is_over, true, prune, pruned_or_not},
    {"archive", one_is_archived, false, verify_archive, archive_is_whole},
    {"back up", two_jobs_closed, true, back_up, backed_up_or_not},
    {"check", a_copy_lies_there, false, check_copy, copy_is_whole},
    {"restore", older_copy, false, put_back, old_or_new},
    {"restore anew", copy_alone, false, put_back, restored_or_not},
    {"adopt", lock_files_lost, false, adopt, adopted_or_not},
};

static void
tell(struct fix *f, const struct story *s, enum fault_kind kind, int sys,
    bool repeat)
{
	/* Statements are few: in make cover each of them is visited. */
	bool few = kind == FAULT_STEP || kind == FAULT_PREPARE;
	long stride = few ? 1 + fault_stride() / 6 : fault_stride();
	bool hit = true;

	s->prepare(f);
	journal_close(&f->j);
	keep(f);
	for (long n = 1 + fault_first() % stride; hit; n += stride) {
		enum err_code code;

		as_kept(f);
		if (s->is_open)
			OK(open_it(f));
		memset(&f->err, 0, sizeof(f->err));
		disk_fails = kind == FAULT_DISK;
		fault_arm(kind, n, sys, repeat);
		code = s->act(f);
		hit = fault_disarm();
		disk_fails = false;
		if (code != ERR_NONE && f->err.text[0] == '\0')
			fail_msg("%s, %ld: no text", s->name, n);
		if (!hit && code != ERR_NONE)
			fail_msg("%s: %s", s->name, f->err.text);
		journal_close(&f->j);
		s->look(f, code);
	}
}

static void
everywhere(struct fix *f, enum fault_kind kind, int sys, bool repeat)
{
	fault_install(f->env);
	for (size_t i = 0; i < ARRAY_LEN(stories); i++)
		tell(f, &stories[i], kind, sys, repeat);
}

static void
a_statement_that_is_interrupted_loses_nothing(void **state)
{
	everywhere(*state, FAULT_STEP, EIO, false);
}

static void
a_statement_that_cannot_be_compiled_loses_nothing(void **state)
{
	everywhere(*state, FAULT_PREPARE, EIO, false);
}

static void
a_disk_that_fails_once_loses_nothing(void **state)
{
	everywhere(*state, FAULT_DISK, EIO, false);
}

static void
a_disk_that_is_full_from_then_on_loses_nothing(void **state)
{
	everywhere(*state, FAULT_DISK, ENOSPC, true);
}

static void
a_kernel_that_fails_once_loses_nothing(void **state)
{
	everywhere(*state, FAULT_ENV, EMFILE, false);
}

static void
a_kernel_without_room_from_then_on_loses_nothing(void **state)
{
	everywhere(*state, FAULT_ENV, ENOSPC, true);
}

/* --- what was found --------------------------------------------------------
 */

static void
a_disk_error_in_the_first_group_of_all_is_mended(void **state)
{
	struct fix *f = *state;
	struct life a = {.ext = "a"};
	long n = 0;

	fault_install(f->env);
	do {
		fresh(f);
		fault_arm(FAULT_DISK, ++n, EIO, true);
		(void)once(f, one_job, &a);
		assert_true(fault_disarm());
	} while (f->err.code != ERR_DAMAGED);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
	OK(once(f, one_job, &a));
	/* A power cut takes both slots of the mark: the anchor is left. */
	a.ext = "b";
	OK(once(f, one_job, &a));
	journal_close(&f->j);
	shell(f, "dd if=/dev/zero of=journal.lock bs=512 seek=1 count=2 "
		 "conv=notrunc status=none");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

/* The one look that fails in an exchange is not taken for "all is done". */
static void
a_look_that_fails_does_not_end_an_exchange(void **state)
{
	struct fix *f = *state;
	bool hit = true;

	fault_install(f->env);
	older_copy(f);
	keep(f);
	for (long n = 1; hit; n++) {
		enum err_code code;

		as_kept(f);
		fault_arm(FAULT_ENV, n, EIO, false);
		code = put_back(f);
		hit = fault_disarm();
		old_or_new(f, code);
	}
}

/* Room comes back while a live attempt waits for it. */
static int pauses;

static void
room_again(struct env *env, int64_t us)
{
	(void)env;
	(void)us;
	if (++pauses == 3)
		(void)fault_disarm();
}

static enum err_code
one_step(struct journal *j, struct journal_tx *tx, struct err *err)
{
	(void)tx;
	return journal_dial_put(j, 15125550177, pauses + 1, 257, err);
}

static void
a_live_step_waits_for_room_and_a_claim_does_not(void **state)
{
	struct fix *f = *state;
	struct journal_tx tx = {.run = one_step, .cls = JOURNAL_LIVE};
	struct env_ops ops;

	fault_install(f->env);
	ops = *f->env->ops;
	ops.pause = room_again;
	f->env->ops = &ops;
	OK(create(f));
	assert_true(there(f, "ballast"));
	pauses = 0;
	fault_arm(FAULT_DISK, 1, ENOSPC, true);
	tx.cls = JOURNAL_CLAIM;
	assert_int_equal(journal_now(f->j, &tx, &f->err), ERR_SPACE);
	assert_true(there(f, "ballast"));
	tx.cls = JOURNAL_LIVE;
	OK(journal_now(f->j, &tx, &f->err));
	assert_int_equal(pauses, 3);
	/* its room was given first */
	assert_false(there(f, "ballast"));
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM dial"), 1);
	f->env->ops = fault.env;
}

/* It has our mark and nothing else: no schema makes a journal of it. */
static void
a_database_of_ours_without_a_head_is_refused(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	journal_close(&f->j);
	shell(f, "rm journal.db*");
	sql_on(f, "journal.db",
	    "PRAGMA application_id=0x44535231; PRAGMA journal_mode=WAL;"
	    "CREATE TABLE x(y)");
	shell(f, "chmod 600 journal.db*");
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
	SAYS("head is empty");
	/* what it was before lies in the archive */
	shell(f, "test -e archive/before-schema-*.db");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_statement_that_is_interrupted_loses_nothing),
	    T(a_statement_that_cannot_be_compiled_loses_nothing),
	    T(a_disk_that_fails_once_loses_nothing),
	    T(a_disk_that_is_full_from_then_on_loses_nothing),
	    T(a_kernel_that_fails_once_loses_nothing),
	    T(a_kernel_without_room_from_then_on_loses_nothing),
	    T(a_disk_error_in_the_first_group_of_all_is_mended),
	    T(a_look_that_fails_does_not_end_an_exchange),
	    T(a_live_step_waits_for_room_and_a_claim_does_not),
	    T(a_database_of_ours_without_a_head_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
