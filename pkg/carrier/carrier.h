#ifndef DSRUN_CARRIER_H
#define DSRUN_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "job/job_state.h"

/*
 * The port to whoever places calls.  An adapter (sim, twilio, livekit, ...)
 * fills struct carrier_ops; run/ uses nothing else of it.
 *
 * Rules for every adapter: a start function never calls back before it has
 * returned; what was stopped never calls back; strings given to callbacks
 * live until the callback returns.
 */

/* What a carrier can tell after a crash (DESIGN section 4). */
enum carrier_class {
	CARRIER_KEYED,     /* honours our key for key_window_ms */
	CARRIER_NAMED,     /* we name the resource */
	CARRIER_QUERYABLE, /* can list its calls */
	CARRIER_CALLBACK,  /* only tells later, by itself */
	CARRIER_BLIND,     /* nothing: unknown means a person decides */
	CARRIER_CLASS_COUNT
};

#define CARRIER_NAME_MAX 32
#define CARRIER_CALL_MAX 128

/*
 * What holds for calls armed now.  Stored with the attempt in txn A, and
 * recovery uses what was stored, whatever the configuration says by then.
 */
struct carrier_terms {
	char carrier[CARRIER_NAME_MAX];
	char account[65]; /* fingerprint; another one now means PARKED */
	enum carrier_class cls;
	bool agent_is_ours; /* a call found live after a crash is hung up */
	int64_t request_timeout_ms;
	int64_t processing_ms; /* the carrier's own bound on a request */
	int64_t list_lag_ms;   /* placed to visible in a lookup */
	int64_t settle_ms;     /* >= timeout + processing + lag */
	int64_t key_window_ms; /* KEYED: how long it knows a key */
	int64_t memory_ms;     /* how long after its end a call is found */
	int64_t max_call_ms;
};

/* What the carrier said to a dial request. */
enum carrier_answer {
	CARRIER_ANSWER_PLACED,  /* it has the call; call_id is set */
	CARRIER_ANSWER_REFUSED, /* definitely not; policy says what next */
	CARRIER_ANSWER_UNSENT,  /* dial_until was over before the one write */
	CARRIER_ANSWER_NETWORK, /* failed before the first request byte */
	CARRIER_ANSWER_UNKNOWN  /* anything else */
};

enum carrier_policy {
	CARRIER_NEVER,
	CARRIER_LATER,
	CARRIER_LADDER
};

/*
 * One dial request, embedded in its owner, who keeps it until done() or
 * until carrier_ops.abandon has returned.
 */
struct carrier_dial {
	/* in */
	const char *key; /* the attempt's key, 64 hex digits */
	const char *to;  /* E.164 */
	const char *from;
	int64_t event_seq;         /* the INTENT event that allows this */
	const uint8_t *event_hash; /* its 32 bytes */
	int64_t dial_until_ms;     /* env_now; compared just before the write */
	int64_t dial_until_boot_ms; /* env_boot */
	int64_t ring_ms;            /* give up ringing after this */
	int64_t max_call_ms;
	struct carrier_ear *ear; /* hears of the call, may be NULL */
	void (*done)(struct carrier_dial *d);
	/* out, valid in done() */
	enum carrier_answer answer;
	enum carrier_policy policy; /* of REFUSED */
	char code[32];              /* of REFUSED, NETWORK, UNKNOWN: a word */
	char call_id[CARRIER_CALL_MAX];
	int64_t placed_ms;
	int64_t retry_after_ms; /* of CARRIER_LATER; 0 = not said */
	/* the adapter's own */
	void *priv;
};

/* How far a call has come, with the network's own time. */
enum carrier_stage {
	CARRIER_STAGE_PLACED,
	CARRIER_STAGE_RINGING,
	CARRIER_STAGE_ANSWERED,
	CARRIER_STAGE_ENDED
};

