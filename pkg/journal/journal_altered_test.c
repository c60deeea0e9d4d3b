#include <sys/stat.h>

#include <fcntl.h>

#include "journal/journal_archive.h"
#include "journal/journal_check.h"
#include "journal/journal_copy.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_prune.h"
#include "journal/journal_read.h"

/*
 * What a check proves, asked the other way round: each column of each table,
 * and each member of an archive's lines, altered once, is noticed, but for
 * those that are named here.
 */

#define FUTURE_MS INT64_C(9000000000000)

static char *
in(struct fix *f, const char *name)
{
	return mem_printf("%s/%s", f->dir, name);
}

static void
write_all(struct fix *f, const char *name, const char *bytes, size_t len)
{
	char *path = in(f, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd);
	mem_free(&path);
}

/* --- a life of each kind ----------------------------------------------------
 */

static enum err_code
put_more(struct journal *j, void *arg, struct err *err)
{
	struct life *l = arg;
	struct journal_artifact a = {.kind = 1, .path = "a.txt", .bytes = 9};
	bool yes;
	int64_t run;

	if (journal_artifact_put(j, l->attempt.id, &a, err) != ERR_NONE ||
	    journal_finding_put(j, l->attempt.id, "human", "", "", err) !=
		ERR_NONE ||
	    journal_inbox_put(j, "sim", "1", l->attempt.id,
		JOURNAL_MSG_EVIDENCE, "{}", &yes, err) != ERR_NONE ||
	    journal_inbox_fold_all(j, l->attempt.id, err) != ERR_NONE ||
	    journal_pause(j, "winter", "ann", "cold", &yes, err) != ERR_NONE ||
	    journal_dnc_put(j, 15125559999, 1, "ann", "", &yes, err) !=
		ERR_NONE ||
	    journal_append_put(j, "out", "1.jsonl", 7, "1", "x", 1, err) !=
		ERR_NONE ||
	    journal_attention_once(j, "look", &yes, err) != ERR_NONE)
		return err->code;
	return journal_run_begin(j, "drain", &run, err);
}

static void
populate(struct fix *f)
{
	struct life a = {.org = "clinic"}, b = {0}, c = {0}, d = {.org = "x"};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", "w", &f->err));
	life_whole(f, &a, "a");
	OK(once(f, put_more, &a));
	life_add(f, &b, "b");
	assert_true(life_claim(f, &b));
	life_step(f, &b, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &b, ATTEMPT_EV_PARK, JOB_EV_PARK);
	life_add(f, &c, "c");
	life_add(f, &d, "d");
	assert_true(life_claim(f, &c));
	assert_true(life_claim(f, &d));
	life_step(f, &d, ATTEMPT_EV_PLACE, JOB_EV_NOTE);
}

/* --- columns ---------------------------------------------------------------
 */

/*
 * What a journal proves by itself.  Of all other columns nothing else says what
 * they must be: no more is asked than that a check survives them.
 */
static const char *const proved[] = {
    "attempt.id",
    "attempt.state",
    "attempt.owner",
    "attempt.number",
    "attempt.key",
    "attempt.outcome",
    "attempt.last",
    "event.seq",
    "event.job",
    "event.n",
    "event.prev",
    "event.at_ms",
    "event.step",
    "event.job_state",
    "event.attempt",
    "event.attempt_state",
    "event.detail",
    "event.hash",
    "head.seq",
    "head.hash",
    "head.sealed",
    "head.sealed_hash",
    "head.next_job",
    "head.next_outbox",
    "job.id",
    "job.source",
    "job.ext",
    "job.content",
    "job.state",
    "job.reason",
    "job.outcome",
    "job.attempts",
    "job.tries",
    "job.revision",
    "job.last",
    "outbox.id",
    "outbox.job",
    "outbox.sink",
    "outbox.revision",
    "outbox.prev",
    "outbox.state",
    "owner.id",
    "owner.closed_ms",
    "sealed.n",
    "sealed.job",
    "sealed.revision",
    "sealed.state",
    "sealed.outcome",
    "sealed.identity",
    "sealed.last",
    "sealed.hash",
    "source.id",
    "source.name",
    "step.id",
    "step.machine",
    "step.was",
    "step.event",
    "step.next",
    "tally.state",
    "tally.n",
};

