#ifndef DSRUN_SOURCE_BULL_PRIV_H
#define DSRUN_SOURCE_BULL_PRIV_H

#include "base/list.h"

#include "bull/bull_ticket.h"
#include "journal/journal_lease.h"
#include "source/source_bull.h"
#include "source/source_people.h"

/* What the files of source_bull share. */

#define SOURCE_BULL_BATCH 500 /* leases of one turn */

/* Something to be said to the queue of one delivery. */
struct source_bull_word {
	struct list node;
	int64_t job; /* 0: it is not in the journal */
	char *ticket;
	char *reason;     /* a refusal; else NULL */
	char *line;       /* for the job's log, before all else; else NULL */
	int64_t due_ms;   /* going back: real time, 0 = next in line */
	int64_t until_ms; /* to be reclaimed: when its lock was to end */
	bool known;       /* over long ago: completed without a result */
	bool parked;      /* failed, for a person must decide */
};

/* What the queue said of a lease, to be written down. */
struct source_bull_note {
	int64_t job;
	enum source_bull_what {
		SOURCE_BULL_RENEWED,
		SOURCE_BULL_AWAY,
		SOURCE_BULL_GONE,
		SOURCE_BULL_ANSWERED
	} what;
	char *ticket;     /* another one, or NULL */
	int64_t until_ms; /* renewed: the lock's end, real */
	char *of; /* only while this is its ticket; NULL = whatever it is */
};

/* A job without a phone: a copy of what the queue gave. */
struct source_bull_blank {
	struct bull_job job;
	char *campaign;
	int64_t step;
	int64_t until_ms; /* our lock */
	bool known;       /* the journal has it */
};

/* source_bull_people.c: those jobs. */
struct source_bull_blanks {
	struct source_people *people; /* NULL: nobody is looked up */
	struct source_bull_blank *jobs;
	size_t count;
	struct source_people_ask ask;
	const char *campaigns[SOURCE_PEOPLE_MAX];
	size_t asked; /* the first of jobs; 0: no ask is under way */
	/* The last ask: what was put off since the store was there, and why. */
	int64_t put_off;
	struct err away;
	bool said_away, said_old; /* since the store was there */
	char *notice, *noticed;
};

struct source_bull {
	struct source_bull_options o;
	struct source_bull_blanks blanks;
	struct source port;
	struct source_tally tally;
	/* jobs on their way to intake */
	struct source_job **jobs;
	size_t job_count, job_at;
	size_t out; /* given to intake, and not settled */
	/* the one call under way */
	struct bull_call call;
	bool calling;
	/* Real: it was sent; a lock that it set or renewed lasts from then on,
	 * whenever its answer is read.  And when those of the jobs that it
	 * gives were set. */
	int64_t began_ms, locked_ms;
	void (*then)(struct source_bull *s);
	/* the one transaction under way */
	struct journal_tx tx;
	bool writing;
	struct source_bull_note notes[SOURCE_BULL_BATCH];
	size_t note_count;
	enum source_bull_write {
		SOURCE_BULL_NOTES,
		SOURCE_BULL_GIVE_BACK,
		SOURCE_BULL_PUT_OFF,
		SOURCE_BULL_GIVE_UP
	} write;
	int64_t wrote; /* out: rows moved */
	/* what is to be done */
	bool detected, adopted;
	bool sure;               /* in this run: whose lock was gone is known */
	bool seen;               /* whether there is any to ask about */
	struct bull_lease *ours; /* to be read */
	size_t ours_count, ours_at;
	bool ours_fresh;     /* those to be read next are renewed */
	struct list words;   /* to be said, first in first out */
	struct list reclaim; /* of them, whose lock was found to be gone */
	struct source_bull_word *saying;
	bool renew, tend, stalled, put_off, parked, returning, give_up;
	/* renewing: leases of a turn */
	struct bull_lease leases[SOURCE_BULL_BATCH];
	struct bull_ticket tickets[SOURCE_BULL_BATCH];
	int64_t lease_jobs[SOURCE_BULL_BATCH];
	int64_t lease_until[SOURCE_BULL_BATCH];
	char *texts[SOURCE_BULL_BATCH];
	size_t lease_count;
	int64_t renew_after; /* jobs up to here are done in this round */
	int64_t page_last;   /* the last job that was read for a turn */
	/* those that went back are looked for: are they still there? */
	bool look;
	int64_t look_after; /* jobs up to here were */
	int64_t gone;       /* that were not, since the last notice */
	int64_t over;       /* that came though called before, since then */
	/* real: an answer of ours found no such job, and all were looked at */
	int64_t gone_seen, gone_ms;
	int64_t wanted;
	bool stopping, gave_back;
	bool down;      /* the last call did not get through */
	bool unwritten; /* the last transaction failed: not before `again` */
	struct err err;
	char *warning; /* or NULL */
	bool fatal;
	struct env_timer again; /* while down */
	struct env_timer full;  /* our own answers make room in a moment */
	int fulls;              /* in a row */
	struct env_timer renewal, tending;
	int tends;
	/* shared: locks are looked after while a call hangs, too */
	struct env_timer doubt;
	int64_t round_ms; /* real: this round of renewing began */
	int64_t sure_ms;  /* real: the last whole one began */
};

