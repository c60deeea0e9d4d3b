#include "source/source_file.h"

#include "base/text.h"

#include "source/source_test.h"

#define LINE_BYTES 2000

static const char *const kinds[] = {"intro-call", "appointment-reminder", NULL};

/* A file, read to its end: every job is told to be SOURCE_ADDED. */
struct reading {
	struct world *w;
	struct source_file_options o;
	struct source_file *f;
	struct source_job *jobs[16];
	size_t count;
	const char *rejects;
};

static struct source_rules
rules_of(const char *default_kind)
{
	return (struct source_rules){SOURCE_FILE_NAME, kinds, default_kind};
}

static struct source_file_options
options_of(struct world *w)
{
	return (struct source_file_options){
	    .env = w->env,
	    .path = w->path,
	    .name = "jobs.jsonl",
	    .rejects_dir = w->rejects,
	    .line_bytes = LINE_BYTES,
	    .rules = rules_of("intro-call"),
	};
}

static void
read_bytes(struct world *w, struct reading *r, const char *bytes, size_t len)
{
	*r = (struct reading){.w = w, .o = options_of(w)};
	put_file(w, "jobs.jsonl", bytes, len);
	assert_int_equal(source_file_open(&r->o, &r->f, &w->err), ERR_NONE);
	assert_int_equal(source_batch(source_file_source(r->f), r->jobs,
			     ARRAY_LEN(r->jobs), &r->count, &w->err),
	    ERR_NONE);
}

static void
read_text(struct world *w, struct reading *r, const char *text)
{
	read_bytes(w, r, text, strlen(text));
}

/* Hand every job back, and put the rejects in place. */
static void
settle(struct reading *r, enum source_taken how)
{
	for (size_t i = 0; i < r->count; i++) {
		assert_int_equal(
		    source_file_taken(r->f, &r->jobs[i], how, &r->w->err),
		    ERR_NONE);
		assert_null(r->jobs[i]);
	}
	assert_int_equal(
	    source_file_finish(r->f, &r->rejects, &r->w->err), ERR_NONE);
}

static void
end(struct reading *r)
{
	source_file_free(&r->f);
	assert_null(r->f);
}

static void
a_full_line_becomes_a_job(void **state)
{
	struct world *w = *state;
	struct reading r;

	read_text(w, &r,
	    "{\"id\":\"a-1\",\"kind\":\"appointment-reminder\",\"phone\":"
	    "\"+1 (512) 555-0100\",\"campaignId\":\"c1\",\"org\":\"o1\","
	    "\"contact\":{\"last_name\":\"Low\",\"first_name\":\"Ann\"},"
	    "\"data\":{\"n\":1.50},\"step\":2,\"finalStep\":true,"
	    "\"priority\":-5,\"notBefore\":\"2026-01-05T09:00:00Z\","
	    "\"expiresAt\":\"2026-01-05T11:00:00+01:00\"}\n");
	assert_int_equal(r.count, 1);
	assert_string_equal(r.jobs[0]->source, "file");
	assert_string_equal(r.jobs[0]->id, "a-1");
	assert_string_equal(r.jobs[0]->kind, "appointment-reminder");
	assert_string_equal(r.jobs[0]->phone, "+15125550100");
	assert_int_equal(r.jobs[0]->number, INT64_C(15125550100));
	assert_string_equal(r.jobs[0]->campaign, "c1");
	assert_string_equal(r.jobs[0]->org, "o1");
	assert_string_equal(r.jobs[0]->contact,
	    "{\"first_name\":\"Ann\",\"last_name\":\"Low\"}");
	assert_string_equal(r.jobs[0]->data, "{\"n\":1.5}");
	assert_int_equal(r.jobs[0]->step, 2);
	assert_true(r.jobs[0]->final_step);
	assert_int_equal(r.jobs[0]->priority, -5);
	assert_int_equal(r.jobs[0]->not_before_ms, INT64_C(1767603600000));
	assert_int_equal(r.jobs[0]->expires_ms, INT64_C(1767607200000));
	assert_int_equal(r.jobs[0]->line, 1);
	settle(&r, SOURCE_ADDED);
	assert_null(r.rejects);
	end(&r);
}

