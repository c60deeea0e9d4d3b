/*
 * The bare loop: the limit of this schema, with nothing but SQLite.
 *
 *   bench_bare steps DIR N GROUP   three transitions of each of N live calls
 *   bench_bare lives DIR N GROUP   N whole job lives
 *   bench_bare load DIR N          N finished lives as they stand at the end,
 *                                  not synced: a large journal, quickly
 *
 * DIR is a journal made by `bench_journal init`, and `dsrun check` finds
 * nothing wrong with what is left in it: the same rows as pkg/journal writes,
 * in groups of GROUP, as durably, and nothing else.  What the design has to
 * read (identity, candidates, do-not-call, messages, what a result says) is
 * read; names are resolved once, locks and mark are left out, one thread does
 * it all.
 */
#include "bench_bare.h"

#define LOAD_GROUP 5000

struct life {
	int64_t id, number, attempt, last, n;
	uint8_t hash[SHA256_BYTES];
	enum job_state job_state;
	enum attempt_state state;
	char ext[24];
};

/* --- opening ---------------------------------------------------------------
 */

static void
head_read(struct bare *b)
{
	sqlite3_stmt *st = NULL;

	MUST(sqlite3_prepare_v2(b->db,
		 "SELECT journal,commits,seq,hash,sealed,sealed_hash,next_job,"
		 "next_outbox FROM head",
		 -1, &st, NULL) == SQLITE_OK);
	MUST(sqlite3_step(st) == SQLITE_ROW);
	blob(st, 0, b->journal, 16);
	b->commits = sqlite3_column_int64(st, 1);
	b->seq = sqlite3_column_int64(st, 2);
	blob(st, 3, b->hash, SHA256_BYTES);
	b->sealed = sqlite3_column_int64(st, 4);
	blob(st, 5, b->sealed_hash, SHA256_BYTES);
	b->next_job = sqlite3_column_int64(st, 6);
	b->next_outbox = sqlite3_column_int64(st, 7);
	(void)sqlite3_finalize(st);
}

