#include "run/run_decide.h"

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

#include "journal/journal_fault_test.h"
#include "journal/journal_read.h"
#include "net/net_env.h"

#include "run/run_priv.h"

#define MINUTE INT64_C(60000)

struct fix {
	char dir[64];
	struct env *env;
	struct journal *j;
	struct conf conf;
	struct conf_kind kind;
	char name[8];
	int64_t job; /* the one every test begins with */
	struct run_decision d;
	struct err err;
};

#define OK(call)                                                \
	do {                                                    \
		if ((call) != ERR_NONE)                         \
			fail_msg("%s: %s", #call, f->err.text); \
	} while (0)

/* --- one transaction of a test's own --- */

struct act {
	struct journal_tx tx;
	struct fix *f;
	enum err_code (*run)(struct fix *f, struct journal *j);
};

static enum err_code
act_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct act *a = CONTAINER_OF(tx, struct act, tx);
	enum err_code code = a->run(a->f, j);

	*err = a->f->err;
	return code;
}

static void
act(struct fix *f, enum err_code (*run)(struct fix *f, struct journal *j))
{
	struct act a = {
	    .tx = {.run = act_run, .cls = JOURNAL_CLAIM}, .f = f, .run = run};

	OK(journal_now(f->j, &a.tx, &f->err));
}

static enum err_code
add(struct fix *f, struct journal *j)
{
	uint8_t content[JOB_CONTENT_BYTES] = {1};
	struct journal_new_job n = {.source = "file",
	    .ext = "job-1",
	    .kind = "intro",
	    .campaign = "spring",
	    .content = content,
	    .phone = "+15125550100",
	    .contact = "{}",
	    .data = "{}"};
	enum journal_added result;

	return journal_job_add(j, &n, &result, &f->job, &f->err);
}

static struct journal_job
job_now(struct fix *f)
{
	struct journal_job job;

	OK(journal_read_job(f->j, f->job, &job, &f->err));
	return job;
}

static struct journal_attempt
attempt_now(struct fix *f)
{
	struct journal_attempt a;
	struct journal_job job = job_now(f);

	OK(journal_read_attempt(
	    f->j, f->job * 256 + job.attempts, &a, &f->err));
	return a;
}

/* READY to armed, or to claimed only. */
static enum err_code
take(struct fix *f, struct journal *j, enum attempt_event event)
{
	struct journal_job job;
	struct journal_attempt a = {.is_new = true, .has_key = true};
	struct journal_change c = {.job = &job,
	    .attempt = &a,
	    .attempt_event = event,
	    .job_event = JOB_EV_CLAIM};

	OK(journal_job_get(j, f->job, &job, &f->err));
	job.attempts++;
	job.tries += event == ATTEMPT_EV_ARM;
	a.id = f->job * 256 + job.attempts;
	a.owner = journal_owner(j);
	a.number = 15125550100;
	a.campaign_id = job.campaign_id;
	a.kind_id = job.kind_id;
	a.key[0] = (uint8_t)job.attempts;
	a.armed_ms = event == ATTEMPT_EV_ARM ? journal_group_ms(j) : 0;
	return journal_step(j, &c, &f->err);
}

static enum err_code
arm(struct fix *f, struct journal *j)
{
	return take(f, j, ATTEMPT_EV_ARM);
}

static enum err_code
claim(struct fix *f, struct journal *j)
{
	return take(f, j, ATTEMPT_EV_CLAIM);
}

static enum err_code
move(struct fix *f, struct journal *j, enum attempt_event event,
    enum job_event job_event)
{
	struct journal_job job;
	struct journal_attempt a;
	struct journal_change c = {.job = &job,
	    .attempt = &a,
	    .attempt_event = event,
	    .job_event = job_event};

	OK(journal_job_get(j, f->job, &job, &f->err));
	OK(journal_attempt_get(j, f->job * 256 + job.attempts, &a, &f->err));
	job.reason =
	    job_event == JOB_EV_PARK ? JOB_REASON_BLIND : JOB_REASON_NONE;
	if (event == ATTEMPT_EV_END) {
		a.placed_ms = journal_group_ms(j);
		a.outcome = JOB_OUTCOME_COMPLETED;
		job.outcome = JOB_OUTCOME_COMPLETED;
	}
	return journal_step(j, &c, &f->err);
}

