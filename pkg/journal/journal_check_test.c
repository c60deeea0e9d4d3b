#include "journal/journal_check.h"

#include "journal/journal_copy.h"
#include "journal/journal_fix_test.h"

/*
 * A journal with every kind of life in it must pass; then one thing at a time
 * is broken by raw SQL on a backup of it, and must be named.
 */

/* Job 1 done; 2 twice called, first unknown and vanished; 3 parked and
 * resolved; 4 live; 5 waiting; 6 refused for later, cancelled; 7 retried. */
static void
populate(struct fix *f)
{
	struct life a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, g = {0};
	struct life h = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_whole(f, &a, "a");

	life_add(f, &b, "b");
	assert_true(life_claim(f, &b));
	life_step(f, &b, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &b, ATTEMPT_EV_LOOK, JOB_EV_NOTE);
	life_step(f, &b, ATTEMPT_EV_VANISH, JOB_EV_LATER);
	life_job(f, &b, JOB_EV_DUE);
	assert_true(life_claim(f, &b));
	life_finish(f, &b);

	c.org = "Acme";
	life_add(f, &c, "c");
	assert_true(life_claim(f, &c));
	life_step(f, &c, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &c, ATTEMPT_EV_PARK, JOB_EV_PARK);
	c.attempt.outcome = JOB_OUTCOME_UNKNOWN;
	c.job.outcome = JOB_OUTCOME_UNKNOWN;
	life_step(f, &c, ATTEMPT_EV_RESOLVE_PLACED, JOB_EV_FINISH);

	life_add(f, &d, "d");
	assert_true(life_claim(f, &d));
	life_step(f, &d, ATTEMPT_EV_PLACE, JOB_EV_NOTE);

	e.not_before_ms = INT64_C(4000000000000);
	life_add(f, &e, "e");

	life_add(f, &g, "g");
	g.claim_only = true;
	assert_true(life_claim(f, &g));
	life_step(f, &g, ATTEMPT_EV_RELEASE, JOB_EV_RELEASE);
	g.claim_only = false;
	assert_true(life_claim(f, &g));
	g.job.tries--; /* dial_until was over before the first byte */
	life_step(f, &g, ATTEMPT_EV_UNSENT, JOB_EV_RELEASE);
	assert_true(life_claim(f, &g));
	g.detail = "later";
	g.job.tries--; /* "come again later" is no try */
	life_step(f, &g, ATTEMPT_EV_REFUSE, JOB_EV_LATER);
	life_job(f, &g, JOB_EV_CANCEL);

	life_whole(f, &h, "h");
	h.job.tries = 0;
	life_job(f, &h, JOB_EV_RETRY);
	life_job(f, &h, JOB_EV_DUE);
	assert_true(life_claim(f, &h));
	life_finish(f, &h);
}

static char *
in(struct fix *f, const char *name)
{
	return mem_printf("%s/%s", f->dir, name);
}

static void
copy_to(struct fix *f, const char *name)
{
	char *path = in(f, name);

	OK(journal_backup(f->j, path, &f->err));
	mem_free(&path);
}

static struct journal_check *
check_copy(struct fix *f, const char *name, bool deep)
{
	struct journal_check_options o = {.deep = deep};
	struct journal_check *c = NULL;
	char *path = in(f, name);

	OK(journal_check_file(f->env, path, &o, &c, &f->err));
	mem_free(&path);
	return c;
}

