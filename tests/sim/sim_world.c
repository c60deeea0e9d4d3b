#include "sim_world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "carrier/carrier_sim_store.h"
#include "json/json_write.h"
#include "sim_control.h"
#include "sim_image.h"

#define SECOND_US INT64_C(1000000)

void
sim_world_fail(struct sim_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failure[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
}

/* --- faults
 * ----------------------------------------------------------------------- */

/* The telephone network is not on this machine: its files never fail. */
bool
sim_world_outside(const char *path)
{
	return path != NULL && strstr(path, "/sim/") != NULL;
}

static bool
is_of_carrier(enum sim_op op)
{
	return op >= SIM_OP_DIAL && op < SIM_OP_COUNT;
}

bool
sim_world_felt(const struct sim_deed *d, enum sim_op op, bool outside)
{
	if (d->act != SIM_ACT_ORDER)
		return true;
	if (op == SIM_OP_POINT || op == SIM_OP_UNLOCK || op == SIM_OP_SLEEP ||
	    outside)
		return false;
	if (d->order == SIM_MUTE)
		return op == SIM_OP_DIAL;
	if (is_of_carrier(op) || d->order == SIM_LOST)
		return is_of_carrier(op) && d->order == SIM_LOST;
	switch (d->order) {
	case SIM_ENOSPC:
		return op == SIM_OP_WRITE || op == SIM_OP_TRUNCATE ||
		       op == SIM_OP_MAKE_DIR || op == SIM_OP_RENAME ||
		       op == SIM_OP_MAP;
	case SIM_SHORT:
		return op == SIM_OP_WRITE;
	case SIM_EMFILE:
		return op == SIM_OP_OPEN;
	case SIM_EIO:
		return true;
	case SIM_GO:
	case SIM_LIE:
	case SIM_LOST:
	case SIM_MUTE:
	case SIM_DEAD:
	default:
		return op == SIM_OP_SYNC;
	}
}

static bool
applies(const struct sim_deed *d, enum sim_op op, const char *path)
{
	return sim_world_felt(d, op, sim_world_outside(path));
}

static void
note_fault(struct sim_world *w, struct sim_process *p, enum sim_op op,
    const char *path, struct sim_deed d)
{
	if (w->fault_count == w->fault_room) {
		w->fault_room = w->fault_room == 0 ? 16 : 2 * w->fault_room;
		w->faults =
		    mem_realloc(w->faults, w->fault_room, sizeof(*w->faults));
	}
	struct sim_fault *f = &w->faults[w->fault_count++];
	const char *at = path != NULL ? path : "";

	*f = (struct sim_fault){.gate = w->m->gates, .deed = d, .op = op};
	if (strlen(at) > 30)
		at += strlen(at) - 30;
	(void)snprintf(f->what, sizeof(f->what), "%s %d %s", p->name, (int)op,
	    op == SIM_OP_POINT || *at != '\0' ? at : "-");
	if (w->m->trace)
		(void)fprintf(stderr,
		    "%12" PRId64 " fault %s at call %" PRId64 " of %s\n",
		    w->m->now_us, sim_deed_name(&d), f->gate, f->what);
}

static struct sim_deed
by_list(struct sim_world *w, enum sim_op op, const char *path)
{
	const struct sim_plan *plan = w->plan;
	struct sim_deed none = {.act = SIM_ACT_NONE};

	while (w->next_fault < plan->fault_count &&
	       plan->faults[w->next_fault].gate < w->m->gates)
		w->next_fault++;
	if (w->next_fault == plan->fault_count ||
	    plan->faults[w->next_fault].gate != w->m->gates)
		return none;
	return applies(&plan->faults[w->next_fault].deed, op, path)
		   ? plan->faults[w->next_fault].deed
		   : none;
}

static struct sim_deed
by_turn(struct sim_world *w, enum sim_op op, const char *path)
{
	const struct sim_fault *f = &w->plan->faults[w->next_fault];
	int64_t from =
	    w->fault_count > 0 ? w->faults[w->fault_count - 1].gate : 0;

	if (w->next_fault == w->plan->fault_count ||
	    w->m->gates < from + f->gate || !applies(&f->deed, op, path))
		return (struct sim_deed){.act = SIM_ACT_NONE};
	if (f->point != NULL &&
	    (op != SIM_OP_POINT || strcmp(f->point, path) != 0))
		return (struct sim_deed){.act = SIM_ACT_NONE};
	w->next_fault++;
	return f->deed;
}

/* One place of so many is hot; a place is a kind of call and its file. */
#define PLACES_HOT 8

static bool
is_hot(const struct sim_world *w, enum sim_op op, const char *path)
{
	uint64_t h = w->plan->seed * UINT64_C(0x9e3779b97f4a7c15) + op;

	for (const char *p = path; p != NULL && *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	return (h ^ h >> 29) % PLACES_HOT == 0;
}

static struct sim_deed
by_chance(struct sim_world *w, enum sim_op op, const char *path)
{
	struct sim_deed d = {.act = SIM_ACT_NONE};

	for (size_t i = 0; i < w->plan->spell_count; i++) {
		const struct sim_spell *s = &w->plan->spells[i];

		if (s->left_out || w->m->now_us < s->from_us ||
		    w->m->now_us >= s->to_us)
			continue;
		if (s->point != NULL &&
		    (op != SIM_OP_POINT || strcmp(s->point, path) != 0))
			continue;
		if (s->hot && !is_hot(w, op, path))
			continue;
		d = (struct sim_deed){.act = s->act,
		    .order = s->order,
		    .value = s->value,
		    .device = s->device};
		if (applies(&d, op, path) && sim_rand_ppm(&w->fault, s->ppm))
			return d;
	}
	return (struct sim_deed){.act = SIM_ACT_NONE};
}

/* A journal without a moment has nothing to compare it with. */
static void
clock_goes_wrong(struct sim_world *w)
{
	w->clock_was_wrong = true;
	if (!w->accepted)
		w->clock_was_believed = true;
}

static struct sim_deed
decide(struct sim_machine *m, struct sim_process *p, enum sim_op op,
    const char *path)
{
	struct sim_world *w = m->arg;
	struct sim_deed d = {.act = SIM_ACT_NONE};

	sim_watch_call(w, p, op, path);
	if (w->healing)
		return d;
	if (w->decide != NULL)
		d = w->decide(w, p, op, path);
	else if (w->plan->slides)
		d = by_turn(w, op, path);
	else if (w->plan->given)
		d = by_list(w, op, path);
	else
		d = by_chance(w, op, path);
	if (d.act == SIM_ACT_CLOCK)
		clock_goes_wrong(w);
	if (d.act != SIM_ACT_NONE) {
		note_fault(w, p, op, path, d);
		sim_watch_fault(w, p, op, path, &d);
	}
	return d;
}

/* --- the world
 * ---------------------------------------------------------------------- */

static void
write_jobs(struct sim_world *w)
{
	struct buf text = BUF_INIT(1 << 16);
	struct err err = {0};

	for (size_t i = 0; i < w->plan->job_count; i++) {
		const struct sim_job *j = &w->plan->jobs[i];
		struct json_writer jw = JSON_WRITER_INIT(&text);

		if (j->left_out)
			continue;
		json_write_object(&jw);
		json_field_str(&jw, "id", j->id);
		json_field_str(&jw, "kind", j->kind);
		json_field_str(&jw, "phone", j->phone);
		json_field_str(&jw, "campaignId", j->campaign);
		if (j->org[0] != '\0')
			json_field_str(&jw, "org", j->org);
		json_field_i64(&jw, "priority", j->priority);
		if (j->not_before_s > 0)
			json_field_time(&jw, "notBefore",
			    SIM_START_MS + j->not_before_s * 1000);
		if (j->expires_s > 0)
			json_field_time(&jw, "expiresAt",
			    SIM_START_MS + j->expires_s * 1000);
		json_write_end(&jw);
		buf_putc(&text, '\n');
	}
	CHECK(env_write_whole(&w->m->host.own.env, SIM_JOBS_FILE, text.bytes,
		  text.len, &err) == ERR_NONE);
	buf_free(&text);
}

static void
set_conf(struct sim_world *w)
{
	static char names[CARRIER_CLASS_COUNT][16];
	const struct sim_plan *plan = w->plan;
	struct conf_sim *s = &w->conf.sim;

	w->conf = *w->stage->conf;
	(void)snprintf(names[plan->cls], sizeof(names[0]), "%s",
	    carrier_class_name(plan->cls));
	s->cls = names[plan->cls];
	s->seed = (int64_t)(plan->seed >> 12);
	s->memory_ms = plan->memory_ms;
	s->key_window_ms = plan->key_window_ms;
	s->faults.request_lost = plan->request_lost;
	s->faults.answer_lost = plan->answer_lost;
	s->faults.error_after_place = plan->error_after_place;
	s->faults.slow = plan->slow;
	s->faults.callback_duplicate = plan->callback_duplicate;
	s->faults.callback_late = plan->callback_late;
	s->faults.key_forgotten = plan->key_forgotten;
	w->conf.limits.concurrency = plan->concurrency;
	if (plan->checkpoint_bytes > 0)
		w->conf.disk.checkpoint_bytes = plan->checkpoint_bytes;
}

/* The disk gets so much room as is in use, and this much more. */
void
sim_world_leave_room(struct sim_world *w, int64_t bytes)
{
	struct env_space space = {.free_bytes = 0};
	struct err err = {0};

	w->capacity = SIM_DISK_BYTES;
	sim_disk_set_capacity(w->m->disk, w->capacity);
	CHECK(sim_disk_space(w->m->disk, SIM_DIR, &space, &err) == ERR_NONE);
	if (bytes < space.free_bytes)
		sim_disk_set_capacity(
		    w->m->disk, SIM_DISK_BYTES - space.free_bytes + bytes);
}

static enum err_code
ignore_line(void *arg, const struct carrier_sim_line *line, struct err *err)
{
	(void)arg;
	(void)line;
	(void)err;
	return ERR_NONE;
}

/* A network that stood still while this machine was off would let its clock go
 * back: dsrun begins a boot at the log's newest line.  So it is told the time.
 */
static void
tell_time(struct sim_world *w)
{
	struct env *env = &w->m->host.line.env;
	struct carrier_sim_line line = {.ev = CARRIER_SIM_BOOT,
	    .at_ms = w->cut_ms + (w->m->now_us - w->cut_us) / 1000,
	    .boot_ms = env_real_boot_ms(env)};
	struct carrier_sim_store store;
	struct err err = {0};

	(void)text_hex(env->boot_id, sizeof(env->boot_id), line.boot);
	/* The network's log takes no room of this disk. */
	sim_disk_set_capacity(w->m->disk, 2 * SIM_DISK_BYTES);
	CHECK(carrier_sim_store_open(
		  &store, env, SIM_DATA "/sim", true, &err) == ERR_NONE &&
	      carrier_sim_store_lock(&store, &err) == ERR_NONE &&
	      carrier_sim_store_read(&store, ignore_line, NULL, &err) ==
		  ERR_NONE &&
	      carrier_sim_store_append(&store, &line, &err) == ERR_NONE);
	carrier_sim_store_unlock(&store);
	carrier_sim_store_close(&store);
	sim_disk_set_capacity(w->m->disk, w->capacity);
}

static void
power(struct sim_machine *m, bool back)
{
	struct sim_world *w = m->arg;
	struct env *env = &m->host.line.env;
	struct err err = {0};
	bool found = false;

	if (back && w->cut_ms != 0)
		tell_time(w);
	if (back)
		return;
	w->cut_us = m->now_us;
	w->cut_ms = 0;
	if (carrier_sim_peek(env, SIM_DATA "/sim", &found, &err) == ERR_NONE &&
	    found)
		w->cut_ms = env_now_ms(env);
}

static struct sim_process *
any_process(struct sim_world *w)
{
	struct sim_process *alive[SIM_PROCESSES_MAX] = {NULL};
	int64_t n = 0;

	for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *p = w->m->process[i];

		if (p != NULL && !p->dead)
			alive[n++] = p;
	}
	return n > 0 ? alive[sim_rand_below(&w->choice, n)] : NULL;
}

int64_t
sim_world_moment_ms(struct sim_world *w)
{
	struct env *line = &w->m->host.line.env;
	bool found = false;
	struct err err = {0};
	enum err_code code =
	    carrier_sim_peek(line, SIM_DATA "/sim", &found, &err);

	return code == ERR_NONE && found ? env_now_ms(line) : SIM_START_MS;
}

void
sim_world_kill_all(struct sim_world *w)
{
	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (w->m->process[i] != NULL)
			sim_process_kill(w->m->process[i]);
	sim_machine_run(w->m, w->m->now_us + 1);
}

static bool
is_in_checkpoint(const struct sim_process *p)
{
	return p != NULL && p->last_point != NULL &&
	       strcmp(p->last_point, "journal.checkpoint.before") == 0;
}

/*
 * Somebody takes the -wal for rubbish: the journal is what it was at the last
 * checkpoint.  Whoever opens it must refuse, until a person said what it is.
 * Half a checkpoint without its -wal is no journal: only a backup helps then,
 * and there is none here.
 */
static void
lose_wal(struct sim_world *w)
{
	struct env *env = &w->m->host.own.env;
	struct env_stat st = {0};
	struct err err = {0};

	for (int i = 0; i < SIM_PROCESSES_MAX; i++)
		if (is_in_checkpoint(w->m->process[i]))
			return;
	sim_world_kill_all(w);
	if (env_stat(env, SIM_DATA "/journal.db-wal", &st, &err) != ERR_NONE ||
	    st.size_bytes == 0)
		return;
	(void)env_remove(env, SIM_DATA "/journal.db-wal", &err);
	(void)env_remove(env, SIM_DATA "/journal.db-shm", &err);
	w->went_back = true;
}

/* What a dsrun that errs would do by itself (sim_control.h). */
static void
do_wrong(struct sim_world *w)
{
	struct journal *j = NULL;
	struct err err = {0};

	if (sim_actor_open_host(w, &j, &err) == ERR_NONE)
		(void)sim_control_before_run(
		    w->plan->wrong, j, &w->m->host.own.env, &err);
	journal_close(&j);
}

static bool
left_out(const struct sim_world *w, const struct sim_action *a)
{
	bool of_job = a->actor == SIM_ACTOR_CANCEL ||
		      a->actor == SIM_ACTOR_RETRY || a->actor == SIM_ACTOR_DNC;

	return a->left_out || (of_job && w->plan->jobs[a->value].left_out);
}

static void
act(struct sim_world *w, const struct sim_action *a)
{
	struct sim_process *p = NULL;

	switch (a->actor) {
	case SIM_ACTOR_TERM:
		if ((p = any_process(w)) != NULL)
			sim_process_signal(p, false);
		break;
	case SIM_ACTOR_KILL:
		if ((p = any_process(w)) != NULL)
			sim_process_kill(p);
		break;
	case SIM_ACTOR_STOP:
		if ((p = any_process(w)) != NULL)
			sim_process_stop(p, a->value * 1000);
		break;
	case SIM_ACTOR_POWER:
		sim_machine_power_cut(w->m, (enum sim_device)a->value);
		break;
	case SIM_ACTOR_CLOCK:
		clock_goes_wrong(w);
		sim_machine_set_clock(w->m, a->value);
		break;
	case SIM_ACTOR_FULL:
		sim_world_leave_room(w, a->value);
		break;
	case SIM_ACTOR_RESTORE:
		if (!w->backed_up)
			break;
		sim_world_kill_all(w);
		(void)sim_actor_start(w, a->actor, a->value);
		break;
	case SIM_ACTOR_LOSE:
		lose_wal(w);
		break;
	case SIM_ACTOR_ENQUEUE:
	case SIM_ACTOR_DRAIN:
	case SIM_ACTOR_WORKER:
	case SIM_ACTOR_SYNC:
	case SIM_ACTOR_CANCEL:
	case SIM_ACTOR_RESOLVE:
	case SIM_ACTOR_RETRY:
	case SIM_ACTOR_PAUSE:
	case SIM_ACTOR_RESUME:
	case SIM_ACTOR_DNC:
	case SIM_ACTOR_BACKUP:
	case SIM_ACTOR_ADOPT:
	case SIM_ACTOR_COUNT:
	default:
		w->pauses = w->pauses || a->actor == SIM_ACTOR_PAUSE;
		if (a->actor == SIM_ACTOR_DRAIN && w->plan->controlled)
			do_wrong(w);
		if (sim_machine_alive(w->m) < 6)
			(void)sim_actor_start(w, a->actor, a->value);
		break;
	}
}

static void
chaos(struct sim_world *w)
{
	for (size_t i = 0; i < w->plan->act_count; i++) {
		const struct sim_action *a = &w->plan->acts[i];

		if (left_out(w, a))
			continue;
		if (a->at_us > w->m->now_us)
			sim_machine_run(w->m, a->at_us);
		/* When all were at rest, time stands where it stood. */
		if (a->at_us > w->m->now_us)
			w->m->now_us = a->at_us;
		act(w, a);
	}
	sim_machine_run(w->m, w->plan->end_us);
}

void
sim_world_run(
    struct sim_world *w, const struct sim_stage *stage, struct sim_plan *plan)
{
	bool found = sim_rand_of(plan->seed, 20).state % 8 == 0;

	memset(w->failure, 0, sizeof(w->failure));
	w->stage = stage;
	w->plan = plan;
	w->fault = sim_rand_of(plan->seed, 21);
	w->choice = sim_rand_of(plan->seed, 22);
	w->m = sim_machine_new(
	    plan->seed, sim_disk_clone(found ? stage->empty : stage->founded));
	w->m->arg = w;
	w->m->decide = decide;
	w->m->on_power = power;
	w->m->trace = w->trace;
	w->m->preempt_ppm = plan->preempt_ppm;
	w->m->reboot_us = plan->reboot_us;
	w->m->locks_lapse = (plan->wrong & SIM_WRONG_NO_LOCK) != 0;
	if ((plan->wrong & SIM_WRONG_NORMAL) != 0)
		sim_vfs_skip_sync("-wal");
	w->capacity = SIM_DISK_BYTES;
	sim_image_use(plan->images);
	set_conf(w);
	write_jobs(w);
	sim_disk_settle(w->m->disk);
	chaos(w);
	sim_vfs_skip_sync(NULL);
	sim_heal(w);
}

void
sim_world_fini(struct sim_world *w)
{
	sim_machine_free(&w->m);
	mem_free(&w->faults);
}
