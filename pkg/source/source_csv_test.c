#include "source/source_csv.h"

#include "source/source_file.h"
#include "source/source_test.h"

#define LINE_BYTES 300
#define JOBS_MAX 16

/* A CSV, read to its end. */
struct reading {
	struct world *w;
	struct source_file_options o;
	struct source_map maps[4];
	struct source_file *f;
	struct source_job *jobs[JOBS_MAX];
	size_t count;
};

static void
prepare(struct world *w, struct reading *r, const char *text)
{
	*r = (struct reading){.w = w};
	r->o = (struct source_file_options){
	    .env = w->env,
	    .path = w->path,
	    .name = "jobs.csv",
	    .rejects_dir = w->rejects,
	    .format = SOURCE_FORMAT_CSV,
	    .line_bytes = LINE_BYTES,
	    .maps = r->maps,
	    .rules = {SOURCE_FILE_NAME, NULL, "intro-call"},
	};
	put_file(w, "jobs.jsonl", text, strlen(text));
}

static void
map(struct reading *r, const char *text)
{
	assert_int_equal(
	    source_map_parse(text, &r->maps[r->o.map_count++], &r->w->err),
	    ERR_NONE);
}

static void
read_on(struct reading *r)
{
	assert_int_equal(source_file_open(&r->o, &r->f, &r->w->err), ERR_NONE);
	assert_int_equal(source_batch(source_file_source(r->f), r->jobs,
			     JOBS_MAX, &r->count, &r->w->err),
	    ERR_NONE);
}

/* Take all, finish; the rejects must be as given (NULL: none). */
static void
end(struct reading *r, const char *want)
{
	const char *rejects = NULL;

	for (size_t i = 0; i < r->count; i++)
		assert_int_equal(source_file_taken(r->f, &r->jobs[i],
				     SOURCE_ADDED, &r->w->err),
		    ERR_NONE);
	assert_int_equal(
	    source_file_finish(r->f, &rejects, &r->w->err), ERR_NONE);
	expect_file(r->w, "rejects/jobs.csv.rejects.jsonl", want);
	source_file_free(&r->f);
	for (size_t i = 0; i < r->o.map_count; i++)
		source_map_fini(&r->maps[i]);
}

static void
expect_header_error(struct reading *r, const char *want)
{
	assert_int_equal(
	    source_file_open(&r->o, &r->f, &r->w->err), ERR_MALFORMED);
	assert_null(r->f);
	assert_string_equal(r->w->err.text, want);
	for (size_t i = 0; i < r->o.map_count; i++)
		source_map_fini(&r->maps[i]);
}

static void
a_row_is_the_same_job_as_its_line(void **state)
{
	static const char line[] =
	    "{\"phone\":\"+15125550100\",\"kind\":\"intro-call\","
	    "\"campaignId\":\"c1\",\"contact\":{\"first_name\":\"Ann\"},"
	    "\"step\":2,\"finalStep\":true,\"notBefore\":"
	    "\"2026-01-05T09:00:00Z\"}";
	struct world *w = *state;
	struct reading r;
	struct source_job *j = NULL;

	prepare(w, &r,
	    "phone,kind,campaignId,contact.first_name,contact.title,step,"
	    "finalStep,notBefore\r\n"
	    "+1 (512) 555-0100,intro-call,c1,Ann,,2,TRUE,"
	    "2026-01-05T09:00:00Z\r\n");
	read_on(&r);
	assert_int_equal(r.count, 1);
	assert_int_equal(
	    source_line_parse(&r.o.rules, line, strlen(line), 1, &j, &w->err),
	    ERR_NONE);
	assert_string_equal(r.jobs[0]->id, j->id);
	/* Python's SHA-256 of the canonical line */
	assert_string_equal(j->id,
	    "80912ab824dc1a91ca63bb9cd34a9f95397ad2f6263431ab38106476545a6ef"
	    "b");
	assert_int_equal(r.jobs[0]->line, 2);
	source_job_free(&j);
	end(&r, NULL);
}

static void
quotes_hold_commas_quotes_and_line_ends(void **state)
{
	struct world *w = *state;
	struct reading r;

	prepare(w, &r,
	    "\"id\",\"phone\",\"contact.practice\"\n"
	    "1,+15125550100,\"Low, \"\"Ann\"\"\r\nand sons\"\n"
	    "\n"
	    ",,\r\n"
	    "2,+15125550101,\"\"\r\n"
	    "3,\"+15125550102\",z");
	read_on(&r);
	assert_int_equal(r.count, 3);
	assert_string_equal(r.jobs[0]->contact,
	    "{\"practice\":\"Low, \\\"Ann\\\"\\r\\nand sons\"}");
	assert_int_equal(r.jobs[0]->line, 2);
	assert_string_equal(r.jobs[1]->id, "2");
	assert_string_equal(r.jobs[1]->contact, "{}");
	assert_int_equal(r.jobs[1]->line, 6);
	assert_string_equal(r.jobs[2]->phone, "+15125550102");
	assert_int_equal(r.jobs[2]->line, 7);
	end(&r, NULL);
}

