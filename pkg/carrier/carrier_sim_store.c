#include "carrier/carrier_sim_store.h"

#include <string.h>

#include "base/check.h"
#include "base/crash.h"
#include "base/mem.h"

#define LOCK_WAIT_MS 10000
#define LOCK_POLL_US 200
#define CHUNK (256 << 10)
#define SLOT 16

enum err_code
carrier_sim_store_open(struct carrier_sim_store *s, struct env *env,
    const char *dir, bool create, struct err *err)
{
	unsigned make = create ? ENV_CREATE : 0;
	enum err_code code = ERR_NONE;

	*s = (struct carrier_sim_store){.env = env,
	    .out =
		BUF_INIT((CARRIER_SIM_LINES_MAX + 1) * CARRIER_SIM_LINE_MAX)};
	s->log_path = mem_printf("%s/calls.jsonl", dir);
	s->lock_path = mem_printf("%s/calls.lock", dir);
	if (create)
		code = env_make_dirs(env, dir, err);
	if (code == ERR_NONE && create)
		code = env_open(env, s->lock_path, ENV_READ | ENV_WRITE | make,
		    &s->lock, err);
	if (code == ERR_NONE)
		code = env_open(env, s->log_path,
		    create ? ENV_READ | ENV_APPEND | make : ENV_READ, &s->log,
		    err);
	if (code == ERR_NONE)
		s->chunk = mem_realloc(NULL, 1, CHUNK);
	else
		carrier_sim_store_close(s);
	return code;
}

void
carrier_sim_store_close(struct carrier_sim_store *s)
{
	if (s->env != NULL) {
		env_close(s->env, &s->log);
		env_close(s->env, &s->lock);
	}
	mem_free(&s->log_path);
	mem_free(&s->lock_path);
	mem_free(&s->chunk);
	buf_free(&s->out);
	s->locked = false;
	s->line = 0;
}

/* A step on a file that others no longer see would let a phone ring twice. */
static enum err_code
check_there(struct carrier_sim_store *s, struct err *err)
{
	struct env_stat st;
	enum err_code code = env_fstat(s->env, s->lock, &st, err);

	if (code == ERR_NONE && st.links == 0)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s: removed while in use; end every dsrun of this "
		    "directory before touching sim/",
		    s->lock_path);
	if (code == ERR_NONE)
		code = env_fstat(s->env, s->log, &st, err);
	if (code == ERR_NONE && (st.links == 0 || st.size_bytes < s->offset))
		return err_set(err, ERR_DAMAGED, 0,
		    "%s: removed or shortened while in use; end every dsrun of "
		    "this directory before touching sim/",
		    s->log_path);
	if (code == ERR_NONE)
		s->size = st.size_bytes;
	return code;
}

enum err_code
carrier_sim_store_lock(struct carrier_sim_store *s, struct err *err)
{
	int64_t give_up = env_real_boot_ms(s->env) + LOCK_WAIT_MS;
	enum err_code code;

	CHECK(!s->locked && s->lock != NULL);
	while ((code = env_lock(s->env, s->lock, 0, true, err)) == ERR_BUSY) {
		if (env_real_boot_ms(s->env) >= give_up)
			return err_wrap(err,
			    "the simulated network's lock was not free within "
			    "%d s; is a dsrun stopped (SIGSTOP)?",
			    LOCK_WAIT_MS / 1000);
		env_pause(s->env, LOCK_POLL_US);
	}
	if (code != ERR_NONE)
		return code;
	s->locked = true;
	code = check_there(s, err);
	if (code != ERR_NONE)
		carrier_sim_store_unlock(s);
	return code;
}

void
carrier_sim_store_unlock(struct carrier_sim_store *s)
{
	struct err ignored;

	CHECK(s->locked);
	s->locked = false;
	/* If this fails the file is gone with its locks. */
	(void)env_unlock(s->env, s->lock, 0, &ignored);
}

static enum err_code
read_line(struct carrier_sim_store *s, const char *text, size_t len,
    carrier_sim_each_fn each, void *arg, struct err *err)
{
	struct carrier_sim_line line;
	enum err_code code = carrier_sim_line_parse(text, len, &line, err);

	s->number++;
	if (code == ERR_NONE && line.line > s->line_max)
		s->line_max = line.line;
	if (code == ERR_NONE)
		code = each(arg, &line, err);
	if (code == ERR_NONE)
		return ERR_NONE;
	(void)err_wrap(err, "%s:%lld", s->log_path, (long long)s->number);
	if (code == ERR_MALFORMED)
		err->code = ERR_DAMAGED;
	return err->code;
}

/* All whole lines of the chunk; *used says how far they went. */
static enum err_code
read_chunk(struct carrier_sim_store *s, size_t got, carrier_sim_each_fn each,
    void *arg, size_t *used, struct err *err)
{
	enum err_code code = ERR_NONE;
	const char *end;

	*used = 0;
	while (code == ERR_NONE &&
	       (end = memchr(s->chunk + *used, '\n', got - *used)) != NULL) {
		const char *begin = s->chunk + *used;

		code =
		    read_line(s, begin, (size_t)(end - begin), each, arg, err);
		if (code == ERR_NONE)
			*used += (size_t)(end - begin) + 1;
	}
	return code;
}