static void
what_a_line_does_not_name_has_a_default(void **state)
{
	struct world *w = *state;
	struct reading r;

	read_text(
	    w, &r, "{\"id\":\"a\",\"phone\":\"+15125550100\",\"org\":null}");
	assert_int_equal(r.count, 1);
	assert_string_equal(r.jobs[0]->kind, "intro-call");
	assert_string_equal(r.jobs[0]->campaign, "");
	assert_string_equal(r.jobs[0]->org, "");
	assert_string_equal(r.jobs[0]->contact, "{}");
	assert_string_equal(r.jobs[0]->data, "{}");
	assert_int_equal(r.jobs[0]->step, 0);
	assert_false(r.jobs[0]->final_step);
	assert_int_equal(r.jobs[0]->priority, 0);
	assert_int_equal(r.jobs[0]->not_before_ms, 0);
	assert_int_equal(r.jobs[0]->expires_ms, 0);
	settle(&r, SOURCE_ADDED);
	end(&r);
}

/*
 * The hashes are Python's, of the canonical lines
 * {"contact":{"b":1.5,"first_name":"Ann"},"kind":"intro-call",
 *  "phone":"+15125550100","priority":0} and {"id":"a","phone":"+15125550100"}.
 */
static void
a_line_without_id_is_known_by_its_hash(void **state)
{
	static const char id[] =
	    "6fc559d251de6ab8226c3f8895423a7f784e22e46892983db692475722ced829";
	struct world *w = *state;
	struct reading r;
	char hex[64];

	read_text(w, &r,
	    "{\"phone\":\"+1 512.555-0100\",\"priority\":0,\"kind\":"
	    "\"intro-call\",\"contact\":{\"first_name\":\"Ann\",\"b\":1.50}}\n"
	    "  { \"kind\" : \"intro-call\", \"org\": null,\"priority\":0.0,"
	    "\"contact\":{\"b\":15e-1,\"first_name\":\"A\\u006en\"},"
	    "\"phone\":\"+15125550100\"}\r\n"
	    "{\"id\":\"a\",\"phone\":\"+1(512)5550100\"}\n");
	assert_int_equal(r.count, 3);
	assert_string_equal(r.jobs[0]->id, id);
	assert_string_equal(r.jobs[1]->id, id);
	assert_memory_equal(
	    r.jobs[0]->content, r.jobs[1]->content, SOURCE_CONTENT_BYTES);
	(void)text_hex(r.jobs[0]->content, SOURCE_CONTENT_BYTES, hex);
	assert_memory_equal(hex, id, 2 * SOURCE_CONTENT_BYTES);
	assert_string_equal(r.jobs[2]->id, "a");
	(void)text_hex(r.jobs[2]->content, SOURCE_CONTENT_BYTES, hex);
	assert_string_equal(hex, "346f3b16a68eb39a6605f10ee0bec03a");
	settle(&r, SOURCE_KNOWN);
	end(&r);
}

#define P "\"phone\":\"+15125550100\""
#define WANT_PHONE                                                            \
	"phone: expected a phone number with '+' and country code in front, " \
	"such as +15125550100"

