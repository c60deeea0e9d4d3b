#include "talk/talk_menu.h"

#include <string.h>

#include "base/text.h"

#include "talk/talk_hear.h"

/* Words of a goal that say nothing about the way there. */
static const char *const idle[] = {"reach", "speak", "talk", "find", "get",
    "the", "a", "an", "to", "with", "of", "for", "in", "at", "and", "or", "our",
    "your", "please", "person", "who", "practice", NULL};

/* Whoever runs an office. */
static const char *const office[] = {"administrator", "administration",
    "administrative", "manager", "management", "office", "director", "owner",
    "front desk", "reception", "receptionist", "business", NULL};

/* A person at all. */
static const char *const person[] = {"operator", "receptionist",
    "representative", "someone", "somebody", "agent", "staff", "team member",
    "all other", "other inquiries", "other questions", "anything else",
    "assistance", "live person", "front desk", "speak", "talk", NULL};

/* Never the way to a person who can decide. */
static const char *const astray[] = {"emergency", "spanish", "espanol", "fax",
    "directions", "hours", "location", "website", "pharmacy", "pharmacist",
    "refill", "refills", "repeat", "again", "voicemail", "message", "directory",
    "survey", NULL};

static const char *const digits[] = {"zero", "one", "two", "three", "four",
    "five", "six", "seven", "eight", "nine"};

static const char *const keys[] = {
    "press", "dial", "push", "hit", "enter", NULL};

static const char *const filler[] = {
    "the", "number", "or", "say", "key", "button", NULL};

static const char *const waits[] = {"stay on the line", "remain on the line",
    "hold for", "please hold", "stay on the phone", NULL};

/* A part of the text between two stops. */
struct clause {
	const char *begin; /* in the caller's text */
	size_t len;
	bool used; /* it is some option's phrase */
};

#define CLAUSES_MAX 64

static bool
holds(const char *words, const char *phrase)
{
	size_t len = strlen(phrase);

	for (const char *s = words; (s = strstr(s, phrase)) != NULL; s++)
		if (s > words && s[-1] == ' ' && s[len] == ' ')
			return true;
	return false;
}

static bool
holds_any(const char *words, const char *const *phrases)
{
	for (; *phrases != NULL; phrases++)
		if (holds(words, *phrases))
			return true;
	return false;
}

/* Is the word of len bytes at w one of list? */
static bool
is_one_of(const char *w, size_t len, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == len && strncmp(w, *list, len) == 0)
			return true;
	return false;
}

/* The key that the word of len bytes at w names, or '\0'. */
static char
key_of(const char *w, size_t len)
{
	if (len == 1 && ((*w >= '0' && *w <= '9') || *w == '*' || *w == '#'))
		return *w;
	for (size_t i = 0; i < 10; i++)
		if (strlen(digits[i]) == len && strncmp(w, digits[i], len) == 0)
			return (char)('0' + i);
	if (len == 4 && strncmp(w, "star", 4) == 0)
		return '*';
	if ((len == 5 && strncmp(w, "pound", 5) == 0) ||
	    (len == 4 && strncmp(w, "hash", 4) == 0))
		return '#';
	return '\0';
}

/*
 * Find "press 2" in words, "press the number 2" and "press or say 2" too: the
 * blank before it, the blank after it, its key.
 */
static char
find_key(const char *words, const char **begin, const char **end)
{
	for (const char *s = words; *s == ' ' && s[1] != '\0';) {
		size_t len = strcspn(s + 1, " ");
		const char *verb = s;

		s += 1 + len;
		if (!is_one_of(verb + 1, len, keys))
			continue;
		len = strcspn(s + 1, " ");
		while (s[1] != '\0' && is_one_of(s + 1, len, filler)) {
			s += 1 + len;
			len = strcspn(s + 1, " ");
		}
		if (s[1] == '\0' || key_of(s + 1, len) == '\0')
			continue;
		*begin = verb;
		*end = s + 1 + len;
		return key_of(s + 1, len);
	}
	return '\0';
}

/* Skip words that only join: "or", "and", "please". */
static const char *
skip_joints(const char *s, const char *end)
{
	static const char *const joints[] = {
	    "or", "and", "please", "just", "you", "may", "can", NULL};

	while (s < end && *s == ' ') {
		size_t len = strcspn(s + 1, " ");

		if (s + 1 >= end || !is_one_of(s + 1, len, joints))
			break;
		s += 1 + len;
	}
	return s;
}

static bool
names_aim(const char *s)
{
	return text_starts(s, " for ") || text_starts(s, " to ") ||
	       text_starts(s, " if ");
}

