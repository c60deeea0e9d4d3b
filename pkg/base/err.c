#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
	const char *name;
	const char *text;
	enum err_class cls;
} table[ERR_CODE_COUNT] = {
#define X(code_, cls_, text_) [code_] = {#code_, text_, cls_},
    ERR_CODES(X)
#undef X
};

enum err_code
err_set(struct err *err, enum err_code code, int sys, const char *fmt, ...)
{
	CHECK(err != NULL);
	CHECK(code != ERR_NONE && code < ERR_CODE_COUNT);

	err->code = code;
	err->sys = sys;

	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);

	return code;
}

enum err_code
err_sys(struct err *err, int sys_errno, const char *fmt, ...)
{
	enum err_code code = sys_errno == ENOSPC || sys_errno == EDQUOT
				 ? ERR_SPACE
			     : sys_errno == ENOENT ? ERR_NOT_FOUND
						   : ERR_IO;
	char where[ERR_TEXT_MAX / 2];
	char why[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);

	return err_set(err, code, sys_errno, "%s: %s", where,
	    strerror_r(sys_errno, why, sizeof(why)));
}

enum err_code
err_wrap(struct err *err, const char *fmt, ...)
{
	CHECK(err != NULL);
	CHECK(err->code != ERR_NONE);

	char where[ERR_TEXT_MAX / 2];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);

	/* The newest prefix is kept whole; the oldest text loses its tail. */
	size_t head = strlen(where) + 2;
	size_t tail = strnlen(err->text, ERR_TEXT_MAX - 1 - head);
	memmove(err->text + head, err->text, tail);
	memcpy(err->text, where, head - 2);
	memcpy(err->text + head - 2, ": ", 2);
	err->text[head + tail] = '\0';

	return err->code;
}

enum err_class
err_class(enum err_code code)
{
	CHECK(code < ERR_CODE_COUNT);

	return table[code].cls;
}

const char *
err_name(enum err_code code)
{
	CHECK(code < ERR_CODE_COUNT);

	return table[code].name;
}
