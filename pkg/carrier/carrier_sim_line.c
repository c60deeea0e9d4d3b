#include "carrier/carrier_sim_line.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

static const char *const evs[CARRIER_SIM_EV_COUNT] = {"origin", "boot",
    "request", "placed", "answered", "ended", "refused", "taken"};
static const char *const bys[CARRIER_SIM_BY_COUNT] = {
    "", "callee", "agent", "network"};
static const char *const codes[CARRIER_SIM_CODE_COUNT] = {
    "", "bad-number", "rejected", "limit"};

/* A place in a line that is being read; a scan function that fails returns
 * false and leaves the place anywhere. */
struct scan {
	const char *at;
	const char *end;
};

static void
skip_blanks(struct scan *s)
{
	while (s->at < s->end &&
	       (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

static bool
skip_char(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool
scan_hex4(struct scan *s, unsigned *out)
{
	uint8_t bytes[2];
	char text[5];

	if (s->end - s->at < 4)
		return false;
	memcpy(text, s->at, 4);
	text[4] = '\0';
	if (!text_unhex(text, bytes, 2))
		return false;
	*out = (unsigned)bytes[0] << 8 | bytes[1];
	s->at += 4;
	return true;
}

/* What follows a backslash; code points above ASCII never stand in what this
 * network writes, so an escaped one is refused. */
static bool
scan_escape(struct scan *s, char *out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	unsigned code;

	if (s->at == s->end)
		return false;
	char c = *s->at++;
	if (c == 'u') {
		if (!scan_hex4(s, &code) || code == 0 || code > 0x7F)
			return false;
		*out = (char)code;
		return true;
	}
	const char *found = c != '\0' ? strchr(from, c) : NULL;
	if (found == NULL)
		return false;
	*out = to[found - from];
	return true;
}

/* out NULL: skip it.  False also when it does not fit. */
static bool
scan_string(struct scan *s, char *out, size_t size)
{
	size_t n = 0;

	if (!skip_char(s, '"'))
		return false;
	while (s->at < s->end && *s->at != '"') {
		char c = *s->at++;

		if ((unsigned char)c < 0x20)
			return false;
		if (c == '\\' && !scan_escape(s, &c))
			return false;
		if (out == NULL)
			continue;
		if (n + 1 >= size)
			return false;
		out[n++] = c;
	}
	if (out != NULL)
		out[n] = '\0';
	return skip_char(s, '"');
}

static bool
scan_i64(struct scan *s, int64_t *out)
{
	bool minus;
	uint64_t v = 0;
	size_t digits = 0;

	skip_blanks(s);
	minus = skip_char(s, '-');
	for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
		if (++digits > 19)
			return false;
		v = v * 10 + (uint64_t)(*s->at - '0');
	}
	if (v > INT64_MAX)
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return digits > 0 &&
	       (s->at == s->end || strchr(",}] \t\r", *s->at) != NULL);
}

/* Any value at all; brackets are counted, not matched in kind. */
static bool
skip_value(struct scan *s)
{
	int depth = 0;

	skip_blanks(s);
	const char *begin = s->at;
	while (s->at < s->end) {
		char c = *s->at;

		if (c == '"') {
			if (!scan_string(s, NULL, 0))
				return false;
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			break;
		if (c == '{' || c == '[')
			depth++;
		if (c == '}' || c == ']')
			depth--;
		s->at++;
	}
	return depth == 0 && s->at > begin;
}

enum member_kind {
	MEMBER_I64,
	MEMBER_STR,
	MEMBER_HASH,
	MEMBER_RAW,
	MEMBER_EV,
	MEMBER_OUTCOME,
	MEMBER_BY,
	MEMBER_CODE
};

#define AT(field) offsetof(struct carrier_sim_line, field)
#define SIZE(field) sizeof(((struct carrier_sim_line *)NULL)->field)
#define E(ev) (1U << CARRIER_SIM_##ev)
#define ALL ((1U << CARRIER_SIM_EV_COUNT) - 1)
#define CALLS (E(REQUEST) | E(PLACED) | E(ANSWERED) | E(ENDED) | E(REFUSED))

/* Every member: its name, where it goes, and which lines must have it. */
static const struct member {
	const char *name;
	enum member_kind kind;
	size_t at;
	size_t size;
	unsigned needed;
} members[] = {
    {"at_ms", MEMBER_I64, AT(at_ms), 0, ALL},
    {"ev", MEMBER_EV, AT(ev), 0, ALL},
    {"call", MEMBER_STR, AT(call), SIZE(call), CALLS | E(TAKEN)},
    {"key", MEMBER_STR, AT(key), SIZE(key), E(REQUEST) | E(PLACED)},
    {"event", MEMBER_I64, AT(event), 0, E(REQUEST)},
    {"hash", MEMBER_HASH, AT(hash), 0, E(REQUEST)},
    {"to", MEMBER_STR, AT(to), SIZE(to), E(REQUEST) | E(PLACED)},
    {"from", MEMBER_STR, AT(from), SIZE(from), E(REQUEST)},
    {"persona", MEMBER_STR, AT(persona), SIZE(persona), 0},
    {"ring_ms", MEMBER_I64, AT(ring_ms), 0, 0},
    {"max_ms", MEMBER_I64, AT(max_ms), 0, 0},
    {"line", MEMBER_I64, AT(line), 0, 0},
    {"outcome", MEMBER_OUTCOME, AT(outcome), 0, E(ENDED)},
    {"by", MEMBER_BY, AT(by), 0, E(ENDED)},
    {"code", MEMBER_CODE, AT(code), 0, E(REFUSED)},
    {"n", MEMBER_I64, AT(n), 0, E(TAKEN)},
    {"schema", MEMBER_I64, AT(schema), 0, E(ORIGIN)},
    {"boot", MEMBER_STR, AT(boot), SIZE(boot), E(ORIGIN) | E(BOOT)},
    {"boot_ms", MEMBER_I64, AT(boot_ms), 0, E(ORIGIN) | E(BOOT)},
    {"speed", MEMBER_I64, AT(speed), 0, E(ORIGIN)},
    {"seed", MEMBER_I64, AT(seed), 0, E(ORIGIN)},
    {"params", MEMBER_RAW, AT(params), 0, E(ORIGIN)},
};

static bool
word_of(struct scan *s, const char *const *words, size_t count, size_t *out)
{
	char text[CARRIER_SIM_WORD_MAX];

	if (!scan_string(s, text, sizeof(text)) || *text == '\0')
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return true;
		}
	return false;
}

static bool
scan_hash(struct scan *s, uint8_t out[SHA256_BYTES])
{
	char text[2 * SHA256_BYTES + 1];

	return scan_string(s, text, sizeof(text)) &&
	       text_unhex(text, out, SHA256_BYTES);
}

static bool
scan_outcome(struct scan *s, enum job_outcome *out)
{
	char text[CARRIER_SIM_WORD_MAX];
	struct err err;

	return scan_string(s, text, sizeof(text)) &&
	       job_outcome_parse(text, out, &err) == ERR_NONE;
}

static bool
scan_member(
    struct scan *s, const struct member *m, struct carrier_sim_line *out)
{
	void *to = (char *)out + m->at;
	size_t word = 0;

	switch (m->kind) {
	case MEMBER_I64:
		return scan_i64(s, to);
	case MEMBER_STR:
		return scan_string(s, to, m->size);
	case MEMBER_HASH:
		return scan_hash(s, to);
	case MEMBER_OUTCOME:
		return scan_outcome(s, to);
	case MEMBER_RAW:
		skip_blanks(s);
		out->params = s->at;
		if (!skip_value(s))
			return false;
		out->params_len = (size_t)(s->at - out->params);
		return true;
	case MEMBER_EV:
		if (!word_of(s, evs, CARRIER_SIM_EV_COUNT, &word))
			return false;
		out->ev = (enum carrier_sim_ev)word;
		return true;
	case MEMBER_BY:
		if (!word_of(s, bys, CARRIER_SIM_BY_COUNT, &word))
			return false;
		out->by = (enum carrier_sim_by)word;
		return true;
	case MEMBER_CODE:
		if (!word_of(s, codes, CARRIER_SIM_CODE_COUNT, &word))
			return false;
		out->code = (enum carrier_sim_code)word;
		return true;
	}
	return false;
}

static const struct member *
find_member(const char *name, size_t *index)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(name, members[i].name) == 0) {
			*index = i;
			return &members[i];
		}
	return NULL;
}

/* The next "name": of an object; *more is false at its end. */
static bool
scan_name(struct scan *s, bool first, char *name, size_t size, bool *more)
{
	*more = false;
	if (skip_char(s, '}'))
		return true;
	if (!first && !skip_char(s, ','))
		return false;
	*more = true;
	return scan_string(s, name, size) && skip_char(s, ':');
}

static enum err_code
check_needed(
    const struct carrier_sim_line *line, unsigned long seen, struct err *err)
{
	/* Without its ev nothing else can be asked of a line. */
	if ((seen & 2U) == 0)
		return err_set(err, ERR_MALFORMED, 0, "no \"ev\"");
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if ((members[i].needed >> line->ev & 1U) != 0 &&
		    (seen >> i & 1U) == 0)
			return err_set(err, ERR_MALFORMED, 0,
			    "\"%s\" without \"%s\"", evs[line->ev],
			    members[i].name);
	return ERR_NONE;
}

enum err_code
carrier_sim_line_parse(
    const char *text, size_t len, struct carrier_sim_line *out, struct err *err)
{
	struct scan s = {text, text + len};
	char name[CARRIER_SIM_WORD_MAX];
	unsigned long seen = 0;
	bool first = true;
	bool more = true;

	memset(out, 0, sizeof(*out));
	if (!skip_char(&s, '{'))
		return err_set(
		    err, ERR_MALFORMED, 0, "expected an object on one line");
	for (;; first = false) {
		size_t index = 0;

		if (!scan_name(&s, first, name, sizeof(name), &more))
			return err_set(err, ERR_MALFORMED, 0,
			    "column %zu: expected a member",
			    (size_t)(s.at - text) + 1);
		if (!more)
			break;
		const struct member *m = find_member(name, &index);
		if (m == NULL ? !skip_value(&s) : !scan_member(&s, m, out))
			return err_set(err, ERR_MALFORMED, 0,
			    "member \"%s\": no value that it may have", name);
		if (m != NULL)
			seen |= 1UL << index;
	}
	skip_blanks(&s);
	if (s.at != s.end)
		return err_set(
		    err, ERR_MALFORMED, 0, "something after the object");
	return check_needed(out, seen, err);
}

const char *
carrier_sim_line_member(
    const char *text, size_t len, const char *name, size_t *value_len)
{
	struct scan s = {text, text + len};
	char found[CARRIER_SIM_WORD_MAX];
	bool more = true;

	if (!skip_char(&s, '{'))
		return NULL;
	for (bool first = true;; first = false) {
		if (!scan_name(&s, first, found, sizeof(found), &more) || !more)
			return NULL;
		skip_blanks(&s);
		const char *value = s.at;
		if (!skip_value(&s))
			return NULL;
		if (strcmp(found, name) == 0) {
			*value_len = (size_t)(s.at - value);
			return value;
		}
	}
}

/* How much of it needs no escape. */
static size_t
plain(const char *text)
{
	size_t n = 0;

	while (
	    (unsigned char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

static void
put_str(struct buf *out, const char *name, const char *text)
{
	buf_putc(out, ',');
	buf_putc(out, '"');
	buf_puts(out, name);
	buf_puts(out, "\":\"");
	for (const char *p = text; *p != '\0'; p++) {
		size_t n = plain(p);

		buf_put(out, p, n);
		p += n;
		if (*p == '\0')
			break;
		if (*p == '"' || *p == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, *p);
		} else {
			buf_printf(out, "\\u%04x", (unsigned)*p);
		}
	}
	buf_putc(out, '"');
}

static void
put_i64(struct buf *out, const char *name, int64_t value)
{
	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "\":");
	buf_put_i64(out, value);
}

static void
put_request(struct buf *out, const struct carrier_sim_line *l)
{
	char hex[2 * SHA256_BYTES + 1];

	put_i64(out, "event", l->event);
	put_str(out, "hash", text_hex(l->hash, SHA256_BYTES, hex));
	put_str(out, "to", l->to);
	put_str(out, "from", l->from);
	put_str(out, "persona", l->persona);
	put_i64(out, "ring_ms", l->ring_ms);
	put_i64(out, "max_ms", l->max_ms);
	put_i64(out, "line", l->line);
}

static void
put_origin(struct buf *out, const struct carrier_sim_line *l)
{
	put_i64(out, "schema", l->schema);
	put_str(out, "boot", l->boot);
	put_i64(out, "boot_ms", l->boot_ms);
	put_i64(out, "speed", l->speed);
	put_i64(out, "seed", l->seed);
	buf_puts(out, ",\"params\":");
	buf_put(out, l->params, l->params_len);
}

void
carrier_sim_line_put(struct buf *out, const struct carrier_sim_line *l)
{
	size_t before = out->len;

	buf_puts(out, "{\"at_ms\":");
	buf_put_i64(out, l->at_ms);
	buf_puts(out, ",\"ev\":\"");
	buf_puts(out, evs[l->ev]);
	buf_putc(out, '"');
	if (l->ev == CARRIER_SIM_ORIGIN) {
		put_origin(out, l);
	} else if (l->ev == CARRIER_SIM_BOOT) {
		put_str(out, "boot", l->boot);
		put_i64(out, "boot_ms", l->boot_ms);
	} else {
		put_str(out, "call", l->call);
	}
	if (l->ev == CARRIER_SIM_REQUEST || l->ev == CARRIER_SIM_PLACED)
		put_str(out, "key", l->key);
	if (l->ev == CARRIER_SIM_REQUEST)
		put_request(out, l);
	if (l->ev == CARRIER_SIM_PLACED)
		put_str(out, "to", l->to);
	if (l->ev == CARRIER_SIM_ENDED) {
		put_str(out, "outcome", job_outcome_name(l->outcome));
		put_str(out, "by", bys[l->by]);
	}
	if (l->ev == CARRIER_SIM_REFUSED)
		put_str(out, "code", codes[l->code]);
	if (l->ev == CARRIER_SIM_TAKEN)
		put_i64(out, "n", l->n);
	buf_puts(out, "}\n");
	CHECK(out->len - before <= CARRIER_SIM_LINE_MAX);
}

const char *
carrier_sim_by_name(enum carrier_sim_by by)
{
	return by < CARRIER_SIM_BY_COUNT ? bys[by] : "?";
}

const char *
carrier_sim_code_name(enum carrier_sim_code code)
{
	return code < CARRIER_SIM_CODE_COUNT ? codes[code] : "?";
}
