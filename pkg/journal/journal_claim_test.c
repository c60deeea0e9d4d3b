#include "journal/journal_check.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_life.h"
#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/* --- jobs of many kinds ----------------------------------------------------
 */

struct spec {
	const char *ext, *campaign, *phone, *org;
	int64_t priority, not_before_ms, expires_ms;
};

static enum err_code
add_spec(struct journal *j, void *arg, struct err *err)
{
	const struct spec *s = arg;
	uint8_t content[JOB_CONTENT_BYTES] = {1};
	struct journal_new_job n = {.source = "file",
	    .ext = s->ext,
	    .kind = "intro",
	    .campaign = s->campaign != NULL ? s->campaign : "",
	    .content = content,
	    .phone = s->phone,
	    .org = s->org,
	    .contact = "{}",
	    .data = "{}",
	    .priority = s->priority,
	    .not_before_ms = s->not_before_ms,
	    .expires_ms = s->expires_ms};
	enum journal_added added;
	int64_t id = 0;

	return journal_job_add(j, &n, &added, &id, err);
}

static void
add(struct fix *f, struct spec s)
{
	char phone[20];

	(void)snprintf(phone, sizeof(phone), "+1512556%04d", f->count++);
	if (s.phone == NULL)
		s.phone = phone;
	OK(once(f, add_spec, &s));
}

static void
begin(struct fix *f)
{
	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "test", NULL, &f->err));
}

/* What a claim offered, and what it was told. */
struct claiming {
	struct journal_tx tx;
	struct journal_claim claim;
	char order[256]; /* exts, a space behind each */
	enum journal_verdict verdict;
	const char *skip; /* these get SKIP */
	bool fail;
	struct journal_live live; /* as of the last visit */
};

static enum journal_verdict
visit(struct journal *j, void *arg, struct journal_candidate *c,
    const struct journal_live *live, struct err *err)
{
	struct claiming *x = arg;
	struct life l = {.id = c->job.id};
	size_t len = strlen(x->order);

	x->live = *live;
	(void)snprintf(
	    x->order + len, sizeof(x->order) - len, "%s ", c->job.ext);
	if (x->fail) {
		(void)err_set(err, ERR_MALFORMED, 0, "no");
		return JOURNAL_SKIP;
	}
	if (x->skip != NULL && strstr(x->skip, c->job.ext) != NULL)
		return JOURNAL_SKIP;
	if (x->verdict == JOURNAL_MOVED) {
		struct journal_change change = {
		    .job = &c->job, .job_event = JOB_EV_LATER};

		c->job.not_before_ms = INT64_C(9000000000000);
		(void)journal_step(j, &change, err);
		return JOURNAL_MOVED;
	}
	if (x->verdict != JOURNAL_TAKE)
		return x->verdict;
	return life_arm(j, &l, c, live, err);
}

static enum err_code
claiming_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct claiming *x = CONTAINER_OF(tx, struct claiming, tx);

	x->order[0] = '\0';
	return journal_claim(j, &x->claim, err);
}

static enum err_code
try_claim(struct fix *f, struct claiming *x)
{
	x->tx = (struct journal_tx){.run = claiming_run};
	x->claim.visit = visit;
	x->claim.arg = x;
	if (x->claim.want == 0)
		x->claim.want = 100;
	memset(&f->err, 0, sizeof(f->err));
	return journal_now(f->j, &x->tx, &f->err);
}

static void
must_offer(struct fix *f, struct claiming x, const char *order)
{
	OK(try_claim(f, &x));
	assert_string_equal(x.order, order);
}

#define TAKE .verdict = JOURNAL_TAKE

/* --- in which order --------------------------------------------------------
 */

