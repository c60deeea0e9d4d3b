#include "journal/journal_prune.h"

#include "journal/journal_archive.h"
#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"

#define FUTURE_MS INT64_C(9000000000000)

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

static int64_t
number(struct fix *f, const char *sql)
{
	return number_on(f, "journal.db", sql);
}

static enum err_code
prune(struct fix *f, struct journal_prune *p)
{
	if (p->before_ms == 0)
		p->before_ms = FUTURE_MS;
	memset(&f->err, 0, sizeof(f->err));
	return journal_prune(f->j, p, &f->err);
}

static enum err_code
put_artifacts(struct journal *j, void *arg, struct err *err)
{
	const struct life *l = arg;
	struct journal_artifact a = {.kind = 0, .bytes = 9, .ms = 5};

	(void)snprintf(a.path, sizeof(a.path), "%s.ulaw", l->ext);
	if (journal_artifact_put(j, l->attempt.id, &a, err) != ERR_NONE)
		return err->code;
	return journal_finding_put(j, l->attempt.id, "human", "", "", err);
}

static enum err_code
put_message(struct journal *j, void *arg, struct err *err)
{
	const struct life *l = arg;
	bool added = false;

	return journal_inbox_put(j, "sim", l->ext, l->attempt.id,
	    JOURNAL_MSG_EVIDENCE, "{\"to\":\"+1512555\"}", &added, err);
}

static enum err_code
fold_messages(struct journal *j, void *arg, struct err *err)
{
	const struct life *l = arg;

	return journal_inbox_fold_all(j, l->attempt.id, err);
}

/* A whole life with files, findings and a message that was read. */
static void
full_life(struct fix *f, struct life *l, const char *ext)
{
	life_whole(f, l, ext);
	OK(once(f, put_artifacts, l));
	OK(once(f, put_message, l));
	OK(once(f, fold_messages, l));
}

/* "a" and "b" done and delivered, "z" waiting: its event is the newest. */
static void
populate(struct fix *f)
{
	struct life a = {0}, b = {0}, z = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	full_life(f, &a, "a");
	full_life(f, &b, "b");
	OK(once(f, outbox_all_done, NULL));
	z.not_before_ms = FUTURE_MS;
	life_add(f, &z, "z");
}

static void
verify_archive(struct fix *f, const char *name, struct journal_archive *a)
{
	char *path = mem_printf("%s/%s", f->dir, name);

	OK(journal_archive_verify(f->env, path, a, &f->err));
	mem_free(&path);
}

/* --- what goes and what stays ----------------------------------------------
 */

static void
a_pruned_job_leaves_its_identity_and_its_archive(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	struct journal_archive a = {0};
	struct life again = {0};
	int64_t events;

	populate(f);
	events = number(f, "SELECT count(*) FROM event WHERE job<3");
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 2);
	assert_int_equal(p.file_count, 2);
	assert_string_equal(p.files[0].path, "a.ulaw");
	verify_archive(f, p.archive, &a);
	assert_int_equal(a.jobs, 2);
	assert_int_equal(a.events, events);
	assert_memory_equal(a.journal, journal_id(f->j), ENV_ID_BYTES);
	must_pass(f);
	assert_int_equal(number(f, "SELECT count(*) FROM event"), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM attempt"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM person"), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM inbox"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM finding"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM job"), 3);
	assert_int_equal(number(f, "SELECT count(*) FROM sealed"), 2);
	assert_int_equal(number(f, "SELECT n FROM tally WHERE state=3"), 2);
	/* Nobody can come again under its name. */
	life_add(f, &again, "a");
	assert_int_equal(again.added, JOURNAL_KNOWN);
	/* The files are told of until they are gone. */
	assert_int_equal(number(f, "SELECT count(*) FROM artifact"), 2);
	OK(journal_prune_files_gone(f->j, &p, &f->err));
	assert_int_equal(number(f, "SELECT count(*) FROM artifact"), 0);
	journal_prune_fini(&p);
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 0);
	assert_int_equal(p.file_count, 0);
	assert_null(p.archive);
	journal_prune_fini(&p);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
}

