#include <stdio.h>

#include "base/check.h"

#include "sim_world.h"

/*
 * After the faults: cron goes on, or one drain stays, until all is done that a
 * run can do; people resolve what it cannot; then the promises are judged.
 */

#define SECOND_US INT64_C(1000000)
#define ROUNDS 60
/* After the last fault everything that runs must end within this. */
#define END_US (1200 * SECOND_US)
/* A drain that stays is looked at so often; longer than the longest retry. */
#define SLICE_US (22 * SECOND_US)
#define IDLE_MAX 8

/* --- processes
 * ---------------------------------------------------------------------------
 */

/* Let everything that runs come to its end. */
static void
run_out(struct sim_world *w)
{
	int64_t until = w->m->now_us + END_US;

	sim_machine_run(w->m, until);
	if (sim_machine_alive(w->m) == 0)
		return;
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (w->m->process[i] != NULL)
			sim_world_fail(w, "%s does not end (last seen at %s)",
			    w->m->process[i]->name,
			    w->m->process[i]->last_point != NULL
				? w->m->process[i]->last_point
				: "its start");
	sim_world_kill_all(w);
}

static void
start_and_run_out(struct sim_world *w, enum sim_actor actor)
{
	CHECK(sim_actor_start(w, actor, 0));
	run_out(w);
}

/* The promises, by whoever opens the journal anew; false: there is still
 * something to wait for. */
static bool
healed(struct sim_world *w, bool last)
{
	struct journal *j = NULL;
	struct err err = {0};
	bool over = true;

	/* A process that could not do its work saw nothing. */
	if (!last && w->left.known && !w->left.settled)
		return false;
	if (sim_actor_open_host(w, &j, &err) != ERR_NONE)
		sim_world_fail(w, "the journal cannot be opened: %s", err.text);
	else
		w->left = sim_check_look(w, j, &w->m->host.own.env);
	if (w->left.known && w->left.settled)
		sim_check_promises(w, j);
	else if (w->left.known && last)
		sim_check_left(w, j);
	else
		over = w->failure[0] != '\0';
	journal_close(&j);
	return over;
}

/* --- rounds
 * ---------------------------------------------------------------------------
 */

/* Time goes on to the next moment at which there is something to do, as for a
 * machine that sleeps: cron's next minute, or the morning. */
static void
sleep_until_due(struct sim_world *w)
{
	w->m->now_us +=
	    (w->left.wait_ms > 58000 ? w->left.wait_ms + 2000 : 60000) * 1000;
}

/*
 * A drain that stays for days.  While it has calls it runs; when it only waits
 * for what is due later the whole machine sleeps with it.  One that is
 * not done for long, having nothing to wait for, is told to end.
 */
static void
drain_through(struct sim_world *w)
{
	int idle = 0;

	CHECK(sim_actor_start(w, SIM_ACTOR_DRAIN, 0));
	while (sim_machine_alive(w->m) > 0 && idle < IDLE_MAX) {
		sim_machine_run(w->m, w->m->now_us + SLICE_US);
		idle++;
		if (!sim_actor_look(w) || w->left.live > 0 ||
		    w->left.wait_ms <= 58000)
			continue;
		idle = 0;
		sleep_until_due(w);
	}
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (w->m->process[i] != NULL)
			sim_process_signal(w->m->process[i], false);
	run_out(w);
}

/*
 * From here on nothing goes wrong any more.  Some faults may still be felt: a
 * disk error left its flag, a disk that was full its gaps.
 */
void
sim_heal(struct sim_world *w)
{
	w->m->preempt_ppm = 0;
	sim_machine_set_clock(w->m, 0);
	sim_world_leave_room(w, SIM_DISK_BYTES);
	sim_vfs_fail_alloc(NULL, 0, false);
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (w->m->process[i] != NULL)
			sim_process_signal(w->m->process[i], false);
	w->decide = NULL;
	w->plan->given = true;
	w->next_fault = w->plan->fault_count;
	/* What lived through the faults may end with what they did to it. */
	run_out(w);
	w->healing = true;
	if (w->went_back)
		start_and_run_out(w, SIM_ACTOR_ADOPT);
	/* Only a source that was not told gives its jobs again. */
	if (!w->accepted)
		start_and_run_out(w, SIM_ACTOR_ENQUEUE);
	if (w->pauses)
		start_and_run_out(w, SIM_ACTOR_RESUME);
	for (int i = 1; w->failure[0] == '\0'; i++) {
		w->left.known = false;
		if (w->plan->waits)
			drain_through(w);
		else
			start_and_run_out(w, SIM_ACTOR_DRAIN);
		/* Who waits behind a parked job needs a person. */
		if (i % 2 == 0 && (!w->left.known || w->left.parked > 0))
			start_and_run_out(w, SIM_ACTOR_RESOLVE);
		if (healed(w, i == ROUNDS))
			return;
		sleep_until_due(w);
	}
}