static void
priority_comes_first_then_age(void **state)
{
	struct fix *f = *state;

	begin(f);
	add(f, (struct spec){.ext = "a", .priority = 5});
	add(f, (struct spec){.ext = "b", .priority = -1});
	add(f, (struct spec){.ext = "c", .priority = 5});
	add(f, (struct spec){.ext = "d"});
	must_offer(f, (struct claiming){TAKE, .claim = {.want = 2}}, "b d ");
	must_offer(f, (struct claiming){TAKE}, "a c ");
	must_offer(f, (struct claiming){TAKE}, "");
}

static void
campaigns_take_turns(void **state)
{
	struct fix *f = *state;

	begin(f);
	add(f, (struct spec){.ext = "a1", .campaign = "x"});
	add(f, (struct spec){.ext = "a2", .campaign = "x"});
	add(f, (struct spec){.ext = "a3", .campaign = "x"});
	add(f, (struct spec){.ext = "b1", .campaign = "y", .priority = 9});
	add(f, (struct spec){.ext = "c1", .campaign = "z"});
	must_offer(f, (struct claiming){TAKE}, "a1 b1 c1 a2 a3 ");
}

static enum err_code
pause_all(struct journal *j, void *arg, struct err *err)
{
	bool changed = false;

	return journal_pause(j, arg, "ann", "test", &changed, err);
}

static enum err_code
resume_all(struct journal *j, void *arg, struct err *err)
{
	bool changed = false;

	return journal_resume(j, arg, "ann", "test", &changed, err);
}

static void
a_paused_campaign_is_not_offered(void **state)
{
	struct fix *f = *state;
	char x[] = "x";

	begin(f);
	add(f, (struct spec){.ext = "a", .campaign = "x"});
	add(f, (struct spec){.ext = "b", .campaign = "y"});
	OK(once(f, pause_all, x));
	must_offer(f, (struct claiming){.verdict = JOURNAL_STOP}, "b ");
	OK(once(f, pause_all, NULL));
	must_offer(f, (struct claiming){.verdict = JOURNAL_STOP}, "");
	OK(once(f, resume_all, NULL));
	must_offer(f, (struct claiming){.verdict = JOURNAL_STOP}, "b ");
	OK(once(f, resume_all, x));
	must_offer(f, (struct claiming){.verdict = JOURNAL_STOP}, "a b ");
}

/* --- what stands in the way ------------------------------------------------
 */

static void
a_number_and_an_organisation_are_called_once_at_a_time(void **state)
{
	struct fix *f = *state;

	begin(f);
	add(f, (struct spec){.ext = "a", .phone = "+15125550001"});
	add(f, (struct spec){.ext = "b", .phone = "+15125550001"});
	add(f, (struct spec){.ext = "c", .org = "Acme"});
	add(f, (struct spec){.ext = "d", .org = "Acme"});
	add(f,
	    (struct spec){.ext = "e", .phone = "+15125550001", .org = "Acme"});
	must_offer(f, (struct claiming){TAKE}, "a c ");
	must_offer(f, (struct claiming){TAKE}, "");
}

/* Candidates are read some at a time: the last of 100 came before the first
 * was taken. */
static void
what_was_read_before_a_take_is_looked_at_again(void **state)
{
	struct fix *f = *state;
	struct claiming x = {.verdict = JOURNAL_TAKE, .claim = {.want = 1000}};
	struct claiming again = x;

	begin(f);
	for (int i = 0; i < 100; i++) {
		char ext[8], phone[20], org[8];

		(void)snprintf(ext, sizeof(ext), "%d", i);
		(void)snprintf(phone, sizeof(phone), "+1512557%04d", i % 40);
		(void)snprintf(org, sizeof(org), "org%d", i % 30);
		add(f, (struct spec){.ext = ext,
			   .phone = phone,
			   .org = i < 90 ? org : NULL,
			   .priority = i == 99 ? -1 : i / 50});
	}
	OK(try_claim(f, &x));
	/* 99 first, which holds number 19; 0 to 29 but for 19; and 79, the
	 * first of organisation 19 whose number (39) is free. */
	assert_int_equal(x.claim.taken, 31);
	assert_non_null(strstr(x.order, " 79 "));
	assert_memory_equal(x.order, "99 0 1 2 ", 9);
	OK(try_claim(f, &again));
	assert_int_equal(again.claim.taken, 0);
	OK(journal_owner_close(f->j, &f->err));
}

