#include "run/run_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

#include "journal/journal_copy.h"
#include "journal/journal_prune.h"
#include "journal/journal_read.h"
#include "net/net_env.h"

#define CALLS_MAX 400

/* A network of a test's own: what it says, and what it says next time. */
struct net_call {
	char id[16], key[65];
	struct run_check_request request;
	uint8_t hash[SHA256_BYTES];
	int64_t placed;
	enum job_outcome outcome;
};

struct fix {
	char dir[64];
	struct env *env;
	struct journal *j;
	struct conf conf;
	int64_t job, intent;
	uint8_t hash[SHA256_BYTES];
	uint8_t key[SHA256_BYTES];
	struct net_call call[CALLS_MAX];
	size_t count;
	size_t first_count; /* calls that the first reading sees */
	int readings;
	int unreadable; /* the reading that fails; 0: none */
	const char *backup;
	struct run_check *c;
	struct err err;
};

#define OK(call)                                                \
	do {                                                    \
		if ((call) != ERR_NONE)                         \
			fail_msg("%s: %s", #call, f->err.text); \
	} while (0)

static enum err_code
each(void *impl, void (*fn)(void *arg, const struct run_check_call *call),
    void *arg, struct err *err)
{
	struct fix *f = impl;
	size_t n = f->readings++ == 0 ? f->first_count : f->count;

	if (f->readings == f->unreadable)
		return err_set(err, ERR_DAMAGED, 0, "line 7: no call");
	for (size_t i = 0; i < n; i++) {
		struct net_call *c = &f->call[i];

		c->request.hash = c->hash;
		fn(arg, &(struct run_check_call){.id = c->id,
			    .key = c->key,
			    .requests = &c->request,
			    .request_count = 1,
			    .placed = c->placed,
			    .outcome = c->outcome});
	}
	return ERR_NONE;
}

static enum err_code
try_check(struct fix *f, const struct run_check_network *network)
{
	struct run_check_options o = {.env = f->env,
	    .conf = &f->conf,
	    .journal = f->backup == NULL ? f->j : NULL,
	    .backup = f->backup,
	    .network = network};

	run_check_free(&f->c);
	f->readings = 0;
	return run_check(&o, &f->c, &f->err);
}

static void
check_as(struct fix *f, const struct run_check_network *network)
{
	OK(try_check(f, network));
}

/* Both readings see all, unless first_count says otherwise. */
static const struct run_check *
check(struct fix *f)
{
	struct run_check_network network = {.each = each, .impl = f};

	check_as(f, &network);
	return f->c;
}

static void
only(struct fix *f, int invariant, const char *word)
{
	const struct run_check *c = f->c;

	assert_false(c->ok);
	for (int i = 1; i <= RUN_CHECK_INVARIANTS; i++)
		if ((run_check_at(c, i)->ok == JOURNAL_FALSE) !=
		    (i == invariant))
			fail_msg("I%d is %d: %s", i, run_check_at(c, i)->ok,
			    run_check_at(c, i)->shown > 0
				? run_check_at(c, i)->violation[0]
				: "");
	if (strstr(run_check_at(c, invariant)->violation[0], word) == NULL)
		fail_msg("\"%s\" lacks \"%s\"",
		    run_check_at(c, invariant)->violation[0], word);
}

/* --- one job with one attempt --- */

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

static enum err_code
arm(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_attempt a = {.is_new = true, .has_key = true};
	struct journal_change c = {.job = &job,
	    .attempt = &a,
	    .attempt_event = ATTEMPT_EV_ARM,
	    .job_event = JOB_EV_CLAIM};

	OK(journal_job_get(j, f->job, &job, &f->err));
	job.attempts++;
	job.tries++;
	a.id = f->job * 256 + job.attempts;
	a.owner = journal_owner(j);
	a.number = 15125550100;
	a.campaign_id = job.campaign_id;
	a.kind_id = job.kind_id;
	memcpy(a.key, f->key, sizeof(a.key));
	a.armed_ms = journal_group_ms(j);
	a.dial_until_ms = a.armed_ms + 600000;
	OK(journal_step(j, &c, &f->err));
	f->intent = a.last;
	memcpy(f->hash, job.last_hash, sizeof(f->hash));
	return ERR_NONE;
}

static enum err_code
finish(struct fix *f, struct journal *j, enum attempt_event event,
    enum job_event job_event, enum job_outcome outcome)
{
	struct journal_job job;
	struct journal_attempt a;
	struct journal_change c = {.job = &job,
	    .attempt = &a,
	    .attempt_event = event,
	    .job_event = job_event};

	OK(journal_job_get(j, f->job, &job, &f->err));
	OK(journal_attempt_get(j, f->job * 256 + job.attempts, &a, &f->err));
	a.outcome = outcome;
	job.outcome = outcome;
	OK(journal_step(j, &c, &f->err));
	return job_is_final(job.state)
		   ? journal_outbox_add(j, &job, a.id, &f->err)
		   : ERR_NONE;
}

static enum err_code
end_busy(struct fix *f, struct journal *j)
{
	return finish(f, j, ATTEMPT_EV_END, JOB_EV_FINISH, JOB_OUTCOME_BUSY);
}

static enum err_code
end_none(struct fix *f, struct journal *j)
{
	return finish(f, j, ATTEMPT_EV_END, JOB_EV_FINISH, JOB_OUTCOME_NONE);
}

static enum err_code
refuse(struct fix *f, struct journal *j)
{
	return finish(
	    f, j, ATTEMPT_EV_REFUSE, JOB_EV_FAIL, JOB_OUTCOME_REFUSED);
}

static enum err_code
interrupt(struct fix *f, struct journal *j)
{
	return finish(
	    f, j, ATTEMPT_EV_END, JOB_EV_FINISH, JOB_OUTCOME_INTERRUPTED);
}

static enum err_code
restored(struct fix *f, struct journal *j)
{
	int64_t id = 0;

	return journal_deed(j, "restore", "ana", "", &id, &f->err);
}

/* The network's side of the attempt's call. */
static struct net_call *
ring(struct fix *f, enum job_outcome outcome)
{
	struct net_call *c = &f->call[f->count++];

	f->first_count = f->count;
	(void)snprintf(c->id, sizeof(c->id), "call-%zu", f->count);
	(void)text_hex(f->key, sizeof(f->key), c->key);
	memcpy(c->hash, f->hash, sizeof(c->hash));
	c->request.event = f->intent;
	c->request.at_ms = env_now_ms(f->env);
	c->placed = 1;
	c->outcome = outcome;
	return c;
}

static int
setup(void **state)
{
	struct fix *f = mem_zalloc(1, sizeof(*f));
	struct journal_options o = {.mode = JOURNAL_CREATE, .build_ms = 1000};

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/dsrun-check-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	OK(net_env_open(&f->env, &f->err));
	f->conf.dir = f->dir;
	o.env = f->env;
	o.dir = f->dir;
	OK(journal_open(&o, &f->j, &f->err));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	memset(f->key, 7, sizeof(f->key));
	act(f, add);
	act(f, arm);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;
	char cmd[128];

	run_check_free(&f->c);
	journal_close(&f->j);
	net_env_close(&f->env);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	mem_free(&f);
	return 0;
}

static void
what_both_say_is_true(void **state)
{
	struct fix *f = *state;

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	assert_true(check(f)->ok);
	assert_int_equal(f->c->calls, 1);
	assert_int_equal(run_check_at(f->c, 1)->checked, 1);
	assert_int_equal(run_check_at(f->c, 2)->checked, 1);
	assert_int_equal(run_check_at(f->c, 12)->checked, 1);
	assert_int_equal(run_check_at(f->c, 14)->checked, 1);
	assert_int_equal(run_check_at(f->c, 15)->checked, 1);
	assert_int_equal(f->readings, 1);
}

static void
what_happened_between_two_readings_is_no_lie(void **state)
{
	struct fix *f = *state;

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	f->first_count = 0;
	assert_true(check(f)->ok);
	assert_int_equal(f->readings, 2);
}

static void
an_end_that_the_network_never_told_is_a_lie(void **state)
{
	struct fix *f = *state;

	(void)ring(f, JOB_OUTCOME_NONE);
	act(f, end_busy);
	(void)check(f);
	only(f, 15, "never said so");
	f->call[0].outcome = JOB_OUTCOME_COMPLETED;
	(void)check(f);
	only(f, 15, "busy");
}

/* Nothing was said of how: that it rang is all that is claimed. */
static void
an_end_without_an_outcome_must_have_rung(void **state)
{
	struct fix *f = *state;

	act(f, end_none);
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 15)->ok, JOURNAL_FALSE);
	(void)ring(f, JOB_OUTCOME_BUSY);
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 15)->ok, JOURNAL_TRUE);
}

