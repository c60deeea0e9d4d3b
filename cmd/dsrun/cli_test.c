#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const char *const colours[] = {"red", "green", NULL};
static const char *const old_names[] = {"oldshow", NULL};

static const struct cli_option globals[] = {
    {.name = "dir", .type = CLI_DIR, .value = "DIR", .help = "x"},
    {.name = "json", .type = CLI_FLAG, .help = "x"},
    {.name = "color", .type = CLI_FLAG, .flags = CLI_NEGATABLE, .help = "x"},
    {.name = "verbose", .letter = 'v', .type = CLI_FLAG, .help = "x"},
    {.name = "help", .letter = 'h', .type = CLI_FLAG, .help = "x"},
    {.name = "version", .type = CLI_FLAG, .help = "x"},
    {.name = NULL},
};

static const struct cli_option options[] = {
    {.name = "count",
	.letter = 'c',
	.type = CLI_NUMBER,
	.value = "N",
	.help = "x",
	.min = 1,
	.max = 10},
    {.name = "for", .type = CLI_DURATION, .value = "D", .help = "x"},
    {.name = "at", .type = CLI_TIME, .value = "TIME", .help = "x"},
    {.name = "map",
	.type = CLI_TEXT,
	.flags = CLI_REPEATED,
	.value = "A=B",
	.help = "x"},
    {.name = "paint",
	.type = CLI_TEXT,
	.value = "COLOUR",
	.help = "x",
	.choices = colours},
    {.name = "by",
	.type = CLI_TEXT,
	.flags = CLI_REQUIRED,
	.value = "NAME",
	.help = "x"},
    {.name = NULL},
};

static const struct cli_argument show_arguments[] = {
    {.name = "JOB", .help = "x"},
    {.name = "MORE", .help = "x", .optional = true, .repeated = true},
    {.name = NULL},
};

static const struct cli_example examples[] = {{"dsrun show 1", "x"}, {0}};

static const struct command show = {.name = "show",
    .aliases = old_names,
    .examples = examples,
    .options = options,
    .arguments = show_arguments};
static const struct command plain = {.name = "plain", .examples = examples};
static const struct command *const commands[] = {&show, &plain, NULL};
static const struct cli_app app = {.commands = commands, .globals = globals};

/* Words that were read are borrowed from line, so it lives here too. */
struct parsed {
	char line[200];
	struct cli_args args;
	struct cli_problem problem;
	struct err err;
	enum err_code code;
};

