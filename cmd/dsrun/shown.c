#include "shown.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include "rules/rules_phone.h"

const char *
shown_time(int64_t unix_ms, char buf[SHOWN_MAX])
{
	char text[TEXT_TIME_MAX];

	if (unix_ms <= 0)
		return strcpy(buf, "-");
	(void)text_of_time(unix_ms, text);
	(void)snprintf(buf, SHOWN_MAX, "%.10s %.8sZ", text, text + 11);
	return buf;
}

const char *
shown_age(int64_t ms, char buf[SHOWN_MAX])
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"},
	    {0, ""}};
	size_t i = 0;

	while (units[i + 1].ms != 0 && ms < units[i].ms)
		i++;
	long long big = ms > 0 ? ms / units[i].ms : 0;
	long long small = units[i + 1].ms != 0 && ms > 0
			      ? ms % units[i].ms / units[i + 1].ms
			      : 0;

	if (small > 0)
		(void)snprintf(buf, SHOWN_MAX, "%lld%s %lld%s", big,
		    units[i].unit, small, units[i + 1].unit);
	else
		(void)snprintf(buf, SHOWN_MAX, "%lld%s", big, units[i].unit);
	return buf;
}

const char *
shown_bytes(int64_t n, char buf[SHOWN_MAX])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	size_t i = 0;

	for (; n >= 10240 && i + 1 < ARRAY_LEN(units); i++)
		n = (n + 512) / 1024;
	(void)snprintf(buf, SHOWN_MAX, "%lld %s", (long long)n, units[i]);
	return buf;
}

const char *
shown_phone(int64_t number, bool full, char buf[SHOWN_MAX])
{
	char text[RULES_PHONE_MAX];
	char masked[24];

	if (number == 0)
		return strcpy(buf, "-");
	(void)rules_phone_text(number, text);
	(void)snprintf(
	    buf, SHOWN_MAX, "%s", full ? text : log_mask_phone(text, masked));
	return buf;
}

static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:/@+=%";

char *
shown_word(const char *text)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	if (*text != '\0' && strspn(text, plain) == strlen(text))
		return mem_strdup(text);
	buf_putc(&b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_puts(&b, "'\\''");
		else
			buf_putc(&b, *text);
	}
	buf_putc(&b, '\'');
	return b.bytes;
}
