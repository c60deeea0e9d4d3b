#ifndef DSRUN_SOURCE_LINE_H
#define DSRUN_SOURCE_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "source/source.h"

/*
 * One line of JSON to one job: the table of fields, their types and limits,
 * the number in its normal form, and the canonical form that makes a job's
 * identity.  Every source whose jobs are JSON comes through here.
 *
 * The canonical form is RFC 8785 over the fields that the line names, with
 * phone normalised.  A field that is null counts as not named.  A default
 * (kind, step, priority) is not part of it: a later change of the defaults
 * makes no other job of the same line.
 */

#define SOURCE_ID_MAX 128  /* bytes; also kind, campaignId */
#define SOURCE_ORG_MAX 256 /* bytes */
#define SOURCE_STEP_MAX 1000000
#define SOURCE_PRIORITY_MAX 1000000 /* to both sides of 0 */

struct source_rules {
	const char *source;       /* the jobs' source; kept, not copied */
	const char *const *kinds; /* that are there, ended by NULL; NULL: any */
	const char *default_kind; /* NULL: a line must name one */
};

/* The names of all fields, ended by NULL. */
extern const char *const source_line_fields[];

/*
 * ERR_MALFORMED names the field, what was expected and what came.  Besides
 * the fields of a job, "error" and "line" are passed over where both stand:
 * a corrected file of rejects can be given back as it is.  len is the
 * caller's to limit; *out is its own, NULL after an error.
 */
enum err_code source_line_parse(const struct source_rules *rules,
    const char *text, size_t len, int64_t line, struct source_job **out,
    struct err *err);

#endif
