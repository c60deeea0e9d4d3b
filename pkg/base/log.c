#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#define DAY_MS INT64_C(86400000)
#define FIELD_MAX 1024 /* bytes of one text, before escaping */
/*
 * Bytes of a line.  Far below what a file system takes in one piece, so that
 * O_APPEND keeps the lines of several processes whole.
 */
#define LINE_MAX_BYTES 16384
/* Gathered lines in one write. */
#define GATHER_BYTES 32768
#define NAMES_MAX (256 * 1024) /* of old files removed at one open */
#define FILES_A_DAY 10000

struct log {
	struct env *env;
	struct log_options options;
	char *dir; /* NULL: no files */
	struct env_file *file;
	char *path;
	uint64_t inode; /* of file */
	int64_t day;    /* of file */
	bool torn;      /* the file's last byte is not known to be a newline */
	bool complained;
	struct buf out; /* a newline, then lines that are not written yet */
	int64_t out_day;
	struct env_post turn;
};

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

enum err_code
log_level_parse(const char *text, enum log_level *out, struct err *err)
{
	for (size_t i = 0; levels[i] != NULL; i++)
		if (strcmp(text, levels[i]) == 0) {
			*out = (enum log_level)i;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "expected debug, info, warn or error, got \"%.40s\"", text);
}

/* Short numbers keep less: of 911 nothing, of 5 to 7 signs the last two. */
const char *
log_mask_phone(const char *phone, char out[24])
{
	size_t len = strlen(phone);
	size_t n = len < 23 ? len : 23;
	size_t head = len < 8 ? 0 : 3;
	size_t tail = len < 5 ? 0 : 2;

	for (size_t i = 0; i < n; i++) {
		char c = '*';

		if (i < head)
			c = phone[i];
		else if (i >= n - tail)
			c = phone[len - (n - i)];
		out[i] =
		    (c >= '0' && c <= '9') || (c == '+' && i == 0) ? c : '*';
	}
	out[n] = '\0';
	return out;
}

/* The length of text without a character cut in two at max. */
static size_t
length_within(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	len = max;
	while (len > max - 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Bytes of the well-formed character at p, 0 when it is none. */
static size_t
character(const char *p, size_t left)
{
	for (size_t n = 1; n <= 4 && n <= left; n++)
		if (text_is_utf8(p, n))
			return n;
	return 0;
}

/* How much of it is letters that stand for themselves. */
static size_t
plain(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' &&
	       text[n] != '\\')
		n++;
	return n;
}

/* As JSON, whatever the bytes are: what is no UTF-8 becomes U+FFFD. */
static void
put_quoted(struct buf *b, const char *text)
{
	size_t len = length_within(text, FIELD_MAX);
	size_t n;
	char word[64];

	/* Nearly all are a short word. */
	if (len + 2 <= sizeof(word) && plain(text, len) == len) {
		word[0] = '"';
		memcpy(word + 1, text, len);
		word[len + 1] = '"';
		buf_put(b, word, len + 2);
		return;
	}
	buf_putc(b, '"');
	for (size_t i = 0; i < len; i += n) {
		unsigned char c = (unsigned char)text[i];

		n = plain(text + i, len - i);
		if (n > 0) {
			buf_put(b, text + i, n);
			continue;
		}
		n = 1;
		if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\u%04x", c);
		} else if ((n = character(text + i, len - i)) > 0) {
			buf_put(b, text + i, n);
		} else {
			buf_puts(b, "\\ufffd");
			n = 1;
		}
	}
	buf_putc(b, '"');
}

static void
put_value(struct buf *b, const struct log_field *f)
{
	char masked[24];

	if (f->kind == LOG_KIND_INT) {
		buf_put_i64(b, f->number);
		return;
	}
	if (f->text == NULL) {
		buf_puts(b, "null");
		return;
	}
	if (f->kind == LOG_KIND_PHONE)
		put_quoted(b, log_mask_phone(f->text, masked));
	else if (f->kind == LOG_KIND_PRIVATE)
		buf_printf(b, "\"(%zu bytes)\"", strlen(f->text));
	else
		put_quoted(b, f->text);
}

static void
put_field(struct buf *b, const struct log_field *f, bool json)
{
	buf_putc(b, json ? ',' : ' ');
	if (json)
		put_quoted(b, f->name);
	else
		buf_puts(b, f->name);
	buf_putc(b, json ? ':' : '=');
	put_value(b, f);
}

/* A field that does not fit into its line, which began at begun, is taken
 * back, so that none is cut; "cut" says that some are missing. */
