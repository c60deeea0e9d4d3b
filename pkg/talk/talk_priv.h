#ifndef DSRUN_TALK_PRIV_H
#define DSRUN_TALK_PRIV_H

#include "talk/talk.h"
#include "talk/talk_hear.h"
#include "talk/talk_menu.h"
#include "talk/talk_table.h"

/* What talk's own files share; nothing outside of them includes this. */

/* Milliseconds.  Where a number has a source it is named. */
#define TALK_TURN_MS 300       /* after the detector's own hangover */
#define TALK_TURN_MENU_MS 1200 /* menus pause between their options */
#define TALK_TURN_LATE_MS 4000 /* words came, the sound does not end */
#define TALK_WORDLESS_MS 1500  /* captions lag behind the sound */
#define TALK_HELLO_MS 2500     /* human speech, LiveKit amd */
#define TALK_FIRST_MS 3000
#define TALK_NUDGE_MS 5000 /* LiveKit IVRActivity */
#define TALK_GO_ON_MS 2000
#define TALK_AWAY_MS 15000 /* LiveKit user away */
#define TALK_HOLD_MS 120000
#define TALK_BARGE_MS 400  /* LiveKit: 0.5 s with its onset */
#define TALK_BEEP_MS 30000 /* Vapi beep wait */
#define TALK_TOOL_MS 10000
#define TALK_WRAP_UP_MS 15000    /* before the longest call's end */
#define TALK_MAX_CALL_MS 300000  /* where the kind says nothing */
#define TALK_REPEAT_BEEP_MS 8000 /* a beep later than this is no start */

#define TALK_PRESSES_MAX 12 /* keys in one call, then it is a loop */
#define TALK_ASKS_MAX 2     /* times the meeting is asked for */
#define TALK_OBJECTIONS_MAX 32
#define TALK_MEETING_MAX 4096 /* bytes of a tool's JSON */

enum talk_line {
	TALK_LINE_GREETING,
	TALK_LINE_INTRO,
	TALK_LINE_MEETING,
	TALK_LINE_COUNT
};

/* The script with its values; texts are owned, NULL = absent. */
struct talk_script {
	char *line[TALK_LINE_COUNT];
	char *voicemail;
	char *goodbye;
	char *goal;
	struct {
		char *when;
		char *say;
		bool used;
	} objection[TALK_OBJECTIONS_MAX];
	size_t objections;
	int64_t max_call_ms;
};

/* What we are saying now. */
struct talk_saying {
	int64_t id; /* 0 = nothing */
	int64_t since_ms;
	const char *text;
	int line;      /* enum talk_line, -1 = none */
	bool question; /* an answer is expected */
};

struct talk {
	enum talk_state state;
	struct talk_script script;
	int64_t now_ms;
	int64_t timer[TALK_TIMER_COUNT]; /* due, -1 = not set */
	int64_t next_id;

	struct talk_saying saying;
	struct talk_saying said; /* the last that ended */
	bool cut;                /* it was interrupted */
	int next_line;
	int cuts;
	int asks;
	bool asked; /* the meeting was asked for, or something like it */
	bool still_there_said;

	bool sounding; /* the callee is heard */
	int64_t sound_ms, silent_ms;
	bool captions;     /* any ever came */
	int64_t turned_ms; /* end of the last turn */
	int turns;         /* of a person */
	char heard[TALK_WORDS_MAX];
	enum talk_meaning meaning; /* of heard */

	struct talk_menu menu;
	struct talk_menu_memory menus;
	int presses;
	int objection; /* the one that matches heard */
	char key[2];
	bool message_again;

	int64_t booking; /* id of BOOK, 0 = none */
	char *meeting;

	enum job_outcome outcome;
	const char *answered_by;
	const char *reason;
	bool opt_out;

	struct talk_effect effect[TALK_EFFECTS_MAX];
	size_t effects;
};

/* talk_script.c */
enum err_code talk_script_fill(struct talk_script *s,
    const struct conf_kind *kind, const struct talk_values *values,
    struct err *err);
void talk_script_fini(struct talk_script *s);

extern const char talk_phrase_still_there[];
extern const char talk_phrase_goodbye[];
extern const char talk_phrase_sorry[];
extern const char talk_phrase_opt_out[];
extern const char talk_phrase_booked[];
extern const char talk_phrase_requested[];

/* talk_act.c */
void talk_do(struct talk *t, enum talk_effect_kind kind, int64_t id,
    int64_t at_ms, const char *text);
void talk_timer_set(struct talk *t, enum talk_timer timer, int64_t delay_ms);
void talk_timer_cancel(struct talk *t, enum talk_timer timer);
/* Is there a line that talk_act SAY_LINE would say? */
bool talk_has_line(const struct talk *t);
void talk_act(struct talk *t, enum talk_act act);

#endif
