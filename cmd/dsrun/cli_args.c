#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli.h"

static const struct cli_option *
find_in(const struct cli_option *table, const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* The last one given, or NULL; that it is in a table is ours to know. */
static const struct cli_given *
last(const struct cli_args *args, const char *name)
{
	const struct cli_option *o = NULL;

	if (args->command != NULL)
		o = find_in(args->command->options, name);
	if (o == NULL)
		o = find_in(args->app->globals, name);
	CHECK(o != NULL);
	for (size_t i = args->given_count; i-- > 0;)
		if (args->given[i].option == o)
			return &args->given[i];
	return NULL;
}

bool
cli_flag(const struct cli_args *args, const char *name, bool otherwise)
{
	const struct cli_given *g = last(args, name);

	return g == NULL ? otherwise : !g->off;
}

bool
cli_given(const struct cli_args *args, const char *name)
{
	return last(args, name) != NULL;
}

const char *
cli_text(const struct cli_args *args, const char *name)
{
	const struct cli_given *g = last(args, name);

	return g == NULL ? NULL : g->value;
}

const char *
cli_text_at(const struct cli_args *args, const char *name, size_t n)
{
	const struct cli_given *g = last(args, name);

	for (size_t i = 0; g != NULL && i < args->given_count; i++)
		if (args->given[i].option == g->option && n-- == 0)
			return args->given[i].value;
	return NULL;
}

int64_t
cli_number(const struct cli_args *args, const char *name, int64_t otherwise)
{
	const struct cli_given *g = last(args, name);
	struct err err;
	int64_t n = otherwise;

	if (g != NULL)
		CHECK(text_i64(g->value, INT64_MIN, INT64_MAX, &n, &err) ==
		      ERR_NONE);
	return n;
}

int64_t
cli_duration_ms(
    const struct cli_args *args, const char *name, int64_t otherwise)
{
	const struct cli_given *g = last(args, name);
	struct err err;
	int64_t ms = otherwise;

	if (g != NULL)
		CHECK(text_duration_ms(g->value, &ms, &err) == ERR_NONE);
	return ms;
}

int64_t
cli_time_ms(const struct cli_args *args, const char *name, int64_t otherwise)
{
	const struct cli_given *g = last(args, name);
	struct err err;
	int64_t ms = otherwise;

	if (g != NULL)
		CHECK(text_rfc3339_ms(g->value, &ms, &err) == ERR_NONE);
	return ms;
}

const char *
cli_word(const struct cli_args *args, size_t n)
{
	return n < args->word_count ? args->words[n] : NULL;
}

void
cli_args_fini(struct cli_args *args)
{
	mem_free(&args->given);
	mem_free(&args->words);
	args->given_count = 0;
	args->word_count = 0;
}
