#include "rules/rules_zone.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "rules/rules_posix_priv.h"

/* Of the format (RFC 8536) and of tzfile.h. */
#define HEADER_BYTES 44
#define TIMES_MAX 2000
#define TYPES_MAX 256
#define CHARS_MAX 512
#define FOOTER_MAX 128
#define OFFSET_MAX_S (26 * 3600)

struct rules_zone {
	char name[RULES_ZONE_NAME_MAX];
	size_t count;  /* of transitions */
	int64_t *at_s; /* ascending */
	uint8_t *type; /* from then on */
	size_t types;
	int32_t offset_s[TYPES_MAX];
	bool has_rule;
	struct rules_posix rule; /* after the last transition */
};

/* The header's counts, in the order of the file. */
struct header {
	uint32_t utc, std, leap, times, types, chars;
};

static uint32_t
big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static int64_t
big64(const uint8_t *p)
{
	return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

static enum err_code
read_header(const uint8_t *p, size_t len, struct header *h, struct err *err)
{
	if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
		return err_set(
		    err, ERR_MALFORMED, 0, "is not a time zone file of tzdata");
	if (p[4] < '2')
		return err_set(err, ERR_MALFORMED, 0,
		    "is of TZif version 1, which ends in 2037: install a "
		    "tzdata with version 2 or later");
	*h = (struct header){big32(p + 20), big32(p + 24), big32(p + 28),
	    big32(p + 32), big32(p + 36), big32(p + 40)};
	if (h->times > TIMES_MAX || h->types > TYPES_MAX || h->types == 0 ||
	    h->chars > CHARS_MAX || h->utc > TYPES_MAX || h->std > TYPES_MAX ||
	    h->leap > TIMES_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "has a damaged header: a count is out of range");
	return ERR_NONE;
}

/* Bytes of the data behind a header whose times are of that width. */
static size_t
data_bytes(const struct header *h, size_t width)
{
	return h->times * (width + 1) + h->types * 6 + h->chars +
	       h->leap * (width + 4) + h->std + h->utc;
}

static enum err_code
read_data(struct rules_zone *z, const uint8_t *p, const struct header *h,
    struct err *err)
{
	const uint8_t *types = p + h->times * 9;

	z->count = h->times;
	z->at_s = mem_zalloc(z->count, sizeof(z->at_s[0]));
	z->type = mem_zalloc(z->count, 1);
	z->types = h->types;
	for (size_t i = 0; i < z->types; i++) {
		z->offset_s[i] = (int32_t)big32(types + 6 * i);
		if (z->offset_s[i] < -OFFSET_MAX_S ||
		    z->offset_s[i] > OFFSET_MAX_S)
			return err_set(err, ERR_MALFORMED, 0,
			    "has an offset of %d s: out of range",
			    (int)z->offset_s[i]);
	}
	for (size_t i = 0; i < z->count; i++) {
		z->at_s[i] = big64(p + 8 * i);
		z->type[i] = p[h->times * 8 + i];
		if (z->type[i] >= z->types ||
		    (i > 0 && z->at_s[i] <= z->at_s[i - 1]))
			return err_set(err, ERR_MALFORMED, 0,
			    "has a damaged transition (number %zu)", i + 1);
	}
	return ERR_NONE;
}

/* "\n" rule "\n"; an empty rule leaves the last type in force. */
static enum err_code
read_footer(struct rules_zone *z, const uint8_t *p, size_t len, struct err *err)
{
	const char *text = (const char *)p + 1;
	const char *end = len < 2 ? NULL : memchr(text, '\n', len - 1);

	if (end == NULL || p[0] != '\n' || end - text > FOOTER_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "is cut short: its last line is missing");
	if (end == text)
		return ERR_NONE;
	z->has_rule = true;
	return rules_posix_parse(text, (size_t)(end - text), &z->rule, err);
}

static enum err_code
read_all(struct rules_zone *z, const uint8_t *p, size_t len, struct err *err)
{
	struct header h;
	enum err_code code = read_header(p, len, &h, err);

	if (code != ERR_NONE)
		return code;
	/* The first block is for readers that know 32 bits only. */
	size_t skip = HEADER_BYTES + data_bytes(&h, 4);

	if (skip > len)
		return err_set(err, ERR_MALFORMED, 0, "is cut short");
	p += skip;
	len -= skip;
	code = read_header(p, len, &h, err);
	if (code != ERR_NONE)
		return code;
	if (h.leap > 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "counts leap seconds, which Unix time has not: take the "
		    "zone of that name outside of \"right/\"");
	if (HEADER_BYTES + data_bytes(&h, 8) > len)
		return err_set(err, ERR_MALFORMED, 0, "is cut short");
	code = read_data(z, p + HEADER_BYTES, &h, err);
	if (code != ERR_NONE)
		return code;
	return read_footer(z, p + HEADER_BYTES + data_bytes(&h, 8),
	    len - HEADER_BYTES - data_bytes(&h, 8), err);
}

enum err_code
rules_zone_parse(const void *bytes, size_t len, const char *name,
    struct rules_zone **out, struct err *err)
{
	struct rules_zone *z = mem_zalloc(1, sizeof(*z));
	enum err_code code;

	*out = NULL;
	(void)snprintf(z->name, sizeof(z->name), "%s", name);
	code = read_all(z, bytes, len, err);
	if (code != ERR_NONE) {
		rules_zone_free(&z);
		return err_wrap(err, "time zone \"%.64s\"", name);
	}
	*out = z;
	return ERR_NONE;
}

void
rules_zone_free(struct rules_zone **z)
{
	if (*z == NULL)
		return;
	mem_free(&(*z)->at_s);
	mem_free(&(*z)->type);
	mem_free(z);
}

/* Parts of letters, digits, '_', '+' and '-' with single slashes between. */
static bool
is_name(const char *name)
{
	size_t len = strnlen(name, RULES_ZONE_NAME_MAX);
	char before = '/';

	if (len == 0 || len == RULES_ZONE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '_' || c == '+' ||
			     c == '-';

		if (!plain && (c != '/' || before == '/'))
			return false;
		before = c;
	}
	return before != '/';
}

enum err_code
rules_zone_load(struct env *env, const char *dir, const char *name,
    struct rules_zone **out, struct err *err)
{
	char *path;
	char *bytes = NULL;
	size_t len = 0;
	struct env_stat st;
	enum err_code code;

	*out = NULL;
	if (!is_name(name))
		return err_set(err, ERR_NOT_FOUND, 0,
		    "\"%.40s\" is no name of a time zone: expected one such as "
		    "America/New_York",
		    name);
	dir = dir == NULL ? RULES_ZONE_DIR : dir;
	path = mem_printf("%s/%s", dir, name);
	code = env_stat(env, path, &st, err);
	if (code == ERR_NOT_FOUND || (code == ERR_NONE && st.is_dir))
		code = err_set(err, ERR_NOT_FOUND, 0,
		    "no time zone \"%s\" in %s: correct the name, or install "
		    "the package tzdata",
		    name, dir);
	if (code == ERR_NONE)
		code = env_read_whole(
		    env, path, RULES_ZONE_BYTES_MAX, &bytes, &len, err);
	if (code == ERR_NONE)
		code = rules_zone_parse(bytes, len, name, out, err);
	mem_free(&bytes);
	mem_free(&path);
	return code;
}

const char *
rules_zone_name(const struct rules_zone *z)
{
	return z->name;
}

/* How many transitions lie at or before that instant. */
static size_t
passed(const struct rules_zone *z, int64_t unix_s)
{
	size_t low = 0;
	size_t high = z->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->at_s[mid] <= unix_s)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int32_t
offset_at(const struct rules_zone *z, int64_t unix_s)
{
	size_t n = passed(z, unix_s);

	if (n == z->count && z->has_rule)
		return rules_posix_offset(&z->rule, unix_s);
	/* Type 0 stands for the time before the first transition. */
	return z->offset_s[n == 0 ? 0 : z->type[n - 1]];
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

void
rules_zone_local(
    const struct rules_zone *z, int64_t unix_ms, struct rules_local *out)
{
	int64_t unix_s = floor_div(unix_ms, 1000);
	int64_t local_s;

	out->offset_s = offset_at(z, unix_s);
	local_s = unix_s + out->offset_s;
	out->date = floor_div(local_s, 86400);
	out->minute = (int)((local_s - out->date * 86400) / 60);
	/* Day number 0 was a Thursday. */
	out->weekday = (int)((out->date % 7 + 7 + 3) % 7);
	text_date_of_days(out->date, &out->year, &out->month, &out->day);
}

int64_t
rules_zone_next_change_ms(const struct rules_zone *z, int64_t unix_ms)
{
	int64_t unix_s = floor_div(unix_ms, 1000);
	size_t n = passed(z, unix_s);
	int64_t next_s = n < z->count  ? z->at_s[n]
			 : z->has_rule ? rules_posix_next(&z->rule, unix_s)
				       : INT64_MAX;

	if (next_s > INT64_MAX / 1000)
		return INT64_MAX;
	return next_s < INT64_MIN / 1000 ? INT64_MIN : next_s * 1000;
}
