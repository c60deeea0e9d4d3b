#include <stdio.h>
#include <string.h>

#include "base/crash.h"

#include "journal/journal_read.h"

#include "journal/journal_priv.h"

/*
 * What is known of the services behind sinks and sources.  A run is a new
 * process each time cron says so: breakers and limiters that lived in memory
 * would forget what the run before them did to a service.
 */

#define COLUMNS                                                       \
	"name,breaker,failures,boot,since_ms,tokens_micro,filled_ms," \
	"last_ok_ms,last_error_ms,last_error"

static void
service_row(sqlite3_stmt *st, struct journal_service *out)
{
	journal_db_copy_text(st, 0, out->name, sizeof(out->name));
	out->breaker = sqlite3_column_int64(st, 1);
	out->failures = sqlite3_column_int64(st, 2);
	journal_db_copy_blob(st, 3, out->boot, sizeof(out->boot));
	out->since_ms = sqlite3_column_int64(st, 4);
	out->tokens_micro = sqlite3_column_int64(st, 5);
	out->filled_ms = sqlite3_column_int64(st, 6);
	out->last_ok_ms = sqlite3_column_int64(st, 7);
	out->last_error_ms = sqlite3_column_int64(st, 8);
	journal_db_copy_text(st, 9, out->last_error, sizeof(out->last_error));
}

enum err_code
journal_service_get(struct journal *j, const char *name,
    struct journal_service *out, bool *found, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->w, "SELECT " COLUMNS " FROM service WHERE name=?1", err);

	*found = false;
	memset(out, 0, sizeof(*out));
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, name);
	if (journal_db_row(&j->w, st, found, err) != ERR_NONE)
		return err->code;
	if (!*found)
		return ERR_NONE;
	service_row(st, out);
	(void)sqlite3_reset(st);
	return ERR_NONE;
}

enum err_code
journal_service_put(
    struct journal *j, const struct journal_service *s, struct err *err)
{
	sqlite3_stmt *st = journal_db_get(&j->w,
	    "INSERT OR REPLACE INTO service(" COLUMNS ") "
	    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
	    err);

	if (st == NULL)
		return err->code;
	journal_db_text(st, 1, s->name);
	journal_db_i64(st, 2, s->breaker);
	journal_db_i64(st, 3, s->failures);
	journal_db_blob(st, 4, s->boot, sizeof(s->boot));
	journal_db_i64(st, 5, s->since_ms);
	journal_db_i64(st, 6, s->tokens_micro);
	journal_db_i64(st, 7, s->filled_ms);
	journal_db_i64_or_null(st, 8, s->last_ok_ms);
	journal_db_i64_or_null(st, 9, s->last_error_ms);
	journal_db_text(
	    st, 10, s->last_error[0] != '\0' ? s->last_error : NULL);
	CRASH_POINT("journal.service.put");
	return journal_db_done(&j->w, st, err);
}

enum err_code
journal_read_services(struct journal *j,
    void (*fn)(void *arg, const struct journal_service *s), void *arg,
    struct err *err)
{
	sqlite3_stmt *st = journal_db_get(
	    &j->r, "SELECT " COLUMNS " FROM service ORDER BY name", err);
	bool row = true;

	while (st != NULL) {
		struct journal_service s = {0};

		if (journal_db_row(&j->r, st, &row, err) != ERR_NONE)
			return err->code;
		if (!row)
			return ERR_NONE;
		service_row(st, &s);
		fn(arg, &s);
	}
	return err->code;
}
