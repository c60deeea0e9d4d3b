#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "net/net_redis_priv.h"

/* The first word of an error is its code. */
static const struct {
	const char *word;
	enum err_code code;
} words[] = {
    {"OOM", ERR_SPACE},
    {"MISCONF", ERR_SPACE}, /* cannot save: a full disk, mostly */
    {"BUSY", ERR_THROTTLED},
    {"LOADING", ERR_THROTTLED},
    {"TRYAGAIN", ERR_THROTTLED},
    {"CLUSTERDOWN", ERR_THROTTLED},
    {"MASTERDOWN", ERR_THROTTLED},
    {"MOVED", ERR_THROTTLED}, /* followed too often: slots are under way */
    {"ASK", ERR_THROTTLED},
    {"NOREPLICAS", ERR_THROTTLED},
    {"READONLY", ERR_UNREACHABLE},
    {"NOAUTH", ERR_CONFIG},
    {"WRONGPASS", ERR_CONFIG},
    {"NOPERM", ERR_CONFIG},
};

enum err_code
net_redis_error_code(const char *text)
{
	/* How Redis 7 says NOPERM of a command within a script. */
	static const char in_script[] = "ERR The user executing the script can";
	size_t len = strcspn(text, " ");

	if (text_starts(text, in_script))
		return ERR_CONFIG;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].word) == len &&
		    strncmp(text, words[i].word, len) == 0)
			return words[i].code;
	return ERR_REJECTED;
}

enum err_code
net_redis_check(const struct net_redis_command *c, struct err *err)
{
	if (c->code != ERR_NONE) {
		*err = c->err;
		return c->code;
	}
	if (c->value->kind != NET_REDIS_ERROR)
		return ERR_NONE;
	return err_set(
	    err, net_redis_error_code(c->value->text), 0, "%s", c->value->text);
}