static void
a_parked_call_holds_its_number_but_its_slot_only_for_a_time(void **state)
{
	struct fix *f = *state;
	struct life l = {.org = "Acme"};
	struct claiming x = {.verdict = JOURNAL_STOP};

	begin(f);
	life_add(f, &l, "a");
	assert_true(life_claim(f, &l));
	life_step(f, &l, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	add(f, (struct spec){.ext = "same", .phone = l.phone});
	add(f, (struct spec){.ext = "org", .org = "Acme"});
	add(f, (struct spec){.ext = "free"});
	OK(try_claim(f, &x));
	assert_int_equal(x.live.all, 1);
	l.attempt.slot_until_ms = INT64_C(9000000000000);
	life_step(f, &l, ATTEMPT_EV_PARK, JOB_EV_PARK);
	OK(try_claim(f, &x));
	assert_string_equal(x.order, "free ");
	assert_int_equal(x.live.all, 1);
	journal_close(&f->j);
	sql_on(f, "journal.db", "UPDATE attempt SET slot_until_ms=1");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(try_claim(f, &x));
	assert_string_equal(x.order, "free ");
	assert_int_equal(x.live.all, 0);
}

static void
limits_hold_over_all_campaigns_and_for_each(void **state)
{
	struct fix *f = *state;
	struct claiming all = {TAKE, .claim = {.limit_all = 3}};
	struct claiming each = {TAKE, .claim = {.limit_campaign = 1}};

	begin(f);
	for (size_t i = 0; i < 3; i++) {
		static const char *const xs[] = {"a", "b", "c"};
		static const char *const ys[] = {"d", "e", "g"};

		add(f, (struct spec){.ext = xs[i], .campaign = "x"});
		add(f, (struct spec){.ext = ys[i], .campaign = "y"});
	}
	OK(try_claim(f, &each));
	assert_string_equal(each.order, "a d ");
	assert_true(each.claim.held_up);
	assert_int_equal(each.claim.taken, 2);
	OK(try_claim(f, &each));
	assert_string_equal(each.order, "");
	assert_true(each.claim.held_up);
	OK(try_claim(f, &all));
	assert_string_equal(all.order, "b ");
	assert_int_equal(all.live.all, 2);
	assert_int_equal(all.live.campaign, 1);
	assert_int_equal(all.live.kind, 2);
	assert_true(all.claim.held_up);
}

/* --- what a visitor may say ------------------------------------------------
 */

static void
a_visitor_takes_moves_skips_or_stops(void **state)
{
	struct fix *f = *state;
	struct claiming moved = {
	    .verdict = JOURNAL_MOVED, .claim = {.want = 2}};
	struct claiming skip = {TAKE, .skip = "a c"};

	begin(f);
	add(f, (struct spec){.ext = "a"});
	add(f, (struct spec){.ext = "b"});
	add(f, (struct spec){.ext = "c"});
	add(f, (struct spec){.ext = "d", .campaign = "y"});
	must_offer(f, (struct claiming){.verdict = JOURNAL_STOP}, "a d ");
	OK(try_claim(f, &skip));
	assert_string_equal(skip.order, "a d b c ");
	assert_int_equal(skip.claim.taken, 2);
	OK(try_claim(f, &moved));
	assert_string_equal(moved.order, "a c ");
	assert_int_equal(moved.claim.moved, 2);
	must_offer(f, (struct claiming){TAKE}, "");
}

static void
a_visitor_that_fails_leaves_nothing_claimed(void **state)
{
	struct fix *f = *state;
	struct claiming x = {.fail = true};

	begin(f);
	add(f, (struct spec){.ext = "a"});
	assert_int_equal(try_claim(f, &x), ERR_MALFORMED);
	x.fail = false;
	must_offer(f, (struct claiming){TAKE}, "a ");
}

static void
what_was_given_back_is_the_same_attempt_again(void **state)
{
	struct fix *f = *state;
	struct life l = {.claim_only = true};
	struct journal_attempt a;

	begin(f);
	life_add(f, &l, "a");
	assert_true(life_claim(f, &l));
	life_step(f, &l, ATTEMPT_EV_RELEASE, JOB_EV_RELEASE);
	l.claim_only = false;
	assert_true(life_claim(f, &l));
	assert_int_equal(l.attempt.id, 257);
	assert_int_equal(l.job.attempts, 1);
	life_step(f, &l, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &l, ATTEMPT_EV_LOOK, JOB_EV_NOTE);
	life_step(f, &l, ATTEMPT_EV_VANISH, JOB_EV_LATER);
	life_job(f, &l, JOB_EV_DUE);
	assert_true(life_claim(f, &l));
	assert_int_equal(l.attempt.id, 258);
	OK(journal_read_attempt(f->j, 257, &a, &f->err));
	assert_int_equal(a.state, ATTEMPT_ABSENT);
}

/* --- time ------------------------------------------------------------------
 */

struct timing {
	int64_t woken, expired, next_ms;
};

static enum err_code
pass_time(struct journal *j, void *arg, struct err *err)
{
	struct timing *t = arg;

	if (journal_wake(j, 2, &t->woken, err) != ERR_NONE ||
	    journal_expire(j, 100, &t->expired, err) != ERR_NONE)
		return err->code;
	return journal_next_due(j, &t->next_ms, err);
}

static void
what_is_due_wakes_and_what_is_over_expires(void **state)
{
	struct fix *f = *state;
	struct timing t = {0};
	int64_t now = env_now_ms(f->env);
	int64_t next = 0;

	begin(f);
	add(f, (struct spec){.ext = "soon", .not_before_ms = now + 3600000});
	add(f, (struct spec){.ext = "later", .not_before_ms = now + 7200000});
	add(f, (struct spec){.ext = "over", .expires_ms = now - 1000});
	add(f, (struct spec){.ext = "goes", .expires_ms = now + 1800000});
	add(f, (struct spec){.ext = "third",
		   .not_before_ms = now + 9000000,
		   .expires_ms = now + 9900000});
	OK(once(f, pass_time, &t));
	assert_int_equal(t.woken, 0);
	assert_int_equal(t.expired, 1);
	assert_int_equal(t.next_ms, now + 1800000);
	OK(journal_read_next_due(f->j, &next, &f->err));
	assert_int_equal(next, t.next_ms);
	journal_close(&f->j);
	sql_on(f, "journal.db", "UPDATE job SET not_before_ms=5 WHERE state=0");
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(once(f, pass_time, &t));
	assert_int_equal(t.woken, 2); /* at most so many */
	OK(once(f, pass_time, &t));
	assert_int_equal(t.woken, 1);
	assert_int_equal(
	    number_on(f, "journal.db",
		"SELECT count(*) FROM outbox o JOIN job j ON j.id=o.job WHERE "
		"j.ext='over' AND j.state=5"),
	    1);
}

static void
nothing_expires_by_a_clock_that_is_not_trusted(void **state)
{
	struct fix *f = *state;
	struct timing t = {0};

	begin(f);
	add(f, (struct spec){.ext = "a", .expires_ms = 5});
	f->env->wall_offset_ms = INT64_C(86400000);
	OK(once(f, pass_time, &t));
	assert_int_equal(t.expired, 0);
	f->env->wall_offset_ms = 0;
	OK(once(f, pass_time, &t));
	assert_int_equal(t.expired, 1);
}

/* --- plans ------------------------------------------------------------------
 *
 * Everything that a run or a listing asks is asked once, on an empty journal;
 * then SQLite is asked how it does each of the statements that were really
 * prepared.  A scan or a sort must be in this list, with its reason, or the
 * journal gets slower with every job that it ever held.
 */
static const struct {
	const char *sql, *detail; /* both must occur */
} allowed[] = {
    /* one row, eight rows, the recursion itself */
    {" head", "SCAN head"},
    {"FROM tally", "SCAN tally"},
    {"WITH RECURSIVE chain", "SCAN chain"},
    {"WITH RECURSIVE chain", "SCAN c"},
    {"WITH RECURSIVE chain", "USE TEMP B-TREE FOR ORDER BY"}, /* of one job */
    {"ORDER BY e.seq DESC LIMIT", "SCAN e"}, /* the last 1,000 */
    /* what is live or parked, and no more */
    {"INDEXED BY attempt_number", "USE TEMP B-TREE FOR GROUP BY"},
    {"INDEXED BY attempt_number", "SCAN attempt USING INDEX attempt_number"},
    /* what is due, dead, unread or open */
    {"INDEXED BY outbox_due", "SCAN outbox USING"},
    {"INDEXED BY outbox_dead", "SCAN outbox USING"},
    {"INDEXED BY outbox_due", "SCAN o USING INDEX outbox_due"},
    {"INDEXED BY outbox_due", "USE TEMP B-TREE FOR ORDER BY"},
    {"INDEXED BY job_ready", "SCAN job USING"},
    /* what waits: lists of it, and the age of the oldest */
    {"INDEXED BY job_ready", "SCAN j USING INDEX job_ready"},
    {"INDEXED BY job_due", "SCAN j USING INDEX job_due"},
    {"ORDER BY j.last LIMIT 1", "USE TEMP B-TREE FOR ORDER BY"},
    {"INDEXED BY owner_open", "SCAN owner USING"},
    {"INDEXED BY inbox_open", "SCAN i USING"},
    /* people's own lists: owners and runs are few, pauses by campaign */
    {"FROM owner WHERE", "SCAN owner"},
    {"FROM run WHERE", "SCAN run"},
    {"FROM pause p", "SCAN p"},
    {"FROM source s CROSS JOIN job", "SCAN s"},
    /* a page of jobs or of the outbox, by number from where it begins */
    {"ORDER BY j.id", "USE TEMP B-TREE FOR ORDER BY"}, /* waiting ones */
    /* stated to be slow: a carrier that does not echo our event */
    {"WHERE key=?1", "SCAN attempt"},
};

static bool
is_allowed(const char *sql, const char *detail)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (strstr(sql, allowed[i].sql) != NULL &&
		    strstr(detail, allowed[i].detail) != NULL)
			return true;
	return false;
}