static void
a_journal_with_every_kind_of_life_passes(void **state)
{
	struct fix *f = *state;
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	populate(f);
	OK(journal_check(f->j, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	assert_int_equal(c->jobs, 7);
	assert_int_equal(c->attempts, 9 - 1);
	assert_int_equal(c->seals, 6);
	assert_int_equal(c->outbox_pending, 6);
	assert_int_equal(c->peak_live, 2);
	assert_int_equal(c->item[JOURNAL_CHECK_I6].checked, 3);
	assert_int_equal(c->item[JOURNAL_CHECK_OWNERS].checked, 1);
	assert_int_equal(c->item[JOURNAL_CHECK_I13].ok, JOURNAL_UNKNOWN);
	assert_non_null(c->item[JOURNAL_CHECK_I13].why);
	assert_null(journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
	assert_null(c);

	copy_to(f, "copy.db");
	c = check_copy(f, "copy.db", true);
	assert_true(c->ok);
	assert_int_equal(c->item[JOURNAL_CHECK_DATABASE].ok, JOURNAL_TRUE);
	assert_int_equal(c->events, c->newest_seq);
	journal_check_free(&c);
	/* Nothing was left beside the file. */
	assert_false(there(f, "copy.db-wal"));
	assert_false(there(f, "copy.db-shm"));
}

/* --- one thing broken ------------------------------------------------------
 */

#define FREE_EVENTS \
	"DROP TRIGGER event_no_update; DROP TRIGGER event_no_delete;"
#define SEQ_OF(job, n) "(SELECT seq FROM event WHERE job=" #job " AND n=" #n ")"

static const struct {
	const char *sql;
	enum journal_check_name item;
	const char *says; /* in the item's first violation */
} broken[] = {
    /* I8 */
    {FREE_EVENTS "UPDATE event SET detail='x' WHERE job=1 AND n=3",
	JOURNAL_CHECK_I8, "event 3 (job #1, its number 3) was altered"},
    {FREE_EVENTS "UPDATE event SET at_ms=at_ms+1 WHERE job=1 AND n=1",
	JOURNAL_CHECK_I8, "event 1 (job #1, its number 1) was altered"},
    {FREE_EVENTS "UPDATE event SET detail='la'||char(0)||'er' WHERE "
		 "detail='later'",
	JOURNAL_CHECK_I8, "NUL in its detail"},
    {FREE_EVENTS "UPDATE event SET n=70000000000 WHERE job=1 AND n=2",
	JOURNAL_CHECK_I8, "event 2 is number 70000000000 of job #1"},
    {FREE_EVENTS "UPDATE event SET prev=1 WHERE job=1 AND n=4",
	JOURNAL_CHECK_I8, "event 4 (job #1) says that event 1 was before it"},
    {FREE_EVENTS "DELETE FROM event WHERE job=1 AND n=3", JOURNAL_CHECK_I8,
	"event 4 follows event 2"},
    {FREE_EVENTS "DELETE FROM event WHERE job=5", JOURNAL_CHECK_I8,
	"what was between is missing"},
    {"UPDATE job SET content=zeroblob(16) WHERE id=1", JOURNAL_CHECK_I8,
	"another one now than when it was sealed"},
    {"UPDATE job SET ext='z' WHERE id=5", JOURNAL_CHECK_I8,
	"(job #5, its number 1) was altered"},
    {"UPDATE job SET last=last-1 WHERE id=4", JOURNAL_CHECK_I8,
	"job #4 ends at event"},
    {"UPDATE sealed SET outcome=4 WHERE n=2", JOURNAL_CHECK_I8,
	"seal 2 (job #2): its hash is not of what it says"},
    {"UPDATE sealed SET last=zeroblob(32) WHERE n=2", JOURNAL_CHECK_I8,
	"seal 2 (job #2)"},
    {"DELETE FROM sealed WHERE n=6", JOURNAL_CHECK_I8, "no seal says so"},
    {"DELETE FROM sealed WHERE n=2", JOURNAL_CHECK_I8, "seal 3 follows seal 1"},
    {"INSERT INTO sealed SELECT 7,job,revision,state,outcome,identity,last,"
     "hash FROM sealed WHERE n=6",
	JOURNAL_CHECK_I8, "seal 7"},
    {"INSERT INTO job SELECT 99,source,'new',content,kind,campaign,step,"
     "final,state,priority,not_before_ms,expires_ms,reason,outcome,attempts,"
     "tries,crashes,crash_boot,revision,opened_ms,last FROM job WHERE "
     "id=5",
	JOURNAL_CHECK_I8, "job #99 has no events and is not in the archive"},
    {"INSERT INTO archived VALUES(1,'x',zeroblob(32))", JOURNAL_CHECK_I8,
	"job #1 is in the archive and still has events"},
    /* I9 */
    {"UPDATE job SET state=3 WHERE id=5", JOURNAL_CHECK_I9,
	"job #5 is DONE, its events say QUEUED"},
    {"UPDATE job SET attempts=7 WHERE id=2", JOURNAL_CHECK_I9,
	"job #2 counts 7 attempts, its events say 2"},
    {"UPDATE job SET revision=0 WHERE id=1", JOURNAL_CHECK_I9,
	"job #1 is at revision 0, its events say 1"},
    {"UPDATE job SET outcome=3 WHERE id=1", JOURNAL_CHECK_I9,
	"job #1 has outcome 3, it was sealed with 1"},
    {"UPDATE attempt SET state=5 WHERE id=4*256+1", JOURNAL_CHECK_I9,
	"attempt 1 of job #4 is ANSWERED, its events say PLACED"},
    {"UPDATE attempt SET last=1 WHERE id=1*256+1", JOURNAL_CHECK_I9,
	"attempt 1 of job #1 ends at event 1"},
    {"DELETE FROM attempt WHERE id=2*256+1", JOURNAL_CHECK_I9,
	"attempt 1 of job #2 has events and no row"},
    {"INSERT INTO attempt(id,state,campaign,kind,outcome,last) "
     "VALUES(5*256+1,0,1,1,0,1)",
	JOURNAL_CHECK_I9, "attempt 1 of job #5 has no events"},
    /* I3, I4 */
    {"DROP INDEX attempt_number; UPDATE attempt SET number=(SELECT number "
     "FROM attempt WHERE id=4*256+1),state=7 WHERE id=1*256+1",
	JOURNAL_CHECK_I4,
	"attempt 1 of job #1 and attempt 1 of job #4 hold the same number"},
    {"UPDATE person SET number=(SELECT number FROM person WHERE job=4) WHERE "
     "job=7",
	JOURNAL_CHECK_I4,
	"attempt 1 of job #7 was begun while attempt 1 of job #4 held the "
	"same number"},
    {"UPDATE person SET org=55 WHERE job IN (4,7)", JOURNAL_CHECK_I4,
	"held the same organisation"},
    /* I10, I11 */
    {"DELETE FROM outbox WHERE job=2", JOURNAL_CHECK_I10,
	"job #2 finished 1 times and has 0 results"},
    {"UPDATE outbox SET revision=5 WHERE job=2", JOURNAL_CHECK_I10,
	"has revision 5, expected 1"},
    {"UPDATE outbox SET prev=id+1 WHERE job=2", JOURNAL_CHECK_I10,
	"waits for row"},
    {"UPDATE outbox SET job=5,revision=9 WHERE job=2", JOURNAL_CHECK_I10,
	"of job #5 has revision 9, expected 1"},
    {"UPDATE job SET tries=2 WHERE id=1", JOURNAL_CHECK_I11,
	"job #1 counts 2 tries, its events say 1 to 1"},
    {"UPDATE job SET tries=2 WHERE id=6", JOURNAL_CHECK_I11,
	"job #6 counts 2 tries, its events say 0 to 1"},
    {"UPDATE job SET tries=2 WHERE id=7", JOURNAL_CHECK_I11,
	"job #7 counts 2 tries, its events say 1 to 1"},
    /* the rest */
    {"UPDATE tally SET n=n+1 WHERE state=2", JOURNAL_CHECK_TALLY,
	"1 jobs are HELD, the tally says 2"},
    {"DELETE FROM tally WHERE state=7", JOURNAL_CHECK_TALLY, "each state"},
    {"UPDATE owner SET closed_ms=1", JOURNAL_CHECK_OWNERS,
	"attempt 1 of job #4 is PLACED, but its owner 1 was closed"},
    {"DELETE FROM owner", JOURNAL_CHECK_OWNERS, "its owner 1 is not there"},
    {"UPDATE head SET seq=seq+1", JOURNAL_CHECK_HEAD, "the newest is"},
    {"UPDATE head SET hash=zeroblob(32)", JOURNAL_CHECK_HEAD, "another hash"},
    {"UPDATE head SET sealed_hash=zeroblob(32)", JOURNAL_CHECK_HEAD,
	"another hash than seal"},
    {"UPDATE head SET next_job=2", JOURNAL_CHECK_HEAD, "away again"},
    {"DROP TRIGGER event_no_update", JOURNAL_CHECK_SCHEMA,
	"trigger event_no_update is missing"},
    {"DROP TRIGGER event_no_delete; CREATE TRIGGER event_no_delete BEFORE "
     "DELETE ON event BEGIN SELECT 1; END",
	JOURNAL_CHECK_SCHEMA, "trigger event_no_delete was altered"},
    {"DROP INDEX attempt_org", JOURNAL_CHECK_SCHEMA, "index attempt_org"},
    {"DELETE FROM step WHERE id=1006", JOURNAL_CHECK_SCHEMA, "step 1006"},
    {"UPDATE step SET next=0 WHERE id=2", JOURNAL_CHECK_SCHEMA, "step 2"},
    {"PRAGMA ignore_check_constraints=1; UPDATE job SET state=77 WHERE id=1",
	JOURNAL_CHECK_DATABASE, "job #1: numbers no program has"},
    {"PRAGMA ignore_check_constraints=1; UPDATE attempt SET state=77",
	JOURNAL_CHECK_DATABASE, "attempt 257: numbers no program has"},
    {"PRAGMA ignore_check_constraints=1; UPDATE attempt SET owner=NULL WHERE "
     "id=4*256+1",
	JOURNAL_CHECK_DATABASE,
	"attempt 1 of job #4 is PLACED without owner, with a number"},
    {"PRAGMA ignore_check_constraints=1; UPDATE attempt SET key=NULL WHERE "
     "id=257",
	JOURNAL_CHECK_DATABASE, "attempt 1 of job #1 is ENDED without owner"},
    {"PRAGMA ignore_check_constraints=1; UPDATE outbox SET state=9 WHERE id=1",
	JOURNAL_CHECK_DATABASE, "outbox row 1 is in state 9"},
    {"DROP TABLE tally", JOURNAL_CHECK_DATABASE, "no such table: tally"},
};

static void
whatever_is_broken_is_named_at_its_place(void **state)
{
	struct fix *f = *state;

	populate(f);
	copy_to(f, "good.db");
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		const struct journal_check_item *item;
		struct journal_check *c;

		shell(f, "cp good.db bad.db");
		sql_on(f, "bad.db", broken[i].sql);
		c = check_copy(f, "bad.db", false);
		item = &c->item[broken[i].item];
		if (c->ok || item->ok != JOURNAL_FALSE)
			fail_msg(
			    "%s: %s is not false", broken[i].sql, item->name);
		if (strstr(item->violation[0], broken[i].says) == NULL)
			fail_msg("%s: \"%s\" is not in: %s", broken[i].sql,
			    broken[i].says, item->violation[0]);
		journal_check_free(&c);
	}
}

/* --- lives that journal_step would not write --------------------------------
 */

/* One more event for job, rightly chained, by a step of the table or 1900. */
static void
forge(struct fix *f, int64_t job, int step, int job_state, int64_t attempt,
    int attempt_state)
{
	char *path = in(f, "bad.db");
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	uint8_t before[SHA256_BYTES], hash[SHA256_BYTES];
	struct job_event_fields e = {.job = job,
	    .at_ms = 5,
	    .step = step,
	    .job_state = job_state,
	    .attempt = attempt,
	    .attempt_state = attempt_state};
	int64_t prev;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT max(seq)+1,(SELECT max(n)+1 FROM event WHERE job=?1),"
		"(SELECT max(seq) FROM event WHERE job=?1),(SELECT hash FROM "
		"event WHERE job=?1 ORDER BY seq DESC) FROM event",
		-1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_bind_int64(st, 1, job), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	e.seq = sqlite3_column_int64(st, 0);
	e.n = sqlite3_column_int64(st, 1);
	prev = sqlite3_column_int64(st, 2);
	memcpy(before, sqlite3_column_blob(st, 3), sizeof(before));
	(void)sqlite3_finalize(st);
	job_hash_event(before, &e, hash);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"INSERT INTO event(seq,job,n,prev,at_ms,step,job_state,"
		"attempt,attempt_state,hash) VALUES(?1,?2,?3,?4,5,?5,?6,?7,?8,"
		"?9)",
		-1, &st, NULL),
	    SQLITE_OK);
	(void)sqlite3_bind_int64(st, 1, e.seq);
	(void)sqlite3_bind_int64(st, 2, job);
	(void)sqlite3_bind_int64(st, 3, e.n);
	(void)sqlite3_bind_int64(st, 4, prev);
	(void)sqlite3_bind_int(st, 5, step);
	(void)sqlite3_bind_int(st, 6, job_state);
	if (attempt_state >= 0) {
		(void)sqlite3_bind_int64(st, 7, attempt);
		(void)sqlite3_bind_int(st, 8, attempt_state);
	}
	(void)sqlite3_bind_blob(st, 9, hash, sizeof(hash), SQLITE_STATIC);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	(void)sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	mem_free(&path);
}

