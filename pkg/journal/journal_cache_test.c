#include "journal/journal_cache.h"

#include "journal/journal_fix_test.h"
#include "journal/journal_lease.h"
#include "journal/journal_prune.h"
#include "journal/journal_read.h"

/*
 * What was read in another's store: kept, replaced, and gone with its person
 * or its age.
 */

struct putting {
	enum journal_cache_kind kind;
	const char *id;
	int64_t number;
	const char *body; /* NULL: removed */
};

static enum err_code
put_run(struct journal *j, void *arg, struct err *err)
{
	const struct putting *p = arg;

	if (p->body == NULL)
		return journal_cache_remove(j, p->kind, p->id, err);
	return journal_cache_put(j, p->kind, p->id, p->number, p->body, err);
}

static void
put(struct fix *f, enum journal_cache_kind kind, const char *id, int64_t number,
    const char *body)
{
	struct putting p = {kind, id, number, body};

	OK(once(f, put_run, &p));
}

/* NULL: it must not be there. */
static void
is(struct fix *f, enum journal_cache_kind kind, const char *id,
    const char *body)
{
	char *got = NULL;
	int64_t at_ms = 0;

	OK(journal_read_cache(f->j, kind, id, &got, &at_ms, &f->err));
	if (body == NULL) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, body);
	assert_true(env_now_ms(f->env) - at_ms < 60000 && at_ms > 0);
	mem_free(&got);
}

static void
what_was_read_last_is_kept(void **state)
{
	struct fix *f = *state;

	is(f, JOURNAL_CACHE_CAMPAIGN, "a", NULL);
	put(f, JOURNAL_CACHE_CAMPAIGN, "a", 0, "{\"n\":1}");
	put(f, JOURNAL_CACHE_CONTACT, "a", 15125550100, "{}");
	put(f, JOURNAL_CACHE_CAMPAIGN, "a", 0, "{\"n\":2}");
	is(f, JOURNAL_CACHE_CAMPAIGN, "a", "{\"n\":2}");
	is(f, JOURNAL_CACHE_CONTACT, "a", "{}");
	put(f, JOURNAL_CACHE_CAMPAIGN, "a", 0, NULL);
	put(f, JOURNAL_CACHE_CAMPAIGN, "a", 0, NULL);
	is(f, JOURNAL_CACHE_CAMPAIGN, "a", NULL);
	is(f, JOURNAL_CACHE_CONTACT, "a", "{}");
	journal_close(&f->j);
	OK(open_journal(f, JOURNAL_MUST_EXIST));
	is(f, JOURNAL_CACHE_CONTACT, "a", "{}");
}

static enum err_code
erase_run(struct journal *j, void *arg, struct err *err)
{
	return journal_erase(j, *(int64_t *)arg, "ann", "asked", err);
}

/* A job that was called, with its result delivered; its number. */
static int64_t
lived(struct fix *f, struct life *l, const char *ext)
{
	struct journal_person p;
	int64_t number = 0;

	life_whole(f, l, ext);
	OK(once(f, outbox_all_done, NULL));
	OK(journal_read_person(f->j, l->id, &p, &f->err));
	number = p.number;
	journal_person_free(&p);
	return number;
}

static void
an_erased_job_takes_its_contact_along(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	int64_t number = lived(f, &l, "a");

	put(f, JOURNAL_CACHE_CONTACT, "hers", number, "{}");
	put(f, JOURNAL_CACHE_CONTACT, "his", number + 1, "{}");
	put(f, JOURNAL_CACHE_CAMPAIGN, "hers", 0, "{}");
	OK(once(f, erase_run, &l.id));
	is(f, JOURNAL_CACHE_CONTACT, "hers", NULL);
	is(f, JOURNAL_CACHE_CONTACT, "his", "{}");
	is(f, JOURNAL_CACHE_CAMPAIGN, "hers", "{}");
}

static void
prune(struct fix *f, int64_t before_ms, bool dry_run)
{
	struct journal_prune p = {.before_ms = before_ms, .dry_run = dry_run};

	OK(journal_prune(f->j, &p, &f->err));
	journal_prune_fini(&p);
}

static void
a_prune_takes_what_is_as_old(void **state)
{
	struct fix *f = *state;
	int64_t later_ms = env_now_ms(f->env) + 60000;

	put(f, JOURNAL_CACHE_CONTACT, "a", 15125550100, "{}");
	put(f, JOURNAL_CACHE_CAMPAIGN, "a", 0, "{}");
	prune(f, env_now_ms(f->env) - 60000, false);
	prune(f, later_ms, true);
	is(f, JOURNAL_CACHE_CONTACT, "a", "{}");
	prune(f, later_ms, false);
	is(f, JOURNAL_CACHE_CONTACT, "a", NULL);
	is(f, JOURNAL_CACHE_CAMPAIGN, "a", NULL);
}

static void
an_identity_is_known_once_it_was_taken_in(void **state)
{
	struct fix *f = *state;
	struct life l = {0};
	bool known = true;

	OK(journal_read_is_known(f->j, "file", "a", &known, &f->err));
	assert_false(known);
	life_add(f, &l, "a");
	OK(journal_read_is_known(f->j, "file", "a", &known, &f->err));
	assert_true(known);
	OK(journal_read_is_known(
	    f->j, "bull:bull:calls", "a", &known, &f->err));
	assert_false(known);
}

static bool
made(struct fix *f, int64_t step, const char *but)
{
	bool yes = false;

	OK(journal_read_is_made(f->j, "spring", step, but, &yes, &f->err));
	return yes;
}

/* Of step 0 of campaign spring, as all jobs here. */
static void
a_step_is_made_once_it_was_called_or_is_about_to_be(void **state)
{
	struct fix *f = *state;
	struct life a = {0};
	struct life b = {0};

	assert_false(made(f, 0, "-"));
	life_add(f, &a, "a@1#0");
	assert_true(made(f, 0, "-"));
	assert_false(made(f, 0, "a@1#"));
	assert_false(made(f, -1, "-"));
	assert_false(made(f, 1, "-"));
	(void)lived(f, &b, "b@1#0");
	assert_true(made(f, -1, "a@1#"));
	assert_true(made(f, 0, "a@1#"));
	assert_false(made(f, 1, "-"));
}

#define O(name) cmocka_unit_test_setup_teardown(name, setup_opened, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    O(what_was_read_last_is_kept),
	    O(an_erased_job_takes_its_contact_along),
	    O(a_prune_takes_what_is_as_old),
	    O(an_identity_is_known_once_it_was_taken_in),
	    O(a_step_is_made_once_it_was_called_or_is_about_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
