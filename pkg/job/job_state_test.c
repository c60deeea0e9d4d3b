#include "job/job_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/*
 * Both tables once more, written from the design and not from the code, in the
 * order of their step numbers, which journals hold for ever: a row that is
 * flipped, moved or removed fails here.  New rows go at the end of the table
 * and of this copy.
 */
static const char *const golden_jobs[] = {
    "NONE QUEUE QUEUED",
    "NONE ADMIT READY",
    "QUEUED DUE READY",
    "QUEUED LATER QUEUED",
    "QUEUED EXPIRE EXPIRED",
    "QUEUED CANCEL CANCELLED",
    "QUEUED FAIL FAILED",
    "QUEUED PARK PARKED",
    "QUEUED NOTE QUEUED",
    "READY CLAIM HELD",
    "READY LATER QUEUED",
    "READY EXPIRE EXPIRED",
    "READY CANCEL CANCELLED",
    "READY FAIL FAILED",
    "READY PARK PARKED",
    "READY NOTE READY",
    "HELD RELEASE READY",
    "HELD LATER QUEUED",
    "HELD FINISH DONE",
    "HELD FAIL FAILED",
    "HELD CANCEL CANCELLED",
    "HELD PARK PARKED",
    "HELD NOTE HELD",
    "PARKED FINISH DONE",
    "PARKED FAIL FAILED",
    "PARKED LATER QUEUED",
    "PARKED CANCEL CANCELLED",
    "PARKED NOTE PARKED",
    "DONE RETRY QUEUED",
    "FAILED RETRY QUEUED",
    "EXPIRED RETRY QUEUED",
    "CANCELLED RETRY QUEUED",
    "DONE REDIAL QUEUED",
    "FAILED REDIAL QUEUED",
    "EXPIRED REDIAL QUEUED",
    "CANCELLED REDIAL QUEUED",
    "DONE NOTE DONE",
    "FAILED NOTE FAILED",
    "EXPIRED NOTE EXPIRED",
    "CANCELLED NOTE CANCELLED",
};

#define LADDER "LATER FINISH FAIL CANCEL"
#define BACK "LATER RELEASE CANCEL PARK"

static const struct {
	const char *row;
	const char *job_events; /* in the order of the enum */
} golden_attempts[] = {
    {"NEW CLAIM CLAIMED", "CLAIM"},
    {"NEW ARM INTENT", "CLAIM"},
    {"CLAIMED ARM INTENT", ""},
    {"CLAIMED RELEASE NEW", BACK},
    {"CLAIMED OWNER_DEAD NEW", BACK},
    {"CLAIMED DENY CANCELLED", "FAIL"},
    {"CLAIMED CANCEL CANCELLED", "CANCEL"},
    {"INTENT UNSENT NEW", BACK},
    {"INTENT REFUSE REFUSED", LADDER},
    {"INTENT DOUBT UNKNOWN", ""},
    {"INTENT OWNER_DEAD UNKNOWN", ""},
    {"INTENT PLACE PLACED", ""},
    {"INTENT RING RINGING", ""},
    {"INTENT ANSWER ANSWERED", ""},
    {"INTENT END ENDED", LADDER},
    {"PLACED RING RINGING", ""},
    {"PLACED ANSWER ANSWERED", ""},
    {"PLACED END ENDED", LADDER},
    {"PLACED OWNER_DEAD PLACED", ""},
    {"PLACED PARK PARKED", "PARK"},
    {"RINGING ANSWER ANSWERED", ""},
    {"RINGING END ENDED", LADDER},
    {"RINGING OWNER_DEAD RINGING", ""},
    {"RINGING PARK PARKED", "PARK"},
    {"ANSWERED END ENDED", LADDER},
    {"ANSWERED OWNER_DEAD ANSWERED", ""},
    {"ANSWERED PARK PARKED", "PARK"},
    {"UNKNOWN SETTLE UNKNOWN", ""},
    {"UNKNOWN LOOK UNKNOWN", ""},
    {"UNKNOWN RESEND UNKNOWN", ""},
    {"UNKNOWN OWNER_DEAD UNKNOWN", ""},
    {"UNKNOWN PLACE PLACED", ""},
    {"UNKNOWN RING RINGING", ""},
    {"UNKNOWN ANSWER ANSWERED", ""},
    {"UNKNOWN END ENDED", LADDER},
    {"UNKNOWN VANISH ABSENT", LADDER},
    {"UNKNOWN PARK PARKED", "PARK"},
    {"PARKED END ENDED", LADDER},
    {"PARKED RESOLVE_PLACED ENDED", LADDER},
    {"PARKED RESOLVE_ABSENT ABSENT", LADDER},
    {"PARKED RESOLVE_DROP CANCELLED", "CANCEL"},
    {"ABSENT CONTRADICT CONFLICT", "PARK NOTE"},
    {"REFUSED CONTRADICT CONFLICT", "PARK NOTE"},
    {"CANCELLED CONTRADICT CONFLICT", "PARK NOTE"},
};

