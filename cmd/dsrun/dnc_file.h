#ifndef DSRUN_CMD_DNC_FILE_H
#define DSRUN_CMD_DNC_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"

/*
 * A list of numbers out of a file: one a line, or CSV (comma, semicolon or
 * tab) whose header names the column phone or number; without a header the
 * first column counts.  Empty lines and those that begin with # are passed
 * over.  A line that is no number is refused, the others go on.
 */

#define DNC_FILE_BYTES_MAX ((size_t)256 << 20)
#define DNC_LINE_BYTES_MAX 4096

struct dnc_refused {
	int64_t line;
	char why[160];
};

struct dnc_file {
	int64_t *numbers;
	size_t count;
	struct dnc_refused *refused;
	size_t refused_count;
};

/*
 * Add what path holds, "-" is standard input.  prefix ("+1"; NULL: none) is
 * put before numbers without a plus.  ERR_NOT_FOUND, ERR_IO; ERR_USAGE for a
 * prefix that is none; ERR_MALFORMED: too large, or no column to take.
 */
enum err_code dnc_file_read(struct env *env, const char *path,
    const char *prefix, struct dnc_file *out, struct err *err);
void dnc_file_add(struct dnc_file *f, int64_t number);
void dnc_file_free(struct dnc_file *f); /* repeatable */

/* One number, as the file's are read. */
enum err_code dnc_number(const char *text, size_t len, const char *prefix,
    int64_t *out, struct err *err);

#endif
