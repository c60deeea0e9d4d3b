#include "deed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "wire.h"

static enum err_code
take(const char *text, const char *what, char out[DEED_TEXT_MAX + 1],
    struct err *err)
{
	size_t len = strlen(text);

	if (len > DEED_TEXT_MAX)
		return err_set(err, ERR_USAGE, 0,
		    "--%s has %zu bytes, at most %d are kept", what, len,
		    DEED_TEXT_MAX);
	if (!text_is_utf8(text, len))
		return err_set(err, ERR_USAGE, 0, "--%s is no UTF-8", what);
	memcpy(out, text, len + 1);
	return ERR_NONE;
}

enum err_code
deed_read(struct ctx *ctx, struct deed *out, struct err *err)
{
	const char *by = cli_text(&ctx->args, "by");
	const char *reason = cli_text(&ctx->args, "reason");
	char uid[24];

	(void)snprintf(uid, sizeof(uid), "uid %u", ctx->env->uid);
	if (by == NULL)
		by = getenv("USER");
	if (by == NULL || *by == '\0')
		by = getenv("LOGNAME");
	if (by == NULL || *by == '\0')
		by = uid;
	if (take(by, "by", out->by, err) != ERR_NONE)
		return err->code;
	return take(reason != NULL ? reason : "", "reason", out->reason, err);
}

enum err_code
deed_do(struct ctx *ctx, struct journal_tx *tx, struct err *err)
{
	struct journal *j = NULL;
	enum err_code code = wire_journal(ctx, JOURNAL_MUST_EXIST, &j, err);

	if (code == ERR_NONE)
		code = journal_now(j, tx, err);
	journal_close(&j);
	return code;
}