static void
objects_may_be_given_whole_or_in_parts(void **state)
{
	struct world *w = *state;
	struct reading r;

	prepare(w, &r,
	    "phone,data,contact.a,contact.b\n"
	    "+15125550100,\"{\"\"n\"\": [1, 2]}\",x,\n"
	    "+15125550101,,,y\n"
	    "+15125550102,[1],,\n"
	    "+15125550103,{,,\n");
	read_on(&r);
	assert_int_equal(r.count, 2);
	assert_string_equal(r.jobs[0]->data, "{\"n\":[1,2]}");
	assert_string_equal(r.jobs[0]->contact, "{\"a\":\"x\"}");
	assert_string_equal(r.jobs[1]->data, "{}");
	assert_string_equal(r.jobs[1]->contact, "{\"b\":\"y\"}");
	end(&r, "{\"phone\":\"+15125550102\",\"data\":[1],\"error\":\"data: "
		"expected an object, got an array\",\"line\":4}\n"
		"{\"phone\":\"+15125550103\",\"data\":\"{\",\"error\":\"data: "
		"expected an object, got a string\",\"line\":5}\n");
}

static void
bad_values_are_refused_as_in_a_line(void **state)
{
	struct world *w = *state;
	struct reading r;

	prepare(w, &r,
	    "id,phone,step,finalStep,priority\n"
	    "1,+15125550100,two,,\n"
	    "2,+15125550100,,yes,\n"
	    "3,+15125550100,,,1.5\n"
	    "4,,,,\n"
	    "5,+15125550100,07,false,-3\n");
	read_on(&r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.jobs[0]->step, 7);
	assert_int_equal(r.jobs[0]->priority, -3);
	assert_int_equal(r.jobs[0]->line, 6);
	end(&r,
	    "{\"id\":\"1\",\"phone\":\"+15125550100\",\"step\":\"two\","
	    "\"error\":\"step: expected a whole number from 0 to 1000000, got "
	    "the text \\\"two\\\"\",\"line\":2}\n"
	    "{\"id\":\"2\",\"phone\":\"+15125550100\",\"finalStep\":\"yes\","
	    "\"error\":\"finalStep: expected true or false, got a "
	    "string\",\"line\":3}\n"
	    "{\"id\":\"3\",\"phone\":\"+15125550100\",\"priority\":\"1.5\","
	    "\"error\":\"priority: expected a whole number from -1000000 to "
	    "1000000, got the text \\\"1.5\\\"\",\"line\":4}\n"
	    "{\"id\":\"4\",\"error\":\"phone: missing, expected a number such "
	    "as +15125550100\",\"line\":5}\n");
}

static void
what_is_not_csv_costs_its_own_line_only(void **state)
{
	static const struct {
		const char *line;
		const char *raw;
		const char *error;
	} rows[] = {
	    {"1,\"+15125550100", "1,\\\"+15125550100",
		"not CSV: text after the quote that closes a value; double "
		"quotes within a value"},
	    {"1,+1512\"5550100", "1,+1512\\\"5550100",
		"not CSV: a quote inside a value that does not begin with "
		"one; put the value in quotes and double those within"},
	    {"1,+1512\r5550100", "1,+1512\\r5550100",
		"not CSV: a carriage return inside a value; put the value in "
		"quotes"},
	    {"1,+1512\xff", "1,+1512\xef\xbf\xbd",
		"not CSV: bytes that are not UTF-8; save it as CSV UTF-8"},
	    {"1,+15125550100,x", "1,+15125550100,x",
		"expected 2 values as in the header, got 3"},
	    {"1", "1", "expected 2 values as in the header, got 1"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reading r;
		char *text = mem_printf(
		    "id,phone\n%s\n2,\"+15125550101\"\n", rows[i].line);
		char *want =
		    mem_printf("{\"raw\":\"%s\",\"error\":\"%s\",\"line\":2}\n",
			rows[i].raw, rows[i].error);

		prepare(w, &r, text);
		read_on(&r);
		assert_int_equal(r.count, 1);
		assert_string_equal(r.jobs[0]->id, "2");
		assert_int_equal(r.jobs[0]->line, 3);
		end(&r, want);
		mem_free(&text);
		mem_free(&want);
	}
}

static void
a_quote_never_closed_does_not_swallow_the_file(void **state)
{
	struct world *w = *state;
	struct reading r;

	prepare(w, &r, "id,phone\n1,\"+15125550100\n2,+15125550101\n");
	read_on(&r);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.jobs[0]->id, "2");
	end(&r,
	    "{\"raw\":\"1,\\\"+15125550100\",\"error\":\"not CSV: a quote is "
	    "opened and never closed\",\"line\":2}\n");
}

