#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"
#include "json/json_write.h"

#include "source/source_people_priv.h"

/* What documents of others mean to a call. */

#define KEPT_MAX (256 * 1024)
#define KEY_MAX 64
#define FIELD_BYTES_MAX 4096

static const struct json_limits limits = {KEPT_MAX, 32, 20000};

/* --- names ------------------------------------------------------------------
 */

/* What scripts call it ({{contact.first_name}}), and what others do.  First
 * in the document wins; a name as scripts have it wins over all. */
static const struct {
	const char *theirs, *ours;
} names[] = {{"firstname", "first_name"}, {"givenname", "first_name"},
    {"lastname", "last_name"}, {"surname", "last_name"},
    {"familyname", "last_name"}, {"fullname", "name"}, {"jobtitle", "title"},
    {"role", "title"}, {"practicename", "practice"}, {"company", "practice"},
    {"companyname", "practice"}, {"organization", "practice"},
    {"organisation", "practice"}, {"emailaddress", "email"}, {"mail", "email"},
    {"tz", "timezone"}};

static const char *const phones[] = {
    "phone", "phonenumber", "mobile", "mobilephone", "telephone", "tel", NULL};
static const char *const opt_outs[] = {
    "optout", "optedout", "unsubscribed", "isoptedout", "hasoptedout", NULL};
static const char *const dncs[] = {"donotcall", "dnc", "isdnc", NULL};
/* Not for a call: the store's own, and what is given apart. */
static const char *const left_out[] = {
    "id", "v", "createdat", "updatedat", "rev", NULL};

/* firstName, first_name, "First Name": the same. */
static void
plain(const char *key, char out[KEY_MAX])
{
	size_t n = 0;

	for (; *key != '\0' && n + 1 < KEY_MAX; key++)
		if (*key >= 'A' && *key <= 'Z')
			out[n++] = (char)(*key - 'A' + 'a');
		else if (*key != '_' && *key != '-' && *key != ' ')
			out[n++] = *key;
	out[n] = '\0';
}

