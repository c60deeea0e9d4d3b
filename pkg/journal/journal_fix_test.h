#ifndef DSRUN_JOURNAL_FIX_TEST_H
#define DSRUN_JOURNAL_FIX_TEST_H

#include <sys/prctl.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/cover_test.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/text.h"

#include "journal/journal.h"
#include "net/net_env.h"

/*
 * For the tests of journal: a directory of its own, a journal in it, and jobs
 * that live as run/ lets them live, each transaction as run/ writes it.
 */

struct fix {
	char dir[64];
	struct env *env;
	struct journal *j;
	struct err err;
	int count; /* phones given away */
};

#define OK(call)                                                  \
	do {                                                      \
		if ((call) != ERR_NONE)                           \
			fail_msg("%s: %s", #call, (f)->err.text); \
	} while (0)

/* The error's text must speak of it. */
#define SAYS(want)                                                          \
	do {                                                                \
		if (strstr((f)->err.text, (want)) == NULL)                  \
			fail_msg(                                           \
			    "\"%s\" is not in: %s", (want), (f)->err.text); \
	} while (0)

static inline int
setup(void **state)
{
	struct fix *f = mem_zalloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/dsrun-journal-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(net_env_open(&f->env, &f->err), ERR_NONE);
	*state = f;
	return 0;
}

static inline int
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

static inline enum err_code
open_journal(struct fix *f, enum journal_mode mode)
{
	struct journal_options o = {
	    .env = f->env, .dir = f->dir, .mode = mode, .build_ms = 1000};

	journal_close(&f->j);
	return journal_open(&o, &f->j, &f->err);
}

/* And a journal in it that is ours. */
static inline int
setup_opened(void **state)
{
	struct fix *f;

	(void)setup(state);
	f = *state;
	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	return 0;
}

/* A shell command with the directory as $D. */
static inline void
shell(struct fix *f, const char *command)
{
	char *cmd = mem_printf("D='%s'; cd \"$D\" && { %s; }", f->dir, command);

	assert_int_equal(system(cmd), 0);
	mem_free(&cmd);
}

static inline bool
there(struct fix *f, const char *name)
{
	char *path = mem_printf("%s/%s", f->dir, name);
	bool yes = access(path, F_OK) == 0;

	mem_free(&path);
	return yes;
}

/* Raw SQL on a file of the directory, past every guard. */
static inline void
sql_on(struct fix *f, const char *name, const char *sql)
{
	char *path = mem_printf("%s/%s", f->dir, name);
	sqlite3 *db = NULL;
	char *text = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s: %s", sql, text);
	sqlite3_free(text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	mem_free(&path);
}

static inline int64_t
number_on(struct fix *f, const char *name, const char *sql)
{
	char *path = mem_printf("%s/%s", f->dir, name);
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	mem_free(&path);
	return n;
}

/*
 * fn in a child of its own, which opens all anew.  What fn returns is the
 * child's exit status.
 */
static inline pid_t
child_start(struct fix *f, int (*fn)(struct fix *f))
{
	pid_t pid = fork();

	if (pid == 0) {
		struct fix g = *f;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		g.j = NULL;
		if (net_env_open(&g.env, &g.err) != ERR_NONE)
			_exit(99);
		int status = fn(&g);

		cover_keep();
		_exit(status);
	}
	assert_true(pid > 0);
	return pid;
}

static inline int
child_end(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline int
child(struct fix *f, int (*fn)(struct fix *f))
{
	journal_close(&f->j);
	return child_end(child_start(f, fn));
}

/* A child tells that it has come so far, and waits for its death. */
struct meeting {
	int fd[2];
};

static inline void
meeting_open(struct meeting *m)
{
	assert_int_equal(pipe(m->fd), 0);
}

static inline void
meeting_say(struct meeting *m)
{
	if (write(m->fd[1], "x", 1) != 1)
		_exit(98);
}

static inline void
meeting_wait(struct meeting *m)
{
	char c;

	assert_int_equal(read(m->fd[0], &c, 1), 1);
}

static inline void
meeting_close(struct meeting *m)
{
	(void)close(m->fd[0]);
	(void)close(m->fd[1]);
}

static inline void
killed(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)child_end(pid);
}

/* --- crash points ----------------------------------------------------------
 */

struct crash_at {
	const char *name; /* NULL = any */
	long left;
	int sig;
};

static inline void
crash_now(void *arg, const char *name)
{
	struct crash_at *at = arg;

	if ((at->name == NULL || strcmp(at->name, name) == 0) &&
	    --at->left == 0) {
		if (at->sig == SIGKILL)
			cover_keep();
		(void)raise(at->sig);
	}
}

/*
 * fn in a child that dies at the n-th crash point, n = 1, 2, 3 ... until it
 * comes to its end; before each, prepare; after each death, look.  Returns how
 * often it died.
 */
static inline long
die_everywhere(struct fix *f, void (*prepare)(struct fix *f),
    int (*fn)(struct fix *f), void (*look)(struct fix *f))
{
	for (long n = 1;; n++) {
		int status;
		pid_t pid;

		prepare(f);
		journal_close(&f->j);
		pid = fork();
		if (pid == 0) {
			struct crash_at at = {NULL, n, SIGKILL};
			struct fix g = *f;

			g.j = NULL;
			if (net_env_open(&g.env, &g.err) != ERR_NONE)
				_exit(99);
			crash_hook(crash_now, &at);
			status = fn(&g);
			cover_keep();
			_exit(status);
		}
		status = child_end(pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			look(f);
			return n - 1;
		}
		look(f);
	}
}

/* --- lives -----------------------------------------------------------------
 */

struct life {
	struct journal_tx tx;
	/* of the job to add */
	const char *ext, *phone, *org;
	int64_t not_before_ms;
	enum journal_added added;
	/* as they are now */
	int64_t id;
	struct journal_job job;
	struct journal_attempt attempt;
	/* the step asked for */
	enum attempt_event event;
	enum job_event job_event;
	bool job_only;
	bool job_changed; /* with NOTE */
	const char *detail;
	struct journal_claim claim;
	bool claim_only; /* to CLAIMED, not to INTENT */
	char phone_text[20];
};

static inline enum err_code
life_add_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);
	uint8_t content[JOB_CONTENT_BYTES] = {7};
	struct journal_new_job n = {.source = "file",
	    .ext = l->ext,
	    .kind = "intro",
	    .campaign = "spring",
	    .content = content,
	    .phone = l->phone,
	    .org = l->org,
	    .contact = "{\"first_name\":\"Ann\"}",
	    .data = "{}",
	    .not_before_ms = l->not_before_ms};

	return journal_job_add(j, &n, &l->added, &l->id, err);
}

