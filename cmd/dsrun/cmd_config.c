#include <string.h>

#include "base/mem.h"

#include "commands.h"
#include "ctx.h"
#include "report.h"
#include "table.h"

static const char *
origin_name(enum conf_origin origin)
{
	static const char *const names[] = {[CONF_DEFAULT] = "default",
	    [CONF_FILE] = "file",
	    [CONF_DOTENV] = ".env",
	    [CONF_ENV] = "environment",
	    [CONF_FLAG] = "flag"};

	return names[origin];
}

static void
show_json(struct ctx *ctx, const struct conf *conf, bool settings)
{
	struct ctx_document d;

	ctx_json_begin(ctx, &d);
	json_field_bool(&d.w, "ok", ctx->problem_count == 0);
	json_field_str(&d.w, "file", conf->path);
	json_field_str(&d.w, "dir", conf->dir);
	json_write_key(&d.w, "kinds");
	json_write_array(&d.w);
	for (size_t i = 0; i < conf->kind_count; i++)
		json_write_str(&d.w, conf->kinds[i].name);
	json_write_end(&d.w);
	if (settings) {
		json_write_key(&d.w, "settings");
		json_write_array(&d.w);
	}
	for (size_t i = 0; settings && i < conf->setting_count; i++) {
		json_write_object(&d.w);
		json_field_str(&d.w, "key", conf->settings[i].key);
		json_field_str(&d.w, "value", conf->settings[i].text);
		json_field_str(
		    &d.w, "origin", origin_name(conf->settings[i].origin));
		json_field_str(&d.w, "where", conf->settings[i].where);
		json_write_end(&d.w);
	}
	if (settings)
		json_write_end(&d.w);
	report_problems_json(&d.w, ctx);
	ctx_json_end(ctx, &d);
}

static void
show_table(struct ctx *ctx, const struct conf *conf)
{
	static const struct table_column columns[] = {
	    {.head = "KEY"},
	    {.head = "VALUE", .shrinks = true},
	    {.head = "FROM", .shrinks = true},
	    {.head = NULL},
	};
	struct table *t = table_new(columns);

	for (size_t i = 0; i < conf->setting_count; i++) {
		const struct conf_setting *s = &conf->settings[i];
		bool is_default = s->origin == CONF_DEFAULT;

		table_cell(t, s->key);
		table_cell(t, s->text);
		table_paint(t, is_default ? TERM_DIM : TERM_PLAIN,
		    s->where != NULL && s->where[0] != '\0'
			? s->where
			: origin_name(s->origin));
	}
	table_print(t, &ctx->term);
	table_free(&t);
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	const struct conf *conf = NULL;
	bool check = cli_word(&ctx->args, 0) != NULL;
	enum err_code code = ctx_conf_quiet(ctx, &conf, err);

	if (code != ERR_NONE)
		return code;
	if (ctx->json)
		show_json(ctx, conf, !check);
	else if (!check)
		show_table(ctx, conf);
	if (ctx->problem_count > 0)
		return ctx_conf(ctx, &conf, err);
	if (check && !ctx->json)
		ctx_say(ctx, "%s: no problems, %zu kind%s of job",
		    conf->path != NULL ? conf->path
				       : "no configuration file, defaults",
		    conf->kind_count, conf->kind_count == 1 ? "" : "s");
	return ERR_NONE;
}

static const char *const checks[] = {"check", NULL};

static const struct cli_example examples[] = {
    {"dsrun config", "every setting, its value and where it came from"},
    {"dsrun config check", "read all files, list every problem"},
    {"dsrun config --set limits.concurrency=5", "what a flag would do"},
    {NULL, NULL},
};

static const struct cli_argument arguments[] = {
    {.name = "check",
	.help = "print problems only",
	.optional = true,
	.choices = checks},
    {.name = NULL},
};

const struct command cmd_config = {
    .name = "config",
    .group = GROUP_BOX,
    .summary = "print the settings in force and where each came from",
    .examples = examples,
    .details =
	"Flags come before the environment, that before .env, that before "
	"dsrun.yaml, that before the defaults.  Secrets are shown as ***.  "
	"With any problem the exit code is 78.",
    .arguments = arguments,
    .run = run,
};