static bool
is_among(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

/* firstName -> first_name: what is in no table. */
static void
snake(const char *key, char out[KEY_MAX])
{
	size_t n = 0;

	for (const char *at = key; *at != '\0' && n + 2 < KEY_MAX; at++) {
		bool upper = *at >= 'A' && *at <= 'Z';

		if (upper && at > key && at[-1] != '_' &&
		    !(at[-1] >= 'A' && at[-1] <= 'Z'))
			out[n++] = '_';
		out[n++] = upper ? (char)(*at - 'A' + 'a')
				 : (*at == ' ' || *at == '-' ? '_' : *at);
	}
	out[n] = '\0';
}

static void
our_name(const char *key, char out[KEY_MAX])
{
	char name[KEY_MAX];

	plain(key, name);
	if (strcmp(name, "timezone") == 0) {
		memcpy(out, "timezone", sizeof("timezone"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i].theirs) == 0) {
			memcpy(out, names[i].ours, strlen(names[i].ours) + 1);
			return;
		}
	snake(key, out);
}

/* --- campaigns --------------------------------------------------------------
 */

static const char *
text_of(const struct json *j)
{
	const char *text = "";
	struct err ignored;

	if (j != NULL && json_kind(j) == JSON_STRING)
		(void)json_to_str(j, &text, &ignored);
	return text;
}

/* An id, or a document that was embedded instead: its _id. */
static const char *
id_of(const struct json *j)
{
	if (j != NULL && json_kind(j) == JSON_OBJECT)
		return text_of(json_get(j, "_id"));
	return text_of(j);
}

static enum err_code
read_object(const char *json, struct json **out, struct err *err)
{
	enum err_code code = json_parse(json, strlen(json), &limits, out, err);

	if (code == ERR_NONE)
		code = json_expect(*out, JSON_OBJECT, err);
	if (code != ERR_NONE)
		json_free(out);
	return code;
}

enum err_code
source_people_campaign(const char *json, char **out, struct err *err)
{
	struct json *doc = NULL;
	struct buf text = BUF_INIT(KEPT_MAX);
	struct json_writer w = JSON_WRITER_INIT(&text);
	struct err ignored;
	int64_t last = -1;

	*out = NULL;
	if (read_object(json, &doc, err) != ERR_NONE)
		return err->code;
	if (*id_of(json_get(doc, "contact")) == '\0') {
		json_free(&doc);
		return err_set(err, ERR_MALFORMED, 0, "it has no contact");
	}
	(void)json_opt_i64(
	    doc, "lastCompletedStep", 0, JSON_I64_MAX, &last, &ignored);
	/* A schema's default: steps may count from 0, and none was made. */
	if (last == 0 && *text_of(json_get(doc, "lastCompletedDate")) == '\0')
		last = -1;
	json_write_object(&w);
	json_field_str(&w, "contact", id_of(json_get(doc, "contact")));
	json_field_str(&w, "batch", id_of(json_get(doc, "batch")));
	json_field_str(&w, "status", text_of(json_get(doc, "status")));
	json_field_i64(&w, "lastStep", last);
	json_write_end(&w);
	*out = mem_strndup(text.bytes, text.len);
	buf_free(&text);
	json_free(&doc);
	return ERR_NONE;
}

char *
source_people_contact_id(const char *kept)
{
	struct json *doc = NULL;
	struct err ignored;
	char *id = NULL;

	if (read_object(kept, &doc, &ignored) != ERR_NONE)
		return mem_strdup("");
	id = mem_strdup(text_of(json_get(doc, "contact")));
	json_free(&doc);
	return id;
}

/* --- contacts ---------------------------------------------------------------
 */

/* true, "yes", 1, a date: a mark that was set. */
static bool
is_set(const struct json *j)
{
	struct err ignored;
	bool yes = false;
	double n = 0;
	const char *text;

	switch (json_kind(j)) {
	case JSON_BOOL:
		(void)json_to_bool(j, &yes, &ignored);
		return yes;
	case JSON_NUMBER:
		(void)json_to_double(j, &n, &ignored);
		return n != 0;
	case JSON_STRING:
		text = text_of(j);
		return *text != '\0' && strcmp(text, "no") != 0 &&
		       strcmp(text, "false") != 0 && strcmp(text, "0") != 0;
	case JSON_OBJECT:
		return true;
	case JSON_NULL:
	case JSON_ARRAY:
	default:
		return false;
	}
}

/* Consent that was withdrawn says the same as an opt-out; one that is merely
 * not there does not. */
static bool
is_withdrawn(const struct json *consent)
{
	static const char *const words[] = {"revoked", "withdrawn", "denied",
	    "refused", "opted_out", "opted-out", NULL};

	if (json_kind(consent) == JSON_OBJECT) {
		const struct json *status = json_get(consent, "status");
		const struct json *revoked = json_get(consent, "revokedAt");

		return (status != NULL && is_withdrawn(status)) ||
		       (revoked != NULL && is_set(revoked));
	}
	if (json_kind(consent) == JSON_BOOL)
		return !is_set(consent);
	return is_among(text_of(consent), words);
}

static int
dnc_of(const struct json *doc)
{
	bool opted = false;
	bool dnc = false;

	for (size_t i = 0; i < json_count(doc); i++) {
		const struct json *member = json_at(doc, i);
		char name[KEY_MAX];

		plain(json_key(member), name);
		opted = opted || (is_among(name, opt_outs) && is_set(member)) ||
			(strcmp(name, "consent") == 0 && is_withdrawn(member));
		dnc = dnc || (is_among(name, dncs) && is_set(member));
	}
	return opted ? 2 : dnc ? 1 : 0;
}

static const char *
phone_of(const struct json *doc)
{
	for (const char *const *p = phones; *p != NULL; p++)
		for (size_t i = 0; i < json_count(doc); i++) {
			char name[KEY_MAX];

			plain(json_key(json_at(doc, i)), name);
			if (strcmp(name, *p) == 0 &&
			    *text_of(json_at(doc, i)) != '\0')
				return text_of(json_at(doc, i));
		}
	return "";
}

/* What a script can say: texts, numbers, marks; consent whole, for whoever
 * reads the call's record; of a practice that is a document, its name. */
static const struct json *
value_of(const struct json *member, const char *name)
{
	const struct json *inner;

	switch (json_kind(member)) {
	case JSON_STRING:
		return strlen(text_of(member)) <= FIELD_BYTES_MAX ? member
								  : NULL;
	case JSON_NUMBER:
	case JSON_BOOL:
		return member;
	case JSON_OBJECT:
		if (strcmp(name, "consent") == 0)
			return member;
		inner = json_get(member, "name");
		return strcmp(name, "practice") == 0 && inner != NULL &&
			       json_kind(inner) == JSON_STRING
			   ? inner
			   : NULL;
	case JSON_NULL:
	case JSON_ARRAY:
	default:
		return NULL;
	}
}

static bool
is_for_a_call(const char *key)
{
	char name[KEY_MAX];

	plain(key, name);
	return *name != '\0' && !is_among(name, phones) &&
	       !is_among(name, opt_outs) && !is_among(name, dncs) &&
	       !is_among(name, left_out);
}

/* Does an earlier member, or one that has this very name, give it? */
static bool
is_given(const struct json *doc, size_t at, const char *name)
{
	char other[KEY_MAX];

	if (strcmp(json_key(json_at(doc, at)), name) == 0)
		return false;
	if (json_get(doc, name) != NULL)
		return true;
	for (size_t i = 0; i < at; i++) {
		our_name(json_key(json_at(doc, i)), other);
		if (strcmp(other, name) == 0)
			return true;
	}
	return false;
}

static void
write_fields(struct json_writer *w, const struct json *doc)
{
	json_write_object(w);
	for (size_t i = 0; i < json_count(doc); i++) {
		const struct json *member = json_at(doc, i);
		const struct json *value;
		char name[KEY_MAX];

		if (!is_for_a_call(json_key(member)))
			continue;
		our_name(json_key(member), name);
		value = value_of(member, name);
		if (value == NULL || is_given(doc, i, name))
			continue;
		json_write_key(w, name);
		json_write_value(w, value);
	}
	json_write_end(w);
}

enum err_code
source_people_contact(
    const char *json, char **out, int64_t *number, int *dnc, struct err *err)
{
	struct json *doc = NULL;
	struct buf text = BUF_INIT(KEPT_MAX);
	struct json_writer w = JSON_WRITER_INIT(&text);
	char phone[RULES_PHONE_MAX];
	struct err ignored;

	*out = NULL;
	*number = 0;
	*dnc = 0;
	if (read_object(json, &doc, err) != ERR_NONE)
		return err->code;
	*dnc = dnc_of(doc);
	if (rules_phone_normalise(phone_of(doc), phone, &ignored) != ERR_NONE ||
	    rules_phone_parse(phone, number, &ignored) != ERR_NONE)
		*number = 0;
	json_write_object(&w);
	json_field_str(&w, "phone", phone_of(doc));
	json_field_i64(&w, "dnc", *dnc);
	json_write_key(&w, "fields");
	write_fields(&w, doc);
	json_write_end(&w);
	*out = mem_strndup(text.bytes, text.len);
	buf_free(&text);
	json_free(&doc);
	return ERR_NONE;
}

/* --- both -------------------------------------------------------------------
 */

static enum err_code
fill(const struct json *campaign, const struct json *contact,
    struct source_person *out, struct err *err)
{
	struct buf fields = BUF_INIT(KEPT_MAX);
	char phone[RULES_PHONE_MAX];
	struct err ignored;
	int64_t dnc = 0;
	const char *text = text_of(json_get(contact, "phone"));

	if (*text == '\0')
		return err_set(
		    err, ERR_MALFORMED, 0, "its contact has no phone");
	if (rules_phone_normalise(text, phone, err) != ERR_NONE)
		return err_wrap(err, "its contact's phone");
	out->last_step = -1;
	(void)json_opt_i64(
	    campaign, "lastStep", -1, JSON_I64_MAX, &out->last_step, &ignored);
	(void)json_opt_i64(contact, "dnc", 0, 2, &dnc, &ignored);
	json_canonical(json_get(contact, "fields"), &fields);
	out->phone = mem_strdup(phone);
	out->contact = mem_strndup(fields.bytes, fields.len);
	out->batch = mem_strdup(text_of(json_get(campaign, "batch")));
	out->status = mem_strdup(text_of(json_get(campaign, "status")));
	out->opted_out = dnc != 0;
	buf_free(&fields);
	return ERR_NONE;
}

enum err_code
source_people_person(const char *campaign, const char *contact,
    struct source_person *out, struct err *err)
{
	struct json *a = NULL;
	struct json *b = NULL;
	enum err_code code = read_object(campaign, &a, err);

	if (code == ERR_NONE)
		code = read_object(contact, &b, err);
	if (code == ERR_NONE)
		code = json_get(b, "fields") == NULL
			   ? err_set(err, ERR_MALFORMED, 0, "no fields")
			   : fill(a, b, out, err);
	json_free(&a);
	json_free(&b);
	return code;
}

enum err_code
source_person_may(const struct source_person *p, const char *campaign,
    int64_t step, int64_t tries, struct err *err)
{
	static const char *const closed[] = {
	    "completed", "declined", "booked", NULL};
	bool over = is_among(p->status, closed) ||
		    (tries == 0 && strcmp(p->status, "failed") == 0);

	if (p->opted_out)
		return err_set(err, ERR_REJECTED, 0,
		    "campaign %.100s: its contact wants no calls (opted out, "
		    "or do-not-call)",
		    campaign);
	if (over)
		return err_set(err, ERR_REJECTED, 0,
		    "campaign %.100s is over: %.20s", campaign, p->status);
	if (p->last_step > step || (tries == 0 && p->last_step == step))
		return err_set(err, ERR_REJECTED, 0,
		    "step %lld of campaign %.100s was made: its last completed "
		    "step is %lld",
		    (long long)step, campaign, (long long)p->last_step);
	return ERR_NONE;
}