static bool
is_proved(const char *column)
{
	for (size_t i = 0; i < ARRAY_LEN(proved); i++)
		if (strcmp(proved[i], column) == 0)
			return true;
	return false;
}

/* With the triggers away, and back as they were; false: not possible. */
static bool
alter(sqlite3 *db, const char *table, const char *column, const char *value)
{
	char *triggers = sqlite3_mprintf("");
	sqlite3_stmt *st = NULL;
	char *sql;
	bool done;

	assert_int_equal(sqlite3_exec(db, "PRAGMA ignore_check_constraints=ON",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT sql, name FROM sqlite_master WHERE type='trigger'", -1,
		&st, NULL),
	    SQLITE_OK);
	sql = sqlite3_mprintf("");
	while (sqlite3_step(st) == SQLITE_ROW) {
		triggers = sqlite3_mprintf(
		    "%z%s;", triggers, sqlite3_column_text(st, 0));
		sql = sqlite3_mprintf(
		    "%zDROP TRIGGER %s;", sql, sqlite3_column_text(st, 1));
	}
	(void)sqlite3_finalize(st);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_free(sql);
	/* Tables without a rowid have one row here. */
	sql = strstr("dial append artifact service attention", table) != NULL
		  ? sqlite3_mprintf("UPDATE %s SET %s=%s", table, column, value)
		  : sqlite3_mprintf("UPDATE %s SET %s=%s WHERE rowid=(SELECT "
				    "max(rowid) FROM %s)",
			table, column, value, table);
	done = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_changes(db) > 0;
	sqlite3_free(sql);
	assert_int_equal(
	    sqlite3_exec(db, triggers, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_free(triggers);
	return done;
}

static int attempts_seen;

static void
show_one(void *arg, const struct journal_check_attempt *a)
{
	(void)arg;
	(void)a;
	attempts_seen++;
}

static bool
is_noticed(struct fix *f)
{
	char *path = in(f, "bad.db");
	struct journal_check_options o = {.attempt = show_one};
	struct journal_check *c = NULL;
	enum err_code code = journal_check_file(f->env, path, &o, &c, &f->err);
	bool noticed = code != ERR_NONE || !c->ok;

	/* What cannot be read at all is told as such, never a crash. */
	if (code != ERR_NONE)
		assert_true(code == ERR_CONFIG || code == ERR_DAMAGED);
	journal_check_free(&c);
	mem_free(&path);
	return noticed;
}

struct column {
	char table[32], name[32];
	char *full; /* "table.name" */
};

static size_t
all_columns(struct fix *f, struct column *out, size_t max)
{
	char *path = in(f, "good.db");
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	size_t n = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"SELECT m.name, p.name FROM sqlite_master m, "
		"pragma_table_info(m.name) p WHERE m.type='table' AND "
		"m.name NOT LIKE 'sqlite_%' ORDER BY 1, p.cid",
		-1, &st, NULL),
	    SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; n++) {
		assert_true(n < max);
		(void)snprintf(out[n].table, sizeof(out[n].table), "%s",
		    (const char *)sqlite3_column_text(st, 0));
		(void)snprintf(out[n].name, sizeof(out[n].name), "%s",
		    (const char *)sqlite3_column_text(st, 1));
		out[n].full = mem_printf("%s.%s", out[n].table, out[n].name);
	}
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	mem_free(&path);
	return n;
}

