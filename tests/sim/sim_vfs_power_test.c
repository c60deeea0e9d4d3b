#include "sim_vfs_fix_test.h"

/* SQLite on the simulated disk: faults, deaths and power cuts at each call. */

struct cuts {
	long points, lost;
};

/* Power cuts at every call.  What was acknowledged must be there, unless
 * rows may be lost. */
static struct cuts
cut_everywhere(
    const char *mode, enum sim_device device, uint64_t seed, bool may_lose)
{
	struct cuts c = {0, 0};

	for (long n = 1;; n++) {
		struct sim_rand r = sim_rand_of(seed, (uint64_t)n);
		struct fix f;
		int acked, there, rc;

		begin(&f, NULL);
		gate_at(n, SIM_DEAD);
		rc = live(0, mode, &acked);
		if (!f.p[0].dead) {
			assert_int_equal(rc, SQLITE_OK);
			end(&f);
			return c;
		}
		c.points++;
		sim_disk_power_cut(f.disk, device, NULL, &r);
		there = look(1);
		/* Not even the sync before a checkpoint, so damage too. */
		if (!may_lose && (there < acked || there > acked + 1))
			fail_msg("device %d seed %d call %ld: %d rows were "
				 "committed, %d are there",
			    (int)device, (int)seed, n, acked, there);
		c.lost += there < acked;
		end(&f);
	}
}

static void
no_power_cut_takes_what_was_committed(void **state)
{
	static const char *const modes[] = {wal, rollback};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		long points = 0;

		for (int device = 0; device < SIM_DEVICE_COUNT; device++)
			for (uint64_t seed = 0; seed < 3; seed++)
				points += cut_everywhere(modes[i],
				    (enum sim_device)device, seed, false)
					      .points;
		print_message("%ld power cuts\n", points);
		assert_true(points > 1000);
	}
}

static void
a_sync_left_out_is_seen(void **state)
{
	long lost = 0;

	(void)state;
	sim_vfs_skip_sync("-wal");
	for (int device = 0; device < SIM_DEVICE_COUNT; device++) {
		struct cuts c =
		    cut_everywhere(wal, (enum sim_device)device, 1, true);

		assert_int_equal(c.lost > 0, device != SIM_DEVICE_KEEPS);
		lost += c.lost;
	}
	sim_vfs_skip_sync(NULL);
	/* FULL leaves the name of a finished rollback journal to chance. */
	assert_true(cut_everywhere("PRAGMA journal_mode=DELETE; "
				   "PRAGMA synchronous=FULL",
			SIM_DEVICE_DROPS, 1, true)
			.lost > 0);
	print_message("%ld power cuts took rows\n", lost);
}

/* --- faults ----------------------------------------------------------------
 */

static bool
is_clean(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_IOERR:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_CORRUPT:  /* what "unix" makes of EIO when reading */
	case SQLITE_READONLY: /* and of a stat that fails: moved away */
		return true;
	default:
		return false;
	}
}

/* Once, or from the n-th call on. */
static long
fail_everywhere(const char *mode, enum sim_order order, bool for_ever)
{
	for (long n = 1;; n++) {
		struct fix f;
		int acked, there, rc;
		bool hit;

		begin(&f, NULL);
		gate_at(n, order);
		gate.for_ever = for_ever;
		rc = live(0, mode, &acked);
		hit = gate.hits > 0 || gate.calls >= n;
		gate_at(0, SIM_GO);
		there = look(0);
		if (!is_clean(rc) || there < acked || there > acked + 1)
			fail_msg("order %d at call %ld: %d; %d rows were "
				 "committed, %d are there",
			    (int)order, n, rc, acked, there);
		end(&f);
		if (!hit)
			return n - 1;
	}
}

static void
a_fault_is_an_error_and_no_loss(void **state)
{
	static const enum sim_order orders[] = {
	    SIM_EIO, SIM_ENOSPC, SIM_EMFILE, SIM_SHORT};
	long calls = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		calls += fail_everywhere(wal, orders[i], false);
		calls += fail_everywhere(wal, orders[i], true);
		calls += fail_everywhere(rollback, orders[i], false);
	}
	print_message("%ld calls that failed\n", calls);
	assert_true(calls > 1000);
}

static void
a_full_disk_is_an_error_and_no_loss(void **state)
{
	int full = 0;

	(void)state;
	for (int64_t room = 0; room < 200000; room += 1500) {
		struct fix f;
		int acked, there, rc;

		begin(&f, NULL);
		sim_disk_set_capacity(f.disk, room);
		rc = live(0, wal, &acked);
		full += rc != SQLITE_OK;
		sim_disk_set_capacity(f.disk, 64 << 20);
		there = look(0);
		if (!is_clean(rc) || there < acked || there > acked + 1)
			fail_msg("room %d: %d; %d rows were committed, %d are "
				 "there",
			    (int)room, rc, acked, there);
		end(&f);
	}
	assert_true(full > 20);
}

/* --- others at each call ---------------------------------------------------
 */

static struct {
	struct fix *f;
	sqlite3 *db;
	int rows;
	bool kills;
} other;

static void
other_acts(struct sim_process *p, enum sim_op op, const char *path)
{
	(void)op;
	(void)path;
	if (other.kills)
		gate_kill(p);
	for (int i = 0; i < 4; i++)
		other.rows +=
		    exec(other.db, "INSERT INTO u VALUES(zeroblob(900))") ==
		    SQLITE_OK;
}

static long
meet_everywhere(bool kills)
{
	int done = 0;

	for (long n = 1;; n++) {
		struct fix f;
		int acked, there, rc;
		bool hit;

		begin(&f, NULL);
		other.f = &f;
		other.db = opened(1);
		other.rows = 0;
		other.kills = kills;
		must(other.db, "CREATE TABLE u(v)");
		gate_at(n, SIM_GO);
		gate.who = &f.p[0];
		gate.hook = other_acts;
		rc = live(0, wal, &acked);
		hit = gate.hits > 0;
		gate_at(0, SIM_GO);
		done += other.rows;
		if (kills && hit)
			assert_int_equal(other.rows, 4);
		other.rows +=
		    exec(other.db, "INSERT INTO u VALUES(1)") == SQLITE_OK;
		assert_int_equal(
		    number(other.db, "SELECT count(*) FROM u"), other.rows);
		assert_int_equal(sqlite3_close(other.db), SQLITE_OK);
		there = look(2);
		if (there < acked || there > acked + 1)
			fail_msg("call %ld: %d; %d rows were committed, %d are "
				 "there",
			    n, rc, acked, there);
		end(&f);
		if (!hit) {
			assert_int_equal(rc, SQLITE_OK);
			assert_true(done > n);
			return n - 1;
		}
	}
}

static void
others_run_in_the_middle_of_each_call(void **state)
{
	(void)state;
	assert_true(meet_everywhere(false) > 100);
}

static void
others_go_on_before_the_dead_unwind(void **state)
{
	(void)state;
	assert_true(meet_everywhere(true) > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_power_cut_takes_what_was_committed),
	    cmocka_unit_test(a_sync_left_out_is_seen),
	    cmocka_unit_test(a_fault_is_an_error_and_no_loss),
	    cmocka_unit_test(a_full_disk_is_an_error_and_no_loss),
	    cmocka_unit_test(others_run_in_the_middle_of_each_call),
	    cmocka_unit_test(others_go_on_before_the_dead_unwind),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
