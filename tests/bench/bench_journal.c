/*
 * The same through pkg/journal, on the real env: loop, writer's thread, lock,
 * mark, guards.
 *
 *   bench_journal init DIR           make the journal
 *   bench_journal commits DIR N      N transitions, one a transaction, the
 *                                    next when the one before is durable
 *   bench_journal steps DIR N GROUP  three transitions of each of N live calls,
 *                                    one a transaction, GROUP at a time, of
 *                                    two groups in turn
 *   bench_journal lives DIR N GROUP  N whole job lives, so
 *   bench_journal ready DIR N        N jobs that may be called
 *   bench_journal reads DIR N        N claims of 50 that change nothing and N
 *                                    listings: p50 and p99 of each, in us, on
 *                                    the wall and of the thread's processor
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <sqlite3.h>

#include "base/mem.h"

#include "bench.h"
#include "journal/journal_read.h"
#include "net/net_env.h"

#define CLAIM 50

struct bench;
struct cohort;

/*
 * The rows twice: run(), which may come again, makes the other pair out of the
 * present one, and done() only says which is the present one, so that they
 * stay in the cache of the writer's core.
 */
struct life {
	struct journal_tx tx;
	struct cohort *of;
	struct rows {
		struct journal_job job;
		struct journal_attempt attempt;
	} rows[2];
	int now;
	enum attempt_event event;
};

/* Lives that go through a stage together: one group each time. */
struct cohort {
	struct bench *b;
	struct life *lives;
	const enum attempt_event *stage, *last;
	int64_t left;      /* in this stage */
	atomic_bool begun; /* by the writer */
	struct env_post again;
};

struct bench {
	struct env *env;
	struct journal *j;
	struct journal_tx tx;
	struct err err;
	struct cohort cohorts[BENCH_COHORTS];
	struct life *claimed; /* where a claim puts what it takes */
	int64_t group, got;
	int under_way; /* cohorts */
	sqlite3 *db;
	sqlite3_stmt *head;
	struct journal_outbox due[BENCH_RESULTS];
	size_t due_count;
	int64_t size;
	/* reads */
	int64_t reads;
	double *claim_s, *claim_cpu_s;
};

#define OK(b, call)                                                    \
	do {                                                           \
		if ((call) != ERR_NONE) {                              \
			(void)fprintf(                                 \
			    stderr, "%s: %s\n", #call, (b)->err.text); \
			exit(1);                                       \
		}                                                      \
	} while (0)

/* --- one transaction, awaited ----------------------------------------------
 */

static void
tx_done(struct journal_tx *tx)
{
	struct bench *b = CONTAINER_OF(tx, struct bench, tx);

	b->err = tx->err;
	OK(b, tx->code);
	net_env_stop(b->env);
}

static void
transact(struct bench *b, enum err_code (*run)(struct journal *j,
			      struct journal_tx *tx, struct err *err))
{
	b->tx = (struct journal_tx){
	    .run = run, .done = tx_done, .cls = JOURNAL_LIVE};
	OK(b, journal_submit(b->j, &b->tx, &b->err));
	net_env_run(b->env);
}

static enum err_code
intake_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct bench *b = CONTAINER_OF(tx, struct bench, tx);
	uint8_t content[SHA256_BYTES];
	enum err_code code = ERR_NONE;
	static int64_t next;

	if (next == 0)
		next = journal_group_ms(j) * 1000;
	for (int64_t i = 0; i < b->group && code == ERR_NONE; i++, next++) {
		char ext[32];
		char phone[24];
		enum journal_added added;
		int64_t id = 0;
		struct journal_new_job n = {.source = "file",
		    .ext = ext,
		    .kind = "bench",
		    .campaign = "",
		    .content = content,
		    .phone = phone,
		    .contact = "{}",
		    .data = "{}"};

		(void)snprintf(ext, sizeof(ext), "j-%lld", (long long)next);
		(void)snprintf(phone, sizeof(phone), "+%lld",
		    (long long)(BENCH_NUMBER + next % 10000000));
		job_hash_content(ext, strlen(ext), content);
		code = journal_job_add(j, &n, &added, &id, err);
	}
	return code;
}

