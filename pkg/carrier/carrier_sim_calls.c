#include "carrier/carrier_sim_calls.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#define CHUNK 4096U
#define SLOTS_MIN 1024U

const char *
carrier_sim_call_id(uint64_t id, char *out)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(id >> (56 - 8 * i));
	memcpy(out, "sim-", 4);
	(void)text_hex(bytes, sizeof(bytes), out + 4);
	return out;
}

static bool
parse_id(const char *text, uint64_t *out)
{
	uint8_t bytes[8];

	if (!text_starts(text, "sim-") || !text_unhex(text + 4, bytes, 8))
		return false;
	*out = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		*out = *out << 8 | bytes[i];
	return true;
}

int64_t
carrier_sim_call_at(const struct carrier_sim_call *c, uint32_t delta)
{
	return delta == CARRIER_SIM_NEVER ? 0 : c->request_ms + delta;
}

struct carrier_sim_call *
carrier_sim_calls_at(const struct carrier_sim_calls *k, uint32_t index)
{
	return &k->chunks[index / CHUNK][index % CHUNK];
}

struct carrier_sim_call *
carrier_sim_calls_before(
    const struct carrier_sim_calls *k, const struct carrier_sim_call *c)
{
	return c->before > 0 ? carrier_sim_calls_at(k, c->before - 1) : NULL;
}

static uint32_t
hash_of_key(const uint8_t key[CARRIER_SIM_KEY_ID])
{
	uint32_t h;

	/* Already the output of a hash. */
	memcpy(&h, key, sizeof(h));
	return h;
}

static uint32_t *
slot_of_id(const struct carrier_sim_calls *k, uint64_t id)
{
	uint32_t i = (uint32_t)(id >> 32 ^ id) & (k->slots - 1);

	while (k->by_id[i] != 0 &&
	       carrier_sim_calls_at(k, k->by_id[i] - 1)->id != id)
		i = (i + 1) & (k->slots - 1);
	return &k->by_id[i];
}

static uint32_t *
slot_of_key(
    const struct carrier_sim_calls *k, const uint8_t key[CARRIER_SIM_KEY_ID])
{
	uint32_t i = hash_of_key(key) & (k->slots - 1);

	while (k->by_key[i] != 0 &&
	       memcmp(carrier_sim_calls_at(k, k->by_key[i] - 1)->key, key,
		   CARRIER_SIM_KEY_ID) != 0)
		i = (i + 1) & (k->slots - 1);
	return &k->by_key[i];
}

/* Twice as many slots; in order, so that the newest call of a key wins. */
static void
grow(struct carrier_sim_calls *k)
{
	uint32_t slots = k->slots > 0 ? 2 * k->slots : SLOTS_MIN;

	CHECK(slots > k->slots);
	mem_free(&k->by_id);
	mem_free(&k->by_key);
	k->slots = slots;
	k->by_id = mem_zalloc(slots, sizeof(*k->by_id));
	k->by_key = mem_zalloc(slots, sizeof(*k->by_key));
	for (uint32_t i = 0; i < k->count; i++) {
		const struct carrier_sim_call *c = carrier_sim_calls_at(k, i);

		*slot_of_id(k, c->id) = i + 1;
		*slot_of_key(k, c->key) = i + 1;
	}
}

static struct carrier_sim_call *
find_id(const struct carrier_sim_calls *k, uint64_t id)
{
	uint32_t at = k->slots > 0 ? *slot_of_id(k, id) : 0;

	return at > 0 ? carrier_sim_calls_at(k, at - 1) : NULL;
}

struct carrier_sim_call *
carrier_sim_calls_find(const struct carrier_sim_calls *k, const char *call_id)
{
	uint64_t id;

	return parse_id(call_id, &id) ? find_id(k, id) : NULL;
}

static struct carrier_sim_call *
newest_of(
    const struct carrier_sim_calls *k, const uint8_t key[CARRIER_SIM_KEY_ID])
{
	uint32_t at = k->slots > 0 ? *slot_of_key(k, key) : 0;

	return at > 0 ? carrier_sim_calls_at(k, at - 1) : NULL;
}

