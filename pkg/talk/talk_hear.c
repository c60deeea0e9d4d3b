#include "talk/talk_hear.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "talk/talk_menu.h"

/*
 * Phrases stand as talk_words makes them: lower case, no apostrophes.  Each is
 * looked for between blanks, so "no" is not found in "not".
 */
static const char *const opt_out[] = {"stop calling", "remove me", "remove us",
    "remove my number", "remove our number", "remove this number",
    "take me off", "take us off", "take my number off", "take our number off",
    "take this number off", "do not call", "dont call", "dont ever call",
    "do not ever call", "never call", "unsubscribe", "no more calls",
    "quit calling", "do not contact", "dont contact", "stop bothering", NULL};

static const char *const full[] = {"mailbox is full", "mail box is full",
    "not accepting messages", "cannot accept any messages",
    "cannot accept messages", "has not been set up", "is not set up",
    "hasnt been set up", NULL};

static const char *const voicemail[] = {"leave a message", "leave your message",
    "leave me a message", "leave us a message", "leave your name",
    "leave a voicemail", "leave a detailed message", "leave a brief message",
    "leave a short message", "leave your details", "after the tone",
    "after the beep", "at the tone", "at the beep", "hear the tone",
    "hear the beep", "sound of the tone", "sound of the beep",
    "record your message", "record a message", "voicemail", "voice mail",
    "voice mailbox", "mailbox", "come to the phone right now",
    "cant come to the phone", "cannot come to the phone",
    "unable to come to the phone", "unable to take your call",
    "cant take your call", "cannot take your call",
    "not available to take your call", "available to take your call", NULL};

/* A person who speaks about messages. */
static const char *const offers[] = {"like to leave a", "want to leave a",
    "care to leave a", "can i take a message", "may i take a message",
    "could i take a message", "ill take a message", "i can take a message",
    "want her voicemail", "want his voicemail", "put you to her voicemail",
    "put you to his voicemail", NULL};

static const char *const wrong[] = {"wrong number", "wrong person",
    "nobody here by that name", "no one here by that name",
    "no one by that name", "nobody by that name", NULL};

static const char *const transfer[] = {"transfer you", "put you through",
    "connect you", "pass you", "patch you", "get her for you",
    "get him for you", "get them for you", "hand you over",
    "transferring your call", "connecting you", "connecting your call",
    "transfer your call", "connect your call", "ill get her", "ill get him",
    "let me get her", "let me get him", "let me get the", NULL};

static const char *const hold[] = {"please hold", "hold please", "can you hold",
    "could you hold", "hold on", "hold for", "on hold", "one moment",
    "just a moment", "one second", "one sec", "just a second", "just a minute",
    "one minute", "moment please", "bear with me", "hang on",
    "stay on the line", "remain on the line", "let me check", "let me see",
    NULL};

static const char *const later[] = {"call back", "call again", "call later",
    "call me back", "call us back", "call tomorrow", "not in today",
    "not in right now", "isnt in", "is not in", "not available",
    "isnt available", "not here", "isnt here", "out of the office",
    "in a meeting", "on vacation", "on another line", "with a patient",
    "a bad time", "not a good time", "bad time", "im driving", "busy right now",
    "busy at the moment", "send an email", "send me an email",
    "send us an email", "email me", NULL};

static const char *const decline[] = {"not interested", "no thank you",
    "no thanks", "no thankyou", "not looking", "dont need", "do not need",
    "dont want", "do not want", "well pass", "ill pass", "not for us",
    "not for me", "i dont think so", "dont think so", "id rather not",
    "rather not", "were good", "we are good", "were all set", "im all set",
    "all set", "were fine", "no sir", "no maam", "nope", "nah",
    "absolutely not", "certainly not", "not at this time", "not right now",
    "cant do that", "wont work", "doesnt work", "does not work", "sales calls",
    "no solicit", "no soliciting", "not take solicitations", NULL};

