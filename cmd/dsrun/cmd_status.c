#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include "status.h"
#include "wire.h"
#include "wire_sinks.h"
#include "words/status.h"

bool
status_is(const struct journal_owner_row *o, const char *id)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%lld", (long long)o->id);
	return strcmp(id, number) == 0 ||
	       (o->worker[0] != '\0' && strcmp(id, o->worker) == 0);
}

static void
pause_seen(void *arg, const struct journal_pause_row *p)
{
	struct status *s = arg;

	s->pauses =
	    mem_realloc(s->pauses, s->pause_count + 1, sizeof(*s->pauses));
	s->pauses[s->pause_count++] =
	    (struct status_pause){.campaign = mem_strdup(p->campaign),
		.by = mem_strdup(p->by != NULL ? p->by : ""),
		.reason = mem_strdup(p->reason != NULL ? p->reason : ""),
		.at_ms = p->at_ms};
}

static void
worker_seen(void *arg, const struct journal_owner_row *o)
{
	struct status *s = arg;

	if (s->only != NULL && !status_is(o, s->only))
		return;
	s->workers =
	    mem_realloc(s->workers, s->worker_count + 1, sizeof(*s->workers));
	s->workers[s->worker_count++] = *o;
}

static void
service_seen(void *arg, const struct journal_service *service)
{
	struct status *s = arg;

	s->services = mem_realloc(
	    s->services, s->service_count + 1, sizeof(*s->services));
	s->services[s->service_count++] = *service;
}

static void
drain_seen(void *arg, const struct journal_run_row *r)
{
	struct status *s = arg;

	s->drain.id = r->id;
	s->drain.started_ms = r->started_ms;
	s->drain.ended_ms = r->ended_ms;
	s->drain.summary = mem_strdup(r->summary);
}

/* stat(2) alone: the file itself belongs to SQLite. */
static int64_t
size_of(struct status *s, const char *name)
{
	char *path = mem_printf("%s/%s", journal_dir(s->journal), name);
	struct env_stat st = {.size_bytes = 0};
	struct err ignored;

	if (env_stat(s->ctx->env, path, &st, &ignored) != ERR_NONE)
		st.size_bytes = 0;
	mem_free(&path);
	return st.size_bytes;
}

static enum err_code
read_all(struct status *s, struct err *err)
{
	struct journal *j = s->journal;

	if (journal_read_counts(j, &s->counts, err) != ERR_NONE ||
	    journal_read_pauses(j, pause_seen, s, err) != ERR_NONE ||
	    journal_read_owners(j, true, worker_seen, s, err) != ERR_NONE ||
	    journal_read_services(j, service_seen, s, err) != ERR_NONE ||
	    journal_read_last_run(j, "drain", drain_seen, s, err) != ERR_NONE)
		return err->code;
	s->clock_trusted = journal_clock_trusted(j, &s->clock_why);
	s->db_bytes = size_of(s, "journal.db");
	s->wal_bytes = size_of(s, "journal.db-wal");
	if (s->only != NULL && s->worker_count == 0)
		return err_set(err, ERR_NOT_FOUND, 0,
		    "no worker \"%.80s\" runs here: see `dsrun status`",
		    s->only);
	return ERR_NONE;
}

/* What no run pushes, since the configuration does not name its sink. */
static enum err_code
look_for_unset(struct status *s, unsigned set, struct err *err)
{
	for (enum journal_sink k = JOURNAL_SINK_FILE; k < JOURNAL_SINK_END;
	     k++) {
		bool due = false;

		if ((set & 1U << k) != 0)
			continue;
		if (journal_read_outbox_due(s->journal, "", k, &due, err) !=
		    ERR_NONE)
			return err->code;
		s->unset |= due ? 1U << k : 0;
	}
	return ERR_NONE;
}

static void
status_fini(struct status *s)
{
	for (size_t i = 0; i < s->pause_count; i++) {
		mem_free(&s->pauses[i].campaign);
		mem_free(&s->pauses[i].by);
		mem_free(&s->pauses[i].reason);
	}
	mem_free(&s->pauses);
	mem_free(&s->workers);
	mem_free(&s->services);
	mem_free(&s->drain.summary);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct status s = {
	    .ctx = ctx, .only = cli_text(&ctx->args, "worker-id")};
	const struct conf *conf = NULL;
	enum err_code code = ctx_conf(ctx, &conf, err);

	if (code == ERR_NONE)
		code = wire_journal(ctx, JOURNAL_MUST_EXIST, &s.journal, err);
	if (code == ERR_NONE) {
		s.limit = conf->limits.concurrency;
		code = read_all(&s, err);
		if (code == ERR_NONE)
			code = look_for_unset(&s, wire_sinks_mask(conf), err);
	}
	if (code == ERR_NONE && ctx->json)
		status_json(&s);
	else if (code == ERR_NONE)
		status_text(&s);
	status_fini(&s);
	journal_close(&s.journal);
	return code;
}

const struct command cmd_status = {STATUS_WORDS, .is_brake = true, .run = run};