static void
a_row_too_long_is_passed_over(void **state)
{
	struct world *w = *state;
	struct reading r;
	char fill[2 * LINE_BYTES + 1];
	const char *path = NULL;
	char *text;
	char *rejects;

	memset(fill, 'x', sizeof(fill) - 1);
	fill[sizeof(fill) - 1] = '\0';
	text = mem_printf("id,phone\n1,%s\n2,+15125550101\n3,\"%s", fill, fill);
	prepare(w, &r, text);
	read_on(&r);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.jobs[0]->id, "2");
	assert_int_equal(r.jobs[0]->line, 3);
	assert_int_equal(
	    source_file_taken(r.f, &r.jobs[0], SOURCE_ADDED, &w->err),
	    ERR_NONE);
	assert_int_equal(source_file_finish(r.f, &path, &w->err), ERR_NONE);
	rejects = get_file(w, "rejects/jobs.csv.rejects.jsonl");
	assert_non_null(strstr(rejects,
	    "\"error\":\"expected at most 300 bytes, got more\",\"line\":2}"));
	assert_non_null(strstr(rejects,
	    "\"error\":\"expected at most 300 bytes, got more (is a quote "
	    "never closed?)\",\"line\":4}"));
	mem_free(&rejects);
	source_file_free(&r.f);
	mem_free(&text);
}

static void
too_many_values_are_refused(void **state)
{
	struct world *w = *state;
	struct reading r;
	char commas[258];

	memset(commas, ',', sizeof(commas) - 1);
	commas[sizeof(commas) - 1] = '\0';
	prepare(w, &r, commas);
	expect_header_error(
	    &r, "jobs.csv: line 1: not CSV: more than 256 values in a row");
}

static void
columns_are_renamed_and_dropped_by_maps(void **state)
{
	struct world *w = *state;
	struct reading r;

	prepare(w, &r,
	    "Phone 1,Notes, First name ,a=b\n"
	    "+15125550100,hello,Ann,7\n");
	map(&r, "Phone 1=phone");
	map(&r, "Notes=");
	map(&r, "First name=contact.first_name");
	map(&r, "a=b=id");
	read_on(&r);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.jobs[0]->id, "7");
	assert_string_equal(r.jobs[0]->contact, "{\"first_name\":\"Ann\"}");
	assert_string_equal(r.jobs[0]->data, "{}");
	end(&r, NULL);
}

static void
a_header_that_makes_no_sense_is_one_error(void **state)
{
	static const struct {
		const char *header;
		const char *map; /* NULL = none */
		const char *error;
	} rows[] = {
	    {"", NULL,
		"jobs.csv: empty; expected a header such as "
		"\"id,phone,kind,contact.first_name\""},
	    {"id,kind\n", NULL,
		"jobs.csv: line 1: there is no column \"phone\" among the 2 "
		"columns; name one with --map \"COLUMN=phone\""},
	    {"id;phone\n", NULL,
		"jobs.csv: line 1: expected columns separated by commas, got "
		"\"id;phone\""},
	    {"\n\nphone,Phone 1,qqqqqqqq\n", NULL,
		"jobs.csv: line 3: unknown columns: \"Phone 1\" (--map \"Phone "
		"1=phone\"?), \"qqqqqqqq\" (--map \"qqqqqqqq=\" leaves it "
		"out)"},
	    {"phone,\n", NULL,
		"jobs.csv: line 1: unknown columns: \"\" (--map \"=\" leaves "
		"it out)"},
	    {"phone,contact.a.b\n", NULL,
		"jobs.csv: line 1: unknown columns: \"contact.a.b\" (--map "
		"\"contact.a.b=\" leaves it out)"},
	    {"phone,id,phone\n", NULL,
		"jobs.csv: line 1: columns 1 (\"phone\") and 3 (\"phone\") say "
		"the same; leave one out with --map \"COLUMN=\""},
	    {"phone,data,data.x\n", NULL,
		"jobs.csv: line 1: columns 2 (\"data\") and 3 (\"data.x\") say "
		"the same; leave one out with --map \"COLUMN=\""},
	    {"phone,id\n", "Phone 1=phone",
		"jobs.csv: line 1: --map \"Phone 1=phone\": there is no such "
		"column"},
	    {"\"phone\n", NULL,
		"jobs.csv: line 1: not CSV: a quote is opened and never "
		"closed"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reading r;

		prepare(w, &r, rows[i].header);
		if (rows[i].map != NULL)
			map(&r, rows[i].map);
		expect_header_error(&r, rows[i].error);
	}
}

static void
a_map_must_say_which_column_is_which_field(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
	    {"Phone 1",
		"--map \"Phone 1\": expected COLUMN=FIELD, such as \"Phone "
		"1=phone\", or COLUMN= to leave it out"},
	    {"Phone 1=fone",
		"--map \"Phone 1=fone\": there is no field \"fone\"; did you "
		"mean \"phone\"?"},
	    {"A=qqqqqqqq",
		"--map \"A=qqqqqqqq\": there is no field \"qqqqqqqq\""},
	};
	struct source_map m;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    source_map_parse(rows[i].text, &m, &err), ERR_USAGE);
		assert_string_equal(err.text, rows[i].error);
		assert_null(m.from);
		source_map_fini(&m);
	}
}

