#include "dnc_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#include "rules/rules_phone.h"

void
dnc_file_add(struct dnc_file *f, int64_t number)
{
	if (f->count % 1024 == 0)
		f->numbers = mem_realloc(
		    f->numbers, f->count + 1024, sizeof(*f->numbers));
	f->numbers[f->count++] = number;
}

static void
refuse(struct dnc_file *f, int64_t line, const char *why)
{
	struct dnc_refused *r;

	if (f->refused_count % 64 == 0)
		f->refused = mem_realloc(
		    f->refused, f->refused_count + 64, sizeof(*f->refused));
	r = &f->refused[f->refused_count++];
	r->line = line;
	(void)snprintf(r->why, sizeof(r->why), "%s", why);
}

void
dnc_file_free(struct dnc_file *f)
{
	mem_free(&f->numbers);
	mem_free(&f->refused);
	f->count = 0;
	f->refused_count = 0;
}

static enum err_code
check_prefix(const char *prefix, struct err *err)
{
	size_t digits = prefix[0] == '+' ? strspn(prefix + 1, "0123456789") : 0;

	if (digits < 1 || digits > 3 || prefix[1] == '0' ||
	    prefix[1 + digits] != '\0')
		return err_set(err, ERR_USAGE, 0,
		    "--prefix %.20s: expected a plus and one to three digits, "
		    "as in --prefix +1",
		    prefix);
	return ERR_NONE;
}

/* North America writes its own 1 in front of a number, or leaves it out. */
static const char *
prefix_of(const char *text, const char *prefix)
{
	size_t digits = 0;
	char first = '\0';

	for (; *text != '\0'; text++)
		if (*text >= '0' && *text <= '9') {
			first = digits == 0 ? *text : first;
			digits++;
		}
	return strcmp(prefix, "+1") == 0 && digits == 11 && first == '1'
		   ? "+"
		   : prefix;
}

enum err_code
dnc_number(const char *text, size_t len, const char *prefix, int64_t *out,
    struct err *err)
{
	char number[RULES_PHONE_INPUT_MAX + 8];
	char plain[RULES_PHONE_INPUT_MAX + 1];

	if (prefix != NULL && check_prefix(prefix, err) != ERR_NONE)
		return err->code;
	if (len > RULES_PHONE_INPUT_MAX)
		return err_set(err, ERR_USAGE, 0,
		    "%zu bytes are no telephone number", len);
	memcpy(plain, text, len);
	plain[len] = '\0';
	if (strlen(plain) != len)
		return err_set(err, ERR_USAGE, 0, "a NUL is no digit");
	(void)snprintf(number, sizeof(number), "%s%s",
	    prefix != NULL && strchr(plain, '+') == NULL
		? prefix_of(plain, prefix)
		: "",
	    plain);
	return rules_phone_parse(number, out, err);
}

/* --- lines ---------------------------------------------------------------- */

struct lines {
	struct dnc_file *f;
	const char *prefix;
	int64_t line;
	bool begun;    /* the first line that says something is behind us */
	size_t column; /* that has the number */
	char sep;      /* '\0': one number a line */
};

static const char *const column_names[] = {"phone", "number", "telephone",
    "phone number", "phone_number", "phonenumber", "tel", NULL};

/*
 * Cell n of a line, without its blanks and quotes; false when there are fewer.
 * A quote inside quotes is doubled, but no number has one: it stays as it is.
 */
static bool
cell(const char *text, size_t len, char sep, size_t n, const char **out,
    size_t *out_len)
{
	size_t start = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i <= len; i++) {
		if (i < len && text[i] == '"')
			quoted = !quoted;
		if (i < len && (quoted || sep == '\0' || text[i] != sep))
			continue;
		if (n-- == 0)
			break;
		start = i + 1;
	}
	if (i > len)
		return false;
	while (start < i && strchr(" \t\"", text[start]) != NULL)
		start++;
	while (i > start && strchr(" \t\"", text[i - 1]) != NULL)
		i--;
	*out = text + start;
	*out_len = i - start;
	return true;
}

