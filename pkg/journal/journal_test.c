#include "journal/journal.h"

#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_env.h"

struct fix {
	char dir[64];
	struct env *env;
	struct journal *j;
	struct err err;
};

static int
setup(void **state)
{
	struct fix *f = mem_zalloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/dsrun-journal-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(net_env_open(&f->env, &f->err), ERR_NONE);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;
	char cmd[128];

	journal_close(&f->j);
	net_env_close(&f->env);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	mem_free(&f);
	return 0;
}

static enum err_code
open_journal(struct fix *f, enum journal_mode mode)
{
	struct journal_options o = {
	    .env = f->env, .dir = f->dir, .mode = mode, .build_ms = 1000};

	journal_close(&f->j);
	return journal_open(&o, &f->j, &f->err);
}

#define OK(call)                                                \
	do {                                                    \
		if ((call) != ERR_NONE)                         \
			fail_msg("%s: %s", #call, f->err.text); \
	} while (0)

struct add {
	struct journal_tx tx;
	const char *ext;
	const char *phone;
	int64_t not_before_ms;
	uint8_t content;
	enum journal_added result;
	int64_t id;
};

static enum err_code
add_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct add *a = CONTAINER_OF(tx, struct add, tx);
	uint8_t content[JOB_CONTENT_BYTES] = {a->content};
	struct journal_new_job n = {.source = "file",
	    .ext = a->ext,
	    .kind = "intro",
	    .campaign = "spring",
	    .content = content,
	    .phone = a->phone,
	    .contact = "{}",
	    .data = "{}",
	    .not_before_ms = a->not_before_ms};

	return journal_job_add(j, &n, &a->result, &a->id, err);
}

static void
add(struct fix *f, struct add *a)
{
	a->tx.run = add_run;
	if (a->phone == NULL)
		a->phone = "+15125550100";
	OK(journal_now(f->j, &a->tx, &f->err));
}

static void
a_missing_journal_is_named_and_not_made(void **state)
{
	struct fix *f = *state;

	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_CONFIG);
	assert_non_null(strstr(f->err.text, f->dir));
	assert_non_null(strstr(f->err.text, "dsrun init"));
	assert_null(f->j);
}

static void
the_same_job_twice_is_one_job(void **state)
{
	struct fix *f = *state;
	struct add a = {.ext = "a"}, b = {.ext = "a"};
	struct add c = {.ext = "a", .content = 9};

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, &a);
	add(f, &b);
	add(f, &c);
	assert_int_equal(a.result, JOURNAL_ADDED);
	assert_int_equal(b.result, JOURNAL_KNOWN);
	assert_int_equal(c.result, JOURNAL_DIFFERS);
	assert_int_equal(a.id, b.id);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	add(f, &b);
	assert_int_equal(b.result, JOURNAL_KNOWN);
}

/* --- one life ------------------------------------------------------------- */

struct life {
	struct journal_tx tx;
	struct journal_job job;
	struct journal_attempt attempt;
	struct journal_claim claim;
	enum attempt_event event;
	enum job_event job_event;
};

static enum journal_verdict
arm(struct journal *j, void *arg, struct journal_candidate *c,
    const struct journal_live *live, struct err *err)
{
	struct life *l = arg;

	(void)live;
	l->job = c->job;
	l->job.attempts++;
	l->job.tries++;
	l->attempt = (struct journal_attempt){.id = c->next_attempt,
	    .is_new = !c->taken_back,
	    .owner = journal_owner(j),
	    .campaign_id = c->job.campaign_id,
	    .kind_id = c->job.kind_id,
	    .number = c->person.number,
	    .has_key = true,
	    .armed_ms = journal_group_ms(j)};
	struct journal_change change = {.job = &l->job,
	    .attempt = &l->attempt,
	    .attempt_event = ATTEMPT_EV_ARM,
	    .job_event = JOB_EV_CLAIM};

	return journal_step(j, &change, err) == ERR_NONE ? JOURNAL_TAKE
							 : JOURNAL_SKIP;
}

static enum err_code
claim_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);

	return journal_claim(j, &l->claim, err);
}

static void
claim(struct fix *f, struct life *l)
{
	l->tx.run = claim_run;
	l->claim = (struct journal_claim){.want = 10, .visit = arm, .arg = l};
	OK(journal_now(f->j, &l->tx, &f->err));
}

static enum err_code
step_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);
	struct journal_change change = {.job = &l->job,
	    .attempt = &l->attempt,
	    .attempt_event = l->event,
	    .job_event = l->job_event};

	return journal_step(j, &change, err);
}

static enum err_code
step(struct fix *f, struct life *l, enum attempt_event e, enum job_event je)
{
	l->tx.run = step_run;
	l->event = e;
	l->job_event = je;
	return journal_now(f->j, &l->tx, &f->err);
}

static void
a_job_lives_from_intake_to_done(void **state)
{
	struct fix *f = *state;
	struct add a = {.ext = "a"};
	struct life l = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, &a);
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	claim(f, &l);
	assert_int_equal(l.claim.taken, 1);
	assert_int_equal(l.job.state, JOB_HELD);
	OK(step(f, &l, ATTEMPT_EV_PLACE, JOB_EV_NOTE));
	OK(step(f, &l, ATTEMPT_EV_ANSWER, JOB_EV_NOTE));
	l.job.outcome = JOB_OUTCOME_COMPLETED;
	OK(step(f, &l, ATTEMPT_EV_END, JOB_EV_FINISH));
	assert_int_equal(l.job.state, JOB_DONE);
	assert_int_equal(l.job.revision, 1);
	assert_int_equal(l.attempt.number, 0);
	assert_int_equal(l.job.n, 5);
	OK(journal_owner_close(f->j, &f->err));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

