#include "source/source_people.h"

#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#include "journal/journal_cache.h"

#include "source/source_people_priv.h"

/*
 * An ask goes campaigns, contacts, journal, done; each part only where there is
 * something to do.
 */

#define AWAY_MS 10000 /* real: not asked again */

/* One of a campaign and its contact. */
struct part {
	char *id;
	char *kept;      /* NULL: it is not known */
	int64_t age_ms;  /* of kept, when it is from the journal */
	bool read, gone; /* by the store, now: to be written down */
	int64_t number;
	int dnc;
};

struct item {
	struct part campaign, contact;
	enum err_code code; /* what is wrong with it for good */
	struct err err;
};

struct source_people {
	struct env *env;
	struct journal *journal;
	const struct source_lookup *lookup;
	struct source_people_ask *now;
	struct item *items;
	size_t count;
	/* what the store is asked */
	struct source_lookup_ask ask;
	const char *ids[SOURCE_LOOKUP_MAX];
	size_t item_of[SOURCE_LOOKUP_MAX];
	struct journal_tx tx;
	bool writing;
	struct env_post post;
	int64_t away_until_ms; /* env_real_boot_ms */
	struct err away;
};

static void
part_fini(struct part *p)
{
	mem_free(&p->id);
	mem_free(&p->kept);
}

static void
items_free(struct source_people *p)
{
	for (size_t i = 0; i < p->count; i++) {
		part_fini(&p->items[i].campaign);
		part_fini(&p->items[i].contact);
	}
	mem_free(&p->items);
	p->count = 0;
}

static bool
is_away(const struct source_people *p)
{
	return env_real_boot_ms(p->env) < p->away_until_ms;
}

/* --- the end ----------------------------------------------------------------
 */

static void
person(struct source_people *p, struct item *it, struct source_person *out)
{
	int64_t age_ms = it->campaign.age_ms > it->contact.age_ms
			     ? it->campaign.age_ms
			     : it->contact.age_ms;

	out->age_ms = -1;
	out->code = it->code;
	out->err = it->err;
	if (out->code != ERR_NONE)
		return;
	if (it->campaign.kept == NULL || it->contact.kept == NULL) {
		out->err = p->away;
		out->code = err_class(p->away.code) == ERR_CLASS_RETRY
				? p->away.code
				: ERR_UNREACHABLE;
		out->err.code = out->code;
		return;
	}
	out->code = source_people_person(
	    it->campaign.kept, it->contact.kept, out, &out->err);
	if (out->code != ERR_NONE)
		(void)err_wrap(&out->err, "campaign %.100s", it->campaign.id);
	if (!it->campaign.read)
		out->age_ms = age_ms;
}

static void
finish(struct source_people *p)
{
	struct source_people_ask *a = p->now;

	a->people = mem_zalloc(a->count, sizeof(*a->people));
	for (size_t i = 0; i < p->count; i++)
		person(p, &p->items[i], &a->people[i]);
	if (is_away(p))
		a->away = p->away;
	items_free(p);
	p->now = NULL;
	a->done(a);
}

static void
posted(struct env_post *post)
{
	finish(CONTAINER_OF(post, struct source_people, post));
}

/* --- into the journal -------------------------------------------------------
 */

static enum err_code
write_part(struct journal *j, enum journal_cache_kind kind,
    const struct part *p, struct err *err)
{
	if (p->gone)
		return journal_cache_remove(j, kind, p->id, err);
	if (!p->read)
		return ERR_NONE;
	return journal_cache_put(j, kind, p->id, p->number, p->kept, err);
}

static enum err_code
write_dnc(struct source_people *s, struct journal *j, const struct part *p,
    struct err *err)
{
	bool added = false;
	int kind = 0;

	if (!p->read || p->dnc == 0 || p->number == 0)
		return ERR_NONE;
	if (journal_dnc_get(j, p->number, &kind, err) != ERR_NONE || kind != 0)
		return kind != 0 ? ERR_NONE : err->code;
	return journal_dnc_put(j, p->number, p->dnc, s->lookup->name,
	    p->dnc == 2 ? "its contact opted out" : "its contact: do not call",
	    &added, err);
}

