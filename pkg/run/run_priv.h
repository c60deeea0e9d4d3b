#ifndef DSRUN_RUN_PRIV_H
#define DSRUN_RUN_PRIV_H

#include "base/list.h"
#include "base/mem.h"

#include "journal/journal_read.h"
#include "run/run.h"
#include "run/run_talk.h"

/* --- run_gate.c: may this job be dialled now? -------------------------------
 */

enum run_gate_result {
	RUN_GATE_OK,
	RUN_GATE_LATER, /* not_before_ms, reason */
	RUN_GATE_NEVER, /* reason */
	RUN_GATE_WAIT   /* for a slot: nothing changes */
};

struct run_gate {
	enum run_gate_result result;
	enum job_reason reason;
	int64_t not_before_ms;
	int64_t dial_until_ms; /* of OK */
	const struct conf_kind *kind;
	struct carrier *carrier;
	/* every verdict, when asked for */
	struct run_verdict *verdicts;
	size_t count;
};

/* Inside a transaction. live may be NULL: slots are not looked at. */
enum err_code run_gate_ask(const struct run_options *o, struct journal *j,
    const struct journal_job *job, const struct journal_person *person,
    const struct journal_live *live, struct run_gate *out, struct err *err);
struct carrier *run_gate_carrier(const struct run_options *o, const char *name);
/* Were the kind's hours, as they are now, open at that moment?  known false:
 * the callee's zone is not known.  On the loop's thread. */
enum err_code run_gate_open_at(struct rules_atlas *atlas,
    const struct conf_kind *k, const struct journal_person *person,
    int64_t at_ms, bool *known, bool *open, struct err *err);

/* --- run_terms.c: carrier terms and the request, as text --------------------
 */

struct run_terms {
	struct carrier_terms terms;
	char from[24];
	int64_t ring_ms;
};
void run_terms_write(const struct run_terms *t, char out[JOURNAL_TERMS_MAX]);
enum err_code run_terms_read(
    const char *text, struct run_terms *out, struct err *err);

/* --- run_call.c: one live attempt -------------------------------------------
 */

/* What is known of the call from outside, ahead of the journal. */
struct run_evidence {
	bool placed, ringing, answered, ended;
	int64_t placed_ms, answered_ms, ended_ms;
	enum job_outcome outcome;
	char by[12];
	char answered_by[24];
	char call_id[CARRIER_CALL_MAX];
	char source[12]; /* "answer", "live", "lookup", "notice" */
};

enum run_plan {
	RUN_PLAN_NONE,
	RUN_PLAN_ARM,     /* CLAIMED: gates again, then INTENT */
	RUN_PLAN_ADOPT,   /* CLAIMED, and the network has the key: INTENT */
	RUN_PLAN_RELEASE, /* CLAIMED: back to READY */
	RUN_PLAN_UNSENT,
	RUN_PLAN_REFUSE,
	RUN_PLAN_DOUBT,
	RUN_PLAN_STAGE, /* the next stage the evidence shows */
	RUN_PLAN_END,
	RUN_PLAN_SETTLE, /* the settle time starts anew */
	RUN_PLAN_LOOK,   /* absent, once */
	RUN_PLAN_VANISH, /* absent, twice */
	RUN_PLAN_RESEND, /* the same key again */
	RUN_PLAN_PARK
};

/* Steps of one transaction at most: all stages and the end. */
#define RUN_STEPS_MAX 6

struct run_call {
	struct run *run;
	struct list node;
	struct list heard; /* in run.heard while there is news of it */
	struct list same;  /* in run.by_attempt */
	struct journal_job job;
	struct journal_attempt attempt;
	const struct conf_kind *kind; /* NULL: no longer configured */
	struct carrier *carrier;      /* NULL: likewise */
	struct run_terms terms;
	char key[JOURNAL_KEY_HEX];
	char to[20];
	char *contact, *data;
	int64_t event_seq; /* the INTENT event */
	uint8_t event_hash[SHA256_BYTES];

	struct carrier_dial dial;
	bool dialled; /* the request was given to the carrier */
	bool dialling;
	struct carrier_lookup lookup;
	bool looking;
	struct carrier_ear ear;
	struct run_evidence evidence;
	enum carrier_answer answer; /* of the last dial */
	bool answered_dial;
	struct run_talk *talk;
	bool talk_ending, talk_over, no_talk;
	struct run_talk_result result; /* a copy, when talk_over */
	struct env_work repair; /* taken over: what the dead one recorded */
	bool repairing, repaired;
	char *repair_dir;
	enum err_code repair_code;
	struct err repair_err;
	bool has_result;