static void
each_column_that_is_altered_is_noticed(void **state)
{
	static const char *const values[] = {
	    "-1", "255", "70000", "NULL", "1", "x'00'"};
	static struct column columns[256];
	struct fix *f = *state;
	char *good = in(f, "good.db");
	char *bad = in(f, "bad.db");
	char *bytes = NULL;
	size_t len = 0, seen = 0, n;

	populate(f);
	OK(journal_backup(f->j, good, &f->err));
	n = all_columns(f, columns, ARRAY_LEN(columns));
	assert_true(n > 100);
	OK(env_read_whole(f->env, good, 1 << 24, &bytes, &len, &f->err));
	for (size_t i = 0; i < n; i++) {
		bool noticed = false;
		int altered = 0;

		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			sqlite3 *db = NULL;

			write_all(f, "bad.db", bytes, len);
			assert_int_equal(sqlite3_open(bad, &db), SQLITE_OK);
			if (alter(db, columns[i].table, columns[i].name,
				values[v])) {
				altered++;
				assert_int_equal(sqlite3_close(db), SQLITE_OK);
				noticed = is_noticed(f) || noticed;
			} else {
				assert_int_equal(sqlite3_close(db), SQLITE_OK);
			}
		}
		seen += is_proved(columns[i].full);
		if (is_proved(columns[i].full) && !noticed)
			fail_msg("%s: %d alterations, none is noticed",
			    columns[i].full, altered);
	}
	assert_int_equal(seen, ARRAY_LEN(proved));
	assert_true(attempts_seen > 0);
	for (size_t i = 0; i < n; i++)
		mem_free(&columns[i].full);
	mem_free(&bytes);
	mem_free(&bad);
	mem_free(&good);
}

/* --- numbers of another program --------------------------------------------
 */

static void
ignore_event(void *arg, const struct journal_event *e)
{
	(void)arg;
	(void)e;
}

static void
ignore_job(void *arg, const struct journal_listed *row)
{
	(void)arg;
	(void)row;
}

static void
is_unknown(struct fix *f, enum err_code code)
{
	assert_int_equal(code, ERR_DAMAGED);
	SAYS("a number this program does not know");
}

static void
a_number_that_this_program_does_not_know_is_told(void **state)
{
	static const char *const jobs[] = {
	    "state=99", "reason=99", "outcome=99"};
	static const char *const events[] = {"UPDATE event SET job_state=99",
	    "UPDATE event SET attempt_state=99", "UPDATE step SET was=-1",
	    "UPDATE step SET was=99", "UPDATE step SET event=-1",
	    "UPDATE step SET event=99"};
	const struct journal_filter all = {.state = -1, .limit = 10};
	struct fix *f = *state;
	struct journal_job job;

	populate(f);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		char *sql = mem_printf(
		    "PRAGMA ignore_check_constraints=1; CREATE TABLE kept AS "
		    "SELECT * FROM job; UPDATE job SET %s WHERE id=1",
		    jobs[i]);

		sql_on(f, "journal.db", sql);
		is_unknown(f, journal_read_job(f->j, 1, &job, &f->err));
		/* Twice: a reader that stopped half-way is begun anew. */
		for (int n = 0; n < 2; n++)
			is_unknown(f, journal_read_jobs(f->j, &all, ignore_job,
					  NULL, &f->err));
		sql_on(f, "journal.db",
		    "UPDATE job SET (state,reason,outcome)=(SELECT k.state,"
		    "k.reason,k.outcome FROM kept k WHERE k.id=job.id); "
		    "DROP TABLE kept");
		OK(journal_read_job(f->j, 1, &job, &f->err));
		mem_free(&sql);
	}
	sql_on(f, "journal.db", "DROP TRIGGER event_no_update");
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		sql_on(f, "journal.db",
		    "CREATE TABLE steps AS SELECT * FROM step;"
		    "CREATE TABLE events AS SELECT * FROM event");
		sql_on(f, "journal.db", events[i]);
		is_unknown(f,
		    journal_read_events(f->j, 1, ignore_event, NULL, &f->err));
		sql_on(f, "journal.db",
		    "UPDATE step SET (was,event)=(SELECT s.was,s.event FROM "
		    "steps s WHERE s.id=step.id); UPDATE event SET "
		    "(job_state,attempt_state)=(SELECT e.job_state,"
		    "e.attempt_state FROM events e WHERE e.seq=event.seq);"
		    "DROP TABLE steps; DROP TABLE events");
		OK(journal_read_events(f->j, 1, ignore_event, NULL, &f->err));
	}
}

