#include <string.h>

#include "base/mem.h"

#include "conf/conf_template.h"

#include "conf_priv.h"

#define OBJECTIONS_MAX 64
/* talk/ keeps so many values for one call. */
#define NAMES_MAX 64

struct script {
	struct conf_kind *kind;
	struct conf_problems *ps;
	const char *names[NAMES_MAX]; /* placeholders met, in the document */
	size_t lens[NAMES_MAX];
	size_t count;
};

static void
problem(struct script *s, const struct conf_node *n, size_t at, const char *why)
{
	struct buf path = BUF_INIT(16 << 10);
	const char *file = s->kind->path;
	int line = conf_node_text_line(n, at);

	conf_node_path(n, &path);
	conf_problems_add(s->ps, file, line, buf_text(&path), "%s", why);
	buf_free(&path);
}

/* Remember it; false when there are too many different ones. */
static bool
note(struct script *s, const struct conf_placeholder *p)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->lens[i] == p->name_len &&
		    memcmp(s->names[i], p->name, p->name_len) == 0)
			return true;
	if (s->count == NAMES_MAX)
		return false;
	s->names[s->count] = p->name;
	s->lens[s->count++] = p->name_len;
	return true;
}

/* What the agent itself must know, since nobody else can. */
static bool
agent_lacks(const struct conf_kind *k, const struct conf_placeholder *p)
{
	static const char name[] = "agent.name";
	const char *value = k->agent_company;

	if (p->has_default || strncmp(p->name, "agent.", 6) != 0)
		return false;
	if (p->name_len == sizeof(name) - 1)
		value = k->agent_name;
	return value == NULL;
}

static void
check_template(struct script *s, const struct conf_node *n, const char *text)
{
	size_t len = strlen(text);
	struct conf_placeholder p;
	bool found = true;
	struct err err;
	size_t at = 0;

	if (len > CONF_TEMPLATE_BYTES_MAX) {
		problem(s, n, 0, "expected at most 4000 bytes");
		return;
	}
	while (found) {
		if (conf_template_next(text, len, &at, &p, &found, &err) !=
		    ERR_NONE) {
			problem(s, n, at, err.text);
			return;
		}
		if (!found)
			return;
		if (!note(s, &p)) {
			problem(s, n, p.offset,
			    "more than 64 different placeholders in one "
			    "script");
			return;
		}
		if (agent_lacks(s->kind, &p))
			problem(s, n, p.offset,
			    "agent.name or agent.company is used here, but "
			    "the section agent does not give it");
	}
}

static char *
part(struct script *s, const struct conf_node *n)
{
	const char *text = NULL;

	if (!conf_node_str(n, &text, s->ps))
		return NULL;
	check_template(s, n, text);
	return mem_strdup(text);
}

static void
objections(struct script *s, const struct conf_node *list)
{
	static const char *const keys[] = {"when", "say", NULL};
	struct conf_script *out = &s->kind->script;
	size_t count = conf_node_count(conf_node_list(list, s->ps));

	if (count > OBJECTIONS_MAX) {
		conf_node_problem(
		    list, s->ps, "expected at most %d items", OBJECTIONS_MAX);
		return;
	}
	out->objections = mem_zalloc(count, sizeof(*out->objections));
	for (size_t i = 0; i < count; i++) {
		const struct conf_node *n =
		    conf_node_map(conf_node_at(list, i), s->ps);
		const char *when = NULL;

		if (n == NULL)
			continue;
		conf_node_only(n, keys, s->ps);
		(void)conf_node_str(
		    conf_node_need(n, "when", s->ps), &when, s->ps);
		char *say = part(s, conf_node_need(n, "say", s->ps));

		if (when == NULL || say == NULL) {
			mem_free(&say);
			continue;
		}
		out->objections[out->objection_count++] =
		    (struct conf_objection){mem_strdup(when), say};
	}
}

static void
read_agent(const struct conf_node *n, struct script *s)
{
	static const char *const keys[] = {"name", "company", NULL};
	const char *text = NULL;

	if (n == NULL)
		return;
	conf_node_only(n, keys, s->ps);
	if (conf_node_str(conf_node_get(n, "name"), &text, s->ps))
		s->kind->agent_name = mem_strdup(text);
	if (conf_node_str(conf_node_get(n, "company"), &text, s->ps))
		s->kind->agent_company = mem_strdup(text);
}

void
conf_script_read(const struct conf_node *n, const struct conf_node *agent,
    struct conf_kind *k, struct conf_problems *ps)
{
	static const char *const keys[] = {"greeting", "intro", "objections",
	    "meeting", "voicemail", "goodbye", "goal", NULL};
	struct conf_script *out = &k->script;
	struct script s = {.kind = k, .ps = ps};

	read_agent(agent, &s);
	if (n == NULL)
		return;
	conf_node_only(n, keys, ps);
	out->greeting = part(&s, conf_node_get(n, "greeting"));
	out->intro = part(&s, conf_node_get(n, "intro"));
	objections(&s, conf_node_get(n, "objections"));
	out->meeting = part(&s, conf_node_get(n, "meeting"));
	out->voicemail = part(&s, conf_node_get(n, "voicemail"));
	out->goodbye = part(&s, conf_node_get(n, "goodbye"));
	out->goal = part(&s, conf_node_get(n, "goal"));
}
