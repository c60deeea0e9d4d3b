#include "sim_scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define SECOND_US INT64_C(1000000)
#define MS_US INT64_C(1000)
#define FIRST_US (1100 * MS_US)

/* --- pieces
 * ------------------------------------------------------------------------- */

static void
act(struct sim_plan *p, enum sim_actor actor, int64_t at_us, int64_t value)
{
	size_t i = p->act_count;

	CHECK(p->act_count < SIM_ACTS_MAX);
	for (; i > 0 && p->acts[i - 1].at_us > at_us; i--)
		p->acts[i] = p->acts[i - 1];
	p->acts[i] =
	    (struct sim_action){.at_us = at_us, .actor = actor, .value = value};
	p->act_count++;
}

/* count of them, step_us apart. */
static void
acts(struct sim_plan *p, enum sim_actor actor, int64_t from_us, int64_t step_us,
    int count)
{
	for (int i = 0; i < count; i++)
		act(p, actor, from_us + i * step_us, 0);
}

static struct sim_spell *
spell(struct sim_plan *p, enum sim_act a, const char *point, int64_t ppm,
    int64_t to_us)
{
	CHECK(p->spell_count < SIM_SPELLS_MAX);
	struct sim_spell *s = &p->spells[p->spell_count++];

	*s = (struct sim_spell){
	    .act = a, .to_us = to_us, .ppm = ppm, .point = point};
	return s;
}

/* Nothing of the plan but its jobs, on a network that works. */
static void
clean(struct sim_plan *p, int64_t end_us)
{
	p->act_count = 0;
	p->spell_count = 0;
	p->end_us = end_us;
	p->request_lost = p->answer_lost = p->error_after_place = 0;
	p->slow = p->callback_duplicate = p->callback_late = 0;
	p->memory_ms = p->key_window_ms = 86400000;
	p->concurrency = 10;
	p->prepare = false;
	act(p, SIM_ACTOR_ENQUEUE, FIRST_US, 0);
}

/* One of those that can be asked for a key, by name or by list. */
static enum carrier_class
can_list(struct sim_rand *r)
{
	return sim_rand_ppm(r, 500000) ? CARRIER_NAMED : CARRIER_QUERYABLE;
}

/* Everybody's number begins so. */
static void
all_are(struct sim_plan *p, const char *prefix)
{
	for (size_t i = 0; i < p->job_count; i++)
		memcpy(p->jobs[i].phone, prefix, strlen(prefix));
}

static void
all_of_kind(struct sim_plan *p, const char *kind)
{
	for (size_t i = 0; i < p->job_count; i++) {
		(void)snprintf(
		    p->jobs[i].kind, sizeof(p->jobs[i].kind), "%s", kind);
		p->jobs[i].not_before_s = 0;
		p->jobs[i].expires_s = 0;
		/* Who always says "later" needs an end. */
		if (strncmp(p->jobs[i].phone, "+1557", 5) == 0)
			memcpy(p->jobs[i].phone, "+1999", 5);
	}
}

/* --- scenes
 * ------------------------------------------------------------------------- */

/* The power is cut while a request is under way, and the machine is up again
 * before it arrives. */
static void
reboot(struct sim_plan *p, struct sim_rand *r)
{
	struct sim_spell *s;

	clean(p, 30 * SECOND_US);
	p->cls = sim_rand_ppm(r, 300000) ? CARRIER_KEYED : can_list(r);
	p->slow = 0.5;
	p->reboot_us = sim_rand_between(r, 100, 500) * MS_US;
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 500 * MS_US, 26);
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 150000, 12 * SECOND_US);
	s = spell(
	    p, SIM_ACT_POWER, "sim.dial.requested", 150000, 12 * SECOND_US);
	s->device = (enum sim_device)sim_rand_below(r, SIM_DEVICE_COUNT);
}

/*
 * A key is sent again by somebody who was stopped before its first byte, then
 * dies; and who takes over must not send it once more, for it was cancelled.
 */
static void
again(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 40 * SECOND_US);
	p->cls = CARRIER_KEYED;
	p->request_lost = 0.6;
	p->slow = 0.7;
	all_of_kind(p, "q");
	all_are(p, "+1999");
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 800 * MS_US, 20);
	spell(p, SIM_ACT_STOP, "run.dial.before", 250000, 25 * SECOND_US)
	    ->value = sim_rand_between(r, 3, 8) * SECOND_US;
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 200000, 25 * SECOND_US);
	for (size_t i = 0; i < p->job_count; i++)
		act(p, SIM_ACTOR_CANCEL,
		    sim_rand_between(r, 4000, 16000) * MS_US, (int64_t)i);
}

/*
 * Who comes next comes late: the carrier has forgotten the key, or that there
 * was a call, or does so while it is being asked.
 */