struct telling {
	bool first, last;
	enum err_code job;
};

static enum err_code
tell(struct journal *j, void *arg, struct err *err)
{
	struct telling *t = arg;
	struct journal_job job;
	struct err ignored;

	t->job = journal_job_get(j, 1, &job, &ignored);
	if (journal_is_archived(j, 1, &t->first, err) != ERR_NONE)
		return err->code;
	return journal_is_archived(j, 3, &t->last, err);
}

static void
a_pruned_job_can_be_told_from_others(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	struct telling t = {0};

	populate(f);
	OK(prune(f, &p));
	journal_prune_fini(&p);
	OK(once(f, tell, &t));
	assert_true(t.first);
	assert_false(t.last);
	assert_int_equal(t.job, ERR_NOT_FOUND);
}

static void
nothing_personal_is_in_the_archive(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};

	populate(f);
	OK(prune(f, &p));
	shell(f, "! grep -Eq '1512555|Ann|first_name' archive/pruned-*.jsonl");
	journal_prune_fini(&p);
}

static void
what_is_young_live_parked_or_owes_stays(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	struct life owes = {0}, live = {0}, parked = {0}, unread = {0};
	struct life ready = {0}, newest = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_whole(f, &unread, "unread");
	OK(once(f, put_message, &unread));
	OK(once(f, outbox_all_done, NULL));
	life_whole(f, &owes, "owes");
	life_add(f, &live, "live");
	assert_true(life_claim(f, &live));
	life_add(f, &parked, "parked");
	assert_true(life_claim(f, &parked));
	life_step(f, &parked, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &parked, ATTEMPT_EV_PARK, JOB_EV_PARK);
	life_add(f, &ready, "ready");
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 0);
	journal_prune_fini(&p);
	/* Each goes once nothing holds it; the newest of all stays. */
	OK(once(f, outbox_all_done, NULL));
	OK(once(f, fold_messages, &unread));
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 2);
	journal_prune_fini(&p);
	life_finish(f, &live);
	life_whole(f, &newest, "newest");
	OK(once(f, outbox_all_done, NULL));
	p.before_ms = 1;
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 0);
	journal_prune_fini(&p);
	p.before_ms = FUTURE_MS;
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	must_pass(f);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM event WHERE seq=(SELECT seq FROM "
		      "head)"),
	    1);
}

static void
a_dry_run_only_counts(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {.dry_run = true};

	populate(f);
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 2);
	assert_null(p.archive);
	assert_int_equal(p.file_count, 0);
	assert_int_equal(number(f, "SELECT count(*) FROM archived"), 0);
	shell(f, "test -z \"$(ls archive)\"");
	journal_prune_fini(&p);
}

static void
nothing_is_old_by_a_clock_that_is_not_trusted(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};

	populate(f);
	f->env->wall_offset_ms = -INT64_C(86400000);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	assert_int_equal(prune(f, &p), ERR_PERSON);
	SAYS("dsrun clock");
	assert_int_equal(number(f, "SELECT count(*) FROM archived"), 0);
	journal_prune_fini(&p);
}

static void
dials_of_the_last_days_stay_for_the_caps(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	int64_t before;

	populate(f);
	before = number(f, "SELECT count(*) FROM dial");
	assert_int_equal(before, 2);
	OK(prune(f, &p));
	journal_prune_fini(&p);
	assert_int_equal(number(f, "SELECT count(*) FROM dial"), 2);
	/* Swept once they are old. */
	journal_close(&f->j);
	sql_on(f, "journal.db", "UPDATE dial SET at_ms=1 WHERE attempt=257");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(prune(f, &p));
	journal_prune_fini(&p);
	assert_int_equal(number(f, "SELECT count(*) FROM dial"), 1);
}

/* --- many ------------------------------------------------------------------
 */

