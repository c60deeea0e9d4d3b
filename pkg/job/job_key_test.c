#include "job/job_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/*
 * The expected values were made by Python's hashlib and struct from the layout
 * in the header, not by this code.
 */
#define NINE_AM INT64_C(1767603600000)

static void
expect_hex(const uint8_t hash[SHA256_BYTES], const char *expected)
{
	char hex[2 * SHA256_BYTES + 1];

	assert_string_equal(text_hex(hash, SHA256_BYTES, hex), expected);
}

static void
counting(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)i;
}

static const struct job_event_fields first = {
    .seq = 1,
    .job = 1,
    .n = 1,
    .at_ms = NINE_AM,
    .attempt_state = -1,
};

static void
a_first_event_hashes_to_the_known_value(void **state)
{
	const uint8_t zero[SHA256_BYTES] = {0};
	uint8_t out[SHA256_BYTES];

	(void)state;
	job_hash_event(zero, &first, out);
	expect_hex(out, "5f47a5cfa0ec4014cd291ee3743b04a6"
			"3fb77bee6c73d4e3cae06944cbdf1e71");
}

static void
an_event_of_an_attempt_hashes_to_the_known_value(void **state)
{
	const struct job_event_fields f = {
	    .seq = (INT64_C(1) << 40) + 7,
	    .job = 123456789,
	    .n = 300,
	    .at_ms = NINE_AM + 123,
	    .step = 1015,
	    .job_state = JOB_HELD,
	    .attempt = INT64_C(123456789) * 256 + 3,
	    .attempt_state = ATTEMPT_UNKNOWN,
	    .detail = "{\"code\":\"timeout\"}",
	};
	uint8_t before[SHA256_BYTES], out[SHA256_BYTES];

	(void)state;
	counting(before, sizeof(before));
	job_hash_event(before, &f, out);
	expect_hex(out, "8e8756802422980cbecda3f5fb62416d"
			"99c7e4ef228bc5bd89fe42c6011a842a");
}

static void
a_long_detail_and_a_time_before_1970_hash_to_the_known_value(void **state)
{
	char detail[2001];
	const struct job_event_fields f = {
	    .seq = 9,
	    .job = 8,
	    .n = 7,
	    .at_ms = -1,
	    .step = 1054,
	    .job_state = JOB_PARKED,
	    .attempt = 2049,
	    .attempt_state = ATTEMPT_CONFLICT,
	    .detail = detail,
	};
	uint8_t before[SHA256_BYTES], out[SHA256_BYTES];

	(void)state;
	memset(detail, 'x', 2000);
	detail[2000] = '\0';
	counting(before, sizeof(before));
	job_hash_event(before, &f, out);
	expect_hex(out, "f30bc487baa7db7f0f1370b6ebc1e307"
			"c5ef5931547fa65e59f48fc1a64d5ab1");
}

static void
no_detail_is_not_an_empty_detail(void **state)
{
	struct job_event_fields f = first;
	const uint8_t zero[SHA256_BYTES] = {0};
	uint8_t out[SHA256_BYTES];

	(void)state;
	f.detail = "";
	job_hash_event(zero, &f, out);
	expect_hex(out, "fed71d237768dd0454265ca2bebe0bb6"
			"a86afc4125f7527f1ebb8ad1f0ce0a52");
}

/* Each field alone must move the hash: none may be left out. */
static void
every_field_of_an_event_is_covered(void **state)
{
	struct job_event_fields f[10];
	uint8_t before[SHA256_BYTES] = {0};
	uint8_t seen[11][SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < 10; i++)
		f[i] = first;
	f[1].seq++;
	f[2].job++;
	f[3].n++;
	f[4].at_ms++;
	f[5].step++;
	f[6].job_state++;
	f[7].attempt++;
	f[8].attempt_state++;
	f[9].detail = "a";
	for (size_t i = 0; i < 10; i++)
		job_hash_event(before, &f[i], seen[i]);
	before[SHA256_BYTES - 1] = 1;
	job_hash_event(before, &first, seen[10]);
	for (size_t i = 0; i < 11; i++)
		for (size_t j = i + 1; j < 11; j++)
			assert_memory_not_equal(seen[i], seen[j], SHA256_BYTES);
}