static void
the_job_table_is_the_designed_one(void **state)
{
	size_t n;
	const struct job_row *rows = job_rows(&n);

	(void)state;
	assert_int_equal(n, ARRAY_LEN(golden_jobs));
	for (size_t i = 0; i < n; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%s %s %s",
		    job_state_name(rows[i].was), job_event_name(rows[i].event),
		    job_state_name(rows[i].next));
		assert_string_equal(text, golden_jobs[i]);
	}
}

static void
the_attempt_table_is_the_designed_one(void **state)
{
	size_t n;
	const struct attempt_row *rows = job_attempt_rows(&n);

	(void)state;
	assert_int_equal(n, ARRAY_LEN(golden_attempts));
	for (size_t i = 0; i < n; i++) {
		char text[64], events[128] = "";
		size_t len = 0;

		(void)snprintf(text, sizeof(text), "%s %s %s",
		    job_attempt_state_name(rows[i].was),
		    job_attempt_event_name(rows[i].event),
		    job_attempt_state_name(rows[i].next));
		assert_string_equal(text, golden_attempts[i].row);
		assert_int_equal(rows[i].job_events >> JOB_EVENT_COUNT, 0);
		for (enum job_event e = 0; e < JOB_EVENT_COUNT; e++)
			if (rows[i].job_events >> e & 1U)
				len += (size_t)snprintf(events + len,
				    sizeof(events) - len, "%s%s",
				    len > 0 ? " " : "", job_event_name(e));
		assert_string_equal(events, golden_attempts[i].job_events);
	}
}

/* The first row would hide the second. */
static void
no_state_takes_an_event_twice(void **state)
{
	size_t n, m;
	const struct job_row *jobs = job_rows(&n);
	const struct attempt_row *attempts = job_attempt_rows(&m);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			assert_false(jobs[i].was == jobs[j].was &&
				     jobs[i].event == jobs[j].event);
	for (size_t i = 0; i < m; i++)
		for (size_t j = i + 1; j < m; j++)
			assert_false(attempts[i].was == attempts[j].was &&
				     attempts[i].event == attempts[j].event);
}

/* Which attempt states can follow from those in `from`, themselves too. */
static unsigned
attempts_after(unsigned from)
{
	size_t n;
	const struct attempt_row *rows = job_attempt_rows(&n);

	for (size_t round = 0; round < n; round++)
		for (size_t i = 0; i < n; i++)
			if (from >> rows[i].was & 1U)
				from |= 1U << rows[i].next;
	return from;
}

static void
every_attempt_state_is_reached_from_new(void **state)
{
	(void)state;
	assert_int_equal(
	    attempts_after(1U << ATTEMPT_NEW), (1U << ATTEMPT_STATE_COUNT) - 1);
}

static void
every_job_state_is_reached_from_none(void **state)
{
	size_t n;
	const struct job_row *rows = job_rows(&n);
	unsigned reached = 1U << JOB_NONE;

	(void)state;
	for (size_t round = 0; round < n; round++)
		for (size_t i = 0; i < n; i++)
			if (reached >> rows[i].was & 1U)
				reached |= 1U << rows[i].next;
	assert_int_equal(reached, (1U << JOB_STATE_COUNT) - 1);
}

/* Invariant I6: what may have rung is never simply dialled again. */
static void
unknown_never_leads_back_to_dialling(void **state)
{
	unsigned after = attempts_after(1U << ATTEMPT_UNKNOWN);

	(void)state;
	assert_int_equal(after & (1U << ATTEMPT_NEW), 0);
	assert_int_equal(after & (1U << ATTEMPT_CLAIMED), 0);
	assert_int_equal(after & (1U << ATTEMPT_INTENT), 0);
}