/* How many statements were looked at; fails on one that is not allowed. */
static int
look_at_plans(sqlite3 *db)
{
	char *plans[1024];
	int count = 0;
	int seen = 0;
	int bad = 0;

	for (sqlite3_stmt *st = sqlite3_next_stmt(db, NULL); st != NULL;
	     st = sqlite3_next_stmt(db, st))
		if (strncmp(sqlite3_sql(st), "PRAGMA", 6) != 0)
			plans[count++] = mem_strdup(sqlite3_sql(st));
	for (int i = 0; i < count; i++) {
		char *sql = mem_printf("EXPLAIN QUERY PLAN %s", plans[i]);
		sqlite3_stmt *st = NULL;

		assert_int_equal(
		    sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			const char *detail =
			    (const char *)sqlite3_column_text(st, 3);

			if ((strncmp(detail, "SCAN", 4) == 0 ||
				strstr(detail, "TEMP B-TREE") != NULL) &&
			    strstr(detail, "CONSTANT ROW") == NULL &&
			    !is_allowed(plans[i], detail))
				bad += fprintf(
				    stderr, "%s: %s\n", detail, plans[i]);
		}
		(void)sqlite3_finalize(st);
		mem_free(&sql);
		mem_free(&plans[i]);
		seen++;
	}
	assert_int_equal(bad, 0);
	return seen;
}