static enum journal_verdict
take(struct journal *j, void *arg, struct journal_candidate *c,
    const struct journal_live *live, struct err *err)
{
	struct bench *b = arg;
	struct life *l = &b->claimed[b->got];
	struct rows *r = &l->rows[l->now];
	struct journal_attempt *a = &r->attempt;
	struct journal_change change = {.job = &r->job,
	    .attempt = a,
	    .attempt_event = ATTEMPT_EV_ARM,
	    .job_event = JOB_EV_CLAIM};
	bool paused = false;
	int kind = 0;

	(void)live;
	r->job = c->job;
	memset(a, 0, sizeof(*a));
	a->id = c->next_attempt;
	a->is_new = true;
	a->owner = journal_owner(j);
	a->campaign_id = c->job.campaign_id;
	a->kind_id = c->job.kind_id;
	a->number = c->person.number;
	a->has_key = true;
	a->armed_ms = journal_group_ms(j);
	a->dial_until_ms = a->armed_ms + 600000;
	job_key_attempt(
	    journal_id(j), ENV_ID_BYTES, c->job.source, c->job.ext, 1, a->key);
	r->job.attempts++;
	r->job.tries++;
	if (journal_is_paused(j, c->job.campaign_id, &paused, err) !=
		ERR_NONE ||
	    journal_dnc_get(j, a->number, &kind, err) != ERR_NONE ||
	    journal_terms_put(j, "{}", &a->terms_id, err) != ERR_NONE ||
	    journal_step(j, &change, err) != ERR_NONE ||
	    journal_dial_put(j, a->number, a->armed_ms, a->id, err) != ERR_NONE)
		return JOURNAL_STOP;
	b->got++;
	return JOURNAL_TAKE;
}

static enum err_code
claim_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct bench *b = CONTAINER_OF(tx, struct bench, tx);
	struct journal_claim c = {.want = b->group, .visit = take, .arg = b};

	b->got = 0;
	return journal_claim(j, &c, err);
}

/* --- steps, each its own transaction ---------------------------------------
 */

static enum err_code
step_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);
	struct rows *r = &l->rows[1 - l->now];
	struct journal_attempt *a = &r->attempt;
	bool end = l->event == ATTEMPT_EV_END;
	struct journal_change change = {.job = &r->job,
	    .attempt = a,
	    .attempt_event = l->event,
	    .job_event = end ? JOB_EV_FINISH : JOB_EV_NOTE,
	    .detail = l->event == ATTEMPT_EV_PLACE ? "answer" : NULL};
	struct journal_message m;

	atomic_store_explicit(&l->of->begun, true, memory_order_relaxed);
	*r = l->rows[l->now];
	(void)snprintf(a->carrier_call, sizeof(a->carrier_call), BENCH_CALL);
	a->placed_ms = a->placed_ms > 0 ? a->placed_ms : journal_group_ms(j);
	if (l->event == ATTEMPT_EV_ANSWER)
		a->answered_ms = journal_group_ms(j);
	if (!end)
		return journal_step(j, &change, err);
	a->ended_ms = journal_group_ms(j);
	a->outcome = JOB_OUTCOME_COMPLETED;
	r->job.outcome = JOB_OUTCOME_COMPLETED;
	if (journal_inbox_get(j, a->id, 0, &m, err) != ERR_NOT_FOUND)
		return err_set(err, ERR_STATE, 0, "a message from nobody");
	if (journal_step(j, &change, err) != ERR_NONE)
		return err->code;
	return journal_outbox_add(j, &r->job, a->id, err);
}

static void cohort_go(struct cohort *c);

static void
step_done(struct journal_tx *tx)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);
	struct cohort *c = l->of;
	struct bench *b = c->b;

	b->err = tx->err;
	OK(b, tx->code);
	l->now = 1 - l->now;
	if (--c->left > 0)
		return;
	if (c->stage < c->last) {
		c->stage++;
		cohort_go(c);
	} else if (--b->under_way == 0) {
		net_env_stop(b->env);
	}
}

static void
step_submit(struct life *l, enum attempt_event event)
{
	struct bench *b = l->of->b;

	l->event = event;
	l->tx = (struct journal_tx){
	    .run = step_run, .done = step_done, .cls = JOURNAL_LIVE};
	OK(b, journal_submit(b->j, &l->tx, &b->err));
}

static void
cohort_again(struct env_post *p)
{
	cohort_go(CONTAINER_OF(p, struct cohort, again));
}

/* Not before the writer is at work on the other, or both are one group. */
static void
cohort_go(struct cohort *c)
{
	struct bench *b = c->b;
	struct cohort *other = &b->cohorts[c == &b->cohorts[0]];

	if (other->left > 0 && !atomic_load(&other->begun)) {
		c->again.fn = cohort_again;
		env_post(b->env, &c->again);
		return;
	}
	c->left = b->group;
	atomic_store(&c->begun, false);
	for (int64_t i = 0; i < b->group; i++)
		step_submit(&c->lives[i], *c->stage);
}

/*
 * The first `cohorts` through `count` stages.  While one commits, the loop
 * hears of the other and submits it again, as a worker's does.
 */
static void
stages(struct bench *b, int cohorts, const enum attempt_event *stage, int count)
{
	b->under_way = cohorts;
	for (int i = 0; i < cohorts; i++) {
		b->cohorts[i].stage = stage;
		b->cohorts[i].last = stage + count - 1;
	}
	for (int i = 0; i < cohorts; i++)
		cohort_go(&b->cohorts[i]);
	net_env_run(b->env);
}

