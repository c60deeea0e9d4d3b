#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/crc32.h"
#include "base/mem.h"

#include "journal/journal_priv.h"

/*
 * journal.lock: a random id in the first 512 bytes, then the mark's two slots
 * of 512 bytes and its anchor, likewise.  Its bytes 0 and 1 are also the locks:
 * 0 the write lock, 1 the turnstile, which is taken first and given back once 0
 * is held, so that a busy process cannot starve one that polls.
 *
 * If this process dies anywhere here the kernel drops both locks, and the
 * mark is at worst one group older than the journal, which is harmless.
 *
 * The slots are not synced, so a power cut may take them back, or spoil both.
 * The anchor is a third slot that is written seldom, and only while the other
 * two are on the disk; so one of the three is always whole, and it is older,
 * which is harmless too.
 */

#define SLOT_OFFSET 512
#define SLOT_BYTES 512
#define SLOTS 3 /* the two in turn, and the anchor */
#define BYTE_LOCK 0
#define BYTE_TURNSTILE 1
#define POLL_FIRST_US 50
#define POLL_MOST_US 2000

static const char magic[8] = "dsrmark";

enum err_code
journal_lock_open(struct journal_lock *l, struct env *env, const char *dir,
    bool create, struct err *err)
{
	struct env_stat st;
	enum err_code code;

	memset(l, 0, sizeof(*l));
	l->env = env;
	l->path = mem_printf("%s/journal.lock", dir);
	code = env_open(env, l->path,
	    ENV_READ | ENV_WRITE | (create ? ENV_CREATE : 0U), &l->file, err);
	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s is missing: see `dsrun help adopt`", l->path);
	if (code == ERR_NONE)
		code = env_fstat(env, l->file, &st, err);
	if (code == ERR_NONE)
		l->inode = st.inode;
	return code;
}

void
journal_lock_close(struct journal_lock *l)
{
	if (l->env != NULL)
		env_close(l->env, &l->file);
	mem_free(&l->path);
	l->held = false;
}

static enum err_code
poll_byte(
    struct journal_lock *l, int64_t byte, int64_t until_ms, struct err *err)
{
	int64_t pause_us = POLL_FIRST_US;
	enum err_code code;

	while (
	    (code = env_lock(l->env, l->file, byte, true, err)) == ERR_BUSY) {
		if (env_real_boot_ms(l->env) >= until_ms)
			return code;
		env_pause(l->env, pause_us);
		if (pause_us < POLL_MOST_US)
			pause_us *= 2;
	}
	return code;
}

enum err_code
journal_lock_take(struct journal_lock *l, int64_t wait_ms, struct err *err)
{
	int64_t until_ms = env_real_boot_ms(l->env) + wait_ms;
	struct err ignored;
	enum err_code code;

	CHECK(!l->held);
	code = poll_byte(l, BYTE_TURNSTILE, until_ms, err);
	if (code == ERR_NONE) {
		code = poll_byte(l, BYTE_LOCK, until_ms, err);
		(void)env_unlock(l->env, l->file, BYTE_TURNSTILE, &ignored);
	}
	if (code == ERR_BUSY) {
		(void)journal_mark_read(l, &ignored);
		return err_set(err, ERR_BUSY, 0,
		    "the journal's write lock was held for %lld s, last by "
		    "process %lld: try again, or see what that process does",
		    (long long)(wait_ms / 1000), (long long)l->mark.pid);
	}
	l->held = code == ERR_NONE;
	return code;
}

void
journal_lock_give(struct journal_lock *l)
{
	struct err ignored;

	if (!l->held)
		return;
	l->held = false;
	(void)env_unlock(l->env, l->file, BYTE_LOCK, &ignored);
}

static void
put64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* magic 8, stamp 8, journal 16, incarnation 8, commits 8, seq 8, hash 32,
 * pid 8, boot 16, flags 8, zeros, CRC-32 of all before it in the last 8. */
