#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "app.h"
#include "words/adopt.h"
#include "words/backup.h"
#include "words/cancel.h"
#include "words/check.h"
#include "words/clock.h"
#include "words/dnc.h"
#include "words/doctor.h"
#include "words/drain.h"
#include "words/enqueue.h"
#include "words/incarnation.h"
#include "words/init.h"
#include "words/jobs.h"
#include "words/outbox.h"
#include "words/parked.h"
#include "words/pause.h"
#include "words/prune.h"
#include "words/replay.h"
#include "words/resolve.h"
#include "words/restore.h"
#include "words/resume.h"
#include "words/retry.h"
#include "words/seed.h"
#include "words/show.h"
#include "words/sql.h"
#include "words/status.h"
#include "words/stop.h"
#include "words/sync.h"
#include "words/why.h"
#include "words/worker.h"

/* What each command says about itself, whether it is listed or not. */
static const struct command all[] = {
    {ADOPT_WORDS},
    {BACKUP_WORDS},
    {CANCEL_WORDS},
    {CHECK_WORDS},
    {CLOCK_WORDS},
    {DNC_WORDS},
    {DOCTOR_WORDS},
    {DRAIN_WORDS},
    {ENQUEUE_WORDS},
    {INCARNATION_WORDS},
    {INIT_WORDS},
    {JOBS_WORDS},
    {OUTBOX_WORDS},
    {PARKED_WORDS},
    {PAUSE_WORDS},
    {PRUNE_WORDS},
    {REPLAY_WORDS},
    {RESOLVE_WORDS},
    {RESTORE_WORDS},
    {RESUME_WORDS},
    {RETRY_WORDS},
    {SEED_WORDS},
    {SHOW_WORDS},
    {SQL_WORDS},
    {STATUS_WORDS},
    {STOP_WORDS},
    {SYNC_WORDS},
    {WHY_WORDS},
    {WORKER_WORDS},
};

static bool
printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static void
words(const char *text)
{
	assert_non_null(text);
	assert_true(*text != '\0');
	assert_true(printable(text));
	assert_true(text[strlen(text) - 1] != ' ');
}

static void
every_command_explains_itself_by_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct command *c = &all[i];

		words(c->name);
		words(c->group);
		words(c->summary);
		assert_true(strlen(c->summary) <= 70);
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		assert_non_null(c->examples[0].line);
		for (size_t e = 0; c->examples[e].line != NULL; e++) {
			words(c->examples[e].line);
			words(c->examples[e].what);
			assert_non_null(strstr(c->examples[e].line, c->name));
		}
	}
}

static bool
takes_letter(const struct cli_option *o, char letter)
{
	for (; o->name != NULL; o++)
		if (o->letter == letter)
			return true;
	return false;
}

static bool
takes(const struct cli_option *o, const char *name)
{
	for (; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return false;
}

static void
every_option_has_help_a_value_and_a_name_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (const struct cli_option *o = all[i].options;
		     o != NULL && o->name != NULL; o++) {
			words(o->name);
			words(o->help);
			assert_int_equal(o->type == CLI_FLAG, o->value == NULL);
			assert_true(strlen(o->name) + 4 < CLI_NAME_MAX);
			assert_false(takes(app_globals, o->name));
			assert_false(takes(o + 1, o->name));
			if (o->letter == 0)
				continue;
			assert_false(takes_letter(app_globals, o->letter));
			assert_false(takes_letter(o + 1, o->letter));
		}
}

static void
arguments_that_may_be_absent_stand_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (const struct cli_argument *a = all[i].arguments;
		     a != NULL && a->name != NULL; a++) {
			words(a->name);
			words(a->help);
			if (a[1].name == NULL)
				continue;
			assert_false(a->repeated);
			assert_true(!a->optional || a[1].optional);
		}
}

/* Split at blanks outside of quotes, which go; up to a pipe. */
static int
split(char *line, char **argv, int max)
{
	int argc = 0;
	char *to = line;

	while (*line != '\0' && *line != '|' && *line != '<') {
		char quote = '\0';

		assert_true(argc < max);
		argv[argc++] = to;
		for (; *line != '\0' && (quote != '\0' || *line != ' ');
		     line++) {
			if (quote == '\0' && (*line == '\'' || *line == '"'))
				quote = *line;
			else if (*line == quote)
				quote = '\0';
			else
				*to++ = *line;
		}
		line += strspn(line, " ");
		*to++ = '\0';
	}
	return argc;
}

static void
every_example_is_a_command_line_that_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct command *const commands[] = {&all[i], NULL};
		const struct cli_app app = {commands, app_globals};

		for (size_t e = 0; all[i].examples[e].line != NULL; e++) {
			const char *start =
			    strstr(all[i].examples[e].line, "dsrun ");
			struct cli_problem problem;
			struct cli_args args;
			struct err err;
			char *argv[32];

			assert_non_null(start);
			char *line = mem_strdup(start);

			if (cli_parse(&app, split(line, argv, 32), argv, &args,
				&problem, &err) != ERR_NONE)
				fail_msg("%s: %s", start, err.text);
			assert_ptr_equal(args.command, &all[i]);
			cli_args_fini(&args);
			mem_free(&line);
		}
	}
}

static void
names_of_the_specification_are_known(void **state)
{
	static const char *const names[][2] = {{"start-worker", "worker"},
	    {"seed-queue", "seed"}, {"check-status", "status"},
	    {"stop-worker", "stop"}};
	const struct command *commands[ARRAY_LEN(all) + 1] = {NULL};
	const struct cli_app app = {commands, app_globals};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		commands[i] = &all[i];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct command *c = cli_find(&app, names[i][0]);

		assert_non_null(c);
		assert_string_equal(c->name, names[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_command_explains_itself_by_examples),
	    cmocka_unit_test(
		every_option_has_help_a_value_and_a_name_of_its_own),
	    cmocka_unit_test(arguments_that_may_be_absent_stand_last),
	    cmocka_unit_test(every_example_is_a_command_line_that_is_accepted),
	    cmocka_unit_test(names_of_the_specification_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
