#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void *
mem_zalloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	CHECK(p != NULL);
	return p;
}

void *
mem_realloc(void *old, size_t n, size_t size)
{
	CHECK(size == 0 || n <= SIZE_MAX / size);
	void *p = realloc(old, n * size > 0 ? n * size : 1);

	CHECK(p != NULL);
	return p;
}

void *
mem_dup(const void *bytes, size_t len)
{
	void *p = mem_zalloc(len, 1);

	if (len > 0)
		memcpy(p, bytes, len);
	return p;
}

char *
mem_strdup(const char *text)
{
	return text != NULL ? mem_strndup(text, strlen(text)) : NULL;
}

char *
mem_strndup(const char *text, size_t len)
{
	char *p = mem_zalloc(len + 1, 1);

	memcpy(p, text, len);
	return p;
}

char *
mem_printf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int len = vasprintf(&text, fmt, ap);
	va_end(ap);
	CHECK(len >= 0 && text != NULL);
	return text;
}

void
mem_drop(void *old)
{
	free(old);
}

void
mem_trim(void)
{
	(void)malloc_trim(0);
}

void
mem_wipe(void *bytes, size_t len)
{
	explicit_bzero(bytes, len);
}
