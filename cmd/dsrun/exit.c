#include "exit.h"

#include "base/mem.h"

#define X(name, number, text, advice) {name, #name, text, advice},
static const struct exit_row rows[] = {EXIT_CODES(X)};
#undef X

/* Worst first.  Wrong use is found before anything else can go wrong. */
static const enum exit_status by_weight[] = {EXIT_DAMAGED, EXIT_CONFIG,
    EXIT_HELD, EXIT_ERROR, EXIT_PERSON, EXIT_PARTIAL, EXIT_TEMPORARY,
    EXIT_USAGE, EXIT_EMPTY, EXIT_DONE};

static size_t
weight(enum exit_status status)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(by_weight) && by_weight[i] != status)
		i++;
	return i;
}

enum exit_status
exit_worse(enum exit_status a, enum exit_status b)
{
	return weight(a) <= weight(b) ? a : b;
}

/*
 * A few codes say by themselves who must act.  Of all others only the class
 * decides: what may be tried again unchanged is temporary.
 */
enum exit_status
exit_of_err(enum err_code code)
{
	static const struct {
		enum err_code code;
		enum exit_status status;
	} named[] = {
	    {ERR_NONE, EXIT_DONE},
	    {ERR_CONFIG, EXIT_CONFIG},
	    {ERR_DAMAGED, EXIT_DAMAGED},
	    {ERR_BUSY, EXIT_HELD},
	    {ERR_USAGE, EXIT_USAGE},
	    {ERR_PERSON, EXIT_PERSON},
	};

	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (named[i].code == code)
			return named[i].status;
	return err_class(code) == ERR_CLASS_RETRY ? EXIT_TEMPORARY : EXIT_ERROR;
}

const struct exit_row *
exit_rows(size_t *count)
{
	*count = ARRAY_LEN(rows);
	return rows;
}
