#include <string.h>
#include <strings.h>

#include "base/mem.h"

#include "mongo/mongo_priv.h"

#define KEY_NAME "dsrun"

/* Compared without '_' and without regard to case: first_name, firstName. */
static const struct {
	const char *name;
	enum mongo_secrecy how;
} fields[] = {
    {"phone", MONGO_DETERMINISTIC},
    {"phonenumber", MONGO_DETERMINISTIC},
    {"mobile", MONGO_DETERMINISTIC},
    {"mobilephone", MONGO_DETERMINISTIC},
    {"telephone", MONGO_DETERMINISTIC},
    {"tel", MONGO_DETERMINISTIC},
    {"email", MONGO_DETERMINISTIC},
    {"emailaddress", MONGO_DETERMINISTIC},
    {"mail", MONGO_DETERMINISTIC},
    {"attendeeemail", MONGO_DETERMINISTIC},
    {"attendeephone", MONGO_DETERMINISTIC},
    {"name", MONGO_RANDOM},
    {"firstname", MONGO_RANDOM},
    {"lastname", MONGO_RANDOM},
    {"fullname", MONGO_RANDOM},
    {"givenname", MONGO_RANDOM},
    {"surname", MONGO_RANDOM},
    {"familyname", MONGO_RANDOM},
    {"attendeename", MONGO_RANDOM},
};

enum mongo_secrecy
mongo_secrecy_of(const char *field)
{
	char plain[24];
	size_t len = 0;

	for (; *field != '\0' && len + 1 < sizeof(plain); field++)
		if (*field != '_')
			plain[len++] = *field;
	plain[len] = '\0';
	if (*field != '\0')
		return MONGO_PLAIN;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcasecmp(fields[i].name, plain) == 0)
			return fields[i].how;
	return MONGO_PLAIN;
}

static enum err_code
ready(struct mongo *m, struct err *err)
{
	mongoc_client_encryption_opts_t *opts;
	bson_t providers;
	bson_t local;
	bson_error_t e;
	enum err_code code = mongo_ready(m, err);

	if (code != ERR_NONE || m->crypt != NULL)
		return code;
	opts = MC(client_encryption_opts_new)();
	BS(init)(&providers);
	mongo_begin(&providers, "local", &local);
	(void)BS(append_binary)(&local, "key", 3, BSON_SUBTYPE_BINARY,
	    m->master_key, sizeof(m->master_key));
	mongo_end(&providers, &local);
	MC(client_encryption_opts_set_keyvault_client)(opts, m->client);
	MC(client_encryption_opts_set_keyvault_namespace)
	(opts, m->vault_database, m->vault_collection);
	MC(client_encryption_opts_set_kms_providers)(opts, &providers);
	m->crypt = MC(client_encryption_new)(opts, &e);
	if (m->crypt == NULL)
		code = err_set(err, ERR_CONFIG, (int)e.code,
		    "MongoDB: encryption cannot be set up: %s", e.message);
	MC(client_encryption_opts_destroy)(opts);
	BS(destroy)(&providers);
	return code;
}

enum err_code
mongo_encrypt(struct mongo *m, const char *text, enum mongo_secrecy how,
    bson_value_t *out, struct err *err)
{
	enum err_code code = ready(m, err);
	mongoc_client_encryption_encrypt_opts_t *opts;
	char *copy = mem_strdup(text);
	bson_value_t plain = {.value_type = BSON_TYPE_UTF8};
	bson_error_t e;

	plain.value.v_utf8.str = copy;
	plain.value.v_utf8.len = (uint32_t)strlen(text);
	if (code == ERR_NONE) {
		opts = MC(client_encryption_encrypt_opts_new)();
		MC(client_encryption_encrypt_opts_set_keyaltname)
		(opts, KEY_NAME);
		MC(client_encryption_encrypt_opts_set_algorithm)
		(opts, how == MONGO_DETERMINISTIC
			   ? MONGOC_AEAD_AES_256_CBC_HMAC_SHA_512_DETERMINISTIC
			   : MONGOC_AEAD_AES_256_CBC_HMAC_SHA_512_RANDOM);
		if (!MC(client_encryption_encrypt)(
			m->crypt, &plain, opts, out, &e)) {
			code = mongo_translate(&e, NULL, err);
			/* It is initialised on failure too. */
			BS(value_destroy)(out);
		}
		MC(client_encryption_encrypt_opts_destroy)(opts);
	}
	mem_wipe(copy, strlen(copy));
	mem_free(&copy);
	return code;
}

