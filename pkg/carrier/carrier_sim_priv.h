#ifndef DSRUN_CARRIER_SIM_PRIV_H
#define DSRUN_CARRIER_SIM_PRIV_H

#include "base/env.h"
#include "base/list.h"

#include "carrier/carrier_sim.h"
#include "carrier/carrier_sim_calls.h"
#include "carrier/carrier_sim_engine.h"
#include "carrier/carrier_sim_heap.h"
#include "carrier/carrier_sim_store.h"
#include "media/media_speech.h"

/*
 * One process's end of the network.  Everything that goes back to dsrun waits
 * in one heap by its time and is handed over from one timer, so that nothing
 * calls back from within a start function.
 */

enum carrier_sim_wait_kind {
	CARRIER_SIM_WAIT_ANSWER, /* of a dial */
	CARRIER_SIM_WAIT_LOOKUP,
	CARRIER_SIM_WAIT_NOTICE,
	CARRIER_SIM_WAIT_HANGUP /* one that could not be written yet */
};

struct carrier_sim_wait {
	struct carrier_sim_due due;
	enum carrier_sim_wait_kind kind;
};

/* A call of ours, from the dial until its ear has heard the end. */
struct carrier_sim_own {
	struct carrier_sim_wait answer;
	struct list sending; /* in carrier_sim.sending until it is sent */
	struct list news;    /* in carrier_sim.news while its ear must hear */
	struct list node;
	struct carrier_dial *dial; /* NULL once answered or abandoned */
	struct carrier_ear *ear;
	struct carrier_sim_call *call; /* NULL: nothing was sent */
	struct carrier_sim_fate fate;
	int64_t timeout_ms; /* when an answer no longer comes */
	enum carrier_stage told;
	struct carrier_sim_engine *engine;
	bool hung_up; /* the callee did, and the log may not know yet */
	/* of a dial that went wrong before the network had it */
	bool unsent;
	enum carrier_answer why;
	const char *code;
};

struct carrier_sim_ask {
	struct carrier_sim_wait wait;
	struct list node;
	struct carrier_lookup *lookup;
};

struct carrier_sim_post {
	struct carrier_sim_wait wait;
	struct list node;
	struct carrier_sim_call *call;
	unsigned n; /* 1 placed, 2 answered, 3 ended */
	bool twin;  /* the network's own repetition, taken or not */
};

struct carrier_sim_bye {
	struct carrier_sim_wait wait;
	struct list node;
	struct carrier_sim_call *call;
	struct carrier_sim_line line; /* at_ms 0: by the agent, now */
};

/* Lines on their way into the log, and whom each is about. */
struct carrier_sim_batch {
	size_t count;
	struct carrier_sim_line line[CARRIER_SIM_LINES_MAX];
	void *of[CARRIER_SIM_LINES_MAX];
};

struct carrier_sim {
	struct env *env;
	struct conf_sim conf; /* its strings are not ours: never used */
	struct carrier_terms terms;
	struct carrier_sim_store store;
	struct carrier_sim_personas personas;
	struct carrier_sim_calls calls;
	char *speech_dir;
	struct media_speech *speech; /* opened with the first conversation */
	struct carrier_sim_heap waits;
	struct list owns, sending, news, asks, posts, byes;
	struct carrier_sim_batch *batch;
	struct env_timer timer;
	int64_t retry_real_ms; /* the last step failed: not before; 0 */
	int64_t poll_real_ms;  /* look what others wrote; 0 */
	int64_t sound_real_ms; /* our line's sound was noted then */
	bool delivering;
	void (*watch)(void *arg, const struct carrier_notice *n);
	void *watch_arg;
};

/* carrier_sim_clock.c */

/* Read the log, begin it or this boot, follow its time, write what came due;
 * sets terms.account. */
enum err_code carrier_sim_clock_open(
    struct carrier_sim *s, const struct conf_sim *conf, struct err *err);

/* carrier_sim_net.c: steps of the network */

/*
 * Take the lock, fold what others wrote, write what is due.  *now_ms is the
 * network's time under the lock.  After ERR_NONE: carrier_sim_step_end.
 */
enum err_code carrier_sim_step_begin(
    struct carrier_sim *s, int64_t *now_ms, struct err *err);
void carrier_sim_step_end(struct carrier_sim *s);
/* Append and fold one line, within a step. */
enum err_code carrier_sim_step_write(struct carrier_sim *s,
    const struct carrier_sim_line *line, struct err *err);
/* Append all lines of the batch, or none; each is then to be folded. */
enum err_code carrier_sim_step_append(struct carrier_sim *s, struct err *err);
enum err_code carrier_sim_step_fold(struct carrier_sim *s,
    const struct carrier_sim_line *line, struct err *err);
/* End a call that is not over; later if it cannot be written now.  line NULL:
 * the agent hangs up. */
void carrier_sim_end_call(struct carrier_sim *s, struct carrier_sim_call *c,
    const struct carrier_sim_line *line);

/* carrier_sim_loop.c: what goes back, and when */

void carrier_sim_wait_add(
    struct carrier_sim *s, struct carrier_sim_wait *w, int64_t at_ms);
void carrier_sim_wait_drop(struct carrier_sim *s, struct carrier_sim_wait *w);
/* Set the timer for the earliest of everything. */
void carrier_sim_poke(struct carrier_sim *s);
void carrier_sim_timer(struct env_timer *t);

/* carrier_sim_own.c: dials and live calls */

void carrier_sim_dial(void *c, struct carrier_dial *d);
/* Within a step: send all requests that wait for it. */
void carrier_sim_send(struct carrier_sim *s);
/* The step could not begin: nothing of them was sent, and that is told in the
 * turn of now_ms. */
void carrier_sim_send_failed(
    struct carrier_sim *s, enum err_code code, int64_t now_ms);
void carrier_sim_abandon(void *c, struct carrier_dial *d);
void carrier_sim_deaf(void *c, const char *call_id);
void carrier_sim_answer(struct carrier_sim *s, struct carrier_sim_own *o);
void carrier_sim_news(struct carrier_sim *s, struct carrier_sim_own *o);
/* The call has changed: its ear may have to hear of it. */
void carrier_sim_own_changed(struct carrier_sim *s, struct carrier_sim_call *c);
struct carrier_sim_own *carrier_sim_own_find(const struct carrier_sim_call *c);
void carrier_sim_own_free(struct carrier_sim *s, struct carrier_sim_own *o);

/* carrier_sim_media.c */

bool carrier_sim_frame(void *c, const char *call_id, int64_t frame,
    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME]);
void carrier_sim_press(void *c, const char *call_id, const char *digits);

/* carrier_sim_notice.c */

void carrier_sim_watch(
    void *c, void (*fn)(void *arg, const struct carrier_notice *n), void *arg);
void carrier_sim_watch_stop(struct carrier_sim *s);
void carrier_sim_taken(void *c, const char *notice_id);
void carrier_sim_notify(struct carrier_sim *s, struct carrier_sim_post *p);
void carrier_sim_notices_changed(
    struct carrier_sim *s, struct carrier_sim_call *c);

/* How a call stood at a stage; all texts are static. */
void carrier_sim_progress(const struct carrier_sim_call *c,
    enum carrier_stage stage, struct carrier_progress *out);

#endif
