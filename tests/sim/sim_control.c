#include "sim_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "journal/journal_read.h"
#include "sim_stage.h"

const struct sim_control_name sim_control_names[] = {
    {SIM_WRONG_LEASE, "lease expired, run again"},
    {SIM_WRONG_NO_SETTLE, "query without settle time"},
    {SIM_WRONG_NO_LOCK, "settle without the owner's lock"},
    {SIM_WRONG_SETTLE_WALL, "settle from the intent's wall time"},
    {SIM_WRONG_KEY_FORGOTTEN, "key sent again after the carrier forgot it"},
    {SIM_WRONG_NORMAL, "synchronous=NORMAL with power cut"},
    {SIM_WRONG_RESTORE, "restored backup without lookup"}, {0, NULL}};

/* --- a person who does not look
 * ---------------------------------------------------- */

static enum err_code
accept_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	(void)tx;
	return journal_incarnation_accept(j, "bob", "it will be fine", err);
}

enum err_code
sim_control_after_restore(unsigned wrong, struct env *env, struct err *err)
{
	struct journal_options o = {.env = env,
	    .dir = SIM_DATA,
	    .mode = JOURNAL_MUST_EXIST,
	    .build_ms = 1000};
	struct journal_tx tx = {.run = accept_run, .cls = JOURNAL_CLAIM};
	struct journal *j = NULL;
	enum err_code code = ERR_NONE;

	if ((wrong & SIM_WRONG_RESTORE) == 0)
		return code;
	code = journal_open(&o, &j, err);
	if (code == ERR_NONE)
		code = journal_now(j, &tx, err);
	journal_close(&j);
	return code;
}

/* --- a reaper
 * ------------------------------------------------------------------------ */

struct reaping {
	struct journal_tx tx;
	int64_t attempts[SIM_JOBS_MAX * 4];
	size_t count;
};

static void
note_live(void *arg, const struct journal_attempt *a)
{
	struct reaping *r = arg;

	if (a->state == ATTEMPT_INTENT || a->state == ATTEMPT_UNKNOWN)
		if (r->count < ARRAY_LEN(r->attempts))
			r->attempts[r->count++] = a->id;
}

/* What a lease says: it is over, so nobody has it. */
static enum err_code
give_back(struct journal *j, int64_t id, struct err *err)
{
	struct journal_attempt a;
	struct journal_job job;
	struct journal_change doubt = {.job = &job,
	    .attempt = &a,
	    .attempt_event = ATTEMPT_EV_DOUBT,
	    .job_event = JOB_EV_NOTE};
	struct journal_change vanish = {.job = &job,
	    .attempt = &a,
	    .attempt_event = ATTEMPT_EV_VANISH,
	    .job_event = JOB_EV_LATER};
	enum err_code code = journal_attempt_get(j, id, &a, err);

	if (code == ERR_NONE)
		code = journal_job_get(j, id / 256, &job, err);
	if (code != ERR_NONE || a.armed_ms == 0 ||
	    a.armed_ms + SIM_LEASE_MS > journal_group_ms(j) ||
	    (a.state != ATTEMPT_INTENT && a.state != ATTEMPT_UNKNOWN))
		return code;
	if (a.state == ATTEMPT_INTENT)
		code = journal_step(j, &doubt, err);
	job.not_before_ms = journal_group_ms(j);
	if (code == ERR_NONE)
		code = journal_step(j, &vanish, err);
	return code;
}

static enum err_code
reap_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct reaping *r = CONTAINER_OF(tx, struct reaping, tx);
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < r->count && code == ERR_NONE; i++)
		code = give_back(j, r->attempts[i], err);
	return code;
}

static enum err_code
reap(struct journal *j, struct err *err)
{
	struct reaping r = {.tx = {.run = reap_run, .cls = JOURNAL_CLAIM}};
	enum err_code code = ERR_NONE;

	for (int64_t job = 1; job <= SIM_JOBS_MAX && code == ERR_NONE; job++)
		code = journal_read_attempts(j, job, note_live, &r, err);
	if (code == ERR_NONE)
		code = journal_now(j, &r.tx, err);
	return code;
}

static void
no_restart(void *arg)
{
	(void)arg;
}

static void
no_rows(void *arg, int64_t rows)
{
	(void)arg;
	(void)rows;
}