static enum err_code
add_failed(struct journal *j, void *arg, struct err *err)
{
	const int *many = arg;
	uint8_t content[JOB_CONTENT_BYTES] = {1};

	for (int i = 0; i < *many; i++) {
		char ext[16];
		struct journal_new_job n = {.source = "file",
		    .ext = ext,
		    .kind = "intro",
		    .campaign = "",
		    .content = content,
		    .phone = "+15125550100",
		    .contact = "{}",
		    .data = "{}"};
		struct journal_job job;
		struct journal_change change = {
		    .job = &job, .job_event = JOB_EV_FAIL};
		enum journal_added added;
		int64_t id = 0;

		(void)snprintf(ext, sizeof(ext), "j%d", i);
		if (journal_job_add(j, &n, &added, &id, err) != ERR_NONE ||
		    journal_job_get(j, id, &job, err) != ERR_NONE ||
		    journal_step(j, &change, err) != ERR_NONE ||
		    journal_outbox_add(j, &job, 0, err) != ERR_NONE ||
		    journal_outbox_set(j, job.outbox, JOURNAL_OUTBOX_DONE, 0,
			NULL, err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

static void
many_go_in_small_transactions(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	struct journal_archive a = {0};
	int many = 1201;
	int64_t commits;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, add_failed, &many));
	commits = number(f, "SELECT commits FROM head");
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 1200); /* but the newest */
	assert_int_equal(number(f, "SELECT commits FROM head") - commits, 3);
	verify_archive(f, p.archive, &a);
	assert_int_equal(a.jobs, 1200);
	journal_prune_fini(&p);
	must_pass(f);
}

/* --- while others live -----------------------------------------------------
 */

struct retrying {
	struct fix *f;
	struct life *l;
	bool done;
};

static void
retry_now(void *arg, const char *name)
{
	struct retrying *r = arg;

	if (r->done || strcmp(name, "journal.prune.archived") != 0)
		return;
	r->done = true;
	r->l->job.tries = 0;
	life_job(r->f, r->l, JOB_EV_RETRY);
}

static void
a_job_that_lives_again_meanwhile_stays(void **state)
{
	struct fix *f = *state;
	struct life a = {0}, b = {0}, z = {0};
	struct retrying r = {f, &a, false};
	struct journal_prune p = {0};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	life_whole(f, &a, "a");
	life_whole(f, &b, "b");
	OK(once(f, outbox_all_done, NULL));
	life_add(f, &z, "z");
	crash_hook(retry_now, &r);
	OK(prune(f, &p));
	crash_hook(NULL, NULL);
	assert_true(r.done);
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	must_pass(f);
	assert_int_equal(number(f, "SELECT job FROM archived"), 2);
	assert_int_equal(number(f, "SELECT state FROM job WHERE id=1"), 0);
}

/* --- crashes ---------------------------------------------------------------
 */

static void
crash_prepare(struct fix *f)
{
	journal_close(&f->j);
	shell(f, "rm -rf journal.* owners.lock archive");
	f->count = 0;
	populate(f);
}

static int
crash_child(struct fix *f)
{
	struct journal_prune p = {0};

	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE)
		return 1;
	if (prune(f, &p) != ERR_NONE || p.file_count != 2)
		return 2;
	if (journal_prune_files_gone(f->j, &p, &f->err) != ERR_NONE)
		return 3;
	journal_prune_fini(&p);
	return 0;
}

static void
saw_line(void *arg, int64_t job, const uint8_t line[SHA256_BYTES])
{
	int *seen = arg;

	(void)line;
	if (job < 8)
		seen[job]++;
}

