#include <string.h>

#include "base/base64.h"
#include "base/mem.h"

#include "mongo/mongo_priv.h"

#define SELECTION_MS 5000
#define CONNECT_MS 5000
#define SOCKET_MS 20000
#define WRITE_CONCERN_MS 10000
#define BULK_OPS 1000

static const char *const mongoose_names[MONGO_COLLECTION_COUNT] = {
    [MONGO_CAMPAIGN] = "campaigns",
    [MONGO_CALL_RECORD] = "callrecords",
    [MONGO_CONTACT] = "contacts",
    [MONGO_BATCH] = "batches",
    [MONGO_SEQUENCE] = "sequences",
};

static bool
is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* The driver's text may quote the URI: not if its password is in there. */
static enum err_code
refuse_uri(const char *uri, const bson_error_t *e, struct err *err)
{
	const char *scheme = strstr(uri, "://");
	const char *at = strrchr(uri, '@');
	const char *why = e->message;
	struct buf shown = BUF_INIT(strlen(uri) * 5 + 16);

	if (scheme != NULL && at != NULL && strpbrk(why, ":@") != NULL)
		why = "it cannot be read; '%', '@', ':' and '/' in a password "
		      "are written %25, %40, %3A and %2F";
	mongo_uri_shown(uri, &shown);
	(void)err_set(
	    err, ERR_CONFIG, 0, "MongoDB: %.200s: %s", buf_text(&shown), why);
	buf_free(&shown);
	return ERR_CONFIG;
}

static void
default_ms(mongoc_uri_t *uri, const char *option, int32_t ms)
{
	if (!MC(uri_has_option)(uri, option))
		(void)MC(uri_set_option_as_int32)(uri, option, ms);
}

static enum err_code
set_concern(mongoc_uri_t *uri, struct err *err)
{
	mongoc_write_concern_t *wc =
	    MC(write_concern_copy)(MC(uri_get_write_concern)(uri));
	int32_t w = MC(write_concern_get_w)(wc);

	if (w == MONGOC_WRITE_CONCERN_W_UNACKNOWLEDGED ||
	    w == MONGOC_WRITE_CONCERN_W_ERRORS_IGNORED) {
		MC(write_concern_destroy)(wc);
		return err_set(err, ERR_CONFIG, 0,
		    "MongoDB: w=0 in the URI: no write would be certain");
	}
	if (w == MONGOC_WRITE_CONCERN_W_DEFAULT)
		MC(write_concern_set_wmajority)
	(wc, MC(write_concern_get_wtimeout)(wc));
	if (MC(write_concern_get_wtimeout)(wc) <= 0)
		MC(write_concern_set_wtimeout)(wc, WRITE_CONCERN_MS);
	if (!MC(write_concern_journal_is_set)(wc))
		MC(write_concern_set_journal)(wc, true);
	MC(uri_set_write_concern)(uri, wc);
	MC(write_concern_destroy)(wc);
	return ERR_NONE;
}

static enum err_code
set_tls(mongoc_uri_t *uri, const struct mongo_options *o, struct err *err)
{
	static const char *const off[] = {MONGOC_URI_TLSINSECURE,
	    MONGOC_URI_TLSALLOWINVALIDCERTIFICATES,
	    MONGOC_URI_TLSALLOWINVALIDHOSTNAMES};

	for (size_t i = 0; i < ARRAY_LEN(off) && !o->tls_unverified; i++)
		if (MC(uri_get_option_as_bool)(uri, off[i], false))
			return err_set(err, ERR_CONFIG, 0,
			    "MongoDB: %s in the URI turns verification off, "
			    "and the configuration does not allow it",
			    off[i]);
	if (o->tls_unverified)
		(void)MC(uri_set_option_as_bool)(
		    uri, MONGOC_URI_TLSINSECURE, true);
	if (is_given(o->tls_ca_file))
		(void)MC(uri_set_option_as_utf8)(
		    uri, MONGOC_URI_TLSCAFILE, o->tls_ca_file);
	if (is_given(o->tls_cert_file))
		(void)MC(uri_set_option_as_utf8)(
		    uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, o->tls_cert_file);
	if (o->tls_unverified || is_given(o->tls_ca_file) ||
	    is_given(o->tls_cert_file))
		(void)MC(uri_set_option_as_bool)(uri, MONGOC_URI_TLS, true);
	return ERR_NONE;
}

