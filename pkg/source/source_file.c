#include "source/source_file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "source/source_rejects.h"

struct source_file {
	struct source_file_options o;
	struct source port;
	struct source_text text;
	bool csv;
	struct source_csv columns;
	struct source_cells cells;
	struct buf line; /* a row of CSV as JSON */
	struct source_rejects *rejects;
	struct source_tally tally;
	int64_t given; /* jobs out and not yet taken */
};

/* What a row of CSV grows to at most when it is written as JSON. */
static size_t
json_bytes(size_t line_bytes)
{
	return 16 * line_bytes + (size_t)SOURCE_COLUMNS_MAX * 256;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t m = strlen(end);

	return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* Does the first line look like the header of a CSV? */
static bool
has_phone_column(const struct source_file *f, const char *line, size_t len)
{
	char *first = mem_strndup(line, len);
	char *save = NULL;
	bool found = false;

	for (char *c = strtok_r(first, ",\"\r", &save); c != NULL && !found;
	     c = strtok_r(NULL, ",\"\r", &save)) {
		found = strcmp(c, "phone") == 0;
		for (size_t i = 0; i < f->o.map_count; i++)
			found = found || strcmp(c, f->o.maps[i].from) == 0;
	}
	mem_free(&first);
	return found;
}

/* Neither name nor options say it: '{' begins JSONL, a header has "phone". */
static enum err_code
guess_format(struct source_file *f, struct err *err)
{
	const char *bytes = NULL;
	const char *lf = NULL;
	size_t len = 0;
	size_t want = 1;
	enum err_code code;

	do {
		code = source_text_peek(&f->text, want, &bytes, &len, err);
		if (code != ERR_NONE || len == 0 || *bytes == '{')
			return code;
		lf = memchr(bytes, '\n', len);
		want = len + 1;
	} while (lf == NULL && len <= f->o.line_bytes && !f->text.ended);
	f->csv =
	    has_phone_column(f, bytes, lf != NULL ? (size_t)(lf - bytes) : len);
	return ERR_NONE;
}

static enum err_code
choose_format(struct source_file *f, struct err *err)
{
	const char *name = f->o.path != NULL ? f->o.path : f->o.name;

	if (f->o.format != SOURCE_FORMAT_AUTO)
		f->csv = f->o.format == SOURCE_FORMAT_CSV;
	else if (ends_with(name, ".csv"))
		f->csv = true;
	else if (!ends_with(name, ".jsonl") && !ends_with(name, ".ndjson"))
		return guess_format(f, err);
	return ERR_NONE;
}

static enum err_code
read_header(struct source_file *f, struct err *err)
{
	enum source_cells_got got = SOURCE_CELLS_END;
	struct err why;
	enum err_code code =
	    source_cells_next(&f->text, &f->cells, &got, &why, err);

	if (code != ERR_NONE)
		return code;
	if (got == SOURCE_CELLS_END)
		return err_set(err, ERR_MALFORMED, 0,
		    "empty; expected a header such as "
		    "\"id,phone,kind,contact.first_name\"");
	if (got == SOURCE_CELLS_BAD) {
		*err = why;
		code = err->code;
	} else {
		code = source_csv_header(
		    &f->columns, &f->cells, f->o.maps, f->o.map_count, err);
	}
	if (code != ERR_NONE)
		return err_wrap(err, "line %lld", (long long)f->cells.line);
	return ERR_NONE;
}

/* Keep and count a refused line; only failing to keep it is an error. */
static enum err_code
refuse(struct source_file *f, const char *raw, size_t len, int64_t line,
    const char *why, struct err *err)
{
	if (source_rejects_add(f->rejects, raw, len, line, why, err) !=
	    ERR_NONE)
		return err->code;
	if (f->tally.refused++ == 0)
		(void)snprintf(f->tally.first_error,
		    sizeof(f->tally.first_error), "%s line %lld: %s", f->o.name,
		    (long long)line, why);
	return ERR_NONE;
}

static enum err_code
parse_or_refuse(struct source_file *f, const char *text, size_t len,
    int64_t line, struct source_job **out, struct err *err)
{
	struct err why;

	if (source_line_parse(&f->o.rules, text, len, line, out, &why) ==
	    ERR_NONE)
		return ERR_NONE;
	return refuse(f, text, len, line, why.text, err);
}

static bool
is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

static enum err_code
next_line(
    struct source_file *f, struct source_job **out, bool *end, struct err *err)
{
	enum source_text_got got = SOURCE_TEXT_END;
	const char *text = NULL;
	size_t len = 0;
	int64_t line = 0;
	char why[80];
	enum err_code code =
	    source_text_line(&f->text, &got, &text, &len, &line, err);

	if (code != ERR_NONE)
		return code;
	switch (got) {
	case SOURCE_TEXT_END:
		*end = true;
		return ERR_NONE;
	case SOURCE_TEXT_LONG:
		(void)snprintf(why, sizeof(why),
		    "expected at most %zu bytes a line, got more",
		    f->o.line_bytes);
		return refuse(f, text, len, line, why, err);
	case SOURCE_TEXT_LINE:
		if (is_blank(text, len))
			return ERR_NONE;
		return parse_or_refuse(f, text, len, line, out, err);
	}
	return ERR_NONE;
}

static enum err_code
next_row(
    struct source_file *f, struct source_job **out, bool *end, struct err *err)
{
	enum source_cells_got got = SOURCE_CELLS_END;
	struct source_cells *c = &f->cells;
	struct err why;
	enum err_code code = source_cells_next(&f->text, c, &got, &why, err);

	if (code != ERR_NONE)
		return code;
	switch (got) {
	case SOURCE_CELLS_END:
		*end = true;
		return ERR_NONE;
	case SOURCE_CELLS_BAD:
		return refuse(
		    f, buf_text(&c->raw), c->raw.len, c->line, why.text, err);
	case SOURCE_CELLS_ROW:
		buf_clear(&f->line);
		if (source_csv_row(&f->columns, c, &f->line, &why) != ERR_NONE)
			return refuse(f, buf_text(&c->raw), c->raw.len, c->line,
			    why.text, err);
		return parse_or_refuse(
		    f, f->line.bytes, f->line.len, c->line, out, err);
	}
	return ERR_NONE;
}

enum err_code
source_file_next(
    struct source_file *f, struct source_job **out, struct err *err)
{
	enum err_code code = ERR_NONE;
	bool end = false;

	*out = NULL;
	while (code == ERR_NONE && *out == NULL && !end)
		code = f->csv ? next_row(f, out, &end, err)
			      : next_line(f, out, &end, err);
	if (*out != NULL)
		f->given++;
	return code;
}

enum err_code
source_file_taken(struct source_file *f, struct source_job **job,
    enum source_taken how, struct err *err)
{
	struct source_job *j = *job;
	enum err_code code = ERR_NONE;
	char why[ERR_TEXT_MAX];

	CRASH_POINT("source.file.taken");
	switch (how) {
	case SOURCE_ADDED:
		f->tally.added++;
		break;
	case SOURCE_KNOWN:
	case SOURCE_PRUNED:
	case SOURCE_OVER:
	case SOURCE_LET_GO:
		f->tally.known++;
		break;
	case SOURCE_DIFFERS:
		(void)snprintf(why, sizeof(why),
		    "id: \"%s\" is known with other content; give the changed "
		    "job another id",
		    j->id);
		code = refuse(f, j->raw, strlen(j->raw), j->line, why, err);
		break;
	}
	if (code != ERR_NONE)
		return code;
	f->given--;
	source_job_free(job);
	return ERR_NONE;
}

void
source_file_tally(const struct source_file *f, struct source_tally *out)
{
	*out = f->tally;
}

enum err_code
source_file_finish(struct source_file *f, const char **rejects, struct err *err)
{
	*rejects = NULL;
	CHECK(f->given == 0);
	if (source_rejects_count(f->rejects) == 0)
		return ERR_NONE;
	*rejects = source_rejects_path(f->rejects);
	return source_rejects_finish(f->rejects, err);
}

static enum err_code
op_next(void *s, struct source_job **out, struct err *err)
{
	return source_file_next(s, out, err);
}

static enum err_code
op_taken(
    void *s, struct source_job **job, enum source_taken how, struct err *err)
{
	return source_file_taken(s, job, how, err);
}

/* Nobody waits for a line of a file: the next reading finds it again. */
static void
op_release(void *s, struct source_job **job)
{
	struct source_file *f = s;

	f->given--;
	source_job_free(job);
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
	return source_file_finish(s, rejects, err);
}

static void
op_tally(void *s, struct source_tally *out)
{
	source_file_tally(s, out);
}

static void
op_free(void *s)
{
	struct source_file *f = s;

	source_file_free(&f);
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
source_file_source(struct source_file *f)
{
	return &f->port;
}

enum err_code
source_file_open(const struct source_file_options *options,
    struct source_file **out, struct err *err)
{
	struct source_file *f = mem_zalloc(1, sizeof(*f));
	enum err_code code;

	f->o = *options;
	f->port.ops = &ops;
	f->port.impl = f;
	f->line = BUF_INIT(json_bytes(options->line_bytes));
	f->rejects = source_rejects_new(
	    options->env, options->rejects_dir, options->name);
	f->text.env = options->env;
	f->text.path = options->path;
	f->text.read = options->path == NULL ? options->read : NULL;
	f->text.arg = options->read_arg;
	f->text.max_bytes = options->line_bytes;
	code = source_text_open(&f->text, err);
	if (code == ERR_NONE)
		code = choose_format(f, err);
	if (code == ERR_NONE && f->csv)
		code = read_header(f, err);
	if (code == ERR_NONE && !f->csv && options->map_count > 0)
		code = err_set(err, ERR_USAGE, 0,
		    "--map is for the columns of a CSV, and this is JSONL");
	if (code == ERR_MALFORMED || code == ERR_USAGE)
		(void)err_wrap(err, "%s", options->name);
	if (code != ERR_NONE)
		source_file_free(&f);
	*out = f;
	return code;
}

void
source_file_free(struct source_file **f)
{
	if (*f == NULL)
		return;
	source_text_close(&(*f)->text);
	source_cells_fini(&(*f)->cells);
	source_csv_fini(&(*f)->columns);
	source_rejects_free(&(*f)->rejects);
	buf_free(&(*f)->line);
	mem_free(f);
}

enum err_code
source_file_one(const struct source_rules *rules, const char *const *names,
    const char *const *values, size_t count, struct source_job **out,
    struct err *err)
{
	struct buf line = BUF_INIT(SIZE_MAX / 2);
	enum err_code code = source_csv_pairs(names, values, count, &line, err);

	*out = NULL;
	if (code == ERR_NONE)
		code =
		    source_line_parse(rules, line.bytes, line.len, 0, out, err);
	buf_free(&line);
	return code;
}
