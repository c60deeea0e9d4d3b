#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#include "ctx.h"
#include "net/net_env.h"
#include "run/run_intake.h"
#include "wire.h"
#include "wire_source.h"
#include "words/enqueue.h"

/*
 * Jobs from a file, a pipe, or the command line.  The journal is made when
 * there is none: enqueue is how most people begin.
 */

#define MAPS_MAX 65

struct enqueue {
	struct ctx *ctx;
	const struct conf *conf;
	struct journal *journal;
	const char *maps[MAPS_MAX];
	size_t map_count;
	struct source_tally tally;
	char *rejects;
	enum err_code code;
	struct err *err;
};

static enum err_code
read_stdin(void *arg, void *bytes, size_t len, size_t *got, struct err *err)
{
	ssize_t n = read(STDIN_FILENO, bytes, len);

	(void)arg;
	if (n < 0)
		return err_set(err, ERR_IO, 0, "cannot read standard input");
	*got = (size_t)n;
	return ERR_NONE;
}

static void
intake_idle(void *arg, enum err_code code, const struct err *err)
{
	struct enqueue *e = arg;

	e->code = code;
	if (code != ERR_NONE)
		*e->err = *err;
	net_env_stop(e->ctx->env);
}

static enum err_code
take_all(struct enqueue *e, struct source *source)
{
	struct run_intake_options o = {.env = e->ctx->env,
	    .journal = e->journal,
	    .source = source,
	    .idle = intake_idle,
	    .arg = e};
	struct run_intake *in = run_intake_new(&o);

	run_intake_poke(in);
	net_env_run(e->ctx->env);
	run_intake_free(&in);
	return e->code;
}

/* --dry-run: every line is checked, none is taken. */
static enum err_code
check_all(struct enqueue *e, struct source *source)
{
	struct source_job *jobs[64];
	size_t count = 1;

	while (e->code == ERR_NONE && count > 0) {
		e->code =
		    source_batch(source, jobs, ARRAY_LEN(jobs), &count, e->err);
		e->tally.added += (int64_t)count;
		for (size_t i = 0; i < count; i++)
			source->ops->release(source->impl, &jobs[i]);
	}
	return e->code;
}

static enum err_code
from_file(struct enqueue *e, const char *path, bool dry, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *slash = strrchr(path, '/');
	const char *rejects = NULL;
	struct wire_file_options o = {.path = is_stdin ? NULL : path,
	    .read = read_stdin,
	    .name = is_stdin        ? "stdin"
		    : slash != NULL ? slash + 1
				    : path,
	    .format = cli_text(&e->ctx->args, "format"),
	    .maps = e->maps,
	    .map_count = e->map_count,
	    .default_kind = cli_text(&e->ctx->args, "kind")};
	struct wire_source *w = NULL;
	enum err_code code = wire_source_file(e->ctx, e->conf, &o, &w, err);

	if (code != ERR_NONE)
		return code;
	struct source *source = wire_source_port(w);
	struct source_tally seen;

	code = dry ? check_all(e, source) : take_all(e, source);
	if (code == ERR_NONE && !dry)
		code = source->ops->finish(source->impl, &rejects, err);
	source->ops->tally(source->impl, &seen);
	seen.added += dry ? e->tally.added : 0;
	e->tally = seen;
	e->rejects = mem_strdup(rejects);
	wire_source_free(&w);
	return code;
}

/* --- one job from flags ------------------------------------------------------
 */

struct pairs {
	const char *names[128];
	char *values[128];
	size_t count;
};

static void
pair(struct pairs *p, char *name, char *value)
{
	if (p->count < ARRAY_LEN(p->names)) {
		p->names[p->count] = name;
		p->values[p->count++] = value;
	}
}

static enum err_code
pair_fields(
    struct pairs *p, struct ctx *ctx, const char *option, struct err *err)
{
	const char *text;

	for (size_t i = 0; (text = cli_text_at(&ctx->args, option, i)) != NULL;
	     i++) {
		const char *eq = strchr(text, '=');

		if (eq == NULL || eq == text)
			return err_set(err, ERR_USAGE, 0,
			    "--%s %s: expected KEY=VALUE", option, text);
		pair(p, mem_printf("%s.%.*s", option, (int)(eq - text), text),
		    mem_strdup(eq + 1));
	}
	return ERR_NONE;
}

struct one {
	struct journal_tx tx;
	const struct source_job *job;
	enum journal_added result;
	int64_t id;
};

static enum err_code
one_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct one *o = CONTAINER_OF(tx, struct one, tx);
	struct journal_new_job n = run_intake_job(o->job);

	return journal_job_add(j, &n, &o->result, &o->id, err);
}

