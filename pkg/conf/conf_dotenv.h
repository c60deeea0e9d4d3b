#ifndef DSRUN_CONF_DOTENV_H
#define DSRUN_CONF_DOTENV_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf_problem.h"

/*
 * A .env file: NAME=VALUE, one a line, as shells and dotenv tools read it.
 *
 *	# a comment, also after a value and a blank
 *	export DSRUN_DIR=/var/lib/dsrun
 *	DSRUN_ON_ATTENTION="mail -s \"look\" ops"   # \" \\ \n \t \$ within "
 *	DSRUN_KEY_PREFIX='as it stands, \ too'
 *
 * Values stand on one line.  Nothing is expanded: $ means itself, and a " text
 * with $NAME in it is refused, for a shell would put something else there.
 * Pure; file is what problems call it.
 */
struct conf_dotenv_item {
	char *name;
	char *value;
	int line;
};

struct conf_dotenv {
	struct conf_dotenv_item *items; /* in order; each name once */
	size_t count;
};

#define CONF_DOTENV_BYTES_MAX (64 << 10)
#define CONF_DOTENV_ITEMS_MAX 1000

/*
 * Read text (which need not end in NUL) into a zeroed struct.  Lines that
 * cannot be read are problems, the others are there.  true: no problem.  The
 * caller releases with conf_dotenv_fini, which wipes the values.
 */
bool conf_dotenv_parse(const char *file, const char *text, size_t len,
    struct conf_dotenv *out, struct conf_problems *ps);
void conf_dotenv_fini(struct conf_dotenv *d);

/* NULL when it is not there. */
const struct conf_dotenv_item *conf_dotenv_get(
    const struct conf_dotenv *d, const char *name);

#endif
