#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

#define ZONEINFO "/usr/share/zoneinfo/"
#define DAY_MINUTES 1440

static const char *const days[] = {
    "mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* For suggestions; ranges of other days are read too. */
static const char *const words[] = {"zone", "holidays", "mon", "tue", "wed",
    "thu", "fri", "sat", "sun", "mon-fri", "mon-sat", "mon-sun", "sat-sun",
    NULL};

static const char expected_hours[] =
    "expected hours such as \"08:00-21:00\" or \"08:00-12:00, 13:00-17:00\", "
    "always or none";

/* "08:00", also "24:00"; -1 when it is none. */
static int
minute_of(const char *t)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
			return -1;
	int hour = (t[0] - '0') * 10 + (t[1] - '0');
	int minute = (t[3] - '0') * 10 + (t[4] - '0');
	int all = hour * 60 + minute;

	return minute < 60 && all <= DAY_MINUTES ? all : -1;
}

/* One "HH:MM-HH:MM"; NULL or what is wrong. */
static const char *
read_span(const char *text, size_t len, struct conf_span *out)
{
	if (len != 11 || text[5] != '-')
		return expected_hours;
	out->start = minute_of(text);
	out->end = minute_of(text + 6);
	if (out->start < 0 || out->end < 0)
		return "expected times of day from 00:00 to 24:00";
	if (out->start >= out->end)
		return "a span must end after it begins; what lies after "
		       "midnight belongs to the next day";
	return NULL;
}

static const char *
read_spans(const char *text, struct conf_span *spans, size_t *count)
{
	const char *wrong = NULL;

	*count = 0;
	for (;;) {
		text += strspn(text, " ");
		size_t len = strcspn(text, " ,");

		if (*count == CONF_SPANS_MAX)
			return "expected at most 4 spans a day";
		wrong = read_span(text, len, &spans[*count]);
		if (wrong != NULL)
			return wrong;
		if (*count > 0 && spans[*count].start < spans[*count - 1].end)
			return "expected spans in order that do not overlap";
		(*count)++;
		text += len;
		text += strspn(text, " ");
		if (*text == '\0')
			return NULL;
		if (*text++ != ',')
			return expected_hours;
	}
}

static bool
read_hours(const struct conf_node *n, struct conf_span *spans, size_t *count,
    struct conf_problems *ps)
{
	const char *text = NULL;
	const char *wrong = NULL;

	*count = 0;
	if (!conf_node_str(n, &text, ps))
		return false;
	if (strcmp(text, "none") == 0)
		return true;
	if (strcmp(text, "always") == 0) {
		spans[0] = (struct conf_span){0, DAY_MINUTES};
		*count = 1;
		return true;
	}
	wrong = read_spans(text, spans, count);
	if (wrong == NULL)
		return true;
	*count = 0;
	conf_node_problem(n, ps, "%s, got \"%.60s\"", wrong, text);
	return false;
}

static int
day_of(const char *text, size_t len)
{
	for (int d = 0; d < 7; d++)
		if (len == 3 && strncmp(text, days[d], 3) == 0)
			return d;
	return -1;
}

/* "mon" or "mon-fri" */
static bool
days_of(const char *key, int *first, int *last)
{
	const char *dash = strchr(key, '-');

	*first = day_of(key, dash != NULL ? (size_t)(dash - key) : strlen(key));
	*last = dash != NULL ? day_of(dash + 1, strlen(dash + 1)) : *first;
	return *first >= 0 && *last >= *first &&
	       (dash == NULL || *last > *first);
}

static bool
is_zone_name(const char *name)
{
	if (*name == '/' || *name == '\0' || strstr(name, "..") != NULL)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
		    !(*p >= '0' && *p <= '9') && strchr("/_+-", *p) == NULL)
			return false;
	return true;
}