static void
an_interrupted_call_must_have_rung(void **state)
{
	struct fix *f = *state;

	act(f, interrupt);
	ring(f, JOB_OUTCOME_COMPLETED)->placed = 1;
	assert_true(check(f)->ok);
	f->call[0].placed = 0;
	(void)check(f);
	only(f, 15, "interrupted");
}

static void
a_refusal_must_have_been_asked_for_and_not_have_rung(void **state)
{
	struct fix *f = *state;

	act(f, refuse);
	(void)check(f);
	only(f, 15, "REFUSED");
	ring(f, JOB_OUTCOME_NONE)->placed = 0;
	assert_true(check(f)->ok);
	f->call[0].placed = 1;
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 14)->ok, JOURNAL_FALSE);
}

static void
two_rings_for_one_key_are_two_too_many(void **state)
{
	struct fix *f = *state;

	(void)ring(f, JOB_OUTCOME_BUSY);
	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 1)->ok, JOURNAL_FALSE);
	assert_int_equal(run_check_at(f->c, 14)->ok, JOURNAL_FALSE);
	assert_int_equal(run_check_at(f->c, 2)->ok, JOURNAL_TRUE);
}

/* All of them are counted, so many are told. */
static void
what_is_wrong_300_times_is_told_20_times(void **state)
{
	struct fix *f = *state;
	const struct journal_check_item *item;

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	for (int i = 0; i < 300; i++) {
		struct net_call *c = ring(f, JOB_OUTCOME_BUSY);

		(void)snprintf(c->key, sizeof(c->key), "%064d", i);
	}
	item = run_check_at(check(f), 2);
	assert_int_equal(f->c->calls, 301);
	assert_int_equal(item->violations, 300);
	assert_int_equal(item->shown, JOURNAL_CHECK_SHOWN);
	/* The same of another life are listed, and not more of them. */
	for (size_t i = 1; i < f->count; i++)
		f->call[i].request.at_ms = journal_opened_ms(f->j) - 1;
	act(f, restored);
	assert_true(check(f)->ok);
	assert_int_equal(f->c->listed_count, 300);
	assert_int_equal(f->c->listed_shown, JOURNAL_CHECK_SHOWN);
}

