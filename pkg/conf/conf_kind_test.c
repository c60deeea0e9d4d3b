#include "conf/conf.h"
#include "conf/conf_test.h"

#define HEAD "kind: t\nfrom: \"+15125550100\"\n"

/* What jobs/t.yaml says, behind two lines that are right. */
static void
expect(const char *rest, const char *want)
{
	struct conf_test t;
	char *text = mem_printf(HEAD "%s", rest);

	conf_test_begin(&t);
	conf_test_write(&t, "jobs/t.yaml", text);
	conf_test_expect(&t, want);
	conf_test_end(&t);
	mem_free(&text);
}

static const struct conf_kind *
loaded(struct conf_test *t, const char *rest)
{
	char *text = mem_printf(HEAD "%s", rest);

	conf_test_begin(t);
	conf_test_write(t, "jobs/t.yaml", text);
	conf_test_expect(t, "");
	mem_free(&text);
	return conf_kind_find(t->c, "t");
}

static void
a_short_kind_gets_careful_defaults(void **state)
{
	struct conf_test t;
	const struct conf_kind *k = loaded(&t, "");

	(void)state;
	assert_string_equal(k->name, "t");
	assert_string_equal(k->path, "jobs/t.yaml");
	assert_null(k->carrier);
	assert_string_equal(k->model, "scripted");
	assert_string_equal(k->from, "+15125550100");
	assert_int_equal(k->concurrency, 0);
	assert_int_equal(k->max_call_ms, 300000);
	assert_int_equal(k->ring_ms, 30000);
	assert_int_equal(k->per_number_per_day, 3);
	assert_int_equal(k->min_gap_ms, 900000);
	assert_int_equal(k->max_attempts, 3);
	for (int o = 0; o < JOB_OUTCOME_COUNT; o++)
		assert_false(k->retry[o].again);
	assert_string_equal(k->windows.zone, "contact");
	for (int d = 0; d < 7; d++) {
		assert_int_equal(k->windows.day[d].count, 1);
		assert_int_equal(k->windows.day[d].spans[0].start, 8 * 60);
		assert_int_equal(k->windows.day[d].spans[0].end, 21 * 60);
	}
	assert_false(k->windows.holidays_set);
	assert_null(k->script.greeting);
	conf_test_end(&t);
}

static void
a_full_kind_is_read_whole(void **state)
{
	struct conf_test t;
	const struct conf_kind *k = loaded(&t,
	    "carrier: sim\n"
	    "model: scripted\n"
	    "limits: {concurrency: 10, max_call: 4m, ring: 20s,\n"
	    "  per_number_per_day: 0, min_gap: 2h}\n"
	    "windows: {zone: America/New_York, mon-thu: \"08:00-12:00, "
	    "13:00-24:00\",\n"
	    "  fri: always, sun: none, holidays: \"10:00-11:00\"}\n"
	    "retry:\n"
	    "  max_attempts: 5\n"
	    "  no-answer: {after: 30m, factor: 2, max: 4h, jitter: full}\n"
	    "  busy: {after: 10m}\n"
	    "  voicemail: none\n"
	    "agent: {name: Sarah, company: DocShield}\n"
	    "script:\n"
	    "  greeting: Hello from {{agent.name}}\n"
	    "  objections: [{when: no, say: \"Bye {{contact.name}}\"}]\n"
	    "  goal: talk\n");
	const struct job_rung *rung = &k->retry[JOB_OUTCOME_NO_ANSWER];

	(void)state;
	assert_string_equal(k->carrier, "sim");
	assert_int_equal(k->concurrency, 10);
	assert_int_equal(k->max_call_ms, 240000);
	assert_int_equal(k->ring_ms, 20000);
	assert_int_equal(k->per_number_per_day, 0);
	assert_int_equal(k->min_gap_ms, 7200000);
	assert_string_equal(k->windows.zone, "America/New_York");
	assert_int_equal(k->windows.day[3].count, 2);
	assert_int_equal(k->windows.day[3].spans[1].start, 13 * 60);
	assert_int_equal(k->windows.day[3].spans[1].end, 1440);
	assert_int_equal(k->windows.day[4].spans[0].start, 0);
	assert_int_equal(k->windows.day[4].spans[0].end, 1440);
	assert_int_equal(k->windows.day[5].count, 0);
	assert_int_equal(k->windows.day[6].count, 0);
	assert_true(k->windows.holidays_set);
	assert_int_equal(k->windows.holiday.count, 1);
	assert_int_equal(k->max_attempts, 5);
	assert_true(rung->again && rung->full_jitter && rung->factor == 2);
	assert_int_equal(rung->after_ms, 1800000);
	assert_int_equal(rung->max_ms, 14400000);
	rung = &k->retry[JOB_OUTCOME_BUSY];
	assert_true(rung->again && !rung->full_jitter && rung->factor == 1);
	assert_int_equal(rung->max_ms, 0);
	assert_false(k->retry[JOB_OUTCOME_VOICEMAIL].again);
	assert_string_equal(k->agent_name, "Sarah");
	assert_string_equal(k->agent_company, "DocShield");
	assert_string_equal(k->script.greeting, "Hello from {{agent.name}}");
	assert_int_equal(k->script.objection_count, 1);
	assert_string_equal(k->script.objections[0].when, "no");
	assert_string_equal(k->script.goal, "talk");
	assert_null(k->script.voicemail);
	conf_test_end(&t);
}