static enum err_code
ask_writer(struct journal *j, void *arg, struct err *err)
{
	struct life *l = arg;
	struct journal_outbox rows[4];
	struct journal_message m = {0};
	struct journal_live live;
	struct err ignored;
	char terms[JOURNAL_TERMS_MAX];
	int64_t a = 0;
	int64_t b = 0;
	size_t n = 0;
	bool yes = false;
	int kind = 0;

	(void)journal_wake(j, 1, &a, &ignored);
	(void)journal_expire(j, 1, &a, &ignored);
	(void)journal_next_due(j, &a, &ignored);
	(void)journal_outcomes(j, 1, 258, JOB_OUTCOME_BUSY, &a, &ignored);
	(void)journal_dials(j, 1, 1, &a, &b, &ignored);
	(void)journal_dnc_get(j, 1, &kind, &ignored);
	(void)journal_dnc_put(j, 1, 1, "a", "b", &yes, &ignored);
	(void)journal_dnc_remove(j, 1, "a", "b", &yes, &ignored);
	(void)journal_is_paused(j, 1, &yes, &ignored);
	(void)journal_attempt_by_key(j, 1, l->attempt.key, &a, &ignored);
	(void)journal_terms_put(j, "{}", &a, &ignored);
	(void)journal_terms_get(j, 1, terms, &ignored);
	(void)journal_inbox_put(
	    j, "s", "e", 257, JOURNAL_MSG_STOP, NULL, &yes, &ignored);
	(void)journal_inbox_get(j, 257, 0, &m, &ignored);
	journal_message_free(&m);
	(void)journal_inbox_folded(j, 1, &ignored);
	(void)journal_inbox_fold_all(j, 257, &ignored);
	(void)journal_outbox_due(
	    j, JOURNAL_SINK_FILE, 1, rows, ARRAY_LEN(rows), &n, &ignored);
	(void)journal_outbox_set(
	    j, 1, JOURNAL_OUTBOX_PENDING, 1, NULL, &ignored);
	(void)journal_outbox_retry(j, 1, &yes, &ignored);
	(void)journal_outbox_drop(j, 1, "e", &yes, &ignored);
	(void)journal_redialled(j, &l->job, &yes, &ignored);
	(void)journal_holders(j, 1, 1, &a, &b, &ignored);
	(void)journal_slots(j, 1, 1, &live, &ignored);
	(void)journal_owner_say(j, "busy", &ignored);
	(void)journal_attention_once(j, "x", &yes, &ignored);
	(void)journal_run_begin(j, "drain", &a, &ignored);
	(void)journal_run_end(j, a, "{}", &ignored);
	err->code = ERR_NONE;
	return ERR_NONE;
}

