#include "rules/rules.h"

#include <stdio.h>

#include "base/check.h"
#include "base/text.h"

#include "rules/rules_phone.h"

#define DAY_MS INT64_C(86400000)

typedef void gate_fn(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v);

static void
stop(struct rules_verdict *v, enum rules_ruling ruling, const char *word)
{
	v->ruling = ruling;
	v->word = word;
}

static void
later(struct rules_verdict *v, const char *word, int64_t at_ms)
{
	stop(v, RULES_LATER, word);
	v->at_ms = at_ms;
}

static void
check_number(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	v->version = "E.164";
	if (f->number < RULES_PHONE_LEAST || f->number > RULES_PHONE_MOST)
		stop(v, RULES_NEVER, "bad-number");
}

static void
check_do_not_call(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	v->version = "journal";
	if (f->do_not_call)
		stop(v, RULES_NEVER, "do-not-call");
}

static void
check_opt_out(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	v->version = "journal";
	if (f->opted_out)
		stop(v, RULES_NEVER, "opt-out");
}

static void
unchecked(const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)f;
	(void)now_ms;
	v->ruling = RULES_UNCHECKED;
}

static void
check_window(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	struct rules_opening opening;

	v->version = f->places_version;
	if (f->places->count == 0) {
		stop(v, RULES_NEVER, "zone-unknown");
		return;
	}
	rules_window_at(f->windows, f->places->zone, f->places->count,
	    f->holidays, now_ms, &opening);
	if (opening.open)
		v->at_ms = opening.until_ms;
	else if (opening.next_ms < 0)
		stop(v, RULES_NEVER, "never-open");
	else
		later(v, "window", opening.next_ms);
}

/* A dial stops counting when 24 hours have passed since it. */
static void
check_cap(const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	size_t cap = (size_t)f->per_number_per_day;

	v->version = "journal";
	v->limit = f->per_number_per_day;
	for (size_t i = 0; i < f->dialled_count; i++) {
		CHECK(i == 0 || f->dialled_ms[i] <= f->dialled_ms[i - 1]);
		v->have += f->dialled_ms[i] > now_ms - DAY_MS;
	}
	if (v->limit > 0 && v->have >= v->limit)
		later(v, "cap", f->dialled_ms[cap - 1] + DAY_MS);
}

static void
check_gap(const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	v->version = "journal";
	if (f->min_gap_ms > 0 && f->dialled_count > 0 &&
	    f->dialled_ms[0] > now_ms - f->min_gap_ms)
		later(v, "gap", f->dialled_ms[0] + f->min_gap_ms);
}

static void
check_number_free(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	v->version = "journal";
	if (f->number_busy)
		stop(v, RULES_WAIT, "number-busy");
}

static void
check_org_free(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	v->version = "journal";
	if (f->org_busy)
		stop(v, RULES_WAIT, "org-busy");
}

static void
check_slots(
    const struct rules_slots *slots, const char *word, struct rules_verdict *v)
{
	v->version = "configuration";
	v->have = slots->live;
	v->limit = slots->limit;
	if (v->limit > 0 && v->have >= v->limit)
		stop(v, RULES_WAIT, word);
}

static void
check_all(const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	check_slots(&f->all, "no-slot", v);
}

static void
check_campaign(
    const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	check_slots(&f->campaign, "no-slot-campaign", v);
}

static void
check_kind(const struct rules_facts *f, int64_t now_ms, struct rules_verdict *v)
{
	(void)now_ms;
	check_slots(&f->kind, "no-slot-kind", v);
}

static const struct {
	const char *word;
	const char *text;
} words[RULES_GATE_COUNT] = {
#define X(name, word, text) {word, text},
    RULES_GATES(X)
#undef X
};

static gate_fn *const checks[RULES_GATE_COUNT] = {
    [RULES_GATE_NUMBER] = check_number,
    [RULES_GATE_DNC] = check_do_not_call,
    [RULES_GATE_OPT_OUT] = check_opt_out,
    [RULES_GATE_LISTS] = unchecked,
    [RULES_GATE_CONSENT] = unchecked,
    [RULES_GATE_VOICE] = unchecked,
    [RULES_GATE_BLOCKED] = unchecked,
    [RULES_GATE_WINDOW] = check_window,
    [RULES_GATE_CAP] = check_cap,
    [RULES_GATE_GAP] = check_gap,
    [RULES_GATE_NUMBER_FREE] = check_number_free,
    [RULES_GATE_ORG_FREE] = check_org_free,
    [RULES_GATE_SLOT_ALL] = check_all,
    [RULES_GATE_SLOT_CAMPAIGN] = check_campaign,
    [RULES_GATE_SLOT_KIND] = check_kind,
};