static void
every_refusal_names_field_and_what_was_expected(void **state)
{
	static const struct {
		const char *line;
		const char *error;
	} rows[] = {
	    {"[1]", "expected an object { ... } on one line, got an array"},
	    {"{}", "phone: missing, expected a number such as +15125550100"},
	    {"{\"phone\":null}",
		"phone: missing, expected a number such as +15125550100"},
	    {"{\"phone\":15125550100}",
		"phone: expected a string such as \"+15125550100\", got a "
		"number"},
	    {"{\"phone\":\"512 555 0100\"}", WANT_PHONE},
	    {"{\"phone\":\"+1512555O100\"}",
		"phone: expected only digits in a phone number behind its "
		"'+'; byte 9 is none"},
	    {"{" P ",\"campaignid\":\"x\"}",
		"unknown field \"campaignid\"; did you mean \"campaignId\"?"},
	    {"{" P ",\"first_name\":\"x\"}",
		"unknown field \"first_name\"; what the call should know goes "
		"into \"contact\" or \"data\""},
	    {"{" P ",\"error\":\"x\"}",
		"unknown field \"error\"; what the call should know goes "
		"into \"contact\" or \"data\""},
	    {"{" P ",\"id\":\"\"}",
		"id: expected a string of 1 to 128 bytes, got 0 bytes"},
	    {"{" P ",\"id\":7}",
		"id: expected a string of 1 to 128 bytes, got a number"},
	    {"{" P ",\"id\":\"a\\tb\"}",
		"id: expected printable text, got a control character at byte "
		"2"},
	    {"{" P ",\"kind\":\"intro-cal\"}",
		"kind: there is no jobs/intro-cal.yaml; did you mean "
		"\"intro-call\"?"},
	    {"{" P ",\"kind\":\"survey\"}",
		"kind: there is no jobs/survey.yaml"},
	    {"{" P ",\"kind\":[]}",
		"kind: expected a string of 1 to 128 bytes, got an array"},
	    {"{" P ",\"campaignId\":1}",
		"campaignId: expected a string of 0 to 128 bytes, got a "
		"number"},
	    {"{" P ",\"org\":true}",
		"org: expected a string of 0 to 256 bytes, got true or false"},
	    {"{" P ",\"contact\":\"Ann\"}",
		"contact: expected an object, got a string"},
	    {"{" P ",\"data\":[]}", "data: expected an object, got an array"},
	    {"{" P ",\"step\":\"2\"}",
		"step: expected a whole number from 0 to 1000000, got the "
		"text \"2\""},
	    {"{" P ",\"step\":-1}",
		"step: expected a whole number from 0 to 1000000"},
	    {"{" P ",\"step\":1.5}",
		"step: expected a whole number from 0 to 1000000"},
	    {"{" P ",\"step\":{}}",
		"step: expected a whole number, got an object"},
	    {"{" P ",\"finalStep\":1}",
		"finalStep: expected true or false, got a number"},
	    {"{" P ",\"priority\":1000001}",
		"priority: expected a whole number from -1000000 to 1000000"},
	    {"{" P ",\"notBefore\":5}",
		"notBefore: expected a time such as \"2026-01-05T09:00:00Z\", "
		"got a number"},
	    {"{" P ",\"notBefore\":\"tomorrow\"}",
		"notBefore: expected a time such as 2026-01-05T09:00:00Z, got "
		"\"tomorrow\""},
	    {"{" P ",\"expiresAt\":\"1969-01-05T09:00:00Z\"}",
		"expiresAt: expected a time after 1970, got "
		"\"1969-01-05T09:00:00Z\""},
	    {"{" P ",\"notBefore\":\"2026-01-05T09:00:00Z\","
	     "\"expiresAt\":\"2026-01-05T09:00:00Z\"}",
		"expiresAt: expected a time after notBefore"},
	    {"{" P "," P "}", "phone: given twice"},
	};
	struct source_rules rules = rules_of("intro-call");
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct source_job *j = NULL;

		assert_int_equal(source_line_parse(&rules, rows[i].line,
				     strlen(rows[i].line), 1, &j, &err),
		    ERR_MALFORMED);
		assert_null(j);
		assert_string_equal(err.text, rows[i].error);
	}
}

static void
a_kind_must_be_named_where_there_is_no_default(void **state)
{
	struct source_rules rules = rules_of(NULL);
	struct source_job *j = NULL;
	struct err err;

	(void)state;
	assert_int_equal(source_line_parse(
			     &rules, "{" P "}", strlen("{" P "}"), 1, &j, &err),
	    ERR_MALFORMED);
	assert_string_equal(err.text,
	    "kind: missing, and the configuration has no default_kind");

	/* and any will do where nobody says which there are */
	rules.kinds = NULL;
	rules.default_kind = "anything";
	assert_int_equal(source_line_parse(
			     &rules, "{" P "}", strlen("{" P "}"), 1, &j, &err),
	    ERR_NONE);
	assert_string_equal(j->kind, "anything");
	source_job_free(&j);
}

static void
a_text_is_taken_up_to_its_limit(void **state)
{
	struct source_rules rules = rules_of("intro-call");
	struct err err;

	(void)state;
	for (int n = 128; n <= 129; n++) {
		struct source_job *j = NULL;
		char *line = mem_printf("{" P ",\"id\":\"%0*d\"}", n, 7);
		enum err_code code =
		    source_line_parse(&rules, line, strlen(line), 1, &j, &err);

		assert_int_equal(code, n == 128 ? ERR_NONE : ERR_MALFORMED);
		if (n > 128)
			assert_string_equal(err.text,
			    "id: expected a string of 1 to 128 bytes, got 129 "
			    "bytes");
		source_job_free(&j);
		mem_free(&line);
	}
}