static void
no_job(void *arg, const struct journal_listed *row)
{
	(void)arg;
	(void)row;
}
static void
no_attempt(void *arg, const struct journal_attempt *row)
{
	(void)arg;
	(void)row;
}
static void
no_event(void *arg, const struct journal_event *row)
{
	(void)arg;
	(void)row;
}
static void
no_owner(void *arg, const struct journal_owner_row *row)
{
	(void)arg;
	(void)row;
}
static void
no_pause(void *arg, const struct journal_pause_row *row)
{
	(void)arg;
	(void)row;
}
static void
no_dnc(void *arg, const struct journal_dnc_row *row)
{
	(void)arg;
	(void)row;
}
static void
no_run(void *arg, const struct journal_run_row *row)
{
	(void)arg;
	(void)row;
}
static void
no_outbox(void *arg, const struct journal_outbox_row *row)
{
	(void)arg;
	(void)row;
}

static void
ask_reader(struct fix *f)
{
	struct journal *j = f->j;
	struct err *e = &f->err;
	struct journal_counts counts;
	struct journal_job job;
	struct journal_attempt a;
	struct journal_person person;
	struct journal_artifact artifact;
	struct journal_finding finding;
	uint8_t hash[SHA256_BYTES] = {0};
	char terms[JOURNAL_TERMS_MAX];
	int64_t ids[4];
	int64_t n = 0;
	size_t count = 0;
	bool yes = false;

	for (int s = -1; s < (int)JOB_NONE; s++)
		for (int how = 0; how < 4; how++) {
			struct journal_filter filter = {.state = s,
			    .campaign = how & 1 ? "spring" : NULL,
			    .limit = 10,
			    .newest_first = (how & 2) != 0};

			OK(journal_read_jobs(j, &filter, no_job, NULL, e));
		}
	OK(journal_read_counts(j, &counts, e));
	OK(journal_read_job(j, 1, &job, e));
	OK(journal_read_attempt(j, 257, &a, e));
	OK(journal_read_person(j, 1, &person, e));
	journal_person_free(&person);
	OK(journal_read_terms(j, 1, terms, e));
	OK(journal_read_find(j, "a", &n, e));
	OK(journal_read_find(j, "file:a", &n, e));
	OK(journal_read_event_attempt(j, 1, &n, hash, e));
	OK(journal_read_by_key(j, hash, &n, e));
	OK(journal_read_attempts(j, 1, no_attempt, NULL, e));
	OK(journal_read_events(j, 1, no_event, NULL, e));
	OK(journal_read_owners(j, true, no_owner, NULL, e));
	OK(journal_read_pauses(j, no_pause, NULL, e));
	OK(journal_read_dnc(j, 0, 10, no_dnc, NULL, e));
	OK(journal_read_last_run(j, "drain", no_run, NULL, e));
	for (int s = -1; s < 3; s++)
		OK(journal_read_outbox(j, s, 0, 10, no_outbox, NULL, e));
	OK(journal_read_outbox_of(j, 1, no_outbox, NULL, e));
	OK(journal_read_inbox(j, ids, ARRAY_LEN(ids), &count, e));
	OK(journal_read_artifact(j, 257, 0, &artifact, e));
	OK(journal_read_finding(j, 257, &finding, e));
	OK(journal_read_next_due(j, &n, e));
	OK(journal_read_any_ready(j, &yes, e));
}