static void
a_step_on_what_has_changed_leaves_nothing(void **state)
{
	struct fix *f = *state;
	struct add a = {.ext = "a"};
	struct life l = {0};
	struct life stale;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, &a);
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	claim(f, &l);
	stale = l;
	OK(step(f, &l, ATTEMPT_EV_PLACE, JOB_EV_NOTE));
	assert_int_equal(
	    step(f, &stale, ATTEMPT_EV_PLACE, JOB_EV_NOTE), ERR_STATE);
	OK(step(f, &l, ATTEMPT_EV_ANSWER, JOB_EV_NOTE));
}

static void
one_number_has_one_live_attempt(void **state)
{
	struct fix *f = *state;
	struct add a = {.ext = "a"}, b = {.ext = "b"};
	struct life l = {0}, again = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, &a);
	add(f, &b);
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	claim(f, &l);
	assert_int_equal(l.claim.taken, 1);
	claim(f, &again);
	assert_int_equal(again.claim.taken, 0);
	OK(step(f, &l, ATTEMPT_EV_END, JOB_EV_FINISH));
	claim(f, &again);
	assert_int_equal(again.claim.taken, 1);
	assert_int_equal(again.job.id, b.id);
}

/* --- death ------------------------------------------------------------------
 */

static void
the_dead_owners_attempts_are_taken_over(void **state)
{
	struct fix *f = *state;
	struct add a = {.ext = "a"};
	struct journal_takeover t;
	struct life l = {0};
	int status = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, &a);
	journal_close(&f->j);
	pid_t pid = fork();
	if (pid == 0) {
		struct fix g = *f;

		if (net_env_open(&g.env, &g.err) != ERR_NONE ||
		    open_journal(&g, JOURNAL_MUST_EXIST) != ERR_NONE ||
		    journal_owner_open(g.j, "test", NULL, &g.err) != ERR_NONE)
			_exit(1);
		claim(&g, &l);
		(void)raise(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	journal_takeover_init(&t);
	OK(journal_now(f->j, &t.tx, &f->err));
	assert_int_equal(t.owners, 1);
	assert_int_equal(t.count, 1);
	journal_takeover_fini(f->j, &t);
	journal_takeover_init(&t);
	OK(journal_now(f->j, &t.tx, &f->err));
	assert_int_equal(t.owners, 0);
	journal_takeover_fini(f->j, &t);
}

static void
removed_lock_files_are_refused(void **state)
{
	struct fix *f = *state;
	char path[128];

	OK(open_journal(f, JOURNAL_CREATE));
	journal_close(&f->j);
	(void)snprintf(path, sizeof(path), "%s/journal.lock", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
	assert_int_equal(open_journal(f, JOURNAL_CREATE), ERR_DAMAGED);
}

static void
a_lost_wal_is_going_back_in_time(void **state)
{
	struct fix *f = *state;
	struct add a = {.ext = "a"};
	char cmd[512];

	OK(open_journal(f, JOURNAL_CREATE));
	add(f, &a);
	(void)snprintf(cmd, sizeof(cmd),
	    "cp %s/journal.db %s/keep && cp %s/journal.db-wal %s/keepw", f->dir,
	    f->dir, f->dir, f->dir);
	assert_int_equal(system(cmd), 0);
	a.ext = "b";
	add(f, &a);
	journal_close(&f->j);
	(void)snprintf(cmd, sizeof(cmd),
	    "cd %s && rm -f journal.db-* && cp keep journal.db && cp keepw "
	    "journal.db-wal",
	    f->dir);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_DAMAGED);
	assert_non_null(strstr(f->err.text, "went back in time"));
}

/* --- the loop
 * ------------------------------------------------------------------ */

struct async {
	struct add add;
	char ext[16];
	int *left;
	int *refused;
};

static void
async_done(struct journal_tx *tx)
{
	struct async *a = CONTAINER_OF(tx, struct async, add.tx);

	--*a->left;
	*a->refused += a->add.result != JOURNAL_ADDED;
}

static void
many_submitted_at_once_are_all_done(void **state)
{
	struct fix *f = *state;
	static struct async many[2000];
	int left = 2000;
	int refused = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(many[i].ext, 16, "job-%d", i);
		many[i].add =
		    (struct add){.tx = {.run = add_run, .done = async_done},
			.ext = many[i].ext,
			.phone = "+15125550100"};
		many[i].left = &left;
		many[i].refused = &refused;
		OK(journal_submit(f->j, &many[i].add.tx, &f->err));
	}
	net_env_run(f->env);
	assert_int_equal(left, 0);
	assert_int_equal(refused, 0);
	for (int i = 1; i < 2000; i++)
		assert_int_equal(many[i].add.id, many[i - 1].add.id + 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_missing_journal_is_named_and_not_made),
	    T(the_same_job_twice_is_one_job),
	    T(a_job_lives_from_intake_to_done),
	    T(a_step_on_what_has_changed_leaves_nothing),
	    T(one_number_has_one_live_attempt),
	    T(the_dead_owners_attempts_are_taken_over),
	    T(removed_lock_files_are_refused),
	    T(a_lost_wal_is_going_back_in_time),
	    T(many_submitted_at_once_are_all_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