	struct env_timer timer; /* settle, deadlines, longest call */
	bool due;               /* the timer fired and was not used yet */
	bool recovered;         /* taken over: no conversation of ours */
	bool cancel, hangup_sent, hung_up_by_us, prepared, checked_key;
	bool fold;                  /* messages may be waiting */
	bool resend_refused;        /* a gate said no to the same key again */
	int64_t dial_until_boot_ms; /* env_boot; 0: none was armed here */
	int64_t taken_boot_ms;      /* env_boot, when taken over */
	int guard_misses;
	int64_t lookup_errors;

	struct journal_tx tx;
	bool busy;
	/* What the transaction may know: taken at submit, so that the loop may
	 * go on changing the rest while the writer runs. */
	struct run_ask {
		enum run_plan plan;
		struct run_evidence evidence;
		bool cancel, fold, hung_up, has_result, talking;
		bool over; /* nothing of the call is under way any more */
		enum carrier_answer answer;
		enum carrier_policy policy;
		int64_t retry_after_ms;
		char code[32];
		double jitter;
		enum job_reason park_reason;
	} ask;
	/* What it came to: the writer's while busy. */
	struct journal_job tx_job;
	struct journal_attempt tx_attempt;
	struct run_evidence tx_evidence;
	enum attempt_state tx_passed[RUN_STEPS_MAX]; /* in this order */
	int tx_steps;
	bool tx_cancel;
	bool tx_more;   /* the next step is not the last one of this */
	bool tx_unread; /* messages may be open */
	bool tx_final;
	bool tx_dial; /* RESEND or ARM was allowed */
	int64_t tx_dial_until_boot_ms;
};

struct run_armed {
	struct journal_job job;
	struct journal_attempt attempt;
	struct run_terms terms;
	const struct conf_kind *kind;
	struct carrier *carrier;
	char *contact, *data;
	int64_t number;
	int64_t dial_until_boot_ms;
};

void run_call_begin(struct run *r, const struct run_armed *a);
/* Taken over: reads what the journal has of it. */
enum err_code run_call_adopt(struct run *r, int64_t attempt, struct err *err);
/* Look at everything and start what may start now; idempotent. */
void run_call_poke(struct run_call *c);
/* The same in this turn, when all that is told together has been heard: what
 * comes together becomes durable together. */
void run_call_later(struct run_call *c);
/* Start the transaction of a plan; not while busy. */
void run_call_submit(
    struct run_call *c, enum run_plan plan, enum job_reason park_reason);
void run_call_free(struct run_call **c);
struct run_call *run_call_find(struct run *r, int64_t attempt);
/* Evidence from outside; the earliest word on each stage counts. */
void run_call_hear(struct run_call *c, const struct carrier_progress *p,
    const char *call_id, int64_t placed_ms, int64_t answered_ms,
    const char *source);
/* --- run_evidence.c ---------------------------------------------------------
 */

void run_evidence_add(struct run_evidence *e, const struct carrier_progress *p,
    const char *call_id, int64_t placed_ms, int64_t answered_ms,
    const char *source);
/* What from knows and to does not. */
void run_evidence_merge(
    struct run_evidence *to, const struct run_evidence *from);

/* --- run_voice.c: the conversation of a call --------------------------------
 */

/* Begin, end or repair what may be now; idempotent. */
void run_voice_poke(struct run_call *c);
/* The media clock; true: more frames are due. */
bool run_voice_tick(struct run_call *c, int64_t now_ms);

/* --- run_step.c: the transactions of a call ----------------------------------
 */

enum err_code run_step_run(
    struct journal *j, struct journal_tx *tx, struct err *err);
/* The ladder's word after an attempt that is over. */
enum err_code run_step_ladder(const struct conf *conf, struct journal *j,
    struct journal_job *job, int64_t attempt, enum job_outcome outcome,
    bool cancelled, double jitter, enum job_event *event, struct err *err);
/* Rows that follow a job's end: one for each sink. */
enum err_code run_step_finished(struct journal *j, struct journal_job *job,
    int64_t attempt, struct err *err);
/* dial_until on BOOTTIME, by the clocks of the transaction that arms. */
int64_t run_step_dial_until_boot(
    struct journal *j, const struct run_gate *gate);

/* --- run_rest.c
 * ---------------------------------------------------------------
 */

