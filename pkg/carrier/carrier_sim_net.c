#include "base/crash.h"
#include "base/mem.h"

#include "carrier/carrier_sim_priv.h"

/* How often another's call, longer silent than its callee would bear, is
 * asked about again while its process lives. */
#define ASK_AGAIN_REAL_MS 50
#define ASK_AGAIN_MS 1000

static enum err_code
fold_line(void *arg, const struct carrier_sim_line *line, struct err *err)
{
	struct carrier_sim *s = arg;

	return carrier_sim_calls_apply(&s->calls, line, err);
}

enum err_code
carrier_sim_step_fold(
    struct carrier_sim *s, const struct carrier_sim_line *line, struct err *err)
{
	static const char *const points[CARRIER_SIM_EV_COUNT] = {"sim.origin",
	    "sim.boot", "sim.dial.requested", "sim.call.placed",
	    "sim.call.answered", "sim.call.ended", "sim.call.refused",
	    "sim.notice.taken"};

	CRASH_POINT(points[line->ev]);
	return carrier_sim_calls_apply(&s->calls, line, err);
}

enum err_code
carrier_sim_step_write(
    struct carrier_sim *s, const struct carrier_sim_line *line, struct err *err)
{
	enum err_code code = carrier_sim_store_append(&s->store, line, err);

	return code == ERR_NONE ? carrier_sim_step_fold(s, line, err) : code;
}

enum err_code
carrier_sim_step_append(struct carrier_sim *s, struct err *err)
{
	for (size_t i = 0; i < s->batch->count; i++)
		carrier_sim_store_put(&s->store, &s->batch->line[i]);
	return carrier_sim_store_write(&s->store, err);
}

/*
 * What is due for a call now.  False when it is not, after all: another
 * process still speaks to it, or spoke to it longer than was known.
 */
static bool
due_line(struct carrier_sim *s, struct carrier_sim_live *l, int64_t now_ms,
    struct carrier_sim_line *line)
{
	int64_t again = ASK_AGAIN_REAL_MS * s->conf.speed;

	(void)carrier_sim_calls_next(&s->calls, l->call, line);
	if (l->mine || l->alone ||
	    !carrier_sim_calls_has_voice(&s->calls, l->call))
		return true;
	if (!carrier_sim_store_line_lives(&s->store, l->line)) {
		carrier_sim_calls_alone(&s->calls, l->call,
		    carrier_sim_store_sound(&s->store, l->line));
		return false;
	}
	/* The network's own limit holds for every call. */
	carrier_sim_calls_limit(l->call, line);
	if (line->at_ms <= now_ms)
		return true;
	carrier_sim_calls_later(&s->calls, l->call,
	    now_ms + (again > ASK_AGAIN_MS ? again : ASK_AGAIN_MS));
	return false;
}

/* Take what is due out of the heap, a line of each call at most. */
static void
collect_due(struct carrier_sim *s, struct carrier_sim_heap *h, int64_t now_ms)
{
	struct carrier_sim_batch *b = s->batch;
	struct carrier_sim_due *top;

	b->count = 0;
	while (b->count < CARRIER_SIM_LINES_MAX &&
	       (top = carrier_sim_heap_top(h)) != NULL &&
	       top->at_ms <= now_ms) {
		struct carrier_sim_live *l =
		    CONTAINER_OF(top, struct carrier_sim_live, due);

		if (!due_line(s, l, now_ms, &b->line[b->count]))
			continue;
		carrier_sim_heap_remove(h, top);
		b->of[b->count++] = top;
	}
}

static enum err_code
write_due(struct carrier_sim *s, struct carrier_sim_heap *h, int64_t now_ms,
    struct err *err)
{
	struct carrier_sim_batch *b = s->batch;
	enum err_code code = ERR_NONE;

	/* What a line leads to may be due as well: until nothing is. */
	while (code == ERR_NONE) {
		collect_due(s, h, now_ms);
		if (b->count == 0)
			break;
		code = carrier_sim_step_append(s, err);
		if (code != ERR_NONE) {
			for (size_t i = 0; i < b->count; i++)
				carrier_sim_heap_put(
				    h, b->of[i], b->line[i].at_ms);
			return code;
		}
		/* All stand in the log now, so all are folded. */
		for (size_t i = 0; i < b->count; i++)
			if (carrier_sim_step_fold(s, &b->line[i], err) !=
			    ERR_NONE)
				code = err->code;
	}
	return code;
}

enum err_code
carrier_sim_step_begin(struct carrier_sim *s, int64_t *now_ms, struct err *err)
{
	enum err_code code = carrier_sim_store_lock(&s->store, err);

	if (code != ERR_NONE)
		return code;
	code = carrier_sim_store_read(&s->store, fold_line, s, err);
	*now_ms = env_now_ms(s->env);
	if (code == ERR_NONE)
		code = write_due(s, &s->calls.mine, *now_ms, err);
	if (code == ERR_NONE)
		code = write_due(s, &s->calls.others, *now_ms, err);
	if (code != ERR_NONE)
		carrier_sim_store_unlock(&s->store);
	return code;
}

void
carrier_sim_step_end(struct carrier_sim *s)
{
	carrier_sim_store_unlock(&s->store);
}

static enum err_code
end_now(struct carrier_sim *s, struct carrier_sim_call *c,
    const struct carrier_sim_line *how, struct err *err)
{
	struct carrier_sim_line line;
	int64_t now_ms = 0;
	enum err_code code = carrier_sim_step_begin(s, &now_ms, err);

	if (code != ERR_NONE)
		return code;
	if (c->state == CARRIER_SIM_RINGS || c->state == CARRIER_SIM_TALKS) {
		if (how != NULL)
			line = *how;
		else
			carrier_sim_calls_hang_up(c, now_ms, &line);
		if (line.at_ms > now_ms)
			line.at_ms = now_ms;
		code = carrier_sim_step_write(s, &line, err);
	}
	carrier_sim_step_end(s);
	return code;
}

void
carrier_sim_end_call(struct carrier_sim *s, struct carrier_sim_call *c,
    const struct carrier_sim_line *how)
{
	struct carrier_sim_bye *bye;
	struct err err;

	CRASH_POINT("sim.hangup.before");
	if (end_now(s, c, how, &err) == ERR_NONE || c->live == NULL) {
		carrier_sim_poke(s);
		return;
	}
	bye = mem_zalloc(1, sizeof(*bye));
	bye->wait.kind = CARRIER_SIM_WAIT_HANGUP;
	bye->call = c;
	if (how != NULL)
		bye->line = *how;
	c->live->pins++;
	list_add_tail(&s->byes, &bye->node);
	s->retry_real_ms = env_real_boot_ms(s->env) + 100;
	/* Not within the turn that is being handed over now. */
	carrier_sim_wait_add(s, &bye->wait, env_now_ms(s->env) + 1);
}