static void
a_log_that_cannot_be_read_again_is_an_error(void **state)
{
	struct fix *f = *state;
	struct run_check_network network = {.each = each, .impl = f};

	act(f, end_busy); /* of which the network says nothing */
	for (f->unreadable = 1; f->unreadable <= 2; f->unreadable++) {
		assert_int_equal(try_check(f, &network), ERR_DAMAGED);
		assert_non_null(strstr(f->err.text, "no call"));
		assert_null(f->c);
	}
}

/* CLAIMED only: nothing was sent for it, in this life. */
static enum err_code
claim_another(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_attempt a = {.is_new = true, .has_key = true};
	struct journal_change c = {.job = &job,
	    .attempt = &a,
	    .attempt_event = ATTEMPT_EV_CLAIM,
	    .job_event = JOB_EV_CLAIM};

	OK(journal_job_get(j, f->job + 1, &job, &f->err));
	job.attempts++;
	a.id = job.id * 256 + job.attempts;
	a.owner = journal_owner(j);
	a.number = 15125550101;
	a.campaign_id = job.campaign_id;
	a.kind_id = job.kind_id;
	memset(a.key, 9, sizeof(a.key));
	return journal_step(j, &c, &f->err);
}

static enum err_code
release_another(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_attempt a;
	struct journal_change c = {.job = &job,
	    .attempt = &a,
	    .attempt_event = ATTEMPT_EV_RELEASE,
	    .job_event = JOB_EV_RELEASE};

	OK(journal_job_get(j, f->job + 1, &job, &f->err));
	OK(journal_attempt_get(j, job.id * 256 + 1, &a, &f->err));
	return journal_step(j, &c, &f->err);
}