static void
put_fields(
    struct buf *b, size_t begun, const struct log_field *fields, bool json)
{
	for (; fields->name != NULL; fields++) {
		size_t before = b->len;

		put_field(b, fields, json);
		if (b->len - begun + 16 > LINE_MAX_BYTES) {
			buf_cut(b, before);
			buf_puts(b, json ? ",\"cut\":1" : " cut=1");
			break;
		}
	}
}

static void
to_stderr(int64_t now_ms, enum log_level level, const char *event,
    const struct log_field *fields)
{
	struct buf line = BUF_INIT(2 * LINE_MAX_BYTES);
	char at[TEXT_TIME_MAX];

	(void)text_of_time(now_ms, at);
	buf_printf(
	    &line, "%.10s %.8s %s %.256s", at, at + 11, levels[level], event);
	put_fields(&line, 0, fields, false);
	buf_putc(&line, '\n');
	(void)fwrite(line.bytes, 1, line.len, stderr);
	buf_free(&line);
}

/* Once: a full disk must not fill the mailbox of cron too. */
static void
complain(struct log *log, const struct err *err)
{
	if (!log->complained)
		(void)fprintf(
		    stderr, "dsrun: the log is not written: %s\n", err->text);
	log->complained = true;
}

static void
close_file(struct log *log)
{
	env_close(log->env, &log->file);
	mem_free(&log->path);
}

/* Of dsrun-YYYY-MM-DD.jsonl, whatever follows; false for other names. */
static bool
day_of_name(const char *name, int64_t *day)
{
	char time[TEXT_TIME_MAX];
	int64_t ms;
	struct err err;

	if (!text_starts(name, "dsrun-") || strlen(name) < 22 ||
	    !text_starts(name + 16, ".jsonl"))
		return false;
	(void)snprintf(time, sizeof(time), "%.10sT00:00:00Z", name + 6);
	if (text_rfc3339_ms(time, &ms, &err) != ERR_NONE)
		return false;
	*day = ms / DAY_MS;
	return true;
}

struct old {
	struct buf names; /* each ended by NUL */
	int64_t before;   /* day */
};

static void
collect_old(void *arg, const char *name)
{
	struct old *old = arg;
	int64_t day;

	if (day_of_name(name, &day) && day < old->before &&
	    strlen(name) + 1 <= old->names.max - old->names.len)
		buf_put(&old->names, name, strlen(name) + 1);
}

/* Whatever fails here is tried again at the next open. */
static void
remove_old(struct log *log, int64_t today)
{
	struct old old = {BUF_INIT(NAMES_MAX), today - log->options.keep_days};
	struct err err;

	if (log->options.keep_days <= 0 ||
	    env_list_dir(log->env, log->dir, collect_old, &old, &err) !=
		ERR_NONE)
		goto out;
	for (size_t at = 0; at < old.names.len;) {
		const char *name = old.names.bytes + at;
		char *path = mem_printf("%s/%s", log->dir, name);

		(void)env_remove(log->env, path, &err);
		mem_free(&path);
		at += strlen(name) + 1;
	}
out:
	buf_free(&old.names);
}

static char *
path_of(const struct log *log, int64_t day, int number)
{
	char suffix[16] = "";
	int y, m, d;

	text_date_of_days(day, &y, &m, &d);
	if (number > 0)
		(void)snprintf(suffix, sizeof(suffix), ".%d", number);
	return mem_printf(
	    "%s/dsrun-%04d-%02d-%02d.jsonl%s", log->dir, y, m, d, suffix);
}

static bool
is_full(const struct log *log, const struct env_stat *st)
{
	return log->options.rotate_bytes > 0 &&
	       st->size_bytes > log->options.rotate_bytes;
}

/*
 * The first file of the day that has room.  Nothing is ever renamed, so
 * processes that log at once need no agreement: each finds the same file.
 */
static char *
path_with_room(struct log *log, int64_t day)
{
	for (int number = 0;; number++) {
		char *path = path_of(log, day, number);
		struct env_stat st;
		struct err err;

		if (env_stat(log->env, path, &st, &err) != ERR_NONE ||
		    !is_full(log, &st) || number == FILES_A_DAY)
			return path;
		mem_free(&path);
	}
}

/*
 * A line that a crash or a full disk cut must not swallow the next one.  But
 * a tail without a newline may also be another process in the middle of its
 * write, so it counts only when nobody else has the file open: each holds a
 * shared lock on it, which the kernel drops with the process.
 */