static enum err_code
write_run(struct journal *j, struct journal_tx *tx, struct err *err)
{
	struct source_people *p = CONTAINER_OF(tx, struct source_people, tx);
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < p->count && code == ERR_NONE; i++) {
		const struct item *it = &p->items[i];

		code =
		    write_part(j, JOURNAL_CACHE_CAMPAIGN, &it->campaign, err);
		if (code == ERR_NONE)
			code = write_part(
			    j, JOURNAL_CACHE_CONTACT, &it->contact, err);
		if (code == ERR_NONE)
			code = write_dnc(p, j, &it->contact, err);
	}
	return code;
}

static void
write_done(struct journal_tx *tx)
{
	struct source_people *p = CONTAINER_OF(tx, struct source_people, tx);

	CRASH_POINT("source.people.written");
	p->writing = false;
	if (tx->code != ERR_NONE) {
		p->now->code = tx->code;
		p->now->err = tx->err;
	}
	finish(p);
}

static void
write_down(struct source_people *p)
{
	struct err err;
	bool any = false;

	for (size_t i = 0; i < p->count; i++) {
		const struct item *it = &p->items[i];

		any = any || it->campaign.read || it->campaign.gone ||
		      it->contact.read || it->contact.gone;
	}
	if (!any) {
		env_post(p->env, &p->post);
		return;
	}
	p->writing = true;
	p->tx = (struct journal_tx){
	    .run = write_run, .done = write_done, .cls = JOURNAL_LIVE};
	CHECK(journal_submit(p->journal, &p->tx, &err) == ERR_NONE);
}

/* --- the store and what is kept ---------------------------------------------
 */

static void
store_is_away(struct source_people *p, const struct err *why)
{
	p->away = *why;
	p->away_until_ms = env_real_boot_ms(p->env) + AWAY_MS;
}

/* What the journal has of it, unless it is older than most_ms. */
static bool
from_cache(struct source_people *p, enum journal_cache_kind kind,
    struct part *part, int64_t most_ms)
{
	int64_t at_ms = 0;
	int64_t now_ms = env_now_ms(p->env);

	if (journal_read_cache(p->journal, kind, part->id, &part->kept, &at_ms,
		&p->now->err) != ERR_NONE) {
		p->now->code = p->now->err.code;
		return false;
	}
	part->age_ms = now_ms > at_ms ? now_ms - at_ms : 0;
	if (part->kept != NULL && part->age_ms > most_ms)
		mem_free(&part->kept);
	return part->kept != NULL;
}

static void
spoiled(struct item *it, enum err_code code, const struct err *err)
{
	it->code = code;
	it->err = *err;
}

static void
ask_store(struct source_people *p, enum source_lookup_kind kind, size_t n,
    void (*done)(struct source_lookup_ask *a))
{
	p->ask = (struct source_lookup_ask){
	    .kind = kind, .ids = p->ids, .count = n, .done = done};
	p->lookup->ops->start(p->lookup->impl, &p->ask);
}

/* --- contacts ---------------------------------------------------------------
 */

static void
contacts_from_cache(struct source_people *p)
{
	for (size_t i = 0; i < p->count && p->now->code == ERR_NONE; i++) {
		struct item *it = &p->items[i];

		if (it->code == ERR_NONE && it->contact.id != NULL &&
		    it->contact.kept == NULL)
			(void)from_cache(
			    p, JOURNAL_CACHE_CONTACT, &it->contact, INT64_MAX);
	}
	write_down(p);
}

static void
take_contact(struct item *it, struct source_lookup_doc *doc)
{
	struct part *c = &it->contact;
	struct err err = {0};
	enum err_code code = doc->code;

	if (code == ERR_NONE)
		code = source_people_contact(
		    doc->json, &c->kept, &c->number, &c->dnc, &err);
	else
		err = doc->err;
	c->read = code == ERR_NONE;
	c->gone = code == ERR_NOT_FOUND;
	if (code != ERR_NONE) {
		(void)err_wrap(&err, "campaign %.100s", it->campaign.id);
		spoiled(it, code, &err);
	}
}

static void
contacts_done(struct source_lookup_ask *a)
{
	struct source_people *p = CONTAINER_OF(a, struct source_people, ask);

	for (size_t i = 0; i < a->count && a->code == ERR_NONE; i++)
		take_contact(&p->items[p->item_of[i]], &a->docs[i]);
	source_lookup_fini(a);
	if (a->code == ERR_NONE) {
		write_down(p);
		return;
	}
	store_is_away(p, &a->err);
	contacts_from_cache(p);
}

