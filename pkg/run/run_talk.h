#ifndef DSRUN_RUN_TALK_H
#define DSRUN_RUN_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "carrier/carrier.h"
#include "conf/conf.h"
#include "job/job_state.h"
#include "model/model.h"

/*
 * The conversation of one answered call: it joins the carrier's audio with
 * the model and with talk's state machine, records both channels, and leaves
 * three files in recordings/: NAME.ul2 (mu-law journal), NAME.talk.jsonl
 * (talk's events and effects, for replay) and NAME.transcript.json.
 *
 * It knows nothing of the journal.  Its owner (the call runner) tells it what
 * the carrier reports, and hears once when it wants to hang up.
 *
 * Where the carrier has no media of the call (its frame() says so for frame
 * 0) nothing happens and nothing is recorded.  Files are written while the
 * call runs (kill -9 loses the last second of sound and the last tick's
 * events) and fsynced at its end.  A call needs less than 64 kB besides what
 * the model shares.
 */

struct run_talk;

struct run_talk_options {
	struct env *env;
	struct carrier *carrier;      /* borrowed */
	const struct conf_kind *kind; /* borrowed */
	const struct model *model;    /* borrowed; one serves all calls */
	const char *recordings_dir;   /* exists */
	const char *name;             /* file stem, unique: "17-1" */
	const char *call_id;          /* the carrier's */
	const char *to;
	const char *contact_json; /* an object */
	const char *data_json;    /* likewise */
	const char *answered_by;  /* the carrier's word, NULL = none; only
				   * "voicemail" decides anything */
	/* Wants the call ended now.  Called at most once, from a tick. */
	void (*hangup)(void *arg);
	void *arg;
};

enum run_artifact_kind {
	RUN_ARTIFACT_RECORDING,
	RUN_ARTIFACT_TALK,
	RUN_ARTIFACT_TRANSCRIPT,
	RUN_ARTIFACT_COUNT
};

struct run_artifact {
	char file[96]; /* name within recordings_dir; "" = none */
	int64_t bytes;
	uint8_t sha256[SHA256_BYTES];
};

/* What is known when everything is on disk. */
struct run_talk_result {
	struct run_artifact artifact[RUN_ARTIFACT_COUNT];
	int64_t duration_ms;      /* of the recording */
	enum job_outcome outcome; /* talk's reading: COMPLETED, VOICEMAIL,
				   * HANGUP ...; NONE = no opinion */
	char answered_by[24];     /* "human", "machine", "ivr", "" */
	char decline_reason[64];  /* "" = none */
	bool opt_out;             /* the callee asked not to be called again */
	char *meeting_json;       /* object or NULL; freed by run_talk_free */
};

/*
 * Begin at ANSWERED.  at_ms is the network's time of it.  Fails with ERR_SPACE
 * or ERR_IO when the files cannot be made: the call then goes on unrecorded
 * only if the caller says so; the default is to hang up.
 */
enum err_code run_talk_start(const struct run_talk_options *options,
    int64_t at_ms, struct run_talk **out, struct err *err);

/*
 * Handle every 20 ms frame due by now_ms (env_now), at most 500 a call, so
 * that one call cannot starve the others; true when more are due.
 */
bool run_talk_tick(struct run_talk *t, int64_t now_ms);

/* What the ear hears; times in milliseconds since ANSWERED.  May be called
 * from inside the carrier's frame(). */
void run_talk_caption(
    struct run_talk *t, const char *text, int64_t start_ms, int64_t end_ms);
void run_talk_dtmf(struct run_talk *t, char digit, int64_t at_ms);

/*
 * The call is over (by whom: "callee", "agent", "network").  Writes what is
 * left, then fsyncs the files and their directory on the writer's thread, and
 * calls done from the loop with the result (valid until run_talk_free).
 */
void run_talk_end(struct run_talk *t, int64_t at_ms, const char *by,
    void (*done)(void *arg, enum err_code code,
	const struct run_talk_result *result, const struct err *err),
    void *arg);

/* Only before run_talk_end or after its done; NULL-safe. */
void run_talk_free(struct run_talk **t);

/*
 * After a crash: bring what name left in recordings_dir into order (cut a torn
 * frame or line off), write the transcript from the talk file, fsync, and say
 * what is there.  No files at all is no error: artifacts are "".  Runs in the
 * calling thread (recovery calls it from env_work).
 */
enum err_code run_talk_repair(struct env *env, const char *recordings_dir,
    const char *name, struct run_talk_result *result, struct err *err);

/*
 * Feed a recorded talk file through the state machine again.  *same is false
 * when any effect differs; *difference (mem_free) then says at which event,
 * what was recorded and what came now.
 */
enum err_code run_talk_replay(struct env *env, const char *path,
    const struct conf_kind *kind, bool *same, char **difference,
    int64_t *events, struct err *err);

#endif
