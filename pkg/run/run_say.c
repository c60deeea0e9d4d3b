#include <stdio.h>
#include <string.h>

#include "run/run_priv.h"

/*
 * What `status` shows of a run that is under way: a line in its owner's row,
 * written at most once a second and only when it says something new, so that
 * an idle worker writes nothing.
 */

static enum err_code
say_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct run_say *s = CONTAINER_OF(tx, struct run_say, tx);

	return journal_owner_say(j, s->text, err);
}

static void
say_done(struct journal_tx *tx)
{
	struct run_say *s = CONTAINER_OF(tx, struct run_say, tx);
	struct run *r = CONTAINER_OF(s, struct run, say);

	s->busy = false;
	if (tx->code != ERR_NONE)
		s->text[0] = '\0'; /* again at the next tick */
	run_poke(r);
}

static void
describe(const struct run *r, char *out, size_t size)
{
	const struct run_progress *p = &r->progress;

	if (r->live == 0 && !r->stopping)
		(void)snprintf(out, size, "%s%s, %lld calls, %lld done",
		    p->waits != NULL ? "waits: " : "idle",
		    p->waits != NULL ? p->waits : "", (long long)p->claimed,
		    (long long)p->finished);
	else
		(void)snprintf(out, size, "%s%lld live, %lld calls, %lld done",
		    r->stopping ? "stopping, " : "", (long long)r->live,
		    (long long)p->claimed, (long long)p->finished);
}

void
run_say(struct run *r)
{
	struct run_say *s = &r->say;
	char text[sizeof(s->text)];
	struct err ignored;

	if (s->busy || r->hard_stop || journal_owner(r->journal) == 0)
		return;
	describe(r, text, sizeof(text));
	if (strcmp(text, s->text) == 0)
		return;
	(void)snprintf(s->text, sizeof(s->text), "%s", text);
	s->tx.run = say_run;
	s->tx.done = say_done;
	s->tx.cls = JOURNAL_CLAIM;
	s->busy = true;
	if (journal_submit(r->journal, &s->tx, &ignored) != ERR_NONE) {
		s->busy = false;
		s->text[0] = '\0';
	}
}