struct carrier_sim_call *
carrier_sim_calls_newest(const struct carrier_sim_calls *k, const char *key)
{
	struct carrier_sim_key_fate fate;

	carrier_sim_fate_of_key(k->conf->seed, key, &fate);
	return newest_of(k, fate.id);
}

static unsigned
requests_of(const struct carrier_sim_call *newest)
{
	return newest != NULL ? newest->nth + 1U + newest->later : 0;
}

static bool
draw_below(uint64_t draws, enum carrier_sim_draw what, double rate)
{
	return carrier_sim_draw(draws, what) < rate;
}

static bool
is_lost(const struct carrier_sim_calls *k, uint64_t draws)
{
	return draw_below(
	    draws, CARRIER_SIM_DRAW_LOST, k->conf->faults.request_lost);
}

static int64_t
delay_of(const struct carrier_sim_calls *k, uint64_t draws)
{
	bool slow =
	    draw_below(draws, CARRIER_SIM_DRAW_SLOW, k->conf->faults.slow);

	return k->conf->latency_ms + (slow ? k->conf->faults.slow_ms : 0);
}

/* The call a keyed network would answer a repeated key with. */
static struct carrier_sim_call *
known_call(const struct carrier_sim_calls *k, struct carrier_sim_call *newest,
    int64_t now_ms)
{
	for (struct carrier_sim_call *c = newest; c != NULL;
	     c = carrier_sim_calls_before(k, c))
		if (c->state != CARRIER_SIM_LOST &&
		    now_ms - c->request_ms <= k->conf->key_window_ms)
			return c;
	return NULL;
}

void
carrier_sim_calls_decide(const struct carrier_sim_calls *k, const char *key,
    const char *to, int64_t now_ms, struct carrier_sim_fate *out)
{
	const struct conf_sim_faults *f = &k->conf->faults;
	struct carrier_sim_key_fate fate;

	carrier_sim_fate_of_key(k->conf->seed, key, &fate);
	struct carrier_sim_call *newest = newest_of(k, fate.id);
	unsigned nth = requests_of(newest);
	uint64_t draws = carrier_sim_fate_draws(&fate, nth);

	*out = (struct carrier_sim_fate){
	    .id = carrier_sim_fate_call(&fate, nth),
	    .lost = is_lost(k, draws),
	    .mute =
		draw_below(draws, CARRIER_SIM_DRAW_ANSWER_LOST, f->answer_lost),
	    .error =
		draw_below(draws, CARRIER_SIM_DRAW_ERROR, f->error_after_place),
	    .delay_ms = delay_of(k, draws),
	    .persona = carrier_sim_personas_choose(k->personas, to,
		carrier_sim_draw(draws, CARRIER_SIM_DRAW_PERSONA)),
	};
	if (out->lost || k->cls != CARRIER_KEYED ||
	    draw_below(draws, CARRIER_SIM_DRAW_FORGOTTEN, f->key_forgotten))
		return;
	out->known = known_call(k, newest, now_ms);
	if (out->known != NULL)
		out->id = out->known->id;
}

static void
drop_live(struct carrier_sim_calls *k, struct carrier_sim_call *c)
{
	struct carrier_sim_live *l = c->live;

	if (l == NULL)
		return;
	carrier_sim_heap_remove(l->mine ? &k->mine : &k->others, &l->due);
	c->live = NULL;
	mem_free(&l->to);
	mem_free(&l);
}

void
carrier_sim_calls_tidy(struct carrier_sim_calls *k, struct carrier_sim_call *c)
{
	bool over = c->state == CARRIER_SIM_OVER ||
		    c->state == CARRIER_SIM_LOST ||
		    c->state == CARRIER_SIM_REFUSAL;

	if (over && c->live != NULL && c->live->owed == 0 && c->live->pins == 0)
		drop_live(k, c);
}

/* When to look at a call again: when its next line is due. */
static void
schedule(struct carrier_sim_calls *k, struct carrier_sim_call *c)
{
	struct carrier_sim_live *l = c->live;
	struct carrier_sim_line next;

	if (l == NULL)
		return;
	/* It may have changed hands. */
	carrier_sim_heap_remove(l->mine ? &k->mine : &k->others, &l->due);
	l->mine = l->line != 0 && l->line == k->line;
	if (carrier_sim_calls_next(k, c, &next))
		carrier_sim_heap_put(
		    l->mine ? &k->mine : &k->others, &l->due, next.at_ms);
}

