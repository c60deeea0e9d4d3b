#include "source/source_people.h"

#include "base/buf.h"
#include "base/check.h"

#include "json/json.h"
#include "source/source_test.h"

#include "source/source_people_priv.h"

/*
 * Whom a campaign calls, by a store that is played here: there, away, back;
 * and what documents of others mean.
 */

/* --- a store ----------------------------------------------------------------
 */

struct doc {
	enum source_lookup_kind kind;
	const char *id, *json;
};

struct fake {
	struct source_lookup port;
	struct env *env;
	struct env_post post;
	struct source_lookup_ask *ask;
	const struct doc *docs;
	size_t count;
	bool away;
	int asks[2];
};

static void
answer(struct env_post *p)
{
	struct fake *f = CONTAINER_OF(p, struct fake, post);
	struct source_lookup_ask *a = f->ask;

	f->ask = NULL;
	if (f->away) {
		a->code = err_set(&a->err, ERR_UNREACHABLE, 0, "nobody there");
		a->done(a);
		return;
	}
	a->docs = mem_zalloc(a->count, sizeof(*a->docs));
	for (size_t i = 0; i < a->count; i++) {
		struct source_lookup_doc *d = &a->docs[i];

		d->code = err_set(&d->err, ERR_NOT_FOUND, 0, "not found");
		for (size_t k = 0; k < f->count; k++)
			if (f->docs[k].kind == a->kind &&
			    strcmp(f->docs[k].id, a->ids[i]) == 0) {
				d->code = ERR_NONE;
				d->json = mem_strdup(f->docs[k].json);
			}
	}
	a->done(a);
}

static void
fake_start(void *impl, struct source_lookup_ask *a)
{
	struct fake *f = impl;

	assert_null(f->ask);
	f->ask = a;
	f->asks[a->kind]++;
	env_post(f->env, &f->post);
}

static void
fake_cancel(void *impl, struct source_lookup_ask *a)
{
	struct fake *f = impl;

	if (f->ask != a)
		return;
	f->ask = NULL;
	list_remove(&f->post.node);
}

static const struct source_lookup_ops fake_ops = {.start = fake_start,
    .cancel = fake_cancel};

/* --- a world ----------------------------------------------------------------
 */

struct town {
	struct world *w;
	struct fake store;
	struct journal *journal;
	struct source_people *people;
	struct source_people_ask ask;
	bool done;
};

static int
built(void **state)
{
	struct town *t = mem_zalloc(1, sizeof(*t));
	void *world = NULL;

	(void)world_setup(&world);
	t->w = world;
	t->store.env = t->w->env;
	t->store.post.fn = answer;
	t->store.port = (struct source_lookup){
	    .name = "the store", .ops = &fake_ops, .impl = &t->store};
	assert_int_equal(
	    journal_open(&(struct journal_options){.env = t->w->env,
			     .dir = t->w->dir,
			     .mode = JOURNAL_CREATE,
			     .build_ms = 1000},
		&t->journal, &t->w->err),
	    ERR_NONE);
	t->people = source_people_new(t->w->env, t->journal, &t->store.port);
	*state = t;
	return 0;
}

static int
gone(void **state)
{
	struct town *t = *state;
	char command[128];

	source_people_ask_fini(&t->ask);
	source_people_free(&t->people);
	journal_close(&t->journal);
	net_env_close(&t->w->env);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", t->w->dir);
	assert_int_equal(system(command), 0);
	mem_free(&t->w);
	mem_free(state);
	return 0;
}

static void
answered(struct source_people_ask *a)
{
	struct town *t = CONTAINER_OF(a, struct town, ask);

	assert_false(t->done);
	t->done = true;
	net_env_stop(t->w->env);
}

static const struct source_person *
ask(struct town *t, const char *const *ids, size_t n)
{
	source_people_ask_fini(&t->ask);
	t->done = false;
	t->ask = (struct source_people_ask){
	    .campaigns = ids, .count = n, .done = answered};
	source_people_start(t->people, &t->ask);
	assert_false(t->done);
	net_env_run(t->w->env);
	assert_true(t->done);
	assert_int_equal(t->ask.code, ERR_NONE);
	return t->ask.people;
}

static const struct source_person *
one(struct town *t, const char *id)
{
	return ask(t, &id, 1);
}

/* As another process would, that knows of nobody being away. */
static void
begin_anew(struct town *t)
{
	source_people_free(&t->people);
	t->people = source_people_new(t->w->env, t->journal, &t->store.port);
}

static void
store(struct town *t, const struct doc *docs, size_t n)
{
	t->store.docs = docs;
	t->store.count = n;
}

#define CAMPAIGN(id, contact, more)                                         \
	{                                                                   \
		SOURCE_LOOKUP_CAMPAIGN, id,                                 \
		    "{\"contact\":\"" contact "\",\"batch\":\"b\"" more "}" \
	}
