#ifndef DSRUN_CONF_H
#define DSRUN_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

#include "conf/conf_problem.h"
#include "job/job_ladder.h"
#include "job/job_state.h"

/*
 * Everything that can be set, as one checked struct.
 *
 * Flags > environment > .env > dsrun.yaml > defaults.  dsrun.yaml holds the
 * box's settings, jobs/NAME.yaml beside it the kinds of job; secrets come only
 * from the environment or from a file named by a *_file key.  Relative paths
 * in a file are relative to that file, those of flags and the environment to
 * the working directory.  conf_load reports every problem it finds, not the
 * first one.  The keys stand in conf_rows.c; limits.queue is DSRUN_LIMITS_QUEUE
 * in the environment and in .env, and an empty value there is none.
 */

#define CONF_KINDS_MAX 256

#define CONF_ZONE_MAX 64
#define CONF_SPANS_MAX 4

/* Minutes after midnight, half open, start < end <= 1440. */
struct conf_span {
	int start;
	int end;
};

struct conf_windows {
	char zone[CONF_ZONE_MAX]; /* "contact" or a tzdata name */
	struct {
		size_t count; /* 0 = none; one span 0..1440 = always */
		struct conf_span spans[CONF_SPANS_MAX];
	} day[7], holiday; /* day 0 = Monday */
	/* holidays: not named -> as the weekday; set -> the holiday row */
	bool holidays_set;
};

struct conf_objection {
	char *when;
	char *say;
};

/* The parts of specification 001 A.1; any may be NULL. */
struct conf_script {
	char *greeting, *intro, *meeting, *voicemail, *goodbye, *goal;
	struct conf_objection *objections;
	size_t objection_count;
};

/* jobs/NAME.yaml; interfaces.md section 8. */
struct conf_kind {
	char *name;
	char *path;          /* the file it came from, as seen from cwd */
	char *carrier;       /* "sim" ...; absent: conf.carrier_use */
	char *model;         /* "scripted" ...; never NULL */
	char *from;          /* E.164; never NULL */
	int64_t concurrency; /* live calls of this kind; 0 = no limit */
	int64_t max_call_ms;
	int64_t ring_ms;
	int64_t per_number_per_day; /* dials in any 24 h; 0 = no cap */
	int64_t min_gap_ms;         /* between two dials of one number */
	struct conf_windows windows;
	int64_t max_attempts;
	struct job_rung retry[JOB_OUTCOME_COUNT]; /* by outcome */
	struct conf_script script;
	char *agent_name, *agent_company;
};

/* carrier.sim; interfaces.md section 3. */
struct conf_sim {
	int64_t speed;
	bool start_now;
	int64_t start_ms; /* when not start_now */
	int64_t seed;
	char *cls; /* keyed | named | queryable | callback | blind */
	int64_t latency_ms, list_lag_ms, memory_ms, key_window_ms, settle_ms;
	char *personas; /* directory, absolute */
	struct conf_sim_faults {
		double request_lost, answer_lost, error_after_place, slow;
		int64_t slow_ms;
		double callback_duplicate, callback_late;
		int64_t callback_late_ms;
		double key_forgotten;
	} faults;
};

enum conf_origin {
	CONF_DEFAULT,
	CONF_FILE,
	CONF_DOTENV,
	CONF_ENV,
	CONF_FLAG
};

/* A setting given on the command line: key as in the file, dots between. */
struct conf_flag {
	const char *key;
	const char *value;
};