static enum err_code
take_one(struct enqueue *e, const struct pairs *p, bool dry, struct err *err)
{
	struct source_job *job = NULL;
	struct one one = {.tx = {.run = one_run, .cls = JOURNAL_CLAIM}};
	enum err_code code = wire_source_one(e->ctx, e->conf,
	    cli_text(&e->ctx->args, "kind"), (const char *const *)p->names,
	    (const char *const *)p->values, p->count, &job, err);

	one.job = job;
	if (code == ERR_NONE && !dry)
		code = journal_now(e->journal, &one.tx, err);
	if (code == ERR_NONE && one.result == JOURNAL_DIFFERS)
		code = err_set(err, ERR_EXISTS, 0,
		    "job \"%s\" is known with other content: give it another "
		    "--id",
		    job->id);
	if (code == ERR_NONE) {
		e->tally.added = one.result == JOURNAL_ADDED;
		e->tally.known = one.result == JOURNAL_KNOWN;
		ctx_say(e->ctx, "job %s", job->id);
	}
	source_job_free(&job);
	return code;
}

static enum err_code
from_flags(struct enqueue *e, bool dry, struct err *err)
{
	static const struct {
		const char *option;
		const char *field;
	} texts[] = {{"phone", "phone"}, {"kind", "kind"}, {"id", "id"},
	    {"campaign-id", "campaignId"}, {"org", "org"}, {"step", "step"},
	    {"priority", "priority"}, {"not-before", "notBefore"},
	    {"expires-at", "expiresAt"}};
	struct cli_args *args = &e->ctx->args;
	struct pairs p = {.count = 0};
	enum err_code code;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (cli_text(args, texts[i].option) != NULL)
			pair(&p, mem_strdup(texts[i].field),
			    mem_strdup(cli_text(args, texts[i].option)));
	if (cli_flag(args, "final", false))
		pair(&p, mem_strdup("finalStep"), mem_strdup("true"));
	code = pair_fields(&p, e->ctx, "contact", err);
	if (code == ERR_NONE)
		code = pair_fields(&p, e->ctx, "data", err);
	if (code == ERR_NONE)
		code = take_one(e, &p, dry, err);
	for (size_t i = 0; i < p.count; i++) {
		char *name = (char *)(uintptr_t)p.names[i];

		mem_free(&name);
		mem_free(&p.values[i]);
	}
	return code;
}

/* --- the command
 * ------------------------------------------------------------------ */

static void
show(struct enqueue *e, bool dry)
{
	const struct source_tally *t = &e->tally;
	struct ctx_document d;

	if (e->ctx->json) {
		ctx_json_begin(e->ctx, &d);
		json_field_i64(&d.w, "added", t->added);
		json_field_i64(&d.w, "known", t->known);
		json_field_i64(&d.w, "refused", t->refused);
		json_field_str(&d.w, "rejects", e->rejects);
		json_field_str(&d.w, "firstError",
		    t->first_error[0] != '\0' ? t->first_error : NULL);
		json_field_bool(&d.w, "dryRun", dry);
		ctx_json_end(e->ctx, &d);
		return;
	}
	ctx_print(e->ctx, "%s %lld, known %lld, refused %lld",
	    dry ? "would add" : "added", (long long)t->added,
	    (long long)t->known, (long long)t->refused);
	if (e->rejects != NULL)
		ctx_print(e->ctx, " (%s)", e->rejects);
	ctx_print(e->ctx, "\n");
	if (t->refused > 0)
		ctx_say(e->ctx, "first: %s", t->first_error);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct enqueue e = {.ctx = ctx, .err = err};
	const char *path = cli_word(&ctx->args, 0);
	bool dry = cli_flag(&ctx->args, "dry-run", false);
	enum err_code code = ctx_conf(ctx, &e.conf, err);

	if (code == ERR_NONE && path == NULL &&
	    cli_text(&ctx->args, "phone") == NULL)
		return err_set(err, ERR_USAGE, 0,
		    "expected FILE, or - for standard input, or --phone "
		    "NUMBER; for example: dsrun enqueue jobs.jsonl");
	while (e.map_count < MAPS_MAX &&
	       cli_text_at(&ctx->args, "map", e.map_count) != NULL) {
		e.maps[e.map_count] =
		    cli_text_at(&ctx->args, "map", e.map_count);
		e.map_count++;
	}
	if (code == ERR_NONE && !dry)
		code = wire_journal(ctx, JOURNAL_CREATE, &e.journal, err);
	if (code == ERR_NONE) {
		code = path != NULL ? from_file(&e, path, dry, err)
				    : from_flags(&e, dry, err);
	}
	if (code == ERR_NONE) {
		show(&e, dry);
		if (e.tally.refused > 0)
			ctx_exit(ctx, EXIT_PARTIAL);
	}
	mem_free(&e.rejects);
	journal_close(&e.journal);
	return code;
}

const struct command cmd_enqueue = {ENQUEUE_WORDS, .run = run};
