#include "term.h"

#include <sys/ioctl.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define DEFAULT_COLUMNS 80

static bool
wants_color(bool tty, enum term_color color)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (color != TERM_COLOR_AUTO)
		return color == TERM_COLOR_ON;
	return tty && (no == NULL || *no == '\0') && term != NULL &&
	       *term != '\0' && strcmp(term, "dumb") != 0;
}

static int
columns(void)
{
	struct winsize size;
	const char *text = getenv("COLUMNS");
	struct err err;
	int64_t n = DEFAULT_COLUMNS;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
			return size.ws_col;
	if (text != NULL)
		(void)text_i64(text, 20, 1000, &n, &err);
	return (int)n;
}

void
term_init(struct term *t, enum term_color color)
{
	const char *term = getenv("TERM");

	*t = (struct term){.out = stdout, .err = stderr};
	t->out_tty = isatty(STDOUT_FILENO) == 1;
	t->err_tty = isatty(STDERR_FILENO) == 1;
	t->in_tty = isatty(STDIN_FILENO) == 1;
	t->out_color = wants_color(t->out_tty, color);
	t->err_color = wants_color(t->err_tty, color);
	t->rich = (term != NULL && strstr(term, "256") != NULL) ||
		  getenv("COLORTERM") != NULL;
	t->columns = columns();
}

static bool
has_color(const struct term *t, const FILE *f)
{
	return f == t->out ? t->out_color : t->err_color;
}

const char *
term_on(const struct term *t, const FILE *f, enum term_paint paint)
{
	static const char *const codes[] = {[TERM_PLAIN] = "",
	    [TERM_BOLD] = "\033[1m",
	    [TERM_DIM] = "\033[2m",
	    [TERM_RED] = "\033[31m",
	    [TERM_GREEN] = "\033[32m",
	    [TERM_YELLOW] = "\033[33m",
	    [TERM_ORANGE] = "\033[38;5;208m"};

	if (!has_color(t, f))
		return "";
	/* Sixteen colours have no orange: bright red lies nearest. */
	if (paint == TERM_ORANGE && !t->rich)
		return "\033[91m";
	return codes[paint];
}

const char *
term_off(const struct term *t, const FILE *f)
{
	return has_color(t, f) ? "\033[0m" : "";
}

/* One character: its bytes and code point; bad bytes stand for themselves. */
static size_t
letter(const char *text, uint32_t *point)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t n = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	*point = p[0];
	if (n == 1 || !text_is_utf8(text, strnlen(text, n)) ||
	    strnlen(text, n) < n)
		return 1;
	*point = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++)
		*point = *point << 6 | (p[i] & 0x3fU);
	return n;
}

/* C0, DEL, C1, bytes that are no UTF-8, and marks that reorder a line. */
static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void
clean(struct buf *out, const char *text, bool keep_newline)
{
	uint32_t c;

	for (size_t n; *text != '\0'; text += n) {
		n = letter(text, &c);
		if (c == '\n' && keep_newline)
			buf_putc(out, '\n');
		else if (is_control(c) || (n == 1 && c >= 0x80))
			buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x",
			    (unsigned)c);
		else
			buf_put(out, text, n);
	}
}

void
term_clean_buf(struct buf *out, const char *text)
{
	clean(out, text, false);
}

void
term_clean(FILE *f, const char *text)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	clean(&b, text, true);
	(void)fwrite(buf_text(&b), 1, b.len, f);
	buf_free(&b);
}

/* Good enough for names: the blocks of East Asian letters, and emoji. */
static size_t
letter_width(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		size_t width;
	} blocks[] = {{0x300, 0x36f, 0}, {0x1100, 0x115f, 2},
	    {0x20d0, 0x20ff, 0}, {0x2e80, 0xa4cf, 2}, {0xac00, 0xd7a3, 2},
	    {0xf900, 0xfaff, 2}, {0xfe00, 0xfe0f, 0}, {0xfe30, 0xfe6f, 2},
	    {0xff00, 0xff60, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2}};

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		if (c >= blocks[i].first && c <= blocks[i].last)
			return blocks[i].width;
	return 1;
}

size_t
term_width(const char *text)
{
	size_t width = 0;
	uint32_t c;

	for (; *text != '\0'; text += letter(text, &c)) {
		(void)letter(text, &c);
		width += letter_width(c);
	}
	return width;
}

size_t
term_fit(const char *text, size_t fit)
{
	const char *p = text;
	size_t width = 0;
	uint32_t c;

	for (size_t n; *p != '\0'; p += n) {
		n = letter(p, &c);
		width += letter_width(c);
		if (width > fit)
			break;
	}
	return (size_t)(p - text);
}
