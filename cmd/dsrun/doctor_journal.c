#include "base/mem.h"

#include "doctor.h"
#include "journal/journal_read.h"
#include "wire.h"
#include "wire_sinks.h"

/* What the journal knows of trouble: who must decide, what was given up, what
 * waits and why.  It is only read. */

struct waiting {
	int64_t count, failing;
	char *error; /* of the row that failed last; NULL */
};

struct reading {
	struct doctor *d;
	struct journal *journal;
	struct waiting sinks[JOURNAL_SINK_END];
};

static const char results[] = "results";

/* How its service can be asked; NULL: only by pushing. */
static const char *
option_of(enum journal_sink sink)
{
	switch (sink) {
	case JOURNAL_SINK_MONGO:
		return "mongo";
	case JOURNAL_SINK_S3:
		return "s3";
	case JOURNAL_SINK_BULL:
		return "queue";
	case JOURNAL_SINK_FILE:
	case JOURNAL_SINK_WEBHOOK:
	case JOURNAL_SINK_LOGTAIL:
	case JOURNAL_SINK_END:
	default:
		return NULL;
	}
}

static void
row_seen(void *arg, const struct journal_outbox_row *r)
{
	struct reading *g = arg;
	struct waiting *w;

	if (r->row.sink < JOURNAL_SINK_FILE || r->row.sink >= JOURNAL_SINK_END)
		return;
	w = &g->sinks[r->row.sink];
	w->count++;
	if (r->error == NULL)
		return;
	w->failing++;
	mem_free(&w->error);
	w->error = mem_strdup(r->error);
}

static void
say_sink(struct reading *g, enum journal_sink sink, bool set)
{
	const struct waiting *w = &g->sinks[sink];
	const char *option = option_of(sink);
	const char *name = journal_sink_name(sink);
	char *advice;

	if (!set) {
		doctor_say(g->d, DOCTOR_WARN, results,
		    "set it again, or give them up: dsrun outbox, dsrun outbox "
		    "drop ROW --reason TEXT",
		    "%lld wait for %s, which is not set in the configuration",
		    (long long)w->count, name);
		return;
	}
	if (w->failing == 0)
		return;
	advice = option != NULL
		     ? mem_printf("`dsrun doctor --%s` asks it; `dsrun outbox` "
				  "lists them",
			   option)
		     : mem_strdup("`dsrun outbox` lists them");
	doctor_say(g->d, DOCTOR_WARN, results, advice,
	    "%lld of %lld that wait for %s failed so far: %.500s",
	    (long long)w->failing, (long long)w->count, name, w->error);
	mem_free(&advice);
}

static void
say_counts(struct reading *g, const struct journal_counts *c)
{
	if (c->jobs[JOB_PARKED] > 0)
		doctor_say(g->d, DOCTOR_WARN, "parked",
		    "`dsrun parked` shows what is known of each, and the "
		    "commands that decide",
		    "of %lld jobs nobody can know whether a phone rang",
		    (long long)c->jobs[JOB_PARKED]);
	if (c->outbox_dead > 0)
		doctor_say(g->d, DOCTOR_WARN, results,
		    "see why: dsrun outbox --state dead; then dsrun outbox "
		    "retry, or dsrun outbox drop ROW --reason TEXT",
		    "%lld dead letters: nobody was told of them",
		    (long long)c->outbox_dead);
}

static void
say_clock(struct reading *g)
{
	const char *why = NULL;

	if (!journal_clock_trusted(g->journal, &why))
		doctor_say(g->d, DOCTOR_FAIL, "clock",
		    "look at this machine's time; when it is right: dsrun "
		    "clock accept",
		    "not trusted, so nothing is dialled: %s", why);
	if (journal_is_fresh(g->journal))
		doctor_say(g->d, DOCTOR_WARN, "journal",
		    "`dsrun incarnation` says more; `dsrun incarnation accept` "
		    "ends it",
		    "it was put back or adopted; carriers are asked before "
		    "every call");
}

static enum err_code
look(struct reading *g, struct err *err)
{
	unsigned set = wire_sinks_mask(g->d->conf);
	struct journal_counts c;
	size_t before = g->d->count;

	if (journal_read_counts(g->journal, &c, err) != ERR_NONE ||
	    journal_read_outbox(g->journal, JOURNAL_OUTBOX_PENDING, 0, 0,
		row_seen, g, err) != ERR_NONE)
		return err->code;
	say_clock(g);
	say_counts(g, &c);
	for (enum journal_sink k = JOURNAL_SINK_FILE; k < JOURNAL_SINK_END; k++)
		if (g->sinks[k].count > 0)
			say_sink(g, k, (set & 1U << k) != 0);
	if (g->d->count == before)
		doctor_say(g->d, DOCTOR_OK, "journal", NULL,
		    "nobody is needed; %lld results wait to be pushed",
		    (long long)c.outbox_pending);
	return ERR_NONE;
}

void
doctor_journal(struct doctor *d, const char *name)
{
	struct reading g = {.d = d};
	char *path = mem_printf("%s/journal.db", d->conf->dir);
	struct env_stat st;
	struct err err;

	/* Of a directory without one the check before has spoken. */
	if (d->ctx->problem_count == 0 &&
	    env_stat(d->ctx->env, path, &st, &err) == ERR_NONE &&
	    (wire_journal(d->ctx, JOURNAL_MUST_EXIST, &g.journal, &err) !=
		    ERR_NONE ||
		look(&g, &err) != ERR_NONE))
		doctor_fail(d, name,
		    err.code == ERR_DAMAGED || err.code == ERR_CONFIG
			? "nothing is called until then; what to do in which "
			  "case: docs/trouble.md"
			: "see `dsrun check` and the free space and rights of "
			  "its directory",
		    &err);
	for (size_t i = 0; i < ARRAY_LEN(g.sinks); i++)
		mem_free(&g.sinks[i].error);
	journal_close(&g.journal);
	mem_free(&path);
}
