#include <string.h>

#include "base/mem.h"

#include "talk/talk_priv.h"

const char talk_phrase_still_there[] = "Hello? Are you still there?";
const char talk_phrase_goodbye[] = "Thank you for your time. Goodbye.";
const char talk_phrase_sorry[] = "I am sorry for the mix-up. Goodbye.";
const char talk_phrase_opt_out[] =
    "I understand. We will not call this number again. Goodbye.";
const char talk_phrase_booked[] =
    "Thank you. The meeting is in the calendar, and you will receive an "
    "invitation. Goodbye.";
const char talk_phrase_requested[] =
    "Thank you. A colleague will confirm the time with you. Goodbye.";

/* The law wants it said at the beginning that nobody human is calling. */
static const char disclosure[] =
    "This is an automated assistant on a recorded line.";
static const char default_greeting[] =
    "Hello, this is an automated assistant calling for "
    "{{agent.company|our office}} on a recorded line.";

const char *const *
talk_phrases(void)
{
	static const char *const all[] = {talk_phrase_still_there,
	    talk_phrase_goodbye, talk_phrase_sorry, talk_phrase_opt_out,
	    talk_phrase_booked, talk_phrase_requested, disclosure, NULL};

	return all;
}

static bool
discloses(const char *greeting)
{
	return talk_matches("automated|artificial|virtual|robot|computer|"
			    "ai assistant|ai agent|ai caller|ai voice",
	    greeting);
}

/* *out stays NULL when there is no template. */
static enum err_code
render(char **out, const char *part, const char *template,
    const struct talk_values *values, struct err *err)
{
	struct buf text = BUF_INIT(TALK_TEMPLATE_MAX);
	enum err_code code;

	if (template == NULL)
		return ERR_NONE;
	code = talk_text_render(template, values, &text, err);
	if (code == ERR_NONE)
		*out = mem_strdup(buf_text(&text));
	else
		(void)err_wrap(err, "script.%s", part);
	buf_free(&text);
	return code;
}

static enum err_code
fill_objections(struct talk_script *s, const struct conf_script *from,
    const struct talk_values *values, struct err *err)
{
	if (from->objection_count > TALK_OBJECTIONS_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "script.objections: %zu of them; at most %d are possible",
		    from->objection_count, TALK_OBJECTIONS_MAX);
	for (size_t i = 0; i < from->objection_count; i++) {
		enum err_code code = render(&s->objection[i].say, "objections",
		    from->objections[i].say, values, err);

		s->objections = i + 1;
		if (code != ERR_NONE)
			return code;
		s->objection[i].when = mem_strdup(from->objections[i].when);
	}
	return ERR_NONE;
}

static void
disclose_first(char **greeting)
{
	char *both;

	if (discloses(*greeting))
		return;
	both = mem_printf("%s %s", disclosure, *greeting);
	mem_free(greeting);
	*greeting = both;
}

enum err_code
talk_script_fill(struct talk_script *s, const struct conf_kind *kind,
    const struct talk_values *values, struct err *err)
{
	const struct conf_script *from = &kind->script;
	const char *greeting =
	    from->greeting != NULL ? from->greeting : default_greeting;
	const char *goodbye =
	    from->goodbye != NULL ? from->goodbye : talk_phrase_goodbye;
	const struct {
		char **out;
		const char *part;
		const char *template;
	} parts[] = {
	    {&s->line[TALK_LINE_GREETING], "greeting", greeting},
	    {&s->line[TALK_LINE_INTRO], "intro", from->intro},
	    {&s->line[TALK_LINE_MEETING], "meeting", from->meeting},
	    {&s->voicemail, "voicemail", from->voicemail},
	    {&s->goodbye, "goodbye", goodbye},
	    {&s->goal, "goal", from->goal},
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		enum err_code code = render(parts[i].out, parts[i].part,
		    parts[i].template, values, err);

		if (code != ERR_NONE)
			return code;
	}
	disclose_first(&s->line[TALK_LINE_GREETING]);
	s->max_call_ms =
	    kind->max_call_ms > 0 ? kind->max_call_ms : TALK_MAX_CALL_MS;
	return fill_objections(s, from, values, err);
}

void
talk_script_fini(struct talk_script *s)
{
	for (size_t i = 0; i < TALK_LINE_COUNT; i++)
		mem_free(&s->line[i]);
	mem_free(&s->voicemail);
	mem_free(&s->goodbye);
	mem_free(&s->goal);
	for (size_t i = 0; i < s->objections; i++) {
		mem_free(&s->objection[i].when);
		mem_free(&s->objection[i].say);
	}
	s->objections = 0;
}

static enum err_code
gather_part(const char *part, const char *template, const char *contact_json,
    const char *data_json, struct talk_values *values, struct err *err)
{
	if (template == NULL)
		return ERR_NONE;
	if (talk_text_gather(template, contact_json, data_json, values, err) !=
	    ERR_NONE)
		return err_wrap(err, "script.%s", part);
	return ERR_NONE;
}

enum err_code
talk_gather(const struct conf_kind *kind, const char *contact_json,
    const char *data_json, struct talk_values *values, struct err *err)
{
	const struct conf_script *s = &kind->script;
	const char *const parts[][2] = {{"greeting", s->greeting},
	    {"intro", s->intro}, {"meeting", s->meeting},
	    {"voicemail", s->voicemail}, {"goodbye", s->goodbye},
	    {"goal", s->goal}};
	enum err_code code = ERR_NONE;

	if (kind->agent_name != NULL)
		code = talk_values_add(
		    values, "agent.name", kind->agent_name, err);
	if (code == ERR_NONE && kind->agent_company != NULL)
		code = talk_values_add(
		    values, "agent.company", kind->agent_company, err);
	for (size_t i = 0; code == ERR_NONE && i < ARRAY_LEN(parts); i++)
		code = gather_part(parts[i][0], parts[i][1], contact_json,
		    data_json, values, err);
	for (size_t i = 0; code == ERR_NONE && i < s->objection_count; i++)
		code = gather_part("objections", s->objections[i].say,
		    contact_json, data_json, values, err);
	return code;
}

static void
hash_text(struct sha256 *h, const char *text)
{
	sha256_i64(h, text != NULL);
	if (text != NULL)
		sha256_field(h, text, strlen(text));
}

void
talk_script_hash(const struct conf_kind *kind, uint8_t out[SHA256_BYTES])
{
	const struct conf_script *s = &kind->script;
	struct sha256 h;

	sha256_init(&h);
	hash_text(&h, s->greeting);
	hash_text(&h, s->intro);
	hash_text(&h, s->meeting);
	hash_text(&h, s->voicemail);
	hash_text(&h, s->goodbye);
	hash_text(&h, s->goal);
	hash_text(&h, kind->agent_name);
	hash_text(&h, kind->agent_company);
	sha256_i64(&h, kind->max_call_ms);
	sha256_i64(&h, (int64_t)s->objection_count);
	for (size_t i = 0; i < s->objection_count; i++) {
		hash_text(&h, s->objections[i].when);
		hash_text(&h, s->objections[i].say);
	}
	sha256_end(&h, out);
}