static void
bad_lines_are_refused_and_the_rest_goes_on(void **state)
{
	struct world *w = *state;
	struct source_tally tally;
	struct reading r;

	read_text(w, &r,
	    "\xef\xbb\xbf{\"id\":\"1\"," P "}\r\n"
	    "\n"
	    "  \t\r\n"
	    "[\"\\u00e9\"]\n"
	    "{\"id\":\"2\",\"phone\":\"555\",\"org\":\"\xc3\xa9\"}\n"
	    "{\"id\":\"3\"," P "}\n"
	    "\n"
	    "{\"id\":\"4\"," P "}");
	assert_int_equal(r.count, 3);
	assert_string_equal(r.jobs[0]->id, "1");
	assert_int_equal(r.jobs[0]->line, 1);
	assert_string_equal(r.jobs[1]->id, "3");
	assert_int_equal(r.jobs[1]->line, 6);
	assert_string_equal(r.jobs[2]->id, "4");
	assert_int_equal(r.jobs[2]->line, 8);
	settle(&r, SOURCE_ADDED);
	source_file_tally(r.f, &tally);
	assert_int_equal(tally.added, 3);
	assert_int_equal(tally.known, 0);
	assert_int_equal(tally.refused, 2);
	assert_string_equal(tally.first_error,
	    "jobs.jsonl line 4: expected an object { ... } on one line, got "
	    "an array");
	expect_file(w, "rejects/jobs.jsonl.rejects.jsonl",
	    "{\"raw\":\"[\\\"\\\\u00e9\\\"]\",\"error\":\"expected an object { ... } "
	    "on one line, got an array\",\"line\":4}\n"
	    "{\"id\":\"2\",\"phone\":\"555\",\"org\":\"\xc3\xa9\",\"error\":"
	    "\"" WANT_PHONE "\",\"line\":5}\n");
	end(&r);
}

static void
what_is_no_json_is_kept_as_raw_text(void **state)
{
	static const char bytes[] =
	    "no \"json\"\n{\"a\xff\":1}\n{\"b\0\":1}\n{";
	struct world *w = *state;
	struct source_tally tally;
	struct reading r;
	char *rejects;

	read_bytes(w, &r, bytes, sizeof(bytes) - 1);
	assert_int_equal(r.count, 0);
	settle(&r, SOURCE_ADDED);
	source_file_tally(r.f, &tally);
	assert_int_equal(tally.refused, 4);
	assert_memory_equal(tally.first_error,
	    "jobs.jsonl line 1: not JSON: column",
	    strlen("jobs.jsonl line 1: not JSON: column"));
	rejects = get_file(w, "rejects/jobs.jsonl.rejects.jsonl");
	assert_non_null(strstr(rejects,
	    "{\"raw\":\"no \\\"json\\\"\",\"error\":\"not JSON: column "));
	assert_non_null(strstr(rejects,
	    "{\"raw\":\"{\\\"a\xef\xbf\xbd\\\":1}\",\"error\":\"not JSON: column "));
	assert_non_null(strstr(rejects,
	    "{\"raw\":\"{\\\"b\xef\xbf\xbd\\\":1}\",\"error\":\"not JSON: column "));
	assert_non_null(
	    strstr(rejects, "{\"raw\":\"{\",\"error\":\"not JSON: "));
	mem_free(&rejects);
	end(&r);
}

static void
a_corrected_reject_can_be_given_back(void **state)
{
	struct world *w = *state;
	struct reading r;

	read_text(w, &r,
	    "{\"id\":\"2\"," P ",\"error\":\"phone: ...\",\"line\":5}\n"
	    "{\"id\":\"2\"," P "}\n"
	    "{\"id\":\"3\",\"phone\":\"5\",\"error\":\"old\",\"line\":9}\n");
	assert_int_equal(r.count, 2);
	assert_memory_equal(
	    r.jobs[0]->content, r.jobs[1]->content, SOURCE_CONTENT_BYTES);
	settle(&r, SOURCE_KNOWN);
	expect_file(w, "rejects/jobs.jsonl.rejects.jsonl",
	    "{\"id\":\"3\",\"phone\":\"5\",\"error\":\"" WANT_PHONE
	    "\",\"line\":3}\n");
	end(&r);
}

