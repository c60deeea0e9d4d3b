#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"

#define DAY_MS INT64_C(86400000)

bool
text_eq(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum err_code
text_i64(
    const char *text, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	char *end = NULL;
	const char *digits = *text == '-' ? text + 1 : text;

	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (*digits < '0' || *digits > '9' || *end != '\0')
		return err_set(err, ERR_MALFORMED, 0,
		    "expected a whole number, got \"%.40s\"", text);
	if (errno != 0 || v < min || v > max)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected a number from %lld to %lld, got \"%.40s\"",
		    (long long)min, (long long)max, text);
	*out = v;
	return ERR_NONE;
}

enum err_code
text_double(
    const char *text, double min, double max, double *out, struct err *err)
{
	char *end = NULL;
	double v = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !isfinite(v) || v < min || v > max)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected a number from %g to %g, got \"%.40s\"", min, max,
		    text);
	*out = v;
	return ERR_NONE;
}

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
    {"d", DAY_MS}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

enum err_code
text_duration_ms(const char *text, int64_t *out, struct err *err)
{
	int64_t n = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && i < 15; i++)
		n = n * 10 + (text[i] - '0');
	if (i > 0 && n == 0 && text[i] == '\0') {
		*out = 0;
		return ERR_NONE;
	}
	for (size_t u = 0; i > 0 && u < ARRAY_LEN(units); u++)
		if (strcmp(text + i, units[u].name) == 0 &&
		    n <= 3650 * DAY_MS / units[u].ms) {
			*out = n * units[u].ms;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "expected a duration such as 500ms, 30s, 10m, 4h or 2d, got "
	    "\"%.40s\"",
	    text);
}

const char *
text_of_duration(int64_t ms, char *buf, size_t size)
{
	size_t u = 0;

	while (u + 1 < ARRAY_LEN(units) && ms % units[u].ms != 0)
		u++;
	if (ms == 0)
		u = 3;
	(void)snprintf(
	    buf, size, "%lld%s", (long long)(ms / units[u].ms), units[u].name);
	return buf;
}

