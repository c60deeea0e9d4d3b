#ifndef DSRUN_RUN_TALK_PRIV_H
#define DSRUN_RUN_TALK_PRIV_H

#include "base/buf.h"
#include "base/list.h"

#include "media/media_beep.h"
#include "media/media_record.h"
#include "media/media_tone.h"
#include "media/media_vad.h"
#include "run/run_talk.h"
#include "talk/talk.h"
#include "talk/talk_file.h"

/* What the files of run_talk share; nothing outside of them includes this. */

#define RUN_TALK_FILE_BYTES (1 << 20) /* of events; then we hang up */
#define RUN_TALK_LINES (8 << 10)      /* bytes kept before a write */
#define RUN_TALK_PENDING 64           /* captions and keys not yet due */

struct run_talk {
	struct env *env;
	struct carrier carrier;
	struct model model;
	char *dir, *name, *call_id;
	void (*hangup)(void *arg);
	void *hangup_arg;

	int64_t answered_ms;
	int64_t frame; /* the next one */
	bool no_media; /* the carrier has none, or none any more */
	bool in_tick;
	bool wants_hangup, told_hangup;

	struct talk *talk;
	bool listening;                /* the model may hear */
	int64_t due[TALK_TIMER_COUNT]; /* -1 = not set */
	struct list queue;             /* events to feed now */
	bool feeding;
	struct list pending; /* captions and keys, by the time they are due */
	size_t pending_count;

	struct model_call *call;
	struct model_ear ear;
	struct media_vad vad;
	struct media_beep beep;
	struct media_tone tone; /* keys we press */
	bool toning;

	struct media_record *record;
	struct env_file *file; /* of talk's events */
	struct buf lines;      /* not yet written */
	int64_t file_bytes;
	bool file_broken; /* its end is unknown: no more is written */

	enum err_code code; /* the first failure */
	struct err err;

	/* the end */
	bool ended;
	int64_t end_ms;
	char end_by[16];
	void (*done)(void *arg, enum err_code code,
	    const struct run_talk_result *result, const struct err *err);
	void *done_arg;
	struct env_work work;
	struct run_talk_result result;
};

/* run_talk_file.c */
char *run_talk_path(const char *dir, const char *name, const char *suffix);
enum err_code run_talk_files_make(struct run_talk *t,
    const struct run_talk_options *o, const struct talk_values *values,
    struct err *err);
/* Append the lines that wait. */
enum err_code run_talk_files_write(struct run_talk *t, struct err *err);
/* On the writer's thread: everything to disk, hashed, into t->result. */
enum err_code run_talk_files_settle(struct run_talk *t, struct err *err);
void run_talk_files_close(struct run_talk *t);

/* run_talk_event.c */
/* Feed an event now, or after the one that is being fed; text is copied. */
void run_talk_feed(struct run_talk *t, const struct talk_event *e);
/* Timers, captions and keys that are due at clock_ms of the call. */
void run_talk_feed_due(struct run_talk *t, int64_t clock_ms);
void run_talk_feed_free(struct run_talk *t);
void run_talk_failed(
    struct run_talk *t, enum err_code code, const struct err *err);
int64_t run_talk_clock(const struct run_talk *t);

#endif