/* --- archives --------------------------------------------------------------
 */

static void
archive_name(void *arg, const char *name)
{
	(void)snprintf(arg, 64, "archive/%.50s", name);
}

static enum err_code
put_file(struct journal *j, void *arg, struct err *err)
{
	struct journal_artifact a = {.kind = 1, .path = "a.txt", .bytes = 9};
	const struct life *l = arg;

	if (journal_artifact_put(j, l->attempt.id, &a, err) != ERR_NONE)
		return err->code;
	return outbox_all_done(j, NULL, err);
}

/* A job that was parked, resolved, DONE and called once more. */
static char *
archived(struct fix *f, size_t *len)
{
	struct journal_prune p = {.before_ms = FUTURE_MS};
	struct life a = {.org = "clinic"}, z = {0};
	char *dir = in(f, "archive");
	char name[64];
	char *path, *text = NULL;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_add(f, &a, "a");
	assert_true(life_claim(f, &a));
	life_step(f, &a, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &a, ATTEMPT_EV_PARK, JOB_EV_PARK);
	a.attempt.outcome = a.job.outcome = JOB_OUTCOME_UNKNOWN;
	life_step(f, &a, ATTEMPT_EV_RESOLVE_PLACED, JOB_EV_FINISH);
	OK(once(f, put_file, &a));
	life_add(f, &z, "z");
	OK(journal_prune(f->j, &p, &f->err));
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	OK(env_list_dir(f->env, dir, archive_name, name, &f->err));
	path = in(f, name);
	OK(env_read_whole(f->env, path, 1 << 20, &text, len, &f->err));
	mem_free(&path);
	mem_free(&dir);
	return text;
}

static void
is_refused(struct fix *f, const char *text, size_t len, const char *what,
    const char *at)
{
	struct journal_archive a = {0};
	char *path = in(f, "x.jsonl");
	enum err_code code;

	write_all(f, "x.jsonl", text, len);
	code = journal_archive_verify(f->env, path, &a, &f->err);
	if (code != ERR_DAMAGED)
		fail_msg("%s at %.40s: not refused (%d)", what, at, code);
	SAYS("x.jsonl");
	mem_free(&path);
}

/* Each member's name, then each value, one after the other. */
static void
each_member_of_an_archive_that_is_altered_is_refused(void **state)
{
	struct fix *f = *state;
	size_t len = 0;
	char *text = archived(f, &len);
	int members = 0;

	for (size_t i = 2; i + 1 < len; i++) {
		char *other = mem_zalloc(1, len + 8);
		bool name = text[i - 1] == '"' && text[i] != ':' &&
			    (text[i - 2] == '{' || text[i - 2] == ',');
		bool value = text[i - 1] == ':' && text[i - 2] == '"';

		memcpy(other, text, len);
		if (name) {
			other[i] = 'X';
			is_refused(f, other, len, "another name", text + i);
			members++;
		}
		if (value && text[i] >= '0' && text[i] <= '9') {
			other[i] = other[i] == '9' ? '1' : '9';
			is_refused(f, other, len, "another number", text + i);
			memcpy(other, text, i);
			other[i] = '-';
			memcpy(other + i + 1, text + i, len - i);
			is_refused(
			    f, other, len + 1, "a number below 0", text + i);
		}
		if (value && text[i] == '"') {
			other[i + 1] = other[i + 1] == '1' ? '2' : '1';
			is_refused(f, other, len, "another text", text + i);
			memcpy(other, text, i);
			memcpy(other + i, "1", 1);
			memcpy(other + i + 1, text + i + 1, len - i - 1);
			is_refused(f, other, len, "a number", text + i);
		}
		mem_free(&other);
	}
	assert_true(members > 40);
	/* cut anywhere */
	for (size_t i = 0; i < len; i += 7)
		is_refused(f, text, i, "cut off", text + i);
	mem_free(&text);
}

