#include "sim_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "sim_scene.h"

#define SECOND_US INT64_C(1000000)

/* Prefixes by which the stage's personas are chosen. */
static const char *const prefixes[] = {"+1999", "+1999", "+1999", "+1888",
    "+1777", "+1666", "+1555", "+1556", "+1557", "+1444"};

const char *
sim_actor_name(enum sim_actor actor)
{
	static const char *const names[SIM_ACTOR_COUNT] = {"enqueue", "drain",
	    "worker", "sync", "cancel", "resolve", "retry", "pause", "resume",
	    "dnc", "backup", "restore", "adopt", "term", "kill", "stop",
	    "power", "clock", "full", "lose"};

	return names[actor];
}

const char *
sim_deed_name(const struct sim_deed *d)
{
	static const char *const orders[] = {"go", "eio", "enospc", "emfile",
	    "short", "lie", "lost", "mute", "dead"};
	static const char *const acts[] = {
	    "none", "order", "kill", "power", "stop", "clock", "nomem"};

	return d->act == SIM_ACT_ORDER ? orders[d->order] : acts[d->act];
}

static void
make_network(struct sim_plan *p, struct sim_rand *r)
{
	p->cls = (enum carrier_class)sim_rand_below(r, CARRIER_CLASS_COUNT);
	if (sim_rand_ppm(r, 700000)) {
		double rate = (double)sim_rand_between(r, 2, 40) / 100.0;

		p->request_lost = sim_rand_ppm(r, 500000) ? rate : 0;
		p->answer_lost = sim_rand_ppm(r, 500000) ? rate : 0;
		p->error_after_place = sim_rand_ppm(r, 500000) ? rate : 0;
		p->slow = sim_rand_ppm(r, 500000) ? rate : 0;
		p->callback_duplicate = sim_rand_ppm(r, 500000) ? rate : 0;
		p->callback_late = sim_rand_ppm(r, 500000) ? rate : 0;
	}
	p->concurrency =
	    sim_rand_ppm(r, 300000) ? sim_rand_between(r, 1, 3) : 10;
	p->checkpoint_bytes =
	    sim_rand_ppm(r, 300000) ? sim_rand_between(r, 1, 30) * 4096 : 0;
	p->prepare = sim_rand_ppm(r, 300000);
	p->memory_ms = sim_rand_ppm(r, 200000) ? 20000 : 86400000;
	p->key_window_ms = sim_rand_ppm(r, 200000) ? 12000 : 86400000;
	p->with_model = sim_rand_ppm(r, 30000);
}

static void
make_jobs(struct sim_plan *p, struct sim_rand *r)
{
	static const char *const kinds[] = {"q", "q", "w", "w", "o", "c"};

	p->job_count = SIM_JOBS_MAX;
	for (size_t i = 0; i < p->job_count; i++) {
		struct sim_job *j = &p->jobs[i];
		int64_t who = sim_rand_below(r, 12);

		(void)snprintf(j->id, sizeof(j->id), "j%zu", i);
		(void)snprintf(j->phone, sizeof(j->phone), "%s%07" PRId64,
		    prefixes[sim_rand_below(r, (int64_t)ARRAY_LEN(prefixes))],
		    who);
		(void)snprintf(j->kind, sizeof(j->kind), "%s",
		    kinds[sim_rand_below(r, (int64_t)ARRAY_LEN(kinds))]);
		(void)snprintf(j->campaign, sizeof(j->campaign), "c%" PRId64,
		    sim_rand_below(r, 2) + 1);
		if (sim_rand_ppm(r, 200000))
			(void)snprintf(j->org, sizeof(j->org), "o%" PRId64,
			    sim_rand_below(r, 2));
		if (sim_rand_ppm(r, 200000))
			j->not_before_s = sim_rand_between(r, 1, 90);
		if (sim_rand_ppm(r, 100000))
			j->expires_s =
			    j->not_before_s + sim_rand_between(r, 1, 300);
		/* A carrier that always says "later" is asked for ever. */
		if (strncmp(j->phone, "+1557", 5) == 0 && j->expires_s == 0)
			j->expires_s =
			    j->not_before_s + sim_rand_between(r, 10, 300);
		j->priority = sim_rand_below(r, 3);
	}
}

static void
act(struct sim_plan *p, int64_t at_us, enum sim_actor actor, int64_t value)
{
	if (p->act_count < SIM_ACTS_MAX)
		p->acts[p->act_count++] = (struct sim_action){
		    .at_us = at_us, .actor = actor, .value = value};
}

static int64_t
when(const struct sim_plan *p, struct sim_rand *r)
{
	return sim_rand_between(r, SECOND_US, p->end_us - 1);
}

static int64_t
clock_offset(struct sim_rand *r)
{
	static const int64_t offsets[] = {3600000, -3600000, 3000, -3000,
	    /* back to 1970, on to 2036 */
	    -SIM_START_MS, INT64_C(2082758400000) - SIM_START_MS};

	return offsets[sim_rand_below(r, (int64_t)ARRAY_LEN(offsets))];
}