static void
crash_look(struct fix *f)
{
	struct journal_prune p = {0};
	int64_t left;

	OK(open_journal(f, JOURNAL_MUST_EXIST));
	must_pass(f);
	left = 2 - number(f, "SELECT count(*) FROM archived");
	OK(prune(f, &p));
	assert_int_equal(p.jobs, left);
	/* No file is forgotten before it was told of. */
	assert_int_equal(
	    p.file_count, number(f, "SELECT count(*) FROM artifact"));
	OK(journal_prune_files_gone(f->j, &p, &f->err));
	journal_prune_fini(&p);
	must_pass(f);
	assert_int_equal(number(f, "SELECT count(*) FROM archived"), 2);
	for (int64_t job = 1; job <= 2; job++) {
		int seen[8] = {0};
		struct journal_archive a = {.job = saw_line, .arg = seen};
		char sql[64];
		char *path;
		sqlite3 *db = NULL;
		sqlite3_stmt *st = NULL;

		(void)snprintf(sql, sizeof(sql),
		    "SELECT path FROM archived WHERE job=%d", (int)job);
		path = mem_printf("%s/journal.db", f->dir);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		mem_free(&path);
		assert_int_equal(
		    sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		verify_archive(f, (const char *)sqlite3_column_text(st, 0), &a);
		(void)sqlite3_finalize(st);
		(void)sqlite3_close(db);
		assert_int_equal(seen[job], 1);
	}
}

static void
a_prune_that_died_is_gone_on_with(void **state)
{
	long died =
	    die_everywhere(*state, crash_prepare, crash_child, crash_look);

	assert_true(died >= 15);
}

/* --- archives --------------------------------------------------------------
 */

static const struct {
	const char *edit; /* of x.jsonl, by sed or shell */
	const char *says;
} tampered[] = {
    {"sed -i '2s/\"detail\":null/\"detail\":\"x\"/' x.jsonl",
	"line 2: event 1 of job #1 was altered"},
    {"sed -i '3s/\"ext\":\"b\"/\"ext\":\"c\"/' x.jsonl",
	"line 3: the identity of job #2 was altered"},
    {"sed -i '2s/\"outcome\":1,\"last\"/\"outcome\":2,\"last\"/' x.jsonl",
	"line 2: seal of revision 1 of job #1 was altered"},
    {"sed -i '2s/\"seals\":\\[.*\\],\"events\"/\"seals\":[],\"events\"/' "
     "x.jsonl",
	"line 2: job #1 finished 1 times and has 0 seals"},
    {"sed -i '2s/\"events\":\\[.*\\],\"attempts\"/\"events\":[],"
     "\"attempts\"/' x.jsonl",
	"line 2: job #1 has no events"},
    {"sed -i '2s/\"seq\":[0-9]*/\"seq\":0/' x.jsonl", "line 2"},
    {"sed -i '2s/\"n\":2,/\"n\":3,/' x.jsonl", "was altered"},
    {"sed -i '2s/\"hash\":\"../\"hash\":\"zz/' x.jsonl",
	"expected 64 hex digits"},
    {"sed -i '2s/\"key\":\"../\"key\":\"zz/' x.jsonl",
	"expected 64 hex digits"},
    {"sed -i '2s/\"attemptState\":-*[0-9]*/\"attemptState\":99/' x.jsonl",
	"attemptState"},
    {"sed -i '2s/\"seals\":\\[{\"n\":1,\"revision\":1,\"state\":[0-9]*/"
     "\"seals\":[{\"n\":1,\"revision\":1,\"state\":6/' x.jsonl",
	"seal of revision 1 of job #1 was altered"},
    {"printf x >> x.jsonl", "line 5: the file is cut off"},
    {"sed -i '2d' x.jsonl", "closing line does not close"},
    {"sed -i '2s/\"call\":\"[^\"]*\"/\"call\":\"no\"/' x.jsonl",
	"closing line does not close"},
    {"sed -i '$d' x.jsonl", "line 4: the file is cut off"},
    {"head -c 700 x.jsonl > y && mv y x.jsonl", "the file is cut off"},
    {"tail -n 1 x.jsonl >> x.jsonl", "line 5: something stands behind"},
    {": > x.jsonl", "line 1: the file is cut off"},
    {"echo no > x.jsonl", "line 1"},
};

static void
an_archive_that_was_altered_is_refused(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	struct journal_archive a = {0};
	char *path;

	populate(f);
	OK(prune(f, &p));
	journal_prune_fini(&p);
	path = mem_printf("%s/x.jsonl", f->dir);
	for (size_t i = 0; i < ARRAY_LEN(tampered); i++) {
		shell(f, "cp archive/pruned-*.jsonl x.jsonl");
		OK(journal_archive_verify(f->env, path, &a, &f->err));
		shell(f, tampered[i].edit);
		if (journal_archive_verify(f->env, path, &a, &f->err) !=
		    ERR_DAMAGED)
			fail_msg("%s: not damaged", tampered[i].edit);
		SAYS(tampered[i].says);
		SAYS("x.jsonl");
	}
	shell(f, "rm x.jsonl");
	assert_int_equal(
	    journal_archive_verify(f->env, path, &a, &f->err), ERR_NOT_FOUND);
	mem_free(&path);
}

struct seen_attempts {
	int count;
	struct journal_check_attempt last;
};

static void
saw_attempt(void *arg, const struct journal_check_attempt *a)
{
	struct seen_attempts *s = arg;

	s->count++;
	s->last = *a;
}

static void
an_archive_shows_each_attempt_with_its_intent(void **state)
{
	struct fix *f = *state;
	struct journal_prune p = {0};
	struct seen_attempts s = {0};
	struct journal_archive a = {.attempt = saw_attempt, .arg = &s};
	uint8_t key[SHA256_BYTES], zero[SHA256_BYTES] = {0};

	populate(f);
	OK(prune(f, &p));
	verify_archive(f, p.archive, &a);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.last.id, 2 * 256 + 1);
	assert_int_equal(s.last.state, ATTEMPT_ENDED);
	assert_int_equal(s.last.outcome, JOB_OUTCOME_COMPLETED);
	assert_int_equal(s.last.last_event, ATTEMPT_EV_END);
	assert_false(s.last.by_person);
	assert_true(s.last.intent_seq > 0 && s.last.armed_ms > 0);
	assert_memory_not_equal(s.last.intent_hash, zero, sizeof(zero));
	job_key_attempt(journal_id(f->j), ENV_ID_BYTES, "file", "b", 1, key);
	assert_true(s.last.has_key);
	assert_memory_equal(s.last.key, key, sizeof(key));
	journal_prune_fini(&p);
}

