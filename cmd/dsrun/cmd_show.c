#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#include "json/json.h"
#include "show.h"
#include "wire.h"
#include "words/show.h"

static enum err_code
read_attempt(struct show *s, struct show_attempt *a, struct err *err)
{
	const struct json_limits limits = {JOURNAL_TERMS_MAX, 2, 64};
	char terms[JOURNAL_TERMS_MAX] = "";
	const char *carrier = NULL;
	struct json *d = NULL;
	struct err ignored;

	if (a->a.terms_id != 0 && journal_read_terms(s->journal, a->a.terms_id,
				      terms, err) != ERR_NONE)
		return err->code;
	if (json_parse(terms, strlen(terms), &limits, &d, &ignored) ==
		ERR_NONE &&
	    json_str(d, "carrier", &carrier, &ignored) == ERR_NONE)
		(void)snprintf(a->carrier, sizeof(a->carrier), "%s", carrier);
	json_free(&d);
	for (int kind = 0; kind < (int)RUN_ARTIFACT_COUNT; kind++)
		if (journal_read_artifact(s->journal, a->a.id, kind,
			&a->artifact[kind], err) != ERR_NONE)
			return err->code;
	return journal_read_finding(s->journal, a->a.id, &a->finding, err);
}

static void
attempt_seen(void *arg, const struct journal_attempt *a)
{
	struct show *s = arg;

	s->attempts = mem_realloc(
	    s->attempts, s->attempt_count + 1, sizeof(*s->attempts));
	s->attempts[s->attempt_count++] = (struct show_attempt){.a = *a};
}

static void
outbox_seen(void *arg, const struct journal_outbox_row *r)
{
	struct show *s = arg;
	struct show_result *newest;

	if (r->row.sink < JOURNAL_SINK_FILE || r->row.sink >= JOURNAL_SINK_END)
		return;
	newest = &s->results[r->row.sink];
	*newest = (struct show_result){.id = r->row.id,
	    .revision = r->row.revision,
	    .tries = r->row.tries,
	    .state = r->state};
	(void)snprintf(newest->error, sizeof(newest->error), "%s",
	    r->error != NULL ? r->error : "");
}

static enum err_code
read_all(struct show *s, int64_t id, struct err *err)
{
	enum err_code code = journal_read_job(s->journal, id, &s->job, err);

	if (code == ERR_NONE)
		code = journal_read_person(s->journal, id, &s->person, err);
	if (code == ERR_NOT_FOUND && s->job.id == id) {
		s->erased = true;
		code = ERR_NONE;
	}
	if (code == ERR_NONE)
		code =
		    journal_read_attempts(s->journal, id, attempt_seen, s, err);
	for (size_t i = 0; code == ERR_NONE && i < s->attempt_count; i++)
		code = read_attempt(s, &s->attempts[i], err);
	if (code == ERR_NONE)
		code =
		    journal_read_outbox_of(s->journal, id, outbox_seen, s, err);
	return code;
}

/*
 * The callee's clock is a comfort: where the rules cannot be read, or the
 * zone is not known for certain, times are UTC alone.
 */
static void
find_zone(struct show *s, const struct conf *conf, struct rules_atlas **atlas)
{
	const struct json_limits limits = {1 << 20, 8, 4096};
	char *areas = mem_printf("%s/nanp_zones.csv", conf->rules_dir);
	struct rules_asked asked = {
	    .window_zone = "contact", .number = s->person.number};
	struct rules_places places = {.count = 0};
	struct json *d = NULL;
	struct err ignored;

	if (!s->erased && rules_atlas_open(s->ctx->env, getenv("TZDIR"), areas,
			      atlas, &ignored) == ERR_NONE) {
		if (json_parse(s->person.contact, strlen(s->person.contact),
			&limits, &d, &ignored) == ERR_NONE)
			(void)json_opt_str(
			    d, "timezone", &asked.contact_zone, &ignored);
		if (rules_atlas_places(*atlas, &asked, &places, &ignored) ==
			ERR_NONE &&
		    places.count == 1)
			s->zone = places.zone[0];
	}
	json_free(&d);
	mem_free(&areas);
}

const char *
show_artifact_name(int kind)
{
	static const char *const names[RUN_ARTIFACT_COUNT] = {
	    [RUN_ARTIFACT_RECORDING] = "recording",
	    [RUN_ARTIFACT_TALK] = "talk",
	    [RUN_ARTIFACT_TRANSCRIPT] = "transcript"};

	return names[kind];
}

static void
show_fini(struct show *s)
{
	for (size_t i = 0; i < s->attempt_count; i++)
		mem_free(&s->attempts[i].finding.meeting);
	mem_free(&s->attempts);
	journal_person_free(&s->person);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct show s = {.ctx = ctx};
	struct rules_atlas *atlas = NULL;
	const struct conf *conf = NULL;
	int64_t id = 0;
	enum err_code code = ctx_conf(ctx, &conf, err);

	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &s.journal, err);
	if (code == ERR_NONE)
		code = journal_read_find(
		    s.journal, cli_word(&ctx->args, 0), &id, err);
	if (code == ERR_NONE)
		code = read_all(&s, id, err);
	if (code == ERR_NONE && !ctx->json)
		find_zone(&s, conf, &atlas);
	if (code == ERR_NONE)
		code = ctx->json ? show_json(&s, err) : show_text(&s, err);
	show_fini(&s);
	rules_atlas_close(&atlas);
	journal_close(&s.journal);
	return code;
}

const struct command cmd_show = {SHOW_WORDS, .is_brake = true, .run = run};