static void
a_known_id_with_other_content_is_a_reject(void **state)
{
	struct world *w = *state;
	struct source_tally tally;
	struct reading r;

	read_text(w, &r, "{\"id\":\"1\"," P "}\n");
	settle(&r, SOURCE_DIFFERS);
	source_file_tally(r.f, &tally);
	assert_int_equal(tally.refused, 1);
	assert_non_null(strstr(r.rejects, "/jobs.jsonl.rejects.jsonl"));
	expect_file(w, "rejects/jobs.jsonl.rejects.jsonl",
	    "{\"id\":\"1\"," P ",\"error\":\"id: \\\"1\\\" is known with "
	    "other content; give the changed job another "
	    "id\",\"line\":1}\n");
	end(&r);
}

/* A line of n bytes with that id, whatever fills it. */
static char *
line_of(size_t n, const char *id)
{
	char *head = mem_printf("{\"id\":\"%s\"," P ",\"data\":{\"x\":\"", id);
	char *line = mem_zalloc(n + 1, 1);

	memset(line, 'x', n);
	memcpy(line, head, strlen(head));
	memcpy(line + n - 3, "\"}}", 3);
	mem_free(&head);
	return line;
}

static void
a_line_too_long_is_passed_over_whole(void **state)
{
	struct world *w = *state;
	struct reading r;
	char *fits = line_of(LINE_BYTES, "fits");
	char *over = line_of(LINE_BYTES + 1, "over");
	char *huge = line_of(300000, "huge");
	char *text = mem_printf(
	    "%s\r\n%s\n%s\r\n{\"id\":\"z\"," P "}\n%s", fits, over, huge, huge);
	char *rejects;

	read_text(w, &r, text);
	assert_int_equal(r.count, 2);
	assert_string_equal(r.jobs[0]->id, "fits");
	assert_string_equal(r.jobs[1]->id, "z");
	assert_int_equal(r.jobs[1]->line, 4);
	settle(&r, SOURCE_ADDED);
	rejects = get_file(w, "rejects/jobs.jsonl.rejects.jsonl");
	assert_non_null(strstr(rejects,
	    "\"error\":\"expected at most 2000 bytes a line, got "
	    "more\",\"line\":2}\n"));
	assert_non_null(strstr(rejects, "\"line\":3}\n"));
	assert_non_null(strstr(rejects, "\"line\":5}\n"));
	assert_true(strlen(rejects) < 3 * (LINE_BYTES + 200));
	end(&r);
	mem_free(&rejects);
	mem_free(&text);
	mem_free(&huge);
	mem_free(&over);
	mem_free(&fits);
}

struct drip {
	const char *text;
	size_t step;
};

/* Stdin, some bytes at a time. */
static enum err_code
drip_read(void *arg, void *bytes, size_t len, size_t *got, struct err *err)
{
	struct drip *d = arg;
	size_t n = strlen(d->text);

	if (strncmp(d->text, "FAIL", 4) == 0)
		return err_set(err, ERR_IO, 5, "stdin: no more");
	n = n < d->step ? n : d->step;
	assert_true(n <= len);
	memcpy(bytes, d->text, n);
	d->text += n;
	*got = n;
	return ERR_NONE;
}

static struct source_file_options
dripping(struct world *w, struct drip *d)
{
	struct source_file_options o = options_of(w);

	o.path = NULL;
	o.read = drip_read;
	o.read_arg = d;
	o.name = "stdin";
	return o;
}

static void
stdin_is_read_as_it_comes(void **state)
{
	struct world *w = *state;

	for (size_t step = 1; step < 8; step++) {
		struct drip d = {"{\"id\":\"1\"," P "}\r\n\n{\"id\":\"2\"," P
				 "}\r\n{\"id\":\"3\"," P "}",
		    step};
		struct reading r = {.w = w, .o = dripping(w, &d)};

		assert_int_equal(
		    source_file_open(&r.o, &r.f, &w->err), ERR_NONE);
		for (int i = 1; i <= 3; i++) {
			struct source_job *j = NULL;

			assert_int_equal(
			    source_file_next(r.f, &j, &w->err), ERR_NONE);
			assert_int_equal(j->id[0], '0' + i);
			assert_int_equal(j->line, i == 1 ? 1 : i + 1);
			source_file_source(r.f)->ops->release(r.f, &j);
			assert_null(j);
		}
		settle(&r, SOURCE_ADDED);
		end(&r);
	}
}

