#ifndef DSRUN_SOURCE_FILE_H
#define DSRUN_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "source/source.h"
#include "source/source_csv.h"
#include "source/source_line.h"
#include "source/source_text.h"

/*
 * Jobs from a file, from stdin, or from the command line.
 *
 * A file is read from its beginning every time: what the journal has is KNOWN
 * then.  A bad line is refused (counted, and kept in the rejects) and the rest
 * goes on; what concerns the whole file (it is not there, the header of a CSV
 * makes no sense) is an error of source_file_open, before any job was given.
 *
 * The order: open; source_batch, journal, taken, until a batch is empty;
 * finish; free.  A crash anywhere before the end of finish means to do all of
 * it again.
 */

/* The source of all jobs in files: their ids are of one space. */
#define SOURCE_FILE_NAME "file"

enum source_format {
	SOURCE_FORMAT_AUTO, /* by NAME.csv, NAME.jsonl, or the first line */
	SOURCE_FORMAT_JSONL,
	SOURCE_FORMAT_CSV
};

struct source_file_options {
	struct env *env;
	const char *path;    /* or NULL, and: */
	source_read_fn read; /* stdin */
	void *read_arg;
	const char *name; /* of the rejects: "jobs.jsonl", "stdin" */
	const char *rejects_dir;
	enum source_format format;
	const struct source_map *maps;
	size_t map_count;
	size_t line_bytes;         /* conf.limits.line_bytes */
	struct source_rules rules; /* rules.source: SOURCE_FILE_NAME */
};

struct source_file;

/*
 * Everything options points to must outlive it.  ERR_NOT_FOUND, ERR_IO,
 * ERR_MALFORMED (not text, or a header that cannot be used); the text names
 * the file.
 */
enum err_code source_file_open(const struct source_file_options *options,
    struct source_file **out, struct err *err);

/* The next good job; *out NULL at the end.  See source.h. */
enum err_code source_file_next(
    struct source_file *f, struct source_job **out, struct err *err);
enum err_code source_file_taken(struct source_file *f, struct source_job **job,
    enum source_taken how, struct err *err);

void source_file_tally(const struct source_file *f, struct source_tally *out);

/*
 * Put the rejects in place.  *rejects is their path, which lives as long as f;
 * NULL when nothing was refused.
 */
enum err_code source_file_finish(
    struct source_file *f, const char **rejects, struct err *err);

/* The file as a source; borrowed, lives as long as f. */
struct source *source_file_source(struct source_file *f);

void source_file_free(struct source_file **f); /* NULL-safe */

/*
 * One job from flags: names are those of CSV columns ("phone", "kind",
 * "contact.first_name", "data" as JSON).  ERR_USAGE, ERR_MALFORMED.
 */
enum err_code source_file_one(const struct source_rules *rules,
    const char *const *names, const char *const *values, size_t count,
    struct source_job **out, struct err *err);

#endif
