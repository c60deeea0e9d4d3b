#include "base/mem.h"

#include "commands.h"
#include "version.h"

/* Given by the build: -DDSRUN_VERSION='"1.2.0"' -DDSRUN_COMMIT='"abc1234"'. */
#ifndef DSRUN_VERSION
#define DSRUN_VERSION "0.1.0"
#endif
#ifndef DSRUN_COMMIT
#define DSRUN_COMMIT ""
#endif

static const char *
compiler(void)
{
	return __VERSION__;
}

/* What it is made of; each library is asked by the package that owns it. */
static const struct {
	const char *name;
	const char *(*version)(void);
} parts[] = {
    {"compiler", compiler},
};

enum err_code
version_show(struct ctx *ctx)
{
	struct ctx_document d;

	if (!ctx->json) {
		ctx_print(ctx, "dsrun %s%s%s\n", DSRUN_VERSION,
		    DSRUN_COMMIT[0] != '\0' ? " " : "", DSRUN_COMMIT);
		for (size_t i = 0; ctx->verbose && i < ARRAY_LEN(parts); i++)
			ctx_print(
			    ctx, "%s %s\n", parts[i].name, parts[i].version());
		return ERR_NONE;
	}
	ctx_json_begin(ctx, &d);
	json_field_str(&d.w, "version", DSRUN_VERSION);
	json_field_str(
	    &d.w, "commit", DSRUN_COMMIT[0] != '\0' ? DSRUN_COMMIT : NULL);
	json_write_key(&d.w, "parts");
	json_write_object(&d.w);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		json_field_str(&d.w, parts[i].name, parts[i].version());
	json_write_end(&d.w);
	ctx_json_end(ctx, &d);
	return ERR_NONE;
}

static enum err_code
run(struct ctx *ctx, struct err *err)
{
	(void)err;
	return version_show(ctx);
}

static const struct cli_example examples[] = {
    {"dsrun version", "one line"},
    {"dsrun version -v", "and what it was built with"},
    {NULL, NULL},
};

const struct command cmd_version = {
    .name = "version",
    .group = GROUP_BOX,
    .summary = "print the version",
    .examples = examples,
    .run = run,
};