/* What a person said of an attempt is shown, whichever word it was. */
static struct journal_check_attempt shown[4];
static size_t shown_count;

static void
on_attempt(void *arg, const struct journal_check_attempt *a)
{
	(void)arg;
	assert_true(shown_count < ARRAY_LEN(shown));
	shown[shown_count++] = *a;
}

static void
on_job(void *arg, int64_t job, const uint8_t line[SHA256_BYTES])
{
	(void)line;
	assert_int_equal(job, ++*(int64_t *)arg);
}

static void
an_archive_shows_what_a_person_said_of_each_attempt(void **state)
{
	static const struct {
		enum attempt_event event;
		enum job_event job;
	} words[] = {{ATTEMPT_EV_RESOLVE_PLACED, JOB_EV_FINISH},
	    {ATTEMPT_EV_RESOLVE_ABSENT, JOB_EV_FAIL},
	    {ATTEMPT_EV_RESOLVE_DROP, JOB_EV_CANCEL}};
	struct fix *f = *state;
	struct journal_prune p = {.before_ms = FUTURE_MS};
	int64_t last = 0;
	struct journal_archive a = {
	    .attempt = on_attempt, .job = on_job, .arg = &last};
	char *dir = in(f, "archive");
	struct life z = {0}, never = {0};
	char name[64], *path;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct life l = {0};
		char ext[8];

		(void)snprintf(ext, sizeof(ext), "w%zu", i);
		life_add(f, &l, ext);
		assert_true(life_claim(f, &l));
		life_step(f, &l, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
		life_step(f, &l, ATTEMPT_EV_PARK, JOB_EV_PARK);
		l.attempt.outcome = l.job.outcome = JOB_OUTCOME_UNKNOWN;
		life_step(f, &l, words[i].event, words[i].job);
	}
	/* claimed, and never armed: it has no key */
	never.claim_only = true;
	life_add(f, &never, "w3");
	assert_true(life_claim(f, &never));
	life_step(f, &never, ATTEMPT_EV_DENY, JOB_EV_FAIL);
	OK(once(f, outbox_all_done, NULL));
	life_add(f, &z, "z");
	OK(journal_prune(f->j, &p, &f->err));
	assert_int_equal(p.jobs, 4);
	journal_prune_fini(&p);
	OK(env_list_dir(f->env, dir, archive_name, name, &f->err));
	path = in(f, name);
	shown_count = 0;
	OK(journal_archive_verify(f->env, path, &a, &f->err));
	assert_int_equal(last, 4);
	assert_int_equal(shown_count, 4);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		assert_int_equal(shown[i].last_event, words[i].event);
		assert_true(shown[i].by_person);
		assert_true(shown[i].has_key);
		assert_true(shown[i].intent_seq > 0);
	}
	assert_false(shown[3].by_person);
	assert_false(shown[3].has_key);
	assert_int_equal(shown[3].intent_seq, 0);
	mem_free(&path);
	mem_free(&dir);
}

/* --- many ------------------------------------------------------------------
 */

#define MANY 1300