/* What people and the world do. */
static void
make_acts_of_others(struct sim_plan *p, struct sim_rand *r)
{
	if (sim_rand_ppm(r, 150000))
		act(p, when(p, r), SIM_ACTOR_CANCEL,
		    sim_rand_below(r, (int64_t)p->job_count));
	if (sim_rand_ppm(r, 150000))
		act(p, when(p, r), SIM_ACTOR_RESOLVE, 0);
	if (sim_rand_ppm(r, 100000))
		act(p, when(p, r), SIM_ACTOR_RETRY,
		    sim_rand_below(r, (int64_t)p->job_count));
	if (sim_rand_ppm(r, 80000)) {
		act(p, when(p, r), SIM_ACTOR_PAUSE, 0);
		act(p, when(p, r), SIM_ACTOR_RESUME, 0);
	}
	if (sim_rand_ppm(r, 80000))
		act(p, when(p, r), SIM_ACTOR_DNC,
		    sim_rand_below(r, (int64_t)p->job_count));
	for (int i = 0; i < 2; i++)
		if (sim_rand_ppm(r, 300000))
			act(p, when(p, r), SIM_ACTOR_TERM, 0);
	for (int i = 0; i < 3; i++)
		if (sim_rand_ppm(r, 400000))
			act(p, when(p, r), SIM_ACTOR_KILL, 0);
	if (sim_rand_ppm(r, 200000))
		act(p, when(p, r), SIM_ACTOR_STOP,
		    sim_rand_between(r, 100, 60000));
	if (sim_rand_ppm(r, 200000))
		act(p, when(p, r), SIM_ACTOR_POWER,
		    sim_rand_below(r, SIM_DEVICE_COUNT));
	if (sim_rand_ppm(r, 120000)) {
		act(p, when(p, r), SIM_ACTOR_CLOCK, clock_offset(r));
		if (sim_rand_ppm(r, 500000))
			act(p, when(p, r), SIM_ACTOR_CLOCK, 0);
	}
	if (sim_rand_ppm(r, 120000)) {
		act(p, when(p, r), SIM_ACTOR_FULL,
		    sim_rand_between(r, 0, 200000));
		act(p, when(p, r), SIM_ACTOR_FULL, INT64_C(1) << 40);
	}
	if (sim_rand_ppm(r, 80000)) {
		/* A backup of a journal that has known no moment says nothing
		 * of when it was made. */
		int64_t at = 1300000 + when(p, r) / 2;

		act(p, at, SIM_ACTOR_BACKUP, 0);
		act(p, at + when(p, r) / 2, SIM_ACTOR_RESTORE, 0);
	}
}

static void
sort_acts(struct sim_plan *p)
{
	for (size_t i = 1; i < p->act_count; i++)
		for (size_t k = i;
		     k > 0 && p->acts[k].at_us < p->acts[k - 1].at_us; k--) {
			struct sim_action a = p->acts[k];

			p->acts[k] = p->acts[k - 1];
			p->acts[k - 1] = a;
		}
}

/* The cron line of every minute, and perhaps a worker beside it. */
static void
make_acts(struct sim_plan *p, struct sim_rand *r)
{
	int64_t step = sim_rand_between(r, 25, 60) * SECOND_US;

	act(p, 1100000, SIM_ACTOR_ENQUEUE, 0);
	/* At the same time: who makes the journal, and whose jobs are they? */
	if (sim_rand_ppm(r, 150000))
		act(p, 1100000 + sim_rand_below(r, 20000), SIM_ACTOR_ENQUEUE,
		    0);
	if (sim_rand_ppm(r, 100000))
		act(p, when(p, r), SIM_ACTOR_ENQUEUE, 0);
	if (sim_rand_ppm(r, 300000))
		act(p, 1200000, SIM_ACTOR_WORKER, 0);
	for (int64_t at = 1200000; at < p->end_us; at += step) {
		act(p, at, SIM_ACTOR_DRAIN, 0);
		if (sim_rand_ppm(r, 250000))
			act(p, at + sim_rand_below(r, SECOND_US),
			    SIM_ACTOR_DRAIN, 0);
		if (sim_rand_ppm(r, 150000))
			act(p, at + sim_rand_below(r, step), SIM_ACTOR_SYNC, 0);
	}
	make_acts_of_others(p, r);
	sort_acts(p);
}

struct spell_kind {
	enum sim_act act;
	enum sim_order order;
	int64_t often_ppm;           /* that a run has it at all */
	int64_t least_ppm, most_ppm; /* at each call meanwhile */
	bool hot;
};

