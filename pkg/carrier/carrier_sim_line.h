#ifndef DSRUN_CARRIER_SIM_LINE_H
#define DSRUN_CARRIER_SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"

#include "job/job_state.h"

/*
 * One line of the simulated network's log (sim/calls.jsonl), read and written.
 *
 * Besides what every such log has, a `request` says what the network needs to
 * go on when dsrun is gone: persona, ring_ms and max_ms as asked for, and line,
 * the place in calls.lock that its sender holds while it lives.
 *
 * A scanner of its own and not json/: a network of a million calls is folded
 * at every start, and a tree for each of its four million lines would cost
 * seconds.  It accepts members in any order, and ignores those it does not
 * know; an unknown `ev` is refused, it could change what the rest means.
 */

#define CARRIER_SIM_LINE_MAX 4096 /* bytes of one line with its newline */
#define CARRIER_SIM_KEY_MAX 129
#define CARRIER_SIM_WORD_MAX 64 /* numbers, call ids, names */

enum carrier_sim_ev {
	CARRIER_SIM_ORIGIN,
	CARRIER_SIM_BOOT,
	CARRIER_SIM_REQUEST,
	CARRIER_SIM_PLACED,
	CARRIER_SIM_ANSWERED,
	CARRIER_SIM_ENDED,
	CARRIER_SIM_REFUSED,
	CARRIER_SIM_TAKEN,
	CARRIER_SIM_EV_COUNT
};

enum carrier_sim_by {
	CARRIER_SIM_BY_NONE,
	CARRIER_SIM_BY_CALLEE,
	CARRIER_SIM_BY_AGENT,
	CARRIER_SIM_BY_NETWORK,
	CARRIER_SIM_BY_COUNT
};

enum carrier_sim_code {
	CARRIER_SIM_CODE_NONE,
	CARRIER_SIM_CODE_BAD_NUMBER,
	CARRIER_SIM_CODE_REJECTED,
	CARRIER_SIM_CODE_LIMIT,
	CARRIER_SIM_CODE_COUNT
};

/* Which members a line had; "" and 0 stand for those it had not. */
struct carrier_sim_line {
	enum carrier_sim_ev ev;
	int64_t at_ms;
	/* origin, boot */
	char boot[CARRIER_SIM_WORD_MAX]; /* hex of the boot id */
	int64_t boot_ms;
	int64_t schema, speed, seed;
	const char *params; /* within the text that was read; not ended */
	size_t params_len;
	/* calls */
	char call[CARRIER_SIM_WORD_MAX];
	char key[CARRIER_SIM_KEY_MAX];
	int64_t event;
	uint8_t hash[SHA256_BYTES];
	char to[CARRIER_SIM_WORD_MAX];
	char from[CARRIER_SIM_WORD_MAX];
	char persona[CARRIER_SIM_WORD_MAX];
	int64_t ring_ms, max_ms, line;
	enum job_outcome outcome;
	enum carrier_sim_by by;
	enum carrier_sim_code code;
	int64_t n;
};

/*
 * text is one line without its newline.  ERR_MALFORMED says what is wrong
 * with it: no such object, a text too long, a member missing that its ev
 * must have, a word that is none of those allowed.
 */
enum err_code carrier_sim_line_parse(const char *text, size_t len,
    struct carrier_sim_line *out, struct err *err);

/* Appends the line with its newline; at most CARRIER_SIM_LINE_MAX bytes. */
void carrier_sim_line_put(struct buf *out, const struct carrier_sim_line *line);

/*
 * A flat object's member as written ("120", "\"named\""), for comparing
 * parameters; NULL when there is none.
 */
const char *carrier_sim_line_member(
    const char *text, size_t len, const char *name, size_t *value_len);

const char *carrier_sim_by_name(enum carrier_sim_by by); /* NONE: "" */
const char *carrier_sim_code_name(enum carrier_sim_code code);

#endif
