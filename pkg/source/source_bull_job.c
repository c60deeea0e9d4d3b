#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"

#include "source/source_bull_priv.h"

/* A job of the queue as a line of JSON, and from there like every other. */

#define LINE_MAX_BYTES (4 << 20)
#define ID_PLAIN_MAX 88 /* what leaves room for time and try */

/* Names that other producers give to our fields. */
static const struct {
	const char *theirs, *ours;
} aliases[] = {{"campaign_id", "campaignId"}, {"final", "finalStep"},
    {"isFinal", "finalStep"}, {"phoneNumber", "phone"}, {"to", "phone"}};

char *
source_bull_name(const char *prefix, const char *queue)
{
	char *name = mem_printf("bull:%s:%s", prefix, queue);
	uint8_t hash[SHA256_BYTES];

	if (strlen(name) >= SOURCE_NAME_MAX) {
		sha256_once(name, strlen(name), hash);
		for (size_t i = 0; i < 8; i++)
			(void)snprintf(name + SOURCE_NAME_MAX - 17 + 2 * i, 3,
			    "%02x", hash[i]);
	}
	return name;
}

/* An id may be any bytes, and long. */
char *
source_bull_identity(const struct bull_ref *ref)
{
	uint8_t hash[SHA256_BYTES];
	char hex[33];
	size_t len = strlen(ref->id);
	bool plain = len <= ID_PLAIN_MAX;

	for (size_t i = 0; i < len && plain; i++)
		plain = ref->id[i] > ' ' && ref->id[i] < 127;
	if (plain)
		return mem_printf("%s@%.20s#%lld", ref->id, ref->stamp,
		    (long long)ref->tries);
	sha256_once(ref->id, len, hash);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return mem_printf(
	    "sha256-%s@%.20s#%lld", hex, ref->stamp, (long long)ref->tries);
}

static const char *
field_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (strcmp(key, aliases[i].theirs) == 0)
			return aliases[i].ours;
	for (const char *const *f = source_line_fields; *f != NULL; f++)
		if (strcmp(key, *f) == 0)
			return key;
	return NULL;
}

/* Everything else that the producer said goes to the call as "data"; the
 * batch of a campaign that was looked up too. */
static void
write_data(struct json_writer *w, const struct json *data, const char *batch)
{
	const struct json *own = json_get(data, "data");

	json_write_key(w, "data");
	json_write_object(w);
	if (*batch != '\0' && json_get(data, "batch") == NULL &&
	    json_get(own, "batch") == NULL)
		json_field_str(w, "batch", batch);
	for (size_t i = 0; i < json_count(data); i++) {
		const struct json *member = json_at(data, i);

		if (field_of(json_key(member)) != NULL ||
		    (own != NULL && json_kind(own) == JSON_OBJECT &&
			json_get(own, json_key(member)) != NULL))
			continue;
		json_write_key(w, json_key(member));
		json_write_value(w, member);
	}
	if (own != NULL && json_kind(own) == JSON_OBJECT)
		for (size_t i = 0; i < json_count(own); i++) {
			json_write_key(w, json_key(json_at(own, i)));
			json_write_value(w, json_at(own, i));
		}
	json_write_end(w);
}

static bool
is_listed(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = names; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, ", ");

		if (n == len && n > 0 && memcmp(at, name, n) == 0)
			return true;
		at += n + (at[n] != '\0');
	}
	return false;
}

/* The kind that a job's name is; NULL: the default. */
static enum err_code
kind_of(const struct source_bull *s, const struct json *data, const char *name,
    const char **kind, struct err *err)
{
	*kind = NULL;
	if (json_get(data, "kind") != NULL || *name == '\0' ||
	    strcmp(name, "__default__") == 0 || is_listed(s->o.names, name))
		return ERR_NONE;
	for (const char *const *k = s->o.kinds; k != NULL && *k != NULL; k++)
		if (strcmp(*k, name) == 0) {
			*kind = *k;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "no kind of job is called \"%.64s\": write jobs/%.64s.yaml, give "
	    "its data a \"kind\", or name it in bull.names",
	    name, name);
}

/* The job's own words on its contact, and the store's on all else. */
static void
write_contact(
    struct json_writer *w, const struct json *own, const struct json *theirs)
{
	json_write_key(w, "contact");
	json_write_object(w);
	for (size_t i = 0; i < json_count(own); i++) {
		json_write_key(w, json_key(json_at(own, i)));
		json_write_value(w, json_at(own, i));
	}
	for (size_t i = 0; i < json_count(theirs); i++) {
		if (json_get(own, json_key(json_at(theirs, i))) != NULL)
			continue;
		json_write_key(w, json_key(json_at(theirs, i)));
		json_write_value(w, json_at(theirs, i));
	}
	json_write_end(w);
}