#define CONTACT(id, more)                                                  \
	{                                                                  \
		SOURCE_LOOKUP_CONTACT, id,                                 \
		    "{\"_id\":\"" id "\",\"firstName\":\"Maria\"" more "}" \
	}
#define PHONE ",\"phone\":\"+1 (202) 555-0101\""

static void
it_has_phone_and_fields_and_where_the_campaign_stands(void **state)
{
	static const struct doc docs[] = {
	    CAMPAIGN("c1", "p1",
		",\"status\":\"in_progress\",\"lastCompletedStep\":2"),
	    CONTACT("p1", PHONE ",\"timezone\":\"America/New_York\"")};
	struct town *t = *state;
	const struct source_person *p;

	store(t, docs, ARRAY_LEN(docs));
	p = one(t, "c1");
	assert_int_equal(p->code, ERR_NONE);
	assert_string_equal(p->phone, "+12025550101");
	assert_string_equal(p->contact,
	    "{\"first_name\":\"Maria\",\"timezone\":\"America/New_York\"}");
	assert_string_equal(p->batch, "b");
	assert_string_equal(p->status, "in_progress");
	assert_int_equal(p->last_step, 2);
	assert_int_equal(p->age_ms, -1);
	assert_false(p->opted_out);
	assert_int_equal(t->ask.away.code, ERR_NONE);
}

static void
a_default_is_no_step_that_was_made(void **state)
{
	static const struct doc docs[] = {
	    CAMPAIGN("c1", "p1", ",\"lastCompletedStep\":0"),
	    CAMPAIGN("c2", "p1",
		",\"lastCompletedStep\":0,"
		"\"lastCompletedDate\":\"2026-01-05T09:00:00Z\""),
	    CAMPAIGN("c3", "p1", ",\"lastCompletedStep\":1"),
	    CONTACT("p1", PHONE)};
	static const char *const ids[] = {"c1", "c2", "c3"};
	struct town *t = *state;
	const struct source_person *p;

	store(t, docs, ARRAY_LEN(docs));
	p = ask(t, ids, 3);
	assert_int_equal(p[0].last_step, -1);
	assert_int_equal(p[1].last_step, 0);
	assert_int_equal(p[2].last_step, 1);
}

static void
what_is_missing_is_named(void **state)
{
	static const struct doc docs[] = {CAMPAIGN("c1", "nobody", ""),
	    CAMPAIGN("c2", "p2", ""), CONTACT("p2", ""),
	    {SOURCE_LOOKUP_CAMPAIGN, "c3", "{\"batch\":\"b\"}"},
	    CAMPAIGN("c4", "p4", ""), CONTACT("p4", ",\"phone\":\"12\""),
	    {SOURCE_LOOKUP_CAMPAIGN, "c5", "[]"}};
	static const char *const ids[] = {"none", "c1", "c2", "c3", "c4", "c5"};
	static const enum err_code codes[] = {ERR_NOT_FOUND, ERR_NOT_FOUND,
	    ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED};
	static const char *const words[] = {"campaign none: not found",
	    "campaign c1: ", "no phone", "no contact", "contact's phone",
	    "campaign c5"};
	struct town *t = *state;
	const struct source_person *p;

	store(t, docs, ARRAY_LEN(docs));
	p = ask(t, ids, ARRAY_LEN(ids));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(p[i].code, codes[i]);
		if (strstr(p[i].err.text, words[i]) == NULL)
			fail_msg("%s: %s", words[i], p[i].err.text);
	}
	/* One question each, for all of them. */
	assert_int_equal(t->store.asks[SOURCE_LOOKUP_CAMPAIGN], 1);
	assert_int_equal(t->store.asks[SOURCE_LOOKUP_CONTACT], 1);
}

static void
away_it_is_whom_it_was(void **state)
{
	static const struct doc docs[] = {CAMPAIGN("c1", "p1", ""),
	    CONTACT("p1", PHONE), CAMPAIGN("c2", "p2", ""),
	    CONTACT("p2", PHONE)};
	static const char *const ids[] = {"c1", "c2"};
	struct town *t = *state;
	const struct source_person *p;

	store(t, docs, ARRAY_LEN(docs));
	(void)one(t, "c1");
	t->store.away = true;
	p = ask(t, ids, 2);
	assert_int_equal(p[0].code, ERR_NONE);
	assert_string_equal(p[0].phone, "+12025550101");
	assert_true(p[0].age_ms >= 0 && p[0].age_ms < 60000);
	assert_int_equal(p[1].code, ERR_UNREACHABLE);
	assert_int_equal(t->ask.away.code, ERR_UNREACHABLE);
	/* It is left alone for a while, and then there again. */
	assert_int_equal(t->store.asks[SOURCE_LOOKUP_CAMPAIGN], 2);
	(void)ask(t, ids, 2);
	assert_int_equal(t->store.asks[SOURCE_LOOKUP_CAMPAIGN], 2);
	t->store.away = false;
	begin_anew(t);
	p = ask(t, ids, 2);
	assert_int_equal(p[1].code, ERR_NONE);
	assert_int_equal(p[1].age_ms, -1);
	assert_int_equal(t->ask.away.code, ERR_NONE);
}

