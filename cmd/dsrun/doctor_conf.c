#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include "doctor.h"

/* As report_problems prints it. */
static void
say_problem(struct doctor *d, const char *name, const struct conf_problem *p)
{
	struct buf at = BUF_INIT(4096);

	if (p->file != NULL)
		buf_puts(&at, p->file);
	if (p->file != NULL && p->line > 0)
		buf_printf(&at, ":%d", p->line);
	if (p->file != NULL)
		buf_puts(&at, ": ");
	if (p->key != NULL && *p->key != '\0')
		buf_printf(&at, "%s: ", p->key);
	doctor_say(
	    d, DOCTOR_FAIL, name, "correct it", "%s%s", buf_text(&at), p->text);
	buf_free(&at);
}

void
doctor_conf(struct doctor *d, const char *name)
{
	struct ctx *ctx = d->ctx;

	if (ctx->problem_count == 0)
		doctor_say(d, DOCTOR_OK, name, NULL, "%s, %zu kind%s of job",
		    d->conf->path != NULL ? d->conf->path : "no file, defaults",
		    d->conf->kind_count, d->conf->kind_count == 1 ? "" : "s");
	for (size_t i = 0; i < ctx->problem_count; i++) {
		const struct conf_problem *p = &ctx->problems[i];

		say_problem(d, name, p);
	}
	if (ctx->problem_count > 0)
		d->exit = exit_worse(d->exit, EXIT_CONFIG);
}

/* Plain doctor calls nobody, and says whom it could. */
void
doctor_services(struct doctor *d, const char *name)
{
	const struct conf *c = d->conf;
	const struct {
		const char *option;
		const char *what;
		bool is_set;
	} rows[] = {{"mongo", "MongoDB", c->mongo.uri != NULL},
	    {"s3", "S3", c->s3.bucket != NULL},
	    {"queue", "the queue", c->bull.queue != NULL}};
	struct buf what = BUF_INIT(256);
	struct buf how = BUF_INIT(256);
	size_t set = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set += rows[i].is_set;
		if (!rows[i].is_set ||
		    cli_flag(&d->ctx->args, rows[i].option, false))
			continue;
		buf_printf(
		    &what, "%s%s", what.len > 0 ? ", " : "", rows[i].what);
		buf_printf(&how, " --%s", rows[i].option);
	}
	if (set == 0)
		doctor_say(d, DOCTOR_OK, name, NULL,
		    "neither MongoDB nor S3 nor a queue is set");
	else if (what.len > 0)
		doctor_say(d, DOCTOR_OK, name, NULL,
		    "not asked: %s (dsrun doctor%s)", buf_text(&what),
		    buf_text(&how));
	buf_free(&what);
	buf_free(&how);
}

struct counting {
	const char *suffix;
	int count;
};

static void
count_name(void *arg, const char *name)
{
	struct counting *c = arg;
	size_t n = strlen(name);
	size_t m = strlen(c->suffix);

	if (n > m && strcmp(name + n - m, c->suffix) == 0)
		c->count++;
}

static void
look_dir(struct doctor *d, const char *name, const char *dir,
    const char *suffix, enum doctor_grade grade, const char *advice)
{
	struct counting c = {.suffix = suffix};
	struct err err;

	if (dir == NULL)
		doctor_say(d, grade, name, advice, "no directory is set");
	else if (env_list_dir(d->ctx->env, dir, count_name, &c, &err) !=
		 ERR_NONE)
		doctor_say(d, grade, name, advice, "%s", err.text);
	else if (c.count == 0)
		doctor_say(d, grade, name, advice, "no *%s in %s", suffix, dir);
	else
		doctor_say(d, DOCTOR_OK, name, NULL, "%d *%s in %s", c.count,
		    suffix, dir);
}

/* Only the simulated network has personas, and the voices that go with it. */
static bool
uses_sim(const struct conf *conf)
{
	bool used = text_eq(conf->carrier_use, "sim");

	for (size_t i = 0; i < conf->kind_count; i++)
		used = used || text_eq(conf->kinds[i].carrier, "sim");
	return used;
}

void
doctor_personas(struct doctor *d, const char *name)
{
	if (uses_sim(d->conf))
		look_dir(d, name, d->conf->sim.personas, ".yaml", DOCTOR_FAIL,
		    "set carrier.sim.personas to fixtures/personas");
}

/* Each voice is a directory with an index; media/media_speech.h. */
void
doctor_speech(struct doctor *d, const char *name)
{
	static const char *const voices[] = {"agent", "callee"};
	const char *dir = d->conf->speech_dir;
	struct env_stat st;
	struct err err;

	if (!uses_sim(d->conf))
		return;
	for (size_t i = 0; i < ARRAY_LEN(voices); i++) {
		char *path = mem_printf(
		    "%s/%s/index.tsv", dir != NULL ? dir : "", voices[i]);
		bool found = dir != NULL &&
			     env_stat(d->ctx->env, path, &st, &err) == ERR_NONE;

		if (!found)
			doctor_say(d, DOCTOR_WARN, name,
			    "set speech_dir to fixtures/speech; until then a "
			    "synthesiser hums the words",
			    "no recorded voice at %s", path);
		mem_free(&path);
		if (!found)
			return;
	}
	doctor_say(d, DOCTOR_OK, name, NULL, "two voices in %s", dir);
}