static void
mark_pack(const struct journal_mark *m, uint8_t b[SLOT_BYTES])
{
	memset(b, 0, SLOT_BYTES);
	memcpy(b, magic, 8);
	put64(b + 8, m->stamp);
	memcpy(b + 16, m->journal, 16);
	memcpy(b + 32, m->incarnation, 8);
	put64(b + 40, (uint64_t)m->commits);
	put64(b + 48, (uint64_t)m->seq);
	memcpy(b + 56, m->hash, 32);
	put64(b + 88, (uint64_t)m->pid);
	memcpy(b + 96, m->boot, 16);
	put64(b + 112, m->flags);
	put64(b + SLOT_BYTES - 8, crc32_add(0, b, 128));
}

static bool
mark_unpack(const uint8_t b[SLOT_BYTES], struct journal_mark *m)
{
	if (memcmp(b, magic, 8) != 0 ||
	    get64(b + SLOT_BYTES - 8) != crc32_add(0, b, 128))
		return false;
	m->stamp = get64(b + 8);
	memcpy(m->journal, b + 16, 16);
	memcpy(m->incarnation, b + 32, 8);
	m->commits = (int64_t)get64(b + 40);
	m->seq = (int64_t)get64(b + 48);
	memcpy(m->hash, b + 56, 32);
	m->pid = (int64_t)get64(b + 88);
	memcpy(m->boot, b + 96, 16);
	m->flags = (uint32_t)get64(b + 112);
	return true;
}

enum err_code
journal_mark_read(struct journal_lock *l, struct err *err)
{
	uint8_t b[SLOTS * SLOT_BYTES] = {0};
	struct journal_mark m;
	size_t got = 0;

	if (env_pread(l->env, l->file, b, sizeof(b), SLOT_OFFSET, &got, err) !=
	    ERR_NONE)
		return err->code;
	memset(&l->mark, 0, sizeof(l->mark));
	for (size_t i = 0; i < SLOTS; i++) {
		bool whole = mark_unpack(b + i * SLOT_BYTES, &m);

		if (i == SLOTS - 1)
			l->anchored = whole;
		if (whole && m.stamp > l->mark.stamp)
			l->mark = m;
	}
	return ERR_NONE;
}

static enum err_code
slot_write(struct journal_lock *l, int64_t slot, struct err *err)
{
	uint8_t b[SLOT_BYTES];

	mark_pack(&l->mark, b);
	return env_pwrite(l->env, l->file, b, sizeof(b),
	    SLOT_OFFSET + SLOT_BYTES * slot, err);
}

enum err_code
journal_mark_write(struct journal_lock *l, struct err *err)
{
	CHECK(l->held);
	l->mark.stamp++;
	CRASH_POINT("journal.mark.before");
	enum err_code code = slot_write(l, (int64_t)(l->mark.stamp % 2), err);

	CRASH_POINT("journal.mark.written");
	/* The very first one has nothing older to fall back to, nor has who
	 * comes after one that died here. */
	if (code == ERR_NONE && !l->anchored)
		code = journal_mark_anchor(l, err);
	return code;
}

enum err_code
journal_mark_anchor(struct journal_lock *l, struct err *err)
{
	enum err_code code = journal_mark_sync(l, err);

	CHECK(l->held);
	CRASH_POINT("journal.mark.synced");
	if (code == ERR_NONE)
		code = slot_write(l, SLOTS - 1, err);
	if (code == ERR_NONE)
		code = journal_mark_sync(l, err);
	CRASH_POINT("journal.mark.anchored");
	l->anchored = code == ERR_NONE;
	return code;
}

enum err_code
journal_mark_flags(
    struct journal_lock *l, uint32_t set, uint32_t clear, struct err *err)
{
	l->mark.flags = (l->mark.flags | set) & ~clear;
	l->mark.pid = l->env->pid;
	enum err_code code = journal_mark_write(l, err);

	/* An anchor of another incarnation would be no help. */
	return code == ERR_NONE ? journal_mark_anchor(l, err) : code;
}

enum err_code
journal_mark_sync(struct journal_lock *l, struct err *err)
{
	return env_sync(l->env, l->file, err);
}