struct conf {
	char *path;     /* dsrun.yaml in use, absolute; NULL: none was found */
	char *base_dir; /* what relative paths are relative to */
	char *dir;      /* the journal's directory, absolute */
	/* dir is the one that was meant, whatever else is wrong: it was read
	 * from files that are whole, or given by a flag or the environment. */
	bool dir_sure;
	char *key_prefix; /* of attempt keys; NULL: the journal's id */
	char *default_kind;
	char *on_attention; /* command; NULL: none */
	char *speech_dir;   /* fixtures/speech */
	char *rules_dir;    /* rules: nanp_zones.csv */
	char *carrier_use;
	struct conf_sim sim;
	struct {
		int64_t concurrency;          /* live calls, all campaigns */
		int64_t campaign_concurrency; /* each campaign; 0 = no limit */
		int64_t line_bytes;           /* one job, as JSON or CSV */
		int64_t queue;                /* the writer's, transactions */
	} limits;
	struct {
		int64_t min_free_bytes; /* below: nothing is claimed */
		int64_t ballast_bytes;
		int64_t checkpoint_bytes; /* of -wal, above: RESTART */
	} disk;
	struct {
		int64_t grace_ms; /* after TERM: how long calls may go on */
		int64_t poll_ms;  /* worker: how often it looks for jobs */
	} run;
	struct {
		int64_t max_tries; /* then a dead letter */
		struct job_rung retry;
	} outbox;
	struct {
		char *level; /* debug | info | warn | error */
		int64_t rotate_bytes;
		int64_t keep_days;
	} log;
	/* A queue in Redis; used when queue is set. */
	struct conf_bull {
		char *queue, *prefix;
		char *url; /* without a password */
		char *user, *password;
		char *sentinels, *master; /* NULL: none */
		char *ca_file, *cert_file, *key_file;
		char *library; /* auto | bull | bullmq | bullmq5 | bullmq6 */
		char *mode;    /* exclusive | shared */
		char *names;   /* of jobs that are default_kind; NULL */
		int64_t lock_ms;
		int64_t max_stalled;
		int64_t limit, limit_per_ms; /* jobs begun; 0: no limit */
		int64_t metrics;             /* minutes; 0: none */
	} bull;
	/* Sinks behind a network; each is used when its first is set. */
	struct conf_mongo {
		char *uri, *database; /* database NULL: the uri's */
		char *ca_file, *cert_file;
		char *master_key; /* base64 of 96 bytes; NULL: no encryption */
	} mongo;
	struct conf_s3 {
		char *bucket, *region;
		char *endpoint;   /* NULL: Amazon's */
		char *style;      /* auto | virtual | path */
		char *prefix;     /* of keys; NULL: none */
		char *format;     /* wav | mp3 | opus */
		char *encryption; /* none | s3 | kms */
		char *kms_key;    /* NULL: the account's default */
		char *storage_class, *ca_file;
		/* NULL: where Amazon's clients find them */
		char *access_key, *secret_key;
		int64_t multipart_bytes, part_bytes;
		/* The bucket's lifecycle, as doctor sets it; 0 = not at all */
		int64_t archive_days, cold_days, delete_days;
		int64_t old_versions_days;
		char *archive_class, *cold_class;
	} s3;
	struct conf_webhook {
		char *url, *ca_file;
		char *secret;     /* signs */
		char *old_secret; /* signs too, while receivers change */
	} webhook;
	struct conf_logtail {
		char *host; /* its name, or an address with http(s):// */
		char *ca_file, *token;
	} logtail;
	int64_t spool_settle_ms; /* spool: a file must be this old; 0 */
	struct conf_kind *kinds; /* sorted by name */
	size_t kind_count;
	/* for `dsrun config`: every key, its text and where it came from */
	struct conf_setting {
		char *key;
		char *text; /* "***" for a secret */
		enum conf_origin origin;
		char *where; /* "dsrun.yaml:12", "environment DSRUN_DIR" ... */
		char *file;  /* as in a problem; "default" */
		int line;    /* 0 = none */
	} * settings;
	size_t setting_count;
};

struct conf_options {
	const char *config; /* --config; NULL: DSRUN_CONFIG, ./dsrun.yaml ... */
	const char *dir;    /* --dir; NULL: DSRUN_DIR, dir: ... */
	const char *env_file; /* --env-file; NULL: .env beside the file */
	const struct conf_flag *flags;
	size_t flag_count;
	char *const *environ_; /* "NAME=value", ended by NULL */
	const char *cwd;       /* absolute */
};

/*
 * Read and check everything.  Always gives a struct (release with conf_free);
 * ERR_CONFIG when there is any problem, and the list of them in *problems
 * (release with conf_problems_free).  No configuration file at all is fine:
 * the defaults stand.
 */
enum err_code conf_load(struct env *env, const struct conf_options *options,
    struct conf **out, struct conf_problem **problems, size_t *problem_count,
    struct err *err);
void conf_free(struct conf **c);

/* The setting of that key; NULL when there is none. */
const struct conf_setting *conf_setting_find(
    const struct conf *c, const char *key);

/* NULL when there is no such kind. */
const struct conf_kind *conf_kind_find(const struct conf *c, const char *name);

#endif
