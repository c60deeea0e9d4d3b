#ifndef DSRUN_TESTS_FUZZ_H
#define DSRUN_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

/*
 * What the targets of tests/fuzz share.  A target is one file, fuzz_NAME.c,
 * with this one function, which gets bytes as an enemy or an accident may
 * write them and checks with CHECK what must hold of whatever comes of them.
 * It keeps nothing from one input to the next and touches no file.
 *
 * Linked with libFuzzer it searches for such bytes (make fuzz); linked with
 * replay.c it is an ordinary test over tests/fuzz/corpus/NAME.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* An error always says what is wrong, and says the same in both places. */
static inline void
fuzz_refused(enum err_code code, const struct err *err)
{
	CHECK(code > ERR_NONE && code < ERR_CODE_COUNT);
	CHECK(err->code == code);
	CHECK(err->text[0] != '\0');
	CHECK(memchr(err->text, '\0', sizeof(err->text)) != NULL);
}

/* An input read as numbers, for what takes no text; 0 when it is used up. */
struct fuzz_in {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t
fuzz_u8(struct fuzz_in *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint32_t
fuzz_u16(struct fuzz_in *in)
{
	uint32_t high = fuzz_u8(in);

	return high << 8 | fuzz_u8(in);
}

static inline int64_t
fuzz_i64(struct fuzz_in *in)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | fuzz_u8(in);
	return (int64_t)v;
}

#endif