static enum err_code
add_many(struct journal *j, void *arg, struct err *err)
{
	struct life l = {.phone = arg};

	for (int i = 0; i < MANY; i++) {
		char ext[16], phone[20];

		(void)snprintf(ext, sizeof(ext), "m-%d", i);
		(void)snprintf(phone, sizeof(phone), "+1512%07d", 5550000 + i);
		l.ext = ext;
		l.phone = phone;
		l.org = i % 2 == 0 ? ext : NULL;
		if (life_add_run(j, &l.tx, err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

static enum journal_verdict
call_at_once(struct journal *j, void *arg, struct journal_candidate *c,
    const struct journal_live *live, struct err *err)
{
	struct life l = {0};
	enum journal_verdict v = life_arm(j, &l, c, live, err);
	struct journal_change end = {.job = &l.job,
	    .attempt = &l.attempt,
	    .attempt_event = ATTEMPT_EV_END,
	    .job_event = JOB_EV_FINISH};
	struct journal_artifact a = {.kind = 1, .path = "m.txt"};

	if (v != JOURNAL_TAKE || *(bool *)arg)
		return v;
	l.attempt.outcome = l.job.outcome = JOB_OUTCOME_COMPLETED;
	if (journal_step(j, &end, err) != ERR_NONE ||
	    journal_outbox_add(j, &l.job, l.attempt.id, err) != ERR_NONE ||
	    journal_outbox_set(j, l.job.outbox, JOURNAL_OUTBOX_DONE, 0, NULL,
		err) != ERR_NONE ||
	    journal_artifact_put(j, l.attempt.id, &a, err) != ERR_NONE)
		return JOURNAL_STOP;
	err->code = ERR_NONE;
	return JOURNAL_MOVED;
}

static enum err_code
claim_many(struct journal *j, void *arg, struct err *err)
{
	struct journal_claim c = {
	    .want = MANY, .visit = call_at_once, .arg = arg};

	return journal_claim(j, &c, err);
}

static void
must_pass(struct fix *f)
{
	struct journal_check *c = NULL;
	char text[ERR_TEXT_MAX];

	OK(journal_check(f->j, NULL, &c, &f->err));
	if (!c->ok)
		fail_msg("%s", journal_check_first(c, text, sizeof(text)));
	journal_check_free(&c);
}

static void
a_check_and_a_prune_of_many_are_as_those_of_few(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {.before_ms = FUTURE_MS};
	struct life z = {0};
	struct journal_counts counts;
	bool live = false;
	int rounds = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	OK(once(f, add_many, NULL));
	/* A claim looks at no more than so many at a time. */
	do {
		OK(once(f, claim_many, &live));
		OK(journal_read_counts(f->j, &counts, &f->err));
	} while (counts.jobs[JOB_READY] > 0 && ++rounds < 50);
	assert_int_equal(counts.jobs[JOB_DONE], MANY);
	must_pass(f);
	life_add(f, &z, "z");
	OK(journal_prune(f->j, &p, &f->err));
	assert_int_equal(p.jobs, MANY);
	assert_int_equal(p.file_count, MANY);
	OK(journal_prune_files_gone(f->j, &p, &f->err));
	journal_prune_fini(&p);
	must_pass(f);
}

static void
a_check_of_many_that_are_live_is_as_that_of_few(void **state)
{
	struct fix *f = *state;
	struct journal_counts counts;
	bool live = true;
	int rounds = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	OK(once(f, add_many, NULL));
	do {
		OK(once(f, claim_many, &live));
		OK(journal_read_counts(f->j, &counts, &f->err));
	} while (counts.jobs[JOB_READY] > 0 && ++rounds < 50);
	assert_int_equal(counts.jobs[JOB_HELD], MANY);
	must_pass(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_column_that_is_altered_is_noticed),
	    T(a_number_that_this_program_does_not_know_is_told),
	    T(each_member_of_an_archive_that_is_altered_is_refused),
	    T(an_archive_shows_what_a_person_said_of_each_attempt),
	    T(a_check_and_a_prune_of_many_are_as_those_of_few),
	    T(a_check_of_many_that_are_live_is_as_that_of_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
