/*
 * The same through pkg/journal, on the real env: loop, writer's thread, lock,
 * mark, guards.
 *
 *   bench_journal init DIR           make the journal
 *   bench_journal commits DIR N      N transitions, one a transaction, the
 *                                    next when the one before is durable
 *   bench_journal steps DIR N GROUP  three transitions of each of N live calls,
 *                                    one a transaction, GROUP at a time
 *   bench_journal lives DIR N GROUP  N whole job lives, so
 *   bench_journal ready DIR N        N jobs that may be called
 *   bench_journal reads DIR N        N claims of 50 that change nothing and N
 *                                    listings: p50 and p99 of each, in us, on
 *                                    the wall and of the thread's processor
 */
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#include "bench.h"
#include "journal/journal_read.h"
#include "net/net_env.h"

#define CLAIM 50

struct bench;

/*
 * The rows twice: run(), which may come again, makes the other pair out of the
 * present one, and done() only says which is the present one, so that they
 * stay in the cache of the writer's core.
 */
struct life {
	struct journal_tx tx;
	struct bench *b;
	struct rows {
		struct journal_job job;
		struct journal_attempt attempt;
	} rows[2];
	int now;
	enum attempt_event event;
};

struct bench {
	struct env *env;
	struct journal *j;
	struct journal_tx tx;
	struct err err;
	struct life *lives;
	int64_t group, got;
	int64_t left; /* of what was submitted together */
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
	struct life *l = &b->lives[b->got];
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

static void
step_done(struct journal_tx *tx)
{
	struct life *l = CONTAINER_OF(tx, struct life, tx);
	struct bench *b = l->b;

	b->err = tx->err;
	OK(b, tx->code);
	l->now = 1 - l->now;
	if (--b->left == 0)
		net_env_stop(b->env);
}

static void
step_submit(struct life *l, enum attempt_event event)
{
	struct bench *b = l->b;

	l->event = event;
	l->tx = (struct journal_tx){
	    .run = step_run, .done = step_done, .cls = JOURNAL_LIVE};
	OK(b, journal_submit(b->j, &l->tx, &b->err));
}

static void
stages(struct bench *b, enum attempt_event event)
{
	b->left = b->group;
	for (int64_t i = 0; i < b->group; i++)
		step_submit(&b->lives[i], event);
	net_env_run(b->env);
}

/* One at a time: the next begins when this one is on disk. */
static void
alone(struct bench *b, enum attempt_event event, struct bench_span *span)
{
	bench_begin(span);
	for (int64_t i = 0; i < b->group; i++) {
		b->left = 1;
		step_submit(&b->lives[i], event);
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

static void
begin_lives(struct bench *b)
{
	transact(b, intake_run);
	transact(b, claim_run);
	MUST(b->got == b->group);
}

static void
commits(struct bench *b, struct bench_span *span)
{
	begin_lives(b);
	alone(b, ATTEMPT_EV_PLACE, span);
	stages(b, ATTEMPT_EV_RING);
	stages(b, ATTEMPT_EV_ANSWER);
	stages(b, ATTEMPT_EV_END);
}

/* The time of the whole, or of the three steps in the middle alone. */
static void
lives(struct bench *b, int64_t n, struct bench_span *whole,
    struct bench_span *steps)
{
	MUST(n % b->group == 0);
	bench_begin(whole);
	for (int64_t done = 0; done < n; done += b->group) {
		begin_lives(b);
		bench_begin(steps);
		stages(b, ATTEMPT_EV_PLACE);
		stages(b, ATTEMPT_EV_RING);
		stages(b, ATTEMPT_EV_ANSWER);
		bench_end(steps);
		stages(b, ATTEMPT_EV_END);
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

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
say_percentiles(double *wall_s, double *cpu_s, int64_t n)
{
	qsort(wall_s, (size_t)n, sizeof(*wall_s), by_value);
	qsort(cpu_s, (size_t)n, sizeof(*cpu_s), by_value);
	(void)printf("%.1f %.1f %.1f %.1f\n", wall_s[n / 2] * 1e6,
	    wall_s[n * 99 / 100] * 1e6, cpu_s[n / 2] * 1e6,
	    cpu_s[n * 99 / 100] * 1e6);
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
	say_percentiles(b->claim_s, b->claim_cpu_s, n);
	say_percentiles(list_s, list_cpu_s, n);
	mem_free(&b->claim_s);
	mem_free(&b->claim_cpu_s);
	mem_free(&list_s);
	mem_free(&list_cpu_s);
}

static void
run(struct bench *b, const char *mode, int64_t n)
{
	struct bench_span whole = {0};
	struct bench_span steps = {0};

	b->lives = mem_zalloc((size_t)b->group, sizeof(*b->lives));
	for (int64_t i = 0; i < b->group; i++)
		b->lives[i].b = b;
	OK(b, journal_owner_open(b->j, "bench", NULL, &b->err));
	if (strcmp(mode, "commits") == 0) {
		commits(b, &whole);
		bench_say(n, &whole);
	} else if (strcmp(mode, "steps") == 0) {
		lives(b, n, &whole, &steps);
		bench_say(3 * n, &steps);
	} else if (strcmp(mode, "lives") == 0) {
		lives(b, n, &whole, &steps);
		bench_say(n, &whole);
	} else if (strcmp(mode, "ready") == 0) {
		transact(b, intake_run);
	} else if (strcmp(mode, "reads") == 0) {
		reads(b, n);
	} else {
		MUST(strcmp(mode, "init") == 0);
	}
	OK(b, journal_owner_close(b->j, &b->err));
	mem_free(&b->lives);
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
	run(&b, argv[1], n);
	journal_close(&b.j);
	net_env_close(&b.env);
	return 0;
}
