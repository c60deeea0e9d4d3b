#ifndef DSRUN_BASE_COVER_TEST_H
#define DSRUN_BASE_COVER_TEST_H

/*
 * For tests that end a process by _exit or SIGKILL: what it ran counts in a
 * build made with --coverage all the same, if this is called just before.
 * In any other build it does nothing.
 */
extern void __gcov_dump(void) __attribute__((weak));

static inline void
cover_keep(void)
{
	if (__gcov_dump != NULL)
		__gcov_dump();
}

#endif
