#ifndef DSRUN_MONGO_PRIV_H
#define DSRUN_MONGO_PRIV_H

#include <stdatomic.h>

#include <bson/bson.h>
#include <mongoc/mongoc.h>

#include "json/json.h"
#include "mongo/mongo.h"
#include "mongo/mongo_crypt.h"
#include "mongo/mongo_row.h"

/*
 * The table of what is called in the two libraries.  Macros and inline
 * functions of bson.h that call others of its functions are not for use here:
 * they would link.
 */
#define MONGO_BSON(X)                      \
	X(bson_append_array)               \
	X(bson_append_array_begin)         \
	X(bson_append_array_end)           \
	X(bson_append_binary)              \
	X(bson_append_bool)                \
	X(bson_append_date_time)           \
	X(bson_append_decimal128)          \
	X(bson_append_timestamp)           \
	X(bson_append_document)            \
	X(bson_append_document_begin)      \
	X(bson_append_document_end)        \
	X(bson_append_double)              \
	X(bson_append_int32)               \
	X(bson_append_int64)               \
	X(bson_append_iter)                \
	X(bson_append_null)                \
	X(bson_append_oid)                 \
	X(bson_append_utf8)                \
	X(bson_append_value)               \
	X(bson_as_canonical_extended_json) \
	X(bson_decimal128_to_string)       \
	X(bson_destroy)                    \
	X(bson_free)                       \
	X(bson_init)                       \
	X(bson_iter_array)                 \
	X(bson_iter_as_int64)              \
	X(bson_iter_binary)                \
	X(bson_iter_bool)                  \
	X(bson_iter_date_time)             \
	X(bson_iter_decimal128)            \
	X(bson_iter_document)              \
	X(bson_iter_double)                \
	X(bson_iter_init)                  \
	X(bson_iter_init_find)             \
	X(bson_iter_init_from_data)        \
	X(bson_iter_key)                   \
	X(bson_iter_next)                  \
	X(bson_iter_oid)                   \
	X(bson_iter_recurse)               \
	X(bson_iter_symbol)                \
	X(bson_iter_type)                  \
	X(bson_iter_utf8)                  \
	X(bson_iter_value)                 \
	X(bson_value_destroy)

