#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * A member is submitted with a way to fail; what became of it and of the
 * others in its group is looked at once all are done.
 */
enum way {
	GOOD,
	MISSES,       /* its guard; nothing written */
	FAILS,        /* after writing */
	FAILS_SECOND, /* after writing, only when it is run again */
	BREAKS_ROW,   /* a constraint of SQLite */
	SAYS_BUSY,    /* of its own, after writing */
	ENDS,         /* the transaction, as SQLite may */
	IS_FATAL
};

struct member {
	struct journal_tx tx;
	enum way way;
	int id; /* also the campaign's name */
	int runs;
	bool is_done;
	enum err_code code;
};

static enum err_code
write_row(struct journal *j, int id, struct err *err)
{
	char what[16];
	int64_t deed = 0;

	(void)snprintf(what, sizeof(what), "m%d", id);
	return journal_deed(j, what, "test", "", &deed, err);
}

static enum err_code
member_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct member *m = CONTAINER_OF(tx, struct member, tx);

	m->runs++;
	if (m->way == MISSES)
		return err_set(err, ERR_STATE, 0, "guard %d missed", m->id);
	if (write_row(j, m->id, err) != ERR_NONE)
		return err->code;
	switch (m->way) {
	case FAILS:
		return err_set(err, ERR_MALFORMED, 0, "member %d", m->id);
	case FAILS_SECOND:
		return m->runs == 1 ? ERR_NONE
				    : err_set(err, ERR_REJECTED, 0, "second");
	case BREAKS_ROW:
		return journal_db_exec(
		    &j->w, "INSERT INTO tally VALUES(0,0)", err);
	case SAYS_BUSY:
		return err_set(err, ERR_BUSY, 0, "another holds it");
	case ENDS:
		(void)sqlite3_exec(j->w.h, "ROLLBACK", NULL, NULL, NULL);
		return err_set(err, ERR_STATE, 0, "ended by SQLite");
	case IS_FATAL:
		return err_set(err, ERR_CONFIG, 0, "cannot go on");
	case GOOD:
	case MISSES:
	default:
		return ERR_NONE;
	}
}

static void
member_done(struct journal_tx *tx)
{
	struct member *m = CONTAINER_OF(tx, struct member, tx);

	assert_false(m->is_done);
	m->is_done = true;
	m->code = tx->code;
}

/* All in one group: the first holds the writer up until all are submitted. */
struct gate {
	struct journal_tx tx;
	struct env_post submitted;
	struct env *env;
	atomic_bool entered, open;
};

static enum err_code
gate_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct gate *g = CONTAINER_OF(tx, struct gate, tx);

	(void)err;
	atomic_store(&g->entered, true);
	while (!atomic_load(&g->open))
		env_pause(j->env, 100);
	return ERR_NONE;
}

static void
gate_done(struct journal_tx *tx)
{
	assert_int_equal(tx->code, ERR_NONE);
}

/* Behind the journal's own post, which wakes the writer. */
static void
gate_submitted(struct env_post *p)
{
	net_env_stop(CONTAINER_OF(p, struct gate, submitted)->env);
}

/* Alone in its group: what is submitted from now on goes into the next. */
static void
gate_close(struct fix *f, struct gate *g)
{
	*g = (struct gate){.tx = {.run = gate_run, .done = gate_done},
	    .submitted = {.fn = gate_submitted},
	    .env = f->env};
	OK(journal_submit(f->j, &g->tx, &f->err));
	env_post(f->env, &g->submitted);
	net_env_run(f->env);
	while (!atomic_load(&g->entered))
		env_pause(f->env, 100);
}

static void
run_group(struct fix *f, struct member *m, const enum way *ways, size_t n)
{
	struct gate g;

	OK(open_journal(f, JOURNAL_CREATE));
	gate_close(f, &g);
	for (size_t i = 0; i < n; i++) {
		m[i] = (struct member){
		    .tx = {.run = member_run, .done = member_done},
		    .way = ways[i],
		    .id = (int)i};
		OK(journal_submit(f->j, &m[i].tx, &f->err));
		assert_false(m[i].is_done); /* never before it returns */
	}
	atomic_store(&g.open, true);
	net_env_run(f->env);
	for (size_t i = 0; i < n; i++)
		assert_true(m[i].is_done);
	assert_int_equal(journal_pending(f->j), 0);
}

static int64_t
rows(struct fix *f)
{
	return number_on(f, "journal.db", "SELECT count(*) FROM deed");
}

static bool
row_of(struct fix *f, int id)
{
	char sql[64];

	(void)snprintf(
	    sql, sizeof(sql), "SELECT count(*) FROM deed WHERE what='m%d'", id);
	return number_on(f, "journal.db", sql) == 1;
}

