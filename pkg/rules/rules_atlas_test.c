#include "rules/rules_atlas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#include "net/net_env.h"

#define SHIPPED "rules/nanp_zones.csv"

static struct env *env;
static struct rules_atlas *atlas;

static int
open_all(void **state)
{
	struct err err = {0};

	(void)state;
	if (net_env_open(&env, &err) != ERR_NONE)
		return -1;
	return rules_atlas_open(env, NULL, SHIPPED, &atlas, &err) == ERR_NONE
		   ? 0
		   : -1;
}

static int
close_all(void **state)
{
	(void)state;
	rules_atlas_close(&atlas);
	rules_atlas_close(&atlas);
	net_env_close(&env);
	return 0;
}

static struct rules_places
places(const char *window_zone, const char *contact_zone, int64_t number)
{
	const struct rules_asked asked = {window_zone, contact_zone, number};
	struct rules_places out;
	struct err err = {0};

	assert_int_equal(
	    rules_atlas_places(atlas, &asked, &out, &err), ERR_NONE);
	assert_int_equal(out.count == 0, out.why[0] != '\0');
	return out;
}

static void
a_zone_is_read_once_and_then_shared(void **state)
{
	const struct rules_zone *a = NULL;
	const struct rules_zone *b = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    rules_atlas_zone(atlas, "Asia/Kathmandu", &a, &err), ERR_NONE);
	assert_int_equal(
	    rules_atlas_zone(atlas, "Asia/Kathmandu", &b, &err), ERR_NONE);
	assert_ptr_equal(a, b);
	assert_string_equal(rules_zone_name(a), "Asia/Kathmandu");
	assert_int_equal(
	    rules_atlas_zone(atlas, "Asia/Nowhere", &b, &err), ERR_NOT_FOUND);
	assert_null(b);
}

static void
the_contacts_zone_goes_before_the_numbers(void **state)
{
	struct rules_places p =
	    places("contact", "Pacific/Honolulu", 15125550100);

	(void)state;
	assert_int_equal(p.count, 1);
	assert_string_equal(rules_zone_name(p.zone[0]), "Pacific/Honolulu");
}

static void
without_a_contacts_zone_every_zone_of_the_number_counts(void **state)
{
	static const char *const none[] = {NULL, ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		struct rules_places p = places("contact", none[i], 19285550100);

		assert_int_equal(p.count, 2);
		assert_string_equal(
		    rules_zone_name(p.zone[0]), "America/Phoenix");
		assert_string_equal(
		    rules_zone_name(p.zone[1]), "America/Denver");
	}
}

static void
a_zone_set_for_the_kind_goes_before_both(void **state)
{
	struct rules_places p =
	    places("Europe/London", "Pacific/Honolulu", 15125550100);

	(void)state;
	assert_int_equal(p.count, 1);
	assert_string_equal(rules_zone_name(p.zone[0]), "Europe/London");
}

static void
a_number_that_no_row_fits_has_no_zone(void **state)
{
	struct rules_places p = places("contact", NULL, 966112345678);

	(void)state;
	assert_int_equal(p.count, 0);
	assert_non_null(strstr(p.why, "area code is not in the table"));
	assert_non_null(strstr(p.why, "give the contact a timezone"));
	assert_null(strstr(p.why, "966112"));
}

/* Falling back to the number would dial by a guess against what was said. */
static void
a_contacts_zone_that_cannot_be_used_leaves_no_zone_at_all(void **state)
{
	static const char *const bad[] = {"EST", "Eastern", "UTC",
	    "America/Springfield", "../../etc/localtime", "America/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    places("contact", bad[i], 15125550100).count, 0);
	assert_non_null(strstr(
	    places("contact", "EST", 15125550100).why, "names no place"));
	assert_int_equal(
	    places("Atlantis/Poseidonis", NULL, 15125550100).count, 0);
}

static void
without_a_table_no_numbers_zone_is_known(void **state)
{
	const struct rules_asked asked = {"contact", NULL, 15125550100};
	struct rules_atlas *bare = NULL;
	struct rules_places p;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    rules_atlas_open(env, NULL, NULL, &bare, &err), ERR_NONE);
	assert_int_equal(rules_atlas_places(bare, &asked, &p, &err), ERR_NONE);
	assert_int_equal(p.count, 0);
	assert_non_null(strstr(rules_atlas_version(bare), "no areas"));
	rules_atlas_close(&bare);
	assert_null(bare);
}

/* A zone that the table names and tzdata has not must not be left out. */
static void
without_tzdata_nobody_has_a_zone(void **state)
{
	const struct rules_asked asked = {"contact", NULL, 18505550100};
	struct rules_atlas *bare = NULL;
	struct rules_places p;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    rules_atlas_open(env, "/nonexistent", SHIPPED, &bare, &err),
	    ERR_NONE);
	assert_int_equal(rules_atlas_places(bare, &asked, &p, &err), ERR_NONE);
	assert_int_equal(p.count, 0);
	assert_non_null(strstr(p.why, "install the package tzdata"));
	assert_non_null(
	    strstr(rules_atlas_version(bare), "tzdata of unknown version"));
	rules_atlas_close(&bare);
}

/* The zones that are there would allow hours that the missing one forbids. */
static void
one_missing_zone_of_several_leaves_none(void **state)
{
	static const char table[] =
	    "# version: 1\n"
	    "prefix,zones\n"
	    "+1512,America/Chicago|Atlantis/Poseidonis\n";
	const struct rules_asked asked = {"contact", NULL, 15125550100};
	char dir[] = "/tmp/rules_atlas_XXXXXX";
	struct rules_atlas *half = NULL;
	struct rules_places p;
	struct err err = {0};
	char *path;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/areas.csv", dir);
	assert_int_equal(
	    env_write_whole(env, path, table, strlen(table), &err), ERR_NONE);
	assert_int_equal(
	    rules_atlas_open(env, NULL, path, &half, &err), ERR_NONE);
	assert_int_equal(rules_atlas_places(half, &asked, &p, &err), ERR_NONE);
	assert_int_equal(p.count, 0);
	assert_non_null(strstr(p.why, "Atlantis/Poseidonis"));
	rules_atlas_close(&half);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	mem_free(&path);
}

static void
the_version_names_both_data_sets(void **state)
{
	const char *version = rules_atlas_version(atlas);

	(void)state;
	assert_memory_equal(version, "tzdata 20", 9);
	assert_non_null(strstr(version, ", areas 20"));
}

static void
a_missing_table_refuses_the_atlas(void **state)
{
	struct rules_atlas *none = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    rules_atlas_open(env, NULL, "/nonexistent.csv", &none, &err),
	    ERR_CONFIG);
	assert_null(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zone_is_read_once_and_then_shared),
	    cmocka_unit_test(the_contacts_zone_goes_before_the_numbers),
	    cmocka_unit_test(
		without_a_contacts_zone_every_zone_of_the_number_counts),
	    cmocka_unit_test(a_zone_set_for_the_kind_goes_before_both),
	    cmocka_unit_test(a_number_that_no_row_fits_has_no_zone),
	    cmocka_unit_test(
		a_contacts_zone_that_cannot_be_used_leaves_no_zone_at_all),
	    cmocka_unit_test(without_a_table_no_numbers_zone_is_known),
	    cmocka_unit_test(without_tzdata_nobody_has_a_zone),
	    cmocka_unit_test(one_missing_zone_of_several_leaves_none),
	    cmocka_unit_test(the_version_names_both_data_sets),
	    cmocka_unit_test(a_missing_table_refuses_the_atlas),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
