#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/run_priv.h"

/*
 * What is written down about a call and read back: the terms it was armed
 * under, and what a carrier told.
 */

static const struct run_terms full = {
    .terms = {.carrier = "sim",
	.account = "0123456789abcdef0123456789abcdef0123456789abcdef01234567"
		   "89abcdef",
	.cls = CARRIER_QUERYABLE,
	.agent_is_ours = true,
	.request_timeout_ms = 1001,
	.processing_ms = 1002,
	.list_lag_ms = 1003,
	.settle_ms = 1004,
	.key_window_ms = 1005,
	.memory_ms = 1006,
	.max_call_ms = 1007},
    .from = "+15125550100",
    .ring_ms = 1008};

/* --- terms --- */

static void
terms_come_back_as_they_were(void **state)
{
	char text[JOURNAL_TERMS_MAX];
	struct run_terms back;
	struct err err;

	(void)state;
	for (int cls = 0; cls < CARRIER_CLASS_COUNT; cls++) {
		struct run_terms t = full;

		t.terms.cls = (enum carrier_class)cls;
		t.terms.agent_is_ours = cls % 2 == 0;
		run_terms_write(&t, text);
		assert_int_equal(run_terms_read(text, &back, &err), ERR_NONE);
		assert_string_equal(back.terms.carrier, t.terms.carrier);
		assert_string_equal(back.terms.account, t.terms.account);
		assert_int_equal(back.terms.cls, cls);
		assert_int_equal(
		    back.terms.agent_is_ours, t.terms.agent_is_ours);
		assert_int_equal(back.terms.request_timeout_ms, 1001);
		assert_int_equal(back.terms.processing_ms, 1002);
		assert_int_equal(back.terms.list_lag_ms, 1003);
		assert_int_equal(back.terms.settle_ms, 1004);
		assert_int_equal(back.terms.key_window_ms, 1005);
		assert_int_equal(back.terms.memory_ms, 1006);
		assert_int_equal(back.terms.max_call_ms, 1007);
		assert_int_equal(back.ring_ms, 1008);
		assert_string_equal(back.from, "+15125550100");
	}
}

static void
the_same_terms_are_the_same_text(void **state)
{
	char one[JOURNAL_TERMS_MAX], two[JOURNAL_TERMS_MAX];
	struct run_terms other = full;

	(void)state;
	run_terms_write(&full, one);
	run_terms_write(&full, two);
	assert_string_equal(one, two);
	other.terms.settle_ms++;
	run_terms_write(&other, two);
	assert_string_not_equal(one, two);
}

static void
the_longest_terms_fit(void **state)
{
	char text[JOURNAL_TERMS_MAX];
	struct run_terms t = full;
	struct run_terms back;
	struct err err;

	(void)state;
	memset(t.terms.carrier, 'c', sizeof(t.terms.carrier) - 1);
	memset(t.from, '9', sizeof(t.from) - 1);
	t.terms.request_timeout_ms = t.terms.processing_ms =
	    t.terms.list_lag_ms = t.terms.settle_ms = t.terms.key_window_ms =
		t.terms.memory_ms = t.terms.max_call_ms = t.ring_ms =
		    INT64_C(9007199254740991);
	run_terms_write(&t, text);
	assert_int_equal(run_terms_read(text, &back, &err), ERR_NONE);
	assert_string_equal(back.terms.carrier, t.terms.carrier);
	assert_string_equal(back.from, t.from);
	assert_int_equal(back.ring_ms, t.ring_ms);
}

static void
terms_that_lack_something_are_refused(void **state)
{
	static const char *const fields[] = {"carrier", "account", "class",
	    "ours", "request_timeout_ms", "processing_ms", "list_lag_ms",
	    "settle_ms", "key_window_ms", "memory_ms", "max_call_ms", "from",
	    "ring_ms"};
	char text[JOURNAL_TERMS_MAX];
	struct run_terms back;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		char name[40];
		char *at;

		run_terms_write(&full, text);
		(void)snprintf(name, sizeof(name), "\"%s\"", fields[i]);
		at = strstr(text, name);
		assert_non_null(at);
		at[1] = '_';
		assert_int_not_equal(
		    run_terms_read(text, &back, &err), ERR_NONE);
		if (strstr(err.text, fields[i]) == NULL)
			fail_msg(
			    "\"%s\" does not name %s", err.text, fields[i]);
	}
}

