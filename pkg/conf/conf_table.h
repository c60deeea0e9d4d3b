#ifndef DSRUN_CONF_TABLE_H
#define DSRUN_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "conf/conf.h"
#include "conf/conf_dotenv.h"
#include "conf/conf_yaml.h"

/*
 * Settings as a table: one row says a key's name in the file, its type, its
 * place in a struct, its default, its bounds and its help.  Everything else
 * (environment name, .env, flags, unknown keys, secrets, `dsrun config`)
 * follows from the row, so a new setting is a field and a row.
 *
 * conf_load uses it with conf_rows; help and completion read conf_rows too.
 */

enum conf_type {
	CONF_TYPE_TEXT,     /* char * */
	CONF_TYPE_PATH,     /* char *, made absolute */
	CONF_TYPE_CHOICE,   /* char *, one of choices */
	CONF_TYPE_I64,      /* int64_t */
	CONF_TYPE_DOUBLE,   /* double */
	CONF_TYPE_DURATION, /* int64_t, ms; min and max in ms */
	CONF_TYPE_SIZE,     /* int64_t, bytes */
	CONF_TYPE_START,    /* struct conf_sim: start_now and start_ms */
	CONF_TYPE_JITTER    /* bool: "full" or "none" */
};

struct conf_row {
	const char *key; /* sections with dots: "carrier.sim.speed" */
	enum conf_type type;
	bool secret; /* only TEXT: see below */
	size_t offset;
	const char *def; /* as text; NULL: none */
	int64_t min;     /* of numbers */
	int64_t max;
	const char *const *choices; /* ended by NULL */
	const char *help;           /* one line, no full stop */
};

/* The rows of struct conf, in the order of the file. */
const struct conf_row *conf_rows(size_t *count);

/* "carrier.sim.latency_ms" -> "DSRUN_CARRIER_SIM_LATENCY_MS". */
#define CONF_ENV_NAME_MAX 96
const char *conf_env_name(const char *key, char out[CONF_ENV_NAME_MAX]);

/*
 * A size: "65536", "64KB", "256MB", "2GB" (1 KB = 1,024 bytes), and the
 * shortest such text.  ERR_MALFORMED for anything else.
 */
enum err_code conf_size_parse(const char *text, int64_t *out, struct err *err);
const char *conf_size_text(int64_t bytes, char *out, size_t size);

/* Where values come from; all borrowed, any may be NULL. */
struct conf_sources {
	const struct conf_node *yaml; /* a map */
	const char *yaml_file;        /* as people know it */
	const char *yaml_dir; /* absolute; defaults are relative to it */
	const struct conf_dotenv *dotenv;
	const char *dotenv_file;
	const char *dotenv_dir;
	char *const *environ_;
	const struct conf_flag *flags;
	size_t flag_count;
	const char *cwd; /* absolute */
};

/*
 * Fill base by rows: defaults, then yaml, .env, environment, flags; the later
 * wins.  Each value that is there is checked, also one that a later one
 * covers.  An empty value in .env or the environment is as if it were not
 * there.  *settings gets one item a row (released by conf_table_free).
 *
 * A secret comes from .env, the environment, or a file named by KEY_file or
 * DSRUN_KEY_FILE (its last line break is cut); in the yaml or in a flag it is
 * a problem.  Its setting shows "***".
 *
 * Names that begin with DSRUN_ and are no setting are problems in .env; in
 * the environment only when they look like one misspelt, for the environment
 * also belongs to others.
 */
void conf_table_read(struct env *env, const struct conf_row *rows, size_t count,
    const struct conf_sources *from, void *base, struct conf_setting **settings,
    struct conf_problems *ps);

/* Release texts in base (secrets are wiped) and settings; both NULL-safe. */
void conf_table_free(const struct conf_row *rows, size_t count, void *base,
    struct conf_setting **settings);

#endif