#define MONGO_MONGOC(X)                                          \
	X(mongoc_bulk_operation_destroy)                         \
	X(mongoc_bulk_operation_execute)                         \
	X(mongoc_bulk_operation_update_one_with_opts)            \
	X(mongoc_client_command_simple)                          \
	X(mongoc_client_destroy)                                 \
	X(mongoc_client_encryption_create_datakey)               \
	X(mongoc_client_encryption_datakey_opts_destroy)         \
	X(mongoc_client_encryption_datakey_opts_new)             \
	X(mongoc_client_encryption_datakey_opts_set_keyaltnames) \
	X(mongoc_client_encryption_decrypt)                      \
	X(mongoc_client_encryption_destroy)                      \
	X(mongoc_client_encryption_encrypt)                      \
	X(mongoc_client_encryption_encrypt_opts_destroy)         \
	X(mongoc_client_encryption_encrypt_opts_new)             \
	X(mongoc_client_encryption_encrypt_opts_set_algorithm)   \
	X(mongoc_client_encryption_encrypt_opts_set_keyaltname)  \
	X(mongoc_client_encryption_new)                          \
	X(mongoc_client_encryption_opts_destroy)                 \
	X(mongoc_client_encryption_opts_new)                     \
	X(mongoc_client_encryption_opts_set_keyvault_client)     \
	X(mongoc_client_encryption_opts_set_keyvault_namespace)  \
	X(mongoc_client_encryption_opts_set_kms_providers)       \
	X(mongoc_client_get_collection)                          \
	X(mongoc_client_get_server_descriptions)                 \
	X(mongoc_client_new_from_uri_with_error)                 \
	X(mongoc_client_set_error_api)                           \
	X(mongoc_client_write_command_with_opts)                 \
	X(mongoc_collection_create_bulk_operation_with_opts)     \
	X(mongoc_collection_destroy)                             \
	X(mongoc_collection_find_indexes_with_opts)              \
	X(mongoc_collection_find_with_opts)                      \
	X(mongoc_collection_replace_one)                         \
	X(mongoc_collection_update_one)                          \
	X(mongoc_cursor_destroy)                                 \
	X(mongoc_cursor_error)                                   \
	X(mongoc_cursor_error_document)                          \
	X(mongoc_cursor_next)                                    \
	X(mongoc_error_has_label)                                \
	X(mongoc_init)                                           \
	X(mongoc_log_set_handler)                                \
	X(mongoc_server_description_hello_response)              \
	X(mongoc_server_description_type)                        \
	X(mongoc_server_descriptions_destroy_all)                \
	X(mongoc_uri_destroy)                                    \
	X(mongoc_uri_get_appname)                                \
	X(mongoc_uri_get_database)                               \
	X(mongoc_uri_get_options)                                \
	X(mongoc_uri_get_option_as_bool)                         \
	X(mongoc_uri_get_password)                               \
	X(mongoc_uri_get_write_concern)                          \
	X(mongoc_uri_has_option)                                 \
	X(mongoc_uri_new_with_error)                             \
	X(mongoc_uri_set_appname)                                \
	X(mongoc_uri_set_option_as_bool)                         \
	X(mongoc_uri_set_option_as_int32)                        \
	X(mongoc_uri_set_option_as_utf8)                         \
	X(mongoc_uri_set_write_concern)                          \
	X(mongoc_write_concern_copy)                             \
	X(mongoc_write_concern_destroy)                          \
	X(mongoc_write_concern_get_w)                            \
	X(mongoc_write_concern_get_wtimeout)                     \
	X(mongoc_write_concern_journal_is_set)                   \
	X(mongoc_write_concern_set_journal)                      \
	X(mongoc_write_concern_set_wmajority)                    \
	X(mongoc_write_concern_set_wtimeout)

struct mongo_lib {
#define X(name) __typeof__(name) *name;
	MONGO_BSON(X)
	MONGO_MONGOC(X)
#undef X
};

/* Valid after mongo_lib_load; never unloaded. */
extern struct mongo_lib mongo_lib;
#define BS(name) (mongo_lib.bson_##name)
#define MC(name) (mongo_lib.mongoc_##name)

enum err_code mongo_lib_load(struct err *err);

struct mongo {
	mongoc_uri_t *uri;
	char *database;
	char *collection[MONGO_COLLECTION_COUNT];
	size_t bulk_ops;
	bool encrypts;
	uint8_t master_key[MONGO_MASTER_KEY_BYTES];
	char *vault_database;
	char *vault_collection;
	atomic_bool stopped;
	/* Of the thread that works; made by mongo_ready. */
	mongoc_client_t *client;
	mongoc_client_encryption_t *crypt;
};

/* The client is there and nobody stopped it: call first.  mongodb+srv asks
 * DNS in here. */
enum err_code mongo_ready(struct mongo *m, struct err *err);
mongoc_collection_t *mongo_of(struct mongo *m, enum mongo_collection c);

/*
 * Errors.  labelled: the reply has RetryableWriteError or
 * TransientTransactionError.  The code is the class's reason; text as sent.
 */
enum err_code mongo_code_of(uint32_t domain, uint32_t code, bool labelled);
enum err_code mongo_server_code(int64_t code, bool labelled);
enum err_code mongo_translate(
    const bson_error_t *e, const bson_t *reply, struct err *err);

#define MONGO_DUPLICATE 11000

/* BSON, by one table of functions; key is NUL-terminated. */
void mongo_put_str(bson_t *b, const char *key, const char *text);
void mongo_put_i64(
    bson_t *b, const char *key, int64_t n); /* int32 if it fits */