static void
terms_that_are_wrong_are_refused(void **state)
{
	static const char *const texts[] = {"", "[]", "{}", "null",
	    "{\"carrier\":1,\"account\":\"\",\"class\":\"named\",\"ours\":true,"
	    "\"from\":\"\"}",
	    "{\"carrier\":\"\",\"account\":\"\",\"class\":\"psychic\","
	    "\"ours\":true,\"from\":\"\"}"};
	struct run_terms back;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_not_equal(
		    run_terms_read(texts[i], &back, &err), ERR_NONE);
}

/* --- evidence --- */

static struct carrier_progress
at(enum carrier_stage stage, int64_t at_ms)
{
	return (struct carrier_progress){.stage = stage, .at_ms = at_ms};
}

static void
add(struct run_evidence *e, enum carrier_stage stage, int64_t at_ms)
{
	struct carrier_progress p = at(stage, at_ms);

	run_evidence_add(e, &p, "c-1", 0, 0, "live");
}

static void
each_stage_is_remembered_with_its_time(void **state)
{
	struct run_evidence e = {0};

	(void)state;
	add(&e, CARRIER_STAGE_PLACED, 100);
	assert_true(e.placed);
	assert_false(e.ringing);
	assert_int_equal(e.placed_ms, 100);
	add(&e, CARRIER_STAGE_RINGING, 200);
	assert_true(e.ringing);
	assert_false(e.answered);
	add(&e, CARRIER_STAGE_ANSWERED, 300);
	assert_true(e.answered);
	assert_int_equal(e.answered_ms, 300);
	assert_false(e.ended);
	add(&e, CARRIER_STAGE_ENDED, 400);
	assert_true(e.ended);
	assert_int_equal(e.ended_ms, 400);
	assert_string_equal(e.call_id, "c-1");
	assert_string_equal(e.source, "live");
}

static void
the_first_word_on_a_stage_counts(void **state)
{
	struct run_evidence e = {0};
	struct carrier_progress later = at(CARRIER_STAGE_ANSWERED, 900);

	(void)state;
	add(&e, CARRIER_STAGE_PLACED, 100);
	add(&e, CARRIER_STAGE_ANSWERED, 300);
	run_evidence_add(&e, &later, "c-2", 800, 900, "notice");
	assert_int_equal(e.placed_ms, 100);
	assert_int_equal(e.answered_ms, 300);
	assert_string_equal(e.call_id, "c-1");
}

static void
a_call_only_moves_forward(void **state)
{
	struct run_evidence e = {0};

	(void)state;
	add(&e, CARRIER_STAGE_ANSWERED, 300);
	add(&e, CARRIER_STAGE_RINGING, 500);
	assert_true(e.answered);
	assert_true(e.ringing);
	assert_int_equal(e.answered_ms, 300);
}

static void
nothing_comes_after_the_end(void **state)
{
	struct run_evidence e = {0};
	struct carrier_progress end = {.stage = CARRIER_STAGE_ENDED,
	    .at_ms = 400,
	    .outcome = JOB_OUTCOME_BUSY,
	    .by = "network"};

	(void)state;
	run_evidence_add(&e, &end, "c-1", 0, 0, "live");
	end.outcome = JOB_OUTCOME_COMPLETED;
	end.at_ms = 500;
	run_evidence_add(&e, &end, "c-1", 50, 60, "notice");
	assert_int_equal(e.outcome, JOB_OUTCOME_BUSY);
	assert_int_equal(e.ended_ms, 400);
	assert_false(e.answered);
	assert_string_equal(e.by, "network");
	assert_string_equal(e.source, "live");
}

static void
an_end_that_tells_of_the_answer_is_both(void **state)
{
	struct run_evidence e = {0};
	struct carrier_progress end = at(CARRIER_STAGE_ENDED, 400);

	(void)state;
	run_evidence_add(&e, &end, "c-1", 100, 300, "lookup");
	assert_true(e.placed);
	assert_true(e.answered);
	assert_int_equal(e.placed_ms, 100);
	assert_int_equal(e.answered_ms, 300);
	assert_true(e.ended);
}

static void
merging_adds_what_is_not_known_yet(void **state)
{
	struct run_evidence known = {0};
	struct run_evidence news = {0};

	(void)state;
	add(&known, CARRIER_STAGE_PLACED, 100);
	add(&news, CARRIER_STAGE_PLACED, 111);
	add(&news, CARRIER_STAGE_ANSWERED, 300);
	add(&news, CARRIER_STAGE_ENDED, 400);
	news.outcome = JOB_OUTCOME_HANGUP;
	run_evidence_merge(&known, &news);
	assert_int_equal(known.placed_ms, 100);
	assert_int_equal(known.answered_ms, 300);
	assert_int_equal(known.ended_ms, 400);
	assert_int_equal(known.outcome, JOB_OUTCOME_HANGUP);
	/* and takes nothing back */
	run_evidence_merge(&known, &(struct run_evidence){0});
	assert_true(known.placed && known.answered && known.ended);
	assert_int_equal(known.outcome, JOB_OUTCOME_HANGUP);
}