static enum err_code
end_unknown(struct fix *f, struct journal *j)
{
	return finish(f, j, ATTEMPT_EV_END, JOB_EV_FINISH, JOB_OUTCOME_UNKNOWN);
}

/* Only a person may not know; a network that rang says how it ended. */
static void
an_end_that_is_unknown_needs_a_person_or_a_call(void **state)
{
	struct fix *f = *state;

	act(f, end_unknown);
	(void)check(f);
	only(f, 15, "unknown");
	(void)ring(f, JOB_OUTCOME_COMPLETED);
	assert_true(check(f)->ok);
}

static enum err_code add_another(struct fix *f, struct journal *j);

static void
a_phone_that_rang_for_an_attempt_that_was_never_armed_is_named(void **state)
{
	struct fix *f = *state;
	struct net_call *c;

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	act(f, add_another);
	act(f, claim_another);
	c = ring(f, JOB_OUTCOME_NONE);
	for (int i = 0; i < 64; i++)
		c->key[i] = i % 2 == 0 ? '0' : '9';
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 2)->ok, JOURNAL_FALSE);
	assert_non_null(
	    strstr(run_check_at(f->c, 2)->violation[0], "was never armed"));
	assert_non_null(
	    strstr(run_check_at(f->c, 14)->violation[0], "CLAIMED"));
	act(f, release_another);
	(void)check(f);
	assert_non_null(strstr(run_check_at(f->c, 14)->violation[0], "NEW"));
	/* A life that a restore ended may have armed it: that is listed. */
	c->request.at_ms = journal_opened_ms(f->j) - 1;
	act(f, restored);
	assert_true(check(f)->ok);
	assert_int_equal(f->c->listed_count, 2);
}

static void
a_network_whose_clock_is_slow_is_not_accused(void **state)
{
	struct fix *f = *state;

	ring(f, JOB_OUTCOME_BUSY)->request.at_ms -= 3000;
	act(f, end_busy);
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 2)->ok, JOURNAL_TRUE);
}

static void
a_request_after_its_time_is_named(void **state)
{
	struct fix *f = *state;

	ring(f, JOB_OUTCOME_BUSY)->request.at_ms += 600001;
	act(f, end_busy);
	(void)check(f);
	only(f, 12, "allowed until");
}

static void
keys_that_are_none_of_ours_are_named(void **state)
{
	struct fix *f = *state;

	(void)snprintf(ring(f, JOB_OUTCOME_NONE)->key, 65, "not hex");
	(void)check(f);
	only(f, 2, "call-1");
}

