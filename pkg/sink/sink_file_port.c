#include "base/mem.h"

#include "sink/sink_append.h"
#include "sink/sink_file.h"

struct sink_file {
	struct sink port;
	struct env *env;
	char *out_dir;
	struct env_file *lock; /* NULL: not held */
};

static enum err_code
op_lock(void *impl, struct err *err)
{
	struct sink_file *s = impl;
	enum err_code code = env_make_dirs(s->env, s->out_dir, err);

	if (code != ERR_NONE)
		return code;
	return sink_append_lock(s->env, s->out_dir, &s->lock, err);
}

static void
op_unlock(void *impl)
{
	struct sink_file *s = impl;

	env_close(s->env, &s->lock);
}

static enum err_code
op_render(
    void *impl, const struct sink_result *r, struct buf *line, struct err *err)
{
	struct sink_file *s = impl;
	struct sink_json_files made;
	enum err_code code =
	    sink_file_export(s->env, s->out_dir, r, &made, err);

	if (code == ERR_NONE)
		code = sink_json_render(r, &made, line, err);
	sink_json_files_fini(&made);
	return code;
}

static enum err_code
op_plan(void *impl, const struct sink_append_place *known,
    struct sink_append_place *next, enum sink_append_found *found,
    struct err *err)
{
	struct sink_file *s = impl;

	return sink_append_plan(s->env, s->out_dir, known, next, found, err);
}

static enum err_code
op_apply(void *impl, const struct sink_append_place *place, const void *bytes,
    size_t len, struct err *err)
{
	struct sink_file *s = impl;

	return sink_append_apply(s->env, s->out_dir, place, bytes, len, err);
}

static enum err_code
op_verify(void *impl, const struct sink_append_place *place, const void *bytes,
    size_t len, struct sink_append_place *next, enum sink_append_found *found,
    struct err *err)
{
	struct sink_file *s = impl;

	return sink_append_verify(
	    s->env, s->out_dir, place, bytes, len, next, found, err);
}

static void
op_free(void *impl)
{
	struct sink_file *s = impl;

	op_unlock(s);
	mem_free(&s->out_dir);
	mem_free(&s);
}

static const struct sink_ops ops = {
    .lock = op_lock,
    .unlock = op_unlock,
    .render = op_render,
    .plan = op_plan,
    .apply = op_apply,
    .verify = op_verify,
    .free = op_free,
};

struct sink *
sink_file_new(struct env *env, const char *out_dir)
{
	struct sink_file *s = mem_zalloc(1, sizeof(*s));

	s->env = env;
	s->out_dir = mem_strdup(out_dir);
	s->port.ops = &ops;
	s->port.impl = s;
	return &s->port;
}