/* One at a time: the next begins when this one is on disk. */
static void
alone(struct bench *b, const enum attempt_event *event, struct bench_span *span)
{
	struct cohort *c = &b->cohorts[0];

	bench_begin(span);
	c->stage = c->last = event;
	for (int64_t i = 0; i < b->group; i++) {
		c->left = 1;
		b->under_way = 1;
		step_submit(&c->lives[i], *event);
		net_env_run(b->env);
	}
	bench_end(span);
}

/* --- results ---------------------------------------------------------------
 */

static enum err_code
note_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	static const char bytes[BENCH_RESULTS * BENCH_RESULT_BYTES];
	struct bench *b = CONTAINER_OF(tx, struct bench, tx);
	char rows[BENCH_RESULTS * 24] = "";
	size_t at = 0;

	if (journal_outbox_due(j, JOURNAL_SINK_FILE, journal_group_ms(j),
		b->due, BENCH_RESULTS, &b->due_count, err) != ERR_NONE ||
	    b->due_count == 0)
		return err->code;
	for (size_t i = 0; i < b->due_count; i++) {
		struct journal_job job;
		struct journal_attempt a;
		struct journal_person p;

		if (journal_job_get(j, b->due[i].job, &job, err) != ERR_NONE ||
		    journal_attempt_get(j, b->due[i].attempt, &a, err) !=
			ERR_NONE ||
		    journal_person_get(j, b->due[i].job, &p, err) != ERR_NONE)
			return err->code;
		journal_person_free(&p);
		at += (size_t)snprintf(rows + at, sizeof(rows) - at, "%lld,",
		    (long long)b->due[i].id);
	}
	return journal_append_put(j, "out/results", "results.jsonl", b->size,
	    rows, bytes, b->due_count * BENCH_RESULT_BYTES, err);
}

static enum err_code
confirm_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct bench *b = CONTAINER_OF(tx, struct bench, tx);
	int64_t len = (int64_t)b->due_count * BENCH_RESULT_BYTES;
	enum err_code code = journal_append_put(j, "out/results",
	    "results.jsonl", b->size + len, NULL, NULL, 0, err);

	for (size_t i = 0; i < b->due_count && code == ERR_NONE; i++)
		code = journal_outbox_set(
		    j, b->due[i].id, JOURNAL_OUTBOX_DONE, 0, NULL, err);
	return code;
}

static void
push(struct bench *b)
{
	do {
		transact(b, note_run);
		if (b->due_count > 0)
			transact(b, confirm_run);
		b->size += (int64_t)b->due_count * BENCH_RESULT_BYTES;
	} while (b->due_count == BENCH_RESULTS);
}

/* --- the loops -------------------------------------------------------------
 */

static const enum attempt_event steps[] = {
    ATTEMPT_EV_PLACE, ATTEMPT_EV_RING, ATTEMPT_EV_ANSWER};
static const enum attempt_event end[] = {ATTEMPT_EV_END};

static void
begin_lives(struct bench *b, struct cohort *c)
{
	b->claimed = c->lives;
	transact(b, intake_run);
	transact(b, claim_run);
	MUST(b->got == b->group);
}

/* How many transactions the journal has committed, as another reader sees it.
 */
static int64_t
committed(struct bench *b)
{
	MUST(sqlite3_step(b->head) == SQLITE_ROW);
	int64_t n = sqlite3_column_int64(b->head, 0);

	MUST(sqlite3_reset(b->head) == SQLITE_OK);
	return n;
}

static void
commits(struct bench *b, struct bench_span *span)
{
	begin_lives(b, &b->cohorts[0]);
	alone(b, &steps[0], span);
	stages(b, 1, &steps[1], 2);
	stages(b, 1, end, 1);
}

/* The time of the whole, or of the three steps in the middle alone. */
static void
lives(struct bench *b, int64_t n, struct bench_span *whole,
    struct bench_span *middle)
{
	MUST(n % (BENCH_COHORTS * b->group) == 0);
	bench_begin(whole);
	for (int64_t done = 0; done < n; done += BENCH_COHORTS * b->group) {
		for (int i = 0; i < BENCH_COHORTS; i++)
			begin_lives(b, &b->cohorts[i]);
		int64_t before = committed(b);

		bench_begin(middle);
		stages(b, BENCH_COHORTS, steps, 3);
		bench_end(middle);
		/* Two groups that became one would be too fast. */
		MUST(committed(b) >= before + 3 * BENCH_COHORTS);
		stages(b, BENCH_COHORTS, end, 1);
		push(b);
	}
	bench_end(whole);
}

/* --- reads -----------------------------------------------------------------
 */