static void
a_life_lost_before_a_restore_is_listed_not_counted(void **state)
{
	struct fix *f = *state;
	struct net_call *c = ring(f, JOB_OUTCOME_NONE);

	c->request.at_ms = journal_opened_ms(f->j) - 1;
	memset(c->key, 'a', 64);
	(void)check(f);
	only(f, 2, "no attempt has");
	act(f, restored);
	assert_true(check(f)->ok);
	assert_int_equal(f->c->listed_count, 1);
	/* What came after it is counted as ever. */
	c->request.at_ms = env_now_ms(f->env) + 11000; /* clocks differ */
	(void)check(f);
	only(f, 2, "no attempt has");
}

/* Its key was asked for in both: the attempt itself is known. */
static void
a_lost_life_s_request_beside_one_of_ours_is_listed(void **state)
{
	struct fix *f = *state;

	for (int i = 0; i < 3; i++) {
		struct net_call *c = ring(f, JOB_OUTCOME_BUSY);

		c->placed = i == 1;
		if (i == 1)
			continue;
		c->request.at_ms = journal_opened_ms(f->j) - 1;
		c->request.event = f->intent + 100;
	}
	act(f, end_busy);
	(void)check(f);
	only(f, 2, "armed by another event");
	act(f, restored);
	assert_true(check(f)->ok);
	assert_int_equal(f->c->listed_count, 2);
	/* Both rang: that is one phone too many in any life. */
	f->call[0].placed = 1;
	(void)check(f);
	assert_int_equal(run_check_at(f->c, 1)->ok, JOURNAL_FALSE);
	assert_non_null(
	    strstr(run_check_at(f->c, 1)->violation[0], "2 phones rang"));
}

/* Of job 2, for which nothing was ever asked. */
static enum err_code
end_another_by_word(struct fix *f, struct journal *j)
{
	struct journal_job job;
	struct journal_change c = {.job = &job, .job_event = JOB_EV_PARK};
	int64_t woken = 0;

	OK(journal_wake(j, INT64_MAX, &woken, &f->err));
	OK(journal_job_get(j, 2, &job, &f->err));
	job.reason = JOB_REASON_RESTORED;
	OK(journal_step(j, &c, &f->err));
	job.outcome = JOB_OUTCOME_UNKNOWN;
	job.reason = JOB_REASON_NONE;
	c.job_event = JOB_EV_FINISH;
	OK(journal_step(j, &c, &f->err));
	return journal_outbox_add(j, &job, 0, &f->err);
}

static void
a_job_that_a_person_ended_needs_no_call(void **state)
{
	struct fix *f = *state;

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	act(f, add_another);
	act(f, end_another_by_word);
	assert_true(check(f)->ok);
	assert_int_equal(run_check_at(f->c, 15)->checked, 2);
}

static enum err_code
pushed(struct fix *f, struct journal *j)
{
	return journal_outbox_set(j, 1, JOURNAL_OUTBOX_DONE, 0, NULL, &f->err);
}

static enum err_code
add_another(struct fix *f, struct journal *j)
{
	uint8_t content[JOB_CONTENT_BYTES] = {2};
	struct journal_new_job n = {.source = "file",
	    .ext = "job-2",
	    .kind = "intro",
	    .campaign = "spring",
	    .content = content,
	    .phone = "+15125550101",
	    .contact = "{}",
	    .data = "{}"};
	enum journal_added result;
	int64_t id = 0;

	return journal_job_add(j, &n, &result, &id, &f->err);
}

static void
a_pruned_jobs_call_is_found_in_the_archive(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {.before_ms = env_now_ms(f->env) + 60000};
	char cmd[128];

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	act(f, pushed);
	act(f, add_another);
	OK(journal_prune(f->j, &p, &f->err));
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	assert_true(check(f)->ok);
	assert_int_equal(run_check_at(f->c, 14)->checked, 1);
	/* It still has to be the one that was armed ... */
	f->call[0].hash[0] ^= 1;
	(void)check(f);
	only(f, 2, "another hash");
	/* ... unless the archive was taken away: then nobody can say. */
	(void)snprintf(cmd, sizeof(cmd), "rm -r '%s/archive'", f->dir);
	assert_int_equal(system(cmd), 0);
	assert_true(check(f)->ok);
}