static enum err_code
doubt(struct fix *f, struct journal *j)
{
	return move(f, j, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
}

static enum err_code
park(struct fix *f, struct journal *j)
{
	return move(f, j, ATTEMPT_EV_PARK, JOB_EV_PARK);
}

static enum err_code
end(struct fix *f, struct journal *j)
{
	return move(f, j, ATTEMPT_EV_END, JOB_EV_FINISH);
}

static enum err_code
release(struct fix *f, struct journal *j)
{
	return move(f, j, ATTEMPT_EV_RELEASE, JOB_EV_RELEASE);
}

static enum err_code
wake(struct fix *f, struct journal *j)
{
	int64_t woken = 0;
	enum err_code code = journal_wake(j, 10, &woken, &f->err);

	assert_int_equal(woken, 1);
	return code;
}

static enum err_code
park_job(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_change c = {.job = &job, .job_event = JOB_EV_PARK};

	OK(journal_job_get(j, f->job, &job, &f->err));
	job.reason = JOB_REASON_RESTORED;
	job.crashes = 2;
	return journal_step(j, &c, &f->err);
}

static enum err_code
evidence(struct fix *f, struct journal *j)
{
	struct journal_job job;
	bool added = false;

	OK(journal_job_get(j, f->job, &job, &f->err));
	return journal_inbox_put(j, "carrier", "n-1",
	    f->job * 256 + job.attempts, JOURNAL_MSG_EVIDENCE,
	    "{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":5000,"
	    "\"answered\":true,\"answered_ms\":6000,\"answered_by\":\"human\","
	    "\"ended\":true,\"ended_ms\":7000,\"outcome\":\"busy\","
	    "\"by\":\"callee\"}",
	    &added, &f->err);
}

static void
armed_parked(struct fix *f)
{
	act(f, arm);
	act(f, doubt);
	act(f, park);
}

static void
over(struct fix *f)
{
	act(f, arm);
	act(f, end);
}

/* --- what is tested --- */

static const struct run_decision *
decide_until(struct fix *f, enum run_decide_verb verb, int64_t expires_ms)
{
	struct run_decide_ask ask = {.env = f->env,
	    .conf = &f->conf,
	    .journal = f->j,
	    .verb = verb,
	    .by = "ana",
	    .reason = "because",
	    .expires_ms = expires_ms};

	f->d = (struct run_decision){.job = f->job};
	OK(run_decide(&ask, &f->d, 1, &f->err));
	return &f->d;
}

static const struct run_decision *
decide(struct fix *f, enum run_decide_verb verb)
{
	return decide_until(f, verb, 0);
}

static void
refused(const struct run_decision *d, enum err_code code, const char *word)
{
	assert_int_equal(d->result, RUN_DECIDE_REFUSED);
	assert_int_equal(d->code, code);
	if (strstr(d->text, word) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", d->text, word);
}

struct seen {
	int64_t rows;
	char name[24], was[24], detail[64];
	char what[64], by[24];
};

static void
last_event(void *arg, const struct journal_event *e)
{
	struct seen *s = arg;

	s->rows++;
	(void)snprintf(s->name, sizeof(s->name), "%s", e->name);
	(void)snprintf(s->was, sizeof(s->was), "%s", e->was);
	(void)snprintf(s->detail, sizeof(s->detail), "%s",
	    e->detail != NULL ? e->detail : "");
}

static struct seen
seen(struct fix *f)
{
	struct seen s = {0};

	OK(journal_read_events(f->j, f->job, last_event, &s, &f->err));
	return s;
}

static enum err_code
count_deeds(struct fix *f, struct journal *j)
{
	return journal_deed(j, "mark", "test", "", &f->d.owner, &f->err);
}

/* Deeds so far: the next one's number tells. */
static int64_t
deeds(struct fix *f)
{
	act(f, count_deeds);
	return f->d.owner - 1;
}

static void
count_outbox(void *arg, const struct journal_outbox_row *r)
{
	int64_t *n = arg;

	assert_int_equal(r->row.sink, JOURNAL_SINK_FILE);
	(*n)++;
}

static int64_t
outbox(struct fix *f)
{
	int64_t n = 0;

	OK(journal_read_outbox(f->j, -1, 0, 0, count_outbox, &n, &f->err));
	return n;
}

static enum err_code
messages_run(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_message m = {0};
	int64_t after = 0;

	f->d.pid = 0;
	OK(journal_job_get(j, f->job, &job, &f->err));
	while (journal_inbox_get(j, f->job * 256 + job.attempts, after, &m,
		   &f->err) == ERR_NONE) {
		assert_int_equal(m.code, JOURNAL_MSG_CANCEL);
		after = m.id;
		f->d.pid++;
		journal_message_free(&m);
	}
	return ERR_NONE;
}

static int64_t
cancels(struct fix *f)
{
	act(f, messages_run);
	return f->d.pid;
}

static void
open_journal(struct fix *f)
{
	struct journal_options o = {.mode = JOURNAL_CREATE,
	    .build_ms = 1000,
	    .env = f->env,
	    .dir = f->dir};

	OK(journal_open(&o, &f->j, &f->err));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
}

static int
setup(void **state)
{
	struct fix *f = mem_zalloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/dsrun-decide-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	OK(net_env_open(&f->env, &f->err));
	open_journal(f);
	(void)snprintf(f->name, sizeof(f->name), "intro");
	f->kind = (struct conf_kind){.name = f->name, .max_attempts = 3};
	for (int i = 0; i < JOB_OUTCOME_COUNT; i++)
		f->kind.retry[i].factor = 1;
	f->conf.kinds = &f->kind;
	f->conf.kind_count = 1;
	act(f, add);
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

/* --- resolve --- */

static void
placed_ends_the_attempt_as_unknown_and_counts(void **state)
{
	struct fix *f = *state;
	const struct run_decision *d;

	armed_parked(f);
	d = decide(f, RUN_DECIDE_PLACED);
	assert_int_equal(d->result, RUN_DECIDE_DONE);
	assert_int_equal(d->state, JOB_DONE);
	assert_int_equal(job_now(f).outcome, JOB_OUTCOME_UNKNOWN);
	assert_int_equal(job_now(f).tries, 1);
	assert_int_equal(job_now(f).revision, 1);
	assert_int_equal(attempt_now(f).state, ATTEMPT_ENDED);
	assert_int_equal(attempt_now(f).outcome, JOB_OUTCOME_UNKNOWN);
	assert_int_equal(attempt_now(f).number, 0);
	assert_int_equal(outbox(f), 1);
	assert_string_equal(seen(f).name, "RESOLVE_PLACED");
}

static void
placed_follows_the_ladders_row_for_unknown(void **state)
{
	struct fix *f = *state;

	f->kind.retry[JOB_OUTCOME_UNKNOWN] = (struct job_rung){
	    .again = true, .after_ms = 10 * MINUTE, .factor = 1};
	armed_parked(f);
	int64_t before = env_now_ms(f->env);

	assert_int_equal(decide(f, RUN_DECIDE_PLACED)->state, JOB_QUEUED);
	assert_in_range(job_now(f).not_before_ms, before + 10 * MINUTE,
	    before + 11 * MINUTE);
	assert_int_equal(outbox(f), 0);
}

static void
absent_allows_a_new_attempt_now(void **state)
{
	struct fix *f = *state;
	const struct run_decision *d;

	armed_parked(f);
	d = decide(f, RUN_DECIDE_ABSENT);
	assert_int_equal(d->result, RUN_DECIDE_DONE);
	assert_int_equal(d->state, JOB_QUEUED);
	assert_true(job_now(f).not_before_ms <= env_now_ms(f->env));
	assert_int_equal(attempt_now(f).state, ATTEMPT_ABSENT);
	act(f, wake);
	act(f, arm);
	assert_int_equal(attempt_now(f).id, f->job * 256 + 2);
}

static void
absent_keeps_to_the_ladders_limit(void **state)
{
	struct fix *f = *state;

	f->kind.max_attempts = 1;
	armed_parked(f);
	assert_int_equal(decide(f, RUN_DECIDE_ABSENT)->state, JOB_FAILED);
	assert_int_equal(job_now(f).reason, JOB_REASON_EXHAUSTED);
	assert_int_equal(outbox(f), 1);
}

static void
drop_cancels_the_job(void **state)
{
	struct fix *f = *state;

	armed_parked(f);
	assert_int_equal(decide(f, RUN_DECIDE_DROP)->state, JOB_CANCELLED);
	assert_int_equal(attempt_now(f).state, ATTEMPT_CANCELLED);
	assert_int_equal(job_now(f).reason, JOB_REASON_DROPPED);
	assert_int_equal(outbox(f), 1);
}

static void
the_event_names_the_deed_and_nobody(void **state)
{
	struct fix *f = *state;

	armed_parked(f);
	(void)decide(f, RUN_DECIDE_DROP);
	assert_string_equal(seen(f).detail, "deed 1");
	assert_int_equal(deeds(f), 1);
}

static void
evidence_beats_the_person(void **state)
{
	struct fix *f = *state;
	const struct run_decision *d;

	armed_parked(f);
	act(f, evidence);
	d = decide(f, RUN_DECIDE_ABSENT);
	assert_int_equal(d->result, RUN_DECIDE_EVIDENCE);
	assert_non_null(strstr(d->text, "busy"));
	assert_int_equal(attempt_now(f).state, ATTEMPT_ENDED);
	assert_int_equal(attempt_now(f).outcome, JOB_OUTCOME_BUSY);
	assert_int_equal(attempt_now(f).placed_ms, 5000);
	assert_string_equal(attempt_now(f).carrier_call, "c-9");
	assert_string_equal(seen(f).name, "END");
	assert_int_equal(cancels(f), 0);
}

static enum err_code
put(struct fix *f, struct journal *j, const char *ext,
    enum journal_message_code code, const char *body)
{
	struct journal_job job;
	bool added = false;

	OK(journal_job_get(j, f->job, &job, &f->err));
	OK(journal_inbox_put(j, "carrier", ext, f->job * 256 + job.attempts,
	    code, body, &added, &f->err));
	assert_true(added);
	return ERR_NONE;
}

static enum err_code
evidence_without_times(struct fix *f, struct journal *j)
{
	return put(f, j, "n-2", JOURNAL_MSG_EVIDENCE,
	    "{\"call\":\"\",\"ringing\":false,\"placed_ms\":0,"
	    "\"answered\":false,\"answered_ms\":0,\"answered_by\":\"\","
	    "\"ended\":true,\"ended_ms\":0,\"outcome\":\"busy\","
	    "\"by\":\"\"}");
}

static enum err_code
cancel_and_nothing(struct fix *f, struct journal *j)
{
	(void)put(f, j, "n-3", JOURNAL_MSG_CANCEL, NULL);
	return put(f, j, "n-4", JOURNAL_MSG_EVIDENCE, NULL);
}

static enum err_code
garbage(struct fix *f, struct journal *j)
{
	return put(f, j, "n-5", JOURNAL_MSG_EVIDENCE, "{\"call\":");
}

/* The ladder would call again; the cancel that lay there says no. */
static void
evidence_and_a_cancel_end_the_job_without_another_call(void **state)
{
	struct fix *f = *state;

	f->kind.retry[JOB_OUTCOME_BUSY] = (struct job_rung){
	    .again = true, .after_ms = 10 * MINUTE, .factor = 1};
	armed_parked(f);
	act(f, cancel_and_nothing);
	act(f, evidence_without_times);
	assert_int_equal(
	    decide(f, RUN_DECIDE_ABSENT)->result, RUN_DECIDE_EVIDENCE);
	assert_int_equal(f->d.state, JOB_CANCELLED);
	assert_int_equal(attempt_now(f).outcome, JOB_OUTCOME_BUSY);
	assert_int_equal(attempt_now(f).placed_ms, 0);
	assert_true(attempt_now(f).ended_ms > 0);
}

static void
a_message_that_nobody_can_read_decides_nothing(void **state)
{
	struct fix *f = *state;
	struct run_decide_ask ask = {.env = f->env,
	    .conf = &f->conf,
	    .journal = f->j,
	    .verb = RUN_DECIDE_ABSENT,
	    .by = "ana",
	    .reason = "because"};
	struct run_decision two[2] = {{.job = f->job}, {.job = f->job}};

	armed_parked(f);
	act(f, garbage);
	int64_t events = seen(f).rows;

	assert_int_equal(run_decide(&ask, two, 2, &f->err), ERR_MALFORMED);
	assert_non_null(strstr(f->err.text, "inbox"));
	assert_int_equal(job_now(f).state, JOB_PARKED);
	assert_int_equal(seen(f).rows, events);
	assert_int_equal(deeds(f), 0);
}

static void
a_job_of_a_kind_that_is_gone_can_be_resolved(void **state)
{
	struct fix *f = *state;

	armed_parked(f);
	f->conf.kind_count = 0;
	/* Nobody knows its limit: it never rang, so it may be called. */
	assert_int_equal(decide(f, RUN_DECIDE_ABSENT)->state, JOB_QUEUED);
	act(f, wake);
	armed_parked(f);
	assert_int_equal(decide(f, RUN_DECIDE_PLACED)->state, JOB_DONE);
	assert_int_equal(job_now(f).outcome, JOB_OUTCOME_UNKNOWN);
}

static enum err_code
evidence_of_a_ring(struct fix *f, struct journal *j)
{
	struct journal_job job;
	bool added = false;

	OK(journal_job_get(j, f->job, &job, &f->err));
	return journal_inbox_put(j, "carrier", "n-0",
	    f->job * 256 + job.attempts, JOURNAL_MSG_EVIDENCE,
	    "{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":5000,"
	    "\"answered\":false,\"answered_ms\":0,\"answered_by\":\"\","
	    "\"ended\":false,\"ended_ms\":0,\"outcome\":\"none\","
	    "\"by\":\"\"}",
	    &added, &f->err);
}

static void
a_phone_that_rang_is_not_absent(void **state)
{
	struct fix *f = *state;

	armed_parked(f);
	act(f, evidence_of_a_ring);
	assert_int_equal(
	    decide(f, RUN_DECIDE_ABSENT)->result, RUN_DECIDE_EVIDENCE);
	assert_int_equal(attempt_now(f).state, ATTEMPT_ENDED);
	assert_int_equal(attempt_now(f).outcome, JOB_OUTCOME_UNKNOWN);
	assert_int_equal(attempt_now(f).placed_ms, 5000);
	assert_int_equal(job_now(f).state, JOB_DONE);
}

static void
a_drop_holds_beside_evidence(void **state)
{
	struct fix *f = *state;

	armed_parked(f);
	act(f, evidence);
	assert_int_equal(
	    decide(f, RUN_DECIDE_DROP)->result, RUN_DECIDE_EVIDENCE);
	assert_int_equal(job_now(f).state, JOB_CANCELLED);
	assert_int_equal(job_now(f).outcome, JOB_OUTCOME_BUSY);
	assert_int_equal(attempt_now(f).state, ATTEMPT_ENDED);
}

static void
a_job_parked_without_an_attempt_is_resolved_too(void **state)
{
	struct fix *f = *state;

	act(f, park_job);
	assert_int_equal(decide(f, RUN_DECIDE_ABSENT)->state, JOB_QUEUED);
	assert_int_equal(job_now(f).crashes, 0);
	assert_true(job_now(f).opened_ms > 0);
	act(f, wake);
	act(f, park_job);
	assert_int_equal(decide(f, RUN_DECIDE_PLACED)->state, JOB_DONE);
	assert_int_equal(job_now(f).outcome, JOB_OUTCOME_UNKNOWN);
	assert_int_equal(outbox(f), 1);
}

static void
a_job_parked_without_an_attempt_is_dropped(void **state)
{
	struct fix *f = *state;

	act(f, park_job);
	assert_int_equal(decide(f, RUN_DECIDE_DROP)->state, JOB_CANCELLED);
}

static void
a_live_attempt_is_its_owners(void **state)
{
	struct fix *f = *state;
	const struct run_decision *d;
	char pid[24];

	act(f, arm);
	int64_t events = seen(f).rows;

	(void)snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
	d = decide(f, RUN_DECIDE_PLACED);
	refused(d, ERR_BUSY, pid);
	assert_true(d->alive);
	assert_int_equal(seen(f).rows, events);
	assert_int_equal(deeds(f), 0);
}

static void
what_is_not_parked_cannot_be_resolved(void **state)
{
	struct fix *f = *state;

	refused(decide(f, RUN_DECIDE_ABSENT), ERR_STATE, "READY");
	over(f);
	refused(decide(f, RUN_DECIDE_DROP), ERR_STATE, "DONE");
}

/* --- cancel --- */

static void
a_waiting_job_is_cancelled_with_its_result(void **state)
{
	struct fix *f = *state;

	assert_int_equal(decide(f, RUN_DECIDE_CANCEL)->state, JOB_CANCELLED);
	assert_int_equal(outbox(f), 1);
	assert_int_equal(
	    decide(f, RUN_DECIDE_CANCEL)->result, RUN_DECIDE_ALREADY);
	assert_int_equal(outbox(f), 1);
	assert_int_equal(deeds(f), 1);
}

static void
a_live_call_is_left_to_its_owner(void **state)
{
	struct fix *f = *state;

	act(f, arm);
	assert_int_equal(decide(f, RUN_DECIDE_CANCEL)->result, RUN_DECIDE_TOLD);
	assert_non_null(strstr(f->d.text, "hang up"));
	assert_int_equal(job_now(f).state, JOB_HELD);
	assert_int_equal(cancels(f), 1);
	assert_int_equal(
	    decide(f, RUN_DECIDE_CANCEL)->result, RUN_DECIDE_ALREADY);
	assert_int_equal(cancels(f), 1);
}

static void
an_attempt_that_came_back_can_be_cancelled_again(void **state)
{
	struct fix *f = *state;

	act(f, claim);
	(void)decide(f, RUN_DECIDE_CANCEL);
	assert_non_null(strstr(f->d.text, "let go"));
	act(f, release);
	assert_int_equal(decide(f, RUN_DECIDE_CANCEL)->state, JOB_CANCELLED);
	assert_int_equal(cancels(f), 0);
}

static void
a_parked_job_is_not_cancelled_but_resolved(void **state)
{
	struct fix *f = *state;

	armed_parked(f);
	refused(decide(f, RUN_DECIDE_CANCEL), ERR_PERSON, "dsrun resolve");
}

static void
what_is_over_cannot_be_cancelled(void **state)
{
	struct fix *f = *state;

	over(f);
	refused(decide(f, RUN_DECIDE_CANCEL), ERR_STATE, "DONE");
}

static void
one_refusal_does_not_stop_the_others(void **state)
{
	struct fix *f = *state;
	struct run_decision two[2] = {{.job = 4711}, {.job = f->job}};
	struct run_decide_ask ask = {.env = f->env,
	    .conf = &f->conf,
	    .journal = f->j,
	    .verb = RUN_DECIDE_CANCEL,
	    .by = "",
	    .reason = ""};

	OK(run_decide(&ask, two, 2, &f->err));
	refused(&two[0], ERR_NOT_FOUND, "#4711");
	assert_int_equal(two[1].result, RUN_DECIDE_DONE);
	assert_int_equal(job_now(f).state, JOB_CANCELLED);
}

/* --- again --- */

static void
a_retry_begins_the_ladder_anew(void **state)
{
	struct fix *f = *state;

	over(f);
	assert_int_equal(decide(f, RUN_DECIDE_RETRY)->state, JOB_QUEUED);
	assert_int_equal(job_now(f).tries, 0);
	assert_int_equal(job_now(f).attempts, 1);
	assert_int_equal(job_now(f).revision, 1);
	assert_int_equal(job_now(f).reason, JOB_REASON_RETRIED);
	assert_int_equal(job_now(f).outcome, JOB_OUTCOME_NONE);
	act(f, wake);
	over(f);
	assert_int_equal(job_now(f).revision, 2);
}

static void
a_redial_is_one_more_call(void **state)
{
	struct fix *f = *state;

	f->kind.retry[JOB_OUTCOME_UNKNOWN] =
	    (struct job_rung){.again = true, .factor = 1};
	over(f);
	assert_int_equal(decide(f, RUN_DECIDE_REDIAL)->state, JOB_QUEUED);
	assert_int_equal(job_now(f).tries, 1);
	act(f, wake);
	armed_parked(f);
	/* The ladder would go on; a redial does not. */
	assert_int_equal(decide(f, RUN_DECIDE_PLACED)->state, JOB_DONE);
}

static void
a_retry_after_a_redial_has_its_ladder(void **state)
{
	struct fix *f = *state;

	f->kind.retry[JOB_OUTCOME_UNKNOWN] =
	    (struct job_rung){.again = true, .after_ms = MINUTE, .factor = 2};
	over(f);
	(void)decide(f, RUN_DECIDE_REDIAL);
	act(f, wake);
	armed_parked(f);
	(void)decide(f, RUN_DECIDE_PLACED);
	(void)decide(f, RUN_DECIDE_RETRY);
	act(f, wake);
	armed_parked(f);
	int64_t now = env_now_ms(f->env);

	/* The first rung, though an older call ended like this too. */
	assert_int_equal(decide(f, RUN_DECIDE_PLACED)->state, JOB_QUEUED);
	assert_in_range(
	    job_now(f).not_before_ms, now + MINUTE, now + MINUTE + 30000);
}

/* --- a job as it was at one of its ends --- */

static struct journal_job
as_at(struct fix *f, int64_t revision)
{
	struct journal_job job = job_now(f);

	OK(run_past(f->j, revision, &job, &f->err));
	assert_int_equal(job.revision, revision);
	return job;
}

static void
each_end_of_a_job_can_be_told_after_it_was_called_again(void **state)
{
	struct fix *f = *state;

	f->kind.max_attempts = 1;
	over(f); /* 1: completed */
	(void)decide(f, RUN_DECIDE_RETRY);
	act(f, wake);
	armed_parked(f);
	(void)decide(f, RUN_DECIDE_ABSENT); /* 2: a person: it never rang */
	(void)decide(f, RUN_DECIDE_REDIAL);
	(void)decide(f, RUN_DECIDE_CANCEL); /* 3: without an attempt */
	(void)decide(f, RUN_DECIDE_RETRY);
	act(f, wake);
	act(f, park_job);
	(void)decide(f, RUN_DECIDE_PLACED); /* 4: a person: it rang */
	(void)decide(f, RUN_DECIDE_REDIAL);
	assert_int_equal(job_now(f).state, JOB_QUEUED);
	assert_int_equal(as_at(f, 1).state, JOB_DONE);
	assert_int_equal(as_at(f, 1).outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(as_at(f, 1).tries, 1);
	assert_int_equal(as_at(f, 2).state, JOB_FAILED);
	assert_int_equal(as_at(f, 2).outcome, JOB_OUTCOME_NETWORK);
	assert_int_equal(as_at(f, 2).tries, 1);
	assert_int_equal(as_at(f, 3).state, JOB_CANCELLED);
	assert_int_equal(as_at(f, 3).outcome, JOB_OUTCOME_NONE);
	assert_int_equal(as_at(f, 4).state, JOB_DONE);
	assert_int_equal(as_at(f, 4).outcome, JOB_OUTCOME_UNKNOWN);
	assert_int_equal(as_at(f, 4).tries, 0);

	struct journal_job job = job_now(f);

	assert_int_equal(run_past(f->j, 5, &job, &f->err), ERR_DAMAGED);
	assert_non_null(strstr(f->err.text, "no end number 5"));
}

static void
an_end_that_cannot_be_read_is_an_error(void **state)
{
	struct fix *f = *state;
	bool hit = true;

	over(f);
	(void)decide(f, RUN_DECIDE_RETRY);
	journal_close(&f->j);
	fault_install(f->env);
	open_journal(f);
	struct journal_job was = job_now(f);

	for (long n = 1; hit; n++) {
		struct journal_job job = was;
		enum err_code code;

		fault_arm(FAULT_STEP, n, EIO, false);
		code = run_past(f->j, 1, &job, &f->err);
		hit = fault_disarm();
		if (hit) {
			assert_int_equal(code, ERR_STORE);
			assert_int_equal(job.state, JOB_QUEUED);
		} else {
			assert_int_equal(code, ERR_NONE);
			assert_int_equal(job.state, JOB_DONE);
		}
	}
}

static void
only_what_is_over_is_called_again(void **state)
{
	struct fix *f = *state;

	refused(decide(f, RUN_DECIDE_RETRY), ERR_STATE, "dsrun why");
	act(f, arm);
	refused(decide(f, RUN_DECIDE_REDIAL), ERR_BUSY, "pid");
	act(f, doubt);
	act(f, park);
	refused(decide(f, RUN_DECIDE_RETRY), ERR_PERSON, "dsrun resolve");
}

static enum err_code
expire_soon(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_change c = {.job = &job, .job_event = JOB_EV_CANCEL};

	OK(journal_job_get(j, f->job, &job, &f->err));
	job.expires_ms = journal_group_ms(j) - 1;
	return journal_step(j, &c, &f->err);
}

static void
a_job_past_its_end_needs_a_new_one(void **state)
{
	struct fix *f = *state;
	int64_t now = env_now_ms(f->env);

	act(f, expire_soon);
	refused(decide(f, RUN_DECIDE_RETRY), ERR_STATE, "--expires-at");
	refused(decide_until(f, RUN_DECIDE_RETRY, 1000), ERR_STATE, "past");
	assert_int_equal(
	    decide_until(f, RUN_DECIDE_RETRY, now + MINUTE)->state, JOB_QUEUED);
	assert_int_equal(job_now(f).expires_ms, now + MINUTE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(placed_ends_the_attempt_as_unknown_and_counts),
	    T(placed_follows_the_ladders_row_for_unknown),
	    T(absent_allows_a_new_attempt_now),
	    T(absent_keeps_to_the_ladders_limit),
	    T(drop_cancels_the_job),
	    T(the_event_names_the_deed_and_nobody),
	    T(evidence_beats_the_person),
	    T(evidence_and_a_cancel_end_the_job_without_another_call),
	    T(a_message_that_nobody_can_read_decides_nothing),
	    T(a_job_of_a_kind_that_is_gone_can_be_resolved),
	    T(each_end_of_a_job_can_be_told_after_it_was_called_again),
	    T(an_end_that_cannot_be_read_is_an_error),
	    T(a_phone_that_rang_is_not_absent),
	    T(a_drop_holds_beside_evidence),
	    T(a_job_parked_without_an_attempt_is_resolved_too),
	    T(a_job_parked_without_an_attempt_is_dropped),
	    T(a_live_attempt_is_its_owners),
	    T(what_is_not_parked_cannot_be_resolved),
	    T(a_waiting_job_is_cancelled_with_its_result),
	    T(a_live_call_is_left_to_its_owner),
	    T(an_attempt_that_came_back_can_be_cancelled_again),
	    T(a_parked_job_is_not_cancelled_but_resolved),
	    T(what_is_over_cannot_be_cancelled),
	    T(one_refusal_does_not_stop_the_others),
	    T(a_retry_begins_the_ladder_anew),
	    T(a_redial_is_one_more_call),
	    T(a_retry_after_a_redial_has_its_ladder),
	    T(only_what_is_over_is_called_again),
	    T(a_job_past_its_end_needs_a_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