void mongo_put_double(bson_t *b, const char *key, double n);
void mongo_put_time(bson_t *b, const char *key, int64_t ms);
void mongo_put_id(bson_t *b, const char *key, const char *id);
/* Is it what mongo_put_id puts? */
bool mongo_is_id(const bson_iter_t *it, const char *id);
void mongo_put_doc(bson_t *b, const char *key, const bson_t *doc);
void mongo_begin(bson_t *b, const char *key, bson_t *child);
void mongo_end(bson_t *b, bson_t *child);
/* {$in: [...]} of what id can be. */
void mongo_put_either_id(bson_t *b, const char *key, const char *id);

/*
 * JSON to BSON: the members of an object, appended to b.  m may be NULL:
 * nothing is encrypted.  How deep is what json_parse allowed.
 */
enum err_code mongo_put_members(
    struct mongo *m, bson_t *b, const struct json *object, struct err *err);

/* BSON to canonical JSON, with the other draft's names for c turned to ours. */
enum err_code mongo_json(struct mongo *m, enum mongo_collection c,
    const bson_t *doc, size_t max, struct buf *out, struct err *err);

/* Encryption; m->encrypts.  out: bson_value_destroy. */
enum err_code mongo_encrypt(struct mongo *m, const char *text,
    enum mongo_secrecy how, bson_value_t *out, struct err *err);
enum err_code mongo_decrypt(struct mongo *m, const bson_value_t *in,
    bson_value_t *out, struct err *err);
/* The vault's index and data key: there, or made. */
enum err_code mongo_crypt_prepare(struct mongo *m, bool make,
    void (*each)(void *arg, const struct mongo_index *i), void *arg,
    struct err *err);

/* One operation of a row. */
enum mongo_op_kind {
	MONGO_OP_RECORD,   /* CallRecord, upsert by revision */
	MONGO_OP_HISTORY,  /* Campaign, upsert of a call's entry */
	MONGO_OP_REPLACE,  /* Campaign, an older entry's place */
	MONGO_OP_STATUS,   /* Campaign, forward */
	MONGO_OP_LAST_URL, /* Campaign, if it was the last call */
	MONGO_OP_COUNT
};

struct mongo_op {
	size_t row;
	bool upsert;
	bson_t filter;
	bson_t update;
	bson_t array_filters; /* empty: none */
	char *duplicate;      /* why its upsert found a key taken; NULL */
};

/*
 * *made: has the row such an operation?  Then op is the caller's to fini.
 * ERR_MALFORMED: a text is no UTF-8, meeting_json no object, or it is too
 * large.  m as for mongo_put_members.
 */
enum err_code mongo_render(struct mongo *m, enum mongo_op_kind kind,
    const struct mongo_row *r, struct mongo_op *op, bool *made,
    struct err *err);
void mongo_op_fini(struct mongo_op *op);

/* {upsert: , arrayFilters: } of an operation; caller destroys. */
void mongo_op_opts(const struct mongo_op *op, bool upsert, bson_t *opts);

/* What became of one operation; text lives as long as the reply. */
struct mongo_outcome {
	int64_t code; /* the server's; 0 = done */
	const char *text;
};

/*
 * What the reply of a bulk that failed proves about its k operations, all of
 * them upserts: out has k places.  False: it proves nothing, do each again.
 */
bool mongo_bulk_proves(
    const bson_t *reply, size_t k, struct mongo_outcome *out);

/*
 * Of the k operations those that were kept from inserting by a duplicate key,
 * and whose document is not there: each() is told of them.
 */
enum err_code mongo_find_missing(mongoc_collection_t *c,
    struct mongo_op *const *ops, size_t k,
    void (*each)(void *arg, const struct mongo_op *op), void *arg,
    struct err *err);

/*
 * The same of a bulk that succeeded: which of its k upserts made a document.
 * each() is called for those whose place and _id the reply names, and not at
 * all when it does not account for all of them.
 */
void mongo_bulk_made(const bson_t *reply, size_t k,
    void (*each)(void *arg, size_t i, const bson_iter_t *id), void *arg);

#endif