static void
head_and_limits_are_checked(void **state)
{
	(void)state;
	expect("carrier: twilio\nmodel: realtime\nlimit: {}\n",
	    "jobs/t.yaml:3: carrier: expected sim, got \"twilio\"\n"
	    "jobs/t.yaml:4: model: expected scripted, got "
	    "\"realtime\"\n"
	    "jobs/t.yaml:5: limit: unknown key; did you mean limits?\n");
	expect("limits:\n"
	       "  concurrency: -1\n"
	       "  max_call: 5h\n"
	       "  ring: 4s\n"
	       "  per_number_per_day: many\n"
	       "  min_gap: 31d\n"
	       "  max_cal: 1m\n",
	    "jobs/t.yaml:4: limits.concurrency: expected a number from 0 to "
	    "10000, got \"-1\"\n"
	    "jobs/t.yaml:5: limits.max_call: expected a duration from 10s to "
	    "4h, got 5h\n"
	    "jobs/t.yaml:6: limits.ring: expected a duration from 5s to 2m, "
	    "got 4s\n"
	    "jobs/t.yaml:7: limits.per_number_per_day: expected a whole "
	    "number, got \"many\"\n"
	    "jobs/t.yaml:8: limits.min_gap: expected a duration from 0s to "
	    "30d, got 31d\n"
	    "jobs/t.yaml:9: limits.max_cal: unknown key; did you mean "
	    "max_call?\n");
	expect("limits: {ring: 1m, max_call: 1m}\n",
	    "jobs/t.yaml:3: limits: ring must be shorter than max_call, which "
	    "counts it\n");
	expect("limits: none\n",
	    "jobs/t.yaml:3: limits: expected a section of keys, got a text\n");
}

static void
name_and_number_must_be_given_and_right(void **state)
{
	static const struct {
		const char *from;
		bool good;
	} rows[] = {{"+15125550100", true}, {"+1512555", true},
	    {"+151255", false}, {"+123456789012345", true},
	    {"+1234567890123456", false}, {"15125550100", false},
	    {"+05125550100", false}, {"+1512555010x", false}, {"+", false}};
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "jobs/t.yaml", "kind: u\n");
	conf_test_expect(&t,
	    "jobs/t.yaml:1: kind: expected t, as the file is named, got "
	    "\"u\"\n"
	    "jobs/t.yaml:1: from: missing: it must be given\n");
	conf_test_write(&t, "jobs/t.yaml", "from: \"512 555 0100\"\n");
	conf_test_expect(&t,
	    "jobs/t.yaml:1: kind: missing: it must be given\n"
	    "jobs/t.yaml:1: from: expected a number as E.164, + and 7 to 15 "
	    "digits, such as \"+15125550100\", got \"512 555 0100\"\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text =
		    mem_printf("kind: t\nfrom: \"%s\"\n", rows[i].from);

		conf_test_write(&t, "jobs/t.yaml", text);
		assert_int_equal(
		    conf_test_load(&t), rows[i].good ? ERR_NONE : ERR_CONFIG);
		mem_free(&text);
	}
	conf_test_end(&t);
}