static void
a_campaign_is_asked_for_each_time_and_a_contact_once_an_hour(void **state)
{
	static const struct doc before[] = {
	    CAMPAIGN("c1", "p1", ""), CONTACT("p1", PHONE)};
	static const struct doc after[] = {
	    CAMPAIGN("c1", "p1", ",\"status\":\"booked\""),
	    CONTACT("p1", PHONE)};
	struct town *t = *state;

	store(t, before, ARRAY_LEN(before));
	(void)one(t, "c1");
	store(t, after, ARRAY_LEN(after));
	assert_string_equal(one(t, "c1")->status, "booked");
	assert_int_equal(t->store.asks[SOURCE_LOOKUP_CAMPAIGN], 2);
	assert_int_equal(t->store.asks[SOURCE_LOOKUP_CONTACT], 1);
}

static void
what_the_store_has_no_more_is_forgotten(void **state)
{
	static const struct doc docs[] = {
	    CAMPAIGN("c1", "p1", ""), CONTACT("p1", PHONE)};
	struct town *t = *state;

	store(t, docs, ARRAY_LEN(docs));
	(void)one(t, "c1");
	store(t, docs, 0);
	assert_int_equal(one(t, "c1")->code, ERR_NOT_FOUND);
	t->store.away = true;
	assert_int_equal(one(t, "c1")->code, ERR_UNREACHABLE);
}

struct listing {
	struct journal_tx tx;
	int64_t number;
	int kind;
};

static enum err_code
look_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct listing *l = CONTAINER_OF(tx, struct listing, tx);

	return journal_dnc_get(j, l->number, &l->kind, err);
}

static int
is_listed(struct town *t, int64_t number)
{
	struct listing l = {
	    .tx = {.run = look_run, .cls = JOURNAL_LIVE}, .number = number};

	assert_int_equal(journal_now(t->journal, &l.tx, &t->w->err), ERR_NONE);
	return l.kind;
}

static void
whoever_opted_out_is_never_called(void **state)
{
	static const struct doc docs[] = {CAMPAIGN("c1", "p1", ""),
	    CONTACT("p1", PHONE ",\"optOut\":true"), CAMPAIGN("c2", "p2", ""),
	    CONTACT("p2", ",\"phone\":\"+12025550102\",\"doNotCall\":true"),
	    CAMPAIGN("c3", "p3", ""),
	    CONTACT("p3", ",\"phone\":\"+12025550103\"")};
	static const char *const ids[] = {"c1", "c2", "c3"};
	struct town *t = *state;
	const struct source_person *p;

	store(t, docs, ARRAY_LEN(docs));
	p = ask(t, ids, 3);
	assert_true(p[0].opted_out && p[1].opted_out && !p[2].opted_out);
	assert_int_equal(is_listed(t, 12025550101), 2);
	assert_int_equal(is_listed(t, 12025550102), 1);
	assert_int_equal(is_listed(t, 12025550103), 0);
}

static void
a_cancelled_ask_never_answers(void **state)
{
	static const struct doc docs[] = {
	    CAMPAIGN("c1", "p1", ""), CONTACT("p1", PHONE)};
	static const char *const ids[] = {"c1"};
	struct town *t = *state;

	store(t, docs, ARRAY_LEN(docs));
	t->done = false;
	t->ask = (struct source_people_ask){
	    .campaigns = ids, .count = 1, .done = answered};
	source_people_start(t->people, &t->ask);
	assert_true(source_people_cancel(t->people));
	assert_null(t->store.ask);
	assert_true(source_people_cancel(t->people));
	assert_int_equal(one(t, "c1")->code, ERR_NONE);
}

/* --- documents --------------------------------------------------------------
 */

static void
becomes(const char *json, const char *fields, int dnc)
{
	struct source_person p = {0};
	char *kept = NULL;
	int64_t number = 0;
	int got = 0;
	struct err err;

	assert_int_equal(
	    source_people_contact(json, &kept, &number, &got, &err), ERR_NONE);
	assert_int_equal(got, dnc);
	assert_int_equal(
	    source_people_person("{\"contact\":\"c\"}", kept, &p, &err),
	    ERR_NONE);
	assert_string_equal(p.contact, fields);
	mem_free(&kept);
	mem_free(&p.phone);
	mem_free(&p.contact);
	mem_free(&p.batch);
	mem_free(&p.status);
}