/* At each tick of a worker: give memory back once nothing was done for long. */
void run_rest(struct run *r);

/* --- run_settle.c: an attempt in UNKNOWN
 * --------------------------------------- */

void run_settle_poke(struct run_call *c);
/*
 * How long ago the attempt was armed, for what the carrier remembers: at least
 * since it settles, whatever the wall clock says.  INT64_MAX: nobody knows, for
 * the wall clock was set back behind that moment.
 */
int64_t run_settle_age_ms(const struct run_call *c);
/* So long its key may still be sent again; 0 or less: not any more. */
int64_t run_settle_key_left_ms(const struct run_call *c);
/* A taken-over attempt the carrier has: find out, hang up, or wait. */
void run_settle_taken(struct run_call *c);
void run_settle_lookup(struct run_call *c);
/* A call whose carrier tells us of it: only its longest time is watched. */
void run_settle_watch(struct run_call *c);
/* "Absent" was not believed for the clock: ask again, but not at once. */
void run_settle_clock(struct run_call *c);

/* --- run_notice.c: what carriers tell by themselves
 * ---------------------------- */

void run_notice_watch(struct run *r);
void run_notice_stop(struct run *r);
/* Body of an inbox row back to evidence. */
enum err_code run_notice_read(
    const char *body, struct run_evidence *e, struct err *err);

/* --- run_row.c: a row of the outbox ------------------------------------------
 */

/* Small, since thousands may wait for a service: texts are as long as they
 * are. */
struct run_row {
	struct journal_outbox box;
	struct sink_result result; /* its texts are the row's */
	const char *kept;          /* what its sink had kept; "" = nothing */
	int64_t terms_id;
	char carrier[CARRIER_NAME_MAX];
	char *texts;
	/* what came of it */
	bool made, lame; /* lame: without its files, which are not as hashed */
	enum err_code code;
	char *error; /* or NULL */
};

/*
 * Loop's thread; r is not moved after that; release with fini, also after an
 * error.  before: a row that was gathered already, for what both share, or
 * NULL.  ERR_NOT_FOUND: a person took the row away meanwhile.
 */
enum err_code run_row_gather(struct journal *j, const struct run_row *before,
    struct run_row *r, struct err *err);
/* run_past.c: job as it was at its end number revision. */
enum err_code run_past(struct journal *j, int64_t revision,
    struct journal_job *job, struct err *err);
/*
 * render, and if files are not what was journalled, once more without them:
 * r->lame then, and error says why.  They are for a person to look at; the
 * result, and the other file, must not be lost with them.
 */
enum err_code run_row_render(struct run_row *r,
    enum err_code (*render)(
	void *arg, const struct sink_result *result, struct err *err),
    void *arg, struct err *err);
void run_row_error(struct run_row *r, const char *error);
void run_row_fini(struct run_row *r);

/* --- run_sync.c: the outbox
 * ------------------------------------------------------ */

struct run_sync;
struct run_sync *run_sync_new(struct run *r);
void run_sync_free(struct run_sync **s);
void run_sync_poke(struct run_sync *s);
bool run_sync_idle(const struct run_sync *s);
/* The sink cannot be used now: why. */
bool run_sync_gave_up(const struct run_sync *s, struct err *err);
/* Nothing of it is under way: it may be freed. */
bool run_sync_resting(const struct run_sync *s);

/* --- run_push.c: sinks behind a network
 * ------------------------------------------ */

struct run_push;

/* run_pushes.c: all of them. */
void run_pushes_new(struct run *r);
void run_pushes_free(struct run *r);
/* There may be rows to push. */
void run_pushes_look(struct run *r);
/* A hard stop: what is under way is cancelled and stays to be done. */
void run_pushes_drop(struct run *r);
/* Nothing is to be waited for. */
bool run_pushes_idle(const struct run *r);
/* Nothing of them is under way: they may be freed. */
bool run_pushes_resting(const struct run *r);
/* Rows may have stayed for a fault of a service or of its set-up: which. */
bool run_pushes_trouble(const struct run *r, struct err *err);
/* The same, of the queue too; what a person must put right comes before what
 * may pass. */
bool run_trouble(const struct run *r, struct err *err);

/* --- run_queue.c: more jobs, from a queue outside
 * --------------------------------- */