static void
add_option(struct talk_menu *menu, char key, const char *phrase, size_t len)
{
	struct talk_menu_option *o = NULL;

	for (size_t i = 0; i < menu->count; i++)
		if (menu->option[i].key == key)
			menu->repeats = true;
	if (menu->repeats || menu->count == TALK_MENU_OPTIONS)
		return;
	o = &menu->option[menu->count++];
	o->key = key;
	if (len > TALK_MENU_PHRASE - 1)
		len = TALK_MENU_PHRASE - 1;
	memcpy(o->phrase, phrase, len);
	o->phrase[len] = '\0';
}

static size_t
split(const char *text, struct clause out[CLAUSES_MAX])
{
	size_t n = 0;

	while (*text != '\0' && n < CLAUSES_MAX) {
		size_t len = n == CLAUSES_MAX - 1 ? strlen(text)
						  : strcspn(text, ".,;:!?");

		if (len > TALK_WORDS_MAX)
			len = TALK_WORDS_MAX;
		if (strspn(text, " ") < len)
			out[n++] = (struct clause){text, len, false};
		text += len;
		text += strspn(text, ".,;:!? ");
	}
	return n;
}

static const char *
clause_words(const struct clause *c, char out[TALK_WORDS_MAX + 3])
{
	char raw[TALK_WORDS_MAX + 1];

	memcpy(raw, c->begin, c->len);
	raw[c->len] = '\0';
	return talk_words(raw, out);
}

static void
put_rest(char *rest, size_t size, const char *text, size_t len)
{
	size_t have = strlen(rest);

	if (have + 2 >= size)
		return;
	if (len > size - have - 2)
		len = size - have - 2;
	memcpy(rest + have, text, len);
	rest[have + len] = ' ';
	rest[have + len + 1] = '\0';
}

/* An option whose words stand in a neighbour: "For billing, press 2." */
static void
take_neighbour(
    struct talk_menu *menu, char key, struct clause *c, size_t n, size_t at)
{
	char words[TALK_WORDS_MAX + 3];
	struct clause *from = NULL;

	if (at > 0 && !c[at - 1].used)
		from = &c[at - 1];
	else if (at + 1 < n)
		from = &c[at + 1];
	if (from != NULL) {
		const char *begin, *end;

		(void)clause_words(from, words);
		if (find_key(words, &begin, &end) == '\0') {
			from->used = true;
			add_option(menu, key, words, strlen(words));
			return;
		}
	}
	add_option(menu, key, " ", 1);
}

/*
 * Take the options of one clause.  A phrase stands before its key ("for
 * billing press 2") or behind it ("press 2 for billing"); captions without
 * stops have several in one clause.
 */
static size_t
read_clause(struct talk_menu *menu, struct clause *c, size_t n, size_t at,
    char *rest, size_t rest_size)
{
	char words[TALK_WORDS_MAX + 3];
	const char *from = clause_words(&c[at], words);
	const char *begin, *end, *next, *next_end;
	size_t found = 0;
	char key;

	while ((key = find_key(from, &begin, &end)) != '\0') {
		const char *before = skip_joints(from, begin);
		const char *stop = find_key(end, &next, &next_end) != '\0'
				       ? next
				       : end + strlen(end);

		found++;
		if (names_aim(end) && stop - end > 1 && !names_aim(before)) {
			add_option(menu, key, end, (size_t)(stop - end));
			put_rest(rest, rest_size, from, (size_t)(begin - from));
			from = stop;
		} else if (before < begin) {
			add_option(menu, key, before, (size_t)(begin - before));
			from = end;
		} else {
			take_neighbour(menu, key, c, n, at);
			from = end;
		}
	}
	if (found > 0) {
		c[at].used = true;
		put_rest(rest, rest_size, from, strlen(from));
	}
	return found;
}

size_t
talk_menu_read(
    struct talk_menu *menu, const char *text, char *rest, size_t rest_size)
{
	struct clause c[CLAUSES_MAX];
	char words[TALK_WORDS_MAX + 3];
	char unused[2];
	size_t n = split(text, c);
	size_t found = 0;

	if (rest == NULL) {
		rest = unused;
		rest_size = sizeof(unused);
	}
	rest[0] = '\0';
	for (size_t i = 0; i < n; i++)
		found += read_clause(menu, c, n, i, rest, rest_size);
	for (size_t i = 0; i < n; i++) {
		if (holds_any(clause_words(&c[i], words), waits))
			menu->waits = true;
		if (!c[i].used)
			put_rest(rest, rest_size, c[i].begin, c[i].len);
	}
	return found;
}

/* FNV-1a, 32 bit. */
static uint32_t
hash_of(const char *w, size_t len)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)w[i]) * 16777619U;
	return h;
}

