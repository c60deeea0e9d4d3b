#include "journal/journal_cache.h"
#include "journal/journal_check.h"
#include "journal/journal_fault_test.h"
#include "journal/journal_fix_test.h"
#include "journal/journal_lease.h"
#include "journal/journal_life.h"
#include "journal/journal_prune.h"
#include "journal/journal_read.h"

/*
 * Every call of the journal, while the n-th statement behind it cannot be
 * compiled or is interrupted, n = 1, 2, 3 ... until it came to its end: each
 * time it must say so, and nothing of it may stay.
 */

#define FUTURE_MS INT64_C(9000000000000)

/* What the calls ask for; made by populate. */
static struct {
	struct life done;   /* DONE, its result not delivered */
	struct life old;    /* DONE and delivered */
	struct life asked;  /* UNKNOWN, with an open message */
	struct life parked; /* PARKED */
	struct life ready;  /* READY */
	struct life twin;   /* READY, of the same number */
	struct life dead;   /* CANCELLED, its result dropped */
	struct life gone;   /* DONE, delivered and pruned */
	int64_t message;    /* open, to asked */
	int64_t outbox, dead_outbox;
	int64_t run;
	int64_t terms;
} is;

struct call {
	const char *name;
	/* inside a transaction, or NULL */
	enum err_code (*in)(struct journal *j, struct err *err);
	/* outside of one */
	enum err_code (*out)(struct journal *j, struct err *err);
};

static struct journal_service service = {.name = "mongo",
    .last_error = "refused",
    .last_error_ms = 5};

/* --- populating ------------------------------------------------------------
 */

static enum err_code
put_all(struct journal *j, void *arg, struct err *err)
{
	struct fix *f = arg;
	struct journal_artifact a = {.kind = 1, .path = "a.txt", .bytes = 9};
	bool yes;
	int64_t deed;

	OK(journal_artifact_put(j, is.done.attempt.id, &a, err));
	OK(journal_finding_put(
	    j, is.done.attempt.id, "human", "", "{\"at\":1}", err));
	OK(journal_inbox_put(j, "sim", "1", is.asked.attempt.id,
	    JOURNAL_MSG_EVIDENCE, "{}", &yes, err));
	OK(journal_pause(j, "winter", "ann", "cold", &yes, err));
	OK(journal_pause(j, NULL, "ann", "all", &yes, err));
	OK(journal_deed(j, "list", "ann", "", &deed, err));
	OK(journal_dnc_put_under(j, 15125559999, 1, deed, &yes, err));
	OK(journal_run_begin(j, "drain", &is.run, err));
	OK(journal_run_end(j, is.run, "{\"done\":1}", err));
	OK(journal_terms_put(j, "terms", &is.terms, err));
	OK(journal_service_put(j, &service, err));
	OK(journal_cache_put(
	    j, JOURNAL_CACHE_CONTACT, "b", 15125559998, "{}", err));
	OK(journal_lease_take(
	    j, is.ready.id, "t-1", false, 9, &(enum journal_met){0}, err));
	return ERR_NONE;
}

static enum err_code
put_rows(struct journal *j, void *arg, struct err *err)
{
	struct fix *f = arg;
	struct journal_outbox rows[8];
	struct journal_message m;
	size_t count = 0;
	bool changed;

	OK(journal_inbox_get(j, is.asked.attempt.id, 0, &m, err));
	is.message = m.id;
	journal_message_free(&m);
	OK(journal_outbox_due(
	    j, JOURNAL_SINK_FILE, FUTURE_MS, rows, 8, &count, err));
	for (size_t i = 0; i < count; i++)
		if (rows[i].job == is.done.id) {
			is.outbox = rows[i].id;
		} else if (rows[i].job == is.dead.id) {
			is.dead_outbox = rows[i].id;
			OK(journal_outbox_drop(j, rows[i].id,
			    JOURNAL_DROPPED "by ana: no", &changed, err));
		} else {
			OK(journal_outbox_set(
			    j, rows[i].id, JOURNAL_OUTBOX_DONE, 0, NULL, err));
		}
	assert_true(is.outbox > 0 && is.dead_outbox > 0);
	return ERR_NONE;
}

