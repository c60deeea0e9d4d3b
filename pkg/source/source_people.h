#ifndef DSRUN_SOURCE_PEOPLE_H
#define DSRUN_SOURCE_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

#include "journal/journal.h"
#include "rules/rules_phone.h"
#include "source/source_lookup.h"

/*
 * Whom a campaign calls: the campaign and its contact, from the store that has
 * them, and from the journal's cache while that is away.
 *
 * A campaign is asked for each time, for where it stands decides whether its
 * contact is called at all; a contact read within the last hour is taken from
 * the journal.  While the store is away both are, however old: age_ms says so.
 * A store that was away is left alone for 10 s, real time.
 *
 * What was read is in the journal before done(): the cache, and the number of
 * a contact who opted out among those that are never called (as kind 2, or 1
 * when they are marked do-not-call), whatever job comes next.
 *
 * One ask at a time.  Loop's thread only.
 */

#define SOURCE_PEOPLE_MAX SOURCE_LOOKUP_MAX
#define SOURCE_PEOPLE_FRESH_MS INT64_C(3600000)

struct source_people;

/* Strings are never NULL in one whose code is ERR_NONE. */
struct source_person {
	/*
	 * ERR_NOT_FOUND: no such campaign, or no such contact; ERR_MALFORMED:
	 * they are there and cannot be used (no phone ...): for good.  Class
	 * RETRY: the store is away, and nothing of it is in the journal.
	 */
	enum err_code code;
	struct err err;
	char *phone;   /* as rules_phone_normalise */
	char *contact; /* a JSON object: first_name, timezone ... */
	char *batch;   /* "" = none */
	char *status;  /* the campaign's; "" = none */
	/* lastCompletedStep; -1 = none.  0 without a lastCompletedDate is what
	 * a schema begins with, and none. */
	int64_t last_step;
	bool opted_out; /* or do-not-call */
	int64_t age_ms; /* of the older part, from the cache while the
			 * store is away; -1: it was not away */
};

struct source_people_ask {
	const char *const *campaigns; /* borrowed until done() or cancel */
	size_t count;                 /* 1 to SOURCE_PEOPLE_MAX */
	/* From the loop, exactly once, never before start returns. */
	void (*done)(struct source_people_ask *a);

	/* Out.  An error is the journal's; people is there in any case. */
	enum err_code code;
	struct err err;
	struct source_person *people; /* source_people_ask_fini */
	/* The store could not be asked: why; ERR_NONE: it could. */
	struct err away;
};

/* lookup is borrowed. */
struct source_people *source_people_new(
    struct env *env, struct journal *journal, const struct source_lookup *l);
void source_people_start(struct source_people *p, struct source_people_ask *a);
/* It never calls back.  false: too late, done() follows soon. */
bool source_people_cancel(struct source_people *p);
void source_people_ask_fini(struct source_people_ask *a);
/* Nothing of it may be on its way into the journal.  NULL-safe. */
void source_people_free(struct source_people **p);

/*
 * May step of this person's campaign be called?  tries: calls for this very
 * job that its queue has already counted and wants again, so that their own
 * traces in the campaign (failed, that step done) do not speak against it.
 * ERR_REJECTED and the reason, for good.
 */
enum err_code source_person_may(const struct source_person *p,
    const char *campaign, int64_t step, int64_t tries, struct err *err);

#endif