static void
windows_are_checked(void **state)
{
	static const char hours[] =
	    "expected hours such as \"08:00-21:00\" or \"08:00-12:00, "
	    "13:00-17:00\", always or none";
	static const struct {
		const char *mon;
		const char *want;
	} rows[] = {
	    {"8-9", NULL},
	    {"08:00 - 09:00", NULL},
	    {"08:00-09:00 10:00-11:00", NULL},
	    {"08:00-09:00,", NULL},
	    {"nine", NULL},
	    {"08:00-25:00", "expected times of day from 00:00 to 24:00"},
	    {"08:60-09:00", "expected times of day from 00:00 to 24:00"},
	    {"24:01-24:02", "expected times of day from 00:00 to 24:00"},
	    {"22:00-06:00",
		"a span must end after it begins; what lies after midnight "
		"belongs to the next day"},
	    {"08:00-08:00",
		"a span must end after it begins; what lies after midnight "
		"belongs to the next day"},
	    {"08:00-12:00,11:59-13:00",
		"expected spans in order that do not overlap"},
	    {"01:00-02:00,03:00-04:00,05:00-06:00,07:00-08:00,09:00-10:00",
		"expected at most 4 spans a day"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *rest =
		    mem_printf("windows:\n  mon: \"%s\"\n", rows[i].mon);
		char *want = mem_printf(
		    "jobs/t.yaml:4: windows.mon: %s, got \"%.60s\"\n",
		    rows[i].want != NULL ? rows[i].want : hours, rows[i].mon);

		expect(rest, want);
		mem_free(&rest);
		mem_free(&want);
	}
}

static void
days_are_named_once(void **state)
{
	(void)state;
	expect("windows:\n  mon-fri: always\n  wed: none\n",
	    "jobs/t.yaml:5: windows.wed: wed is given twice, first by mon-fri "
	    "in line 4\n");
	expect(
	    "windows:\n  mon-fry: always\n  fri-mon: none\n  mon-mon: none\n",
	    "jobs/t.yaml:4: windows.mon-fry: unknown key; expected zone, "
	    "holidays, mon to sun, or a range such as mon-fri; did you mean "
	    "mon-fri?\n"
	    "jobs/t.yaml:5: windows.fri-mon: unknown key; expected zone, "
	    "holidays, mon to sun, or a range such as mon-fri\n"
	    "jobs/t.yaml:6: windows.mon-mon: unknown key; expected zone, "
	    "holidays, mon to sun, or a range such as mon-fri; did you mean "
	    "mon-sun?\n");
	expect("windows: {zone: contact, holidays: always}\n",
	    "jobs/t.yaml:3: windows: no hours on any day: nobody would ever "
	    "be called; a day that is not named is none\n");
}

static void
a_zone_must_be_in_tzdata(void **state)
{
	static const char *const bad[] = {"Europe/Berlim", "../etc/passwd",
	    "/etc/localtime", "tzdata.zi", "Europe", "local"};
	struct conf_test t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *rest = mem_printf(
		    "windows: {mon: always, zone: \"%s\"}\n", bad[i]);
		char *want = mem_printf(
		    "jobs/t.yaml:3: windows.zone: expected contact or a tzdata "
		    "name such as America/New_York (a file below "
		    "/usr/share/zoneinfo/), got \"%s\"\n",
		    bad[i]);

		expect(rest, want);
		mem_free(&rest);
		mem_free(&want);
	}
	assert_string_equal(
	    loaded(&t, "windows: {mon: always, zone: Etc/GMT+8}\n")
		->windows.zone,
	    "Etc/GMT+8");
	conf_test_end(&t);
}

static void
ladders_are_checked(void **state)
{
	(void)state;
	expect("retry:\n"
	       "  max_attempts: 21\n"
	       "  no-anwser: {after: 1m}\n"
	       "  busy: later\n"
	       "  failed: {factor: 2}\n"
	       "  network: {after: 1m, factor: 0.5, max: 30s, jitter: some}\n"
	       "  completed: {after: 1d}\n"
	       "  hangup: [1]\n"
	       "  none: none\n",
	    "jobs/t.yaml:4: retry.max_attempts: expected a number from 1 to "
	    "20, got \"21\"\n"
	    "jobs/t.yaml:5: retry.no-anwser: unknown key; did you mean "
	    "no-answer?\n"
	    "jobs/t.yaml:6: retry.busy: expected none or {after: 30m, factor: "
	    "2, max: 4h, jitter: full}, got \"later\"\n"
	    "jobs/t.yaml:7: retry.failed.after: missing: it must be given\n"
	    "jobs/t.yaml:8: retry.network.factor: expected a number from 1 to "
	    "10, got \"0.5\"\n"
	    "jobs/t.yaml:8: retry.network.max: expected at least the time of "
	    "after\n"
	    "jobs/t.yaml:8: retry.network.jitter: expected one of none, full, "
	    "got \"some\"; did you mean none?\n"
	    "jobs/t.yaml:9: retry.completed: expected none: who was talked to "
	    "is not called again by itself\n"
	    "jobs/t.yaml:10: retry.hangup: expected a section of keys, got a "
	    "list\n"
	    "jobs/t.yaml:11: retry.none: unknown key; remove it\n");
}