static void
the_format_is_seen_from_name_or_first_line(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		size_t count;
	} rows[] = {
	    {"x.CSV", "phone\n+15125550100\n", 1},
	    {"x", "phone\n+15125550100\n", 1},
	    {"x", "id,\"phone\"\r\n1,+15125550100\r\n", 1},
	    {"stdin", "{\"phone\":\"+15125550100\"}\n", 1},
	    {"x", "phones\n+15125550100\n", 0},
	    {"x.jsonl", "phone\n+15125550100\n", 0},
	    {"x", "", 0},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reading r;
		char *path = mem_printf("%s/%s", w->dir, rows[i].name);

		prepare(w, &r, "");
		put_file(w, rows[i].name, rows[i].text, strlen(rows[i].text));
		r.o.format = SOURCE_FORMAT_AUTO;
		r.o.path = path;
		read_on(&r);
		assert_int_equal(r.count, rows[i].count);
		for (size_t k = 0; k < r.count; k++)
			source_file_source(r.f)->ops->release(r.f, &r.jobs[k]);
		source_file_free(&r.f);
		mem_free(&path);
	}
}

/* Every job of a file, which must have no bad line; returns how many. */
static size_t
read_fixture(
    struct world *w, const char *path, struct source_job **jobs, size_t max)
{
	static const char *const kinds[] = {
	    "intro-call", "appointment-reminder", NULL};
	struct source_file_options o = {
	    .env = w->env,
	    .path = path,
	    .name = path,
	    .rejects_dir = w->rejects,
	    .line_bytes = 65536,
	    .rules = {SOURCE_FILE_NAME, kinds, NULL},
	};
	struct source_tally tally;
	struct source_file *f = NULL;
	size_t count = 0;

	assert_int_equal(source_file_open(&o, &f, &w->err), ERR_NONE);
	assert_int_equal(
	    source_batch(source_file_source(f), jobs, max, &count, &w->err),
	    ERR_NONE);
	source_file_tally(f, &tally);
	assert_string_equal(tally.first_error, "");
	source_file_free(&f);
	return count;
}

static void
the_sample_files_are_200_good_jobs_and_20_of_them(void **state)
{
	struct world *w = *state;
	struct source_job *lines[201];
	struct source_job *rows[21];

	assert_int_equal(
	    read_fixture(w, "fixtures/jobs.jsonl", lines, 201), 200);
	assert_int_equal(read_fixture(w, "fixtures/jobs.csv", rows, 21), 20);
	for (size_t i = 0; i < 20; i++) {
		assert_string_equal(lines[i]->id, rows[i]->id);
		assert_memory_equal(
		    lines[i]->content, rows[i]->content, SOURCE_CONTENT_BYTES);
		source_job_free(&rows[i]);
	}
	for (size_t i = 0; i < 200; i++)
		source_job_free(&lines[i]);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_row_is_the_same_job_as_its_line),
	    T(quotes_hold_commas_quotes_and_line_ends),
	    T(objects_may_be_given_whole_or_in_parts),
	    T(bad_values_are_refused_as_in_a_line),
	    T(what_is_not_csv_costs_its_own_line_only),
	    T(a_quote_never_closed_does_not_swallow_the_file),
	    T(a_row_too_long_is_passed_over),
	    T(too_many_values_are_refused),
	    T(columns_are_renamed_and_dropped_by_maps),
	    T(a_header_that_makes_no_sense_is_one_error),
	    T(a_map_must_say_which_column_is_which_field),
	    T(the_format_is_seen_from_name_or_first_line),
	    T(the_sample_files_are_200_good_jobs_and_20_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