static void
a_stream_that_fails_ends_the_reading(void **state)
{
	struct world *w = *state;
	struct drip d = {"FAIL", 100};
	struct reading r = {.w = w, .o = dripping(w, &d)};

	assert_int_equal(source_file_open(&r.o, &r.f, &w->err), ERR_IO);
	assert_null(r.f);
	assert_string_equal(w->err.text, "stdin: no more");

	d.text = "{\"id\":\"1\"," P "}\n{FAIL";
	d.step = strlen(d.text) - 4;
	assert_int_equal(source_file_open(&r.o, &r.f, &w->err), ERR_NONE);
	assert_int_equal(source_batch(source_file_source(r.f), r.jobs, 16,
			     &r.count, &w->err),
	    ERR_IO);
	assert_int_equal(r.count, 1);
	settle(&r, SOURCE_ADDED);
	end(&r);
}

static void
a_file_that_is_no_text_is_an_error(void **state)
{
	struct world *w = *state;
	struct reading r = {.w = w, .o = options_of(w)};

	assert_int_equal(source_file_open(&r.o, &r.f, &w->err), ERR_NOT_FOUND);
	assert_non_null(strstr(w->err.text, w->path));
	put_file(w, "jobs.jsonl", "\xff\xfe{\0", 4);
	assert_int_equal(source_file_open(&r.o, &r.f, &w->err), ERR_MALFORMED);
	assert_string_equal(w->err.text,
	    "jobs.jsonl: expected UTF-8 text, got UTF-16; save it as UTF-8");
}

static void
an_empty_file_has_no_jobs(void **state)
{
	struct world *w = *state;
	struct reading r;

	read_text(w, &r, "");
	assert_int_equal(r.count, 0);
	settle(&r, SOURCE_ADDED);
	assert_null(r.rejects);
	end(&r);
	expect_file(w, "rejects/jobs.jsonl.rejects.jsonl", NULL);
}

static void
a_map_is_refused_for_jsonl(void **state)
{
	struct world *w = *state;
	struct source_map map;
	struct reading r = {.w = w, .o = options_of(w)};

	put_file(w, "jobs.jsonl", "{}", 2);
	assert_int_equal(
	    source_map_parse("Phone 1=phone", &map, &w->err), ERR_NONE);
	r.o.maps = &map;
	r.o.map_count = 1;
	assert_int_equal(source_file_open(&r.o, &r.f, &w->err), ERR_USAGE);
	assert_string_equal(w->err.text,
	    "jobs.jsonl: --map is for the columns of a CSV, and this is "
	    "JSONL");
	source_map_fini(&map);
}

static void
a_job_from_flags_is_the_same_as_from_a_line(void **state)
{
	static const char *const names[] = {
	    "phone", "contact.first_name", "kind", "data", "step"};
	static const char *const values[] = {
	    "+1 512 555 0100", "Ann", "intro-call", "{\"n\": 1}", "2"};
	struct world *w = *state;
	struct source_rules rules = rules_of(NULL);
	struct source_job *one = NULL;
	struct reading r;

	assert_int_equal(
	    source_file_one(&rules, names, values, 5, &one, &w->err), ERR_NONE);
	read_text(w, &r,
	    "{" P ",\"data\":{\"n\":1},\"step\":2,\"kind\":\"intro-call\","
	    "\"contact\":{\"first_name\":\"Ann\"}}");
	assert_int_equal(r.count, 1);
	assert_string_equal(one->id, r.jobs[0]->id);
	assert_string_equal(one->phone, "+15125550100");
	assert_string_equal(one->contact, "{\"first_name\":\"Ann\"}");
	assert_string_equal(one->source, "file");
	assert_int_equal(one->line, 0);
	source_job_free(&one);
	settle(&r, SOURCE_ADDED);
	end(&r);
}