/* The words of line, split at blanks. */
static void
parse(struct parsed *p, const char *line)
{
	char name[] = "dsrun";
	char *argv[32] = {name};
	int argc = 1;

	assert_true(strlen(line) < sizeof(p->line));
	memset(p, 0, sizeof(*p));
	strcpy(p->line, line);
	for (char *w = strtok(p->line, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	p->code = cli_parse(&app, argc, argv, &p->args, &p->problem, &p->err);
}

static void
done(struct parsed *p)
{
	cli_args_fini(&p->args);
}

#define OK(p, line)                                              \
	do {                                                     \
		parse(p, line);                                  \
		if ((p)->code != ERR_NONE)                       \
			fail_msg("%s: %s", line, (p)->err.text); \
	} while (0)

static void
refused(const char *line, enum cli_fault fault, const char *text,
    const char *nearest)
{
	struct parsed p;

	parse(&p, line);
	assert_int_equal(p.code, ERR_USAGE);
	assert_int_equal(p.err.code, ERR_USAGE);
	assert_int_equal(p.problem.fault, fault);
	if (strstr(p.err.text, text) == NULL)
		fail_msg("%s: \"%s\" lacks \"%s\"", line, p.err.text, text);
	assert_string_equal(p.problem.nearest, nearest);
	done(&p);
}

static void
values_come_behind_a_blank_an_equals_sign_or_a_letter(void **state)
{
	static const char *const lines[] = {"show 1 --by a --count 7",
	    "show 1 --by=a --count=7", "show 1 --by a -c 7",
	    "show 1 --by a -c7", "show --count 7 1 --by a",
	    "show --by a -vc7 1"};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		OK(&p, lines[i]);
		assert_ptr_equal(p.args.command, &show);
		assert_int_equal(cli_number(&p.args, "count", 0), 7);
		assert_string_equal(cli_text(&p.args, "by"), "a");
		assert_string_equal(cli_word(&p.args, 0), "1");
		assert_null(cli_word(&p.args, 1));
		done(&p);
	}
}

static void
what_was_not_given_is_what_the_caller_says(void **state)
{
	struct parsed p;

	(void)state;
	OK(&p, "plain");
	assert_true(cli_flag(&p.args, "json", true));
	assert_false(cli_flag(&p.args, "json", false));
	assert_false(cli_given(&p.args, "dir"));
	assert_null(cli_text(&p.args, "dir"));
	done(&p);
	OK(&p, "show 1 --by a");
	assert_int_equal(cli_number(&p.args, "count", 42), 42);
	assert_int_equal(cli_duration_ms(&p.args, "for", -1), -1);
	assert_int_equal(cli_time_ms(&p.args, "at", -1), -1);
	assert_null(cli_text_at(&p.args, "map", 0));
	done(&p);
}

static void
values_are_read_by_their_type(void **state)
{
	struct parsed p;

	(void)state;
	OK(&p, "show 1 --by a --for 90s --at 1970-01-01T00:00:01Z");
	assert_int_equal(cli_duration_ms(&p.args, "for", 0), 90000);
	assert_int_equal(cli_time_ms(&p.args, "at", 0), 1000);
	done(&p);
	refused("show 1 --by a --for 90", CLI_FAULT_VALUE, "--for: ", "");
	refused("show 1 --by a --at monday", CLI_FAULT_VALUE, "--at: ", "");
	refused("show 1 --by a --count x", CLI_FAULT_VALUE, "--count: ", "");
	refused("show 1 --by a --count 0", CLI_FAULT_VALUE, "from 1 to 10", "");
	refused(
	    "show 1 --by a --count 11", CLI_FAULT_VALUE, "from 1 to 10", "");
	refused("show 1 --by=", CLI_FAULT_VALUE, "empty", "");
	refused("show 1 --by a --paint gren", CLI_FAULT_VALUE,
	    "expected red or green", "green");
}

static void
the_last_of_several_wins_but_repeated_ones_are_kept(void **state)
{
	struct parsed p;

	(void)state;
	OK(&p, "show 1 --by a --by b --map x=1 --map y=2");
	assert_string_equal(cli_text(&p.args, "by"), "b");
	assert_string_equal(cli_text_at(&p.args, "map", 0), "x=1");
	assert_string_equal(cli_text_at(&p.args, "map", 1), "y=2");
	assert_null(cli_text_at(&p.args, "map", 2));
	done(&p);
}

static void
a_negatable_flag_can_be_taken_back_and_others_cannot(void **state)
{
	struct parsed p;

	(void)state;
	OK(&p, "plain --no-color");
	assert_true(cli_given(&p.args, "color"));
	assert_false(cli_flag(&p.args, "color", true));
	done(&p);
	OK(&p, "plain --no-color --color");
	assert_true(cli_flag(&p.args, "color", false));
	done(&p);
	refused("plain --no-json", CLI_FAULT_UNKNOWN_OPTION,
	    "unknown option --no-json", "--json");
}

static void
global_options_may_stand_before_the_command_and_its_own_not(void **state)
{
	struct parsed p;

	(void)state;
	OK(&p, "--dir d -v plain");
	assert_string_equal(cli_text(&p.args, "dir"), "d");
	assert_true(cli_flag(&p.args, "verbose", false));
	done(&p);
	refused("--count 7 show 1", CLI_FAULT_UNKNOWN_OPTION,
	    "unknown option --count", "");
	refused("plain --count 7", CLI_FAULT_UNKNOWN_OPTION,
	    "unknown option --count", "");
}

static void
a_forgotten_value_is_found(void **state)
{
	struct parsed p;

	(void)state;
	refused("show 1 --by --json", CLI_FAULT_MISSING, "--by NAME", "");
	refused("show 1 --by", CLI_FAULT_MISSING, "--by needs a value", "");
	OK(&p, "show 1 --by=--json");
	assert_string_equal(cli_text(&p.args, "by"), "--json");
	assert_false(cli_flag(&p.args, "json", false));
	done(&p);
	refused("plain --json=1", CLI_FAULT_VALUE, "takes no value", "");
	parse(&p, "show 1 --by");
	assert_string_equal(p.problem.missing, "--by");
	done(&p);
}

static void
what_was_mistyped_is_suggested(void **state)
{
	(void)state;
	refused("shwo 1", CLI_FAULT_UNKNOWN_COMMAND, "\"shwo\"", "show");
	refused("oldshw 1", CLI_FAULT_UNKNOWN_COMMAND, "\"oldshw\"", "oldshow");
	refused("zzzzzz", CLI_FAULT_UNKNOWN_COMMAND, "\"zzzzzz\"", "");
	refused("plain --jsno", CLI_FAULT_UNKNOWN_OPTION, "--jsno", "--json");
	refused("plain --no-colr", CLI_FAULT_UNKNOWN_OPTION, "--no-colr",
	    "--no-color");
	refused(
	    "show --coutn=3", CLI_FAULT_UNKNOWN_OPTION, "--coutn", "--count");
	refused("plain -x", CLI_FAULT_UNKNOWN_OPTION, "-x", "");
}

static void
arguments_are_counted(void **state)
{
	struct parsed p;

	(void)state;
	refused("show --by a", CLI_FAULT_MISSING, "JOB is missing", "");
	refused("show 1", CLI_FAULT_MISSING, "--by NAME is missing", "");
	refused("plain 1", CLI_FAULT_VALUE, "one word too many: \"1\"", "");
	OK(&p, "show 1 2 3 --by a");
	assert_string_equal(cli_word(&p.args, 2), "3");
	done(&p);
	refused("", CLI_FAULT_NO_COMMAND, "no command", "");
}

static void
two_dashes_end_the_options_and_one_is_an_argument(void **state)
{
	struct parsed p;

	(void)state;
	OK(&p, "show --by a -- --json -");
	assert_string_equal(cli_word(&p.args, 0), "--json");
	assert_string_equal(cli_word(&p.args, 1), "-");
	assert_false(cli_flag(&p.args, "json", false));
	done(&p);
	OK(&p, "show - --by a");
	assert_string_equal(cli_word(&p.args, 0), "-");
	done(&p);
}

static void
help_and_version_require_nothing(void **state)
{
	static const char *const lines[] = {
	    "show --help", "show -h", "--version", "--help"};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		OK(&p, lines[i]);
		done(&p);
	}
}