static void
populate(struct fix *f)
{
	memset(&is, 0, sizeof(is));
	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", "w", &f->err));
	struct journal_prune p = {.before_ms = FUTURE_MS};

	life_whole(f, &is.gone, "gone");
	OK(once(f, outbox_all_done, NULL));
	is.done.org = "clinic";
	life_whole(f, &is.done, "done");
	OK(journal_prune(f->j, &p, &f->err));
	assert_int_equal(p.jobs, 1);
	journal_prune_fini(&p);
	life_whole(f, &is.old, "old@1#0");
	life_add(f, &is.asked, "asked");
	assert_true(life_claim(f, &is.asked));
	life_step(f, &is.asked, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_add(f, &is.parked, "parked");
	assert_true(life_claim(f, &is.parked));
	life_step(f, &is.parked, ATTEMPT_EV_DOUBT, JOB_EV_NOTE);
	life_step(f, &is.parked, ATTEMPT_EV_PARK, JOB_EV_PARK);
	life_add(f, &is.dead, "dead");
	assert_true(life_claim(f, &is.dead));
	life_step(f, &is.dead, ATTEMPT_EV_REFUSE, JOB_EV_CANCEL);
	/* Two of one number, of which a claim takes the first alone. */
	is.ready.phone = is.twin.phone = "+15125550188";
	life_add(f, &is.ready, "ready");
	life_add(f, &is.twin, "twin");
	OK(once(f, put_all, f));
	OK(once(f, put_rows, f));
}

/* --- calls inside a transaction --------------------------------------------
 */

static bool yes;
static int64_t number;
static size_t shut_count;

#define IN(name, call)                                                     \
	static enum err_code in_##name(struct journal *j, struct err *err) \
	{                                                                  \
		return call;                                               \
	}

static struct journal_job job;
static struct journal_attempt attempt;
static struct journal_live live;
static struct journal_outbox outbox[4];
static size_t count;
static int listed;
static char terms[JOURNAL_TERMS_MAX];
static struct journal_lease lease;
static enum journal_met met;
static const struct journal_artifact artifact = {.kind = 2, .path = "b.wav"};

static enum err_code
in_person_get(struct journal *j, struct err *err)
{
	struct journal_person p;
	enum err_code code = journal_person_get(j, is.done.id, &p, err);

	if (code == ERR_NONE)
		journal_person_free(&p);
	return code;
}

static enum err_code
in_inbox_get(struct journal *j, struct err *err)
{
	struct journal_message m;
	enum err_code code =
	    journal_inbox_get(j, is.asked.attempt.id, 0, &m, err);

	if (code == ERR_NONE)
		journal_message_free(&m);
	return code;
}

static enum err_code
in_append_get(struct journal *j, struct err *err)
{
	struct journal_append a;
	enum err_code code = journal_append_get(j, "out", &a, err);

	if (code == ERR_NONE)
		journal_append_free(&a);
	return code;
}

static enum err_code
in_job_add(struct journal *j, struct err *err)
{
	uint8_t content[JOB_CONTENT_BYTES] = {7};
	struct journal_new_job n = {.source = "other",
	    .ext = "x",
	    .kind = "call",
	    .campaign = "new",
	    .content = content,
	    .phone = "+15125557777",
	    .org = "org",
	    .contact = "{}",
	    .data = "{}"};
	enum journal_added added;

	return journal_job_add(j, &n, &added, &number, err);
}

static enum err_code
in_finish(struct journal *j, struct err *err)
{
	struct life l = is.asked;
	struct journal_change c = {.job = &l.job,
	    .attempt = &l.attempt,
	    .attempt_event = ATTEMPT_EV_END,
	    .job_event = JOB_EV_FINISH,
	    .detail = "d"};

	l.attempt.outcome = l.job.outcome = JOB_OUTCOME_COMPLETED;
	if (journal_step(j, &c, err) != ERR_NONE)
		return err->code;
	return journal_outbox_add(j, &l.job, l.attempt.id, err);
}

static enum err_code
in_note(struct journal *j, struct err *err)
{
	struct life l = is.done;
	struct journal_change c = {
	    .job = &l.job, .job_event = JOB_EV_NOTE, .job_changed = true};

	return journal_step(j, &c, err);
}

static enum err_code
in_resume_claim(struct journal *j, struct err *err)
{
	struct life l = {0};
	struct journal_claim c = {.want = 2,
	    .limit_all = 100,
	    .limit_campaign = 100,
	    .visit = life_arm,
	    .arg = &l};

	if (journal_resume(j, NULL, "ann", "", &yes, err) != ERR_NONE ||
	    journal_claim(j, &c, err) != ERR_NONE)
		return err->code;
	assert_int_equal(c.taken, 1);
	return ERR_NONE;
}

/* Where results go to a queue, it may count the tries. */
static enum err_code
in_one_try(struct journal *j, struct err *err)
{
	enum err_code code;

	journal_set_sinks(j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
	code = journal_lease_is_one_try(j, is.ready.id, &yes, err);
	if (code == ERR_NONE)
		assert_true(yes);
	journal_set_sinks(j, 1U << JOURNAL_SINK_FILE);
	return code;
}

static enum err_code
in_lease_until(struct journal *j, struct err *err)
{
	enum err_code code;

	journal_set_sinks(j, 1U << JOURNAL_SINK_FILE | 1U << JOURNAL_SINK_BULL);
	code = journal_lease_until(j, is.ready.id, &yes, &number, err);
	journal_set_sinks(j, 1U << JOURNAL_SINK_FILE);
	return code;
}

static enum err_code
in_retry_wakes(struct journal *j, struct err *err)
{
	struct life l = is.old;
	struct journal_change c = {.job = &l.job, .job_event = JOB_EV_RETRY};

	l.job.not_before_ms = 1;
	l.job.outcome = JOB_OUTCOME_NONE;
	if (journal_step(j, &c, err) != ERR_NONE)
		return err->code;
	return journal_wake(j, 8, &number, err);
}

static enum err_code
in_retry_expires(struct journal *j, struct err *err)
{
	struct life l = is.old;
	struct journal_change c = {.job = &l.job, .job_event = JOB_EV_RETRY};

	l.job.not_before_ms = FUTURE_MS;
	l.job.expires_ms = 5;
	l.job.outcome = JOB_OUTCOME_NONE;
	if (journal_step(j, &c, err) != ERR_NONE)
		return err->code;
	return journal_expire(j, 8, &number, err);
}

static enum err_code
in_redialled(struct journal *j, struct err *err)
{
	struct life l = is.old;
	struct journal_change c = {.job = &l.job, .job_event = JOB_EV_REDIAL};

	if (journal_step(j, &c, err) != ERR_NONE)
		return err->code;
	return journal_redialled(j, &l.job, &yes, err);
}

IN(job_get, journal_job_get(j, is.done.id, &job, err))
IN(attempt_get, journal_attempt_get(j, is.done.attempt.id, &attempt, err))
IN(by_key, journal_attempt_by_key(j, 0, is.done.attempt.key, &number, err))
IN(by_event, journal_attempt_by_key(j, 7, is.done.attempt.key, &number, err))
IN(terms_put, journal_terms_put(j, "other terms", &number, err))
IN(terms_get, journal_terms_get(j, is.terms, terms, err))
IN(next_due, journal_next_due(j, &number, err))
IN(outcomes, journal_outcomes(j, is.done.id, is.done.attempt.id + 1,
		 JOB_OUTCOME_COMPLETED, &number, err))
IN(dials, journal_dials(j, 15125550000, 0, &number, &number, err))
IN(dial_nth, journal_dial_nth(j, 15125550000, 0, 0, &number, err))
IN(dial_put, journal_dial_put(j, 15125550000, 9, is.done.attempt.id, err))
IN(dnc_get, journal_dnc_get(j, 15125559999, &listed, err))
IN(dnc_put, journal_dnc_put(j, 15125558888, 2, "ann", "r", &yes, err))
IN(dnc_remove, journal_dnc_remove(j, 15125559999, "ann", "r", &yes, err))
IN(pause, journal_pause(j, "autumn", "ann", "r", &yes, err))
IN(resume, journal_resume(j, "winter", "ann", "r", &yes, err))
IN(is_paused, journal_is_paused(j, 1, &yes, err))
IN(clock, journal_clock_accept(j, "ann", "r", err))
IN(inbox_put, journal_inbox_put(j, "sim", "2", is.asked.attempt.id,
		  JOURNAL_MSG_CANCEL, NULL, &yes, err))
IN(inbox_folded, journal_inbox_folded(j, is.message, err))
IN(fold_all, journal_inbox_fold_all(j, is.asked.attempt.id, err))
IN(artifact, journal_artifact_put(j, is.done.attempt.id, &artifact, err))
IN(finding, journal_finding_put(j, is.old.attempt.id, "machine", "", "", err))
IN(outbox_due,
    journal_outbox_due(j, JOURNAL_SINK_FILE, FUTURE_MS, outbox, 4, &count, err))
IN(outbox_set,
    journal_outbox_set(j, is.outbox, JOURNAL_OUTBOX_PENDING, 9, "later", err))
IN(outbox_retry, journal_outbox_retry(j, is.dead_outbox, &yes, err))
IN(outbox_drop, journal_outbox_drop(j, is.outbox, "no", &yes, err))
IN(append_put, journal_append_put(j, "out", "1.jsonl", 7, "1", "x", 1, err))
IN(attention, journal_attention_once(j, "look", &yes, err))
IN(run_begin, journal_run_begin(j, "sync", &number, err))
IN(run_end, journal_run_end(j, is.run, "{}", err))
IN(lease_take, journal_lease_take(j, is.twin.id, "t-2", true, 9, &met, err))
IN(lease_new, journal_lease_new(j, is.twin.id, "file", "t-2", true, 9, err))
IN(lease_final, journal_lease_take(j, is.done.id, "t-3", true, 9, &met, err))
IN(lease_get, journal_lease_get(j, is.ready.id, &lease, &yes, err))
IN(lease_renew, journal_lease_renew(j, is.ready.id, NULL, 99, &yes, err))
IN(lease_return, journal_lease_return(j, "file", 0, 9, &number, err))
IN(lease_give_up, journal_lease_give_up(j, "file", FUTURE_MS, 9, &number, err))
IN(lease_away, journal_lease_away(j, is.ready.id, err))
IN(lease_gone, journal_lease_gone(j, is.ready.id, err))
IN(lease_answered, journal_lease_answered(j, is.ready.id, err))
IN(lease_answered_as, journal_lease_answered_as(j, is.ready.id, "t-1", err))
IN(cache_put,
    journal_cache_put(j, JOURNAL_CACHE_CONTACT, "c", 15125559999, "{}", err))
IN(cache_remove, journal_cache_remove(j, JOURNAL_CACHE_CONTACT, "b", err))
IN(outbox_keep, journal_outbox_keep(j, is.outbox, "kept", err))
IN(service_put, journal_service_put(j, &service, err))
IN(service_get, journal_service_get(j, "mongo", &service, &yes, err))
IN(is_archived, journal_is_archived(j, is.old.id, &yes, err))
IN(erase, journal_erase(j, is.old.id, "ann", "asked", err))
IN(holders,
    journal_holders(j, is.asked.attempt.number, 7, &number, &number, err))
IN(slots,
    journal_slots(j, is.done.job.campaign_id, is.done.job.kind_id, &live, err))

IN(shut_out, journal_shut_out(j, 0, &number, 1, &shut_count, err))

/* --- calls outside of one --------------------------------------------------
 */

static int rows;

#define EACH(name, type)                                    \
	static void each_##name(void *arg, const type *row) \
	{                                                   \
		(void)arg;                                  \
		(void)row;                                  \
		rows++;                                     \
	}
EACH(job, struct journal_listed)
EACH(attempt, struct journal_attempt)
EACH(event, struct journal_event)
EACH(owner, struct journal_owner_row)
EACH(pause, struct journal_pause_row)
EACH(dnc, struct journal_dnc_row)
EACH(run, struct journal_run_row)
EACH(outbox, struct journal_outbox_row)
EACH(service, struct journal_service)
EACH(lease, struct journal_lease)

#define OUT(name, call)                                                     \
	static enum err_code out_##name(struct journal *j, struct err *err) \
	{                                                                   \
		return call;                                                \
	}

static struct journal_counts counts;
static struct journal_artifact found;
static uint8_t hash[SHA256_BYTES];
static int64_t attempts[4];
static const struct journal_filter any_job = {.state = -1, .limit = 10};
static const struct journal_filter campaign_jobs = {.state = JOB_DONE,
    .campaign = "spring",
    .limit = 10,
    .newest_first = true};

static enum err_code
out_person(struct journal *j, struct err *err)
{
	struct journal_person p;
	enum err_code code = journal_read_person(j, is.done.id, &p, err);

	if (code == ERR_NONE)
		journal_person_free(&p);
	return code;
}

static enum err_code
out_finding(struct journal *j, struct err *err)
{
	struct journal_finding got;
	enum err_code code =
	    journal_read_finding(j, is.done.attempt.id, &got, err);

	if (code == ERR_NONE)
		mem_free(&got.meeting);
	return code;
}

static void
each_facts(void *arg, const struct journal_facts *facts)
{
	(void)arg;
	(void)facts;
	rows++;
}

static enum err_code
out_facts(struct journal *j, struct err *err)
{
	static const int kinds[] = {0, 2};
	const struct journal_outbox box = {.id = is.outbox, .job = is.done.id};

	return journal_read_facts(j, &box, kinds, each_facts, NULL, err);
}

static enum err_code
out_check(struct journal *j, struct err *err)
{
	struct journal_check_options o = {.deep = true};
	struct journal_check *c = NULL;
	enum err_code code = journal_check(j, &o, &c, err);

	if (code == ERR_NONE)
		assert_true(c->ok);
	else
		assert_null(c);
	journal_check_free(&c);
	return code;
}

static void
sql_row(void *arg, const struct journal_cell *cells, int n)
{
	(void)arg;
	(void)cells;
	rows += n;
}

static void
sql_begin(void *arg, const char *const *names, int n)
{
	(void)arg;
	(void)names;
	(void)n;
}

static enum err_code
out_sql(struct journal *j, struct err *err)
{
	const struct journal_sql o = {.begin = sql_begin, .row = sql_row};

	return journal_sql(
	    j, "SELECT id FROM job; SELECT seq FROM event", &o, err);
}

static enum err_code
out_dry_prune(struct journal *j, struct err *err)
{
	struct journal_prune p = {.before_ms = FUTURE_MS, .dry_run = true};
	enum err_code code = journal_prune(j, &p, err);

	if (code == ERR_NONE)
		assert_int_equal(p.jobs, 2);
	journal_prune_fini(&p);
	return code;
}

OUT(counts, journal_read_counts(j, &counts, err))
OUT(job, journal_read_job(j, is.done.id, &job, err))
OUT(attempt, journal_read_attempt(j, is.done.attempt.id, &attempt, err))
OUT(terms, journal_read_terms(j, is.terms, terms, err))
OUT(find, journal_read_find(j, "done", &number, err))
OUT(find_in, journal_read_find(j, "file:done", &number, err))
OUT(find_queued, journal_read_find(j, "old", &number, err))
OUT(find_number, journal_read_find(j, "#3", &number, err))
OUT(event_attempt, journal_read_event_attempt(j, 7, &number, hash, err))
OUT(by_key, journal_read_by_key(j, is.done.attempt.key, &number, err))
OUT(jobs, journal_read_jobs(j, &any_job, each_job, NULL, err))
OUT(jobs_of, journal_read_jobs(j, &campaign_jobs, each_job, NULL, err))
OUT(attempts, journal_read_attempts(j, is.done.id, each_attempt, NULL, err))
OUT(events, journal_read_events(j, is.done.id, each_event, NULL, err))
OUT(owners, journal_read_owners(j, false, each_owner, NULL, err))
OUT(pauses, journal_read_pauses(j, each_pause, NULL, err))
OUT(dnc, journal_read_dnc(j, 0, 9, each_dnc, NULL, err))
OUT(last_run, journal_read_last_run(j, "drain", each_run, NULL, err))
OUT(outbox, journal_read_outbox(j, -1, 0, 9, each_outbox, NULL, err))
OUT(outbox_of, journal_read_outbox_of(j, is.done.id, each_outbox, NULL, err))
OUT(outbox_due, journal_read_outbox_due(j, "p", JOURNAL_SINK_FILE, &yes, err))
OUT(inbox, journal_read_inbox(j, attempts, 4, &count, err))
OUT(artifact, journal_read_artifact(j, is.done.attempt.id, 1, &found, err))
OUT(next_due, journal_read_next_due(j, &number, err))
OUT(any_ready, journal_read_any_ready(j, &yes, err))
OUT(version, journal_version(j, &number, err))
OUT(lost_before, journal_lost_before(j, &number, err))
OUT(services, journal_read_services(j, each_service, NULL, err))
OUT(other_owners, journal_read_other_owners(j, &yes, err))
OUT(waiting, journal_read_waiting(j, &yes, err))
OUT(lease, journal_read_lease(j, is.ready.id, &lease, &yes, err))
OUT(leases_away, journal_read_away(j, "file", 0, 9, each_lease, NULL, err))
OUT(leases, journal_read_leases(
		j, "file", JOURNAL_LEASE_HELD, 0, 9, each_lease, NULL, err))
OUT(owner_say, journal_owner_say(j, "busy", err))

OUT(is_known, journal_read_is_known(j, "file", "a", &yes, err))
OUT(is_made, journal_read_is_made(j, "spring", 0, "-", &yes, err))

static enum err_code
out_cache(struct journal *j, struct err *err)
{
	char *body = NULL;
	enum err_code code = journal_read_cache(
	    j, JOURNAL_CACHE_CONTACT, "b", &body, &number, err);

	mem_free(&body);
	return code;
}

#define INSIDE(name)                   \
	{                              \
#name, in_##name, NULL \
	}
#define OUTSIDE(name)                   \
	{                               \
#name, NULL, out_##name \
	}
static const struct call calls[] = {INSIDE(job_get), INSIDE(attempt_get),
    INSIDE(person_get), INSIDE(by_key), INSIDE(by_event), INSIDE(job_add),
    INSIDE(finish), INSIDE(note), INSIDE(terms_put), INSIDE(terms_get),
    INSIDE(resume_claim), INSIDE(retry_wakes), INSIDE(retry_expires),
    INSIDE(redialled), INSIDE(next_due), INSIDE(outcomes), INSIDE(dials),
    INSIDE(dial_nth), INSIDE(dial_put), INSIDE(dnc_get), INSIDE(dnc_put),
    INSIDE(dnc_remove), INSIDE(pause), INSIDE(resume), INSIDE(is_paused),
    INSIDE(clock), INSIDE(inbox_get), INSIDE(inbox_put), INSIDE(inbox_folded),
    INSIDE(fold_all), INSIDE(artifact), INSIDE(finding), INSIDE(outbox_due),
    INSIDE(outbox_set), INSIDE(outbox_retry), INSIDE(outbox_drop),
    INSIDE(append_get), INSIDE(append_put), INSIDE(attention),
    INSIDE(run_begin), INSIDE(run_end), INSIDE(is_archived), INSIDE(erase),
    INSIDE(lease_new), INSIDE(lease_answered_as), INSIDE(lease_take),
    INSIDE(lease_final), INSIDE(lease_get), INSIDE(one_try),
    INSIDE(lease_renew), INSIDE(lease_until), INSIDE(lease_return),
    INSIDE(lease_give_up), INSIDE(lease_away), INSIDE(lease_gone),
    INSIDE(lease_answered), OUTSIDE(lease), OUTSIDE(leases),
    OUTSIDE(leases_away), INSIDE(cache_put), INSIDE(cache_remove),
    OUTSIDE(cache), OUTSIDE(is_known), OUTSIDE(is_made), INSIDE(outbox_keep),
    INSIDE(service_put), INSIDE(service_get), INSIDE(holders), INSIDE(slots),
    INSIDE(shut_out), OUTSIDE(counts), OUTSIDE(job), OUTSIDE(attempt),
    OUTSIDE(person), OUTSIDE(terms), OUTSIDE(find), OUTSIDE(find_in),
    OUTSIDE(find_queued), OUTSIDE(find_number), OUTSIDE(event_attempt),
    OUTSIDE(by_key), OUTSIDE(jobs), OUTSIDE(jobs_of), OUTSIDE(attempts),
    OUTSIDE(events), OUTSIDE(owners), OUTSIDE(pauses), OUTSIDE(dnc),
    OUTSIDE(last_run), OUTSIDE(outbox), OUTSIDE(outbox_of), OUTSIDE(outbox_due),
    OUTSIDE(inbox), OUTSIDE(artifact), OUTSIDE(finding), OUTSIDE(facts),
    OUTSIDE(next_due), OUTSIDE(any_ready), OUTSIDE(version),
    OUTSIDE(lost_before), OUTSIDE(check), OUTSIDE(sql), OUTSIDE(dry_prune),
    OUTSIDE(services), OUTSIDE(other_owners), OUTSIDE(waiting),
    OUTSIDE(owner_say)};

/* --- the loop --------------------------------------------------------------
 */

struct inside {
	const struct call *call;
	enum fault_kind kind;
	long n;
	bool hit;
	enum err_code code;
};

/* The call alone meets the fault; what it wrote never stays. */
static enum err_code
call_inside(struct journal *j, void *arg, struct err *err)
{
	struct inside *in = arg;

	fault_arm(in->kind, in->n, EIO, false);
	in->code = in->call->in(j, err);
	in->hit = fault_disarm();
	return in->code != ERR_NONE
		   ? in->code
		   : err_set(err, ERR_USAGE, 0, "let nothing of it stay");
}

static bool
call_fails(struct fix *f, const struct call *c, enum fault_kind kind, long n)
{
	struct inside in = {.call = c, .kind = kind, .n = n};

	if (c->in != NULL) {
		enum err_code code = once(f, call_inside, &in);

		assert_int_equal(
		    code, in.code == ERR_NONE ? ERR_USAGE : in.code);
	} else {
		memset(&f->err, 0, sizeof(f->err));
		fault_arm(kind, n, EIO, false);
		in.code = c->out(f->j, &f->err);
		in.hit = fault_disarm();
	}
	if (in.hit && in.code == ERR_NONE)
		fail_msg(
		    "%s: statement %ld failed, and nobody says so", c->name, n);
	if (!in.hit && in.code != ERR_NONE)
		fail_msg("%s: %s", c->name, f->err.text);
	if (in.hit && f->err.text[0] == '\0')
		fail_msg("%s: statement %ld: no text", c->name, n);
	return in.hit;
}

static void
open_again(struct fix *f)
{
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	OK(journal_owner_open(f->j, "drain", "w", &f->err));
}

static void
every_call_says_that_a_statement_was_interrupted(void **state)
{
	struct fix *f = *state;
	int64_t events;

	fault_install(f->env);
	populate(f);
	events = number_on(f, "journal.db", "SELECT count(*) FROM event");
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		long n = 1;

		while (call_fails(f, &calls[i], FAULT_STEP, n))
			n++;
		/* clock_accept and the like are more than nothing. */
		if (n == 1)
			fail_msg("%s asks SQLite nothing", calls[i].name);
	}
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM event"), events);
	(void)out_check(f->j, &f->err);
}

static void
every_call_says_that_a_statement_could_not_be_compiled(void **state)
{
	struct fix *f = *state;
	int64_t events;

	fault_install(f->env);
	populate(f);
	events = number_on(f, "journal.db", "SELECT count(*) FROM event");
	/* Compiled once, a statement is kept: so each time anew. */
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		for (long n = 1;; n++) {
			open_again(f);
			if (!call_fails(f, &calls[i], FAULT_PREPARE, n))
				break;
		}
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM event"), events);
	(void)out_check(f->j, &f->err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_call_says_that_a_statement_was_interrupted),
	    T(every_call_says_that_a_statement_could_not_be_compiled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
