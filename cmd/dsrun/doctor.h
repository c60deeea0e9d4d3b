#ifndef DSRUN_CMD_DOCTOR_H
#define DSRUN_CMD_DOCTOR_H

#include "ctx.h"

/*
 * What `dsrun doctor` looks at: each check says one or more findings.  A check
 * only looks; it changes nothing, creates nothing and calls nobody.  Those of
 * services, which must be asked for, call theirs, and with fix they set it up.
 */
enum doctor_grade {
	DOCTOR_OK,
	DOCTOR_WARN, /* it runs, but somebody should know */
	DOCTOR_FAIL  /* it does not run, or not safely */
};

struct doctor_finding {
	enum doctor_grade grade;
	const char *check; /* a text of our own */
	char *text;
	char *advice; /* what to do; NULL when all is well */
};

struct doctor {
	struct ctx *ctx;
	const struct conf *conf; /* never NULL, perhaps with problems */
	bool fix;
	struct doctor_finding *findings;
	size_t count;
	enum exit_status exit; /* the worst that a finding asks for */
};

struct doctor_check {
	const char *name;
	void (*look)(struct doctor *d, const char *name);
};

/* advice NULL only with DOCTOR_OK.  Texts are copied. */
void doctor_say(struct doctor *d, enum doctor_grade grade, const char *check,
    const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * A service did not do as it was asked.  What may be tried again is temporary
 * (exit 5); advice NULL: that of the error's class.
 */
void doctor_fail(struct doctor *d, const char *check, const char *advice,
    const struct err *err);

/* The checks, one noun each. */
void doctor_conf(struct doctor *d, const char *name);
void doctor_dir(struct doctor *d, const char *name);
void doctor_space(struct doctor *d, const char *name);
void doctor_file_system(struct doctor *d, const char *name);
void doctor_clock(struct doctor *d, const char *name);
void doctor_zones(struct doctor *d, const char *name);
void doctor_personas(struct doctor *d, const char *name);
void doctor_speech(struct doctor *d, const char *name);
/* What it knows of trouble: what is parked, given up, or waits and why. */
void doctor_journal(struct doctor *d, const char *name);
/* Which services could be asked, and were not. */
void doctor_services(struct doctor *d, const char *name);

/* Those that call somebody. */
void doctor_mongo(struct doctor *d, const char *name);
void doctor_s3(struct doctor *d, const char *name);
void doctor_queue(struct doctor *d, const char *name);

#endif
