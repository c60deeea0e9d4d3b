#include "sim_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "journal/journal.h"
#include "sim_image.h"

static void
must(enum err_code code, const struct err *err, const char *what)
{
	if (code == ERR_NONE)
		return;
	(void)fprintf(stderr, "sim: %s: %s\n", what, err->text);
	exit(2);
}

static const char box[] =
    "dir: data\n"
    "limits: {concurrency: 10}\n"
    "disk: {min_free: 64KB, ballast: 64KB}\n"
    "run: {grace: 20s}\n"
    "outbox: {max_tries: 100}\n"
    "carrier:\n"
    "  use: sim\n"
    "  sim: {speed: 1, start: 2027-01-05T17:00:00Z, latency_ms: 120,\n"
    "    list_lag_ms: 500, settle_ms: 4200, personas: personas,\n"
    "    faults: {slow_ms: 2000, callback_late_ms: 3000}}\n";

#define SCRIPT                                                          \
	"script: {greeting: \"Hello.\", intro: \"We help.\", meeting: " \
	"\"May we meet?\", voicemail: \"Call us.\", goodbye: \"Bye.\"}\n"

#define LIMITS                                                      \
	"limits: {max_call: 40s, ring: 8s, per_number_per_day: 0, " \
	"min_gap: 0s}\n"

/* Ladders are short: what counts is their order, not the waiting. */
#define LADDER                                                     \
	"retry:\n  max_attempts: 3\n  no-answer: {after: 5s}\n"    \
	"  busy: {after: 3s, factor: 2, max: 20s, jitter: full}\n" \
	"  failed: {after: 2s}\n  network: {after: 1s}\n"          \
	"  interrupted: {after: 4s}\n  refused: {after: 2s}\n"

static const struct {
	const char *name, *text;
} files[] = {{"dsrun.yaml", box},
    {"jobs/q.yaml", "kind: q\nfrom: \"+15125550100\"\n" LIMITS
		    "windows: {zone: UTC, mon-sun: always}\n" LADDER SCRIPT},
    {"jobs/w.yaml",
	"kind: w\nfrom: \"+15125550100\"\n" LIMITS
	"windows: {zone: UTC, mon-sun: \"08:00-17:01\"}\n" LADDER SCRIPT},
    {"jobs/o.yaml", "kind: o\nfrom: \"+15125550100\"\n" LIMITS
		    "windows: {zone: UTC, mon-sun: always}\n"
		    "retry: {max_attempts: 1}\n" SCRIPT},
    {"jobs/c.yaml", "kind: c\nfrom: \"+15125550100\"\n"
		    "limits: {max_call: 40s, ring: 8s, per_number_per_day: 2, "
		    "min_gap: 6s, concurrency: 1}\n"
		    "windows: {zone: UTC, mon-sun: always}\n" LADDER SCRIPT},
    {"personas/instant.yaml",
	"name: instant\nnumbers: [\"+1999*\"]\nring: 0\nanswer: instant\n"},
    {"personas/human.yaml",
	"name: human\nnumbers: [\"+1888*\"]\nring: 500ms..3s\n"
	"answer: human\npatience: 2s..5s\n"
	"served: {after: 2s..10s, by: agent, outcome: completed}\n"
	"script:\n  start:\n    - pause: 1500ms\n"
	"    - hangup: completed\n"},
    {"personas/none.yaml",
	"name: none\nnumbers: [\"+1777*\"]\nring: 0\nanswer: none\n"},
    {"personas/busy.yaml",
	"name: busy\nnumbers: [\"+1666*\"]\nring: 100ms\nanswer: busy\n"},
    {"personas/bad.yaml",
	"name: bad\nnumbers: [\"+1555*\"]\nanswer: bad-number\n"},
    {"personas/rejected.yaml",
	"name: rejected\nnumbers: [\"+1556*\"]\nanswer: rejected\n"},
    {"personas/limit.yaml",
	"name: limit\nnumbers: [\"+1557*\"]\nanswer: limit\n"},
    {"personas/failed.yaml",
	"name: failed\nnumbers: [\"+1444*\"]\nring: 1s\nanswer: failed\n"}};

static void
write_files(struct env *env)
{
	struct err err = {0};

	must(env_make_dirs(env, SIM_DIR "/jobs", &err), &err, "jobs");
	must(env_make_dirs(env, SIM_DIR "/personas", &err), &err, "personas");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = mem_printf(SIM_DIR "/%s", files[i].name);

		must(env_write_whole(
			 env, path, files[i].text, strlen(files[i].text), &err),
		    &err, path);
		mem_free(&path);
	}
}