static void
names_of_others_become_ours(void **state)
{
	(void)state;
	becomes("{\"_id\":\"1\",\"__v\":0,\"createdAt\":\"x\","
		"\"phoneNumber\":\"+12025550101\",\"firstName\":\"A\","
		"\"lastName\":\"B\",\"practice\":{\"_id\":\"2\",\"name\":"
		"\"Oak\"},\"emailAddress\":\"a@b.c\",\"timeZone\":\"UTC\","
		"\"yearsInPractice\":7,\"tags\":[1]}",
	    "{\"email\":\"a@b.c\",\"first_name\":\"A\",\"last_name\":\"B\","
	    "\"practice\":\"Oak\",\"timezone\":\"UTC\",\"years_in_practice\":7"
	    "}",
	    0);
	/* Our own name stands before another's. */
	becomes("{\"phone\":\"+12025550101\",\"company\":\"X\","
		"\"practice\":\"Y\",\"first_name\":\"Z\",\"firstName\":\"W\"}",
	    "{\"first_name\":\"Z\",\"practice\":\"Y\"}", 0);
}

static void
every_way_to_say_no_is_heard(void **state)
{
	static const struct {
		const char *more;
		int dnc;
	} rows[] = {{"\"optOut\":true", 2}, {"\"opted_out\":\"yes\"", 2},
	    {"\"optedOut\":false", 0}, {"\"opt_out\":\"no\"", 0},
	    {"\"unsubscribed\":1", 2}, {"\"do_not_call\":true", 1},
	    {"\"DNC\":true", 1}, {"\"dnc\":null", 0},
	    {"\"optOut\":{\"at\":\"2026\"}", 2}, {"\"consent\":false", 2},
	    {"\"consent\":true", 0}, {"\"consent\":\"revoked\"", 2},
	    {"\"consent\":\"written\"", 0},
	    {"\"consent\":{\"status\":\"withdrawn\"}", 2},
	    {"\"consent\":{\"revokedAt\":\"2026-01-01\"}", 2},
	    {"\"consent\":{\"status\":\"given\",\"revokedAt\":null}", 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *json = mem_printf("{%s}", rows[i].more);
		char *kept = NULL;
		int64_t number = 7;
		int dnc = 7;
		struct err err;

		assert_int_equal(
		    source_people_contact(json, &kept, &number, &dnc, &err),
		    ERR_NONE);
		if (dnc != rows[i].dnc)
			fail_msg("%s: %d", json, dnc);
		assert_int_equal(number, 0);
		mem_free(&kept);
		mem_free(&json);
	}
}

static void
a_step_is_not_called_twice_nor_a_campaign_that_is_over(void **state)
{
	static const struct {
		const char *status;
		int64_t last, step, tries;
		bool may;
	} rows[] = {{"", -1, 0, 0, true}, {"pending", 0, 0, 0, false},
	    {"in_progress", 1, 2, 0, true}, {"in_progress", 2, 2, 0, false},
	    {"in_progress", 3, 2, 0, false}, {"completed", -1, 2, 0, false},
	    {"failed", -1, 2, 0, false}, {"declined", -1, 2, 0, false},
	    {"booked", -1, 2, 0, false},
	    /* What a try before left behind. */
	    {"failed", 2, 2, 1, true}, {"in_progress", 2, 2, 1, true},
	    {"in_progress", 3, 2, 1, false}, {"booked", 2, 2, 1, false}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct source_person p = {
		    .status = (char *)(uintptr_t)rows[i].status,
		    .last_step = rows[i].last};
		bool may = source_person_may(&p, "c", rows[i].step,
			       rows[i].tries, &err) == ERR_NONE;

		if (may != rows[i].may)
			fail_msg("row %zu", i);
		p.opted_out = true;
		assert_int_equal(source_person_may(&p, "c", rows[i].step,
				     rows[i].tries, &err),
		    ERR_REJECTED);
	}
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, built, gone)
	const struct CMUnitTest tests[] = {
	    T(it_has_phone_and_fields_and_where_the_campaign_stands),
	    T(a_default_is_no_step_that_was_made),
	    T(what_is_missing_is_named),
	    T(away_it_is_whom_it_was),
	    T(a_campaign_is_asked_for_each_time_and_a_contact_once_an_hour),
	    T(what_the_store_has_no_more_is_forgotten),
	    T(whoever_opted_out_is_never_called),
	    T(a_cancelled_ask_never_answers),
	    cmocka_unit_test(names_of_others_become_ours),
	    cmocka_unit_test(every_way_to_say_no_is_heard),
	    cmocka_unit_test(
		a_step_is_not_called_twice_nor_a_campaign_that_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
