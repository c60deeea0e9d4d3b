#ifndef DSRUN_RUN_PUSH_TEST_H
#define DSRUN_RUN_PUSH_TEST_H

#include "journal/journal_lease.h"
#include "run/run_decide.h"
#include "run/run_tale_test.h"
#include "sink/sink_push.h"

/*
 * A world with a sink behind a network that says what a test wants, and what of
 * the outbox and its service is seen.
 */

#define BOX "outbox: {max_tries: 3, retry: {after: 1h, jitter: none}}\n"
#define TOUGH "outbox: {max_tries: 8, retry: {after: 1h, jitter: none}}\n"
#define PUSHES_MAX 2048
#define BIT(sink) (1U << JOURNAL_SINK_##sink)

static const struct fake_step calls[] = {AT(100, FAKE_PLACED),
    AT(8 * SECOND, FAKE_OVER, .outcome = JOB_OUTCOME_COMPLETED), {0}};

/* A service: what it got, and what it says next. */
static struct peer {
	struct env *env;
	const char *id; /* whom the answer is for; NULL: anybody */
	enum err_code code;
	bool blame;
	int64_t retry_after_ms;
	int times;        /* so many answers of that kind; then ERR_NONE */
	int64_t takes_ms; /* real, to answer */
	bool hangs;
	bool together; /* all that was flushed is answered in one callback */
	bool echoes;   /* and by one answer */
	struct env_timer bulk;
	const char *keeps;
	const char *then_keeps; /* once the first is kept */
	struct run **stops;     /* hard, while something is being kept */
	const char *answers_as; /* the lease that it answered */
	/* seen */
	int started, now, most, flushes, cancelled;
	char order[512];
	char kept[64];
	struct answer {
		struct env_timer timer;
		struct sink_push *push;
		enum err_code code;
	} answers[PUSHES_MAX];
} peer;

static inline void
answered(struct env_timer *t)
{
	struct answer *a = CONTAINER_OF(t, struct answer, timer);
	struct sink_push *p = a->push;

	peer.now--;
	a->push = NULL;
	p->code = a->code;
	p->retry_after_ms = -1;
	if (p->code == ERR_NONE && peer.answers_as != NULL)
		p->answered = mem_strdup(peer.answers_as);
	if (p->code != ERR_NONE) {
		p->blame = peer.blame;
		p->echo = peer.echoes;
		p->retry_after_ms = peer.retry_after_ms;
		(void)err_set(&p->err, p->code, 0, "the service says no");
	}
	p->done(p);
}

static inline void
kept_done(struct sink_push *p, enum err_code code)
{
	struct answer *a = p->impl;
	const char *then = peer.then_keeps;

	if (code != ERR_NONE) /* what is not kept must not be begun */
		a->code = code;
	peer.then_keeps = NULL;
	if (then != NULL) {
		p->keep(p, then);
		return;
	}
	env_timer_start_real(peer.env, &a->timer, peer.takes_ms);
}

static inline void
peer_start(void *s, struct sink_push *p)
{
	struct answer *a = &peer.answers[peer.started++ % PUSHES_MAX];
	size_t at = strlen(peer.order);
	bool hit = peer.times > 0 &&
		   (peer.id == NULL || strcmp(p->result->id, peer.id) == 0);

	assert_ptr_equal(s, &peer);
	(void)snprintf(peer.order + at, sizeof(peer.order) - at, "%s%lld ",
	    p->result->id, (long long)p->result->revision);
	(void)snprintf(peer.kept, sizeof(peer.kept), "%.63s", p->kept);
	if (++peer.now > peer.most)
		peer.most = peer.now;
	peer.times -= hit;
	a->push = p;
	a->code = hit ? peer.code : ERR_NONE;
	a->timer.fn = answered;
	p->impl = a;
	if (peer.hangs || peer.together)
		return;
	if (peer.keeps != NULL && p->kept[0] == '\0') {
		p->kept_done = kept_done;
		p->keep(p, peer.keeps);
		if (peer.stops != NULL)
			run_stop(*peer.stops, true);
		return;
	}
	env_timer_start_real(peer.env, &a->timer, peer.takes_ms);
}