/* A file of compiled rules, not one of the lists that lie beside them. */
static bool
is_zone(struct env *env, const char *name)
{
	char path[sizeof(ZONEINFO) + CONF_ZONE_MAX];
	char magic[4] = "";
	struct env_file *f = NULL;
	struct env_stat st;
	struct err err;
	size_t got = 0;

	if (!is_zone_name(name))
		return false;
	(void)snprintf(path, sizeof(path), ZONEINFO "%s", name);
	if (env_stat(env, path, &st, &err) != ERR_NONE || st.is_dir ||
	    env_open(env, path, ENV_READ, &f, &err) != ERR_NONE)
		return false;
	(void)env_pread(env, f, magic, sizeof(magic), 0, &got, &err);
	env_close(env, &f);
	return got == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
}

static void
read_zone(struct env *env, const struct conf_node *n, struct conf_windows *out,
    struct conf_problems *ps)
{
	const char *name = NULL;

	if (!conf_node_str(n, &name, ps))
		return;
	if (strlen(name) >= CONF_ZONE_MAX ||
	    (strcmp(name, "contact") != 0 && !is_zone(env, name))) {
		conf_node_problem(n, ps,
		    "expected contact or a tzdata name such as "
		    "America/New_York (a file below " ZONEINFO
		    "), got \"%.60s\"",
		    name);
		return;
	}
	(void)strcpy(out->zone, name);
}

static void
unknown(const struct conf_node *n, struct conf_problems *ps)
{
	const char *near = text_nearest(conf_node_key(n), words);

	conf_node_problem(n, ps,
	    "unknown key; expected zone, holidays, mon to sun, or a range "
	    "such as mon-fri%s%s%s",
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?" : "");
}

/* The 8:00 to 21:00 that US law allows telemarketers, in the callee's zone. */
static void
by_default(struct conf_windows *out)
{
	memset(out, 0, sizeof(*out));
	(void)strcpy(out->zone, "contact");
	for (int d = 0; d < 7; d++) {
		out->day[d].count = 1;
		out->day[d].spans[0] = (struct conf_span){480, 1260};
	}
}

static void
read_days(const struct conf_node *n, const struct conf_node *owner[7],
    struct conf_windows *out, struct conf_problems *ps)
{
	struct conf_span spans[CONF_SPANS_MAX];
	size_t count = 0;
	int first = 0;
	int last = 0;

	if (!days_of(conf_node_key(n), &first, &last)) {
		unknown(n, ps);
		return;
	}
	(void)read_hours(n, spans, &count, ps);
	for (int d = first; d <= last; d++) {
		if (owner[d] != NULL) {
			conf_node_problem(n, ps,
			    "%s is given twice, first by %s in line %d",
			    days[d], conf_node_key(owner[d]),
			    conf_node_line(owner[d]));
			return;
		}
		owner[d] = n;
		out->day[d].count = count;
		memcpy(out->day[d].spans, spans, count * sizeof(spans[0]));
	}
}

void
conf_windows_read(struct env *env, const struct conf_node *n,
    struct conf_windows *out, struct conf_problems *ps)
{
	const struct conf_node *owner[7] = {NULL};
	size_t before = ps->count;
	size_t open = 0;

	by_default(out);
	if (conf_node_map(n, ps) == NULL)
		return;
	memset(out->day, 0, sizeof(out->day));
	for (size_t i = 0; i < conf_node_count(n); i++) {
		const struct conf_node *child = conf_node_at(n, i);
		const char *key = conf_node_key(child);

		if (strcmp(key, "zone") == 0)
			read_zone(env, child, out, ps);
		else if (strcmp(key, "holidays") == 0)
			out->holidays_set = read_hours(
			    child, out->holiday.spans, &out->holiday.count, ps);
		else
			read_days(child, owner, out, ps);
	}
	for (int d = 0; d < 7; d++)
		open += out->day[d].count;
	if (open == 0 && ps->count == before)
		conf_node_problem(n, ps,
		    "no hours on any day: nobody would ever be called; a day "
		    "that is not named is none");
}
