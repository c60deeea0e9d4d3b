#include "rules/rules_phone.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define DIGITS_MIN 7
#define DIGITS_MAX 15

enum err_code
rules_phone_normalise(
    const char *text, char out[RULES_PHONE_MAX], struct err *err)
{
	size_t len = strnlen(text, RULES_PHONE_INPUT_MAX + 1);
	size_t n = 0;

	if (len > RULES_PHONE_INPUT_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected a phone number, got more than %d bytes",
		    RULES_PHONE_INPUT_MAX);
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (strchr(" .-()[]", c) != NULL)
			continue;
		if (n == 0 && c != '+')
			return err_set(err, ERR_MALFORMED, 0,
			    "expected a phone number with '+' and country code "
			    "in front, such as +15125550100");
		if (n > 0 && (c < '0' || c > '9'))
			return err_set(err, ERR_MALFORMED, 0,
			    "expected only digits in a phone number behind its "
			    "'+'; byte %zu is none",
			    i + 1);
		if (n == 1 && c == '0')
			return err_set(err, ERR_MALFORMED, 0,
			    "expected a country code behind '+', got 0");
		if (n > DIGITS_MAX)
			return err_set(err, ERR_MALFORMED, 0,
			    "expected a phone number of at most %d digits",
			    DIGITS_MAX);
		out[n++] = c;
	}
	if (n < DIGITS_MIN + 1)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected a phone number of at least %d digits, such as "
		    "+15125550100, got %zu",
		    DIGITS_MIN, n > 0 ? n - 1 : 0);
	out[n] = '\0';
	return ERR_NONE;
}

enum err_code
rules_phone_parse(const char *text, int64_t *number, struct err *err)
{
	char e164[RULES_PHONE_MAX];
	enum err_code code = rules_phone_normalise(text, e164, err);

	if (code != ERR_NONE)
		return code;
	*number = 0;
	for (const char *p = e164 + 1; *p != '\0'; p++)
		*number = *number * 10 + (*p - '0');
	return ERR_NONE;
}

const char *
rules_phone_text(int64_t number, char out[RULES_PHONE_MAX])
{
	CHECK(number >= RULES_PHONE_LEAST && number <= RULES_PHONE_MOST);
	(void)snprintf(out, RULES_PHONE_MAX, "+%" PRId64, number);
	return out;
}
