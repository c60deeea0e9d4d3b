#ifndef DSRUN_CMD_WIRE_SOURCE_H
#define DSRUN_CMD_WIRE_SOURCE_H

#include "ctx.h"
#include "source/source.h"

/*
 * Where jobs come from, opened as the configuration says; commands see
 * struct source only.
 */

struct wire_file_options {
	const char *path; /* or NULL, and read: */
	enum err_code (*read)(
	    void *arg, void *bytes, size_t len, size_t *got, struct err *err);
	void *read_arg;
	const char *name;        /* of the rejects: "jobs.jsonl", "stdin" */
	const char *format;      /* "jsonl", "csv" or NULL: find out */
	const char *const *maps; /* "Phone 1=phone" */
	size_t map_count;
	const char *default_kind; /* NULL: the configuration's */
};

/* One opened source, with all that it needs. */
struct wire_source;

/* A file or a pipe of jobs.  What options points to must outlive it. */
enum err_code wire_source_file(struct ctx *ctx, const struct conf *conf,
    const struct wire_file_options *options, struct wire_source **out,
    struct err *err);
/* The spool directory, which never ends. */
struct wire_source *wire_source_spool(struct ctx *ctx, const struct conf *conf);
/* So that files can be moved into it before anything runs; one that is in use
 * is there.  dir: the journal's. */
enum err_code wire_source_make_spool(
    struct ctx *ctx, const char *dir, struct err *err);
struct source *wire_source_port(struct wire_source *s);
void wire_source_free(struct wire_source **s); /* NULL-safe */

/* One job from names and values; source_job_free. */
enum err_code wire_source_one(struct ctx *ctx, const struct conf *conf,
    const char *default_kind, const char *const *names,
    const char *const *values, size_t count, struct source_job **out,
    struct err *err);

#endif