static bool
ends_torn(struct log *log)
{
	struct env_stat st;
	struct err err;
	char last = '\n';
	size_t got;

	if (env_lock(log->env, log->file, 0, true, &err) == ERR_NONE &&
	    env_fstat(log->env, log->file, &st, &err) == ERR_NONE &&
	    st.size_bytes > 0)
		(void)env_pread(log->env, log->file, &last, 1,
		    st.size_bytes - 1, &got, &err);
	/* Busy for the moment another looks: then at worst a line is empty. */
	(void)env_lock(log->env, log->file, 0, false, &err);
	return last != '\n';
}

static enum err_code
open_file(struct log *log, int64_t day, struct err *err)
{
	struct env_stat st;
	enum err_code code = env_make_dirs(log->env, log->dir, err);

	close_file(log);
	if (code != ERR_NONE)
		return code;
	if (day != log->day)
		remove_old(log, day);
	log->day = day;
	log->path = path_with_room(log, day);
	code = env_open(log->env, log->path, ENV_READ | ENV_APPEND | ENV_CREATE,
	    &log->file, err);
	if (code == ERR_NONE)
		code = env_fstat(log->env, log->file, &st, err);
	if (code != ERR_NONE) {
		close_file(log);
		return code;
	}
	log->inode = st.inode;
	log->torn = ends_torn(log);
	return ERR_NONE;
}

/* Is the open file still the one to write to?  Others rotate and remove. */
static bool
file_is_current(struct log *log, int64_t day)
{
	struct env_stat st;
	struct err err;

	return log->file != NULL && log->day == day &&
	       env_stat(log->env, log->path, &st, &err) == ERR_NONE &&
	       st.inode == log->inode && !is_full(log, &st);
}

/* Whole lines in one write. */
static void
flush(struct log *log)
{
	struct err err;
	enum err_code code = ERR_NONE;

	list_remove(&log->turn.node);
	if (log->out.len == 0)
		return;
	if (!file_is_current(log, log->out_day))
		code = open_file(log, log->out_day, &err);
	if (code == ERR_NONE) {
		/* The newline in front only when what is there has none. */
		size_t skip = log->torn ? 0 : 1;

		code = env_append(log->env, log->file, log->out.bytes + skip,
		    log->out.len - skip, &err);
		log->torn = code != ERR_NONE;
	}
	if (code != ERR_NONE)
		complain(log, &err);
	buf_clear(&log->out);
}

static void
turn_over(struct env_post *p)
{
	flush(CONTAINER_OF(p, struct log, turn));
}

static void
to_file(struct log *log, int64_t now_ms, enum log_level level,
    const char *event, const struct log_field *fields)
{
	struct buf *b = &log->out;
	int64_t day = now_ms / DAY_MS - (now_ms % DAY_MS < 0);
	char at[TEXT_TIME_MAX];
	size_t begun;

	if (day != log->out_day)
		flush(log);
	log->out_day = day;
	if (b->len == 0)
		buf_putc(b, '\n');
	begun = b->len;
	buf_puts(b, "{\"at\":\"");
	buf_puts(b, text_of_time(now_ms, at));
	buf_puts(b, "\",\"level\":\"");
	buf_puts(b, levels[level]);
	buf_puts(b, "\",\"event\":");
	put_quoted(b, event);
	buf_puts(b, ",\"pid\":");
	buf_put_i64(b, log->env->pid);
	put_fields(b, begun, fields, true);
	buf_puts(b, "}\n");
	if (!log->options.gather || level >= LOG_LEVEL_ERROR ||
	    b->len > GATHER_BYTES)
		flush(log);
	else
		env_post(log->env, &log->turn);
}

void
log_write(struct log *log, enum log_level level, const char *event,
    const struct log_field *fields)
{
	CHECK(level <= LOG_LEVEL_ERROR);
	if (log == NULL || level < log->options.level)
		return;

	int64_t now_ms = env_now_ms(log->env);
	if (level >= log->options.stderr_level)
		to_stderr(now_ms, level, event, fields);
	if (log->dir != NULL)
		to_file(log, now_ms, level, event, fields);
}

struct log *
log_new(struct env *env, const struct log_options *options)
{
	struct log *log = mem_zalloc(1, sizeof(*log));

	log->env = env;
	log->options = *options;
	log->dir = mem_strdup(options->dir);
	log->options.dir = log->dir;
	log->day = INT64_MIN;
	log->out = BUF_INIT(GATHER_BYTES + 2 * LINE_MAX_BYTES);
	log->turn.fn = turn_over;
	return log;
}

void
log_free(struct log **log)
{
	if (*log == NULL)
		return;
	flush(*log);
	buf_free(&(*log)->out);
	close_file(*log);
	mem_free(&(*log)->dir);
	mem_free(log);
}