static const struct spell_kind spell_kinds[] = {
    {SIM_ACT_KILL, SIM_GO, 500000, 300, 6000, false},
    {SIM_ACT_STOP, SIM_GO, 200000, 100, 2000, false},
    {SIM_ACT_POWER, SIM_GO, 150000, 100, 1500, false},
    {SIM_ACT_ORDER, SIM_EIO, 120000, 100, 20000, false},
    {SIM_ACT_ORDER, SIM_ENOSPC, 150000, 100, 100000, false},
    {SIM_ACT_ORDER, SIM_SHORT, 100000, 100, 50000, false},
    {SIM_ACT_ORDER, SIM_EMFILE, 100000, 1000, 100000, false},
    {SIM_ACT_NOMEM, SIM_GO, 80000, 100, 2000, false}};

/*
 * Drawn apart, so that plans stay what they were: the carrier's own calls; and
 * faults that come again and again at the same few places, for what goes wrong
 * between two calls is seldom met by a fault that may be anywhere.
 */
static const struct spell_kind more_kinds[] = {
    {SIM_ACT_ORDER, SIM_LOST, 250000, 50000, 800000, false},
    {SIM_ACT_ORDER, SIM_MUTE, 150000, 50000, 500000, false},
    {SIM_ACT_KILL, SIM_GO, 350000, 10000, 200000, true},
    {SIM_ACT_STOP, SIM_GO, 350000, 20000, 400000, true},
    {SIM_ACT_POWER, SIM_GO, 120000, 5000, 60000, true}};

static void
make_spells(struct sim_plan *p, struct sim_rand *r,
    const struct spell_kind *kinds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct spell_kind *k = &kinds[i];
		int64_t n = sim_rand_ppm(r, k->often_ppm)
				? sim_rand_between(r, 1, 3)
				: 0;

		for (; n > 0 && p->spell_count < SIM_SPELLS_MAX; n--) {
			struct sim_spell *s = &p->spells[p->spell_count++];

			s->act = k->act;
			s->order = k->order;
			s->hot = k->hot;
			s->from_us = sim_rand_below(r, p->end_us);
			/* Most of the work is done early. */
			s->from_us = s->from_us * s->from_us / p->end_us;
			s->to_us =
			    s->from_us +
			    sim_rand_between(r, SECOND_US / 10, p->end_us / 3);
			s->ppm = sim_rand_between(r, k->least_ppm, k->most_ppm);
			s->device = (enum sim_device)sim_rand_below(
			    r, SIM_DEVICE_COUNT);
			s->value = k->act == SIM_ACT_STOP
				       ? sim_rand_between(r, 1000, 60000000)
				       : sim_rand_between(r, 1, 400);
		}
	}
}

void
sim_plan_make(struct sim_plan *p, uint64_t seed)
{
	struct sim_rand r = sim_rand_of(seed, 10);

	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->reboot_us = 30 * SECOND_US;
	p->end_us = sim_rand_between(&r, 15, 75) * SECOND_US;
	p->preempt_ppm =
	    sim_rand_ppm(&r, 700000) ? sim_rand_between(&r, 1000, 200000) : 0;
	make_network(p, &r);
	make_jobs(p, &r);
	make_acts(p, &r);
	make_spells(p, &r, spell_kinds, ARRAY_LEN(spell_kinds));
	p->reads_all = sim_rand_ppm(&r, 60000);
	p->images = sim_rand_ppm(&r, 900000);
	p->waits = sim_rand_ppm(&r, 750000);
	r = sim_rand_of(seed, 12);
	make_spells(p, &r, more_kinds, ARRAY_LEN(more_kinds));
	sim_scene_tune(p);
}

void
sim_plan_print(const struct sim_plan *p)
{
	if (p->scene != NULL)
		(void)printf("  scene %s\n", p->scene);
	(void)printf("  network %s, lost %.2f, answer lost %.2f, error %.2f, "
		     "slow %.2f; %" PRId64 " at once%s%s\n",
	    carrier_class_name(p->cls), p->request_lost, p->answer_lost,
	    p->error_after_place, p->slow, p->concurrency,
	    p->prepare ? ", claim and arm apart" : "",
	    p->with_model ? ", with a voice" : "");
	for (size_t i = 0; i < p->job_count; i++) {
		const struct sim_job *j = &p->jobs[i];

		if (!j->left_out)
			(void)printf("  job %s %s kind %s campaign %s org '%s' "
				     "from %" PRId64 " s until %" PRId64 " s\n",
			    j->id, j->phone, j->kind, j->campaign, j->org,
			    j->not_before_s, j->expires_s);
	}
	for (size_t i = 0; i < p->act_count; i++)
		if (!p->acts[i].left_out)
			(void)printf("  %8.3f s %s %" PRId64 "\n",
			    (double)p->acts[i].at_us / 1e6,
			    sim_actor_name(p->acts[i].actor), p->acts[i].value);
	for (size_t i = 0; i < p->fault_count; i++)
		(void)printf("  fault at call %" PRId64 ": %s %" PRId64
			     " (%s)\n",
		    p->faults[i].gate, sim_deed_name(&p->faults[i].deed),
		    p->faults[i].deed.value, p->faults[i].what);
}
