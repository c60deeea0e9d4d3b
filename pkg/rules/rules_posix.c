#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "rules/rules_posix_priv.h"

#define DAY_S 86400
#define RULE_HOURS_MAX 167 /* RFC 8536, 3.3.1 */
#define ZONE_HOURS_MAX 24

/* What is left of the text; every reader takes from its front. */
struct cursor {
	const char *at;
	const char *end;
};

static bool
take(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool
is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool
take_number(struct cursor *c, int min, int max, int *out)
{
	int n = 0;

	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->at++) {
		n = n * 10 + (*c->at - '0');
		if (n > max)
			return false;
	}
	*out = n;
	return n >= min;
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "EST", or in angle brackets with digits and signs too; at least 3. */
static bool
take_name(struct cursor *c)
{
	bool quoted = take(c, '<');
	const char *first = c->at;

	while (c->at < c->end &&
	       (is_letter(*c->at) ||
		   (quoted && (is_digit(c) || *c->at == '+' || *c->at == '-'))))
		c->at++;
	return c->at - first >= 3 && (!quoted || take(c, '>'));
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool
take_time(struct cursor *c, int hours_max, int32_t *out)
{
	int sign = take(c, '-') ? -1 : 1;
	int h, m = 0, s = 0;

	if (sign > 0)
		(void)take(c, '+');
	if (!take_number(c, 0, hours_max, &h))
		return false;
	if (take(c, ':')) {
		if (!take_number(c, 0, 59, &m))
			return false;
		if (take(c, ':') && !take_number(c, 0, 59, &s))
			return false;
	}
	*out = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool
take_day(struct cursor *c, struct rules_posix_day *d)
{
	bool fine;

	memset(d, 0, sizeof(*d));
	d->time_s = 2 * 3600;
	if (take(c, 'M')) {
		d->kind = RULES_POSIX_MONTH;
		fine = take_number(c, 1, 12, &d->month) && take(c, '.') &&
		       take_number(c, 1, 5, &d->week) && take(c, '.') &&
		       take_number(c, 0, 6, &d->weekday);
	} else if (take(c, 'J')) {
		d->kind = RULES_POSIX_JULIAN;
		fine = take_number(c, 1, 365, &d->day);
	} else {
		d->kind = RULES_POSIX_YEARDAY;
		fine = take_number(c, 0, 365, &d->day);
	}
	if (fine && take(c, '/'))
		fine = take_time(c, RULE_HOURS_MAX, &d->time_s);
	return fine;
}

static bool
take_rule(struct cursor *c, struct rules_posix *p)
{
	memset(p, 0, sizeof(*p));
	if (!take_name(c) || !take_time(c, ZONE_HOURS_MAX, &p->standard_s))
		return false;
	/* POSIX counts west of Greenwich. */
	p->standard_s = -p->standard_s;
	if (c->at == c->end)
		return true;
	if (!take_name(c))
		return false;
	p->has_daylight = true;
	p->daylight_s = p->standard_s + 3600;
	if (c->at < c->end && *c->at != ',') {
		if (!take_time(c, ZONE_HOURS_MAX, &p->daylight_s))
			return false;
		p->daylight_s = -p->daylight_s;
	}
	return take(c, ',') && take_day(c, &p->start) && take(c, ',') &&
	       take_day(c, &p->end) && c->at == c->end;
}

enum err_code
rules_posix_parse(
    const char *text, size_t len, struct rules_posix *out, struct err *err)
{
	struct cursor c = {text, text + len};

	if (!take_rule(&c, out))
		return err_set(err, ERR_MALFORMED, 0,
		    "its last line is no POSIX TZ rule (byte %d of it)",
		    (int)(c.at - text) + 1);
	return ERR_NONE;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Day number of a rule's day in that year. */
static int64_t
day_in(const struct rules_posix_day *d, int year)
{
	int64_t first = text_days_of_date(year, 1, 1);
	int64_t day, next;

	if (d->kind == RULES_POSIX_YEARDAY)
		return first + d->day;
	if (d->kind == RULES_POSIX_JULIAN)
		return first + d->day - 1 + (is_leap(year) && d->day >= 60);
	/* 1970-01-01 was a Thursday: day number 0 is weekday 4. */
	first = text_days_of_date(year, d->month, 1);
	next = d->month == 12 ? text_days_of_date(year + 1, 1, 1)
			      : text_days_of_date(year, d->month + 1, 1);
	day = first + (d->weekday - (first + 4) % 7 + 14) % 7;
	day += INT64_C(7) * (d->week - 1);
	return day < next ? day : day - 7;
}

struct change {
	int64_t at_s;
	bool to_daylight;
};

/*
 * Every change from the year before to the year after: negative and long hours
 * reach over a year's end.
 */
#define CHANGES 8
static void
changes_around(
    const struct rules_posix *p, int64_t unix_s, struct change list[CHANGES])
{
	int64_t days = unix_s / DAY_S - (unix_s % DAY_S < 0);
	int year, month, day;

	text_date_of_days(days, &year, &month, &day);
	for (int i = 0; i < CHANGES / 2; i++) {
		int y = year - 1 + i;

		list[2 * i] =
		    (struct change){day_in(&p->start, y) * DAY_S +
					p->start.time_s - p->standard_s,
			true};
		list[2 * i + 1] = (struct change){
		    day_in(&p->end, y) * DAY_S + p->end.time_s - p->daylight_s,
		    false};
	}
}

int32_t
rules_posix_offset(const struct rules_posix *p, int64_t unix_s)
{
	struct change list[CHANGES];
	struct change last = {INT64_MIN, false};

	if (!p->has_daylight)
		return p->standard_s;
	changes_around(p, unix_s, list);
	/* Two at one instant: daylight time all year, written as a rule. */
	for (size_t i = 0; i < CHANGES; i++)
		if (list[i].at_s <= unix_s &&
		    (list[i].at_s > last.at_s ||
			(list[i].at_s == last.at_s && list[i].to_daylight)))
			last = list[i];
	return last.to_daylight ? p->daylight_s : p->standard_s;
}

int64_t
rules_posix_next(const struct rules_posix *p, int64_t unix_s)
{
	struct change list[CHANGES];
	int64_t next = INT64_MAX;

	if (!p->has_daylight)
		return next;
	changes_around(p, unix_s, list);
	for (size_t i = 0; i < CHANGES; i++)
		if (list[i].at_s > unix_s && list[i].at_s < next)
			next = list[i].at_s;
	return next;
}