static void
shell(struct fix *f, const char *command)
{
	char *line = mem_printf("cd '%s' && %s", f->dir, command);

	assert_int_equal(system(line), 0);
	mem_free(&line);
}

static void
calls_are_not_counted_against_an_archive_that_was_altered(void **state)
{
	struct fix *f = *state;
	struct run_check_network network = {.each = each, .impl = f};
	struct journal_prune p = {.before_ms = env_now_ms(f->env) + 60000};

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	act(f, pushed);
	act(f, add_another);
	OK(journal_prune(f->j, &p, &f->err));
	journal_prune_fini(&p);
	/* Other files there are none of its business. */
	shell(f, "touch archive/pruned-notes.txt archive/other.jsonl");
	assert_true(check(f)->ok);
	/* One is enough, whatever the next one says. */
	shell(f, "cp archive/pruned-2*.jsonl archive/pruned-9.jsonl; "
		 "for a in archive/pruned-*.jsonl; do "
		 "sed -i 's/busy/idle/' $a; done");
	assert_int_equal(try_check(f, &network), ERR_DAMAGED);
	assert_null(f->c);
}

static void
a_backup_is_not_blamed_for_what_came_after_it(void **state)
{
	struct fix *f = *state;
	char path[96];
	struct net_call *later;

	(void)ring(f, JOB_OUTCOME_NONE);
	(void)snprintf(path, sizeof(path), "%s/copy.db", f->dir);
	OK(journal_backup(f->j, path, &f->err));
	f->backup = path;
	assert_true(check(f)->ok);
	assert_int_equal(run_check_at(f->c, 12)->ok, JOURNAL_UNKNOWN);
	assert_int_equal(f->c->files.ok, JOURNAL_UNKNOWN);
	/* Of a job that it does not have, and of one that it has. */
	later = ring(f, JOB_OUTCOME_NONE);
	later->request.event += 100;
	memset(later->key, 'a', 64);
	ring(f, JOB_OUTCOME_BUSY)->request.event += 100;
	assert_true(check(f)->ok);
	/* An earlier one it must have. */
	later->request.event = 1;
	(void)check(f);
	only(f, 2, "no attempt has");
}

static void
a_backup_of_a_pruned_journal_is_not_blamed_for_its_archive(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {.before_ms = env_now_ms(f->env) + 60000};
	char path[96];

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	act(f, pushed);
	act(f, add_another);
	OK(journal_prune(f->j, &p, &f->err));
	journal_prune_fini(&p);
	(void)snprintf(path, sizeof(path), "%s/copy.db", f->dir);
	OK(journal_backup(f->j, path, &f->err));
	shell(f, "rm -r archive");
	f->backup = path;
	/* what its archive had can have been of that call */
	assert_true(check(f)->ok);
}

/* --- files --- */

static enum err_code
put_files(struct fix *f, struct journal *j)
{
	struct journal_artifact a = {.bytes = 5};

	sha256_once("hello", 5, a.sha256);
	for (a.kind = 0; a.kind < 4; a.kind++) {
		(void)snprintf(a.path, sizeof(a.path), "%d.x", a.kind);
		OK(journal_artifact_put(j, f->job * 256 + 1, &a, &f->err));
	}
	return ERR_NONE;
}

