#include "base/buf.h"
#include "base/mem.h"

#include "fuzz.h"
#include "mongo/mongo.h"

/*
 * A MongoDB URI as it is shown to people.  The first byte says where a secret
 * stands, the second how long it is; then come the secret and what follows it.
 * No six bytes of the secret in a row are shown, however it was written.
 */

#define RUN 6

static const char *const before[] = {"mongodb://u:", "mongodb+srv://user%40x:",
    "u:", "mongodb://u:pw@h:1/d?authMechanismProperties=",
    "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=",
    "mongodb://h:27017/?PASSWORD="};
static const char *const after[] = {
    "@h:27017/db?w=1", "@a,b/", "@h", "", "&appName=a", ""};

static bool
holds(const struct buf *b, const char *run)
{
	return memmem(buf_text(b), b->len, run, RUN) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz_in in = {bytes, len};
	size_t form = fuzz_u8(&in) % ARRAY_LEN(before);
	size_t n = fuzz_u8(&in);
	struct buf rest = BUF_INIT(1 << 20);
	struct buf uri = BUF_INIT(1 << 20);
	struct buf shown = BUF_INIT(1 << 21);
	char *secret;

	if (n > in.left)
		n = in.left;
	/* Texts: a NUL ends them.  What ends an option ends its secret. */
	secret =
	    mem_strndup((const char *)in.at, strnlen((const char *)in.at, n));
	if (form >= 3)
		secret[strcspn(secret, "&;")] = '\0';
	buf_puts(&uri, before[form]);
	buf_puts(&uri, secret);
	buf_puts(&uri, after[form]);
	buf_puts(&rest, "mongodb://*** mongodb+srv://*** ");
	buf_puts(&rest, before[form]);
	buf_puts(&rest, "***");
	buf_puts(&rest, after[form]);
	/* A '@' that follows would make more of it the credentials. */
	for (size_t i = n; i < in.left && in.at[i] != '\0'; i++)
		if (form >= 3 || in.at[i] != '@') {
			buf_putc(&uri, (char)in.at[i]);
			buf_putc(&rest, (char)in.at[i]);
		}
	mongo_uri_shown(buf_text(&uri), &shown);
	CHECK(shown.len <= uri.len + 5 + 4 * (1 + uri.len / 9));
	for (size_t i = 0; i + RUN <= strlen(secret); i++)
		CHECK(holds(&rest, secret + i) || !holds(&shown, secret + i));
	mem_free(&secret);
	buf_free(&shown);
	buf_free(&uri);
	buf_free(&rest);
	return 0;
}