static void
contacts(struct source_people *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct item *it = &p->items[i];

		if (it->code != ERR_NONE || it->campaign.kept == NULL)
			continue;
		it->contact.id = source_people_contact_id(it->campaign.kept);
		if (from_cache(p, JOURNAL_CACHE_CONTACT, &it->contact,
			SOURCE_PEOPLE_FRESH_MS) ||
		    p->now->code != ERR_NONE)
			continue;
		p->ids[n] = it->contact.id;
		p->item_of[n++] = i;
	}
	if (n > 0 && p->now->code == ERR_NONE && !is_away(p))
		ask_store(p, SOURCE_LOOKUP_CONTACT, n, contacts_done);
	else
		contacts_from_cache(p);
}

/* --- campaigns --------------------------------------------------------------
 */

static void
campaigns_from_cache(struct source_people *p)
{
	for (size_t i = 0; i < p->count && p->now->code == ERR_NONE; i++)
		(void)from_cache(p, JOURNAL_CACHE_CAMPAIGN,
		    &p->items[i].campaign, INT64_MAX);
	contacts(p);
}

static void
take_campaign(struct item *it, struct source_lookup_doc *doc)
{
	struct part *c = &it->campaign;
	struct err err = {0};
	enum err_code code = doc->code;

	if (code == ERR_NONE)
		code = source_people_campaign(doc->json, &c->kept, &err);
	else
		err = doc->err;
	c->read = code == ERR_NONE;
	c->gone = code == ERR_NOT_FOUND;
	if (code == ERR_NOT_FOUND)
		(void)err_set(
		    &err, code, 0, "campaign %.100s: not found", c->id);
	else if (code != ERR_NONE)
		(void)err_wrap(&err, "campaign %.100s", c->id);
	if (code != ERR_NONE)
		spoiled(it, code, &err);
}

static void
campaigns_done(struct source_lookup_ask *a)
{
	struct source_people *p = CONTAINER_OF(a, struct source_people, ask);

	for (size_t i = 0; i < a->count && a->code == ERR_NONE; i++)
		take_campaign(&p->items[i], &a->docs[i]);
	source_lookup_fini(a);
	if (a->code == ERR_NONE) {
		contacts(p);
		return;
	}
	store_is_away(p, &a->err);
	campaigns_from_cache(p);
}

void
source_people_start(struct source_people *p, struct source_people_ask *a)
{
	CHECK(p->now == NULL && !p->writing);
	CHECK(a->count > 0 && a->count <= SOURCE_PEOPLE_MAX);
	p->now = a;
	a->code = ERR_NONE;
	p->items = mem_zalloc(a->count, sizeof(*p->items));
	p->count = a->count;
	for (size_t i = 0; i < a->count; i++) {
		p->items[i].campaign.id = mem_strdup(a->campaigns[i]);
		p->ids[i] = p->items[i].campaign.id;
	}
	if (is_away(p))
		campaigns_from_cache(p);
	else
		ask_store(p, SOURCE_LOOKUP_CAMPAIGN, a->count, campaigns_done);
}

/* --- life -------------------------------------------------------------------
 */

bool
source_people_cancel(struct source_people *p)
{
	if (p->writing)
		return false;
	p->now = NULL;
	p->lookup->ops->cancel(p->lookup->impl, &p->ask);
	list_remove(&p->post.node);
	items_free(p);
	return true;
}

void
source_people_ask_fini(struct source_people_ask *a)
{
	for (size_t i = 0; a->people != NULL && i < a->count; i++) {
		mem_free(&a->people[i].phone);
		mem_free(&a->people[i].contact);
		mem_free(&a->people[i].batch);
		mem_free(&a->people[i].status);
	}
	mem_free(&a->people);
}

void
source_lookup_fini(struct source_lookup_ask *a)
{
	for (size_t i = 0; a->docs != NULL && i < a->count; i++)
		mem_free(&a->docs[i].json);
	mem_free(&a->docs);
}

struct source_people *
source_people_new(
    struct env *env, struct journal *journal, const struct source_lookup *l)
{
	struct source_people *p = mem_zalloc(1, sizeof(*p));

	p->env = env;
	p->journal = journal;
	p->lookup = l;
	p->post.fn = posted;
	return p;
}

void
source_people_free(struct source_people **pp)
{
	struct source_people *p = *pp;

	if (p == NULL)
		return;
	CHECK(source_people_cancel(p));
	source_lookup_fini(&p->ask);
	mem_free(pp);
}
