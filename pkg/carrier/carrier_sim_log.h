#ifndef DSRUN_CARRIER_SIM_LOG_H
#define DSRUN_CARRIER_SIM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/sha256.h"

#include "carrier/carrier_sim_line.h"

/*
 * The network's log as evidence: what rang, for whom, and by whose leave.  For
 * `dsrun check` and for tests.  It reads the file and nothing else: no lock,
 * no clock, no seed, so that it cannot share a mistake with the network.
 *
 * A request that is in flight, and what came due since somebody last opened
 * the network, stands in no line yet: open it first (carrier_sim_open) to have
 * it written.  A last line without its newline is not read.
 */

/*
 * Hand over every line in the order written.  ERR_NOT_FOUND: no such file;
 * ERR_DAMAGED: file, line, and what is wrong with it; an error of each() ends
 * the reading and is returned with file and line in front.
 */
enum err_code carrier_sim_log_each(struct env *env, const char *path,
    enum err_code (*each)(
	void *arg, const struct carrier_sim_line *line, struct err *err),
    void *arg, struct err *err);

/* One request that left dsrun. */
struct carrier_sim_log_request {
	int64_t at_ms;
	int64_t event; /* the INTENT that allowed it */
	uint8_t hash[SHA256_BYTES];
	size_t call; /* index in the log's calls */
};

/* One call: what one request asked for, and repeats of its key asked again. */
struct carrier_sim_log_call {
	char id[CARRIER_SIM_WORD_MAX];
	char to[CARRIER_SIM_WORD_MAX];
	size_t key;       /* index in the log's keys */
	int64_t requests; /* 1, or more for a repeated key of class keyed */
	int64_t placed;   /* times it rang: 0 or 1, anything else is a lie */
	int64_t requested_ms;
	int64_t placed_ms, answered_ms, ended_ms; /* 0 = not */
	enum carrier_sim_code refused;            /* NONE: not */
	enum job_outcome outcome;                 /* NONE: not over */
	enum carrier_sim_by by;
};

/* One attempt, as the network knows it. */
struct carrier_sim_log_key {
	char key[CARRIER_SIM_KEY_MAX];
	struct carrier_sim_log_request *requests;
	size_t request_count;
	int64_t placed; /* how often a phone rang for it: I1 wants at most 1 */
	size_t last_call; /* the newest that rang, else the newest; an index */
};

struct carrier_sim_log {
	struct carrier_sim_log_key *keys; /* by their first request's place */
	size_t key_count;
	struct carrier_sim_log_call *calls; /* likewise */
	size_t call_count;
	int64_t newest_ms;
	/* the reader's own */
	uint32_t *key_slots, *call_slots;
	size_t slots;
};

/*
 * Read and add up the whole log.  Also ERR_DAMAGED: an event of a call that
 * was never requested, and one out of order (answered before placed, anything
 * after the end).  More than one `placed` is no error here: it is counted, it
 * is what the reader came for.  *out is released with carrier_sim_log_free.
 */
enum err_code carrier_sim_log_read(struct env *env, const char *path,
    struct carrier_sim_log *out, struct err *err);
void carrier_sim_log_free(struct carrier_sim_log *log);

/* NULL: the network never had a request with this key. */
const struct carrier_sim_log_key *carrier_sim_log_find(
    const struct carrier_sim_log *log, const char *key);

#endif