/* "It was armed long ago, so it has settled." */
static enum err_code
forget_settle(struct journal *j, struct env *env, struct err *err)
{
	static const struct journal_sql how = {
	    .write = true, .restart = no_restart, .changed = no_rows};
	char *sql = mem_printf(
	    "INSERT OR IGNORE INTO terms(text) SELECT "
	    "json_set(text,'$.settle_ms',1,'$.list_lag_ms',1) FROM terms;"
	    "UPDATE attempt SET terms=(SELECT t.id FROM terms t WHERE "
	    "t.text=(SELECT json_set(o.text,'$.settle_ms',1,'$.list_lag_ms',1)"
	    " FROM terms o WHERE o.id=attempt.terms)) WHERE state IN (%d,%d) "
	    "AND armed_ms<%" PRId64,
	    ATTEMPT_INTENT, ATTEMPT_UNKNOWN, env_now_ms(env) - SIM_LEASE_MS);
	enum err_code code = journal_sql(j, sql, &how, err);

	mem_free(&sql);
	return code;
}

enum err_code
sim_control_before_run(
    unsigned wrong, struct journal *j, struct env *env, struct err *err)
{
	enum err_code code = ERR_NONE;

	if ((wrong & SIM_WRONG_LEASE) != 0)
		code = reap(j, err);
	if (code == ERR_NONE && (wrong & SIM_WRONG_SETTLE_WALL) != 0)
		code = forget_settle(j, env, err);
	return code;
}

/* --- the faults that show it
 * --------------------------------------------------------- */

static struct sim_spell *
spell(struct sim_plan *p, enum sim_act act, int64_t ppm, int64_t value)
{
	struct sim_spell *s = &p->spells[p->spell_count++];

	*s = (struct sim_spell){.act = act,
	    .from_us = 0,
	    .to_us = p->end_us,
	    .ppm = ppm,
	    .value = value,
	    .device = SIM_DEVICE_DROPS};
	return s;
}

static void
acts(struct sim_plan *p, enum sim_actor actor, int64_t from_us, int64_t step_us,
    size_t count)
{
	for (size_t i = 0; i < count && p->act_count < SIM_ACTS_MAX; i++)
		p->acts[p->act_count++] = (struct sim_action){
		    .at_us = from_us + (int64_t)i * step_us, .actor = actor};
}

/* Cron comes often, so that it comes in the middle of what went wrong. */
static void
come_often(struct sim_plan *p)
{
	p->act_count = 0;
	p->slow = 1;
	p->end_us = INT64_C(30000000);
	acts(p, SIM_ACTOR_ENQUEUE, 1100000, 0, 1);
	acts(p, SIM_ACTOR_DRAIN, 1200000, 500000, SIM_ACTS_MAX);
}

void
sim_control_tune(struct sim_plan *p)
{
	/* Nothing but the mistake may break a promise: no carrier of a scene
	 * that breaks its own. */
	p->controlled = true;
	p->scene = NULL;
	p->list_late_ms = p->account_us = 0;
	p->memory_ms = p->key_window_ms = INT64_C(86400000);
	p->spell_count = 0;
	p->cls = CARRIER_NAMED;
	p->request_lost = p->answer_lost = p->error_after_place = 0;
	p->slow = 0.5;
	switch (p->wrong) {
	case SIM_WRONG_LEASE:
		p->answer_lost = 0.3;
		(void)spell(p, SIM_ACT_KILL, 1000, 0);
		break;
	case SIM_WRONG_NO_SETTLE:
		come_often(p);
		spell(p, SIM_ACT_KILL, 300000, 0)->point = "sim.dial.requested";
		break;
	case SIM_WRONG_NO_LOCK:
		/* It armed, and is stopped before its first byte. */
		come_often(p);
		spell(p, SIM_ACT_STOP, 300000, 15000000)->point =
		    "run.claim.durable";
		break;
	case SIM_WRONG_SETTLE_WALL:
		/* The same for longer than anybody waits; then it sends its
		 * request and dies, and the next one comes at once. */
		come_often(p);
		spell(p, SIM_ACT_STOP, 300000, 12000000)->point =
		    "run.claim.durable";
		spell(p, SIM_ACT_KILL, 300000, 0)->point = "sim.dial.requested";
		break;
	case SIM_WRONG_KEY_FORGOTTEN:
		p->cls = CARRIER_KEYED;
		p->answer_lost = 0.4;
		p->key_forgotten = 1;
		break;
	case SIM_WRONG_NORMAL:
		(void)spell(p, SIM_ACT_POWER, 500, 0);
		break;
	case SIM_WRONG_RESTORE:
	default:
		p->act_count = 0;
		acts(p, SIM_ACTOR_ENQUEUE, 1100000, 0, 1);
		acts(p, SIM_ACTOR_BACKUP, 1500000, 0, 1);
		acts(p, SIM_ACTOR_DRAIN, 2500000, 0, 1);
		acts(p, SIM_ACTOR_RESTORE, 9000000, 0, 1);
		break;
	}
}
