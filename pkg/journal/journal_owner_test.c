#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

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

static void
takeover(struct fix *f, struct journal_takeover *t)
{
	journal_takeover_init(t);
	OK(journal_now(f->j, &t->tx, &f->err));
}

static int64_t
takeover_owners(struct fix *f)
{
	struct journal_takeover t;
	int64_t owners;

	takeover(f, &t);
	owners = t.owners;
	journal_takeover_fini(f->j, &t);
	return owners;
}

static void
open_as_owner(struct fix *f)
{
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
}

/* --- one who dies in each state --------------------------------------------
 */

static enum attempt_state wanted;

static int
die_in_state(struct fix *f)
{
	static const enum attempt_event steps[] = {
	    [ATTEMPT_PLACED] = ATTEMPT_EV_PLACE,
	    [ATTEMPT_RINGING] = ATTEMPT_EV_RING,
	    [ATTEMPT_ANSWERED] = ATTEMPT_EV_ANSWER,
	    [ATTEMPT_UNKNOWN] = ATTEMPT_EV_DOUBT};
	struct life l = {.claim_only = wanted == ATTEMPT_CLAIMED};

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", NULL, &f->err) != ERR_NONE)
		return 1;
	/* Whatever lies there of the one before. */
	(void)takeover_owners(f);
	if (!life_claim(f, &l))
		return 2;
	l.attempt.settle_boot_ms = 77;
	l.attempt.lookups = 1;
	if (wanted > ATTEMPT_INTENT)
		life_step(f, &l, steps[wanted], JOB_EV_NOTE);
	cover_keep();
	(void)raise(SIGKILL);
	return 3;
}

static void
die(struct fix *f, enum attempt_state state)
{
	int status;

	wanted = state;
	status = child(f, die_in_state);
	if (!WIFSIGNALED(status))
		fail_msg("the child came to its end: %d", WEXITSTATUS(status));
}

static void
a_dead_owners_attempt_is_taken_over_in_every_state(void **state)
{
	static const struct {
		enum attempt_state died, becomes;
		enum job_state job;
	} rows[] = {{ATTEMPT_CLAIMED, ATTEMPT_NEW, JOB_READY},
	    {ATTEMPT_INTENT, ATTEMPT_UNKNOWN, JOB_HELD},
	    {ATTEMPT_PLACED, ATTEMPT_PLACED, JOB_HELD},
	    {ATTEMPT_RINGING, ATTEMPT_RINGING, JOB_HELD},
	    {ATTEMPT_ANSWERED, ATTEMPT_ANSWERED, JOB_HELD},
	    {ATTEMPT_UNKNOWN, ATTEMPT_UNKNOWN, JOB_HELD}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fix *f = *state;
		struct journal_takeover t;
		struct journal_attempt a;
		struct journal_job job;
		struct life l = {0};
		bool live = rows[i].becomes != ATTEMPT_NEW;

		journal_close(&f->j);
		shell(f, "rm -rf journal.* owners.lock");
		OK(open_journal(f, JOURNAL_CREATE));
		life_add(f, &l, "a");
		die(f, rows[i].died);
		open_as_owner(f);
		takeover(f, &t);
		assert_int_equal(t.owners, 1);
		assert_int_equal(t.count, live);
		if (live)
			assert_int_equal(t.attempts[0], 257);
		journal_takeover_fini(f->j, &t);
		OK(journal_read_attempt(f->j, 257, &a, &f->err));
		OK(journal_read_job(f->j, 1, &job, &f->err));
		assert_int_equal(a.state, rows[i].becomes);
		assert_int_equal(a.owner, live ? journal_owner(f->j) : 0);
		assert_int_equal(job.state, rows[i].job);
		if (live) { /* settle begins with us */
			assert_int_equal(a.settle_boot_ms, 0);
			assert_int_equal(a.lookups, 0);
			assert_int_equal(job.tries, 1);
		} else {
			assert_int_equal(job.reason, JOB_REASON_RELEASED);
			assert_int_equal(job.crashes, 1);
			assert_int_equal(job.tries, 0);
			assert_int_equal(a.number, 0);
		}
		must_pass(f);
		assert_int_equal(takeover_owners(f), 0);
	}
}

static void
three_deaths_with_a_job_in_hand_park_it(void **state)
{
	struct fix *f = *state;
	struct journal_job job;
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &l, "a");
	for (int64_t i = 1; i <= 3; i++) {
		die(f, ATTEMPT_CLAIMED);
		open_as_owner(f);
		assert_int_equal(takeover_owners(f), 1);
		OK(journal_read_job(f->j, 1, &job, &f->err));
		assert_int_equal(job.crashes, i);
		assert_int_equal(job.state, i < 3 ? JOB_READY : JOB_PARKED);
		OK(journal_owner_close(f->j, &f->err));
	}
	assert_int_equal(job.reason, JOB_REASON_CRASHES);
	assert_int_equal(job.tries, 0);
	must_pass(f);
}

