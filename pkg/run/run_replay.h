#ifndef DSRUN_RUN_REPLAY_H
#define DSRUN_RUN_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "conf/conf.h"
#include "journal/journal.h"
#include "run/run_talk.h"

/*
 * What a call left behind, looked at again, offline: are its files the ones
 * that its last transaction hashed, and would the conversation take the same
 * way today?  Reads only; for commands, on the loop's thread.
 */

enum run_replay_state {
	RUN_REPLAY_NONE,  /* no such file was made */
	RUN_REPLAY_SAME,  /* as it was recorded */
	RUN_REPLAY_OTHER, /* its bytes are other ones */
	RUN_REPLAY_GONE   /* the file is not there */
};

struct run_replay_file {
	char path[160]; /* absolute or as the journal's directory is; cut */
	int64_t bytes;
	enum run_replay_state state;
};

struct run_replay {
	struct run_replay_file file[RUN_ARTIFACT_COUNT];
	bool replayed; /* there was a conversation, and it was fed again */
	bool same;     /* with the same effects */
	char *difference;
	int64_t events;
	const char *why_not; /* not replayed; NULL when it was */
};

/*
 * conf for the kind's script as it is now.  Errors are those of reading; what
 * differs is no error.  Release with run_replay_fini in any case.
 */
enum err_code run_replay(struct env *env, const struct conf *conf,
    struct journal *j, int64_t attempt, struct run_replay *out,
    struct err *err);
void run_replay_fini(struct run_replay *r);

/* Of a whole file; errors are those of env_open and env_pread. */
enum err_code run_replay_hash(struct env *env, const char *path,
    uint8_t out[SHA256_BYTES], struct err *err);

/* Nothing is missing, changed or different. */
bool run_replay_ok(const struct run_replay *r);

#endif
