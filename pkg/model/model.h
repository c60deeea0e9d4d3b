#ifndef DSRUN_MODEL_H
#define DSRUN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The port to whoever listens and speaks in a call.  An adapter (scripted,
 * later realtime) fills struct model_ops; run/ uses nothing else of it.
 *
 * One struct model serves all calls of a process and keeps what they share (a
 * speech library, credentials); one struct model_call is one call.  Audio is
 * G.711 mu-law in frames of 20 ms, and the media clock pulls it: frame() is
 * called once for each frame that really goes out, so what was pulled was
 * played, and an adapter whose service sends faster than real time queues.
 *
 * Rules for every adapter: ear callbacks come from frame() or from the loop,
 * never from inside another function here, and never after stop(); strings
 * given to callbacks live until the callback returns; the queue of what is to
 * be said is bounded.
 */

#define MODEL_FRAME 160     /* samples: 20 ms of mu-law at 8 kHz */
#define MODEL_TEXT_MAX 4096 /* bytes of one text to say */

/* What became of words that were to be said. */
struct model_spoken {
	int64_t id;        /* of say(); 0 = the model's own */
	bool whole;        /* played to the end */
	int64_t played_ms; /* what really went out */
	const char *heard; /* the words within that */
};

/* Who hears of a call, embedded in its owner; a callback may be NULL. */
struct model_ear {
	/* Words ended: played, or cut off by the model itself (a service that
	 * detects the callee's voice).  Not after flush(), which tells. */
	void (*spoken)(struct model_ear *e, const struct model_spoken *s);
	/* What the model said of its own accord, on the call's clock. */
	void (*text)(struct model_ear *e, const char *text, int64_t start_ms,
	    int64_t end_ms);
	/* What it understood the callee to say. */
	void (*caption)(struct model_ear *e, const char *text, int64_t start_ms,
	    int64_t end_ms);
	/* It wants a function called; answer by tool_result. */
	void (*tool)(struct model_ear *e, const char *call_id, const char *name,
	    const char *arguments_json);
	/* It cannot go on; it is silent from now on. */
	void (*failed)(
	    struct model_ear *e, enum err_code code, const struct err *err);
};

/* Strings live until start() has returned. */
struct model_session {
	const char *name;         /* of the call, for a service's logs */
	const char *instructions; /* who it is; may be NULL */
	const char *tools_json;   /* an array of functions; may be NULL */
	struct model_ear *ear;
};

struct model_call;

struct model_ops {
	/*
	 * Begin a call.  It may say and hear at once: what a service cannot
	 * take yet is queued (out) or dropped (in), and frames are silence.
	 */
	enum err_code (*start)(void *m, const struct model_session *session,
	    struct model_call **out, struct err *err);
	/* 20 ms of the callee.  Never before the call was answered. */
	void (*hear)(struct model_call *c, const uint8_t callee[MODEL_FRAME]);
	/*
	 * Say text, word for word, after what is queued.  id > 0.  ERR_STATE:
	 * the queue is full.  ERR_MALFORMED: text longer than MODEL_TEXT_MAX.
	 */
	enum err_code (*say)(struct model_call *c, int64_t id, const char *text,
	    struct err *err);
	/* The next 20 ms of the agent; false: they are silence. */
	bool (*frame)(struct model_call *c, uint8_t agent[MODEL_FRAME]);
	/*
	 * Be silent now and forget what is queued.  True when something was
	 * being said: *out tells how far it came (heard lives until the next
	 * say or frame).  A service's own memory is truncated there too.
	 */
	bool (*flush)(struct model_call *c, struct model_spoken *out);
	/* The answer to tool(): a JSON text, also when it failed. */
	void (*tool_result)(
	    struct model_call *c, const char *call_id, const char *json);
	/* A coach's word, for what it says by itself. */
	void (*advise)(struct model_call *c, const char *text);
	/* Ends the call; NULL-safe, sets the caller's pointer to NULL. */
	void (*stop)(struct model_call **c);
	void (*free)(void *m);
};

/* A model in use: borrowed by run/, freed by whoever wired it. */
struct model {
	const struct model_ops *ops;
	void *impl;
};

#endif