/* Days from civil and back: the era of 400 years starting on 1 March. */
int64_t
text_days_of_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void
text_date_of_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static bool
digits(const char **at, int count, int min, int max, int *out)
{
	*out = 0;
	for (int i = 0; i < count; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return *out >= min && *out <= max;
}

static bool
literal(const char **at, char a, char b)
{
	if (**at != a && **at != b)
		return false;
	(*at)++;
	return true;
}

static bool
fraction(const char **at, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (**at != '.')
		return true;
	(*at)++;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		*ms += (**at - '0') * scale;
	return true;
}

static bool
offset(const char **at, int *minutes)
{
	int h = 0;
	int m = 0;
	int sign = **at == '-' ? -1 : 1;

	*minutes = 0;
	if (literal(at, 'Z', 'z'))
		return true;
	if (!literal(at, '+', '-') || !digits(at, 2, 0, 23, &h) ||
	    !literal(at, ':', ':') || !digits(at, 2, 0, 59, &m))
		return false;
	*minutes = sign * (h * 60 + m);
	return true;
}

enum err_code
text_rfc3339_ms(const char *text, int64_t *out, struct err *err)
{
	const char *at = text;
	int y, mo, d, h, mi, s, ms, off;
	int cy, cm, cd;

	if (digits(&at, 4, 1, 9999, &y) && literal(&at, '-', '-') &&
	    digits(&at, 2, 1, 12, &mo) && literal(&at, '-', '-') &&
	    digits(&at, 2, 1, 31, &d) && literal(&at, 'T', 't') &&
	    digits(&at, 2, 0, 23, &h) && literal(&at, ':', ':') &&
	    digits(&at, 2, 0, 59, &mi) && literal(&at, ':', ':') &&
	    digits(&at, 2, 0, 60, &s) && fraction(&at, &ms) &&
	    offset(&at, &off) && *at == '\0') {
		int64_t days = text_days_of_date(y, mo, d);

		text_date_of_days(days, &cy, &cm, &cd);
		if (cm == mo && cd == d) {
			*out = days * DAY_MS +
			       ((h * 60 + mi - off) * INT64_C(60) + s) * 1000 +
			       ms;
			return ERR_NONE;
		}
	}
	return err_set(err, ERR_MALFORMED, 0,
	    "expected a time such as 2026-01-05T09:00:00Z, got \"%.40s\"",
	    text);
}

/* n with leading zeros, and what follows it. */
static char *
put_digits(char *to, int n, int width, char then)
{
	for (int i = width; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	to[width] = then;
	return to + width + 1;
}

const char *
text_of_time(int64_t unix_ms, char buf[TEXT_TIME_MAX])
{
	int64_t days = unix_ms / DAY_MS - (unix_ms % DAY_MS < 0);
	int64_t ms = unix_ms % DAY_MS + (unix_ms % DAY_MS < 0 ? DAY_MS : 0);
	int y, m, d;

	text_date_of_days(days, &y, &m, &d);
	if (y < 0 || y > 9999) {
		(void)snprintf(buf, TEXT_TIME_MAX,
		    "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", y, m, d,
		    (int)(ms / 3600000), (int)(ms / 60000 % 60),
		    (int)(ms / 1000 % 60), (int)(ms % 1000));
		return buf;
	}
	/* Results and log lines are full of times, and snprintf is slow. */
	char *to = put_digits(buf, y, 4, '-');

	to = put_digits(to, m, 2, '-');
	to = put_digits(to, d, 2, 'T');
	to = put_digits(to, (int)(ms / 3600000), 2, ':');
	to = put_digits(to, (int)(ms / 60000 % 60), 2, ':');
	to = put_digits(to, (int)(ms / 1000 % 60), 2, '.');
	*put_digits(to, (int)(ms % 1000), 3, 'Z') = '\0';
	return buf;
}

const char *
text_hex(const void *bytes, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex[p[i] >> 4];
		out[2 * i + 1] = hex[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
text_unhex(const char *text, void *bytes, size_t len)
{
	uint8_t *p = bytes;

	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int hi = nibble(text[2 * i]);
		int lo = nibble(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* Levenshtein with adjacent swaps, over at most 31 letters of each. */
static size_t
distance(const char *a, const char *b)
{
	size_t d[32][32];
	size_t n = strnlen(a, 31);
	size_t m = strnlen(b, 31);

	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

const char *
text_nearest(const char *text, const char *const *words)
{
	const char *nearest = NULL;
	size_t least = strlen(text) / 3 + 1;

	for (; *words != NULL; words++) {
		size_t d = distance(text, *words);

		if (d <= least && (nearest == NULL || d < least)) {
			nearest = *words;
			least = d;
		}
	}
	return nearest;
}

const char *
text_file_safe(const char *text, char out[TEXT_FILE_MAX])
{
	size_t n = 0;
	bool cut = *text == '.' || *text == '\0';

	for (const char *p = text; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || *p == '_' ||
			     *p == '-' || (*p == '.' && n > 0);

		if (n + 3 > 100) {
			cut = true;
			break;
		}
		if (plain)
			out[n++] = *p;
		else
			n += (size_t)snprintf(
			    out + n, 4, "%%%02X", (unsigned)(uint8_t)*p);
	}
	out[n] = '\0';
	if (cut) {
		uint8_t hash[SHA256_BYTES];

		sha256_once(text, strlen(text), hash);
		out[n++] = '~';
		(void)text_hex(hash, 8, out + n);
	}
	return out;
}

/* Bytes of the character that starts here, 0 when it is not well formed. */
static size_t
utf8_length(const uint8_t *p, size_t left)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} shapes[] = {{0x80, 0x00, 1}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800},
	    {0xf8, 0xf0, 0x10000}};

	for (size_t n = 0; n < ARRAY_LEN(shapes); n++) {
		if ((p[0] & shapes[n].mask) != shapes[n].lead)
			continue;
		uint32_t c = p[0] & (uint8_t)~shapes[n].mask;

		if (n >= left)
			return 0;
		for (size_t i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < shapes[n].least || c > 0x10ffff ||
		    (c >= 0xd800 && c <= 0xdfff))
			return 0;
		return n + 1;
	}
	return 0;
}

bool
text_is_utf8(const char *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes;

	while (len > 0) {
		size_t n = *p > 0 && *p < 0x80 ? 1 : utf8_length(p, len);

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}