static enum err_code
set_up(struct mongo *m, const struct mongo_options *o, struct err *err)
{
	const char *database =
	    is_given(o->database) ? o->database : MC(uri_get_database)(m->uri);
	enum err_code code;

	if (!is_given(database))
		return err_set(err, ERR_CONFIG, 0,
		    "MongoDB: neither the URI nor the configuration names a "
		    "database");
	m->database = mem_strdup(database);
	if (is_given(o->app_name) || MC(uri_get_appname)(m->uri) == NULL)
		(void)MC(uri_set_appname)(
		    m->uri, is_given(o->app_name) ? o->app_name : "dsrun");
	default_ms(m->uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECTION_MS);
	default_ms(m->uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
	default_ms(m->uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_MS);
	if (!MC(uri_has_option)(m->uri, MONGOC_URI_RETRYWRITES))
		(void)MC(uri_set_option_as_bool)(
		    m->uri, MONGOC_URI_RETRYWRITES, true);
	code = set_concern(m->uri, err);
	return code == ERR_NONE ? set_tls(m->uri, o, err) : code;
}

static enum err_code
set_vault(struct mongo *m, const struct mongo_options *o, struct err *err)
{
	const char *name =
	    is_given(o->key_vault) ? o->key_vault : "encryption.__keyVault";
	const char *dot = strchr(name, '.');

	if (o->master_key == NULL)
		return ERR_NONE;
	if (dot == NULL || dot == name || dot[1] == '\0')
		return err_set(err, ERR_CONFIG, 0,
		    "MongoDB: the key vault is named DATABASE.COLLECTION, not "
		    "'%.100s'",
		    name);
	m->encrypts = true;
	memcpy(m->master_key, o->master_key, sizeof(m->master_key));
	m->vault_database = mem_strndup(name, (size_t)(dot - name));
	m->vault_collection = mem_strdup(dot + 1);
	return ERR_NONE;
}

enum err_code
mongo_open(const struct mongo_options *o, struct mongo **out, struct err *err)
{
	struct mongo *m = NULL;
	bson_error_t e;
	enum err_code code = mongo_lib_load(err);

	*out = NULL;
	if (code != ERR_NONE)
		return code;
	m = mem_zalloc(1, sizeof(*m));
	atomic_init(&m->stopped, false);
	m->bulk_ops = o->bulk_ops > 0 ? o->bulk_ops : BULK_OPS;
	for (size_t c = 0; c < MONGO_COLLECTION_COUNT; c++)
		m->collection[c] =
		    mem_strdup(is_given(o->collection[c]) ? o->collection[c]
							  : mongoose_names[c]);
	m->uri = MC(uri_new_with_error)(o->uri, &e);
	if (m->uri == NULL)
		code = refuse_uri(o->uri, &e, err);
	if (code == ERR_NONE)
		code = set_up(m, o, err);
	if (code == ERR_NONE)
		code = set_vault(m, o, err);
	if (code != ERR_NONE) {
		mongo_close(&m);
		return code;
	}
	*out = m;
	return ERR_NONE;
}

void
mongo_stop(struct mongo *m)
{
	atomic_store(&m->stopped, true);
}

void
mongo_close(struct mongo **mp)
{
	struct mongo *m = *mp;

	if (m == NULL)
		return;
	if (m->crypt != NULL)
		MC(client_encryption_destroy)(m->crypt);
	if (m->client != NULL)
		MC(client_destroy)(m->client);
	if (m->uri != NULL)
		MC(uri_destroy)(m->uri);
	for (size_t c = 0; c < MONGO_COLLECTION_COUNT; c++)
		mem_free(&m->collection[c]);
	mem_free(&m->database);
	mem_free(&m->vault_database);
	mem_free(&m->vault_collection);
	mem_wipe(m->master_key, sizeof(m->master_key));
	mem_free(mp);
}

const char *
mongo_collection_name(const struct mongo *m, enum mongo_collection c)
{
	return m->collection[c];
}

/*
 * One client for one thread: it watches no server in the background, so that
 * a server that is away is an answer at once and not after the selection's
 * whole time.
 */
enum err_code
mongo_ready(struct mongo *m, struct err *err)
{
	bson_error_t e;

	if (atomic_load(&m->stopped))
		return err_set(err, ERR_CANCELLED, 0, "MongoDB: stopped");
	if (m->client != NULL)
		return ERR_NONE;
	m->client = MC(client_new_from_uri_with_error)(m->uri, &e);
	if (m->client == NULL)
		return mongo_translate(&e, NULL, err);
	(void)MC(client_set_error_api)(m->client, MONGOC_ERROR_API_VERSION_2);
	return ERR_NONE;
}

mongoc_collection_t *
mongo_of(struct mongo *m, enum mongo_collection c)
{
	return MC(client_get_collection)(
	    m->client, m->database, m->collection[c]);
}

static void
read_hello(const mongoc_server_description_t *sd, struct mongo_server *out)
{
	const char *type = MC(server_description_type)(sd);
	const bson_t *hello = MC(server_description_hello_response)(sd);
	bson_iter_t it;

	out->replicated =
	    strcmp(type, "RSPrimary") == 0 || strcmp(type, "Mongos") == 0;
	if (BS(iter_init_find)(&it, hello, "maxWireVersion"))
		out->wire_version = BS(iter_as_int64)(&it);
}

static void
look_at_servers(struct mongo *m, struct mongo_server *out)
{
	size_t n = 0;
	mongoc_server_description_t **all =
	    MC(client_get_server_descriptions)(m->client, &n);

	for (size_t i = 0; i < n && !out->replicated; i++)
		read_hello(all[i], out);
	MC(server_descriptions_destroy_all)(all, n);
}

/* On the database in use: who may not use it hears so. */
enum err_code
mongo_ping(struct mongo *m, struct mongo_server *out, struct err *err)
{
	enum err_code code = mongo_ready(m, err);
	bson_t command;
	bson_t reply;
	bson_error_t e;
	bson_iter_t it;

	*out = (struct mongo_server){.version = ""};
	if (code != ERR_NONE)
		return code;
	BS(init)(&command);
	mongo_put_i64(&command, "buildInfo", 1);
	if (!MC(client_command_simple)(
		m->client, m->database, &command, NULL, &reply, &e))
		code = mongo_translate(&e, &reply, err);
	else if (BS(iter_init_find)(&it, &reply, "version") &&
		 BS(iter_type)(&it) == BSON_TYPE_UTF8) {
		const char *version = BS(iter_utf8)(&it, NULL);

		strncpy(out->version, version, sizeof(out->version) - 1);
	}
	BS(destroy)(&reply);
	BS(destroy)(&command);
	if (code == ERR_NONE)
		look_at_servers(m, out);
	return code;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum err_code
mongo_master_key(const void *bytes, size_t len,
    uint8_t out[MONGO_MASTER_KEY_BYTES], struct err *err)
{
	char text[BASE64_MAX(MONGO_MASTER_KEY_BYTES)];
	const char *from = bytes;
	bool good;

	if (len == MONGO_MASTER_KEY_BYTES) {
		memcpy(out, bytes, len);
		return ERR_NONE;
	}
	for (; len > 0 && is_blank(from[0]); len--)
		from++;
	while (len > 0 && is_blank(from[len - 1]))
		len--;
	good = len == sizeof(text) - 1;
	if (good) {
		memcpy(text, from, len);
		text[len] = '\0';
		good = base64_get(text, out, MONGO_MASTER_KEY_BYTES);
		mem_wipe(text, sizeof(text));
	}
	if (!good)
		return err_set(err, ERR_CONFIG, 0,
		    "MongoDB: the master key must be %d bytes, or base64 of "
		    "them",
		    MONGO_MASTER_KEY_BYTES);
	return ERR_NONE;
}
