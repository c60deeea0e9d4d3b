#include <string.h>

#include "mongo/mongo_priv.h"

/*
 * Codes of the server, from MongoDB's list of error codes and the drivers'
 * specification of what may be retried.
 */
static const struct {
	int64_t code;
	enum err_code means;
} table[] = {
    {1, ERR_BUSY},            /* InternalError: theirs, or of this document */
    {6, ERR_UNREACHABLE},     /* HostUnreachable */
    {7, ERR_UNREACHABLE},     /* HostNotFound */
    {8, ERR_BUSY},            /* UnknownError */
    {13, ERR_CONFIG},         /* Unauthorized */
    {18, ERR_CONFIG},         /* AuthenticationFailed */
    {20, ERR_CONFIG},         /* IllegalOperation: retryWrites on one alone */
    {24, ERR_BUSY},           /* LockTimeout */
    {26, ERR_NOT_FOUND},      /* NamespaceNotFound */
    {46, ERR_BUSY},           /* LockBusy */
    {50, ERR_TIMEOUT},        /* MaxTimeMSExpired */
    {64, ERR_TIMEOUT},        /* WriteConcernFailed: may be there */
    {79, ERR_CONFIG},         /* UnknownReplWriteConcern */
    {89, ERR_UNREACHABLE},    /* NetworkTimeout */
    {91, ERR_UNREACHABLE},    /* ShutdownInProgress */
    {100, ERR_UNREACHABLE},   /* UnsatisfiableWriteConcern: may be there */
    {112, ERR_BUSY},          /* WriteConflict */
    {117, ERR_BUSY},          /* ConflictingOperationInProgress */
    {133, ERR_UNREACHABLE},   /* FailedToSatisfyReadPreference */
    {134, ERR_UNREACHABLE},   /* ReadConcernMajorityNotAvailableYet */
    {146, ERR_BUSY},          /* ExceededMemoryLimit */
    {189, ERR_UNREACHABLE},   /* PrimarySteppedDown */
    {202, ERR_TIMEOUT},       /* NetworkInterfaceExceededTimeLimit */
    {234, ERR_UNREACHABLE},   /* RetryChangeStream */
    {262, ERR_TIMEOUT},       /* ExceededTimeLimit */
    {365, ERR_BUSY},          /* TemporarilyUnavailable: its cache is full */
    {384, ERR_UNREACHABLE},   /* ConnectionPoolExpired */
    {391, ERR_CONFIG},        /* ReauthenticationRequired */
    {8000, ERR_CONFIG},       /* Atlas: authentication */
    {9001, ERR_UNREACHABLE},  /* SocketException */
    {10107, ERR_UNREACHABLE}, /* NotWritablePrimary */
    {MONGO_DUPLICATE, ERR_EXISTS},
    {11600, ERR_UNREACHABLE}, /* InterruptedAtShutdown */
    {11601, ERR_UNREACHABLE}, /* Interrupted: killed by a person */
    {11602, ERR_UNREACHABLE}, /* InterruptedDueToReplStateChange */
    {13388, ERR_UNREACHABLE}, /* StaleConfig */
    {13435, ERR_UNREACHABLE}, /* NotPrimaryNoSecondaryOk */
    {13436, ERR_UNREACHABLE}, /* NotPrimaryOrSecondary */
    {14031, ERR_BUSY},        /* OutOfDiskSpace */
    {16500, ERR_THROTTLED},   /* request rate is large */
};

/* What is not in the table: FINAL, and a person looks at the dead letter. */
enum err_code
mongo_server_code(int64_t code, bool labelled)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i].means;
	return labelled ? ERR_UNREACHABLE : ERR_REJECTED;
}

static enum err_code
client_code(uint32_t code)
{
	switch (code) {
	case MONGOC_ERROR_CLIENT_NOT_READY:
	case MONGOC_ERROR_CLIENT_NO_ACCEPTABLE_PEER:
	case MONGOC_ERROR_CLIENT_SESSION_FAILURE:
		return ERR_UNREACHABLE;
	case MONGOC_ERROR_CLIENT_TOO_BIG:
		return ERR_MALFORMED;
	default: /* authentication, a client that cannot be set up */
		return ERR_CONFIG;
	}
}

enum err_code
mongo_code_of(uint32_t domain, uint32_t code, bool labelled)
{
	switch (domain) {
	case MONGOC_ERROR_CLIENT:
		return client_code(code);
	case MONGOC_ERROR_STREAM:
		/* 2/4 in mid-bulk: killed, and part of it is there. */
		return code == MONGOC_ERROR_STREAM_INVALID_TYPE
			   ? ERR_CONFIG
			   : ERR_UNREACHABLE;
	case MONGOC_ERROR_SERVER_SELECTION:
		return code == MONGOC_ERROR_SERVER_SELECTION_BAD_WIRE_VERSION
			   ? ERR_CONFIG
			   : ERR_UNREACHABLE;
	case MONGOC_ERROR_PROTOCOL:
		return code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION
			   ? ERR_CONFIG
			   : ERR_UNREACHABLE;
	case MONGOC_ERROR_CLIENT_SIDE_ENCRYPTION: /* no data key, another master
						   */
	case MONGOC_ERROR_SASL:
	case MONGOC_ERROR_SCRAM:
	case MONGOC_ERROR_POOL:
		return ERR_CONFIG;
	case MONGOC_ERROR_BSON: /* 8/18: larger than the server takes */
		return ERR_MALFORMED;
	case MONGOC_ERROR_WRITE_CONCERN:
	case MONGOC_ERROR_SERVER:
	case MONGOC_ERROR_QUERY:
	case MONGOC_ERROR_COLLECTION:
	case MONGOC_ERROR_TRANSACTION:
		return mongo_server_code(code, labelled);
	default:
		return labelled ? ERR_UNREACHABLE : ERR_REJECTED;
	}
}

enum err_code
mongo_translate(const bson_error_t *e, const bson_t *reply, struct err *err)
{
	bool labelled =
	    reply != NULL &&
	    (MC(error_has_label)(reply, "RetryableWriteError") ||
		MC(error_has_label)(reply, "TransientTransactionError"));
	enum err_code code = mongo_code_of(e->domain, e->code, labelled);

	return err_set(err, code, (int)e->code, "MongoDB: %s (%u/%u)",
	    e->message, e->domain, e->code);
}