/* The one zone that is asked for; no rule in it has ever changed. */
static void
copy_zone(struct env *env)
{
	static const char path[] = RULES_ZONE_DIR "/UTC";
	char bytes[4096];
	FILE *f = fopen(path, "rb");
	size_t len = f != NULL ? fread(bytes, 1, sizeof(bytes), f) : 0;
	struct err err = {0};

	if (f != NULL)
		(void)fclose(f);
	must(env_make_dirs(env, RULES_ZONE_DIR, &err), &err, "zones");
	must(env_write_whole(env, path, bytes, len, &err), &err, path);
}

static void
read_conf(struct sim_stage *s)
{
	struct conf_options o = {.cwd = SIM_DIR};
	struct conf_problem *problems = NULL;
	size_t count = 0;
	char *none[] = {NULL};
	struct err err = {0};
	enum err_code code;

	o.environ_ = none;
	code = conf_load(
	    &s->machine->host.own.env, &o, &s->conf, &problems, &count, &err);
	if (code != ERR_NONE && count > 0)
		(void)fprintf(stderr, "sim: %s:%d: %s\n", problems[0].file,
		    problems[0].line, problems[0].text);
	must(code, &err, "configuration");
	conf_problems_free(&problems, count);
	for (size_t i = 0; i < s->conf->kind_count; i++) {
		struct conf_kind *k = &s->conf->kinds[i];
		char *path = mem_printf(SIM_DIR "/%s", k->path);

		/* The simulated processes have no working directory. */
		mem_free(&k->path);
		k->path = path;
		s->kinds[i] = k->name;
	}
}

static void
found_journal(struct sim_stage *s)
{
	struct journal_options o = {.env = &s->machine->host.own.env,
	    .dir = SIM_DATA,
	    .mode = JOURNAL_CREATE,
	    .build_ms = 1000,
	    .ballast_bytes = s->conf->disk.ballast_bytes};
	struct journal *j = NULL;
	struct err err = {0};

	/* As wire_clock does before the network is founded. */
	env_follow(o.env, SIM_START_MS, o.env->ops->boot_us(o.env), 1);
	must(journal_open(&o, &j, &err), &err, "journal");
	journal_close(&j);
}

/* A journal that is not in WAL mode yet, as a new one is. */
void
sim_stage_make_images(struct sim_stage *s)
{
	struct sim_process *host = &s->machine->host;
	struct sim_disk *d = sim_disk_clone(s->founded);
	struct sim_file *f = NULL;
	uint8_t mode[2] = {1, 1};
	struct err err = {0};

	must(sim_disk_open(d, host, SIM_DATA "/journal.db",
		 ENV_READ | ENV_WRITE, &f, &err),
	    &err, "journal");
	must(sim_disk_pwrite(f, mode, sizeof(mode), 18, -1, &err), &err,
	    "journal");
	sim_disk_close(&f);
	(void)sim_disk_remove(d, SIM_DATA "/journal.db-wal", &err);
	(void)sim_disk_remove(d, SIM_DATA "/journal.db-shm", &err);
	sim_image_make(host, d, SIM_DATA "/journal.db");
}

struct sim_stage *
sim_stage_open(void)
{
	struct sim_stage *s = mem_zalloc(1, sizeof(*s));
	struct err err = {0};

	s->people = mem_zalloc(1, sizeof(*s->people));
	s->schema = mem_zalloc(1, sizeof(struct journal_schema *));
	s->machine = sim_machine_new(0, sim_disk_new(SIM_DISK_BYTES));
	write_files(&s->machine->host.own.env);
	copy_zone(&s->machine->host.own.env);
	read_conf(s);
	sim_disk_settle(s->machine->disk);
	s->empty = sim_disk_clone(s->machine->disk);
	found_journal(s);
	sim_disk_settle(s->machine->disk);
	s->founded = sim_disk_clone(s->machine->disk);
	sim_stage_make_images(s);
	must(rules_atlas_open(
		 &s->machine->host.own.env, NULL, NULL, &s->atlas, &err),
	    &err, "zones");
	must(carrier_sim_personas_load(s->people, &s->machine->host.own.env,
		 s->conf->sim.personas, &err),
	    &err, "personas");
	return s;
}

void
sim_stage_close(struct sim_stage **sp)
{
	struct sim_stage *s = *sp;

	rules_atlas_close(&s->atlas);
	carrier_sim_personas_free(s->people);
	mem_free(&s->people);
	journal_schema_free(s->schema);
	mem_free(&s->schema);
	conf_free(&s->conf);
	sim_image_free();
	sim_disk_free(&s->empty);
	sim_disk_free(&s->founded);
	sim_machine_free(&s->machine);
	mem_free(sp);
}
