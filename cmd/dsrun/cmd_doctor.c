#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#include "commands.h"
#include "doctor.h"
#include "words/doctor.h"

static const struct doctor_check checks[] = {
    {"configuration", doctor_conf},
    {"directory", doctor_dir},
    {"free space", doctor_space},
    {"file system", doctor_file_system},
    {"clock", doctor_clock},
    {"time zones", doctor_zones},
    {"personas", doctor_personas},
    {"speech", doctor_speech},
    {"journal", doctor_journal},
    {"services", doctor_services},
};

/* Named like the option that asks for it. */
static const struct doctor_check services[] = {
    {"mongo", doctor_mongo},
    {"s3", doctor_s3},
    {"queue", doctor_queue},
};

static const char *const grades[] =
    {[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

static void
add(struct doctor *d, enum doctor_grade grade, const char *check,
    const char *advice, const char *text)
{
	CHECK((advice == NULL) == (grade == DOCTOR_OK));
	d->findings =
	    mem_realloc(d->findings, d->count + 1, sizeof(*d->findings));
	d->findings[d->count++] = (struct doctor_finding){.grade = grade,
	    .check = check,
	    .text = mem_strdup(text),
	    .advice = mem_strdup(advice)};
}

void
doctor_say(struct doctor *d, enum doctor_grade grade, const char *check,
    const char *advice, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(d, grade, check, advice, text);
	if (grade == DOCTOR_FAIL)
		d->exit = exit_worse(d->exit, EXIT_ERROR);
}

/* What a person can mend, by what servers say of it; NULL: its class must do.
 */
static const char *
advice_of(const struct err *err)
{
	static const struct {
		const char *part;
		const char *advice;
	} rows[] = {
	    {"WRONGPASS", "bull.user and DSRUN_BULL_PASSWORD must be those of "
			  "the server's access list"},
	    {"NOAUTH", "set DSRUN_BULL_PASSWORD, in the environment or in "
		       ".env"},
	    {"AUTH <password>", "the server wants no password: take "
				"DSRUN_BULL_PASSWORD away, or name another "
				"bull.url"},
	    {"NOPERM", "allow this user EVALSHA, EVAL and what the libraries' "
		       "scripts call on the keys ~PREFIX:*, for Bull also the "
		       "channels &PREFIX:* (ACL SETUSER)"},
	    {"it is a queue of", "set bull.library to its library or auto, or "
				 "name another bull.queue"},
	    {"certificate", "name the authority that signed it (ca_file of "
			    "this service), or see who answers there"},
	    {"Authentication failed", "user, password and authSource of "
				      "DSRUN_MONGO_URI must be the server's"},
	    {"requires authentication", "put user and password into "
					"DSRUN_MONGO_URI"},
	    {"names a database", "end the URI with /DATABASE, or set "
				 "mongo.database"},
	    {"there is no bucket", "make the bucket, or name another "
				   "s3.bucket"},
	    {"AWS credentials of the instance",
		"set DSRUN_S3_ACCESS_KEY and DSRUN_S3_SECRET_KEY, in the "
		"environment or in .env; without them this machine was asked"},
	    {"S3 HEAD", "look at the access key, its secret, its right "
			"s3:ListBucket and this machine's time"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(err->text, rows[i].part) != NULL)
			return rows[i].advice;
	return NULL;
}

void
doctor_fail(struct doctor *d, const char *check, const char *advice,
    const struct err *err)
{
	bool again = err_class(err->code) == ERR_CLASS_RETRY;

	if (advice == NULL)
		advice = advice_of(err);
	if (advice == NULL)
		advice = again ? "look at the service and the way to it; until "
				 "it is back nothing is lost"
			       : "correct the settings, or what the service "
				 "allows this user";
	add(d, DOCTOR_FAIL, check, advice, err->text);
	d->exit = exit_worse(
	    d->exit, again ? EXIT_TEMPORARY : exit_of_err(err->code));
}

static void
show_json(const struct doctor *d)
{
	struct ctx_document doc;

	ctx_json_begin(d->ctx, &doc);
	json_field_bool(&doc.w, "ok", d->exit == EXIT_DONE);
	json_write_key(&doc.w, "checks");
	json_write_array(&doc.w);
	for (size_t i = 0; i < d->count; i++) {
		json_write_object(&doc.w);
		json_field_str(&doc.w, "check", d->findings[i].check);
		json_field_str(&doc.w, "grade", grades[d->findings[i].grade]);
		json_field_str(&doc.w, "text", d->findings[i].text);
		json_field_str(&doc.w, "advice", d->findings[i].advice);
		json_write_end(&doc.w);
	}
	json_write_end(&doc.w);
	ctx_json_end(d->ctx, &doc);
}

static void
show_text(const struct doctor *d)
{
	static const enum term_paint paints[] = {[DOCTOR_OK] = TERM_GREEN,
	    [DOCTOR_WARN] = TERM_YELLOW,
	    [DOCTOR_FAIL] = TERM_RED};
	struct ctx *ctx = d->ctx;

	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		if (ctx->quiet && f->grade == DOCTOR_OK)
			continue;
		(void)fprintf(ctx->term.out, "%s%-4s%s  %-13s  ",
		    term_on(&ctx->term, ctx->term.out, paints[f->grade]),
		    grades[f->grade], term_off(&ctx->term, ctx->term.out),
		    f->check);
		ctx_print(ctx, "%s\n", f->text);
		if (f->advice != NULL)
			ctx_print(ctx, "%21s-> %s\n", "", f->advice);
	}
}

/* A setting that cannot be used could lead to another service than meant. */
static void
ask_services(struct doctor *d)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		const char *name = services[i].name;

		if (!cli_flag(&d->ctx->args, name, false))
			continue;
		if (d->ctx->problem_count == 0)
			services[i].look(d, name);
		else
			doctor_say(d, DOCTOR_FAIL, name,
			    "correct the configuration first",
			    "not asked: the configuration has problems");
	}
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct doctor d = {.ctx = ctx, .exit = EXIT_DONE};
	enum err_code code;

	d.fix = cli_flag(&ctx->args, "fix", false);
	if (d.fix && !cli_flag(&ctx->args, "mongo", false) &&
	    !cli_flag(&ctx->args, "s3", false))
		return err_set(err, ERR_USAGE, 0,
		    "--fix needs --mongo or --s3, which it sets up");
	code = ctx_conf_quiet(ctx, &d.conf, err);
	if (code != ERR_NONE)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		checks[i].look(&d, checks[i].name);
	ask_services(&d);
	if (ctx->json)
		show_json(&d);
	else
		show_text(&d);
	ctx_exit(ctx, d.exit);
	for (size_t i = 0; i < d.count; i++) {
		mem_free(&d.findings[i].text);
		mem_free(&d.findings[i].advice);
	}
	mem_free(&d.findings);
	return ERR_NONE;
}

const struct command cmd_doctor = {DOCTOR_WORDS, .run = run};