static void
deaths_in_another_boot_do_not_count(void **state)
{
	struct fix *f = *state;
	struct journal_job job;
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &l, "a");
	for (int i = 0; i < 2; i++) {
		die(f, ATTEMPT_CLAIMED);
		open_as_owner(f);
		assert_int_equal(takeover_owners(f), 1);
		OK(journal_owner_close(f->j, &f->err));
	}
	die(f, ATTEMPT_CLAIMED);
	f->env->boot_id[3] ^= 0x55;
	open_as_owner(f);
	assert_int_equal(takeover_owners(f), 1);
	OK(journal_read_job(f->j, 1, &job, &f->err));
	assert_int_equal(job.crashes, 1);
	assert_int_equal(job.state, JOB_READY);
	must_pass(f);
}

/* --- who is alive ----------------------------------------------------------
 */

static struct meeting meeting;

static int
claim_and_stop(struct fix *f)
{
	struct life l = {0};

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", "w1", &f->err) != ERR_NONE)
		return 1;
	if (!life_claim(f, &l))
		return 2;
	meeting_say(&meeting);
	(void)raise(SIGSTOP);
	life_finish(f, &l);
	return journal_owner_close(f->j, &f->err) == ERR_NONE ? 0 : 3;
}

static void
saw_owner(void *arg, const struct journal_owner_row *o)
{
	struct journal_owner_row *out = arg;

	if (strcmp(o->worker, "w1") == 0)
		*out = *o;
}

static void
a_stopped_owner_is_alive(void **state)
{
	struct fix *f = *state;
	struct journal_owner_row row = {0};
	struct life l = {0};
	bool alive = false;
	int status = 0;
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &l, "a");
	journal_close(&f->j);
	meeting_open(&meeting);
	pid = child_start(f, claim_and_stop);
	meeting_wait(&meeting);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	open_as_owner(f);
	assert_int_equal(takeover_owners(f), 0);
	OK(journal_owner_live(f->j, 1, &alive, &f->err));
	assert_true(alive);
	assert_true(journal_owner_is_pid(f->j, 1, pid));
	assert_false(journal_owner_is_pid(f->j, 1, getpid()));
	OK(journal_read_owners(f->j, true, saw_owner, &row, &f->err));
	assert_true(row.alive);
	assert_int_equal(row.pid, pid);
	/* It goes on where it was: nobody took anything from it. */
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(child_end(pid), 0);
	meeting_close(&meeting);
	OK(journal_owner_live(f->j, 1, &alive, &f->err));
	assert_false(alive);
	assert_int_equal(takeover_owners(f), 0); /* it closed its row */
	must_pass(f);
}

static void
a_stopped_owner_that_is_killed_is_dead(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	int status = 0;
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &l, "a");
	journal_close(&f->j);
	meeting_open(&meeting);
	pid = child_start(f, claim_and_stop);
	meeting_wait(&meeting);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	killed(pid);
	meeting_close(&meeting);
	open_as_owner(f);
	assert_int_equal(takeover_owners(f), 1);
	must_pass(f);
}

static void
we_are_alive_and_never_take_over_ourselves(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	bool alive = false;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_add(f, &l, "a");
	assert_true(life_claim(f, &l));
	assert_int_equal(takeover_owners(f), 0);
	OK(journal_owner_live(f->j, journal_owner(f->j), &alive, &f->err));
	assert_true(alive);
	life_finish(f, &l);
	OK(journal_owner_close(f->j, &f->err));
	OK(journal_owner_close(f->j, &f->err)); /* repeatable */
	assert_int_equal(journal_owner(f->j), 0);
	must_pass(f);
}

struct beside {
	struct journal_tx tx;
	bool fails;
	int64_t row;
};

static enum err_code
beside_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct beside *b = CONTAINER_OF(tx, struct beside, tx);

	if (journal_run_begin(j, "drain", &b->row, err) != ERR_NONE)
		return err->code;
	if (b->fails)
		return err_set(err, ERR_STATE, 0, "not now");
	return ERR_NONE;
}

