#include "base/mem.h"
#include "base/text.h"

#include "fuzz.h"

/*
 * The small readers of base/text: what they read they write, and what was
 * written reads as the same.
 */

static void
check_time(const char *text)
{
	char again[TEXT_TIME_MAX];
	struct err err = {0};
	int64_t ms = 0;
	int64_t same = -1;

	if (text_rfc3339_ms(text, &ms, &err) != ERR_NONE) {
		fuzz_refused(ERR_MALFORMED, &err);
		return;
	}
	(void)text_of_time(ms, again);
	/* An offset may lead out of the years that can be written. */
	if (again[4] != '-' || strncmp(again, "0000", 4) == 0)
		return;
	CHECK(text_rfc3339_ms(again, &same, &err) == ERR_NONE && same == ms);
}

static void
check_duration(const char *text)
{
	char again[24];
	struct err err = {0};
	int64_t ms = 0;
	int64_t same = -1;

	if (text_duration_ms(text, &ms, &err) != ERR_NONE) {
		fuzz_refused(ERR_MALFORMED, &err);
		return;
	}
	CHECK(ms >= 0 && ms <= INT64_C(3650) * 86400000);
	(void)text_of_duration(ms, again, sizeof(again));
	CHECK(strlen(again) <= strlen(text) + 1);
	CHECK(text_duration_ms(again, &same, &err) == ERR_NONE && same == ms);
}

static void
check_numbers(const char *text)
{
	struct err err = {0};
	int64_t v = 0;
	int64_t same = 0;
	double d = 0;

	if (text_i64(text, -1000, INT64_MAX, &v, &err) == ERR_NONE) {
		char *again = mem_printf("%lld", (long long)v);

		CHECK(v >= -1000);
		CHECK(text_i64(again, v, v, &same, &err) == ERR_NONE);
		CHECK(same == v);
		CHECK(text_double(text, -1e4, 1e19, &d, &err) == ERR_NONE);
		mem_free(&again);
	} else {
		fuzz_refused(ERR_MALFORMED, &err);
	}
	if (text_double(text, -0.5, 1e6, &d, &err) == ERR_NONE)
		CHECK(d >= -0.5 && d <= 1e6);
	else
		fuzz_refused(ERR_MALFORMED, &err);
}

static void
check_file_name(const char *text)
{
	char safe[TEXT_FILE_MAX];
	char again[TEXT_FILE_MAX];
	size_t n;

	(void)text_file_safe(text, safe);
	n = strlen(safe);
	CHECK(n > 0 && n < TEXT_FILE_MAX && safe[0] != '.');
	CHECK(strspn(safe, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "abcdefghijklmnopqrstuvwxyz_-.%~") == n);
	/* A name that needed nothing stays. */
	if (strcmp(safe, text) == 0)
		CHECK(strcmp(text_file_safe(safe, again), safe) == 0);
}

static void
check_hex(const char *text, size_t len)
{
	uint8_t bytes[128];
	char again[2 * sizeof(bytes) + 1];
	size_t n = len / 2 < sizeof(bytes) ? len / 2 : sizeof(bytes);

	(void)text_hex(text, n, again);
	CHECK(text_unhex(again, bytes, n) && memcmp(bytes, text, n) == 0);
	if (!text_unhex(text, bytes, n))
		return;
	CHECK(strlen(text) == 2 * n);
	(void)text_hex(bytes, n, again);
	for (size_t i = 0; i < 2 * n; i++)
		CHECK((again[i] | 0x20) == (text[i] | 0x20));
}

static void
check_nearest(const char *text)
{
	static const char *const words[] = {
	    "phone", "kind", "campaignId", "contact.first_name", NULL};
	const char *near = text_nearest(text, words);

	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			CHECK(near == words[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = mem_strndup((const char *)bytes, len);
	size_t n = strlen(text);

	check_time(text);
	check_duration(text);
	check_numbers(text);
	check_file_name(text);
	check_hex(text, n);
	check_nearest(text);
	if (text_is_utf8((const char *)bytes, len))
		CHECK(n == len);
	mem_free(&text);
	return 0;
}