static void
flags_that_are_no_field_are_refused(void **state)
{
	static const struct {
		const char *names[2];
		enum err_code code;
		const char *error;
	} rows[] = {
	    {{"phone", "first name"}, ERR_USAGE,
		"there is no field \"first name\"; did you mean "
		"\"contact.first_name\"?"},
	    {{"phone", "qqqqqqqq"}, ERR_USAGE,
		"there is no field \"qqqqqqqq\""},
	    {{"phone", "phone"}, ERR_USAGE,
		"\"phone\" and \"phone\" say the same; give one of them"},
	    {{"data.x", "data"}, ERR_USAGE,
		"\"data.x\" and \"data\" say the same; give one of them"},
	    {{"phone", "step"}, ERR_MALFORMED,
		"step: expected a whole number from 0 to 1000000"},
	};
	static const char *const values[] = {"+15125550100", "15125550100"};
	struct source_rules rules = rules_of("intro-call");
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct source_job *j = NULL;

		assert_int_equal(
		    source_file_one(&rules, rows[i].names, values, 2, &j, &err),
		    rows[i].code);
		assert_null(j);
		assert_string_equal(err.text, rows[i].error);
	}
}

/* One reading of a file with two rejects, as enqueue does it. */
static bool
read_all(struct world *w, void *arg)
{
	struct source_file_options o = options_of(w);
	struct source_file *f = NULL;
	struct source_job *jobs[2];
	const char *rejects = NULL;
	size_t count = 0;

	(void)arg;
	if (source_file_open(&o, &f, &w->err) != ERR_NONE)
		return false;
	do {
		if (source_batch(source_file_source(f), jobs, 2, &count,
			&w->err) != ERR_NONE)
			return false;
		for (size_t i = 0; i < count; i++)
			if (source_file_taken(f, &jobs[i],
				*jobs[i]->id == '3' ? SOURCE_DIFFERS
						    : SOURCE_ADDED,
				&w->err) != ERR_NONE)
				return false;
	} while (count > 0);
	if (source_file_finish(f, &rejects, &w->err) != ERR_NONE)
		return false;
	source_file_free(&f);
	return true;
}

static void
wherever_it_dies_rejects_are_whole_or_not_there(void **state)
{
	static const char jobs[] =
	    "{\"id\":\"1\"," P "}\n[1]\n{\"id\":\"3\"," P "}\n";
	static const char want[] =
	    "{\"raw\":\"[1]\",\"error\":\"expected an object { ... } on "
	    "one line, got an array\",\"line\":2}\n"
	    "{\"id\":\"3\"," P ",\"error\":\"id: \\\"3\\\" is known with other "
	    "content; give the changed job another id\",\"line\":3}\n";
	struct world *w = *state;
	int n = 1;

	put_file(w, "jobs.jsonl", jobs, strlen(jobs));
	for (;; n++) {
		char *path =
		    mem_printf("%s/jobs.jsonl.rejects.jsonl", w->rejects);
		char *left;

		(void)unlink(path);
		mem_free(&path);
		if (!killed_at(n, read_all, w, NULL))
			break;
		left = get_file(w, "rejects/jobs.jsonl.rejects.jsonl");
		if (left != NULL)
			assert_string_equal(left, want);
		mem_free(&left);
		assert_true(read_all(w, NULL));
		expect_file(w, "rejects/jobs.jsonl.rejects.jsonl", want);
	}
	/* a batch, two jobs, and four steps of the rejects */
	assert_int_equal(n, 1 + 2 + 4 + 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_full_line_becomes_a_job),
	    T(what_a_line_does_not_name_has_a_default),
	    T(a_line_without_id_is_known_by_its_hash),
	    T(every_refusal_names_field_and_what_was_expected),
	    T(a_kind_must_be_named_where_there_is_no_default),
	    T(a_text_is_taken_up_to_its_limit),
	    T(bad_lines_are_refused_and_the_rest_goes_on),
	    T(what_is_no_json_is_kept_as_raw_text),
	    T(a_corrected_reject_can_be_given_back),
	    T(a_known_id_with_other_content_is_a_reject),
	    T(a_line_too_long_is_passed_over_whole),
	    T(stdin_is_read_as_it_comes),
	    T(a_stream_that_fails_ends_the_reading),
	    T(a_file_that_is_no_text_is_an_error),
	    T(an_empty_file_has_no_jobs),
	    T(a_map_is_refused_for_jsonl),
	    T(a_job_from_flags_is_the_same_as_from_a_line),
	    T(flags_that_are_no_field_are_refused),
	    T(wherever_it_dies_rejects_are_whole_or_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
