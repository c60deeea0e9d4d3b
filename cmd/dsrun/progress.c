#include "progress.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

#define LEAST_MS 100
#define BAR_MAX 30
#define BAR_LEAST 8

void
progress_init(
    struct progress *p, const struct term *term, const char *what, bool quiet)
{
	*p = (struct progress){.term = term, .what = what};
	p->on = !quiet && term->err_tty;
	p->first_ms = -1;
	p->last_ms = INT64_MIN;
}

static void append(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void
append(char *out, size_t size, const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out + n, size - n, fmt, ap);
	va_end(ap);
}

/* Whole seconds; above an hour whole minutes: nobody needs it finer. */
static const char *
eta_text(double seconds, char *out, size_t size)
{
	int64_t s = (int64_t)(seconds + 0.5);

	if (s < 100 * 3600)
		return text_of_duration(
		    s > 3600 ? s / 60 * 60000 : s * 1000, out, size);
	(void)snprintf(out, size, ">4d");
	return out;
}

static void
numbers(const struct progress *p, const struct progress_state *s,
    int64_t real_ms, char *out, size_t size)
{
	double seconds = (double)(real_ms - p->first_ms) / 1000.0;
	double done = (double)(s->done - p->first_done);
	double rate = seconds > 0 ? done / seconds : 0;
	char eta[32];

	*out = '\0';
	append(out, size, " %lld", (long long)s->done);
	if (s->total > 0)
		append(out, size, "/%lld %3d%%", (long long)s->total,
		    (int)(s->done * 100 / s->total));
	if (s->live >= 0)
		append(out, size, "  %lld live", (long long)s->live);
	if (rate > 0)
		append(out, size, "  %.1f/s", rate);
	if (rate > 0 && s->total > s->done)
		append(out, size, "  eta %s",
		    eta_text(
			(double)(s->total - s->done) / rate, eta, sizeof(eta)));
}

void
progress_line(const struct progress *p, const struct progress_state *s,
    int64_t real_ms, int columns, char *out, size_t size)
{
	char text[160];

	numbers(p, s, real_ms, text, sizeof(text));
	*out = '\0';
	append(out, size, "%s", p->what);
	int room = columns - 1 - (int)strlen(p->what) - (int)strlen(text) - 3;

	if (room > BAR_MAX)
		room = BAR_MAX;
	if (s->total > 0 && room >= BAR_LEAST) {
		int64_t full =
		    s->done >= s->total ? room : room * s->done / s->total;

		append(out, size, " [");
		for (int i = 0; i < room; i++)
			append(out, size, "%c", i < full ? '#' : '.');
		append(out, size, "]");
	}
	append(out, size, "%s", text);
	if (columns > 1 && strlen(out) >= (size_t)columns)
		out[columns - 1] = '\0';
}

void
progress_update(
    struct progress *p, const struct progress_state *s, int64_t real_ms)
{
	char line[320];

	if (!p->on)
		return;
	if (p->first_ms < 0) {
		p->first_ms = real_ms;
		p->first_done = s->done;
	}
	if (p->last_ms != INT64_MIN && real_ms - p->last_ms < LEAST_MS)
		return;
	progress_line(p, s, real_ms, p->term->columns, line, sizeof(line));
	/* The cursor goes back, so that a log line at least overwrites it. */
	(void)fprintf(p->term->err, "\r\033[K%s\r", line);
	(void)fflush(p->term->err);
	p->last_ms = real_ms;
	p->drawn = true;
}

void
progress_clear(struct progress *p)
{
	if (!p->drawn)
		return;
	(void)fputs("\r\033[K", p->term->err);
	(void)fflush(p->term->err);
	p->drawn = false;
}