static void
one_that_fails_after_writing_leaves_the_others(void **state)
{
	static const enum way ways[] = {
	    GOOD, FAILS, GOOD, BREAKS_ROW, MISSES, GOOD, SAYS_BUSY};
	static const enum err_code codes[] = {ERR_NONE, ERR_MALFORMED, ERR_NONE,
	    ERR_STATE, ERR_STATE, ERR_NONE, ERR_BUSY};
	struct fix *f = *state;
	struct member m[ARRAY_LEN(ways)];

	run_group(f, m, ways, ARRAY_LEN(ways));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_int_equal(m[i].code, codes[i]);
		assert_int_equal(row_of(f, (int)i), codes[i] == ERR_NONE);
	}
	/* Rolled back once, run again with savepoints. */
	assert_int_equal(m[0].runs, 2);
	assert_int_equal(m[5].runs, 1);
	assert_int_equal(rows(f), 3);
	assert_non_null(strstr(m[1].tx.err.text, "member 1"));
}

static void
one_whose_guard_misses_costs_no_second_run(void **state)
{
	static const enum way ways[] = {GOOD, MISSES, GOOD};
	struct fix *f = *state;
	struct member m[ARRAY_LEN(ways)];

	run_group(f, m, ways, ARRAY_LEN(ways));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		assert_int_equal(m[i].runs, 1);
	assert_int_equal(m[1].code, ERR_STATE);
	assert_int_equal(rows(f), 2);
}

static void
a_second_run_may_come_to_another_end(void **state)
{
	static const enum way ways[] = {FAILS_SECOND, FAILS, GOOD};
	struct fix *f = *state;
	struct member m[ARRAY_LEN(ways)];

	run_group(f, m, ways, ARRAY_LEN(ways));
	assert_int_equal(m[0].code, ERR_REJECTED);
	assert_int_equal(m[1].code, ERR_MALFORMED);
	assert_int_equal(m[2].code, ERR_NONE);
	assert_int_equal(rows(f), 1);
}

static void
what_ends_the_transaction_fails_all_and_leaves_nothing(void **state)
{
	static const enum way ways[][3] = {
	    {GOOD, ENDS, GOOD}, {GOOD, IS_FATAL, GOOD}};
	static const enum err_code codes[] = {ERR_STATE, ERR_CONFIG};

	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		struct fix *f = *state;
		struct member m[3];
		struct member alone[1];

		run_group(f, m, ways[w], 3);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(m[i].code, codes[w]);
		assert_int_equal(rows(f), (int64_t)w);
		/* The next group is none the worse. */
		run_group(f, alone, (const enum way[]){GOOD}, 1);
		assert_int_equal(alone[0].code, ERR_NONE);
		assert_int_equal(rows(f), (int64_t)w + 1);
	}
}

static enum err_code
add_and_fail(struct journal *j, void *arg, struct err *err)
{
	uint8_t content[JOB_CONTENT_BYTES] = {1};
	struct journal_new_job n = {.source = "file",
	    .ext = arg,
	    .kind = "intro",
	    .campaign = "",
	    .content = content,
	    .phone = "not a phone",
	    .contact = "{}",
	    .data = "{}"};
	enum journal_added added;
	int64_t id = 0;

	return journal_job_add(j, &n, &added, &id, err);
}

static void
a_job_refused_half_way_leaves_no_number_and_no_tally(void **state)
{
	struct fix *f = *state;
	struct journal_check *c = NULL;
	struct life a = {0}, b = {0};
	char bad[] = "bad";

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &a, "a");
	assert_int_equal(once(f, add_and_fail, bad), ERR_MALFORMED);
	life_add(f, &b, "b");
	assert_int_equal(b.id, a.id + 1);
	OK(journal_check(f->j, NULL, &c, &f->err));
	assert_true(c->ok);
	assert_int_equal(c->events, 2);
	journal_check_free(&c);
}

static void
a_full_queue_refuses_claims_and_never_live_steps(void **state)
{
	struct fix *f = *state;
	struct journal_options o = {.env = f->env,
	    .dir = f->dir,
	    .mode = JOURNAL_CREATE,
	    .build_ms = 1000,
	    .queue_max = 4};
	struct gate g;
	struct member m[6];

	OK(journal_open(&o, &f->j, &f->err));
	gate_close(f, &g);
	for (int i = 0; i < 6; i++) {
		enum err_code code;

		m[i] = (struct member){
		    .tx = {.run = member_run,
			.done = member_done,
			.cls = i == 5 ? JOURNAL_LIVE : JOURNAL_CLAIM},
		    .way = GOOD,
		    .id = i};
		code = journal_submit(f->j, &m[i].tx, &f->err);
		if (i == 3 || i == 4) {
			assert_int_equal(code, ERR_BUSY);
			SAYS("queue is full");
		} else {
			assert_int_equal(code, ERR_NONE);
		}
	}
	assert_int_equal(journal_pending(f->j), 5);
	atomic_store(&g.open, true);
	net_env_run(f->env);
	assert_int_equal(rows(f), 4);
	assert_true(m[5].is_done);
	assert_false(m[3].is_done);
}