static int
step_of(enum attempt_state was, enum attempt_event event)
{
	const struct attempt_row *row = NULL;
	struct err err;
	int step = 0;

	assert_int_equal(
	    job_find_attempt(was, event, &row, &step, &err), ERR_NONE);
	return step;
}

static void
expect(struct fix *f, enum journal_check_name name, const char *says)
{
	struct journal_check *c = check_copy(f, "bad.db", false);
	const struct journal_check_item *item = &c->item[name];

	assert_false(c->ok);
	if (item->ok != JOURNAL_FALSE)
		fail_msg("%s is not false: %s", item->name, says);
	if (strstr(item->violation[0], says) == NULL)
		fail_msg("\"%s\" is not in: %s", says, item->violation[0]);
	journal_check_free(&c);
}

static void
an_unknown_attempt_given_back_is_named(void **state)
{
	struct fix *f = *state;
	struct life a = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_add(f, &a, "a");
	assert_true(life_claim(f, &a));
	life_step(f, &a, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	copy_to(f, "bad.db");
	sql_on(f, "bad.db", "INSERT INTO step VALUES(1900,1,6,2,0)");
	forge(f, 1, 1900, JOB_READY, 257, ATTEMPT_NEW);
	expect(f, JOURNAL_CHECK_I6,
	    "event 4: attempt 1 of job #1 left UNKNOWN by RELEASE");
}

static void
an_attempt_beside_one_in_doubt_is_named(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	int arm = step_of(ATTEMPT_NEW, ATTEMPT_EV_ARM);

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_add(f, &a, "a");
	assert_true(life_claim(f, &a));
	copy_to(f, "bad.db");
	forge(f, 1, arm, JOB_HELD, 258, ATTEMPT_INTENT);
	expect(f, JOURNAL_CHECK_I3,
	    "event 3 leaves job #1 HELD with 2 live attempts");
	expect(f, JOURNAL_CHECK_I4,
	    "attempt 2 of job #1 was begun while attempt 1 of job #1 held");
	life_step(f, &a, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &a, ATTEMPT_EV_PARK, JOB_EV_PARK);
	shell(f, "rm bad.db");
	copy_to(f, "bad.db");
	forge(f, 1, arm, JOB_HELD, 258, ATTEMPT_INTENT);
	expect(f, JOURNAL_CHECK_I6,
	    "event 5 begins attempt 2 of job #1 while its attempt 1 is PARKED");
	forge(f, 1, arm, JOB_HELD, 260, ATTEMPT_INTENT);
	expect(f, JOURNAL_CHECK_I9, "event 5: ARM of an attempt does not make");
}

static void
absence_proved_by_one_lookup_is_named(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct journal_check *c = NULL;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_add(f, &a, "a");
	assert_true(life_claim(f, &a));
	life_step(f, &a, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &a, ATTEMPT_EV_LOOK, JOB_EV_NOTE);
	life_step(f, &a, ATTEMPT_EV_SETTLE, JOB_EV_NOTE); /* forgets it */
	life_step(f, &a, ATTEMPT_EV_VANISH, JOB_EV_LATER);
	OK(journal_check(f->j, NULL, &c, &f->err));
	assert_int_equal(c->item[JOURNAL_CHECK_I6].violations, 1);
	assert_non_null(strstr(c->item[JOURNAL_CHECK_I6].violation[0],
	    "event 6: attempt 1 of job #1 was held to be absent after one"));
	journal_check_free(&c);
}

static void
a_final_attempt_that_goes_on_is_named(void **state)
{
	struct fix *f = *state;
	struct life a = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_whole(f, &a, "a");
	copy_to(f, "bad.db");
	forge(f, 1, step_of(ATTEMPT_PLACED, ATTEMPT_EV_RING), JOB_DONE, 257,
	    ATTEMPT_RINGING);
	expect(f, JOURNAL_CHECK_I7,
	    "event 6: attempt 1 of job #1 was ENDED, which is final, and took "
	    "RING");
	expect(f, JOURNAL_CHECK_I9, "attempt 1 of job #1 was ENDED, but RING");
}

static void
a_job_let_go_with_a_live_attempt_is_named(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct journal_check *c = NULL;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_add(f, &a, "a");
	assert_true(life_claim(f, &a));
	life_job(f, &a, JOB_EV_CANCEL);
	OK(journal_check(f->j, NULL, &c, &f->err));
	assert_int_equal(c->item[JOURNAL_CHECK_I3].violations, 1);
	assert_non_null(strstr(c->item[JOURNAL_CHECK_I3].violation[0],
	    "event 3 leaves job #1 CANCELLED with 1 live attempts"));
	journal_check_free(&c);
}

static void
steps_that_lie_are_named(void **state)
{
	struct fix *f = *state;
	struct life a = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_add(f, &a, "a");
	copy_to(f, "good.db");
	shell(f, "cp good.db bad.db");
	forge(f, 1, 20, JOB_DONE, 0, -1); /* of another state */
	expect(f, JOURNAL_CHECK_I9, "event 2");
	shell(f, "cp good.db bad.db");
	forge(f, 1, 3000, JOB_DONE, 0, -1);
	expect(f, JOURNAL_CHECK_I9, "step 3000 is none of the table");
	shell(f, "cp good.db bad.db");
	forge(f, 1, step_of(ATTEMPT_NEW, ATTEMPT_EV_ARM), JOB_HELD, 257,
	    ATTEMPT_PLACED);
	expect(f, JOURNAL_CHECK_I9, "its step leads to state 2, it says 3");
}

static void
violations_are_counted_and_the_first_are_kept(void **state)
{
	struct fix *f = *state;
	struct journal_check *c;
	const struct journal_check_item *item;

	populate(f);
	copy_to(f, "bad.db");
	sql_on(f, "bad.db", FREE_EVENTS "UPDATE event SET at_ms=at_ms+1");
	c = check_copy(f, "bad.db", false);
	item = &c->item[JOURNAL_CHECK_I8];
	assert_int_equal(item->violations, c->events);
	assert_int_equal(item->shown, JOURNAL_CHECK_SHOWN);
	assert_non_null(strstr(item->violation[0], "event 1 "));
	journal_check_free(&c);
}

/* --- files that are none ---------------------------------------------------
 */

static enum err_code
check_error(struct fix *f, const char *name)
{
	struct journal_check *c = NULL;
	char *path = in(f, name);
	enum err_code code =
	    journal_check_file(f->env, path, NULL, &c, &f->err);

	assert_null(c);
	mem_free(&path);
	return code;
}

static void
what_is_no_journal_is_refused(void **state)
{
	struct fix *f = *state;

	assert_int_equal(check_error(f, "missing.db"), ERR_NOT_FOUND);
	assert_int_equal(check_error(f, "."), ERR_CONFIG);
	shell(f, "head -c 9000 /dev/zero | tr '\\0' x > text.db");
	assert_int_equal(check_error(f, "text.db"), ERR_DAMAGED);
	sql_on(f, "other.db", "CREATE TABLE t(a)");
	assert_int_equal(check_error(f, "other.db"), ERR_CONFIG);
	SAYS("not a journal of dsrun");
	OK(open_journal(f, JOURNAL_CREATE));
	copy_to(f, "newer.db");
	sql_on(f, "newer.db", "PRAGMA user_version=99");
	assert_int_equal(check_error(f, "newer.db"), ERR_CONFIG);
	SAYS("use the newer dsrun");
}

static void
broken_pages_are_an_answer_and_leave_the_rest_unknown(void **state)
{
	struct fix *f = *state;
	struct journal_check *c;
	int64_t page;
	char *cmd;

	populate(f);
	copy_to(f, "bad.db");
	page = number_on(f, "bad.db",
	    "SELECT rootpage FROM sqlite_master WHERE name='event'");
	cmd = mem_printf("head -c 4096 /dev/urandom | dd of=bad.db bs=4096 "
			 "seek=%lld conv=notrunc status=none",
	    (long long)page - 1);
	shell(f, cmd);
	mem_free(&cmd);
	c = check_copy(f, "bad.db", false);
	assert_false(c->ok);
	assert_int_equal(c->item[JOURNAL_CHECK_DATABASE].ok, JOURNAL_FALSE);
	assert_int_equal(c->item[JOURNAL_CHECK_I9].ok, JOURNAL_UNKNOWN);
	journal_check_free(&c);
}

/* --- the watch -------------------------------------------------------------
 */

struct seen {
	int jobs, attempts, resolved, armed, finals;
	struct journal_check_attempt live;
};

static void
saw_job(void *arg, const struct journal_check_job *j)
{
	struct seen *s = arg;

	s->jobs++;
	s->finals += job_is_final(j->state);
	assert_string_equal(j->source, "file");
	assert_int_equal(strlen(j->ext), 1);
}

static void
saw_attempt(void *arg, const struct journal_check_attempt *a)
{
	struct seen *s = arg;

	s->attempts++;
	s->armed += a->intent_seq != 0;
	s->resolved += a->last_event == ATTEMPT_EV_RESOLVE_PLACED;
	if (a->state == ATTEMPT_PLACED)
		s->live = *a;
	assert_true(a->number > 0);
}

static void
the_watch_sees_every_job_and_attempt_with_its_intent(void **state)
{
	struct fix *f = *state;
	struct seen s = {0};
	struct journal_check_options o = {
	    .job = saw_job, .attempt = saw_attempt, .arg = &s};
	struct journal_check *c = NULL;
	uint8_t key[SHA256_BYTES], zero[SHA256_BYTES] = {0};

	populate(f);
	OK(journal_check(f->j, &o, &c, &f->err));
	journal_check_free(&c);
	assert_int_equal(s.jobs, 7);
	assert_int_equal(s.finals, 5);
	assert_int_equal(s.attempts, 8);
	assert_int_equal(s.armed, 8);
	assert_int_equal(s.resolved, 1);
	assert_int_equal(s.live.id, 4 * 256 + 1);
	job_key_attempt(journal_id(f->j), ENV_ID_BYTES, "file", "d", 1, key);
	assert_memory_equal(s.live.key, key, sizeof(key));
	assert_memory_not_equal(s.live.intent_hash, zero, sizeof(zero));
	assert_true(s.live.intent_seq > 0 && s.live.armed_ms > 0);
}

static void
the_check_sees_one_moment_while_others_write(void **state)
{
	struct fix *f = *state;
	struct journal_check *c = NULL;
	struct life l = {0};

	populate(f);
	OK(journal_check(f->j, NULL, &c, &f->err));
	journal_check_free(&c);
	life_add(f, &l, "later");
	OK(journal_check(f->j, NULL, &c, &f->err));
	assert_int_equal(c->jobs, 8);
	assert_true(c->ok);
	journal_check_free(&c);
}

static void
a_kept_schema_finds_what_a_new_one_finds(void **state)
{
	struct fix *f = *state;
	struct journal_schema *schema = NULL;
	struct journal_check_options o = {.schema = &schema};
	struct journal_check *c = NULL;
	char *path;
	int64_t checked;

	populate(f);
	OK(journal_check(f->j, &o, &c, &f->err));
	assert_true(c->ok && schema != NULL);
	checked = c->item[JOURNAL_CHECK_SCHEMA].checked;
	assert_true(checked > 0);
	journal_check_free(&c);
	OK(journal_check(f->j, &o, &c, &f->err));
	assert_true(c->ok);
	assert_int_equal(c->item[JOURNAL_CHECK_SCHEMA].checked, checked);
	journal_check_free(&c);
	copy_to(f, "bad.db");
	sql_on(f, "bad.db", "DROP TRIGGER event_no_update");
	path = in(f, "bad.db");
	OK(journal_check_file(f->env, path, &o, &c, &f->err));
	mem_free(&path);
	assert_int_equal(c->item[JOURNAL_CHECK_SCHEMA].ok, JOURNAL_FALSE);
	journal_check_free(&c);
	journal_schema_free(&schema);
	assert_null(schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_journal_with_every_kind_of_life_passes),
	    T(whatever_is_broken_is_named_at_its_place),
	    T(an_unknown_attempt_given_back_is_named),
	    T(an_attempt_beside_one_in_doubt_is_named),
	    T(absence_proved_by_one_lookup_is_named),
	    T(a_final_attempt_that_goes_on_is_named),
	    T(a_job_let_go_with_a_live_attempt_is_named),
	    T(steps_that_lie_are_named),
	    T(violations_are_counted_and_the_first_are_kept),
	    T(what_is_no_journal_is_refused),
	    T(broken_pages_are_an_answer_and_leave_the_rest_unknown),
	    T(the_watch_sees_every_job_and_attempt_with_its_intent),
	    T(the_check_sees_one_moment_while_others_write),
	    T(a_kept_schema_finds_what_a_new_one_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
