#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "journal/journal_lease.h"
#include "json/json.h"
#include "rules/rules_phone.h"
#include "rules/rules_window.h"

#include "run/run_priv.h"

/*
 * May this job be dialled now?  The gates of the design, in their order; the
 * first that does not say ok decides, `why` wants to hear all of them.
 *
 * Runs inside the transaction that arms, so that what it reads (pause,
 * do-not-call, caps) still holds when the INTENT is on disk.  Gates whose data
 * does not exist yet (national lists, consent, artificial-voice states) are
 * absent, not passed.
 */

#define DAY_MS INT64_C(86400000)
/* An armed attempt that could not send within this is not sent any more. */
#define SEND_WITHIN_MS INT64_C(600000)
/* Data that is missing now: looked for again after this. */
#define MISSING_AGAIN_MS INT64_C(300000)

struct asking {
	const struct run_options *o;
	struct journal *j;
	const struct journal_job *job;
	const struct journal_person *person;
	const struct journal_live *live;
	struct run_gate *out;
	int64_t now_ms;
	int64_t lease_left_ms; /* as now_ms; -1: none that ends */
	bool decided;
};

static void say(struct asking *a, const char *gate, enum run_gate_result result,
    enum job_reason reason, int64_t not_before_ms, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

static void
say(struct asking *a, const char *gate, enum run_gate_result result,
    enum job_reason reason, int64_t not_before_ms, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "later", "never", "wait"};

	if (a->out->verdicts != NULL && a->out->count < RUN_VERDICTS_MAX) {
		struct run_verdict *v = &a->out->verdicts[a->out->count++];
		va_list ap;

		v->gate = gate;
		v->result = words[result];
		v->not_before_ms = not_before_ms;
		v->data = "";
		va_start(ap, fmt);
		(void)vsnprintf(v->text, sizeof(v->text), fmt, ap);
		va_end(ap);
	}
	if (result == RUN_GATE_OK || a->decided)
		return;
	a->decided = true;
	a->out->result = result;
	a->out->reason = reason;
	a->out->not_before_ms = not_before_ms;
}

static bool
over(const struct asking *a)
{
	return a->decided && a->out->verdicts == NULL;
}

struct carrier *
run_gate_carrier(const struct run_options *o, const char *name)
{
	for (size_t i = 0; i < o->carrier_count; i++)
		if (strcmp(o->carriers[i].name, name) == 0)
			return o->carriers[i].carrier;
	return NULL;
}

/*
 * A job of a queue is ours while its lock there lasts.  After that somebody
 * else may have it, though nobody could tell us: it waits until the lock is
 * renewed.  Who asked for it again after its end knew what he did.
 */
static enum err_code
ask_lease(struct asking *a, struct err *err)
{
	struct env *env = a->o->env;
	int64_t until_ms = 0;
	int64_t left_ms;
	char when[TEXT_TIME_MAX];
	bool held = false;

	a->lease_left_ms = -1;
	if (a->job->revision > 0)
		return ERR_NONE;
	if (journal_lease_until(a->j, a->job->id, &held, &until_ms, err) !=
	    ERR_NONE)
		return err->code;
	if (!held)
		return ERR_NONE;
	left_ms = until_ms - env->ops->wall_us(env) / 1000;
	a->lease_left_ms = left_ms > 0 ? left_ms * env_speed(env) : 0;
	if (left_ms <= 0)
		say(a, "queue", RUN_GATE_LATER, JOB_REASON_AWAY,
		    JOURNAL_AWAY_MS,
		    "its lock in the queue was sure until %s: it waits until "
		    "the queue says that it is ours still",
		    text_of_time(until_ms, when));
	else
		say(a, "queue", RUN_GATE_OK, 0, 0, "ours until %s",
		    text_of_time(until_ms, when));
	return ERR_NONE;
}

static void
ask_kind(struct asking *a)
{
	const struct conf_kind *k = conf_kind_find(a->o->conf, a->job->kind);

	a->out->kind = k;
	if (k == NULL) {
		say(a, "kind", RUN_GATE_LATER, JOB_REASON_KIND,
		    a->now_ms + MISSING_AGAIN_MS,
		    "no jobs/%.40s.yaml: write one, or give the job another "
		    "kind",
		    a->job->kind);
		return;
	}
	say(a, "kind", RUN_GATE_OK, 0, 0, "%.60s", k->name);
	const char *name =
	    k->carrier != NULL ? k->carrier : a->o->conf->carrier_use;

	a->out->carrier = run_gate_carrier(a->o, name);
	if (a->out->carrier == NULL)
		say(a, "carrier", RUN_GATE_LATER, JOB_REASON_CARRIER,
		    a->now_ms + MISSING_AGAIN_MS,
		    "carrier %.30s is not set up here", name);
	else
		say(a, "carrier", RUN_GATE_OK, 0, 0, "%.30s", name);
}