/* Null counts as not there. */
static bool
is_named(const struct json *data, const char *field)
{
	for (size_t i = 0; i < json_count(data); i++) {
		const struct json *member = json_at(data, i);
		const char *is = field_of(json_key(member));

		if (is != NULL && strcmp(is, field) == 0 &&
		    json_kind(member) != JSON_NULL)
			return true;
	}
	return false;
}

static void
write_person(struct json_writer *w, const struct json *data,
    const struct source_person *person, const struct json *contact)
{
	const struct json *own = json_get(data, "contact");

	if (person == NULL)
		return;
	json_field_str(w, "phone", person->phone);
	if (own == NULL || json_kind(own) == JSON_OBJECT ||
	    json_kind(own) == JSON_NULL)
		write_contact(w, own, contact);
}

/* A field that write_person gives. */
static bool
is_written(const struct json *member, const char *field,
    const struct source_person *person)
{
	if (person == NULL)
		return false;
	return strcmp(field, "phone") == 0 ||
	       (strcmp(field, "contact") == 0 &&
		   (json_kind(member) == JSON_OBJECT ||
		       json_kind(member) == JSON_NULL));
}

static void
write_line(const struct json *data, const struct bull_job *from, const char *id,
    const char *kind, const struct source_person *person,
    const struct json *contact, struct buf *line)
{
	struct json_writer w = JSON_WRITER_INIT(line);
	bool has_priority = false;

	json_write_object(&w);
	json_field_str(&w, "id", id);
	if (kind != NULL)
		json_field_str(&w, "kind", kind);
	for (size_t i = 0; i < json_count(data); i++) {
		const struct json *member = json_at(data, i);
		const char *field = field_of(json_key(member));

		if (field == NULL || strcmp(field, "id") == 0 ||
		    strcmp(field, "data") == 0 ||
		    is_written(member, field, person) ||
		    (field != json_key(member) &&
			json_get(data, field) != NULL))
			continue;
		has_priority = has_priority || strcmp(field, "priority") == 0;
		json_write_key(&w, field);
		json_write_value(&w, member);
	}
	if (!has_priority && from->priority > 0 &&
	    from->priority <= SOURCE_PRIORITY_MAX)
		json_field_i64(&w, "priority", from->priority);
	write_person(&w, data, person, contact);
	write_data(&w, data, person != NULL ? person->batch : "");
	json_write_end(&w);
}

/* Whoever takes one of a schedule adds the next; what cannot be added ends it,
 * so somebody must hear of it. */
static enum err_code
not_armed(const struct bull_job *from, struct err *err)
{
	const char *id = from->ref.id;
	const char *name = *from->name != '\0' ? from->name : "__default__";

	if (from->again == BULL_REPEAT_CRON)
		return err_set(err, ERR_MALFORMED, 0,
		    "job %.80s (%.40s) repeats by the pattern \"%.60s\", which "
		    "dsrun does not reckon: its schedule ends here. Remove it "
		    "and let cron add the job, or repeat it by \"every\"",
		    id, name, from->again_detail);
	if (from->again == BULL_REPEAT_LEGACY)
		return err_set(err, ERR_MALFORMED, 0,
		    "job %.80s (%.40s) repeats in the way of BullMQ 4, which "
		    "dsrun does not arm again: its schedule ends here. Remove "
		    "it and add it with upsertJobScheduler",
		    id, name);
	return err_set(err, ERR_MALFORMED, 0,
	    "job %.80s (%.40s) repeats by options that cannot be read: its "
	    "schedule ends here. Remove it and add it again",
	    id, name);
}

static enum err_code
readable(const struct bull_job *from, struct err *err)
{
	if (from->left_out > 0)
		return err_set(err, ERR_MALFORMED, 0,
		    "too large: %lld bytes of it were left out",
		    (long long)from->left_out);
	if (from->opts_bad)
		return err_set(
		    err, ERR_MALFORMED, 0, "opts: expected a JSON object");
	if (*from->doomed != '\0')
		return err_set(err, ERR_MALFORMED, 0, "%.400s", from->doomed);
	if (from->again == BULL_REPEAT_CRON ||
	    from->again == BULL_REPEAT_LEGACY ||
	    from->again == BULL_REPEAT_UNREADABLE)
		return not_armed(from, err);
	return ERR_NONE;
}

static const struct json_limits limits = {1 << 20, 32, 100000};

