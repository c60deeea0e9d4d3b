#include "base/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
the_check_value_comes_out(void **state)
{
	uint8_t all[256];
	static const uint8_t zero[32];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_add(0, all, 256), 0x29058c73);
	assert_int_equal(crc32_add(0, zero, 32), 0x190a55ad);
	assert_int_equal(crc32_add(0, "", 0), 0);
}

static void
a_sum_goes_on_from_its_result(void **state)
{
	static const char text[] = "123456789";

	(void)state;
	for (size_t cut = 0; cut <= 9; cut++) {
		uint32_t crc = crc32_add(0, text, cut);

		crc = crc32_add(crc, text + cut, 9 - cut);
		assert_int_equal(crc, 0xcbf43926);
	}
}

static void
each_flipped_bit_shows(void **state)
{
	uint8_t slot[64] = {1, 2, 3};
	uint32_t good = crc32_add(0, slot, sizeof(slot));

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(slot); bit++) {
		slot[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_not_equal(crc32_add(0, slot, sizeof(slot)), good);
		slot[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_check_value_comes_out),
	    cmocka_unit_test(a_sum_goes_on_from_its_result),
	    cmocka_unit_test(each_flipped_bit_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