/* A job with a phone of its own, unless l names one. */
static inline void
life_add(struct fix *f, struct life *l, const char *ext)
{
	l->tx = (struct journal_tx){.run = life_add_run};
	l->ext = ext;
	if (l->phone == NULL) {
		(void)snprintf(l->phone_text, sizeof(l->phone_text),
		    "+1512555%04d", f->count++);
		l->phone = l->phone_text;
	}
	OK(journal_now(f->j, &l->tx, &f->err));
}

static inline enum journal_verdict
life_arm(struct journal *j, void *arg, struct journal_candidate *c,
    const struct journal_live *live, struct err *err)
{
	struct life *l = arg;
	bool armed = !l->claim_only;

	(void)live;
	if (l->id != 0 && c->job.id != l->id)
		return JOURNAL_SKIP;
	l->id = c->job.id;
	l->job = c->job;
	l->job.attempts += !c->taken_back;
	l->job.tries += armed;
	l->attempt = (struct journal_attempt){.id = c->next_attempt,
	    .is_new = !c->taken_back,
	    .owner = journal_owner(j),
	    .campaign_id = c->job.campaign_id,
	    .kind_id = c->job.kind_id,
	    .number = c->person.number,
	    .org = c->person.org,
	    .has_key = armed,
	    .armed_ms = armed ? journal_group_ms(j) : 0};
	if (c->taken_back) {
		struct journal_attempt was;

		if (journal_attempt_get(j, c->next_attempt, &was, err) !=
		    ERR_NONE)
			return JOURNAL_STOP;
		l->attempt.last = was.last;
	}
	job_key_attempt(journal_id(j), ENV_ID_BYTES, c->job.source, c->job.ext,
	    journal_attempt_number(c->next_attempt), l->attempt.key);
	struct journal_change change = {.job = &l->job,
	    .attempt = &l->attempt,
	    .attempt_event = armed ? ATTEMPT_EV_ARM : ATTEMPT_EV_CLAIM,
	    .job_event = JOB_EV_CLAIM};

	if (journal_step(j, &change, err) != ERR_NONE)
		return JOURNAL_STOP;
	if (armed && journal_dial_put(j, c->person.number, l->attempt.armed_ms,
			 c->next_attempt, err) != ERR_NONE)
		return JOURNAL_STOP;
	err->code = ERR_NONE;
	return JOURNAL_TAKE;
}

