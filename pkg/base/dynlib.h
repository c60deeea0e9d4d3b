#ifndef DSRUN_BASE_DYNLIB_H
#define DSRUN_BASE_DYNLIB_H

#include "base/err.h"

/*
 * A library that is loaded when it is first needed, not when the program
 * starts: an idle cron tick must not pay for libcurl or libmongoc.  The
 * package that owns the library compiles against its headers and calls it
 * through a table of pointers:
 *
 *	static struct {
 *		__typeof__(curl_easy_init) *easy_init;
 *	} curl;
 *	static const struct dynlib_symbol symbols[] = {
 *	    {"curl_easy_init", &curl.easy_init}, {NULL, NULL}};
 *
 * What was loaded stays for the life of the process: libraries leave threads
 * and exit handlers behind.  Opening again costs a look-up a symbol and
 * changes nothing, but two threads may not do it at the same time for one
 * table.
 */

struct dynlib_symbol {
	const char *name; /* NULL ends the table */
	void *slot;       /* address of the pointer that is filled in */
};

/*
 * Loads the first of sonames (ended by NULL) that is there and has all of the
 * symbols, and fills in the table.  ERR_CONFIG when there is none: every
 * pointer is as it was, and the text names the library and the Debian package
 * that has it, which a person would have to install.
 */
enum err_code dynlib_open(const char *const *sonames, const char *package,
    const struct dynlib_symbol *symbols, struct err *err);

#endif