enum err_code
carrier_sim_store_read(struct carrier_sim_store *s, carrier_sim_each_fn each,
    void *arg, struct err *err)
{
	enum err_code code = ERR_NONE;
	size_t got;
	size_t used;

	if (s->locked && s->size == s->offset)
		return ERR_NONE;
	do {
		code = env_pread(
		    s->env, s->log, s->chunk, CHUNK, s->offset, &got, err);
		if (code != ERR_NONE || got == 0)
			return code;
		code = read_chunk(s, got, each, arg, &used, err);
		if (code != ERR_NONE)
			return code;
		s->offset += (int64_t)used;
	} while (used > 0 && got == CHUNK);

	if (used < got && got - used > CARRIER_SIM_LINE_MAX)
		return err_set(err, ERR_DAMAGED, 0,
		    "%s:%lld: no newline within %d bytes", s->log_path,
		    (long long)s->number + 1, CARRIER_SIM_LINE_MAX);
	if (used < got && s->locked) {
		CRASH_POINT("sim.log.torn");
		code = env_truncate(s->env, s->log, s->offset, err);
	}
	return code;
}

void
carrier_sim_store_put(
    struct carrier_sim_store *s, const struct carrier_sim_line *line)
{
	CHECK(s->locked && s->put < CARRIER_SIM_LINES_MAX);
	carrier_sim_line_put(&s->out, line);
	s->put++;
}

enum err_code
carrier_sim_store_write(struct carrier_sim_store *s, struct err *err)
{
	struct err ignored;
	enum err_code code = ERR_NONE;

	CHECK(s->locked);
	if (s->put > 0)
		code =
		    env_append(s->env, s->log, s->out.bytes, s->out.len, err);
	if (code == ERR_NONE) {
		s->offset += (int64_t)s->out.len;
		s->number += s->put;
	} else {
		(void)env_truncate(s->env, s->log, s->offset, &ignored);
	}
	buf_clear(&s->out);
	s->put = 0;
	return code;
}

enum err_code
carrier_sim_store_append(struct carrier_sim_store *s,
    const struct carrier_sim_line *line, struct err *err)
{
	carrier_sim_store_put(s, line);
	return carrier_sim_store_write(s, err);
}

enum err_code
carrier_sim_store_take_line(struct carrier_sim_store *s, struct err *err)
{
	static const uint8_t never[SLOT] = {0};
	struct env_stat st;
	enum err_code code;

	if (s->line != 0)
		return ERR_NONE;
	CHECK(s->locked);
	code = env_fstat(s->env, s->lock, &st, err);
	if (code != ERR_NONE)
		return code;

	/* Never one that was used before: its calls would seem attended. */
	int64_t line = s->line_max + 1;
	if (line < (st.size_bytes + SLOT - 1) / SLOT)
		line = (st.size_bytes + SLOT - 1) / SLOT;
	code = env_lock(s->env, s->lock, line, true, err);
	if (code == ERR_NONE)
		code = env_pwrite(
		    s->env, s->lock, never, sizeof(never), line * SLOT, err);
	if (code == ERR_NONE)
		s->line = line;
	return code;
}

bool
carrier_sim_store_line_lives(struct carrier_sim_store *s, int64_t line)
{
	struct err err;

	CHECK(s->locked);
	if (line <= 0)
		return false;
	if (line == s->line)
		return true;
	/* Whoever asks holds byte 0, so that two askers never meet here. */
	if (env_lock(s->env, s->lock, line, true, &err) != ERR_NONE)
		return true;
	(void)env_unlock(s->env, s->lock, line, &err);
	return false;
}

void
carrier_sim_store_note_sound(struct carrier_sim_store *s, int64_t at_ms)
{
	struct err ignored;
	uint8_t bytes[8];

	if (s->line == 0)
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((uint64_t)at_ms >> 8 * i);
	/* Lost, it only lets an abandoned callee hang up a little sooner. */
	(void)env_pwrite(
	    s->env, s->lock, bytes, sizeof(bytes), s->line * SLOT, &ignored);
}

int64_t
carrier_sim_store_sound(struct carrier_sim_store *s, int64_t line)
{
	struct err ignored;
	uint8_t bytes[8];
	uint64_t at = 0;
	size_t got = 0;

	if (line <= 0 ||
	    env_pread(s->env, s->lock, bytes, sizeof(bytes), line * SLOT, &got,
		&ignored) != ERR_NONE ||
	    got != sizeof(bytes))
		return 0;
	for (size_t i = sizeof(bytes); i-- > 0;)
		at = at << 8 | bytes[i];
	return (int64_t)at;
}