static void
a_seal_hashes_to_the_known_value_and_covers_every_field(void **state)
{
	uint8_t identity[SHA256_BYTES], last[SHA256_BYTES];
	uint8_t other[SHA256_BYTES] = {1};
	const uint8_t zero[SHA256_BYTES] = {0};
	struct job_sealed_fields f[7];
	uint8_t seen[7][SHA256_BYTES];

	(void)state;
	sha256_once("id", 2, identity);
	sha256_once("last", 4, last);
	for (size_t i = 0; i < 7; i++)
		f[i] = (struct job_sealed_fields){
		    identity, JOB_DONE, JOB_OUTCOME_COMPLETED, 2, last, zero};
	f[1].identity = other;
	f[2].state = JOB_FAILED;
	f[3].outcome = JOB_OUTCOME_BUSY;
	f[4].revision = 3;
	f[5].last = other;
	f[6].before = other;
	for (size_t i = 0; i < 7; i++)
		job_hash_sealed(&f[i], seen[i]);
	expect_hex(seen[0], "db9f0448501c5087f6fb09208fc61efd"
			    "d12d02427739196867665f5aa8d3c326");
	for (size_t i = 0; i < 7; i++)
		for (size_t j = i + 1; j < 7; j++)
			assert_memory_not_equal(seen[i], seen[j], SHA256_BYTES);
}

static void
content_and_identity_hash_to_the_known_values(void **state)
{
	static const char line[] = "{\"phone\":\"+15125550100\"}";
	uint8_t content[SHA256_BYTES], out[SHA256_BYTES];

	(void)state;
	job_hash_content(line, strlen(line), content);
	expect_hex(content, "19ef7e425de731cd819be0074be58fbc"
			    "eae7cc8b993417c8acb09efeb5eace76");
	job_hash_identity("file", "job-1", content, out);
	expect_hex(out, "ddfe2c16e6942850e5d50638b267a8dc"
			"e42c618e0d6b97f95aa618a399c56fb2");
}

static void
an_attempt_key_is_the_known_value_for_text_and_for_a_journal_id(void **state)
{
	uint8_t id[16], out[SHA256_BYTES];
	char ext[601];

	(void)state;
	job_key_attempt("prod-a", 6, "file", "job-1", 1, out);
	expect_hex(out, "c703d82d467b1ce1b2d584703f323022"
			"a979bb7f62ed4b77608b6523f5cc725e");
	counting(id, sizeof(id));
	memset(ext, 'e', 600);
	ext[600] = '\0';
	job_key_attempt(id, sizeof(id), "file", ext, 255, out);
	expect_hex(out, "33b7fdc37ccddc38df69407c43260302"
			"56594c563be94c662573f815af541e58");
}

/* A moved border between two fields would give two jobs one key. */
static void
keys_differ_by_every_field_and_by_where_fields_end(void **state)
{
	uint8_t seen[6][SHA256_BYTES];

	(void)state;
	job_key_attempt("p", 1, "ab", "c", 1, seen[0]);
	job_key_attempt("p", 1, "a", "bc", 1, seen[1]);
	job_key_attempt("pa", 2, "b", "c", 1, seen[2]);
	job_key_attempt("p", 1, "ab", "c", 2, seen[3]);
	job_key_attempt("q", 1, "ab", "c", 1, seen[4]);
	job_key_attempt("p", 1, "ab", "d", 1, seen[5]);
	for (size_t i = 0; i < 6; i++)
		for (size_t j = i + 1; j < 6; j++)
			assert_memory_not_equal(seen[i], seen[j], SHA256_BYTES);
}

/* Every length around the stream's end must hash like plain SHA-256. */
static void
a_text_of_any_length_hashes_as_if_it_were_one_stream(void **state)
{
	static char text[1200], stream[1400];
	uint8_t content[JOB_CONTENT_BYTES] = {0};
	uint8_t out[SHA256_BYTES], expected[SHA256_BYTES];

	(void)state;
	for (size_t len = 400; len < 1100; len++) {
		memset(text, 'e', len);
		text[len] = '\0';
		memset(stream, 0, sizeof(stream));
		memcpy(stream, "I\4\0\0\0file", 9);
		stream[9] = (char)(len & 0xff);
		stream[10] = (char)(len >> 8);
		memcpy(stream + 13, text, len);
		sha256_once(stream, 13 + len + JOB_CONTENT_BYTES, expected);
		job_hash_identity("file", text, content, out);
		assert_memory_equal(out, expected, SHA256_BYTES);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_first_event_hashes_to_the_known_value),
	    cmocka_unit_test(an_event_of_an_attempt_hashes_to_the_known_value),
	    cmocka_unit_test(
		a_long_detail_and_a_time_before_1970_hash_to_the_known_value),
	    cmocka_unit_test(no_detail_is_not_an_empty_detail),
	    cmocka_unit_test(every_field_of_an_event_is_covered),
	    cmocka_unit_test(
		a_seal_hashes_to_the_known_value_and_covers_every_field),
	    cmocka_unit_test(content_and_identity_hash_to_the_known_values),
	    cmocka_unit_test(
		an_attempt_key_is_the_known_value_for_text_and_for_a_journal_id),
	    cmocka_unit_test(
		keys_differ_by_every_field_and_by_where_fields_end),
	    cmocka_unit_test(
		a_text_of_any_length_hashes_as_if_it_were_one_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