static const char *const accept[] = {"yes", "yeah", "yep", "yup", "sure",
    "okay", "ok", "alright", "all right", "of course", "certainly",
    "absolutely", "sounds good", "sounds great", "that works", "works for me",
    "works for us", "that would be fine", "that would be good",
    "that would be great", "thats fine", "that is fine", "fine with me",
    "fine by me", "lets do it", "lets do that", "id like that", "i would like",
    "why not", "go ahead", "book it", "perfect", "great", "monday", "tuesday",
    "wednesday", "thursday", "friday", "tomorrow works", "be happy to",
    "can we meet", "could we meet", "lets meet", "we could meet", NULL};

/* A meeting offered before it was asked for. */
static const char *const proposal[] = {"can we meet", "could we meet",
    "lets meet", "we could meet", "works for me", "works for us",
    "schedule a meeting", "schedule a call", "set up a meeting",
    "set up a call", "book a meeting", "book a call", NULL};

static const char *const days[] = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "tomorrow", NULL};

static const char *const again[] = {"say that again", "say it again",
    "repeat that", "repeat it", "come again", "i beg your pardon", "pardon",
    "didnt hear", "did not hear", "didnt catch", "did not catch", "cant hear",
    "cannot hear", "could you repeat", "can you repeat", NULL};

static const char *const bye[] = {
    "goodbye", "good bye", "bye", "bye bye", NULL};

/* What turns a word of acceptance round. */
static const char *const denial[] = {"no", "not", "dont", "cant", "wont",
    "never", "cannot", "isnt", "arent", "doesnt", NULL};

static const char *const machine[] = {"please listen", "listen carefully",
    "options have changed", "menu options", "following options", "main menu",
    "may be recorded", "will be recorded", "being recorded", "may be monitored",
    "be monitored", "quality assurance", "quality purposes",
    "training purposes", "dial 911", "call 911", "hang up and dial",
    "your call is important", "call is very important",
    "next available representative", "next available agent",
    "in the order it was received", "in the order they were received",
    "currently closed", "office is closed", "we are closed", "office hours are",
    "our hours are", "regular business hours", "para espanol",
    "extension at any time", "know your partys extension",
    "all of our representatives", "all representatives", "did not receive your",
    "did not receive a selection", "didnt receive", "invalid selection",
    "not a valid", "did not understand", "didnt understand", "business hours",
    NULL};

static const char *const live[] = {"hello", "hi", "good morning",
    "good afternoon", "this is", "speaking", "how can i help", "how may i help",
    "how can i direct", "how may i direct", "can i help you", "may i help you",
    "what can i do for you", "who is this", "who is calling", "whos calling",
    "whos this", "may i ask", "what is this about", "whats this about",
    "what is this regarding", "i am here", "im here", NULL};

static const char *const names_itself[] = {
    "thank you for calling", "you have reached", "youve reached", NULL};

static const char *const invites[] = {"this is", "speaking", "how can i",
    "how may i", "can i help", "may i help", "what can i do", NULL};

static bool
has(const char *words, const char *phrase)
{
	size_t len = strlen(phrase);

	for (const char *s = words; (s = strstr(s, phrase)) != NULL; s++)
		if (s[-1] == ' ' && s[len] == ' ')
			return true;
	return false;
}

static bool
has_any(const char *words, const char *const *phrases)
{
	for (; *phrases != NULL; phrases++)
		if (has(words, *phrases))
			return true;
	return false;
}

const char *
talk_words(const char *text, char out[TALK_WORDS_MAX + 3])
{
	size_t len = 0;

	out[len++] = ' ';
	for (; *text != '\0' && len < TALK_WORDS_MAX + 1; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 'A' && c <= 'Z')
			out[len++] = (char)(c - 'A' + 'a');
		else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			 c >= 0x80)
			out[len++] = (char)c;
		else if (c == '*' || c == '#')
			out[len++] = (char)c;
		else if (c != '\'' && out[len - 1] != ' ')
			out[len++] = ' ';
	}
	if (out[len - 1] != ' ')
		out[len++] = ' ';
	out[len] = '\0';
	return out;
}

/* Does some word of words begin with the len bytes at w? */
static bool
has_word(const char *words, const char *w, size_t len)
{
	for (const char *s = words; *s != '\0'; s++)
		if (s[0] == ' ' && strncmp(s + 1, w, len) == 0)
			return true;
	return false;
}