/* source_bull_job.c: a job of the queue as intake wants it, with the phone and
 * contact of person (NULL: it has its own).  ERR_MALFORMED: it can never be
 * called, err says why. */
enum err_code source_bull_job(const struct source_bull *s,
    const struct bull_job *from, const struct source_person *person,
    struct source_job **out, struct err *err);
/* It has no phone and this campaign (mem_free); else NULL.  step: of it. */
char *source_bull_campaign(const struct bull_job *from, int64_t *step);
/* Something to be said of a job that the journal does not have. */
struct source_bull_word *source_bull_answer(
    struct source_bull *s, const struct bull_job *from);
void source_bull_refuse(
    struct source_bull *s, const struct bull_job *from, const struct err *why);
/* It goes to intake. */
void source_bull_keep(struct source_bull *s, struct source_job *j);
/* mem_free. */
char *source_bull_identity(const struct bull_ref *ref);

/* source_bull_people.c: true: it is one of them, and looked up. */
bool source_bull_blank(struct source_bull *s, const struct bull_job *from);
void source_bull_blanks_poke(struct source_bull *s);
const char *source_bull_notice(void *impl); /* an op */
void source_bull_blanks_free(struct source_bull *s);

/* source_bull.c: the call to begin next; then() hears what came of it, unless
 * it did not get through. */
struct bull_call *source_bull_begin(
    struct source_bull *s, void (*then)(struct source_bull *s));
void source_bull_poke(struct source_bull *s);
void source_bull_tell_ready(struct source_bull *s);
/* false: a full Redis throws things away by itself. */
bool source_bull_is_kept(const struct source_bull *s);

/* source_bull_word.c */
void source_bull_word_free(struct source_bull_word **w);
/* At the end of to, and the words' own: the caller may add what else. */
struct source_bull_word *source_bull_say(
    struct list *to, int64_t job, const char *ticket, int64_t due_ms);
void source_bull_note_fini(struct source_bull_note *n);
/* None of them is said. */
void source_bull_words_drop(struct source_bull *s, struct list *words);
/* Say the first of words, or of what must be reclaimed. */
void source_bull_say_next(struct source_bull *s, bool reclaim);

/* source_bull_lease.c: begin what upkeep of leases needs; true: something was
 * begun. */
bool source_bull_upkeep(struct source_bull *s);
/* Ask for some of those that went back; true: it was begun. */
bool source_bull_look(struct source_bull *s);
/* Sure from the start: the journal has no job that the queue may have lost. */
void source_bull_see(struct source_bull *s);
/* Is a job of ours over, and the queue has not heard of it yet? */
bool source_bull_owes_answers(struct source_bull *s);
/* From before the run begins, when those that ran out while nobody was here
 * are given up, to its end: what time does to leases. */
void source_bull_leases_begin(struct source_bull *s);
void source_bull_leases_end(struct source_bull *s);
/* Write the notes down, or make that move. */
void source_bull_write(struct source_bull *s, enum source_bull_write what);
/* The leases that the journal has and has not let go of; false: it cannot be
 * read, and the source is at its end. */
struct source_bull_known {
	char **leases;
	size_t count;
};
bool source_bull_known(struct source_bull *s, struct source_bull_known *out);
bool source_bull_is_known(const struct source_bull_known *k, const char *lease);
void source_bull_known_free(struct source_bull_known *k);
void source_bull_leases_free(struct source_bull *s);
int64_t source_bull_real_ms(const struct source_bull *s);

#endif
