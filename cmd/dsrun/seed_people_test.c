#include "seed_people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#include "json/json.h"

static struct json *
person(const struct seed_run *run, int64_t n)
{
	struct buf b = BUF_INIT(4096);
	struct json *d = NULL;
	struct err err;

	seed_person(run, n, &b);
	assert_int_equal(b.bytes[b.len - 1], '\n');
	assert_ptr_equal(memchr(b.bytes, '\n', b.len), b.bytes + b.len - 1);
	if (json_parse(b.bytes, b.len, &JSON_LIMITS_DEFAULT, &d, &err) !=
	    ERR_NONE)
		fail_msg("%s: %s", buf_text(&b), err.text);
	buf_free(&b);
	return d;
}

static const char *
text(const struct json *d, const char *key)
{
	const char *out = NULL;
	struct err err;

	assert_int_equal(json_opt_str(d, key, &out, &err), ERR_NONE);
	return out;
}

static void
all_numbers_are_fictional_and_none_stands_twice(void **state)
{
	const struct seed_run run = {.random = 99, .label = "s"};
	int64_t count = seed_numbers();
	char(*seen)[16] = mem_zalloc((size_t)count, sizeof(*seen));

	(void)state;
	for (int64_t n = 0; n < count; n++) {
		struct json *d = person(&run, n);
		const char *phone = text(d, "phone");

		assert_int_equal(strlen(phone), 12);
		assert_int_equal(strncmp(phone, "+1", 2), 0);
		assert_int_equal(strncmp(phone + 5, "55501", 5), 0);
		(void)snprintf(seen[n], sizeof(seen[n]), "%s", phone);
		for (int64_t i = 0; i < n; i++)
			assert_string_not_equal(seen[i], phone);
		json_free(&d);
	}
	mem_free(&seen);
}

static void
the_same_draw_gives_the_same_people(void **state)
{
	const struct seed_run run = {.random = 7, .label = "s"};
	const struct seed_run other = {.random = 8, .label = "s"};
	struct buf a = BUF_INIT(4096);
	struct buf b = BUF_INIT(4096);
	struct buf c = BUF_INIT(4096);

	(void)state;
	seed_person(&run, 3, &a);
	seed_person(&run, 3, &b);
	seed_person(&other, 3, &c);
	assert_string_equal(buf_text(&a), buf_text(&b));
	assert_string_not_equal(buf_text(&a), buf_text(&c));
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

static void
what_is_said_of_all_stands_in_each(void **state)
{
	const struct seed_run run = {.random = 1,
	    .label = "seed-x",
	    .kind = "intro",
	    .campaign = "65a1",
	    .step = 2,
	    .is_final = true};
	struct json *d = person(&run, 41);
	const struct json *contact = NULL;
	int64_t step = 0;
	bool is_final = false;
	struct err err;

	(void)state;
	assert_string_equal(text(d, "id"), "seed-x-042");
	assert_string_equal(text(d, "kind"), "intro");
	assert_string_equal(text(d, "campaignId"), "65a1");
	assert_int_equal(json_i64(d, "step", 0, 9, &step, &err), ERR_NONE);
	assert_int_equal(step, 2);
	assert_int_equal(json_bool(d, "finalStep", &is_final, &err), ERR_NONE);
	assert_true(is_final);
	assert_int_equal(json_obj(d, "contact", &contact, &err), ERR_NONE);
	assert_non_null(text(contact, "first_name"));
	assert_non_null(strstr(text(contact, "timezone"), "America/"));
	json_free(&d);
}

static void
what_is_not_said_is_not_there(void **state)
{
	const struct seed_run run = {.random = 1, .label = "s"};
	struct json *d = person(&run, 0);

	(void)state;
	assert_null(text(d, "kind"));
	assert_null(text(d, "campaignId"));
	json_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_numbers_are_fictional_and_none_stands_twice),
	    cmocka_unit_test(the_same_draw_gives_the_same_people),
	    cmocka_unit_test(what_is_said_of_all_stands_in_each),
	    cmocka_unit_test(what_is_not_said_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
