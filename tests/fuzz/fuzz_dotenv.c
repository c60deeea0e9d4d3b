#include "base/mem.h"
#include "base/text.h"

#include "conf/conf_dotenv.h"
#include "fuzz.h"

/*
 * .env: a line is an item or a problem, never both and never neither; what was
 * read and is written again in quotes reads as the same.
 */

static void
check_item(const struct conf_dotenv *d, size_t i)
{
	const struct conf_dotenv_item *item = &d->items[i];
	size_t n = strlen(item->name);

	CHECK(n > 0 && n < 128);
	CHECK(strspn(item->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				 "abcdefghijklmnopqrstuvwxyz0123456789") == n);
	CHECK(item->name[0] < '0' || item->name[0] > '9');
	CHECK(text_is_utf8(item->value, strlen(item->value)));
	CHECK(conf_dotenv_get(d, item->name) == item);
	CHECK(i == 0 || item->line > d->items[i - 1].line);
}

static void
put_quoted(struct buf *out, const char *value)
{
	buf_putc(out, '"');
	for (; *value != '\0'; value++)
		if (*value == '\n')
			buf_puts(out, "\\n");
		else if (strchr("\"\\$`", *value) != NULL)
			buf_printf(out, "\\%c", *value);
		else
			buf_putc(out, *value);
	buf_putc(out, '"');
}

static void
check_again(const struct conf_dotenv *d)
{
	struct buf text = BUF_INIT(4 * CONF_DOTENV_BYTES_MAX);
	struct conf_dotenv again = {0};
	struct conf_problems ps = {0};

	for (size_t i = 0; i < d->count; i++) {
		buf_printf(&text, "%s%s=", i % 2 == 0 ? "export " : "",
		    d->items[i].name);
		put_quoted(&text, d->items[i].value);
		buf_puts(&text, i % 3 == 0 ? " # so\r\n" : "\n");
	}
	if (text.len <= CONF_DOTENV_BYTES_MAX) {
		CHECK(conf_dotenv_parse(
		    "again", buf_text(&text), text.len, &again, &ps));
		CHECK(again.count == d->count && ps.count == 0);
		for (size_t i = 0; i < d->count; i++) {
			CHECK(text_eq(again.items[i].name, d->items[i].name));
			CHECK(text_eq(again.items[i].value, d->items[i].value));
		}
	}
	conf_dotenv_fini(&again);
	conf_problems_fini(&ps);
	buf_free(&text);
}

/* Any text, put in quotes, comes out as it was. */
static void
check_value(const uint8_t *bytes, size_t len)
{
	char *value = mem_strndup((const char *)bytes, len);
	struct buf text = BUF_INIT(4 * CONF_DOTENV_BYTES_MAX);
	struct conf_dotenv d = {0};
	struct conf_problems ps = {0};

	if (text_is_utf8(value, strlen(value)) &&
	    strlen(value) < CONF_DOTENV_BYTES_MAX / 4) {
		buf_puts(&text, "V=");
		put_quoted(&text, value);
		CHECK(conf_dotenv_parse(
		    "value", buf_text(&text), text.len, &d, &ps));
		CHECK(d.count == 1 && text_eq(d.items[0].value, value));
	}
	conf_dotenv_fini(&d);
	conf_problems_fini(&ps);
	buf_free(&text);
	mem_free(&value);
}

static size_t
lines_of(const uint8_t *bytes, size_t len)
{
	size_t lines = len > 0;

	for (size_t i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	return lines;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct conf_dotenv d = {0};
	struct conf_problems ps = {0};
	bool good =
	    conf_dotenv_parse(".env", (const char *)bytes, len, &d, &ps);
	size_t lines = lines_of(bytes, len);

	CHECK(good == (ps.count == 0));
	CHECK(len <= CONF_DOTENV_BYTES_MAX || (!good && d.count == 0));
	CHECK(d.count <= CONF_DOTENV_ITEMS_MAX);
	CHECK(d.count + ps.count + ps.dropped <= lines);
	for (size_t i = 0; i < d.count; i++)
		check_item(&d, i);
	for (size_t i = 0; i < ps.count; i++) {
		CHECK(text_eq(ps.items[i].file, ".env"));
		CHECK(ps.items[i].text[0] != '\0');
		CHECK(ps.items[i].line > 0 || len > CONF_DOTENV_BYTES_MAX);
	}
	check_again(&d);
	check_value(bytes, len);
	conf_dotenv_fini(&d);
	conf_problems_fini(&ps);
	return 0;
}
