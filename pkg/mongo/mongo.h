#ifndef DSRUN_MONGO_H
#define DSRUN_MONGO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A MongoDB and the specification's collections in it: connection, reads for
 * the journal's cache, indexes.  What a result writes: mongo_row.h.
 *
 * libmongoc blocks, so that every function that talks to the server belongs on
 * a thread of net_pool; one thread at a time for one struct mongo (a client
 * of libmongoc is no more than that), several of them for several threads.
 * None waits longer than the URI's serverSelectionTimeoutMS and, a command,
 * socketTimeoutMS.  No threads of its own: a lost server is found out by the
 * next call, a returned one too.
 *
 * Errors of the driver and the server are translated once, here:
 *   RETRY  ERR_UNREACHABLE  no server fit to write, the connection was lost
 *                           (part of a bulk may be there), stepped down
 *          ERR_TIMEOUT      too slow; write concern not met in time (the data
 *                           may be there)
 *          ERR_THROTTLED, ERR_BUSY (a write conflict, a full disk)
 *   FINAL  ERR_REJECTED     the server will never take this
 *          ERR_MALFORMED    too large, or no document: refused here
 *          ERR_NOT_FOUND
 *          ERR_CANCELLED    mongo_stop
 *   FATAL  ERR_CONFIG       refused password or rights, URI, files, versions
 * After RETRY the same may be done again: every write here is idempotent.  A
 * certificate that does not verify is ERR_UNREACHABLE, its text says so: the
 * driver does not tell it from a server that is away.
 */

enum mongo_collection {
	MONGO_CAMPAIGN,
	MONGO_CALL_RECORD,
	MONGO_CONTACT,
	MONGO_BATCH,
	MONGO_SEQUENCE,
	MONGO_COLLECTION_COUNT
};

#define MONGO_MASTER_KEY_BYTES 96
#define MONGO_DOCUMENT_MAX (16 * 1024 * 1024) /* bytes, the server's limit */

/* Zeroed but for uri is valid.  All is copied. */
struct mongo_options {
	/*
	 * mongodb:// or mongodb+srv://.  What it does not say is set: appName
	 * dsrun, w=majority, wtimeoutMS 10000, journal, retryWrites,
	 * connectTimeoutMS and serverSelectionTimeoutMS 5000, socketTimeoutMS
	 * 20000.  w=0 is refused: nothing would be certain.
	 */
	const char *uri;
	const char *database; /* NULL or "": the URI's */
	const char *app_name;
	const char *tls_ca_file;   /* set: TLS, and only this CA */
	const char *tls_cert_file; /* PEM: our certificate and its key */
	/* Without it a URI that turns verification off is refused. */
	bool tls_unverified;
	/* NULL or "": the name that Mongoose gives ("campaigns", ...). */
	const char *collection[MONGO_COLLECTION_COUNT];
	/* Operations in one command; 0: 1000. */
	size_t bulk_ops;
	/*
	 * MONGO_MASTER_KEY_BYTES, or NULL: no encryption.  See mongo_crypt.h.
	 * Whoever loses it loses what was encrypted.
	 */
	const uint8_t *master_key;
	const char *key_vault; /* NULL or "": "encryption.__keyVault" */
};

struct mongo;

/*
 * Loads the library and checks the options; talks to nobody, so the loop's
 * thread may call it (5 to 30 ms the first time, and never two threads at
 * once).  ERR_CONFIG: the URI or an option cannot be used (the text has no
 * password in it), or libmongoc is not installed.
 */
enum err_code mongo_open(
    const struct mongo_options *o, struct mongo **out, struct err *err);

/*
 * From any thread: a call under way returns after its present command (at most
 * socketTimeoutMS, twice that when the driver repeats it: a hanging primary of
 * a replica set), what it had not begun and every later call is
 * ERR_CANCELLED.
 */
void mongo_stop(struct mongo *m);

/* No call may be under way.  Secrets are wiped.  NULL-safe; sets NULL. */
void mongo_close(struct mongo **m);