enum err_code
mongo_decrypt(
    struct mongo *m, const bson_value_t *in, bson_value_t *out, struct err *err)
{
	enum err_code code = ready(m, err);
	bson_error_t e;

	if (code == ERR_NONE &&
	    !MC(client_encryption_decrypt)(m->crypt, in, out, &e)) {
		code = mongo_translate(&e, NULL, err);
		BS(value_destroy)(out);
	}
	return code;
}

/* *there: the vault has a key of our name. */
static enum err_code
look_for_key(struct mongo *m, bool *there, struct err *err)
{
	mongoc_collection_t *vault = MC(client_get_collection)(
	    m->client, m->vault_database, m->vault_collection);
	mongoc_cursor_t *cursor;
	const bson_t *doc;
	bson_t filter;
	bson_error_t e;
	enum err_code code = ERR_NONE;

	BS(init)(&filter);
	mongo_put_str(&filter, "keyAltNames", KEY_NAME);
	cursor = MC(collection_find_with_opts)(vault, &filter, NULL, NULL);
	*there = MC(cursor_next)(cursor, &doc);
	if (!*there && MC(cursor_error)(cursor, &e))
		code = mongo_translate(&e, NULL, err);
	MC(cursor_destroy)(cursor);
	BS(destroy)(&filter);
	MC(collection_destroy)(vault);
	return code;
}

/* ERR_EXISTS: another made one at the same time. */
static enum err_code
make_key(struct mongo *m, struct err *err)
{
	mongoc_client_encryption_datakey_opts_t *opts =
	    MC(client_encryption_datakey_opts_new)();
	char name[] = KEY_NAME;
	char *names[] = {name};
	bson_value_t id;
	bson_error_t e;
	enum err_code code = ERR_NONE;

	MC(client_encryption_datakey_opts_set_keyaltnames)(opts, names, 1);
	if (!MC(client_encryption_create_datakey)(
		m->crypt, "local", opts, &id, &e))
		code = mongo_translate(&e, NULL, err);
	BS(value_destroy)(&id);
	MC(client_encryption_datakey_opts_destroy)(opts);
	return code;
}

/*
 * The index is what keeps two hosts from making a key each, so the key is made
 * only under it.  Every document of a vault has the field here: it needs not
 * be partial, which not all servers know.
 */
static bool
make_vault_index(struct mongo *m, struct err *err)
{
	bson_t command;
	bson_t list;
	bson_t index;
	bson_t key;
	bson_t reply;
	bson_error_t e;
	bool made;

	BS(init)(&command);
	mongo_put_str(&command, "createIndexes", m->vault_collection);
	(void)BS(append_array_begin)(&command, "indexes", 7, &list);
	mongo_begin(&list, "0", &index);
	mongo_begin(&index, "key", &key);
	mongo_put_i64(&key, "keyAltNames", 1);
	mongo_end(&index, &key);
	mongo_put_str(&index, "name", "keyAltNames_1");
	(void)BS(append_bool)(&index, "unique", 6, true);
	mongo_end(&list, &index);
	(void)BS(append_array_end)(&command, &list);
	made = MC(client_write_command_with_opts)(
	    m->client, m->vault_database, &command, NULL, &reply, &e);
	if (!made)
		(void)mongo_translate(&e, &reply, err);
	BS(destroy)(&reply);
	BS(destroy)(&command);
	return made;
}

enum err_code
mongo_crypt_prepare(struct mongo *m, bool make,
    void (*each)(void *arg, const struct mongo_index *i), void *arg,
    struct err *err)
{
	struct mongo_index key = {.collection = m->vault_collection,
	    .name = "data key \"" KEY_NAME "\"",
	    .text = ""};
	struct err why = {.text = ""};
	bool there = false;
	enum err_code code = ready(m, err);

	if (code == ERR_NONE)
		code = look_for_key(m, &there, err);
	if (code != ERR_NONE)
		return code;
	if (there) {
		key.state = MONGO_INDEX_THERE;
	} else if (!make) {
		key.state = MONGO_INDEX_MISSING;
	} else if (!make_vault_index(m, &why)) {
		key.state = MONGO_INDEX_REFUSED;
	} else {
		enum err_code made = make_key(m, &why);

		key.state = made == ERR_NONE     ? MONGO_INDEX_MADE
			    : made == ERR_EXISTS ? MONGO_INDEX_THERE
						 : MONGO_INDEX_REFUSED;
	}
	if (key.state == MONGO_INDEX_REFUSED)
		key.text = why.text;
	each(arg, &key);
	return ERR_NONE;
}