static enum journal_verdict
leave(struct journal *j, void *arg, struct journal_candidate *c,
    const struct journal_live *live, struct err *err)
{
	(void)j;
	(void)arg;
	(void)c;
	(void)live;
	(void)err;
	return JOURNAL_TAKE;
}

static enum err_code
claims_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct bench *b = CONTAINER_OF(tx, struct bench, tx);
	enum err_code code = ERR_NONE;

	for (int64_t i = 0; i < b->reads && code == ERR_NONE; i++) {
		struct journal_claim c = {.want = CLAIM, .visit = leave};
		double from = bench_now();
		double cpu_from = bench_thread_cpu();

		code = journal_claim(j, &c, err);
		b->claim_cpu_s[i] = bench_thread_cpu() - cpu_from;
		b->claim_s[i] = bench_now() - from;
		MUST(code != ERR_NONE || c.taken == CLAIM);
	}
	return code;
}

static void
listed(void *arg, const struct journal_listed *row)
{
	(void)row;
	++*(int64_t *)arg;
}

static void
reads(struct bench *b, int64_t n)
{
	struct journal_filter f = {.state = JOB_READY, .limit = CLAIM};
	double *list_s = mem_zalloc((size_t)n, sizeof(*list_s));
	double *list_cpu_s = mem_zalloc((size_t)n, sizeof(*list_cpu_s));

	b->reads = n;
	b->claim_s = mem_zalloc((size_t)n, sizeof(*b->claim_s));
	b->claim_cpu_s = mem_zalloc((size_t)n, sizeof(*b->claim_cpu_s));
	transact(b, claims_run);
	for (int64_t i = 0; i < n; i++) {
		int64_t count = 0;
		double from = bench_now();
		double cpu_from = bench_thread_cpu();

		OK(b, journal_read_jobs(b->j, &f, listed, &count, &b->err));
		list_cpu_s[i] = bench_thread_cpu() - cpu_from;
		list_s[i] = bench_now() - from;
		MUST(count == CLAIM);
	}
	bench_percentiles(b->claim_s, b->claim_cpu_s, n);
	bench_percentiles(list_s, list_cpu_s, n);
	mem_free(&b->claim_s);
	mem_free(&b->claim_cpu_s);
	mem_free(&list_s);
	mem_free(&list_cpu_s);
}

static void
head_open(struct bench *b, const char *dir)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/journal.db", dir);
	MUST(sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READONLY, NULL) ==
	     SQLITE_OK);
	MUST(sqlite3_prepare_v2(b->db, "SELECT commits FROM head", -1, &b->head,
		 NULL) == SQLITE_OK);
}

static void
head_close(struct bench *b)
{
	(void)sqlite3_finalize(b->head);
	(void)sqlite3_close(b->db);
}

static void
cohort_init(struct bench *b, struct cohort *c)
{
	c->b = b;
	c->lives = mem_zalloc((size_t)b->group, sizeof(*c->lives));
	for (int64_t i = 0; i < b->group; i++)
		c->lives[i].of = c;
}

static void
run(struct bench *b, const char *mode, int64_t n)
{
	struct bench_span whole = {0};
	struct bench_span middle = {0};

	for (int i = 0; i < BENCH_COHORTS; i++)
		cohort_init(b, &b->cohorts[i]);
	OK(b, journal_owner_open(b->j, "bench", NULL, &b->err));
	if (strcmp(mode, "commits") == 0) {
		commits(b, &whole);
		bench_say(n, &whole);
	} else if (strcmp(mode, "steps") == 0) {
		lives(b, n, &whole, &middle);
		bench_say(3 * n, &middle);
	} else if (strcmp(mode, "lives") == 0) {
		lives(b, n, &whole, &middle);
		bench_say(n, &whole);
	} else if (strcmp(mode, "ready") == 0) {
		transact(b, intake_run);
	} else if (strcmp(mode, "reads") == 0) {
		reads(b, n);
	} else {
		MUST(strcmp(mode, "init") == 0);
	}
	OK(b, journal_owner_close(b->j, &b->err));
	for (int i = 0; i < BENCH_COHORTS; i++)
		mem_free(&b->cohorts[i].lives);
}

int
main(int argc, char **argv)
{
	struct bench b = {0};

	MUST(argc >= 3);
	int64_t n = argc > 3 ? bench_count(argv[3]) : 1;
	struct journal_options o = {
	    .dir = argv[2], .mode = JOURNAL_CREATE, .build_ms = 1000};

	b.group = argc > 4 ? bench_count(argv[4]) : n;
	OK(&b, net_env_open(&b.env, &b.err));
	o.env = b.env;
	OK(&b, journal_open(&o, &b.j, &b.err));
	head_open(&b, argv[2]);
	run(&b, argv[1], n);
	head_close(&b);
	journal_close(&b.j);
	net_env_close(&b.env);
	return 0;
}