/* --- erase -----------------------------------------------------------------
 */

static enum err_code
erase(struct journal *j, void *arg, struct err *err)
{
	const int64_t *job = arg;

	return journal_erase(j, *job, "ann", "asked", err);
}

static void
what_is_personal_can_be_erased_once_it_is_delivered(void **state)
{
	struct fix *f = *state;
	struct life a = {0}, b = {0};
	struct journal_prune p = {0};
	int64_t first = 1;
	int64_t second = 2;
	int64_t none = 9;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
	full_life(f, &a, "a");
	life_add(f, &b, "b");
	assert_int_equal(once(f, erase, &first), ERR_BUSY);
	assert_int_equal(once(f, erase, &second), ERR_STATE);
	SAYS("cancel it first");
	assert_int_equal(once(f, erase, &none), ERR_NOT_FOUND);
	OK(once(f, outbox_all_done, NULL));
	OK(once(f, erase, &first));
	assert_int_equal(once(f, erase, &first), ERR_STATE);
	SAYS("erased already");
	assert_int_equal(
	    number(f, "SELECT count(*) FROM person WHERE job=1"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM dial"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM finding"), 0);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM deed WHERE what='erase'"), 1);
	assert_int_equal(
	    number(f, "SELECT count(*) FROM event WHERE detail='erased'"), 1);
	must_pass(f);
	/* Its recordings are told of by the next prune, old or not. */
	p.before_ms = 1;
	OK(prune(f, &p));
	assert_int_equal(p.jobs, 0);
	assert_int_equal(p.file_count, 1);
	assert_string_equal(p.files[0].path, "a.ulaw");
	journal_prune_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_pruned_job_leaves_its_identity_and_its_archive),
	    T(a_pruned_job_can_be_told_from_others),
	    T(nothing_personal_is_in_the_archive),
	    T(what_is_young_live_parked_or_owes_stays),
	    T(a_dry_run_only_counts),
	    T(nothing_is_old_by_a_clock_that_is_not_trusted),
	    T(dials_of_the_last_days_stay_for_the_caps),
	    T(many_go_in_small_transactions),
	    T(a_job_that_lives_again_meanwhile_stays),
	    T(a_prune_that_died_is_gone_on_with),
	    T(an_archive_that_was_altered_is_refused),
	    T(an_archive_shows_each_attempt_with_its_intent),
	    T(what_is_personal_can_be_erased_once_it_is_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