static int
add_from_elsewhere(struct fix *f)
{
	struct life l = {.phone = "+15125550199"};

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE)
		return 1;
	life_add(f, &l, "elsewhere");
	return 0;
}

static void
what_another_process_writes_is_seen(void **state)
{
	struct fix *f = *state;
	struct life a = {0}, b = {0};
	struct journal_job job;
	int64_t before = 0;
	int64_t after = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &a, "a");
	OK(journal_version(f->j, &before, &f->err));
	assert_int_equal(child_end(child_start(f, add_from_elsewhere)), 0);
	OK(journal_version(f->j, &after, &f->err));
	assert_true(after > before);
	OK(journal_read_job(f->j, 2, &job, &f->err));
	assert_string_equal(job.ext, "elsewhere");
	/* Numbers and hashes go on from theirs. */
	life_add(f, &b, "b");
	assert_int_equal(b.id, 3);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
}

static void
a_group_that_changes_nothing_leaves_nothing(void **state)
{
	static const enum way ways[] = {MISSES, MISSES};
	struct fix *f = *state;
	struct member m[ARRAY_LEN(ways)];

	run_group(f, m, ways, ARRAY_LEN(ways));
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT commits FROM head"), 0);
}

/* --- what every group refuses ----------------------------------------------
 */

static enum err_code
one_row(struct journal *j, void *arg, struct err *err)
{
	(void)arg;
	return write_row(j, 1, err);
}

static void
a_journal_that_changed_under_a_process_is_not_written(void **state)
{
	static const struct {
		const char *command;
		const char *sql;
		enum err_code code;
		const char *says;
	} changes[] = {
	    {NULL, "UPDATE head SET incarnation=zeroblob(8)", ERR_DAMAGED,
		"was restored while this ran"},
	    {NULL, "PRAGMA user_version=7", ERR_CONFIG, "has schema 7 now"},
	    {NULL, "UPDATE head SET commits=commits-1", ERR_DAMAGED,
		"went back in time while this ran"},
	    {"mv journal.db moved.db", NULL, ERR_DAMAGED,
		"was replaced or removed"},
	    {"cp journal.db x; mv x journal.db", NULL, ERR_DAMAGED,
		"was replaced or removed"},
	};

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct fix *f = *state;

		journal_close(&f->j);
		shell(f, "rm -rf journal.* owners.lock moved.db");
		OK(open_journal(f, JOURNAL_CREATE));
		OK(once(f, one_row, NULL));
		OK(once(f, one_row, NULL));
		if (changes[i].command != NULL)
			shell(f, changes[i].command);
		else
			sql_on(f, "journal.db", changes[i].sql);
		assert_int_equal(once(f, one_row, NULL), changes[i].code);
		SAYS(changes[i].says);
	}
}

static enum err_code
disk_error(struct journal *j, void *arg, struct err *err)
{
	(void)j;
	(void)arg;
	return err_set(err, ERR_STORE, SQLITE_IOERR_FSYNC, "disk I/O error");
}

static void
after_a_disk_error_nobody_writes_until_the_next_start(void **state)
{
	struct fix *f = *state;
	struct journal_options o = {.env = f->env,
	    .dir = f->dir,
	    .mode = JOURNAL_MUST_EXIST,
	    .build_ms = 1000};
	struct journal *other = NULL;
	struct journal *ours;
	struct life a = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &a, "a");
	OK(journal_open(&o, &other, &f->err));
	assert_int_equal(once(f, disk_error, NULL), ERR_DAMAGED);
	assert_int_equal(once(f, one_row, NULL), ERR_DAMAGED);
	SAYS("a disk error or a broken page was seen");
	/* The other process is told by the mark. */
	ours = f->j;
	f->j = other;
	assert_int_equal(once(f, one_row, NULL), ERR_DAMAGED);
	SAYS("the next start rebuilds");
	journal_close(&ours);
	/* Not while anybody has it open. */
	other = f->j;
	f->j = NULL;
	assert_int_equal(open_journal(f, JOURNAL_MUST_EXIST), ERR_BUSY);
	journal_close(&other);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(once(f, one_row, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(one_that_fails_after_writing_leaves_the_others),
	    T(one_whose_guard_misses_costs_no_second_run),
	    T(a_second_run_may_come_to_another_end),
	    T(what_ends_the_transaction_fails_all_and_leaves_nothing),
	    T(a_job_refused_half_way_leaves_no_number_and_no_tally),
	    T(a_full_queue_refuses_claims_and_never_live_steps),
	    T(what_another_process_writes_is_seen),
	    T(a_group_that_changes_nothing_leaves_nothing),
	    T(a_journal_that_changed_under_a_process_is_not_written),
	    T(after_a_disk_error_nobody_writes_until_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
