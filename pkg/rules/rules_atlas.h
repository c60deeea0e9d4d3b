#ifndef DSRUN_RULES_ATLAS_H
#define DSRUN_RULES_ATLAS_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "rules/rules_area.h"
#include "rules/rules_zone.h"

/*
 * Where is the callee?  Zones, each read once and kept, and the table of area
 * codes, behind one question: in which zones must hours be open?
 *
 * Asked from the loop's thread only, because it may read files.  The zones it
 * gives do not change and stay until rules_atlas_close: any thread may use
 * them.
 */

struct rules_atlas;

#define RULES_PLACES_MAX RULES_AREA_ZONES_MAX
#define RULES_WHY_MAX 256

struct rules_asked {
	const char *window_zone;  /* "contact", or a tzdata name for all */
	const char *contact_zone; /* contact.timezone; NULL or "": not given */
	int64_t number;
};

/* Hours must be open in all of them; none: not known, and no dialling. */
struct rules_places {
	size_t count;
	const struct rules_zone *zone[RULES_PLACES_MAX];
	char why[RULES_WHY_MAX]; /* count 0: what is missing and what to do */
};

/*
 * zone_dir NULL = RULES_ZONE_DIR (TZDIR is for the caller to read); area_path
 * NULL = no table, so no number's zone is known.  Errors of rules_area_load.
 */
enum err_code rules_atlas_open(struct env *env, const char *zone_dir,
    const char *area_path, struct rules_atlas **out, struct err *err);
void rules_atlas_close(struct rules_atlas **a);

/* As rules_zone_load, but read once; belongs to the atlas. */
enum err_code rules_atlas_zone(struct rules_atlas *a, const char *name,
    const struct rules_zone **out, struct err *err);

/*
 * "contact" means the contact's own zone, else the number's.  A contact's zone
 * must be a place ("America/New_York"): "EST" has no summer time, and is not
 * what anybody means by it.  One that cannot be used leaves the callee without
 * a zone; it does not fall back to the number's.  An error only when a file
 * could not be read.
 */
enum err_code rules_atlas_places(struct rules_atlas *a,
    const struct rules_asked *asked, struct rules_places *out, struct err *err);

/* "tzdata 2025b, areas 2026-11-21"; belongs to the atlas. */
const char *rules_atlas_version(const struct rules_atlas *a);

#endif