static void
what_begins_with_an_owner_is_in_its_commit(void **state)
{
	struct fix *f = *state;
	struct beside b = {.tx = {.run = beside_run, .cls = JOURNAL_CLAIM}};
	int64_t commits;

	OK(open_journal(f, JOURNAL_CREATE));
	commits = f->j->head.commits;
	OK(journal_owner_open_with(f->j, "drain", NULL, &b.tx, &f->err));
	assert_true(b.row > 0);
	assert_true(journal_owner(f->j) != 0);
	assert_int_equal(f->j->head.commits, commits + 1);
	OK(journal_owner_close_with(f->j, &b.tx, &f->err));
	assert_int_equal(f->j->head.commits, commits + 2);
	assert_int_equal(journal_owner(f->j), 0);

	/* It leaves nothing of its own, and an owner there is all the same. */
	b.fails = true;
	int64_t row = b.row;

	assert_int_equal(
	    journal_owner_open_with(f->j, "drain", NULL, &b.tx, &f->err),
	    ERR_STATE);
	assert_string_equal(f->err.text, "not now");
	assert_true(journal_owner(f->j) != 0);
	OK(journal_owner_close(f->j, &f->err));
	b.fails = false;
	OK(journal_owner_open_with(f->j, "drain", NULL, &b.tx, &f->err));
	assert_int_equal(b.row, row + 1);
	OK(journal_owner_close(f->j, &f->err));
	must_pass(f);
}

/* Asked as another process would ask, at the first moment at which the row is
 * there for others. */
static bool seen_alive;

static void
ask_at_commit(void *arg, const char *name)
{
	struct fix *f = arg;
	char *path = mem_printf("%s/owners.lock", f->dir);
	struct env_file *probe = NULL;
	struct err err = {0};

	if (strcmp(name, "journal.group.committed") == 0 &&
	    env_open(f->env, path, ENV_READ | ENV_WRITE, &probe, &err) ==
		ERR_NONE)
		seen_alive = env_lock(f->env, probe, 1, true, &err) == ERR_BUSY;
	env_close(f->env, &probe);
	mem_free(&path);
}

static void
an_owner_is_alive_from_the_moment_its_row_is_there(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	seen_alive = false;
	crash_hook(ask_at_commit, f);
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	crash_hook(NULL, NULL);
	assert_int_equal(journal_owner(f->j), 1);
	assert_true(seen_alive);
}

static int
refuse_commit(void *arg)
{
	(void)arg;
	return 1;
}

static int
open_owner_child(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", NULL, &f->err) != ERR_NONE)
		return 1;
	return journal_owner(f->j) == 1 ? 0 : 2;
}

static void
an_owner_that_could_not_open_gives_its_number_back(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	(void)sqlite3_commit_hook(f->j->w.h, refuse_commit, NULL);
	assert_int_not_equal(
	    journal_owner_open(f->j, "drain", NULL, &f->err), ERR_NONE);
	assert_int_equal(journal_owner(f->j), 0);
	(void)sqlite3_commit_hook(f->j->w.h, NULL, NULL);
	/* While we still have the file open. */
	assert_int_equal(child_end(child_start(f, open_owner_child)), 0);
}

/* --- dying while taking over -----------------------------------------------
 */

static void
dead_owner_there(struct fix *f)
{
	struct life a = {0};

	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock");
	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &a, "a");
	die(f, ATTEMPT_INTENT);
}

static int
take_over_child(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "drain", NULL, &f->err) != ERR_NONE)
		return 1;
	if (takeover_owners(f) != 1)
		return 2;
	return 0;
}

static void
taken_look(struct fix *f)
{
	struct journal_takeover t;
	struct journal_attempt a;

	open_as_owner(f);
	takeover(f, &t);
	/* The dead one, or the one who took over from it, or both rows. */
	assert_in_range(t.owners, 1, 2);
	assert_int_equal(t.count, 1);
	journal_takeover_fini(f->j, &t);
	OK(journal_read_attempt(f->j, 257, &a, &f->err));
	assert_int_equal(a.state, ATTEMPT_UNKNOWN);
	assert_int_equal(a.owner, journal_owner(f->j));
	assert_int_equal(takeover_owners(f), 0);
	must_pass(f);
}

static void
who_dies_taking_over_is_taken_over(void **state)
{
	assert_in_range(die_everywhere(*state, dead_owner_there,
			    take_over_child, taken_look),
	    12, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_dead_owners_attempt_is_taken_over_in_every_state),
	    T(three_deaths_with_a_job_in_hand_park_it),
	    T(deaths_in_another_boot_do_not_count),
	    T(a_stopped_owner_is_alive),
	    T(a_stopped_owner_that_is_killed_is_dead),
	    T(we_are_alive_and_never_take_over_ourselves),
	    T(what_begins_with_an_owner_is_in_its_commit),
	    T(an_owner_is_alive_from_the_moment_its_row_is_there),
	    T(an_owner_that_could_not_open_gives_its_number_back),
	    T(who_dies_taking_over_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