static void
scripts_are_checked_to_the_line(void **state)
{
	(void)state;
	expect("script:\n"
	       "  greting: hi\n"
	       "  greeting: \"Hi {{contact.first_name\"\n"
	       "  intro: |\n"
	       "    One line.\n"
	       "    Then {{contcat.name}}.\n"
	       "  goodbye: \"I was {{agent.name}} of {{agent.company|us}}\"\n"
	       "  objections:\n"
	       "    - {when: a}\n"
	       "    - {when: a, say: \"{{x}}\", then: b}\n"
	       "    - c\n",
	    "jobs/t.yaml:4: script.greting: unknown key; did you mean "
	    "greeting?\n"
	    "jobs/t.yaml:5: script.greeting: \"{{\" without \"}}\"\n"
	    "jobs/t.yaml:8: script.intro: {{contcat.name}}: expected "
	    "contact.NAME, data.NAME, agent.name or agent.company; did you "
	    "mean contact?\n"
	    "jobs/t.yaml:9: script.goodbye: agent.name or agent.company is "
	    "used here, but the section agent does not give it\n"
	    "jobs/t.yaml:11: script.objections[0].say: missing: it must be "
	    "given\n"
	    "jobs/t.yaml:12: script.objections[1].then: unknown key; did you "
	    "mean when?\n"
	    "jobs/t.yaml:12: script.objections[1].say: {{x}}: expected "
	    "contact.NAME, data.NAME, agent.name or agent.company\n"
	    "jobs/t.yaml:13: script.objections[2]: expected a section of "
	    "keys, got a text\n");
}

static void
a_long_script_is_refused(void **state)
{
	struct buf text = BUF_INIT(1 << 16);

	(void)state;
	buf_puts(&text, "script:\n  intro: ");
	for (int i = 0; i < 4001; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "\n  goal: \"");
	for (int i = 0; i < 65; i++)
		buf_printf(&text, "{{data.n%d}}", i);
	buf_puts(&text, "\"\n");
	expect(buf_text(&text),
	    "jobs/t.yaml:4: script.intro: expected at most 4000 bytes\n"
	    "jobs/t.yaml:5: script.goal: more than 64 different placeholders "
	    "in one script\n");
	buf_free(&text);
}

static void
file_names_are_checked_and_kinds_sorted(void **state)
{
	struct conf_test t;

	(void)state;
	conf_test_begin(&t);
	conf_test_write(&t, "jobs/b.yaml", "kind: b\nfrom: \"+15125550100\"\n");
	conf_test_write(&t, "jobs/a.yaml", "kind: a\nfrom: \"+15125550100\"\n");
	conf_test_write(&t, "jobs/.hidden.yaml", "x");
	conf_test_write(&t, "jobs/README.md", "x");
	conf_test_expect(&t, "");
	assert_int_equal(t.c->kind_count, 2);
	assert_string_equal(t.c->kinds[0].name, "a");
	assert_string_equal(t.c->kinds[1].name, "b");
	assert_null(conf_kind_find(t.c, "c"));

	conf_test_write(&t, "jobs/c.yml", "x");
	conf_test_write(&t, "jobs/D.yaml", "x");
	conf_test_write(&t, "jobs/e.old.yaml", "x");
	conf_test_write(&t, "jobs/f.yaml", "[");
	conf_test_expect(&t,
	    "jobs/D.yaml: expected a file name of at most 64 lower-case "
	    "letters, digits, - and _, such as intro-call.yaml\n"
	    "jobs/c.yml: expected a name that ends in .yaml: rename it\n"
	    "jobs/e.old.yaml: expected a file name of at most 64 lower-case "
	    "letters, digits, - and _, such as intro-call.yaml\n"
	    "jobs/f.yaml:1: not readable as YAML: did not find expected node "
	    "content while parsing a flow node\n");
	conf_test_end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_short_kind_gets_careful_defaults),
	    cmocka_unit_test(a_full_kind_is_read_whole),
	    cmocka_unit_test(head_and_limits_are_checked),
	    cmocka_unit_test(name_and_number_must_be_given_and_right),
	    cmocka_unit_test(windows_are_checked),
	    cmocka_unit_test(days_are_named_once),
	    cmocka_unit_test(a_zone_must_be_in_tzdata),
	    cmocka_unit_test(ladders_are_checked),
	    cmocka_unit_test(scripts_are_checked_to_the_line),
	    cmocka_unit_test(a_long_script_is_refused),
	    cmocka_unit_test(file_names_are_checked_and_kinds_sorted),
	};

	return cmocka_run_group_tests_name("conf_kind", tests, NULL, NULL);
}
