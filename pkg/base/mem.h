#ifndef DSRUN_BASE_MEM_H
#define DSRUN_BASE_MEM_H

#include <stddef.h>

/*
 * Memory that cannot fail: running out aborts the process, and the journal
 * recovers (DESIGN: every outside input has a byte limit that is checked
 * first).  What these return is released by mem_free.
 */

/* n items of size bytes, zeroed.  Never NULL, also for 0. */
void *mem_zalloc(size_t n, size_t size) __attribute__((returns_nonnull));
void *mem_realloc(void *old, size_t n, size_t size)
    __attribute__((returns_nonnull));
void *mem_dup(const void *bytes, size_t len) __attribute__((returns_nonnull));

/* NULL stays NULL. */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), returns_nonnull));

/* NULL-safe; sets the caller's pointer to NULL: mem_free(&x). */
#define mem_free(pp)             \
	do {                     \
		mem_drop(*(pp)); \
		*(pp) = NULL;    \
	} while (0)
void mem_drop(void *old);

/* Give memory that is free back to the system: once a time of much work is
 * over, for it takes a millisecond. */
void mem_trim(void);

/* Overwrite a secret so that no compiler drops the write. */
void mem_wipe(void *bytes, size_t len);

#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