void
rules_check(
    const struct rules_facts *facts, int64_t now_ms, struct rules_answer *out)
{
	out->decisive = RULES_GATE_COUNT;
	out->dial_until_ms = 0;
	for (enum rules_gate g = 0; g < RULES_GATE_COUNT; g++) {
		struct rules_verdict *v = &out->verdict[g];

		*v = (struct rules_verdict){
		    .gate = g, .ruling = RULES_PASS, .word = "", .version = ""};
		checks[g](facts, now_ms, v);
		if (v->ruling >= RULES_WAIT &&
		    out->decisive == RULES_GATE_COUNT)
			out->decisive = g;
	}
	if (out->decisive == RULES_GATE_COUNT)
		out->dial_until_ms = out->verdict[RULES_GATE_WINDOW].at_ms;
}

bool
rules_may_dial(const struct rules_answer *answer)
{
	return answer->decisive == RULES_GATE_COUNT;
}

const char *
rules_gate_word(enum rules_gate gate)
{
	CHECK(gate < RULES_GATE_COUNT);
	return words[gate].word;
}

const char *
rules_gate_text(enum rules_gate gate)
{
	CHECK(gate < RULES_GATE_COUNT);
	return words[gate].text;
}

const char *
rules_ruling_word(enum rules_ruling ruling)
{
	static const char *const names[] = {
	    "pass", "not checked", "wait", "later", "never"};

	CHECK(ruling <= RULES_NEVER);
	return names[ruling];
}

/* "America/Chicago and America/New_York" */
static void
put_places(const struct rules_places *places, char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < places->count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
		    i > 0 ? " and " : "", rules_zone_name(places->zone[i]));
}

static void
window_text(
    const struct rules_facts *f, const struct rules_verdict *v, char *buf)
{
	char where[160] = "", when[TEXT_TIME_MAX];

	put_places(f->places, where, sizeof(where));
	if (f->places->count == 0)
		(void)snprintf(buf, RULES_TEXT_MAX,
		    "the callee's time zone is not known: %s", f->places->why);
	else if (v->ruling == RULES_NEVER)
		(void)snprintf(buf, RULES_TEXT_MAX,
		    "no hours within %d days in %s", RULES_WINDOW_DAYS, where);
	else
		(void)snprintf(buf, RULES_TEXT_MAX, "%s %s in %s%s",
		    v->ruling == RULES_PASS ? "open until" : "closed; opens at",
		    text_of_time(v->at_ms, when), where,
		    f->windows->holidays_set && f->holidays == NULL
			? "; holidays not checked: dsrun has no data for them"
			: "");
}

/* "2 of 3 live calls", "2 live calls, no limit" */
static void
count_text(const struct rules_verdict *v, const char *what, char *buf)
{
	char when[TEXT_TIME_MAX];
	int n = v->limit > 0
		    ? snprintf(buf, RULES_TEXT_MAX, "%lld of %lld %s",
			  (long long)v->have, (long long)v->limit, what)
		    : snprintf(buf, RULES_TEXT_MAX, "%lld %s, no limit",
			  (long long)v->have, what);

	if (v->ruling == RULES_LATER)
		(void)snprintf(buf + n, RULES_TEXT_MAX - (size_t)n,
		    "; not before %s", text_of_time(v->at_ms, when));
}

const char *
rules_verdict_text(const struct rules_facts *facts,
    const struct rules_verdict *v, char buf[RULES_TEXT_MAX])
{
	char when[TEXT_TIME_MAX];

	if (v->gate == RULES_GATE_WINDOW)
		window_text(facts, v, buf);
	else if (v->gate == RULES_GATE_CAP)
		count_text(v, "dials in 24 h", buf);
	else if (v->gate >= RULES_GATE_SLOT_ALL)
		count_text(v, "live calls", buf);
	else if (v->ruling == RULES_UNCHECKED)
		(void)snprintf(buf, RULES_TEXT_MAX,
		    "not checked: dsrun has no data for it");
	else if (v->ruling == RULES_LATER)
		(void)snprintf(buf, RULES_TEXT_MAX, "%s: not before %s",
		    v->word, text_of_time(v->at_ms, when));
	else
		(void)snprintf(buf, RULES_TEXT_MAX, "%s%s",
		    v->ruling == RULES_PASS ? "" : "does not hold: ",
		    words[v->gate].text);
	return buf;
}