static void
a_file_that_is_gone_or_another_is_told(void **state)
{
	struct fix *f = *state;

	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	act(f, put_files);
	shell(f, "mkdir -p recordings && cd recordings && "
		 "for n in 0 1 2 3; do printf hello > $n.x; done");
	assert_true(check(f)->ok);
	assert_int_equal(f->c->files.checked, 4);
	assert_int_equal(f->c->files.ok, JOURNAL_TRUE);
	/* gone is what a person may do to them */
	shell(f, "rm recordings/3.x");
	assert_true(check(f)->ok);
	assert_int_equal(f->c->listed_count, 1);
	assert_non_null(strstr(f->c->listed[0], "3.x, the file of attempt 1"));
	shell(f, "printf hallo > recordings/0.x; printf x >> recordings/1.x; "
		 "rm recordings/2.x && mkdir recordings/2.x && "
		 "truncate -s 5 recordings/3.x");
	assert_false(check(f)->ok);
	assert_int_equal(f->c->files.ok, JOURNAL_FALSE);
	assert_non_null(strstr(f->c->files.violation[0], "0.x, the recording"));
	assert_non_null(strstr(f->c->files.violation[0], "was altered"));
	assert_non_null(
	    strstr(f->c->files.violation[1], "has 6 bytes, 5 were written"));
}

static void
without_a_network_nothing_is_claimed_of_it(void **state)
{
	struct fix *f = *state;
	struct run_check_network none = {.why = "no log"};
	static const int mine[] = {1, 2, 12, 14, 15};

	check_as(f, &none);
	assert_true(f->c->ok);
	for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
		const struct journal_check_item *item =
		    run_check_at(f->c, mine[i]);

		assert_int_equal(item->ok, JOURNAL_UNKNOWN);
		assert_string_equal(item->why, "no log");
	}
	assert_string_equal(run_check_at(f->c, 8)->name, "I8");
	assert_int_equal(run_check_at(f->c, 8)->ok, JOURNAL_TRUE);
}

static void
hours_of_a_kind_that_is_not_found_are_unseen(void **state)
{
	struct fix *f = *state;
	char name[] = "intro";
	char here[96];
	struct conf_kind kind = {.name = name, .path = here};

	f->conf.kinds = &kind;
	f->conf.kind_count = 1;
	(void)ring(f, JOB_OUTCOME_BUSY);
	act(f, end_busy);
	(void)snprintf(here, sizeof(here), "%s/intro.yaml", f->dir);
	assert_true(check(f)->ok);
	assert_int_equal(run_check_at(f->c, 12)->ok, JOURNAL_UNKNOWN);
	assert_non_null(
	    strstr(run_check_at(f->c, 12)->why, "hours were not compared"));
	/* What the journal says by itself is still held against it. */
	f->call[0].request.at_ms += 3600000;
	(void)check(f);
	only(f, 12, "it was allowed until");
	f->conf.kinds = NULL;
	f->conf.kind_count = 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_both_say_is_true),
	    T(what_happened_between_two_readings_is_no_lie),
	    T(an_end_that_the_network_never_told_is_a_lie),
	    T(an_end_without_an_outcome_must_have_rung),
	    T(an_interrupted_call_must_have_rung),
	    T(a_refusal_must_have_been_asked_for_and_not_have_rung),
	    T(two_rings_for_one_key_are_two_too_many),
	    T(what_is_wrong_300_times_is_told_20_times),
	    T(a_log_that_cannot_be_read_again_is_an_error),
	    T(a_phone_that_rang_for_an_attempt_that_was_never_armed_is_named),
	    T(calls_are_not_counted_against_an_archive_that_was_altered),
	    T(a_backup_is_not_blamed_for_what_came_after_it),
	    T(a_backup_of_a_pruned_journal_is_not_blamed_for_its_archive),
	    T(a_file_that_is_gone_or_another_is_told),
	    T(an_end_that_is_unknown_needs_a_person_or_a_call),
	    T(a_network_whose_clock_is_slow_is_not_accused),
	    T(a_request_after_its_time_is_named),
	    T(keys_that_are_none_of_ours_are_named),
	    T(a_life_lost_before_a_restore_is_listed_not_counted),
	    T(a_lost_life_s_request_beside_one_of_ours_is_listed),
	    T(a_job_that_a_person_ended_needs_no_call),
	    T(a_pruned_jobs_call_is_found_in_the_archive),
	    T(without_a_network_nothing_is_claimed_of_it),
	    T(hours_of_a_kind_that_is_not_found_are_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