char *
source_bull_campaign(const struct bull_job *from, int64_t *step)
{
	struct json *data = NULL;
	struct err ignored;
	const char *id = NULL;
	char *campaign = NULL;

	*step = 0;
	if (readable(from, &ignored) != ERR_NONE ||
	    json_parse(from->data, from->data_len, &limits, &data, &ignored) !=
		ERR_NONE)
		return NULL;
	if (!is_named(data, "phone")) {
		if (json_opt_str(data, "campaign_id", &id, &ignored) !=
			ERR_NONE ||
		    json_opt_str(data, "campaignId", &id, &ignored) !=
			ERR_NONE ||
		    json_opt_i64(data, "step", 0, SOURCE_STEP_MAX, step,
			&ignored) != ERR_NONE)
			id = NULL;
		if (id != NULL && *id != '\0' && strlen(id) <= SOURCE_ID_MAX)
			campaign = mem_strdup(id);
	}
	json_free(&data);
	return campaign;
}

static enum err_code
parse(const struct source_bull *s, const struct bull_job *from,
    const struct source_person *person, struct source_job **out,
    struct err *err)
{
	struct source_rules rules = {.source = s->o.name,
	    .kinds = s->o.kinds,
	    .default_kind = s->o.default_kind};
	struct buf line = BUF_INIT(LINE_MAX_BYTES);
	struct json *data = NULL;
	struct json *contact = NULL;
	const char *kind = NULL;
	char *id = source_bull_identity(&from->ref);
	enum err_code code =
	    json_parse(from->data, from->data_len, &limits, &data, err);

	if (code == ERR_NONE && json_kind(data) != JSON_OBJECT)
		code =
		    err_set(err, ERR_MALFORMED, 0, "expected an object, got %s",
			json_kind_name(json_kind(data)));
	if (code != ERR_NONE)
		(void)err_wrap(err, "data");
	if (code == ERR_NONE)
		code = kind_of(s, data, from->name, &kind, err);
	if (code == ERR_NONE && person != NULL)
		code = json_parse(person->contact, strlen(person->contact),
		    &limits, &contact, err);
	if (code == ERR_NONE) {
		write_line(data, from, id, kind, person, contact, &line);
		code = source_line_parse(
		    &rules, line.bytes, line.len, 0, out, err);
	}
	json_free(&data);
	json_free(&contact);
	buf_free(&line);
	mem_free(&id);
	return code;
}

enum err_code
source_bull_job(const struct source_bull *s, const struct bull_job *from,
    const struct source_person *person, struct source_job **out,
    struct err *err)
{
	struct buf ticket = BUF_INIT(SIZE_MAX);
	uint8_t hash[SHA256_BYTES];
	struct source_job *j;

	*out = NULL;
	if (readable(from, err) != ERR_NONE ||
	    parse(s, from, person, out, err) != ERR_NONE)
		return err->code;
	j = *out;
	bull_ticket_write(&from->ref, from->attempts, &ticket);
	if (ticket.len >= JOURNAL_TICKET_MAX) {
		buf_free(&ticket);
		source_job_free(out);
		return err_set(err, ERR_MALFORMED, 0,
		    "its id has more than %d bytes", JOURNAL_TICKET_MAX - 300);
	}
	/* A producer may change what it said; the identity is the job's. */
	sha256_once(j->id, strlen(j->id), hash);
	memcpy(j->content, hash, sizeof(j->content));
	j->lease = mem_strdup(buf_text(&ticket));
	j->lease_until_ms = s->locked_ms + s->o.lock_ms;
	j->own_ladder = from->attempts <= 1;
	j->opened_ms = from->added_ms;
	buf_free(&ticket);
	return ERR_NONE;
}

/* --- what becomes of one
 * ---------------------------------------------------- */

struct source_bull_word *
source_bull_answer(struct source_bull *s, const struct bull_job *from)
{
	struct source_bull_word *w = mem_zalloc(1, sizeof(*w));
	struct buf ticket = BUF_INIT(SIZE_MAX);

	bull_ticket_write(&from->ref, from->attempts, &ticket);
	w->ticket = mem_strdup(buf_text(&ticket));
	list_add_tail(&s->words, &w->node);
	buf_free(&ticket);
	return w;
}

void
source_bull_refuse(
    struct source_bull *s, const struct bull_job *from, const struct err *why)
{
	struct source_bull_word *w = source_bull_answer(s, from);

	w->reason = mem_printf("dsrun: %s", why->text);
	s->tally.refused++;
	if (s->tally.first_error[0] == '\0')
		(void)snprintf(s->tally.first_error,
		    sizeof(s->tally.first_error), "%.100s: %.380s",
		    from->ref.id, why->text);
}

void
source_bull_keep(struct source_bull *s, struct source_job *j)
{
	s->jobs = mem_realloc(s->jobs, s->job_count + 1, sizeof(*s->jobs));
	s->jobs[s->job_count++] = j;
	s->gave_back = false; /* stopping: it goes back, too */
}