static void
late(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 75 * SECOND_US);
	p->cls = sim_rand_ppm(r, 500000) ? CARRIER_KEYED : can_list(r);
	p->key_window_ms = 12000;
	p->memory_ms = 20000;
	all_of_kind(p, "q");
	all_are(p, "+1999");
	act(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 0);
	act(p, SIM_ACTOR_DRAIN, 1400 * MS_US, 0);
	act(p, SIM_ACTOR_DRAIN, sim_rand_between(r, 8000, 30000) * MS_US, 0);
	act(p, SIM_ACTOR_DRAIN, 60 * SECOND_US, 0);
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 400000, 5 * SECOND_US);
	spell(p, SIM_ACT_STOP, "run.lookup.before", 300000, 40 * SECOND_US)
	    ->value = sim_rand_between(r, 5, 25) * SECOND_US;
}

/* Armed before the hours end, sent, or sent again, after. */
static void
closing(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 75 * SECOND_US);
	p->cls = CARRIER_KEYED;
	p->answer_lost = 0.4;
	p->request_lost = 0.2;
	all_of_kind(p, "w");
	for (size_t i = 0; i < p->job_count; i += 2)
		p->jobs[i].not_before_s = sim_rand_between(r, 50, 58);
	for (size_t i = 0; i < p->job_count; i += 3)
		p->jobs[i].expires_s = sim_rand_between(r, 59, 62);
	acts(p, SIM_ACTOR_DRAIN, 46 * SECOND_US, SECOND_US, 15);
	spell(p, SIM_ACT_STOP, "run.claim.durable", 200000, 62 * SECOND_US)
	    ->value = sim_rand_between(r, 1, 12) * SECOND_US;
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 100000, 62 * SECOND_US);
}

/* While attempts are in doubt the box is given another account. */
static void
account(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 40 * SECOND_US);
	p->cls = can_list(r);
	p->account_us = sim_rand_between(r, 1300, 4000) * MS_US;
	p->answer_lost = 0.3;
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 700 * MS_US, 15);
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 200000, 8 * SECOND_US);
	act(p, SIM_ACTOR_KILL, p->account_us, 0);
	act(p, SIM_ACTOR_KILL, p->account_us + 1, 0);
}

/* Conversations and results, of the living and of the dead, and the power is
 * cut. */
static void
voice(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 45 * SECOND_US);
	p->with_model = sim_rand_ppm(r, 600000);
	all_of_kind(p, "q");
	for (size_t i = 0; i < p->job_count; i += 2)
		memcpy(p->jobs[i].phone, "+1888", 5);
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 2 * SECOND_US, 14);
	for (int i = 0; i < 3; i++)
		act(p, SIM_ACTOR_KILL, sim_rand_between(r, 2500, 12000) * MS_US,
		    0);
	for (int i = 0; i < 3; i++)
		act(p, SIM_ACTOR_POWER,
		    sim_rand_between(r, 3000, 35000) * MS_US,
		    sim_rand_ppm(r, 500000)
			? (int64_t)SIM_DEVICE_DROPS
			: sim_rand_below(r, SIM_DEVICE_COUNT));
	p->reboot_us = 2 * SECOND_US;
}

/* A campaign is paused, a number listed, between claim and arm. */
static void
pause(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 40 * SECOND_US);
	p->prepare = true;
	all_of_kind(p, "q");
	for (size_t i = 0; i < p->job_count; i++)
		(void)snprintf(
		    p->jobs[i].campaign, sizeof(p->jobs[i].campaign), "c1");
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 1500 * MS_US, 12);
	spell(p, SIM_ACT_STOP, "run.claim.durable", 500000, 15 * SECOND_US)
	    ->value = sim_rand_between(r, 500, 4000) * MS_US;
	act(p, SIM_ACTOR_PAUSE, sim_rand_between(r, 1250, 4000) * MS_US, 0);
	act(p, SIM_ACTOR_DNC, sim_rand_between(r, 1250, 4000) * MS_US,
	    sim_rand_below(r, (int64_t)p->job_count));
	act(p, SIM_ACTOR_RESUME, 20 * SECOND_US, 0);
}

/* The -wal is removed, with all that it holds of calls. */
static void
back(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 40 * SECOND_US);
	acts(p, SIM_ACTOR_WORKER, 1400 * MS_US, SECOND_US, 2);
	int64_t at_us = sim_rand_between(r, 2000, 12000) * MS_US;

	act(p, SIM_ACTOR_LOSE, at_us, 0);
	acts(p, SIM_ACTOR_DRAIN, 13 * SECOND_US, 3 * SECOND_US, 6);
	act(p, SIM_ACTOR_SYNC, 20 * SECOND_US, 0);
	/* Before anybody else looked: the marks are older, too. */
	if (sim_rand_ppm(r, 500000))
		act(p, SIM_ACTOR_POWER, at_us - 1, SIM_DEVICE_DROPS);
}