void
carrier_sim_calls_alone(
    struct carrier_sim_calls *k, struct carrier_sim_call *c, int64_t since_ms)
{
	if (c->live == NULL)
		return;
	c->live->alone = true;
	c->live->alone_since = since_ms;
	schedule(k, c);
}

void
carrier_sim_calls_attend(
    struct carrier_sim_calls *k, struct carrier_sim_call *c)
{
	if (c->live == NULL)
		return;
	c->live->alone = false;
	schedule(k, c);
}

void
carrier_sim_calls_later(
    struct carrier_sim_calls *k, struct carrier_sim_call *c, int64_t at_ms)
{
	if (c->live != NULL)
		carrier_sim_heap_put(c->live->mine ? &k->mine : &k->others,
		    &c->live->due, at_ms);
}

static struct carrier_sim_call *
add_call(struct carrier_sim_calls *k, uint64_t id,
    const struct carrier_sim_key_fate *fate, int64_t at_ms)
{
	CHECK(k->count < UINT32_MAX / 4);
	if (2 * (k->count + 1) > k->slots)
		grow(k);
	if (k->count % CHUNK == 0) {
		k->chunks = mem_realloc(
		    k->chunks, k->count / CHUNK + 1, sizeof(*k->chunks));
		k->chunks[k->count / CHUNK] =
		    mem_realloc(NULL, CHUNK, sizeof(struct carrier_sim_call));
	}

	struct carrier_sim_call *c = carrier_sim_calls_at(k, k->count);
	uint32_t *of_key = slot_of_key(k, fate->id);

	memset(c, 0, sizeof(*c));
	memcpy(c->key, fate->id, sizeof(c->key));
	c->id = id;
	c->request_ms = at_ms;
	c->placed = c->answered = c->ended = CARRIER_SIM_NEVER;
	c->before = *of_key;
	k->count++;
	*of_key = k->count;
	*slot_of_id(k, id) = k->count;
	return c;
}

static void
add_live(struct carrier_sim_calls *k, struct carrier_sim_call *c,
    const struct carrier_sim_line *line, uint64_t draws)
{
	size_t len = strlen(line->key);
	struct carrier_sim_live *l = mem_zalloc(1, sizeof(*l) + len + 1);

	memcpy(l->key, line->key, len);
	l->to = mem_strdup(line->to);
	l->call = c;
	l->draws = draws;
	l->persona =
	    *line->persona != '\0'
		? carrier_sim_personas_find(k->personas, line->persona)
		: carrier_sim_personas_choose(k->personas, line->to,
		      carrier_sim_draw(draws, CARRIER_SIM_DRAW_PERSONA));
	l->event = line->event;
	l->line = line->line;
	l->ring_ms = line->ring_ms;
	l->max_ms = line->max_ms;
	c->live = l;
}

static enum err_code
apply_request(struct carrier_sim_calls *k, const struct carrier_sim_line *line,
    struct err *err)
{
	struct carrier_sim_key_fate fate;
	uint64_t id;

	if (!parse_id(line->call, &id))
		return err_set(err, ERR_MALFORMED, 0,
		    "call \"%s\": expected sim- and 16 hex digits", line->call);
	carrier_sim_fate_of_key(k->conf->seed, line->key, &fate);
	struct carrier_sim_call *newest = newest_of(k, fate.id);
	struct carrier_sim_call *c = find_id(k, id);
	unsigned nth = requests_of(newest);

	if (nth >= UINT16_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "more than %d requests with one key", UINT16_MAX);
	if (c != NULL) {
		if (newest == NULL ||
		    memcmp(c->key, fate.id, sizeof(c->key)) != 0)
			return err_set(err, ERR_MALFORMED, 0,
			    "call \"%s\" has another key", line->call);
		newest->later++;
		if (c->live != NULL && line->line != 0) {
			c->live->line = line->line;
			c->live->alone = false;
			schedule(k, c);
		}
		return ERR_NONE;
	}
	uint64_t draws = carrier_sim_fate_draws(&fate, nth);
	c = add_call(k, id, &fate, line->at_ms);
	c->nth = (uint16_t)nth;
	if (is_lost(k, draws)) {
		c->state = CARRIER_SIM_LOST;
		return ERR_NONE;
	}
	add_live(k, c, line, draws);
	schedule(k, c);
	return ERR_NONE;
}

