#ifndef DSRUN_CARRIER_SIM_PERSONA_H
#define DSRUN_CARRIER_SIM_PERSONA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "carrier/carrier_sim_line.h"

/*
 * Who answers in the simulated network: read from DIR/NAME.yaml, one file a
 * persona (docs/personas.md describes the fields).  Only read after loading;
 * one set may serve any number of calls.
 *
 * A persona is chosen by the number when one names it, else by weight.  Its
 * name stands in the request's line, so that a later change of the files
 * changes how a call goes on, never who answered it.
 */

enum carrier_sim_answer {
	CARRIER_SIM_ANSWER_HUMAN,
	CARRIER_SIM_ANSWER_MACHINE,
	CARRIER_SIM_ANSWER_INSTANT, /* answered and over at once, no media */
	CARRIER_SIM_ANSWER_BUSY,
	CARRIER_SIM_ANSWER_NONE,
	CARRIER_SIM_ANSWER_FAILED,
	CARRIER_SIM_ANSWER_BAD_NUMBER, /* these three: refused */
	CARRIER_SIM_ANSWER_REJECTED,
	CARRIER_SIM_ANSWER_LIMIT,
	CARRIER_SIM_ANSWER_COUNT
};

enum carrier_sim_step_kind {
	CARRIER_SIM_STEP_SAY,
	CARRIER_SIM_STEP_PAUSE,
	CARRIER_SIM_STEP_LISTEN,
	CARRIER_SIM_STEP_CHANCE,
	CARRIER_SIM_STEP_GOTO,
	CARRIER_SIM_STEP_MENU,
	CARRIER_SIM_STEP_RINGBACK,
	CARRIER_SIM_STEP_BEEP,
	CARRIER_SIM_STEP_RECORD,
	CARRIER_SIM_STEP_PRESS,
	CARRIER_SIM_STEP_HANGUP,
	CARRIER_SIM_STEP_COUNT
};

#define CARRIER_SIM_KEYS "0123456789*#"
#define CARRIER_SIM_KEYS_COUNT 12

struct carrier_sim_step {
	enum carrier_sim_step_kind kind;
	char *text;         /* SAY, MENU; PRESS: its keys */
	char *invalid;      /* MENU, may be NULL */
	int64_t ms;         /* how long, how long at most, how long to wait */
	int64_t silence_ms; /* RECORD: over after this much of it */
	double chance;
	int64_t hz;    /* BEEP */
	int64_t times; /* MENU: how often it is read out */
	int target;    /* CHANCE, GOTO: a step; MENU: when no key came */
	int keys[CARRIER_SIM_KEYS_COUNT]; /* MENU: a step, -1 = not valid */
	enum job_outcome outcome;         /* HANGUP; NONE: by how long it was */
};

struct carrier_sim_range {
	int64_t lo;
	int64_t hi;
};

struct carrier_sim_end {
	struct carrier_sim_range after;
	enum carrier_sim_by by;
	enum job_outcome outcome;
};

struct carrier_sim_persona {
	char *name;
	int64_t weight;
	char **numbers; /* "+1555*" and "*0199" too */
	size_t number_count;
	enum carrier_sim_answer answer;
	struct carrier_sim_range ring;
	int64_t turn_ms;                   /* silence that ends a turn */
	enum job_outcome outcome;          /* when the agent ends it */
	struct carrier_sim_end unattended; /* after the agent fell silent */
	struct carrier_sim_end served;     /* by the provider's own agent */
	struct carrier_sim_step *steps;    /* the scene `start` first */
	size_t step_count;
};

struct carrier_sim_personas {
	struct carrier_sim_persona *items; /* sorted by name */
	size_t count;
	int64_t weight; /* of all */
};

#define CARRIER_SIM_PERSONAS_MAX 200
#define CARRIER_SIM_STEPS_MAX 500

/* ERR_CONFIG with every problem's file and line, as many as fit. */
enum err_code carrier_sim_personas_load(struct carrier_sim_personas *p,
    struct env *env, const char *dir, struct err *err);
/* Accepts a zeroed set. */
void carrier_sim_personas_free(struct carrier_sim_personas *p);

/*
 * Who has this number: an exact one, then the longest pattern, then by weight
 * with draw from [0, 1).  Where no file says anything, nobody: the number
 * does not exist.
 */
const struct carrier_sim_persona *carrier_sim_personas_choose(
    const struct carrier_sim_personas *p, const char *to, double draw);

/*
 * By the name in a log.  One whose file is gone is somebody who lets it ring,
 * or hangs up after 20 s.
 */
const struct carrier_sim_persona *carrier_sim_personas_find(
    const struct carrier_sim_personas *p, const char *name);

#endif
