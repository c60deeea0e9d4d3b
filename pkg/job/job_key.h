#ifndef DSRUN_JOB_KEY_H
#define DSRUN_JOB_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

#include "job/job_state.h"

/*
 * The hashes that tie a job together: who it is, which key its attempts carry
 * to the carrier, and the chain over its events.
 *
 * Pure and cheap (an event with a detail of up to 42 bytes is two blocks of
 * SHA-256).  journal/ stores the results, so these layouts never change: a new
 * one gets a new tag.  Every stream begins with a tag byte that no other stream
 * begins with; whole numbers are little endian, of the width given; text is
 * its length as u32, then its bytes, so that no two lists of fields make one
 * stream.  The tests hold vectors made by another implementation.
 */

#define JOB_CONTENT_BYTES 16

/* What an event's hash covers; n counts the job's events, from 1. */
struct job_event_fields {
	int64_t seq;
	int64_t job;
	int64_t n;     /* to 2^32 - 1 */
	int64_t at_ms; /* Unix */
	int step;      /* the row in the table step; to 65535 */
	int job_state;
	int64_t attempt;    /* id; 0 = the event is none of an attempt's */
	int attempt_state;  /* -1 = none */
	const char *detail; /* NULL is not "" */
};

/* What a finish seals. */
struct job_sealed_fields {
	const uint8_t *identity; /* SHA256_BYTES, of job_hash_identity */
	int state;               /* a final enum job_state */
	int outcome;             /* enum job_outcome; JOB_OUTCOME_NONE = none */
	int64_t revision;
	const uint8_t *last;   /* SHA256_BYTES: hash of the job's last event */
	const uint8_t *before; /* SHA256_BYTES: the sealed hash before */
};

/*
 * 'E', before[32], seq u64, job u64, n u32, at_ms u64, step u16, job_state u8,
 * attempt u64, attempt_state u8 (255 = none), detail (u32 2^32-1 = NULL).
 * before: the hash that the chain had, 32 zero bytes at its beginning.
 */
void job_hash_event(const uint8_t before[SHA256_BYTES],
    const struct job_event_fields *f, uint8_t out[SHA256_BYTES]);

/* 'S', identity[32], state u8, outcome u8, revision u64, last[32], before[32].
 */
void job_hash_sealed(
    const struct job_sealed_fields *f, uint8_t out[SHA256_BYTES]);

/* 'I', source, ext, content[16]: the job, and what was asked under its name. */
void job_hash_identity(const char *source, const char *ext,
    const uint8_t content[JOB_CONTENT_BYTES], uint8_t out[SHA256_BYTES]);

/*
 * SHA-256 of the canonical line (interfaces: RFC 8785), without a tag, so that
 * anybody can compute it.  Whole: the id of a job that names none; its first
 * JOB_CONTENT_BYTES: what tells a known id with other content.
 */
void job_hash_content(
    const char *canonical, size_t len, uint8_t out[SHA256_BYTES]);

/*
 * 'K', prefix, source, ext, number u32: the key of attempt number (from 1).
 * Never random: whoever holds the job's identity can ask the carrier for it,
 * also in a journal that was restored or taken over.  prefix is the
 * configuration's key_prefix, or else the journal's id.
 */
void job_key_attempt(const void *prefix, size_t prefix_len, const char *source,
    const char *ext, int64_t number, uint8_t out[SHA256_BYTES]);

#endif