static inline enum err_code
life_claim_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);

	return journal_claim(j, &l->claim, err);
}

/* NEW to INTENT (or CLAIMED); true when the job could be had. */
static inline bool
life_claim(struct fix *f, struct life *l)
{
	l->tx = (struct journal_tx){.run = life_claim_run};
	l->claim =
	    (struct journal_claim){.want = 1, .visit = life_arm, .arg = l};
	OK(journal_now(f->j, &l->tx, &f->err));
	return l->claim.taken == 1;
}

static inline enum err_code
life_step_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);
	bool was_final = job_is_final(l->job.state);
	struct journal_change change = {.job = &l->job,
	    .attempt = l->job_only ? NULL : &l->attempt,
	    .attempt_event = l->event,
	    .job_event = l->job_event,
	    .job_changed = l->job_changed,
	    .detail = l->detail};

	if (journal_step(j, &change, err) == ERR_NONE && !was_final &&
	    job_is_final(l->job.state))
		return journal_outbox_add(j, &l->job, l->attempt.id, err);
	return err->code;
}

static inline enum err_code
life_try(struct fix *f, struct life *l, enum attempt_event e, enum job_event je)
{
	l->tx = (struct journal_tx){.run = life_step_run};
	l->job_only = false;
	l->event = e;
	l->job_event = je;
	memset(&f->err, 0, sizeof(f->err));
	return journal_now(f->j, &l->tx, &f->err);
}

static inline void
life_step(
    struct fix *f, struct life *l, enum attempt_event e, enum job_event je)
{
	OK(life_try(f, l, e, je));
}

static inline void
life_job(struct fix *f, struct life *l, enum job_event je)
{
	l->tx = (struct journal_tx){.run = life_step_run};
	l->job_only = true;
	l->job_event = je;
	OK(journal_now(f->j, &l->tx, &f->err));
}

/* From INTENT to a job that is DONE. */
static inline void
life_finish(struct fix *f, struct life *l)
{
	life_step(f, l, ATTEMPT_EV_PLACE, JOB_EV_NOTE);
	life_step(f, l, ATTEMPT_EV_ANSWER, JOB_EV_NOTE);
	l->attempt.outcome = JOB_OUTCOME_COMPLETED;
	l->job.outcome = JOB_OUTCOME_COMPLETED;
	life_step(f, l, ATTEMPT_EV_END, JOB_EV_FINISH);
}

/* Added, called, DONE. */
static inline void
life_whole(struct fix *f, struct life *l, const char *ext)
{
	life_add(f, l, ext);
	assert_true(life_claim(f, l));
	life_finish(f, l);
}

/* Any transaction, as a function of the journal. */
struct once {
	struct journal_tx tx;
	enum err_code (*fn)(struct journal *j, void *arg, struct err *err);
	void *arg;
};

static inline enum err_code
once_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct once *o = CONTAINER_OF(tx, struct once, tx);

	return o->fn(j, o->arg, err);
}

static inline enum err_code
once(struct fix *f,
    enum err_code (*fn)(struct journal *j, void *arg, struct err *err),
    void *arg)
{
	struct once o = {.tx = {.run = once_run}, .fn = fn, .arg = arg};

	memset(&f->err, 0, sizeof(f->err));
	return journal_now(f->j, &o.tx, &f->err);
}

static inline enum err_code
outbox_all_done(struct journal *j, void *arg, struct err *err)
{
	struct journal_outbox rows[64];
	size_t count = 0;
	enum err_code code = journal_outbox_due(
	    j, JOURNAL_SINK_FILE, INT64_MAX, rows, 64, &count, err);

	(void)arg;
	for (size_t i = 0; i < count && code == ERR_NONE; i++)
		code = journal_outbox_set(
		    j, rows[i].id, JOURNAL_OUTBOX_DONE, 0, NULL, err);
	return code;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
