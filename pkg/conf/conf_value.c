#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include "conf_priv.h"

#define TEXT_BYTES_MAX 4096

static const struct {
	const char *name;
	int64_t bytes;
} units[] = {{"GB", INT64_C(1) << 30}, {"MB", INT64_C(1) << 20},
    {"KB", INT64_C(1) << 10}, {"", 1}};

enum err_code
conf_size_parse(const char *text, int64_t *out, struct err *err)
{
	int64_t n = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && i < 15; i++)
		n = n * 10 + (text[i] - '0');
	for (size_t u = 0; i > 0 && u < ARRAY_LEN(units); u++)
		if (strcmp(text + i, units[u].name) == 0 &&
		    n <= INT64_MAX / units[u].bytes) {
			*out = n * units[u].bytes;
			return ERR_NONE;
		}
	return err_set(err, ERR_MALFORMED, 0,
	    "expected a size such as 65536, 64KB, 256MB or 2GB, got \"%.40s\"",
	    text);
}

const char *
conf_size_text(int64_t bytes, char *out, size_t size)
{
	size_t u = 0;

	while (
	    bytes == 0 ? u + 1 < ARRAY_LEN(units) : bytes % units[u].bytes != 0)
		u++;
	(void)snprintf(out, size, "%lld%s", (long long)(bytes / units[u].bytes),
	    units[u].name);
	return out;
}

const char *
conf_env_name(const char *key, char out[CONF_ENV_NAME_MAX])
{
	int n = snprintf(out, CONF_ENV_NAME_MAX, "DSRUN_%s", key);

	CHECK(n > 0 && n < CONF_ENV_NAME_MAX);
	for (char *p = out; *p != '\0'; p++) {
		if (*p == '.' || *p == '-')
			*p = '_';
		else if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
	return out;
}

static enum err_code
range(const struct conf_row *row, int64_t value, const char *min,
    const char *max, const char *text, struct err *err)
{
	if (value >= row->min && value <= row->max)
		return ERR_NONE;
	return err_set(err, ERR_MALFORMED, 0,
	    "expected from %s to %s, got \"%.40s\"", min, max, text);
}

static enum err_code
set_duration(const struct conf_row *row, int64_t *field, const char *text,
    struct err *err)
{
	char min[24];
	char max[24];
	int64_t ms = 0;

	if (text_duration_ms(text, &ms, err) != ERR_NONE ||
	    range(row, ms, text_of_duration(row->min, min, sizeof(min)),
		text_of_duration(row->max, max, sizeof(max)), text,
		err) != ERR_NONE)
		return err->code;
	*field = ms;
	return ERR_NONE;
}

static enum err_code
set_size(const struct conf_row *row, int64_t *field, const char *text,
    struct err *err)
{
	char min[24];
	char max[24];
	int64_t bytes = 0;

	if (conf_size_parse(text, &bytes, err) != ERR_NONE ||
	    range(row, bytes, conf_size_text(row->min, min, sizeof(min)),
		conf_size_text(row->max, max, sizeof(max)), text,
		err) != ERR_NONE)
		return err->code;
	*field = bytes;
	return ERR_NONE;
}

static enum err_code
set_start(struct conf_sim *sim, const char *text, struct err *err)
{
	int64_t at = 0;

	if (strcmp(text, "now") == 0) {
		sim->start_now = true;
		sim->start_ms = 0;
		return ERR_NONE;
	}
	if (text_rfc3339_ms(text, &at, err) != ERR_NONE)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected now or a time such as 2027-01-05T15:00:00Z, got "
		    "\"%.40s\"",
		    text);
	sim->start_now = false;
	sim->start_ms = at;
	return ERR_NONE;
}

static enum err_code
one_of(const char *const *words, const char *text, struct err *err)
{
	struct buf all = BUF_INIT(4096);

	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0) {
			buf_free(&all);
			return ERR_NONE;
		}
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	const char *near = text_nearest(text, words);

	(void)err_set(err, ERR_MALFORMED, 0,
	    "expected %s%s, got \"%.40s\"%s%s%s",
	    words[1] != NULL ? "one of " : "", buf_text(&all), text,
	    near != NULL ? "; did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?" : "");
	buf_free(&all);
	return ERR_MALFORMED;
}

static void
replace(char **field, char *text)
{
	if (*field != NULL)
		mem_wipe(*field, strlen(*field));
	mem_free(field);
	*field = text;
}

static enum err_code
set_text(const struct conf_row *row, char **field, const char *text,
    const char *dir, struct err *err)
{
	if (strlen(text) > TEXT_BYTES_MAX)
		return err_set(err, ERR_MALFORMED, 0,
		    "expected at most %d bytes", TEXT_BYTES_MAX);
	if (!text_is_utf8(text, strlen(text)))
		return err_set(err, ERR_MALFORMED, 0, "expected UTF-8 text");
	if (row->type == CONF_TYPE_CHOICE &&
	    one_of(row->choices, text, err) != ERR_NONE)
		return err->code;
	replace(field, row->type == CONF_TYPE_PATH ? conf_path_join(dir, text)
						   : mem_strdup(text));
	return ERR_NONE;
}

enum err_code
conf_value_set(const struct conf_row *row, void *base, const char *text,
    const char *dir, struct err *err)
{
	static const char *const jitters[] = {"full", "none", NULL};
	void *field = (char *)base + row->offset;

	switch (row->type) {
	case CONF_TYPE_TEXT:
	case CONF_TYPE_PATH:
	case CONF_TYPE_CHOICE:
		return set_text(row, field, text, dir, err);
	case CONF_TYPE_I64:
		return text_i64(text, row->min, row->max, field, err);
	case CONF_TYPE_DOUBLE:
		return text_double(
		    text, (double)row->min, (double)row->max, field, err);
	case CONF_TYPE_DURATION:
		return set_duration(row, field, text, err);
	case CONF_TYPE_SIZE:
		return set_size(row, field, text, err);
	case CONF_TYPE_START:
		return set_start(field, text, err);
	case CONF_TYPE_JITTER:
		if (one_of(jitters, text, err) != ERR_NONE)
			return err->code;
		*(bool *)field = *text == 'f';
		return ERR_NONE;
	}
	check_failed(__FILE__, __LINE__, "a row of a known type");
}

bool
conf_value_is_text(const struct conf_row *row)
{
	return row->type == CONF_TYPE_TEXT || row->type == CONF_TYPE_PATH ||
	       row->type == CONF_TYPE_CHOICE;
}

char *
conf_value_shown(
    const struct conf_row *row, const void *base, const char *given)
{
	const char *const *field =
	    (const void *)((const char *)base + row->offset);

	if (!conf_value_is_text(row))
		return mem_strdup(given);
	if (*field == NULL)
		return mem_strdup("");
	return mem_strdup(row->secret ? "***" : *field);
}

void
conf_value_release(const struct conf_row *row, void *base)
{
	if (conf_value_is_text(row))
		replace((void *)((char *)base + row->offset), NULL);
}
