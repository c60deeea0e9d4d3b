#ifndef DSRUN_SINK_LOGTAIL_PRIV_H
#define DSRUN_SINK_LOGTAIL_PRIV_H

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

#include "sink/sink.h"

#define LOGTAIL_LINE_MAX (1 << 16)

/* One event and a newline; at_ms is its time when no call ended.
 * ERR_MALFORMED: the strings of the result are longer than a line may be. */
enum err_code sink_logtail_render(const struct sink_result *r,
    const char *event_id, int64_t at_ms, struct buf *line, struct err *err);

/* Append in gzip's format.  ERR_CONFIG: no zlib here. */
enum err_code sink_logtail_gzip(
    const void *bytes, size_t len, struct buf *out, struct err *err);

/* Whole lines at the end of dir/SINK_LOGTAIL_FILE, fsynced; half a line that a
 * crash left there is ended first. */
enum err_code sink_logtail_keep(struct env *env, const char *dir,
    const void *lines, size_t len, struct err *err);

#endif