/*
 * The URI for people: the password, and the values of options that are
 * secrets, are "***".  Appended (at most 5 bytes more than the URI has, and 4
 * an option); needs no library and no valid URI.
 */
void mongo_uri_shown(const char *uri, struct buf *out);

/* "campaigns": the name in use. */
const char *mongo_collection_name(
    const struct mongo *m, enum mongo_collection c);

struct mongo_server {
	char version[64];
	int64_t wire_version;
	bool replicated; /* a replica set or a router: writes are retried */
};

/* Asks the server who it is; also the cheapest proof that it can be used. */
enum err_code mongo_ping(
    struct mongo *m, struct mongo_server *out, struct err *err);

/*
 * May results be written?  Asks for an update of a document that is not there
 * in each of their collections, with the writes' own concern: nothing changes.
 * ERR_CONFIG: the user may only read.
 */
enum err_code mongo_try_write(struct mongo *m, struct err *err);

/*
 * One document by its _id (24 hex digits: an ObjectId or that string), as
 * canonical JSON (json_canonical) for the journal's cache: appended to out.
 * ObjectIds are hex, dates RFC 3339 in UTC, whole numbers beyond 2^53 and
 * decimals strings, binary base64; types that JSON has no word for are left
 * out.  The other draft's names are given as ours where ours are missing:
 *   Campaign: messageHistory -> callHistory (messageId -> callId, sentAt ->
 *   callTime), lastStep -> lastCompletedStep, lastCallDate ->
 *   lastCompletedDate
 * Encrypted fields are decrypted.
 * ERR_NOT_FOUND; ERR_MALFORMED: more than max bytes, or nested too deep;
 * ERR_CONFIG: encrypted, and no key was given.
 */
enum err_code mongo_read(struct mongo *m, enum mongo_collection c,
    const char *id, size_t max, struct buf *out, struct err *err);

/* One of several: as mongo_read says of it. */
struct mongo_found {
	enum err_code code;
	struct err err;
	char *json; /* mem_free; NULL unless code is ERR_NONE */
};

/*
 * Several documents in one query: out[i] is that of ids[i], whichever way
 * its _id is kept.  A returned error is the whole query's, and what out has by
 * then (its json is the caller's in any case) says nothing of the others.
 */
enum err_code mongo_read_many(struct mongo *m, enum mongo_collection c,
    const char *const *ids, size_t n, size_t max, struct mongo_found *out,
    struct err *err);

/*
 * A contact by its phone number, as mongo_read; equality also works when
 * phones are encrypted.  One of them when several have it.
 */
enum err_code mongo_read_by_phone(struct mongo *m, const char *phone,
    size_t max, struct buf *out, struct err *err);

/*
 * Replace or make the contact with that _id from a JSON object (without _id),
 * encrypted as configured.  For seeds and tests; a run only reads contacts.
 */
enum err_code mongo_put_contact(
    struct mongo *m, const char *id, const char *json, struct err *err);

enum mongo_index_state {
	MONGO_INDEX_THERE,
	MONGO_INDEX_MADE,
	MONGO_INDEX_MISSING,
	MONGO_INDEX_REFUSED, /* text says why */
};

struct mongo_index {
	const char *collection;
	const char *name; /* "batch_1_status_1" */
	enum mongo_index_state state;
	const char *text;
};

/*
 * Check the specification's indexes (both drafts; docs/mongo.md), and make
 * those that are missing when asked to; with encryption also the key vault's
 * index and data key.  each() is called for every one, from this thread.
 * An index that the server refuses is no error of the call.
 */
enum err_code mongo_indexes(struct mongo *m, bool make,
    void (*each)(void *arg, const struct mongo_index *i), void *arg,
    struct err *err);

/*
 * The master key of a file or a secret: 96 bytes, or base64 of them with
 * blanks around it.  ERR_CONFIG otherwise; the text has nothing of it.
 */
enum err_code mongo_master_key(const void *bytes, size_t len,
    uint8_t out[MONGO_MASTER_KEY_BYTES], struct err *err);

#endif