/* The disk fails for one of many; and the power, while the next one puts
 * another file in the place of the journal. */
static void
broken(struct sim_plan *p, struct sim_rand *r)
{
	static const char *const swaps[] = {"journal.rebuild.synced",
	    "journal.swap.flagged", "journal.swap.wal-aside",
	    "journal.swap.aside", "journal.swap.renamed", "journal.swap.synced",
	    "journal.swap.cleared"};
	struct sim_spell *s;

	clean(p, 40 * SECOND_US);
	acts(p, SIM_ACTOR_WORKER, 1200 * MS_US, 400 * MS_US, 2);
	acts(p, SIM_ACTOR_DRAIN, 1600 * MS_US, 1500 * MS_US, 13);
	s = spell(p, SIM_ACT_ORDER, NULL, sim_rand_between(r, 1000, 6000),
	    (2 + sim_rand_below(r, 6)) * SECOND_US);
	s->order = SIM_EIO;
	s->from_us = 1500 * MS_US;
	for (int i = 0; i < 2; i++)
		spell(p, SIM_ACT_POWER,
		    swaps[sim_rand_below(r, (int64_t)ARRAY_LEN(swaps))], 500000,
		    p->end_us)
		    ->device =
		    (enum sim_device)sim_rand_below(r, SIM_DEVICE_COUNT);
	act(p, SIM_ACTOR_POWER, sim_rand_between(r, 8000, 20000) * MS_US,
	    SIM_DEVICE_DROPS);
}

/* People take jobs back while they are being called. */
static void
cancel(struct sim_plan *p, struct sim_rand *r)
{
	static const char *const again[] = {"+1777", "+1666", "+1444"};

	clean(p, 50 * SECOND_US);
	p->answer_lost = sim_rand_ppm(r, 500000) ? 0.3 : 0;
	p->prepare = sim_rand_ppm(r, 300000);
	all_of_kind(p, "q");
	for (size_t i = 0; i < p->job_count; i++)
		memcpy(p->jobs[i].phone, again[sim_rand_below(r, 3)], 5);
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 4 * SECOND_US, 8);
	for (int i = 0; i < 14; i++)
		act(p, SIM_ACTOR_CANCEL,
		    sim_rand_between(r, 1300, 20000) * MS_US,
		    sim_rand_below(r, (int64_t)p->job_count));
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 50000, 10 * SECOND_US);
}

/*
 * A list lags more than was promised, by less than the second look waits; and
 * sometimes the second look is answered when all is forgotten.
 */
static void
lagging(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 45 * SECOND_US);
	p->cls = can_list(r);
	p->list_late_ms = 4450;
	p->memory_ms = 20000;
	acts(p, SIM_ACTOR_WORKER, 1200 * MS_US, 20 * MS_US, 2);
	acts(p, SIM_ACTOR_DRAIN, 1500 * MS_US, 500 * MS_US, 12);
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 300000, 8 * SECOND_US);
	if (sim_rand_ppm(r, 500000))
		spell(p, SIM_ACT_STOP, "run.lookup.before", 300000,
		    15 * SECOND_US)
		    ->value = sim_rand_between(r, 18, 25) * SECOND_US;
}

/* Nobody can say whether it rings, and others want the same number. */
static void
parked(struct sim_plan *p, struct sim_rand *r)
{
	clean(p, 60 * SECOND_US);
	p->cls = CARRIER_BLIND;
	p->answer_lost = 0.5;
	all_of_kind(p, "q");
	for (size_t i = 0; i < p->job_count; i++) {
		struct sim_job *j = &p->jobs[i];

		(void)snprintf(j->phone, sizeof(j->phone), "+1888%07" PRId64,
		    sim_rand_below(r, 6));
		(void)snprintf(
		    j->org, sizeof(j->org), "o%" PRId64, sim_rand_below(r, 3));
	}
	acts(p, SIM_ACTOR_DRAIN, 1200 * MS_US, 700 * MS_US, 20);
	spell(p, SIM_ACT_KILL, "sim.dial.requested", 50000, 8 * SECOND_US);
}

/* --- which
 * -------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*tune)(struct sim_plan *p, struct sim_rand *r);
} scenes[] = {{"reboot", reboot}, {"again", again}, {"late", late},
    {"closing", closing}, {"account", account}, {"voice", voice},
    {"pause", pause}, {"back", back}, {"broken", broken}, {"cancel", cancel},
    {"lagging", lagging}, {"parked", parked}};

void
sim_scene_tune(struct sim_plan *p)
{
	struct sim_rand r = sim_rand_of(p->seed, 11);
	int64_t i = sim_rand_below(&r, (int64_t)ARRAY_LEN(scenes));

	if (!sim_rand_ppm(&r, SIM_SCENE_PPM))
		return;
	p->scene = scenes[i].name;
	scenes[i].tune(p, &r);
}
