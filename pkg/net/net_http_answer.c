#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_http.h"

#define DAY_MS INT64_C(86400000)
#define SHOWN_MAX 160

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A line that begins with a blank continues the one before: no name. */
bool
net_http_header(const struct net_http_request *r, const char *name,
    const char **out, size_t *len)
{
	const char *at = r->headers_in.bytes;
	size_t left = r->headers_in.len;
	size_t name_len = strlen(name);

	while (left > 0) {
		const char *end = memchr(at, '\n', left);
		size_t line = end != NULL ? (size_t)(end - at) : left;
		size_t stop = line;

		if (line > name_len && at[name_len] == ':' &&
		    strncasecmp(at, name, name_len) == 0) {
			size_t begin = name_len + 1;

			while (stop > begin &&
			       (is_blank(at[stop - 1]) || at[stop - 1] == '\r'))
				stop--;
			while (begin < stop && is_blank(at[begin]))
				begin++;
			*out = at + begin;
			*len = stop - begin;
			return true;
		}
		if (end == NULL)
			break;
		at += line + 1;
		left -= line + 1;
	}
	return false;
}

/* --- Dates of RFC 9110, section 5.6.7 ---------------------------------------
 */

struct scan {
	const char *at;
	size_t left;
	bool bad;
};

struct date {
	int year, month, day;
	int hour, minute, second;
};

static void
expect(struct scan *s, const char *text)
{
	size_t len = strlen(text);

	if (s->left < len || memcmp(s->at, text, len) != 0) {
		s->bad = true;
		return;
	}
	s->at += len;
	s->left -= len;
}

static int
digits(struct scan *s, size_t count)
{
	int n = 0;

	if (s->left < count) {
		s->bad = true;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (!isdigit((unsigned char)s->at[i]))
			s->bad = true;
		n = n * 10 + (s->at[i] - '0');
	}
	s->at += count;
	s->left -= count;
	return s->bad ? 0 : n;
}

/* Letters: a day of the week, which says nothing that the date does not. */
static size_t
skip_letters(struct scan *s)
{
	size_t n = 0;

	while (s->left > 0 && isalpha((unsigned char)*s->at)) {
		s->at++;
		s->left--;
		n++;
	}
	if (n < 3)
		s->bad = true;
	return n;
}

static int
month(struct scan *s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12 && s->left >= 3; i++)
		if (memcmp(s->at, names + i * 3, 3) == 0) {
			s->at += 3;
			s->left -= 3;
			return i + 1;
		}
	s->bad = true;
	return 1;
}

static void
clock_of_day(struct scan *s, struct date *d)
{
	d->hour = digits(s, 2);
	expect(s, ":");
	d->minute = digits(s, 2);
	expect(s, ":");
	d->second = digits(s, 2);
}

/* "06 Nov 1994 08:49:37 GMT", "06-Nov-94 08:49:37 GMT" after the comma. */
static void
after_comma(struct scan *s, struct date *d)
{
	expect(s, ", ");
	d->day = digits(s, 2);
	bool dashes = s->left > 0 && *s->at == '-';
	const char *between = dashes ? "-" : " ";
	expect(s, between);
	d->month = month(s);
	expect(s, between);
	d->year = digits(s, dashes ? 2 : 4);
	if (dashes)
		d->year += d->year < 70 ? 2000 : 1900;
	expect(s, " ");
	clock_of_day(s, d);
	expect(s, " GMT");
}

/* "Nov  6 08:49:37 1994" after the day of the week. */
static void
asctime_form(struct scan *s, struct date *d)
{
	expect(s, " ");
	d->month = month(s);
	expect(s, " ");
	if (s->left > 0 && *s->at == ' ') {
		expect(s, " ");
		d->day = digits(s, 1);
	} else {
		d->day = digits(s, 2);
	}
	expect(s, " ");
	clock_of_day(s, d);
	expect(s, " ");
	d->year = digits(s, 4);
}

/* A day that its month does not have comes back as another. */
static bool
is_date(const struct date *d)
{
	int year;
	int mon;
	int day;

	if (d->year < 1970 || d->day < 1 || d->day > 31 || d->hour > 23 ||
	    d->minute > 59 || d->second > 60)
		return false;
	text_date_of_days(
	    text_days_of_date(d->year, d->month, d->day), &year, &mon, &day);
	return year == d->year && mon == d->month && day == d->day;
}

static int64_t
date_ms(const char *text, size_t len)
{
	struct scan s = {text, len, false};
	struct date d = {0, 0, 0, 0, 0, 0};

	(void)skip_letters(&s);
	if (s.left > 0 && *s.at == ',')
		after_comma(&s, &d);
	else
		asctime_form(&s, &d);
	if (s.bad || s.left > 0 || !is_date(&d))
		return -1;
	return text_days_of_date(d.year, d.month, d.day) * DAY_MS +
	       ((int64_t)(d.hour * 60 + d.minute) * 60 + d.second) * 1000;
}

int64_t
net_http_date_ms(const struct net_http_request *r)
{
	const char *text;
	size_t len;

	return net_http_header(r, "Date", &text, &len) ? date_ms(text, len)
						       : -1;
}

static int64_t
within_day(int64_t ms)
{
	return ms < 0 ? 0 : ms > DAY_MS ? DAY_MS : ms;
}

int64_t
net_http_retry_after_ms(const struct net_http_request *r, int64_t now_ms)
{
	const char *text;
	size_t len;
	int64_t seconds = 0;
	int64_t at;

	if (!net_http_header(r, "Retry-After", &text, &len) || len == 0)
		return -1;
	if (!isdigit((unsigned char)text[0])) {
		at = date_ms(text, len);
		if (at < 0)
			return -1;
		return now_ms >= at ? 0 : within_day(at - now_ms);
	}
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		if (seconds <= DAY_MS)
			seconds = seconds * 10 + (text[i] - '0');
	}
	return within_day(seconds * 1000);
}

/* --- Statuses --------------------------------------------------------------
 */

/* What can be printed of the body's first line that has anything. */
static void
first_line(const struct buf *body, char out[SHOWN_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < body->len && n < SHOWN_MAX; i++) {
		char c = body->bytes[i];

		if (c == '\n' || c == '\r') {
			if (n > 0)
				break;
			continue;
		}
		out[n++] = c >= ' ' && c < 0x7f ? c : '?';
	}
	out[n] = '\0';
}

static enum err_code
status_code(int status)
{
	switch (status) {
	case 408:
		return ERR_TIMEOUT;
	case 429:
	case 503:
		return ERR_THROTTLED;
	case 425:
		return ERR_UNREACHABLE;
	default:
		return status >= 500 ? ERR_UNREACHABLE : ERR_REJECTED;
	}
}

enum err_code
net_http_status(const struct net_http_request *r, struct err *err)
{
	char line[SHOWN_MAX + 1];

	if (r->status >= 200 && r->status < 300)
		return ERR_NONE;
	first_line(&r->body_in, line);
	return err_set(err, status_code(r->status), r->status,
	    "answered %d%s%s", r->status, line[0] != '\0' ? ": " : "", line);
}