static bool
is_column(const char *text, size_t len)
{
	for (size_t i = 0; column_names[i] != NULL; i++)
		if (strlen(column_names[i]) == len &&
		    strncasecmp(column_names[i], text, len) == 0)
			return true;
	return false;
}

static char
separator(const char *text, size_t len)
{
	static const char seps[] = {',', ';', '\t'};

	for (size_t i = 0; i < sizeof(seps); i++)
		if (memchr(text, seps[i], len) != NULL)
			return seps[i];
	return '\0';
}

/*
 * Is the first line a header?  It is when no cell has a digit in it.
 * *is_header false: it is data already.
 */
static enum err_code
first_line(struct lines *l, const char *text, size_t len, bool *is_header,
    struct err *err)
{
	const char *name;
	size_t name_len;

	*is_header = true;
	l->sep = separator(text, len);
	for (size_t i = 0; i < len; i++)
		if (text[i] >= '0' && text[i] <= '9')
			*is_header = false;
	if (!*is_header)
		return ERR_NONE;
	for (size_t n = 0; cell(text, len, l->sep, n, &name, &name_len); n++)
		if (is_column(name, name_len)) {
			l->column = n;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "line %lld is a header without a column phone or number",
	    (long long)l->line);
}

static enum err_code
take_line(struct lines *l, const char *text, size_t len, struct err *err)
{
	bool is_header = false;
	const char *word = text;
	size_t word_len = len;
	int64_t number = 0;
	struct err why;

	if (!l->begun) {
		l->begun = true;
		if (first_line(l, text, len, &is_header, err) != ERR_NONE)
			return err->code;
		if (is_header)
			return ERR_NONE;
	}
	if (len > DNC_LINE_BYTES_MAX)
		refuse(l->f, l->line, "the line is too long");
	else if (!cell(text, len, l->sep, l->column, &word, &word_len))
		refuse(l->f, l->line, "the column with the number is missing");
	else if (dnc_number(word, word_len, l->prefix, &number, &why) !=
		 ERR_NONE)
		refuse(l->f, l->line, why.text);
	else
		dnc_file_add(l->f, number);
	return ERR_NONE;
}

static enum err_code
take_lines(struct lines *l, const char *text, size_t len, struct err *err)
{
	enum err_code code = ERR_NONE;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0 && code == ERR_NONE) {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;
		size_t shown = n > 0 && text[n - 1] == '\r' ? n - 1 : n;
		size_t blank = 0;

		while (blank < shown &&
		       (text[blank] == ' ' || text[blank] == '\t'))
			blank++;
		l->line++;
		if (blank < shown && text[blank] != '#')
			code = take_line(l, text, shown, err);
		n += end != NULL;
		text += n;
		len -= n;
	}
	return code;
}

/* --- reading -------------------------------------------------------------- */

static enum err_code
read_stdin(char **out, size_t *len, struct err *err)
{
	struct buf b = BUF_INIT(DNC_FILE_BYTES_MAX);
	enum err_code code = ERR_NONE;
	char part[65536];
	ssize_t n;

	while (code == ERR_NONE &&
	       (n = read(STDIN_FILENO, part, sizeof(part))) != 0)
		code = n < 0 ? err_set(
				   err, ERR_IO, 0, "cannot read standard input")
			     : buf_try_put(&b, part, (size_t)n, err);
	*out = b.bytes;
	*len = b.len;
	return code;
}

enum err_code
dnc_file_read(struct env *env, const char *path, const char *prefix,
    struct dnc_file *out, struct err *err)
{
	struct lines l = {.f = out, .prefix = prefix};
	char *text = NULL;
	size_t len = 0;
	enum err_code code = ERR_NONE;

	if (prefix != NULL)
		code = check_prefix(prefix, err);
	if (code == ERR_NONE && strcmp(path, "-") == 0)
		code = read_stdin(&text, &len, err);
	else if (code == ERR_NONE)
		code = env_read_whole(
		    env, path, DNC_FILE_BYTES_MAX, &text, &len, err);
	if (code == ERR_NONE)
		code = take_lines(&l, text, len, err);
	mem_free(&text);
	if (code == ERR_MALFORMED)
		(void)err_wrap(err, "%s", path);
	return code;
}
