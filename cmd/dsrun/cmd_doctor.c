#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

#include "commands.h"
#include "doctor.h"

static const struct doctor_check checks[] = {
    {"configuration", doctor_conf},
    {"directory", doctor_dir},
    {"free space", doctor_space},
    {"file system", doctor_file_system},
    {"clock", doctor_clock},
    {"time zones", doctor_zones},
    {"personas", doctor_personas},
    {"speech", doctor_speech},
};

static const char *const grades[] =
    {[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

void
doctor_say(struct doctor *d, enum doctor_grade grade, const char *check,
    const char *advice, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	CHECK((advice == NULL) == (grade == DOCTOR_OK));
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->findings =
	    mem_realloc(d->findings, d->count + 1, sizeof(*d->findings));
	d->findings[d->count++] = (struct doctor_finding){.grade = grade,
	    .check = check,
	    .text = mem_strdup(text),
	    .advice = mem_strdup(advice)};
	if (grade == DOCTOR_FAIL)
		d->exit = exit_worse(d->exit, EXIT_ERROR);
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

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	struct doctor d = {.ctx = ctx, .exit = EXIT_DONE};
	enum err_code code = ctx_conf_quiet(ctx, &d.conf, err);

	if (code != ERR_NONE)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		checks[i].look(&d, checks[i].name);
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

static const struct cli_example examples[] = {
    {"dsrun doctor", "is this box fit to run?"},
    {"dsrun doctor -q", "only what is wrong"},
    {NULL, NULL},
};

const struct command cmd_doctor = {
    .name = "doctor",
    .group = GROUP_BOX,
    .summary = "look at this box and say what is wrong, and what to do",
    .examples = examples,
    .details = "It only looks: nothing is changed, created or called.  Exit "
	       "code 0 when nothing fails, 78 for the configuration, else 1.",
    .run = run,
};