static void
every_live_attempt_survives_its_owner(void **state)
{
	(void)state;
	for (enum attempt_state s = 0; s < ATTEMPT_STATE_COUNT; s++) {
		const struct attempt_row *row = NULL;
		struct err err = {0};
		int step = -1;
		enum err_code code = job_find_attempt(
		    s, ATTEMPT_EV_OWNER_DEAD, &row, &step, &err);

		assert_int_equal(code == ERR_NONE, job_attempt_is_live(s));
		if (code != ERR_NONE)
			continue;
		/* Only what sent nothing is given back. */
		assert_int_equal(
		    row->next == ATTEMPT_NEW, s == ATTEMPT_CLAIMED);
		assert_true(
		    row->next == ATTEMPT_NEW || job_attempt_is_live(row->next));
	}
}

/* Invariant I7. */
static void
a_final_attempt_is_left_only_by_a_contradiction(void **state)
{
	size_t n, left = 0;
	const struct attempt_row *rows = job_attempt_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (!job_attempt_is_final(rows[i].was))
			continue;
		assert_int_equal(rows[i].event, ATTEMPT_EV_CONTRADICT);
		assert_int_equal(rows[i].next, ATTEMPT_CONFLICT);
		left++;
	}
	assert_int_equal(left, 3);
}

static void
a_final_job_is_left_only_by_a_named_person(void **state)
{
	size_t n;
	const struct job_row *rows = job_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		if (job_is_final(rows[i].was) && rows[i].next != rows[i].was)
			assert_true(rows[i].event == JOB_EV_RETRY ||
				    rows[i].event == JOB_EV_REDIAL);
		else if (job_is_final(rows[i].was))
			assert_int_equal(rows[i].event, JOB_EV_NOTE);
}

static void
a_job_expires_only_while_it_waits(void **state)
{
	size_t n;
	const struct job_row *rows = job_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		if (rows[i].next == JOB_EXPIRED && rows[i].was != JOB_EXPIRED)
			assert_true(rows[i].was == JOB_QUEUED ||
				    rows[i].was == JOB_READY);
}

static void
a_note_changes_nothing_and_every_job_takes_one(void **state)
{
	(void)state;
	for (enum job_state s = 0; s < JOB_NONE; s++) {
		const struct job_row *row = NULL;
		struct err err = {0};
		int step;

		assert_int_equal(
		    job_find(s, JOB_EV_NOTE, &row, &step, &err), ERR_NONE);
		assert_int_equal(row->next, s);
	}
}

/* The states that the job may be in while its attempt is in `was`. */
static unsigned
jobs_beside(const struct attempt_row *row)
{
	if (row->was == ATTEMPT_NEW)
		return 1U << JOB_READY;
	if (job_attempt_is_live(row->was))
		return 1U << JOB_HELD;
	if (row->was == ATTEMPT_PARKED)
		return 1U << JOB_PARKED;
	return (1U << JOB_NONE) - 1; /* a contradiction: any */
}

static void
what_an_attempt_does_to_its_job_is_a_row_of_the_job(void **state)
{
	size_t n;
	const struct attempt_row *rows = job_attempt_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (enum job_state s = 0; s < JOB_NONE; s++) {
			unsigned seen = 0;

			if (!(jobs_beside(&rows[i]) >> s & 1U))
				continue;
			for (enum job_event e = 0; e < JOB_EVENT_COUNT; e++) {
				const struct job_row *row = NULL;
				struct err err = {0};
				int step;

				if (!(rows[i].job_events >> e & 1U))
					continue;
				/* Late evidence parks only what would be
				 * called again. */
				if (rows[i].next == ATTEMPT_CONFLICT &&
				    e == JOB_EV_PARK && s > JOB_READY)
					continue;
				assert_int_equal(
				    job_find(s, e, &row, &step, &err),
				    ERR_NONE);
				/* The new state tells which of them it was. */
				assert_int_equal(seen >> row->next & 1U, 0);
				seen |= 1U << row->next;
			}
		}
}

/* A job is HELD exactly while its attempt is live, PARKED with it. */
static void
a_job_moves_exactly_when_its_attempt_becomes_or_ceases_to_be_live(void **state)
{
	size_t n;
	const struct attempt_row *rows = job_attempt_rows(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool was = job_attempt_is_live(rows[i].was);
		bool is = job_attempt_is_live(rows[i].next);
		unsigned events = rows[i].job_events;

		if (was && is)
			assert_int_equal(events, 0);
		else if (is)
			assert_int_equal(events, JOB_BIT(CLAIM));
		else
			assert_int_not_equal(events, 0);
		if (!is)
			assert_int_equal(events & JOB_BIT(CLAIM), 0);
		if (was && !is)
			assert_int_equal(events & JOB_BIT(NOTE), 0);
		if (rows[i].next == ATTEMPT_PARKED)
			assert_int_equal(events, JOB_BIT(PARK));
	}
}

