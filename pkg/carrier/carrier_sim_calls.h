#ifndef DSRUN_CARRIER_SIM_CALLS_H
#define DSRUN_CARRIER_SIM_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "carrier/carrier.h"
#include "carrier/carrier_sim_fate.h"
#include "carrier/carrier_sim_heap.h"
#include "carrier/carrier_sim_line.h"
#include "carrier/carrier_sim_persona.h"
#include "conf/conf.h"

/*
 * The network's calls as the fold of its log, and what is to happen to each
 * of them next.  Knows no file, no clock and nothing of dsrun's side.
 *
 * A call that is over keeps 64 bytes (a lookup may ask for it for days, a
 * repeated key for ever); all else is dropped.
 */

enum carrier_sim_state {
	CARRIER_SIM_IN_FLIGHT, /* requested; placed or refused at its time */
	CARRIER_SIM_LOST,      /* the request never arrived */
	CARRIER_SIM_REFUSAL,
	CARRIER_SIM_RINGS,
	CARRIER_SIM_TALKS,
	CARRIER_SIM_OVER
};

struct carrier_sim_live;

#define CARRIER_SIM_NEVER UINT32_MAX

struct carrier_sim_call {
	uint8_t key[CARRIER_SIM_KEY_ID];
	uint64_t id;
	int64_t request_ms;
	/* ms after the request, CARRIER_SIM_NEVER = not (yet); a longer time
	 * than 49 days is kept as that long */
	uint32_t placed, answered, ended;
	uint32_t before; /* the key's call before this one, + 1; 0 = none */
	struct carrier_sim_live *live; /* NULL when nothing more can happen */
	uint16_t nth;    /* requests with this key before this call's */
	uint16_t later;  /* repeats since, in the key's newest call */
	uint8_t state;   /* enum carrier_sim_state */
	uint8_t outcome; /* enum job_outcome */
	uint8_t by;      /* enum carrier_sim_by */
	uint8_t code;    /* enum carrier_sim_code */
};

struct carrier_sim_live {
	struct carrier_sim_due due;
	struct carrier_sim_call *call;
	const struct carrier_sim_persona *persona;
	uint64_t draws;
	int64_t event; /* of the INTENT that allowed it */
	int64_t line;  /* who speaks to it */
	int64_t ring_ms, max_ms;
	bool mine;           /* line is our own */
	bool alone;          /* nobody speaks to it, */
	int64_t alone_since; /* since then */
	uint8_t owed;        /* bit n: notice n happened and is not taken */
	uint8_t posted;      /* bit n: its delivery here has begun */
	unsigned pins;       /* reasons of others to keep it */
	void *own;           /* theirs */
	char *to;
	char key[];
};

/* What a new request will find; see carrier_sim_calls_decide. */
struct carrier_sim_fate {
	uint64_t id;      /* the call's */
	bool lost;        /* the request never arrives */
	bool mute;        /* the answer does not */
	bool error;       /* placed, but the answer is an error */
	int64_t delay_ms; /* from the request to its answer */
	const struct carrier_sim_persona *persona;
	struct carrier_sim_call *known; /* KEYED: not a new call */
};

struct carrier_sim_calls {
	/* borrowed, set by the owner before use */
	const struct conf_sim *conf;
	enum carrier_class cls;
	const struct carrier_sim_personas *personas;
	/* Told of each change before a finished call is forgotten. */
	void (*changed)(void *arg, struct carrier_sim_call *c);
	void *arg;
	int64_t line; /* our own, to tell mine from others'; 0 = none */
	/* read-only for others */
	int64_t newest_ms;
	struct carrier_sim_heap mine, others; /* of live calls, by due time */
	struct carrier_sim_call **chunks;
	uint32_t count;
	uint32_t *by_id, *by_key; /* index + 1, open addressing */
	uint32_t slots;           /* of each, a power of two */
};

void carrier_sim_calls_free(struct carrier_sim_calls *k);

/* Fold one line in.  ERR_MALFORMED: it cannot follow the lines before. */
enum err_code carrier_sim_calls_apply(struct carrier_sim_calls *k,
    const struct carrier_sim_line *line, struct err *err);

/* NULL when there is none. */
struct carrier_sim_call *carrier_sim_calls_find(
    const struct carrier_sim_calls *k, const char *call_id);
/* The key's newest call, and the one before a call. */
struct carrier_sim_call *carrier_sim_calls_newest(
    const struct carrier_sim_calls *k, const char *key);
struct carrier_sim_call *carrier_sim_calls_before(
    const struct carrier_sim_calls *k, const struct carrier_sim_call *c);
struct carrier_sim_call *carrier_sim_calls_at(
    const struct carrier_sim_calls *k, uint32_t index);

/* What a request with key to number to, sent now, meets. */
void carrier_sim_calls_decide(const struct carrier_sim_calls *k,
    const char *key, const char *to, int64_t now_ms,
    struct carrier_sim_fate *out);

/*
 * What happens to c next if nobody does anything: *line is filled in, with its
 * time.  False when nothing does.
 */
bool carrier_sim_calls_next(const struct carrier_sim_calls *k,
    const struct carrier_sim_call *c, struct carrier_sim_line *line);

/* How its end depends on whether somebody speaks to it: only while it is
 * answered, and by a persona with a script. */
bool carrier_sim_calls_has_voice(
    const struct carrier_sim_calls *k, const struct carrier_sim_call *c);
/* The end that the network itself sets to an answered call. */
void carrier_sim_calls_limit(
    const struct carrier_sim_call *c, struct carrier_sim_line *line);

/* From now on nobody of ours speaks to it, or somebody does. */
void carrier_sim_calls_alone(
    struct carrier_sim_calls *k, struct carrier_sim_call *c, int64_t since_ms);
void carrier_sim_calls_attend(
    struct carrier_sim_calls *k, struct carrier_sim_call *c);
/* Ask about it again then (a call of another line that still lives). */
void carrier_sim_calls_later(
    struct carrier_sim_calls *k, struct carrier_sim_call *c, int64_t at_ms);
/* A pin is gone, or a notice was taken: forget what is no longer needed. */
void carrier_sim_calls_tidy(
    struct carrier_sim_calls *k, struct carrier_sim_call *c);

/* The end that a hang-up by the agent gives it now. */
void carrier_sim_calls_hang_up(const struct carrier_sim_call *c, int64_t now_ms,
    struct carrier_sim_line *line);

/* "sim-0123456789abcdef"; out of CARRIER_SIM_WORD_MAX bytes. */
const char *carrier_sim_call_id(uint64_t id, char *out);
int64_t carrier_sim_call_at(const struct carrier_sim_call *c, uint32_t delta);

#endif