static void
insert_word(struct talk_menu_seen *s, uint32_t h)
{
	size_t i = 0;

	while (i < s->words && s->word[i] < h)
		i++;
	if (s->words == TALK_MENU_WORDS || (i < s->words && s->word[i] == h))
		return;
	memmove(
	    &s->word[i + 1], &s->word[i], (s->words - i) * sizeof(s->word[0]));
	s->word[i] = h;
	s->words++;
}

static void
fingerprint(const struct talk_menu *menu, struct talk_menu_seen *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < menu->count; i++) {
		const char *s = menu->option[i].phrase;

		insert_word(out, hash_of(&menu->option[i].key, 1));
		while (*s == ' ' && s[1] != '\0') {
			size_t len = strcspn(s + 1, " ");

			insert_word(out, hash_of(s + 1, len));
			s += 1 + len;
		}
	}
}

/* Six words of ten in common: captions of the same menu differ a little. */
static bool
alike(const struct talk_menu_seen *a, const struct talk_menu_seen *b)
{
	size_t common = 0;

	for (size_t i = 0, j = 0; i < a->words && j < b->words;) {
		if (a->word[i] == b->word[j])
			common++;
		if (a->word[i] <= b->word[j])
			i++;
		else
			j++;
	}
	return common * 10 >= (a->words + b->words - common) * 6;
}

unsigned
talk_menu_visit(struct talk_menu_memory *memory, const struct talk_menu *menu)
{
	struct talk_menu_seen now;

	fingerprint(menu, &now);
	for (size_t i = 0; i < memory->count; i++)
		if (alike(&memory->seen[i], &now)) {
			memory->current = i;
			return ++memory->seen[i].visits;
		}
	if (memory->count == TALK_MENU_SEEN) {
		memmove(&memory->seen[0], &memory->seen[1],
		    (TALK_MENU_SEEN - 1) * sizeof(memory->seen[0]));
		memory->count--;
	}
	now.visits = 1;
	memory->current = memory->count;
	memory->seen[memory->count++] = now;
	return 1;
}

const char *
talk_menu_pressed(const struct talk_menu_memory *memory)
{
	return memory->count == 0 ? "" : memory->seen[memory->current].pressed;
}

void
talk_menu_note(struct talk_menu_memory *memory, char key)
{
	if (memory->count == 0)
		return;

	char *pressed = memory->seen[memory->current].pressed;
	size_t len = strlen(pressed);

	if (strchr(pressed, key) == NULL && len < TALK_MENU_OPTIONS)
		pressed[len] = key;
}

/* "administrator" and "administration": six letters in common are enough. */
static bool
same_stem(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len == b_len && strncmp(a, b, a_len) == 0)
		return true;
	return a_len >= 6 && b_len >= 6 && strncmp(a, b, 6) == 0;
}

/* How many of goal's words does phrase have? */
static int
common_words(const char *goal, const char *phrase)
{
	int n = 0;

	for (const char *g = goal; *g == ' ' && g[1] != '\0';) {
		size_t g_len = strcspn(g + 1, " ");

		for (const char *p = phrase; *p == ' ' && p[1] != '\0';) {
			size_t p_len = strcspn(p + 1, " ");

			if (!is_one_of(g + 1, g_len, idle) &&
			    same_stem(g + 1, g_len, p + 1, p_len))
				n++;
			p += 1 + p_len;
		}
		g += 1 + g_len;
	}
	return n;
}

static int
score(const struct talk_menu_option *o, const char *goal)
{
	char words[TALK_MENU_PHRASE + 2];
	size_t len = strlen(o->phrase);

	/* a cut phrase may end within a word; the lists want a blank */
	memcpy(words, o->phrase, len + 1);
	if (len == 0 || words[len - 1] != ' ')
		memcpy(words + len, " ", 2);

	int points = 8 * common_words(goal, words);

	if (holds_any(words, office))
		points += 4;
	if (holds_any(words, person))
		points += 2;
	if (holds_any(words, astray))
		points -= 6;
	if (o->key == '0' && points >= 0)
		points += 1;
	return points;
}

char
talk_menu_choose(
    const struct talk_menu *menu, const char *goal, const char *tried)
{
	char words[TALK_WORDS_MAX + 3];
	char best = '\0';
	int most = 0;

	(void)talk_words(goal, words);
	for (size_t i = 0; i < menu->count; i++) {
		const struct talk_menu_option *o = &menu->option[i];
		int points = score(o, words);

		if (points > most && strchr(tried, o->key) == NULL) {
			most = points;
			best = o->key;
		}
	}
	if (best != '\0' || menu->waits)
		return best;
	return strchr(tried, '0') == NULL ? '0' : '\0';
}
