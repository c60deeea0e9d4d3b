#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/mem.h"

#include "mongo/mongo_priv.h"

/* Options whose values are secrets, or have one in them. */
static const char *const secret[] = {"authMechanismProperties",
    "tlsCertificateKeyFilePassword", "sslClientCertificateKeyPassword",
    "password", NULL};

static bool
is_secret(const char *name, size_t len)
{
	for (size_t i = 0; secret[i] != NULL; i++)
		if (strlen(secret[i]) == len &&
		    strncasecmp(secret[i], name, len) == 0)
			return true;
	return false;
}

static void
put_options(const char *at, struct buf *out)
{
	while (*at != '\0') {
		size_t len = strcspn(at, "&;");
		const char *eq = memchr(at, '=', len);

		if (eq != NULL && is_secret(at, (size_t)(eq - at))) {
			buf_put(out, at, (size_t)(eq - at));
			buf_puts(out, "=***");
		} else {
			buf_put(out, at, len);
		}
		at += len;
		if (*at != '\0')
			buf_putc(out, *at++);
	}
}

/* Behind the scheme; what has none is a user, or a host, from its start. */
static const char *
behind_scheme(const char *uri)
{
	static const char *const schemes[] = {"mongodb://", "mongodb+srv://"};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0)
			return uri + strlen(schemes[i]);
	return uri;
}

/*
 * The last '@' ends the credentials: a password with an '@' or a '/' of its own
 * is no valid URI, and must not be shown for that.  With a '?' before it, it
 * may as well stand in an option's secret: then nothing is shown.
 */
void
mongo_uri_shown(const char *uri, struct buf *out)
{
	const char *from = behind_scheme(uri);
	const char *at = strrchr(from, '@');
	const char *options;

	buf_put(out, uri, (size_t)(from - uri));
	if (at != NULL && memchr(from, '?', (size_t)(at - from)) != NULL) {
		buf_puts(out, "***");
		return;
	}
	if (at != NULL) {
		const char *colon = memchr(from, ':', (size_t)(at - from));

		buf_put(
		    out, from, (size_t)((colon != NULL ? colon : at) - from));
		if (colon != NULL)
			buf_puts(out, ":***");
		from = at;
	}
	options = strchr(from, '?');
	if (options == NULL) {
		buf_puts(out, from);
		return;
	}
	buf_put(out, from, (size_t)(options + 1 - from));
	put_options(options + 1, out);
}