struct carrier_progress {
	enum carrier_stage stage;
	int64_t at_ms;
	enum job_outcome outcome; /* of ENDED */
	const char *by;           /* of ENDED: "callee", "agent", "network" */
	const char *answered_by;  /* of ANSWERED when known: "human", ... */
};

/*
 * Who listens to a live call of this process, embedded in the call's owner.
 * progress comes in order; after ENDED nothing more comes.
 */
struct carrier_ear {
	void (*progress)(
	    struct carrier_ear *e, const struct carrier_progress *p);
	/*
	 * Words the callee said, from start to end of the call's clock
	 * (milliseconds since ANSWERED).  caption and dtmf, unlike progress,
	 * may come from inside frame(), so that at any speed they fall on the
	 * frame they belong to.
	 */
	void (*caption)(struct carrier_ear *e, const char *text,
	    int64_t start_ms, int64_t end_ms);
	/* A key the callee pressed. */
	void (*dtmf)(struct carrier_ear *e, char digit, int64_t at_ms);
};

/* A question about an attempt's key; embedded like carrier_dial. */
struct carrier_lookup {
	/* in */
	const char *key;
	const char *to;
	const char *from;
	int64_t armed_ms;
	void (*done)(struct carrier_lookup *l);
	/* out */
	enum err_code code; /* not ERR_NONE: no answer was had; try later */
	bool found;
	char call_id[CARRIER_CALL_MAX];
	struct carrier_progress now; /* by and answered_by are static text */
	int64_t placed_ms;           /* 0 = not known */
	int64_t answered_ms;         /* 0 = not yet, or never */
	void *priv;
};

/*
 * A callback the carrier sends by itself, delivered until taken() was called
 * for it, also to later processes.  id is unique within the carrier.
 */
struct carrier_notice {
	const char *id;
	const char *key;
	const char *call_id;
	int64_t event_seq; /* as given in the dial; 0 = not echoed */
	struct carrier_progress progress;
	int64_t placed_ms;   /* 0 = not told */
	int64_t answered_ms; /* 0 = not told, or never */
};

#define CARRIER_FRAME 160 /* samples: 20 ms of G.711 mu-law at 8 kHz */

struct carrier_ops {
	void (*terms)(void *c, struct carrier_terms *out);
	void (*dial)(void *c, struct carrier_dial *d);
	/*
	 * Stop waiting for the answer of a dial; its bytes may have left.
	 * Its ear hears nothing more.  Also after done(): then only that.
	 */
	void (*abandon)(void *c, struct carrier_dial *d);
	void (*lookup)(void *c, struct carrier_lookup *l);
	void (*lookup_stop)(void *c, struct carrier_lookup *l);
	/* Ask the network to end a call; ENDED follows if we listen. */
	void (*hangup)(void *c, const char *call_id);
	/* The ear hears nothing more (the owner lets go of the call). */
	void (*deaf)(void *c, const char *call_id);
	/*
	 * One 20 ms frame of an answered call: what the agent says goes in,
	 * what the callee says comes out.  frame counts from ANSWERED.  False
	 * when the call has no media here (not ours, over, or not answered).
	 */
	bool (*frame)(void *c, const char *call_id, int64_t frame,
	    const uint8_t agent[CARRIER_FRAME], uint8_t callee[CARRIER_FRAME]);
	/* Digits 0-9 * # A-D, w = 500 ms pause. */
	void (*press)(void *c, const char *call_id, const char *digits);
	/* Deliver notices to fn from now on (NULL: stop). */
	void (*watch)(void *c,
	    void (*fn)(void *arg, const struct carrier_notice *n), void *arg);
	/* The notice is durable here; it need not come again. */
	void (*taken)(void *c, const char *notice_id);
	void (*free)(void *c);
};

/* A carrier in use: borrowed by run/, freed by whoever wired it. */
struct carrier {
	const struct carrier_ops *ops;
	void *impl;
};

const char *carrier_class_name(enum carrier_class cls);
enum err_code carrier_class_parse(
    const char *name, enum carrier_class *out, struct err *err);

#endif