static void
an_alias_is_the_command(void **state)
{
	(void)state;
	assert_ptr_equal(cli_find(&app, "oldshow"), &show);
	assert_ptr_equal(cli_find(&app, "plain"), &plain);
	assert_null(cli_find(&app, "sho"));
}

static void
a_wish_behind_two_dashes_is_none(void **state)
{
	char name[] = "dsrun", json[] = "--json", dashes[] = "--";
	char *with[] = {name, json, dashes};
	char *without[] = {name, dashes, json};

	(void)state;
	assert_true(cli_wants(3, with, "--json"));
	assert_false(cli_wants(3, without, "--json"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		values_come_behind_a_blank_an_equals_sign_or_a_letter),
	    cmocka_unit_test(what_was_not_given_is_what_the_caller_says),
	    cmocka_unit_test(values_are_read_by_their_type),
	    cmocka_unit_test(
		the_last_of_several_wins_but_repeated_ones_are_kept),
	    cmocka_unit_test(
		a_negatable_flag_can_be_taken_back_and_others_cannot),
	    cmocka_unit_test(
		global_options_may_stand_before_the_command_and_its_own_not),
	    cmocka_unit_test(a_forgotten_value_is_found),
	    cmocka_unit_test(what_was_mistyped_is_suggested),
	    cmocka_unit_test(arguments_are_counted),
	    cmocka_unit_test(two_dashes_end_the_options_and_one_is_an_argument),
	    cmocka_unit_test(help_and_version_require_nothing),
	    cmocka_unit_test(an_alias_is_the_command),
	    cmocka_unit_test(a_wish_behind_two_dashes_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