static void
find_gives_the_row_and_its_step_number(void **state)
{
	size_t n, m;
	const struct job_row *jobs = job_rows(&n);
	const struct attempt_row *attempts = job_attempt_rows(&m);
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct job_row *row = NULL;
		int step = -1;

		assert_int_equal(
		    job_find(jobs[i].was, jobs[i].event, &row, &step, &err),
		    ERR_NONE);
		assert_ptr_equal(row, &jobs[i]);
		assert_int_equal(step, i);
	}
	for (size_t i = 0; i < m; i++) {
		const struct attempt_row *row = NULL;
		int step = -1;

		assert_int_equal(job_find_attempt(attempts[i].was,
				     attempts[i].event, &row, &step, &err),
		    ERR_NONE);
		assert_ptr_equal(row, &attempts[i]);
		assert_int_equal(step, 1000 + i);
	}
}

static void
a_pair_without_a_row_is_refused_in_words(void **state)
{
	const struct attempt_row *attempt = NULL;
	const struct job_row *job = NULL;
	struct err err = {0};
	int step = -1;

	(void)state;
	assert_int_equal(
	    job_find(JOB_HELD, JOB_EV_EXPIRE, &job, &step, &err), ERR_STATE);
	assert_string_equal(err.text, "a HELD job does not take EXPIRE");
	assert_int_equal(job_find_attempt(ATTEMPT_ENDED, ATTEMPT_EV_RING,
			     &attempt, &step, &err),
	    ERR_STATE);
	assert_string_equal(err.text, "an attempt in ENDED does not take RING");
	assert_null(job);
	assert_null(attempt);
	assert_int_equal(step, -1);
}

static void
live_and_final_are_the_designed_sets(void **state)
{
	const unsigned live = 1U << ATTEMPT_CLAIMED | 1U << ATTEMPT_INTENT |
			      1U << ATTEMPT_PLACED | 1U << ATTEMPT_RINGING |
			      1U << ATTEMPT_ANSWERED | 1U << ATTEMPT_UNKNOWN;
	const unsigned final = 1U << ATTEMPT_ENDED | 1U << ATTEMPT_REFUSED |
			       1U << ATTEMPT_ABSENT | 1U << ATTEMPT_CANCELLED |
			       1U << ATTEMPT_CONFLICT;
	const unsigned jobs = 1U << JOB_DONE | 1U << JOB_FAILED |
			      1U << JOB_EXPIRED | 1U << JOB_CANCELLED;

	(void)state;
	for (enum attempt_state s = 0; s < ATTEMPT_STATE_COUNT; s++) {
		assert_int_equal(job_attempt_is_live(s), live >> s & 1U);
		assert_int_equal(job_attempt_is_final(s), final >> s & 1U);
	}
	for (enum job_state s = 0; s < JOB_STATE_COUNT; s++)
		assert_int_equal(job_is_final(s), jobs >> s & 1U);
}

static void
names_are_unique_and_every_state_says_what_it_means(void **state)
{
	(void)state;
	for (enum job_state a = 0; a < JOB_STATE_COUNT; a++) {
		assert_true(strlen(job_state_text(a)) > 8);
		for (enum job_state b = 0; b < a; b++)
			assert_string_not_equal(
			    job_state_name(a), job_state_name(b));
	}
	for (enum attempt_state a = 0; a < ATTEMPT_STATE_COUNT; a++) {
		assert_true(strlen(job_attempt_state_text(a)) > 8);
		for (enum attempt_state b = 0; b < a; b++)
			assert_string_not_equal(job_attempt_state_name(a),
			    job_attempt_state_name(b));
	}
	for (enum job_event a = 0; a < JOB_EVENT_COUNT; a++)
		for (enum job_event b = 0; b < a; b++)
			assert_string_not_equal(
			    job_event_name(a), job_event_name(b));
	for (enum attempt_event a = 0; a < ATTEMPT_EVENT_COUNT; a++)
		for (enum attempt_event b = 0; b < a; b++)
			assert_string_not_equal(job_attempt_event_name(a),
			    job_attempt_event_name(b));
}

