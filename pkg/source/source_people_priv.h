#ifndef DSRUN_SOURCE_PEOPLE_PRIV_H
#define DSRUN_SOURCE_PEOPLE_PRIV_H

#include "source/source_people.h"

/*
 * Documents as the store has them, and what is kept of them: JSON of our own.
 *
 *   campaign  {"contact":"..","batch":"..","status":"..","lastStep":2}
 *   contact   {"phone":"..","dnc":0,"fields":{"first_name":"..", ...}}
 */

/* ERR_MALFORMED: it cannot be used.  *out: mem_free. */
enum err_code source_people_campaign(
    const char *json, char **out, struct err *err);
/* number: 0 when its phone is none; the contact is kept all the same. */
enum err_code source_people_contact(
    const char *json, char **out, int64_t *number, int *dnc, struct err *err);

/* The id of the contact of a kept campaign; mem_free. */
char *source_people_contact_id(const char *kept);
/* Fills in all but age_ms; ERR_MALFORMED: no phone, or no number. */
enum err_code source_people_person(const char *campaign, const char *contact,
    struct source_person *out, struct err *err);

#endif