/* As pkg/journal opens it. */
static void
db_open(struct bare *b, const char *dir)
{
	char path[BENCH_PATH];

	memset(b, 0, sizeof(*b));
	MUST(snprintf(path, sizeof(path), "%s/journal.db", dir) < BENCH_PATH);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	MUST(sqlite3_open_v2(path, &b->db,
		 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		 NULL) == SQLITE_OK);
	(void)sqlite3_db_config(
	    b->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_autocheckpoint(b->db, 0);
	(void)sqlite3_wal_hook(b->db, wal_hook, b);
	exec(b, "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
		"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
		"PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY");
	exec(b, "INSERT OR IGNORE INTO source VALUES(1,'file');"
		"INSERT OR IGNORE INTO kind VALUES(1,'bench');"
		"INSERT OR IGNORE INTO terms VALUES(1,'{}')");
	head_read(b);
}

static void
checkpoint(struct bare *b, int how)
{
	MUST(sqlite3_wal_checkpoint_v2(b->db, NULL, how, NULL, NULL) ==
	     SQLITE_OK);
	b->wal_pages = 0;
}

static void
db_close(struct bare *b)
{
	checkpoint(b, SQLITE_CHECKPOINT_TRUNCATE);
	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(b->st[i]);
	MUST(sqlite3_close(b->db) == SQLITE_OK);
}

/* --- groups ----------------------------------------------------------------
 */

static void
group_begin(struct bare *b)
{
	struct timespec t;

	RUN(b, BEGIN, "");
	MUST(clock_gettime(CLOCK_REALTIME, &t) == 0);
	b->now_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
group_commit(struct bare *b)
{
	for (int s = 0; s < (int)JOB_NONE; s++)
		if (b->tally[s] != 0) {
			CHANGE(b, TALLY, "ii", (int64_t)s, b->tally[s]);
			b->tally[s] = 0;
		}
	b->commits++;
	CHANGE(b, HEAD, "iibibii", b->commits, b->seq, b->hash, b->sealed,
	    b->sealed_hash, b->next_job, b->next_outbox);
	RUN(b, COMMIT, "");
	if (b->wal_pages > BENCH_WAL_PAGES)
		checkpoint(b, SQLITE_CHECKPOINT_RESTART);
	else
		grow(b);
}

/* --- steps -----------------------------------------------------------------
 */

static void
event_add(struct bare *b, struct life *l, int step, const char *detail)
{
	struct job_event_fields f = {.seq = b->seq + 1,
	    .job = l->id,
	    .n = l->n + 1,
	    .at_ms = b->now_ms,
	    .step = step,
	    .job_state = (int)l->job_state,
	    .attempt = l->attempt,
	    .attempt_state = l->attempt != 0 ? (int)l->state : -1,
	    .detail = detail};

	job_hash_event(l->hash, &f, l->hash);
	CHANGE(b, EVENT_ADD, "iiioiiiootb", f.seq, f.job, f.n, l->last, f.at_ms,
	    (int64_t)step, (int64_t)l->job_state, l->attempt, (int64_t)l->state,
	    detail, l->hash);
	b->seq = f.seq;
	memcpy(b->hash, l->hash, SHA256_BYTES);
	l->last = f.seq;
	l->n = f.n;
}

static int
job_step(enum job_state was, enum job_event event)
{
	const struct job_row *row;
	struct err err;
	int step = 0;

	MUST(job_find(was, event, &row, &step, &err) == ERR_NONE);
	return step;
}

static int
attempt_step(enum attempt_state was, enum attempt_event event)
{
	const struct attempt_row *row;
	struct err err;
	int step = 0;

	MUST(job_find_attempt(was, event, &row, &step, &err) == ERR_NONE);
	return step;
}

static void
content_of(const struct life *l, uint8_t out[SHA256_BYTES])
{
	job_hash_content(l->ext, strlen(l->ext), out);
}

/* done: as it will be at its end, six events on. */
static void
add(struct bare *b, struct life *l, bool done)
{
	uint8_t content[SHA256_BYTES];
	int64_t of_done = done ? 1 : 0;

	memset(l, 0, sizeof(*l));
	l->id = b->next_job++;
	l->number = BENCH_NUMBER + l->id;
	(void)snprintf(l->ext, sizeof(l->ext), "b-%lld", (long long)l->id);
	content_of(l, content);
	RUN(b, KNOWN, "t", l->ext);
	l->job_state = done ? JOB_DONE : JOB_READY;
	CHANGE(b, JOB_ADD, "itziiiii", l->id, l->ext, content,
	    (int64_t)l->job_state,
	    done ? (int64_t)JOB_OUTCOME_COMPLETED : (int64_t)0, of_done,
	    of_done, b->seq + (done ? 6 : 1));
	CHANGE(b, PERSON_ADD, "ii", l->id, l->number);
	job_hash_identity("file", l->ext, content, l->hash);
	b->tally[l->job_state]++;
	l->job_state = JOB_READY;
	event_add(b, l, job_step(JOB_NONE, JOB_EV_ADMIT), NULL);
}

static void
attempt_add(struct bare *b, struct life *l, bool done)
{
	uint8_t key[SHA256_BYTES];
	enum attempt_state state = done ? ATTEMPT_ENDED : ATTEMPT_INTENT;
	int64_t at_ms = done ? b->now_ms : 0;

	l->attempt = l->id * 256 + 1;
	job_key_attempt(b->journal, sizeof(b->journal), "file", l->ext, 1, key);
	CHANGE(b, ATTEMPT_ADD, "iioobioiti", l->attempt, (int64_t)state,
	    (int64_t)(done ? 0 : 1), done ? (int64_t)0 : l->number, key,
	    b->now_ms, at_ms,
	    done ? (int64_t)JOB_OUTCOME_COMPLETED : (int64_t)0,
	    done ? BENCH_CALL : NULL, b->seq + (done ? 5 : 1));
	CHANGE(b, DIAL_ADD, "iii", l->number, b->now_ms, l->attempt);
}

static void
arm(struct bare *b, struct life *l)
{
	RUN(b, DNC, "i", l->number);
	CHANGE(b, JOB_MOVE, "iiiiiii", l->id, (int64_t)JOB_READY, l->last,
	    (int64_t)JOB_HELD, b->seq + 1, (int64_t)0, (int64_t)0);
	attempt_add(b, l, false);
	l->state = ATTEMPT_INTENT;
	l->job_state = JOB_HELD;
	b->tally[JOB_READY]--;
	b->tally[JOB_HELD]++;
	event_add(b, l, attempt_step(ATTEMPT_NEW, ATTEMPT_EV_ARM), NULL);
}

/* The jobs that may be called now, best first: up to n lives, armed. */
static int64_t
claim(struct bare *b, struct life *l, int64_t n)
{
	sqlite3_stmt *st;
	int64_t got = 0;

	RUN(b, PAUSED, "");
	st = ask(b, CANDIDATES, "i", n);
	while (sqlite3_step(st) == SQLITE_ROW) {
		memset(&l[got], 0, sizeof(l[got]));
		l[got].id = sqlite3_column_int64(st, 0);
		l[got].number = sqlite3_column_int64(st, 1);
		l[got].last = sqlite3_column_int64(st, 2);
		l[got].n = sqlite3_column_int64(st, 3);
		blob(st, 4, l[got].hash, SHA256_BYTES);
		(void)snprintf(l[got].ext, sizeof(l[got].ext), "%s",
		    (const char *)sqlite3_column_text(st, 5));
		got++;
	}
	(void)sqlite3_reset(st);
	for (int64_t i = 0; i < got; i++)
		arm(b, &l[i]);
	return got;
}

static void
stage(struct bare *b, struct life *l, enum attempt_event event,
    enum attempt_state next)
{
	int step = attempt_step(l->state, event);

	CHANGE(b, JOB_TOUCH, "iiii", l->id, (int64_t)l->job_state, l->last,
	    b->seq + 1);
	CHANGE(b, ATTEMPT_MOVE, "iiitioii", l->attempt, (int64_t)next,
	    b->seq + 1, BENCH_CALL, b->now_ms,
	    next == ATTEMPT_ANSWERED ? b->now_ms : (int64_t)0, l->last,
	    (int64_t)l->state);
	l->state = next;
	event_add(b, l, step, event == ATTEMPT_EV_PLACE ? "answer" : NULL);
}

static void
seal(struct bare *b, const struct life *l)
{
	uint8_t content[SHA256_BYTES];
	uint8_t identity[SHA256_BYTES];
	struct job_sealed_fields f = {.identity = identity,
	    .state = JOB_DONE,
	    .outcome = JOB_OUTCOME_COMPLETED,
	    .revision = 1,
	    .last = l->hash,
	    .before = b->sealed_hash};

	content_of(l, content);
	job_hash_identity("file", l->ext, content, identity);
	job_hash_sealed(&f, b->sealed_hash);
	b->sealed++;
	CHANGE(b, SEAL, "iiiibbb", b->sealed, l->id, (int64_t)JOB_DONE,
	    (int64_t)JOB_OUTCOME_COMPLETED, identity, l->hash, b->sealed_hash);
}

static void
finish(struct bare *b, struct life *l)
{
	int step = attempt_step(l->state, ATTEMPT_EV_END);

	RUN(b, INBOX, "i", l->attempt);
	CHANGE(b, JOB_MOVE, "iiiiiii", l->id, (int64_t)JOB_HELD, l->last,
	    (int64_t)JOB_DONE, b->seq + 1, (int64_t)JOB_OUTCOME_COMPLETED,
	    (int64_t)1);
	CHANGE(b, ATTEMPT_END, "iiiiiii", l->attempt, (int64_t)ATTEMPT_ENDED,
	    b->seq + 1, b->now_ms, (int64_t)JOB_OUTCOME_COMPLETED, l->last,
	    (int64_t)l->state);
	l->state = ATTEMPT_ENDED;
	l->job_state = JOB_DONE;
	b->tally[JOB_HELD]--;
	b->tally[JOB_DONE]++;
	event_add(b, l, step, NULL);
	seal(b, l);
	CHANGE(b, OUTBOX_ADD, "iiii", b->next_outbox, l->id, l->attempt,
	    (int64_t)0);
	b->next_outbox++;
}

/* --- results ---------------------------------------------------------------
 */

static void
append(struct bare *b, const char *rows, int64_t n)
{
	static char bytes[BENCH_RESULTS * BENCH_RESULT_BYTES];
	sqlite3_stmt *st = ask(b, APPEND, "it", b->size, rows);

	(void)sqlite3_bind_blob64(st, 3, n > 0 ? bytes : NULL,
	    (sqlite3_uint64)n * BENCH_RESULT_BYTES, SQLITE_STATIC);
	look(b, st, SQLITE_DONE);
}

/* One batch: noted with its bytes, then done; false when nothing was due. */
static bool
push(struct bare *b)
{
	int64_t ids[BENCH_RESULTS];
	char rows[BENCH_RESULTS * 24] = "";
	size_t at = 0;
	int64_t n = 0;
	sqlite3_stmt *st;

	group_begin(b);
	st = ask(b, OUTBOX_DUE, "ii", b->now_ms, (int64_t)BENCH_RESULTS);
	while (sqlite3_step(st) == SQLITE_ROW) {
		ids[n] = sqlite3_column_int64(st, 0);
		look(b,
		    ask(b, RESULT, "ii", sqlite3_column_int64(st, 1),
			sqlite3_column_int64(st, 2)),
		    SQLITE_ROW);
		at += (size_t)snprintf(
		    rows + at, sizeof(rows) - at, "%lld,", (long long)ids[n++]);
	}
	(void)sqlite3_reset(st);
	if (n > 0)
		append(b, rows, n);
	group_commit(b);
	if (n == 0)
		return false;
	group_begin(b);
	b->size += n * BENCH_RESULT_BYTES;
	append(b, NULL, 0);
	for (int64_t i = 0; i < n; i++)
		CHANGE(b, OUTBOX_DONE, "i", ids[i]);
	group_commit(b);
	return n == BENCH_RESULTS;
}

/* --- the loops -------------------------------------------------------------
 */

struct cohort {
	struct life *lives;
	int64_t n;
};

static void
stages(struct bare *b, struct cohort *c, enum attempt_event event,
    enum attempt_state next)
{
	for (int i = 0; i < BENCH_COHORTS; i++) {
		group_begin(b);
		for (int64_t k = 0; k < c[i].n; k++)
			stage(b, &c[i].lives[k], event, next);
		group_commit(b);
	}
}

static void
begin_lives(struct bare *b, struct life *l, int64_t n)
{
	group_begin(b);
	for (int64_t i = 0; i < n; i++)
		add(b, &l[i], false);
	group_commit(b);
	group_begin(b);
	MUST(claim(b, l, n) == n);
	group_commit(b);
}

static void
end_lives(struct bare *b, struct life *l, int64_t n)
{
	group_begin(b);
	for (int64_t i = 0; i < n; i++)
		finish(b, &l[i]);
	group_commit(b);
}

/* The time of the whole, or of the three steps in the middle alone. */
static void
lives(struct bare *b, int64_t n, int64_t group, struct bench_span *whole,
    struct bench_span *steps)
{
	struct cohort c[BENCH_COHORTS];

	MUST(n % (BENCH_COHORTS * group) == 0);
	for (int i = 0; i < BENCH_COHORTS; i++) {
		c[i].n = group;
		c[i].lives = calloc((size_t)group, sizeof(*c[i].lives));
		MUST(c[i].lives != NULL);
	}
	bench_begin(whole);
	for (int64_t done = 0; done < n; done += BENCH_COHORTS * group) {
		for (int i = 0; i < BENCH_COHORTS; i++)
			begin_lives(b, c[i].lives, group);
		bench_begin(steps);
		stages(b, c, ATTEMPT_EV_PLACE, ATTEMPT_PLACED);
		stages(b, c, ATTEMPT_EV_RING, ATTEMPT_RINGING);
		stages(b, c, ATTEMPT_EV_ANSWER, ATTEMPT_ANSWERED);
		bench_end(steps);
		for (int i = 0; i < BENCH_COHORTS; i++)
			end_lives(b, c[i].lives, group);
		while (push(b))
			;
	}
	bench_end(whole);
	for (int i = 0; i < BENCH_COHORTS; i++)
		free(c[i].lives);
}

static void
load_one(struct bare *b)
{
	static const struct {
		enum attempt_event event;
		enum attempt_state next;
	} path[] = {{ATTEMPT_EV_ARM, ATTEMPT_INTENT},
	    {ATTEMPT_EV_PLACE, ATTEMPT_PLACED},
	    {ATTEMPT_EV_RING, ATTEMPT_RINGING},
	    {ATTEMPT_EV_ANSWER, ATTEMPT_ANSWERED},
	    {ATTEMPT_EV_END, ATTEMPT_ENDED}};
	struct life l;

	add(b, &l, true);
	attempt_add(b, &l, true);
	l.state = ATTEMPT_NEW;
	l.job_state = JOB_HELD;
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		int step = attempt_step(l.state, path[i].event);

		l.state = path[i].next;
		if (l.state == ATTEMPT_ENDED)
			l.job_state = JOB_DONE;
		event_add(b, &l, step, NULL);
	}
	seal(b, &l);
	CHANGE(
	    b, OUTBOX_ADD, "iiii", b->next_outbox, l.id, l.attempt, (int64_t)1);
	b->next_outbox++;
}

static void
load(struct bare *b, int64_t n, struct bench_span *whole)
{
	exec(b, "PRAGMA synchronous=OFF; PRAGMA cache_size=-65536");
	bench_begin(whole);
	for (int64_t i = 0; i < n; i++) {
		if (i % LOAD_GROUP == 0)
			group_begin(b);
		load_one(b);
		if (i % LOAD_GROUP == LOAD_GROUP - 1 || i == n - 1)
			group_commit(b);
	}
	bench_end(whole);
}

int
main(int argc, char **argv)
{
	struct bench_span whole = {0};
	struct bench_span steps = {0};
	struct bare b;

	MUST(argc >= 4);
	int64_t n = bench_count(argv[3]);
	int64_t group = argc > 4 ? bench_count(argv[4]) : 1;

	db_open(&b, argv[2]);
	if (strcmp(argv[1], "load") == 0)
		load(&b, n, &whole);
	else
		lives(&b, n, group, &whole, &steps);
	db_close(&b);
	if (strcmp(argv[1], "steps") == 0)
		bench_say(3 * n, &steps);
	else
		bench_say(n, &whole);
	return 0;
}
