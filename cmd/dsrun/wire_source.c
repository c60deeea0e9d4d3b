#include "wire_source.h"

#include <string.h>

#include "base/mem.h"

#include "source/source_file.h"
#include "source/source_spool.h"
#include "source/source_watch.h"

#define MAPS_MAX 64

struct wire_source {
	const char **kinds;
	char *rejects_dir, *spool_dir;
	struct source_map maps[MAPS_MAX];
	size_t map_count;
	struct source_file *file;
	struct source_watch_options watch;
	struct source *port;
};

static const char **
kinds_of(const struct conf *conf)
{
	const char **kinds = mem_zalloc(conf->kind_count + 1, sizeof(*kinds));

	for (size_t i = 0; i < conf->kind_count; i++)
		kinds[i] = conf->kinds[i].name;
	return kinds;
}

static struct source_rules
rules_of(const struct conf *conf, const char **kinds, const char *kind)
{
	return (struct source_rules){.source = SOURCE_FILE_NAME,
	    .kinds = kinds,
	    .default_kind = kind != NULL ? kind : conf->default_kind};
}

static struct wire_source *
source_new(const struct conf *conf)
{
	struct wire_source *s = mem_zalloc(1, sizeof(*s));

	s->kinds = kinds_of(conf);
	s->rejects_dir = mem_printf("%s/rejects", conf->dir);
	return s;
}

static enum err_code
maps_read(
    struct wire_source *s, const struct wire_file_options *o, struct err *err)
{
	for (; s->map_count < o->map_count; s->map_count++) {
		if (s->map_count == MAPS_MAX)
			return err_set(
			    err, ERR_USAGE, 0, "more than %d --map", MAPS_MAX);
		if (source_map_parse(o->maps[s->map_count],
			&s->maps[s->map_count], err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

enum err_code
wire_source_file(struct ctx *ctx, const struct conf *conf,
    const struct wire_file_options *o, struct wire_source **out,
    struct err *err)
{
	struct wire_source *s = source_new(conf);
	struct source_file_options fo = {.env = ctx->env,
	    .path = o->path,
	    .read = o->read,
	    .read_arg = o->read_arg,
	    .name = o->name,
	    .rejects_dir = s->rejects_dir,
	    .format = o->format == NULL               ? SOURCE_FORMAT_AUTO
		      : strcmp(o->format, "csv") == 0 ? SOURCE_FORMAT_CSV
						      : SOURCE_FORMAT_JSONL,
	    .maps = s->maps,
	    .line_bytes = (size_t)conf->limits.line_bytes,
	    .rules = rules_of(conf, s->kinds, o->default_kind)};
	enum err_code code = maps_read(s, o, err);

	fo.map_count = s->map_count;
	if (code == ERR_NONE)
		code = source_file_open(&fo, &s->file, err);
	if (code == ERR_NONE)
		s->port = source_file_source(s->file);
	else
		wire_source_free(&s);
	*out = s;
	return code;
}

struct wire_source *
wire_source_spool(struct ctx *ctx, const struct conf *conf)
{
	struct wire_source *s = source_new(conf);

	s->spool_dir = mem_printf("%s/spool", conf->dir);
	s->watch = (struct source_watch_options){.spool_dir = s->spool_dir,
	    .settle_ms = conf->spool_settle_ms,
	    .file = {.env = ctx->env,
		.rejects_dir = s->rejects_dir,
		.line_bytes = (size_t)conf->limits.line_bytes,
		.rules = rules_of(conf, s->kinds, NULL)}};
	s->port = source_watch_new(&s->watch);
	return s;
}

struct source *
wire_source_port(struct wire_source *s)
{
	return s->port;
}

void
wire_source_free(struct wire_source **sp)
{
	struct wire_source *s = *sp;

	if (s == NULL)
		return;
	if (s->file != NULL)
		source_file_free(&s->file);
	else if (s->port != NULL)
		s->port->ops->free(s->port->impl);
	for (size_t i = 0; i < s->map_count; i++)
		source_map_fini(&s->maps[i]);
	mem_free(&s->spool_dir);
	mem_free(&s->rejects_dir);
	mem_free(&s->kinds);
	mem_free(sp);
}

enum err_code
wire_source_make_spool(struct ctx *ctx, const char *dir, struct err *err)
{
	struct source_spool *spool = NULL;
	char *path = mem_printf("%s/spool", dir);
	enum err_code code = source_spool_open(ctx->env, path, 0, &spool, err);

	source_spool_close(&spool);
	mem_free(&path);
	return code == ERR_BUSY ? ERR_NONE : code;
}

enum err_code
wire_source_one(struct ctx *ctx, const struct conf *conf,
    const char *default_kind, const char *const *names,
    const char *const *values, size_t count, struct source_job **out,
    struct err *err)
{
	const char **kinds = kinds_of(conf);
	struct source_rules rules = rules_of(conf, kinds, default_kind);
	enum err_code code =
	    source_file_one(&rules, names, values, count, out, err);

	(void)ctx;
	mem_free(&kinds);
	return code;
}