static void
state_names_parse_back_in_any_case(void **state)
{
	struct err err = {0};
	enum job_state s = JOB_NONE;

	(void)state;
	for (enum job_state a = 0; a < JOB_NONE; a++) {
		assert_int_equal(
		    job_state_parse(job_state_name(a), &s, &err), ERR_NONE);
		assert_int_equal(s, a);
	}
	assert_int_equal(job_state_parse("parked", &s, &err), ERR_NONE);
	assert_int_equal(s, JOB_PARKED);
	assert_int_equal(job_state_parse("NONE", &s, &err), ERR_MALFORMED);
	assert_int_equal(job_state_parse("", &s, &err), ERR_MALFORMED);
	assert_int_equal(job_state_parse("READYX", &s, &err), ERR_MALFORMED);
	assert_non_null(strstr(err.text, "READYX"));
	assert_non_null(strstr(err.text, "expected QUEUED"));
}

/* The numbers and words stand in journals and results. */
static void
outcomes_keep_their_numbers_and_words(void **state)
{
	static const char *const words[] = {"none", "completed", "voicemail",
	    "no-answer", "busy", "failed", "hangup", "interrupted", "unknown",
	    "refused", "network"};
	struct err err = {0};
	enum job_outcome out;

	(void)state;
	assert_int_equal(JOB_OUTCOME_COUNT, ARRAY_LEN(words));
	for (enum job_outcome o = 0; o < JOB_OUTCOME_COUNT; o++)
		assert_string_equal(job_outcome_name(o), words[o]);
	for (enum job_outcome o = 1; o < JOB_OUTCOME_COUNT; o++) {
		assert_int_equal(
		    job_outcome_parse(words[o], &out, &err), ERR_NONE);
		assert_int_equal(out, o);
	}
	assert_int_equal(job_outcome_parse("none", &out, &err), ERR_MALFORMED);
	assert_int_equal(job_outcome_parse("Busy", &out, &err), ERR_MALFORMED);
}

/* Their numbers stand in journals: the SQL CHECKs and indexes name them. */
static void
states_keep_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(JOB_QUEUED, 0);
	assert_int_equal(JOB_READY, 1);
	assert_int_equal(JOB_HELD, 2);
	assert_int_equal(JOB_DONE, 3);
	assert_int_equal(JOB_FAILED, 4);
	assert_int_equal(JOB_EXPIRED, 5);
	assert_int_equal(JOB_CANCELLED, 6);
	assert_int_equal(JOB_PARKED, 7);
	assert_int_equal(JOB_NONE, 8);
	assert_int_equal(ATTEMPT_NEW, 0);
	assert_int_equal(ATTEMPT_CLAIMED, 1);
	assert_int_equal(ATTEMPT_INTENT, 2);
	assert_int_equal(ATTEMPT_PLACED, 3);
	assert_int_equal(ATTEMPT_RINGING, 4);
	assert_int_equal(ATTEMPT_ANSWERED, 5);
	assert_int_equal(ATTEMPT_UNKNOWN, 6);
	assert_int_equal(ATTEMPT_PARKED, 7);
	assert_int_equal(ATTEMPT_ENDED, 8);
	assert_int_equal(ATTEMPT_REFUSED, 9);
	assert_int_equal(ATTEMPT_ABSENT, 10);
	assert_int_equal(ATTEMPT_CANCELLED, 11);
	assert_int_equal(ATTEMPT_CONFLICT, 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_job_table_is_the_designed_one),
	    cmocka_unit_test(the_attempt_table_is_the_designed_one),
	    cmocka_unit_test(no_state_takes_an_event_twice),
	    cmocka_unit_test(every_attempt_state_is_reached_from_new),
	    cmocka_unit_test(every_job_state_is_reached_from_none),
	    cmocka_unit_test(unknown_never_leads_back_to_dialling),
	    cmocka_unit_test(every_live_attempt_survives_its_owner),
	    cmocka_unit_test(a_final_attempt_is_left_only_by_a_contradiction),
	    cmocka_unit_test(a_final_job_is_left_only_by_a_named_person),
	    cmocka_unit_test(a_job_expires_only_while_it_waits),
	    cmocka_unit_test(a_note_changes_nothing_and_every_job_takes_one),
	    cmocka_unit_test(
		what_an_attempt_does_to_its_job_is_a_row_of_the_job),
	    cmocka_unit_test(
		a_job_moves_exactly_when_its_attempt_becomes_or_ceases_to_be_live),
	    cmocka_unit_test(find_gives_the_row_and_its_step_number),
	    cmocka_unit_test(a_pair_without_a_row_is_refused_in_words),
	    cmocka_unit_test(live_and_final_are_the_designed_sets),
	    cmocka_unit_test(
		names_are_unique_and_every_state_says_what_it_means),
	    cmocka_unit_test(state_names_parse_back_in_any_case),
	    cmocka_unit_test(outcomes_keep_their_numbers_and_words),
	    cmocka_unit_test(states_keep_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