/* --- what lies in the inbox --- */

#define BODY                                                               \
	"{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":100,"            \
	"\"answered\":true,\"answered_ms\":200,\"answered_by\":\"human\"," \
	"\"ended\":true,\"ended_ms\":300,\"outcome\":\"voicemail\","       \
	"\"by\":\"callee\"}"

static void
a_message_is_read_as_evidence(void **state)
{
	struct run_evidence e = {0};
	struct err err;

	(void)state;
	assert_int_equal(run_notice_read(BODY, &e, &err), ERR_NONE);
	assert_true(e.placed && e.ringing && e.answered && e.ended);
	assert_int_equal(e.placed_ms, 100);
	assert_int_equal(e.answered_ms, 200);
	assert_int_equal(e.ended_ms, 300);
	assert_int_equal(e.outcome, JOB_OUTCOME_VOICEMAIL);
	assert_string_equal(e.call_id, "c-9");
	assert_string_equal(e.by, "callee");
	assert_string_equal(e.answered_by, "human");
	assert_string_equal(e.source, "notice");
}

static void
a_message_does_not_unsay_what_is_known(void **state)
{
	struct run_evidence e = {0};
	struct err err;

	(void)state;
	add(&e, CARRIER_STAGE_PLACED, 50);
	add(&e, CARRIER_STAGE_ANSWERED, 60);
	assert_int_equal(run_notice_read(BODY, &e, &err), ERR_NONE);
	assert_int_equal(e.placed_ms, 50);
	assert_int_equal(e.answered_ms, 60);
	assert_int_equal(e.ended_ms, 300);
	assert_string_equal(e.call_id, "c-1");
}

static void
a_message_that_cannot_be_read_changes_nothing(void **state)
{
	static const char *const texts[] = {"", "{}", "[1]",
	    "{\"call\":\"c-9\",\"ringing\":true}",
	    "{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":-1,"
	    "\"answered\":false,\"answered_ms\":0,\"answered_by\":\"\","
	    "\"ended\":false,\"ended_ms\":0,\"outcome\":\"none\",\"by\":\"\"}",
	    "{\"call\":\"c-9\",\"ringing\":true,\"placed_ms\":1,"
	    "\"answered\":false,\"answered_ms\":0,\"answered_by\":\"\","
	    "\"ended\":true,\"ended_ms\":1,\"outcome\":\"marvellous\","
	    "\"by\":\"\"}"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct run_evidence e = {0};

		assert_int_not_equal(
		    run_notice_read(texts[i], &e, &err), ERR_NONE);
		assert_false(e.placed || e.ringing || e.ended);
		assert_string_equal(e.call_id, "");
		assert_non_null(strstr(err.text, "inbox"));
	}
}

static void
a_message_lacks_nothing(void **state)
{
	struct err err;
	int members = 0;

	(void)state;
	for (size_t i = 0; i + 1 < strlen(BODY); i++) {
		struct run_evidence e = {0};
		char text[] = BODY;

		if (text[i + 1] != '"' || (text[i] != '{' && text[i] != ','))
			continue;
		text[i + 2] = 'X';
		assert_int_equal(
		    run_notice_read(text, &e, &err), ERR_MALFORMED);
		assert_false(e.placed || e.ended);
		members++;
	}
	assert_int_equal(members, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(terms_come_back_as_they_were),
	    cmocka_unit_test(the_same_terms_are_the_same_text),
	    cmocka_unit_test(the_longest_terms_fit),
	    cmocka_unit_test(terms_that_lack_something_are_refused),
	    cmocka_unit_test(terms_that_are_wrong_are_refused),
	    cmocka_unit_test(each_stage_is_remembered_with_its_time),
	    cmocka_unit_test(the_first_word_on_a_stage_counts),
	    cmocka_unit_test(a_call_only_moves_forward),
	    cmocka_unit_test(nothing_comes_after_the_end),
	    cmocka_unit_test(an_end_that_tells_of_the_answer_is_both),
	    cmocka_unit_test(merging_adds_what_is_not_known_yet),
	    cmocka_unit_test(a_message_is_read_as_evidence),
	    cmocka_unit_test(a_message_does_not_unsay_what_is_known),
	    cmocka_unit_test(a_message_that_cannot_be_read_changes_nothing),
	    cmocka_unit_test(a_message_lacks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
