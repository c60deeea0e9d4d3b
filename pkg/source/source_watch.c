#include "source/source_watch.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

#include "source/source_spool.h"

struct source_watch {
	struct source port;
	struct source_watch_options o;
	struct source_spool *spool; /* NULL: the lock is not held */
	struct source_file *file;   /* in hand; NULL = none */
	bool ended;                 /* file was read to its end */
	bool again;    /* a job of it was released: it is not done */
	int64_t given; /* jobs of it that are out */
	struct source_tally tally; /* of the files before */
};

static void
add_up(struct source_tally *sum, const struct source_tally *t)
{
	sum->added += t->added;
	sum->known += t->known;
	sum->refused += t->refused;
	if (*sum->first_error == '\0')
		(void)snprintf(sum->first_error, sizeof(sum->first_error), "%s",
		    t->first_error);
}

/* All jobs of the file are taken: its rejects, then done/. */
static enum err_code
end_file(struct source_watch *w, struct err *err)
{
	const char *rejects = NULL;
	struct source_tally tally;
	enum err_code code = ERR_NONE;

	source_file_tally(w->file, &tally);
	if (w->again) {
		source_spool_leave(w->spool);
	} else {
		code = source_file_finish(w->file, &rejects, err);
		if (code == ERR_NONE)
			code = source_spool_finish(w->spool, err);
	}
	if (code != ERR_NONE)
		return code;
	add_up(&w->tally, &tally);
	source_file_free(&w->file);
	return ERR_NONE;
}

static enum err_code
fail_file(struct source_watch *w, const struct err *why, struct err *err)
{
	struct source_tally one = {.refused = 1};

	(void)snprintf(
	    one.first_error, sizeof(one.first_error), "%s", why->text);
	add_up(&w->tally, &one);
	return source_spool_fail(w->spool, why->text, err);
}

/*
 * It could not be opened.  What lies with the file must not stop the runner:
 * the file is put aside, or is gone already; other errors are the disk's.
 */
static enum err_code
pass_file(struct source_watch *w, const struct err *why, struct err *err)
{
	if (why->code == ERR_MALFORMED || why->code == ERR_USAGE ||
	    why->sys == EACCES || why->sys == EPERM)
		return fail_file(w, why, err);
	source_spool_leave(w->spool);
	if (why->code == ERR_NOT_FOUND)
		return ERR_NONE;
	*err = *why;
	return err->code;
}

/* The next file of the spool; none: w->file stays NULL and the lock goes. */
static enum err_code
begin_file(struct source_watch *w, struct err *err)
{
	struct source_file_options o = w->o.file;
	enum err_code code = ERR_NONE;

	if (w->spool == NULL)
		code = source_spool_open(w->o.file.env, w->o.spool_dir,
		    w->o.settle_ms, &w->spool, err);
	if (code == ERR_BUSY)
		return ERR_NONE;
	while (code == ERR_NONE && w->file == NULL) {
		struct err why;

		code = source_spool_next(w->spool, &o.name, &o.path, err);
		if (code != ERR_NONE)
			break;
		if (o.name == NULL) {
			source_spool_close(&w->spool);
			break;
		}
		if (source_file_open(&o, &w->file, &why) != ERR_NONE)
			code = pass_file(w, &why, err);
	}
	w->ended = false;
	w->again = false;
	return code;
}

static enum err_code
op_next(void *s, struct source_job **out, struct err *err)
{
	struct source_watch *w = s;
	enum err_code code = ERR_NONE;

	*out = NULL;
	while (code == ERR_NONE && *out == NULL) {
		if (w->file != NULL && w->ended && w->given > 0)
			break;
		if (w->file != NULL && w->ended)
			code = end_file(w, err);
		if (code == ERR_NONE && w->file == NULL)
			code = begin_file(w, err);
		if (code != ERR_NONE || w->file == NULL)
			break;
		code = source_file_next(w->file, out, err);
		w->ended = code == ERR_NONE && *out == NULL;
	}
	if (*out != NULL)
		w->given++;
	return code;
}

static enum err_code
op_taken(
    void *s, struct source_job **job, enum source_taken how, struct err *err)
{
	struct source_watch *w = s;
	enum err_code code = source_file_taken(w->file, job, how, err);

	if (code == ERR_NONE)
		w->given--;
	return code;
}

static void
op_release(void *s, struct source_job **job)
{
	struct source_watch *w = s;

	source_file_source(w->file)->ops->release(w->file, job);
	w->given--;
	w->again = true;
}

static int64_t
op_owed(void *s)
{
	(void)s;
	return 0;
}

static enum err_code
op_finish(void *s, const char **rejects, struct err *err)
{
	struct source_watch *w = s;

	*rejects = w->o.file.rejects_dir;
	if (w->file != NULL && w->ended && w->given == 0)
		return end_file(w, err);
	return ERR_NONE;
}

static void
op_tally(void *s, struct source_tally *out)
{
	const struct source_watch *w = s;
	struct source_tally now;

	*out = w->tally;
	if (w->file == NULL)
		return;
	source_file_tally(w->file, &now);
	add_up(out, &now);
}

static void
op_free(void *s)
{
	struct source_watch *w = s;

	source_file_free(&w->file);
	source_spool_close(&w->spool);
	mem_free(&w);
}

static const struct source_ops ops = {
    .next = op_next,
    .taken = op_taken,
    .release = op_release,
    .owed = op_owed,
    .finish = op_finish,
    .tally = op_tally,
    .free = op_free,
};

struct source *
source_watch_new(const struct source_watch_options *options)
{
	struct source_watch *w = mem_zalloc(1, sizeof(*w));

	w->o = *options;
	w->port.ops = &ops;
	w->port.impl = w;
	return &w->port;
}