static enum err_code
ask_lists(struct asking *a, struct err *err)
{
	int kind = 0;

	if (a->person->number < RULES_PHONE_LEAST ||
	    a->person->number > RULES_PHONE_MOST)
		say(a, "number", RUN_GATE_NEVER, JOB_REASON_REFUSED, 0,
		    "not a telephone number");
	else
		say(a, "number", RUN_GATE_OK, 0, 0, "E.164");
	if (journal_dnc_get(a->j, a->person->number, &kind, err) != ERR_NONE)
		return err->code;
	if (kind == 2) {
		say(a, "do-not-call", RUN_GATE_OK, 0, 0, "not listed");
		say(a, "opt-out", RUN_GATE_NEVER, JOB_REASON_OPT_OUT, 0,
		    "the callee asked not to be called again");
	} else if (kind != 0) {
		say(a, "do-not-call", RUN_GATE_NEVER, JOB_REASON_DNC, 0,
		    "on the do-not-call list (`dsrun dnc`)");
	} else {
		say(a, "do-not-call", RUN_GATE_OK, 0, 0, "not listed");
		say(a, "opt-out", RUN_GATE_OK, 0, 0, "none");
	}
	return ERR_NONE;
}

static void
copy_day(struct rules_day *to, size_t count, const struct conf_span *spans)
{
	to->count = count;
	for (size_t i = 0; i < count; i++)
		to->spans[i] =
		    (struct rules_span){spans[i].start, spans[i].end};
}

static void
copy_windows(const struct conf_windows *from, struct rules_windows *to)
{
	for (size_t i = 0; i < 7; i++)
		copy_day(&to->day[i], from->day[i].count, from->day[i].spans);
	copy_day(&to->holiday, from->holiday.count, from->holiday.spans);
	to->holidays_set = from->holidays_set;
}

/* contact.timezone, when the contact has one. */
static void
contact_zone(const struct journal_person *person, char *out, size_t size)
{
	const struct json_limits limits = {1 << 16, 16, 2000};
	struct json *d = NULL;
	const char *zone = NULL;
	struct err ignored;

	out[0] = '\0';
	if (strstr(person->contact, "\"timezone\"") == NULL)
		return;
	if (json_parse(person->contact, strlen(person->contact), &limits, &d,
		&ignored) == ERR_NONE &&
	    json_opt_str(d, "timezone", &zone, &ignored) == ERR_NONE &&
	    zone != NULL)
		(void)snprintf(out, size, "%s", zone);
	json_free(&d);
}

static bool
always(const struct conf_windows *w)
{
	for (size_t i = 0; i < 7; i++)
		if (w->day[i].count != 1 || w->day[i].spans[0].start != 0 ||
		    w->day[i].spans[0].end != 1440)
			return false;
	return !w->holidays_set;
}

static enum err_code
ask_window(struct asking *a, struct err *err)
{
	const struct conf_windows *w = &a->out->kind->windows;
	char zone[CONF_ZONE_MAX];
	char when[TEXT_TIME_MAX];
	struct rules_asked asked = {.window_zone = w->zone,
	    .contact_zone = zone,
	    .number = a->person->number};
	struct rules_places places;
	struct rules_windows windows;
	struct rules_opening opening;

	a->out->dial_until_ms = a->now_ms + SEND_WITHIN_MS;
	if (always(w)) {
		say(a, "window", RUN_GATE_OK, 0, 0, "always open");
		return ERR_NONE;
	}
	contact_zone(a->person, zone, sizeof(zone));
	if (rules_atlas_places(a->o->atlas, &asked, &places, err) != ERR_NONE)
		return err->code;
	if (places.count == 0) {
		say(a, "window", RUN_GATE_LATER, JOB_REASON_ZONE,
		    a->now_ms + DAY_MS, "%.140s", places.why);
		return ERR_NONE;
	}
	copy_windows(w, &windows);
	rules_window_at(
	    &windows, places.zone, places.count, NULL, a->now_ms, &opening);
	if (opening.open) {
		if (opening.until_ms < a->out->dial_until_ms)
			a->out->dial_until_ms = opening.until_ms;
		say(a, "window", RUN_GATE_OK, 0, 0, "open until %s",
		    text_of_time(opening.until_ms, when));
	} else if (opening.next_ms < 0) {
		say(a, "window", RUN_GATE_NEVER, JOB_REASON_NEVER_OPEN, 0,
		    "no calling hours in the next %d days", RULES_WINDOW_DAYS);
	} else {
		say(a, "window", RUN_GATE_LATER, JOB_REASON_WINDOW,
		    opening.next_ms, "closed; opens at %s",
		    text_of_time(opening.next_ms, when));
	}
	if (a->out->verdicts != NULL)
		a->out->verdicts[a->out->count - 1].data =
		    rules_atlas_version(a->o->atlas);
	return ERR_NONE;
}

