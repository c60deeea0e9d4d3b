#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "net/net_env.h"
#include "run/run_intake.h"
#include "seed_people.h"
#include "seed_queue.h"
#include "wire.h"
#include "wire_queue.h"
#include "wire_source.h"
#include "words/seed.h"

/*
 * Jobs for tests, by the way that all files come: as lines of JSON through
 * the source, checked and journalled in batches.  Or by the way that a
 * producer's come: into the queue (seed_queue.c), from which a drain takes
 * them.
 */

struct seed {
	struct ctx *ctx;
	struct seed_run run;
	char label[24];
	int64_t count, made;
	struct buf line; /* what is not read yet */
	enum err_code code;
	struct err *err;
};

static enum err_code
read_people(void *arg, void *bytes, size_t len, size_t *got, struct err *err)
{
	struct seed *s = arg;

	(void)err;
	if (s->line.len == 0 && s->made < s->count)
		seed_person(&s->run, s->made++, &s->line);
	*got = s->line.len < len ? s->line.len : len;
	if (*got > 0)
		memcpy(bytes, s->line.bytes, *got);
	buf_consume(&s->line, *got);
	return ERR_NONE;
}

static void
intake_idle(void *arg, enum err_code code, const struct err *err)
{
	struct seed *s = arg;

	s->code = code;
	if (code != ERR_NONE)
		*s->err = *err;
	net_env_stop(s->ctx->env);
}

static enum err_code
take_all(struct seed *s, struct journal *j, struct source *source)
{
	struct run_intake_options o = {.env = s->ctx->env,
	    .journal = j,
	    .source = source,
	    .idle = intake_idle,
	    .arg = s};
	struct run_intake *in = run_intake_new(&o);

	run_intake_poke(in);
	net_env_run(s->ctx->env);
	run_intake_free(&in);
	return s->code;
}

static void
show(struct seed *s, int64_t added, int64_t refused, const char *queue)
{
	struct ctx_document d;

	if (s->ctx->json) {
		ctx_json_begin(s->ctx, &d);
		json_field_i64(&d.w, "added", added);
		json_field_i64(&d.w, "refused", refused);
		json_field_str(&d.w, "campaignId", s->run.campaign);
		json_field_str(&d.w, "queue", queue);
		json_write_key(&d.w, "ids");
		json_write_array(&d.w);
		for (int64_t n = 0; n < s->made; n++) {
			char *id =
			    mem_printf("%s-%03lld", s->label, (long long)n + 1);

			json_write_str(&d.w, id);
			mem_free(&id);
		}
		json_write_end(&d.w);
		ctx_json_end(s->ctx, &d);
		return;
	}
	ctx_print(s->ctx, "added %lld%s%s, the first is %s-001\n",
	    (long long)added, queue != NULL ? " to " : "",
	    queue != NULL ? queue : "", s->label);
	if (s->count > seed_numbers())
		ctx_say(s->ctx,
		    "there are %lld fictional numbers: some stand in more "
		    "than one job, and are called one after the other",
		    (long long)seed_numbers());
}

static enum err_code
seed(
    struct seed *s, const struct conf *conf, struct journal *j, struct err *err)
{
	struct wire_file_options o = {.read = read_people,
	    .read_arg = s,
	    .name = "seed",
	    .format = "jsonl"};
	struct source_tally tally;
	struct wire_source *w = NULL;
	enum err_code code = wire_source_file(s->ctx, conf, &o, &w, err);

	if (code != ERR_NONE)
		return code;
	struct source *source = wire_source_port(w);

	code = take_all(s, j, source);
	source->ops->tally(source->impl, &tally);
	if (code == ERR_NONE && tally.refused > 0)
		code =
		    err_set(err, ERR_MALFORMED, 0, "%.300s", tally.first_error);
	if (code == ERR_NONE)
		show(s, tally.added, tally.refused, NULL);
	wire_source_free(&w);
	return code;
}

static enum err_code
seed_a_queue(struct seed *s, const struct conf *conf, struct err *err)
{
	enum err_code code;
	int64_t added = 0;
	char *queue;

	if (s->run.kind == NULL)
		s->run.kind = conf->default_kind;
	code = seed_queue(s->ctx, conf, &s->run, s->count, &added, err);
	if (code != ERR_NONE)
		return code;
	s->made = added;
	queue = mem_printf("%s:%s", conf->bull.prefix, conf->bull.queue);
	show(s, added, 0, queue);
	mem_free(&queue);
	return ERR_NONE;
}

/* The kind must be there before a journal is made for nothing. */
static enum err_code
check_kind(struct seed *s, const struct conf *conf, struct err *err)
{
	const char *kind =
	    s->run.kind != NULL ? s->run.kind : conf->default_kind;

	if (kind == NULL)
		return err_set(err, ERR_USAGE, 0,
		    "--kind is missing, and there is no default_kind: in the "
		    "configuration");
	if (conf_kind_find(conf, kind) == NULL)
		return err_set(err, ERR_USAGE, 0,
		    "--kind %.60s: there is no jobs/%.60s.yaml", kind, kind);
	return ERR_NONE;
}

static enum err_code
campaign(struct seed *s, struct err *err)
{
	const char *option = cli_text(&s->ctx->args, "campaign-id");
	const char *word = cli_word(&s->ctx->args, 0);

	if (option != NULL && word != NULL && strcmp(option, word) != 0)
		return err_set(err, ERR_USAGE, 0,
		    "two campaigns, %.60s and --campaign-id %.60s: say one",
		    word, option);
	s->run.campaign = option != NULL ? option : word;
	return ERR_NONE;
}

/* By the name seed-queue it means the queue, where there is one. */
static bool
goes_to_queue(const struct ctx *ctx, const struct conf *conf)
{
	bool by_name = strcmp(ctx->args.called, "seed-queue") == 0 &&
		       wire_queue_is_set(conf);

	return cli_flag(&ctx->args, "queue", by_name);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct seed s = {.ctx = ctx,
	    .count = cli_number(&ctx->args, "count", 1),
	    .line = BUF_INIT(4096),
	    .err = err};
	const struct conf *conf = NULL;
	struct journal *j = NULL;
	enum err_code code = ctx_conf(ctx, &conf, err);

	env_random(ctx->env, &s.run.random, sizeof(s.run.random));
	(void)snprintf(s.label, sizeof(s.label), "seed-%08x",
	    (unsigned)(s.run.random >> 32));
	s.run.label = s.label;
	s.run.kind = cli_text(&ctx->args, "kind");
	s.run.step = cli_number(&ctx->args, "step", 0);
	s.run.is_final = cli_flag(&ctx->args, "final", false);
	if (code == ERR_NONE)
		code = campaign(&s, err);
	if (code == ERR_NONE)
		code = check_kind(&s, conf, err);
	if (code == ERR_NONE && goes_to_queue(ctx, conf)) {
		code = seed_a_queue(&s, conf, err);
		buf_free(&s.line);
		return code;
	}
	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_CREATE, &j, err);
	if (code == ERR_NONE)
		code = seed(&s, conf, j, err);
	buf_free(&s.line);
	journal_close(&j);
	return code;
}

const struct command cmd_seed = {SEED_WORDS, .run = run};
