#ifndef DSRUN_MONGO_CRYPT_H
#define DSRUN_MONGO_CRYPT_H

#include <stdbool.h>

/*
 * Explicit client-side field encryption by libmongocrypt (AEAD_AES_256_CBC_
 * HMAC_SHA_512), with one data key named "dsrun" in the key vault, wrapped by
 * the local master key.
 *
 * Encrypted are strings of these names, at any depth, in contacts and in a
 * call's meeting:
 *   deterministic (equal texts give equal bytes, so it can be searched for;
 *   the server learns which are equal): phones and e-mail addresses
 *   random: names of people
 * A binary of subtype 6 is decrypted wherever it is read.
 *
 * The data key is made by mongo_indexes with make set, and by nothing else:
 * two keys made at once would give one phone two texts.  Without it a call is
 * ERR_CONFIG.
 */

enum mongo_secrecy {
	MONGO_PLAIN,
	MONGO_DETERMINISTIC,
	MONGO_RANDOM
};

/* What a field of that name is to be. */
enum mongo_secrecy mongo_secrecy_of(const char *field);

#endif