static void
nothing_that_is_asked_often_scans_or_sorts(void **state)
{
	struct fix *f = *state;
	struct journal_takeover t;
	struct life l = {0};

	begin(f);
	life_add(f, &l, "a");
	assert_true(life_claim(f, &l));
	journal_takeover_init(&t);
	OK(journal_now(f->j, &t.tx, &f->err));
	journal_takeover_fini(f->j, &t);
	OK(once(f, ask_writer, &l));
	ask_reader(f);
	assert_in_range(look_at_plans(f->j->w.h), 40, 1024);
	assert_in_range(look_at_plans(f->j->r.h), 30, 1024);
}

/* The measure itself: a scan would be seen. */
static void
a_scan_would_be_seen(void **state)
{
	struct fix *f = *state;

	(void)f;
	assert_false(is_allowed("SELECT * FROM job WHERE tries=1", "SCAN job"));
	assert_false(is_allowed(
	    "SELECT id FROM job j INDEXED BY job_ready ORDER BY j.priority",
	    "USE TEMP B-TREE FOR ORDER BY"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(priority_comes_first_then_age),
	    T(campaigns_take_turns),
	    T(a_paused_campaign_is_not_offered),
	    T(a_number_and_an_organisation_are_called_once_at_a_time),
	    T(what_was_read_before_a_take_is_looked_at_again),
	    T(a_parked_call_holds_its_number_but_its_slot_only_for_a_time),
	    T(limits_hold_over_all_campaigns_and_for_each),
	    T(a_visitor_takes_moves_skips_or_stops),
	    T(a_visitor_that_fails_leaves_nothing_claimed),
	    T(what_was_given_back_is_the_same_attempt_again),
	    T(what_is_due_wakes_and_what_is_over_expires),
	    T(nothing_expires_by_a_clock_that_is_not_trusted),
	    T(nothing_that_is_asked_often_scans_or_sorts),
	    T(a_scan_would_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
