#include <ctype.h>
#include <stdio.h>

#include "base/mem.h"

#include "fuzz.h"
#include "rules/rules_phone.h"

/*
 * Telephone numbers: one written form and one number, whatever stands around
 * the digits; and no error tells the digits, for it goes into logs.
 */

static void
check_shape(const char *normal)
{
	size_t digits = strlen(normal) - 1;

	CHECK(normal[0] == '+' && normal[1] >= '1' && normal[1] <= '9');
	CHECK(digits >= 7 && digits <= 15);
	CHECK(strspn(normal + 1, "0123456789") == digits);
}

/* Lengths may be told, and one example: of others two digits in a row. */
static void
check_silent(const struct err *err)
{
	static const char example[] = "+15125550100";
	size_t run = 0;

	for (const char *p = err->text; *p != '\0'; p++) {
		if (strncmp(p, example, sizeof(example) - 1) == 0)
			p += sizeof(example) - 1;
		run = isdigit((unsigned char)*p) ? run + 1 : 0;
		CHECK(run <= 2);
	}
}

/* The same number with something between all its characters. */
static void
check_decorated(const char *normal, uint8_t which)
{
	static const char marks[] = " .-()[]";
	char text[2 * RULES_PHONE_MAX];
	char again[RULES_PHONE_MAX];
	struct err err = {0};
	size_t n = 0;

	for (const char *p = normal; *p != '\0'; p++) {
		text[n++] = *p;
		text[n++] = marks[which++ % (sizeof(marks) - 1)];
	}
	text[n] = '\0';
	CHECK(rules_phone_normalise(text, again, &err) == ERR_NONE);
	CHECK(strcmp(again, normal) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = mem_strndup((const char *)bytes, len);
	char normal[RULES_PHONE_MAX] = "";
	char again[RULES_PHONE_MAX] = "";
	struct err err = {0};
	struct err other = {0};
	int64_t number = 0;
	enum err_code code = rules_phone_normalise(text, normal, &err);

	CHECK(rules_phone_parse(text, &number, &other) == code);
	if (code != ERR_NONE) {
		CHECK(code == ERR_MALFORMED);
		fuzz_refused(code, &err);
		fuzz_refused(code, &other);
		check_silent(&err);
	} else {
		CHECK(strlen(text) <= RULES_PHONE_INPUT_MAX);
		check_shape(normal);
		CHECK(
		    number >= RULES_PHONE_LEAST && number <= RULES_PHONE_MOST);
		CHECK(strcmp(rules_phone_text(number, again), normal) == 0);
		CHECK(rules_phone_normalise(normal, again, &err) == ERR_NONE);
		CHECK(strcmp(again, normal) == 0);
		check_decorated(normal, bytes[len - 1]);
	}
	mem_free(&text);
	return 0;
}
