#include "conf/conf_problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Longer texts are cut; every quoted piece of input is bounded anyway. */
#define TEXT_MAX 512

void
conf_problems_add(struct conf_problems *list, const char *file, int line,
    const char *key, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	if (list->count == CONF_PROBLEMS_MAX) {
		list->dropped++;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	list->items =
	    mem_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct conf_problem){
	    mem_strdup(file), line, mem_strdup(key), mem_strdup(text)};
}

static int
compare(const struct conf_problem *a, const struct conf_problem *b)
{
	int order = strcmp(a->file, b->file);

	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* Insertion: stable, and the list is short. */
void
conf_problems_sort(struct conf_problems *list)
{
	for (size_t i = 1; i < list->count; i++) {
		struct conf_problem moved = list->items[i];
		size_t at = i;

		for (; at > 0 && compare(&list->items[at - 1], &moved) > 0;
		     at--)
			list->items[at] = list->items[at - 1];
		list->items[at] = moved;
	}
}

void
conf_problems_free(struct conf_problem **problems, size_t count)
{
	if (*problems == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		mem_free(&(*problems)[i].file);
		mem_free(&(*problems)[i].key);
		mem_free(&(*problems)[i].text);
	}
	mem_free(problems);
}

void
conf_problems_fini(struct conf_problems *list)
{
	conf_problems_free(&list->items, list->count);
	list->count = 0;
	list->dropped = 0;
}

void
conf_problems_print(
    struct buf *out, const struct conf_problem *problems, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct conf_problem *p = &problems[i];

		buf_puts(out, p->file);
		if (p->line > 0)
			buf_printf(out, ":%d", p->line);
		if (*p->key != '\0')
			buf_printf(out, ": %s", p->key);
		buf_printf(out, ": %s\n", p->text);
	}
}