struct run_queue;
/* NULL when there is no queue. */
struct run_queue *run_queue_new(struct run *r);
void run_queue_free(struct run_queue **q);
/* The run is over: nothing of it begins any more. */
void run_queue_end(struct run_queue *q);
/* Ask for as many jobs as could be called now; give back when stopping. */
void run_queue_poke(struct run_queue *q);
/* Nothing of it is under way. */
bool run_queue_resting(const struct run_queue *q);
/* What the journal had of its jobs may be called: source_ops.sure. */
bool run_queue_is_sure(const struct run_queue *q);
/* Jobs of it are on their way into the journal: it may not be freed. */
bool run_queue_busy(const struct run_queue *q);
/* It could not do all it should: why. */
bool run_queue_trouble(const struct run_queue *q, struct err *err);

/* --- run_claim.c
 * ------------------------------------------------------------------ */

/* After so many deaths with a job in hand it is claimed alone. */
#define RUN_CRASHES_ALONE 2
void run_claim_start(struct run *r, int64_t want);

/* --- run.c
 * ------------------------------------------------------------------------ */

/* Of calls, by their attempt's id: ids of first attempts are 256 apart. */
#define RUN_BUCKETS 1024
#define RUN_TERMS_NONE (-1)
#define RUN_BUCKET(r_, id_) \
	(&(r_)->by_attempt[(uint64_t)((id_) / 256 + (id_)) % RUN_BUCKETS])

struct run {
	struct run_options o;
	struct env *env;
	struct journal *journal;
	struct list calls;
	struct list heard; /* of them, those with news */
	struct list by_attempt[RUN_BUCKETS];
	int64_t live;
	struct run_progress progress;
	struct run_sync *sync;
	struct run_queue *queue;
	struct run_push *pushes[RUN_PUSHERS_MAX];
	size_t push_count;
	int64_t limit;
	int64_t run_row;
	int64_t began_boot_ms; /* env_boot */

	/* the claim under way */
	struct run_claim *claim;
	bool again;         /* something may have become claimable */
	bool nothing;       /* the last claim found nothing to do */
	bool starved;       /* as said: live calls wait for room on the disk */
	int64_t full_bytes; /* nothing is claimed with so little; 0 = room */
	int64_t next_due_ms;
	int64_t due_for_ms; /* what the timer `due` was started for */
	int64_t version;    /* PRAGMA data_version as last seen */

	struct journal_takeover takeover;
	bool taking_over;
	int64_t terms_id; /* of terms, which were read last */
	struct run_terms terms;

	/* run_say.c */
	struct run_say {
		struct journal_tx tx;
		char text[64]; /* as it stands, or is on its way */
		bool busy;
	} say;

	struct env_timer tick;  /* 250 ms real: inbox, owners, other's jobs */
	struct env_timer due;   /* the next not_before */
	struct env_timer media; /* the 20 ms clock */
	struct env_timer soft, hard, grace;
	struct env_post turn; /* see run_poke */
	struct env_post end_post;
	int ticks;
	int64_t done_when_last_seen; /* of all kinds; see run_rest */
	int idle_ticks;              /* since then */
	bool results;                /* there may be some to push */
	uint64_t luck[32]; /* random bits in store: asking costs a call */
	size_t luck_left;
	bool stopping, hard_stop, ended;
	int64_t attentions;  /* being written down */
	int64_t orphans;     /* taken over, but not to be understood */
	struct list notices; /* run_notice.c */
	struct run_watch {
		struct run *run;
		struct carrier *carrier;
	} * watches; /* one for each carrier */
	enum err_code code;
	struct err err;
};

/*
 * Look at everything and start what may start now, once the present callback
 * and all that is due with it are over; idempotent.
 */
void run_poke(struct run *r);
/* A fatal error: nothing more is begun. */
void run_fail(struct run *r, enum err_code code, const struct err *err);
void run_call_over(struct run *r, struct run_call *c);
void run_media_on(struct run *r);
double run_jitter(struct run *r);
/* Look for dead owners, unless that is under way. */
void run_takeover(struct run *r);
void run_attention(struct run *r, const char *what);
/* Real, until what the journal or the disk refused n times in a row is tried
 * again: a second, doubling, at most a minute. */
int64_t run_again_ms(int64_t n);
/* So many of a row's tries count that came to nothing by the fault of others:
 * the half of outbox.max_tries, and 3 at least. */
int64_t run_tries_of_others(const struct run *r);
/* Counts it, and tells people; attempt 0: the job never had one. */
void run_parked(struct run *r, int64_t job, int64_t attempt);
/* The line that status shows; writes only when it is another one. */
void run_say(struct run *r);

#endif
