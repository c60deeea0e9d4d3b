#ifndef DSRUN_TALK_MENU_H
#define DSRUN_TALK_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The menus of a phone tree: reading them from captions, choosing a key, and
 * noticing that we go in circles.  Pure, caller's memory, no fini.
 */

#define TALK_MENU_OPTIONS 12 /* 0-9 * # */
#define TALK_MENU_PHRASE 80  /* bytes of an option's words; more is cut */
#define TALK_MENU_WORDS 48   /* words by which a menu is known again */
#define TALK_MENU_SEEN 8     /* different menus remembered */

struct talk_menu {
	struct talk_menu_option {
		char key;
		char phrase[TALK_MENU_PHRASE]; /* as talk_words makes it */
	} option[TALK_MENU_OPTIONS];
	size_t count;
	bool repeats; /* a key was offered that we had already */
	bool waits;   /* "or stay on the line" */
};

/* Menus met in this call, and what was pressed in each. */
struct talk_menu_memory {
	struct talk_menu_seen {
		uint32_t word[TALK_MENU_WORDS]; /* hashes, sorted, unique */
		size_t words;
		unsigned visits;
		char pressed[TALK_MENU_OPTIONS + 1]; /* in order */
	} seen[TALK_MENU_SEEN];
	size_t count;
	size_t current; /* of the last visit */
};

/*
 * Add the options that text offers ("for billing, press 2", "press two for
 * billing", "dial 0 to speak with ..."); how many were found, those that menu
 * had already included.  rest, when not NULL, gets what of text belonged to
 * no option, at most rest_size - 1 bytes.
 */
size_t talk_menu_read(
    struct talk_menu *menu, const char *text, char *rest, size_t rest_size);

/*
 * Count a visit of menu; how often it, or one with mostly the same words, was
 * visited in this call (1 = for the first time).  When more than
 * TALK_MENU_SEEN different ones were met, the oldest is forgotten.
 */
unsigned talk_menu_visit(
    struct talk_menu_memory *memory, const struct talk_menu *menu);

/*
 * The key that most likely leads to goal ("reach the practice administrator"),
 * leaving out those of tried: first the goal's own words, then whoever runs an
 * office, then a person at all, then 0.  '\0' = press nothing and wait.
 */
char talk_menu_choose(
    const struct talk_menu *menu, const char *goal, const char *tried);

/* What was pressed in the menu of the last visit; note one more. */
const char *talk_menu_pressed(const struct talk_menu_memory *memory);
void talk_menu_note(struct talk_menu_memory *memory, char key);

#endif