static inline void
peer_cancel(void *s, struct sink_push *p)
{
	struct answer *a = p->impl;

	(void)s;
	env_timer_stop(peer.env, &a->timer);
	peer.cancelled++;
	peer.now--;
}

static inline void
bulk_answered(struct env_timer *t)
{
	(void)t;
	peer.echoes = false;
	for (int i = 0; i < peer.started; i++) {
		if (peer.answers[i].push == NULL)
			continue;
		answered(&peer.answers[i].timer);
		peer.echoes = true;
	}
}

static inline void
peer_flush(void *s)
{
	(void)s;
	peer.flushes++;
	peer.bulk.fn = bulk_answered;
	if (peer.together)
		env_timer_start_real(peer.env, &peer.bulk, peer.takes_ms);
}

static const struct sink_push_ops peer_ops = {.start = peer_start,
    .cancel = peer_cancel,
    .flush = peer_flush};
static struct sink_pusher pusher;
static struct run_pusher pushers[] = {{JOURNAL_SINK_WEBHOOK, &pusher, false}};

static inline void
wired(struct world *w)
{
	journal_set_sinks(w->j, BIT(FILE) | BIT(WEBHOOK));
	peer.env = w->env;
	w->o.pushers = pushers;
	w->o.pusher_count = 1;
}

static inline void
opened_with(struct world *w, const char *box)
{
	memset(&peer, 0, sizeof(peer));
	pusher = (struct sink_pusher){
	    "webhook", "webhook", &peer_ops, &peer, .at_once = 8};
	w->box = box;
	world_open(w);
	w->fake.scripts[0] = calls;
	wired(w);
}

static inline void
opened(struct world *w)
{
	opened_with(w, BOX);
}

/* count jobs, each over and its line in the file, nothing pushed. */
static inline void
finished_with(struct world *w, int count, const char *box)
{
	char id[16];

	opened_with(w, box);
	for (int i = 0; i < count; i++) {
		(void)snprintf(id, sizeof(id), "j%d", i);
		(void)JOB(w, .id = id, .expires_ms = WORLD_START_MS + 1);
	}
	world_drain(w);
	assert_int_equal(peer.started, 0);
}

static inline void
finished(struct world *w, int count)
{
	finished_with(w, count, BOX);
}

static inline void
sync_once(struct world *w)
{
	w->o.mode = RUN_SYNC;
	world_begin(w);
	world_finish(w);
	w->o.mode = RUN_DRAIN;
}

struct rows {
	int pending, done, dead;
	int64_t next_ms;
	char error[64];
};

static inline void
count_row(void *arg, const struct journal_outbox_row *r)
{
	struct rows *rows = arg;

	if (r->row.sink != JOURNAL_SINK_WEBHOOK)
		return;
	rows->pending += r->state == JOURNAL_OUTBOX_PENDING;
	rows->done += r->state == JOURNAL_OUTBOX_DONE;
	rows->dead += r->state == JOURNAL_OUTBOX_DEAD;
	rows->next_ms = r->next_ms;
	(void)snprintf(rows->error, sizeof(rows->error), "%s",
	    r->error != NULL ? r->error : "");
}

static inline struct rows
outbox(struct world *w)
{
	struct rows rows = {0};

	OK(journal_read_outbox(w->j, -1, 0, 5000, count_row, &rows, &w->err));
	return rows;
}

struct seen {
	struct journal_service s;
	int count;
};

static inline void
see(void *arg, const struct journal_service *s)
{
	struct seen *seen = arg;

	seen->s = *s;
	seen->count++;
}

static inline struct journal_service
service(struct world *w)
{
	struct seen seen = {0};

	OK(journal_read_services(w->j, see, &seen, &w->err));
	assert_int_equal(seen.count, 1);
	return seen.s;
}

#endif
