#include "rules/rules_atlas.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct rules_atlas {
	struct env *env;
	char *zone_dir;
	struct rules_areas *areas; /* NULL: no table */
	struct rules_zone **zones;
	size_t count;
	char version[128];
};

/* tzdata.zi begins with "# version 2025b". */
static void
read_version(struct rules_atlas *a)
{
	static const char mark[] = "# version ";
	char *path = mem_printf("%s/tzdata.zi", a->zone_dir);
	char head[40] = "";
	size_t got = 0;
	struct env_file *f = NULL;
	struct err err;
	const char *tzdata = "of unknown version";

	if (env_open(a->env, path, ENV_READ, &f, &err) == ERR_NONE &&
	    env_pread(a->env, f, head, sizeof(head) - 1, 0, &got, &err) ==
		ERR_NONE) {
		head[got] = '\0';
		head[strcspn(head, "\n")] = '\0';
		if (text_starts(head, mark))
			tzdata = head + strlen(mark);
	}
	env_close(a->env, &f);
	mem_free(&path);
	(void)snprintf(a->version, sizeof(a->version), "tzdata %s, %s%.40s",
	    tzdata, a->areas == NULL ? "no areas" : "areas ",
	    a->areas == NULL ? "" : rules_area_version(a->areas));
}

enum err_code
rules_atlas_open(struct env *env, const char *zone_dir, const char *area_path,
    struct rules_atlas **out, struct err *err)
{
	struct rules_atlas *a = mem_zalloc(1, sizeof(*a));
	enum err_code code = ERR_NONE;

	a->env = env;
	a->zone_dir = mem_strdup(zone_dir == NULL ? RULES_ZONE_DIR : zone_dir);
	if (area_path != NULL)
		code = rules_area_load(env, area_path, &a->areas, err);
	if (code != ERR_NONE)
		rules_atlas_close(&a);
	else
		read_version(a);
	*out = a;
	return code;
}

void
rules_atlas_close(struct rules_atlas **a)
{
	if (*a == NULL)
		return;
	for (size_t i = 0; i < (*a)->count; i++)
		rules_zone_free(&(*a)->zones[i]);
	mem_free(&(*a)->zones);
	rules_area_free(&(*a)->areas);
	mem_free(&(*a)->zone_dir);
	mem_free(a);
}

enum err_code
rules_atlas_zone(struct rules_atlas *a, const char *name,
    const struct rules_zone **out, struct err *err)
{
	struct rules_zone *z = NULL;
	enum err_code code;

	*out = NULL;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(rules_zone_name(a->zones[i]), name) == 0) {
			*out = a->zones[i];
			return ERR_NONE;
		}
	code = rules_zone_load(a->env, a->zone_dir, name, &z, err);
	if (code != ERR_NONE)
		return code;
	a->zones = mem_realloc(a->zones, a->count + 1, sizeof(a->zones[0]));
	a->zones[a->count++] = z;
	*out = z;
	return ERR_NONE;
}

/* What cannot be used is no error of this call, but the absence of a zone. */
static enum err_code
add(struct rules_atlas *a, const char *name, struct rules_places *out,
    struct err *err)
{
	enum err_code code =
	    rules_atlas_zone(a, name, &out->zone[out->count], err);

	if (code == ERR_NONE) {
		out->count++;
		return ERR_NONE;
	}
	out->count = 0;
	(void)snprintf(out->why, sizeof(out->why), "%.*s",
	    (int)sizeof(out->why) - 1, err->text);
	return code == ERR_NOT_FOUND || code == ERR_MALFORMED ? ERR_NONE : code;
}

static enum err_code
add_area(struct rules_atlas *a, int64_t number, struct rules_places *out,
    struct err *err)
{
	const struct rules_area *area =
	    a->areas == NULL ? NULL : rules_area_find(a->areas, number);

	if (area == NULL) {
		(void)snprintf(out->why, sizeof(out->why),
		    "contact.timezone is not given, and the number's area code "
		    "is not in the table (%s): give the contact a timezone",
		    a->version);
		return ERR_NONE;
	}
	for (size_t i = 0; i < area->count; i++) {
		enum err_code code = add(a, area->zone[i], out, err);

		if (code != ERR_NONE || out->count == 0)
			return code;
	}
	return ERR_NONE;
}

enum err_code
rules_atlas_places(struct rules_atlas *a, const struct rules_asked *asked,
    struct rules_places *out, struct err *err)
{
	bool own = asked->contact_zone != NULL && *asked->contact_zone != '\0';

	memset(out, 0, sizeof(*out));
	if (strcmp(asked->window_zone, "contact") != 0)
		return add(a, asked->window_zone, out, err);
	if (!own)
		return add_area(a, asked->number, out, err);
	if (strchr(asked->contact_zone, '/') == NULL) {
		(void)snprintf(out->why, sizeof(out->why),
		    "contact.timezone \"%.40s\" names no place: expected one "
		    "such as America/New_York",
		    asked->contact_zone);
		return ERR_NONE;
	}
	return add(a, asked->contact_zone, out, err);
}

const char *
rules_atlas_version(const struct rules_atlas *a)
{
	return a->version;
}