static enum err_code
ask_caps(struct asking *a, struct err *err)
{
	const struct conf_kind *k = a->out->kind;
	int64_t count = 0;
	int64_t newest = 0;
	int64_t leaves = 0;

	if (k->per_number_per_day == 0 && k->min_gap_ms == 0)
		return ERR_NONE;
	if (journal_dials(a->j, a->person->number, a->now_ms - DAY_MS, &count,
		&newest, err) != ERR_NONE)
		return err->code;
	/* The dial that must be a day old for there to be room again. */
	if (k->per_number_per_day > 0 && count >= k->per_number_per_day &&
	    journal_dial_nth(a->j, a->person->number, a->now_ms - DAY_MS,
		count - k->per_number_per_day, &leaves, err) != ERR_NONE)
		return err->code;
	if (k->per_number_per_day > 0 && count >= k->per_number_per_day)
		say(a, "cap", RUN_GATE_LATER, JOB_REASON_CAP, leaves + DAY_MS,
		    "%lld dials of this number in 24 h, %lld are allowed",
		    (long long)count, (long long)k->per_number_per_day);
	else
		say(a, "cap", RUN_GATE_OK, 0, 0, "%lld dials in 24 h",
		    (long long)count);
	if (k->min_gap_ms > 0 && newest > 0 &&
	    a->now_ms < newest + k->min_gap_ms)
		say(a, "gap", RUN_GATE_LATER, JOB_REASON_GAP,
		    newest + k->min_gap_ms, "last dialled %lld s ago",
		    (long long)((a->now_ms - newest) / 1000));
	else
		say(a, "gap", RUN_GATE_OK, 0, 0, "none in the way");
	return ERR_NONE;
}

static void
ask_slots(struct asking *a)
{
	const struct conf_kind *k = a->out->kind;

	if (a->live == NULL)
		return;
	if (k->concurrency > 0 && a->live->kind >= k->concurrency)
		say(a, "slots", RUN_GATE_WAIT, 0, 0,
		    "%lld of %lld calls of this kind are live",
		    (long long)a->live->kind, (long long)k->concurrency);
	else
		say(a, "slots", RUN_GATE_OK, 0, 0, "%lld live",
		    (long long)a->live->all);
}

enum err_code
run_gate_ask(const struct run_options *o, struct journal *j,
    const struct journal_job *job, const struct journal_person *person,
    const struct journal_live *live, struct run_gate *out, struct err *err)
{
	struct asking a = {.o = o,
	    .j = j,
	    .job = job,
	    .person = person,
	    .live = live,
	    .out = out,
	    .now_ms = journal_group_ms(j)};
	bool paused = false;
	enum err_code code =
	    journal_is_paused(j, job->campaign_id, &paused, err);

	out->result = RUN_GATE_OK;
	if (code != ERR_NONE)
		return code;
	if (paused)
		say(&a, "pause", RUN_GATE_WAIT, 0, 0,
		    "paused: see `dsrun status`");
	else
		say(&a, "pause", RUN_GATE_OK, 0, 0, "not paused");
	code = ask_lease(&a, err);
	if (code != ERR_NONE)
		return code;
	if (job->state == JOB_READY && job->not_before_ms > a.now_ms)
		say(&a, "not-before", RUN_GATE_LATER, JOB_REASON_NOT_BEFORE,
		    job->not_before_ms, "its time has not come");
	ask_kind(&a);
	if (!over(&a))
		code = ask_lists(&a, err);
	if (out->kind == NULL)
		return code;
	if (code == ERR_NONE && !over(&a))
		code = ask_window(&a, err);
	if (code == ERR_NONE && !over(&a))
		code = ask_caps(&a, err);
	if (code == ERR_NONE && !over(&a))
		ask_slots(&a);
	if (job->expires_ms > 0 && job->expires_ms < out->dial_until_ms)
		out->dial_until_ms = job->expires_ms;
	if (a.lease_left_ms >= 0 &&
	    a.now_ms + a.lease_left_ms < out->dial_until_ms)
		out->dial_until_ms = a.now_ms + a.lease_left_ms;
	return code;
}

enum err_code
run_gate_open_at(struct rules_atlas *atlas, const struct conf_kind *k,
    const struct journal_person *person, int64_t at_ms, bool *known, bool *open,
    struct err *err)
{
	char zone[CONF_ZONE_MAX];
	struct rules_asked asked = {.window_zone = k->windows.zone,
	    .contact_zone = zone,
	    .number = person->number};
	struct rules_places places;
	struct rules_windows windows = {0};
	struct rules_opening opening;

	*known = true;
	*open = true;
	if (always(&k->windows))
		return ERR_NONE;
	contact_zone(person, zone, sizeof(zone));
	if (rules_atlas_places(atlas, &asked, &places, err) != ERR_NONE)
		return err->code;
	*known = places.count > 0;
	if (!*known)
		return ERR_NONE;
	copy_windows(&k->windows, &windows);
	rules_window_at(
	    &windows, places.zone, places.count, NULL, at_ms, &opening);
	*open = opening.open;
	return ERR_NONE;
}