static bool
matches_one(const char *alternative, const char *words)
{
	bool any = false;

	for (const char *s = alternative; *s != '\0';) {
		size_t len = strcspn(s, " ");

		if (len > 0 && !has_word(words, s, len))
			return false;
		any = any || len > 0;
		s += len + (s[len] == ' ');
	}
	return any;
}

bool
talk_matches(const char *list, const char *text)
{
	char words[TALK_WORDS_MAX + 3];
	char one[TALK_WORDS_MAX + 3];
	char raw[TALK_WORDS_MAX];

	(void)talk_words(text, words);
	for (const char *s = list; *s != '\0';) {
		size_t len = strcspn(s, ",;|");
		size_t take = len < sizeof(raw) ? len : sizeof(raw) - 1;

		memcpy(raw, s, take);
		raw[take] = '\0';
		if (matches_one(talk_words(raw, one), words))
			return true;
		s += len + (s[len] != '\0');
	}
	return false;
}

/* Announcements; what only names the office may be a person's too. */
static bool
is_announcement(const char *words)
{
	if (has_any(words, machine))
		return true;
	return has_any(words, names_itself) && !has_any(words, invites);
}

/* What a person may say; in the order in which it counts. */
static enum talk_meaning
meaning_of_person(const char *words)
{
	if (has_any(words, wrong))
		return TALK_MEANS_WRONG;
	if (has_any(words, offers))
		return TALK_MEANS_LATER;
	if (has_any(words, transfer))
		return TALK_MEANS_TRANSFER;
	if (has_any(words, later))
		return TALK_MEANS_LATER;
	if (has_any(words, hold))
		return TALK_MEANS_HOLD;
	if (has_any(words, decline) || strcmp(words, " no ") == 0 ||
	    strncmp(words, " no ", 4) == 0)
		return TALK_MEANS_DECLINE;
	if (has_any(words, again))
		return TALK_MEANS_AGAIN;
	if (has_any(words, accept) && !has_any(words, denial))
		return TALK_MEANS_ACCEPT;
	return has_any(words, bye) ? TALK_MEANS_DECLINE : TALK_MEANS_PERSON;
}

enum talk_meaning
talk_meaning_of(const char *text)
{
	char rest[TALK_WORDS_MAX + 1];
	char words[TALK_WORDS_MAX + 3];
	struct talk_menu menu = {0};
	size_t options = talk_menu_read(&menu, text, rest, sizeof(rest));
	bool message;

	(void)talk_words(text, words);
	if (strcmp(words, " ") == 0)
		return TALK_MEANS_NOTHING;
	if (options == 0 && has_any(words, opt_out))
		return TALK_MEANS_OPT_OUT;
	if (has_any(words, full))
		return TALK_MEANS_FULL;
	(void)talk_words(rest, words);
	message = has_any(words, voicemail) && !has_any(words, offers);
	if (options >= 2 || (options == 1 && !message))
		return TALK_MEANS_MENU;
	if (message)
		return TALK_MEANS_VOICEMAIL;
	if (is_announcement(words) && !has_any(words, transfer) &&
	    !has_any(words, hold))
		return TALK_MEANS_MACHINE;
	return meaning_of_person(words);
}

bool
talk_proposes(const char *text)
{
	char words[TALK_WORDS_MAX + 3];

	(void)talk_words(text, words);
	return has_any(words, proposal) ||
	       (has_any(words, days) && has_any(words, accept) &&
		   !has_any(words, denial));
}

bool
talk_sounds_live(const char *text)
{
	char words[TALK_WORDS_MAX + 3];

	return has_any(talk_words(text, words), live);
}

const char *
talk_meaning_name(enum talk_meaning m)
{
	static const char *const names[TALK_MEANING_COUNT] = {"nothing",
	    "person", "menu", "voicemail", "full", "machine", "hold",
	    "transfer", "accept", "decline", "later", "wrong", "opt_out",
	    "again"};

	CHECK(m < TALK_MEANING_COUNT);
	return names[m];
}
