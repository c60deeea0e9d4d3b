#include "net/net_redis_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis.h"

static void
every_form_is_read(void **state)
{
	static const struct {
		const char *url;
		bool tls;
		const char *host;
		int port, db;
		const char *user, *password;
	} rows[] = {
	    {"redis://h", false, "h", 6379, 0, NULL, NULL},
	    {"redis://h/", false, "h", 6379, 0, NULL, NULL},
	    {"redis://h:1", false, "h", 1, 0, NULL, NULL},
	    {"redis://127.0.0.1:65535/15", false, "127.0.0.1", 65535, 15, NULL,
		NULL},
	    {"redis://h?db=3", false, "h", 6379, 3, NULL, NULL},
	    {"redis://:p@h/2", false, "h", 6379, 2, NULL, "p"},
	    {"redis://u:p@h:7/2", false, "h", 7, 2, "u", "p"},
	    {"rediss://u:p%40%3a%25@h", true, "h", 6379, 0, "u", "p@:%"},
	    {"redis://u:a:b@c@h", false, "h", 6379, 0, "u", "a:b@c"},
	    {"redis://u@h", false, "h", 6379, 0, "u", NULL},
	    {"redis://[::1]:7/1", false, "::1", 7, 1, NULL, NULL},
	    {"redis://[fe80::1]", false, "fe80::1", 6379, 0, NULL, NULL},
	    {"unix:///run/r.sock", false, "/run/r.sock", 0, 0, NULL, NULL},
	    {"unix:///a%20b?db=4", false, "/a b", 0, 4, NULL, NULL},
	    {"redis+unix://:p@/r@s?db=1", false, "/r@s", 0, 1, NULL, "p"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_redis_url u;
		struct err err;

		assert_int_equal(
		    net_redis_url_parse(rows[i].url, &u, &err), ERR_NONE);
		assert_int_equal(u.tls, rows[i].tls);
		assert_string_equal(u.at.host, rows[i].host);
		assert_int_equal(u.at.port, rows[i].port);
		assert_int_equal(u.db, rows[i].db);
		assert_true(text_eq(u.user, rows[i].user));
		assert_true(text_eq(u.password, rows[i].password));
		net_redis_url_fini(&u);
		net_redis_url_fini(&u);
	}
}

static void
what_is_no_url_is_refused_and_shows_no_password(void **state)
{
	static const char *const rows[] = {"", "h", "http://:secret@h",
	    "redis://", "redis://:secret@", "redis://:secret@:7",
	    "redis://:secret@h:0", "redis://:secret@h:65536",
	    "redis://:secret@h:7x", "redis://:secret@h/x",
	    "redis://:secret@h/-1", "redis://:secret@h/65536",
	    "redis://:secret@h/1/2", "redis://:secret@h?secret=1",
	    "redis://:secret@h?db=", "redis://:secret%4@h",
	    "redis://:secret%00@h", "redis://:secret%zz@h",
	    "redis://:secret@[::1", "redis://:secret@[::1]7",
	    "redis://:secret@h:", "unix://:secret@", "unix://run/secret?secret",
	    "unix:///", "unix:///s?password=secret", "redis:// secret/@/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_redis_url u;
		struct err err;

		assert_int_equal(
		    net_redis_url_parse(rows[i], &u, &err), ERR_CONFIG);
		assert_null(u.at.host);
		assert_null(u.password);
		if (strstr(rows[i], ":secret") != NULL ||
		    strstr(rows[i], "=secret") != NULL)
			assert_null(strstr(err.text, "secret"));
	}
}

static void
a_url_is_shown_without_what_is_secret(void **state)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {
	    {"redis://h:1/2", "redis://h:1/2"},
	    {"redis://user:pass@host:6379/0", "redis://user:***@host:6379/0"},
	    {"redis://:pass@host", "redis://:***@host"},
	    {"redis://user@host", "redis://user@host"},
	    {"redis://u:p@ss/w?rd@host/1", "redis://u:***@host/1"},
	    {"unix:///run/r?db=3", "unix:///run/r?db=3"},
	    {"redis://h?password=x", "redis://h"},
	    {"redis://h?db=1&password=x", "redis://h?db=1"},
	    {"u:secret@h", "u:***@h"},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *shown = net_redis_url_shown(rows[i].url);

		assert_string_equal(shown, rows[i].shown);
		mem_free(&shown);
	}
}

static void
addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *again;
	} rows[] = {{"h", "h:26379"}, {"h:1", "h:1"}, {"::1", "[::1]:26379"},
	    {"[::1]:5", "[::1]:5"}};
	struct net_redis_address a = {NULL, 0};
	struct net_redis_address b = {NULL, 0};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(net_redis_address_parse(rows[i].text,
				     strlen(rows[i].text), 26379, &a, &err),
		    ERR_NONE);
		char *text = net_redis_address_text(&a);

		assert_string_equal(text, rows[i].again);
		mem_free(&text);
		assert_false(net_redis_address_eq(&a, &b));
		net_redis_address_copy(&b, &a);
		assert_true(net_redis_address_eq(&a, &b));
	}
	net_redis_address_fini(&a);
	net_redis_address_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_form_is_read),
	    cmocka_unit_test(what_is_no_url_is_refused_and_shows_no_password),
	    cmocka_unit_test(a_url_is_shown_without_what_is_secret),
	    cmocka_unit_test(addresses_are_read_and_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