static uint32_t
delta_of(const struct carrier_sim_call *c, int64_t at_ms)
{
	int64_t d = at_ms - c->request_ms;

	if (d < 0)
		return 0;
	return d < CARRIER_SIM_NEVER ? (uint32_t)d : CARRIER_SIM_NEVER - 1;
}

static void
owe(struct carrier_sim_calls *k, struct carrier_sim_call *c, unsigned n)
{
	if (k->cls == CARRIER_CALLBACK && c->live != NULL)
		c->live->owed |= (uint8_t)(1U << n);
}

/* False when this cannot follow what was. */
static bool
change(struct carrier_sim_calls *k, struct carrier_sim_call *c,
    const struct carrier_sim_line *line)
{
	bool flies = c->state == CARRIER_SIM_IN_FLIGHT;
	bool rings = c->state == CARRIER_SIM_RINGS;
	uint32_t delta = delta_of(c, line->at_ms);

	switch (line->ev) {
	case CARRIER_SIM_PLACED:
		c->state = CARRIER_SIM_RINGS;
		c->placed = delta;
		owe(k, c, 1);
		return flies;
	case CARRIER_SIM_REFUSED:
		c->state = CARRIER_SIM_REFUSAL;
		c->code = (uint8_t)line->code;
		return flies;
	case CARRIER_SIM_ANSWERED:
		c->state = CARRIER_SIM_TALKS;
		c->answered = delta;
		owe(k, c, 2);
		return rings;
	case CARRIER_SIM_ENDED:
		rings = rings || c->state == CARRIER_SIM_TALKS;
		c->state = CARRIER_SIM_OVER;
		c->ended = delta;
		c->outcome = (uint8_t)line->outcome;
		c->by = (uint8_t)line->by;
		owe(k, c, 3);
		return rings;
	case CARRIER_SIM_TAKEN:
		if (c->live != NULL && line->n >= 1 && line->n <= 3)
			c->live->owed &= (uint8_t) ~(1U << line->n);
		return true;
	case CARRIER_SIM_ORIGIN:
	case CARRIER_SIM_BOOT:
	case CARRIER_SIM_REQUEST:
	case CARRIER_SIM_EV_COUNT:
		break;
	}
	return false;
}

enum err_code
carrier_sim_calls_apply(struct carrier_sim_calls *k,
    const struct carrier_sim_line *line, struct err *err)
{
	if (line->at_ms > k->newest_ms)
		k->newest_ms = line->at_ms;
	if (line->ev == CARRIER_SIM_ORIGIN || line->ev == CARRIER_SIM_BOOT)
		return ERR_NONE;
	if (line->ev == CARRIER_SIM_REQUEST)
		return apply_request(k, line, err);

	struct carrier_sim_call *c = carrier_sim_calls_find(k, line->call);
	if (c == NULL)
		return err_set(err, ERR_MALFORMED, 0,
		    "call \"%s\" was never requested", line->call);
	if (!change(k, c, line))
		return err_set(err, ERR_MALFORMED, 0,
		    "call \"%s\": this cannot follow the lines before it",
		    line->call);
	schedule(k, c);
	if (k->changed != NULL)
		k->changed(k->arg, c);
	carrier_sim_calls_tidy(k, c);
	return ERR_NONE;
}

void
carrier_sim_calls_free(struct carrier_sim_calls *k)
{
	for (uint32_t i = 0; i < k->count; i++)
		drop_live(k, carrier_sim_calls_at(k, i));
	for (uint32_t i = 0; i < k->count; i += CHUNK)
		mem_free(&k->chunks[i / CHUNK]);
	mem_free(&k->chunks);
	mem_free(&k->by_id);
	mem_free(&k->by_key);
	carrier_sim_heap_free(&k->mine);
	carrier_sim_heap_free(&k->others);
	k->count = 0;
	k->slots = 0;
}
