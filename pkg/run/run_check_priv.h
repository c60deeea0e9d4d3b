#ifndef DSRUN_RUN_CHECK_PRIV_H
#define DSRUN_RUN_CHECK_PRIV_H

#include "base/sha256.h"

#include "run/run_check.h"

/* --- run_check_calls.c: the network's log in memory, by key --------------- */

struct run_check_asked {
	int64_t at_ms, event;
	uint8_t hash[SHA256_BYTES];
};

struct run_check_rang {
	uint8_t key[SHA256_BYTES];
	char *id;
	size_t first, count; /* of its requests */
	int64_t placed;
	int64_t attempt; /* whose it is, once found; 0 = nobody's so far */
	enum job_outcome outcome;
};

struct run_check_calls {
	struct run_check_rang *call; /* by key, then as they came */
	size_t count, cap;
	struct run_check_asked *asked;
	size_t asked_count, asked_cap;
	size_t strange; /* keys that no dsrun makes */
	char strange_id[64];
};

enum err_code run_check_calls_read(const struct run_check_network *network,
    struct run_check_calls *out, struct err *err);
void run_check_calls_free(struct run_check_calls *c);
/* The first with that key, and how many there are; NULL: none. */
struct run_check_rang *run_check_calls_find(const struct run_check_calls *c,
    const uint8_t key[SHA256_BYTES], size_t *count);

/* --- run_check.c -----------------------------------------------------------
 */

void run_check_bad(struct run_check *c, int invariant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* JOURNAL_UNKNOWN, unless it is false already; `why` must stay. */
void run_check_not_seen(struct run_check *c, int invariant, const char *why);
void run_check_file_bad(struct run_check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void run_check_list(struct run_check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* --- run_check_archive.c: what was pruned ----------------------------------
 */

/* Every archive in the journal's directory is proved too; ERR_DAMAGED. */
enum err_code run_check_archives(struct env *env, const char *journal_dir,
    void (*fn)(void *arg, const struct journal_check_attempt *a), void *arg,
    struct err *err);

/* --- run_check_files.c -----------------------------------------------------
 */

enum err_code run_check_files(
    const struct run_check_options *o, struct run_check *c, struct err *err);

/* --- run_check_hours.c: I12 ------------------------------------------------
 */

enum err_code run_check_hours(const struct run_check_options *o,
    const struct run_check_calls *calls, struct run_check *c, struct err *err);

#endif
