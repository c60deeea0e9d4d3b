#ifndef DSRUN_JOURNAL_ARCHIVE_H
#define DSRUN_JOURNAL_ARCHIVE_H

#include "journal/journal_check.h"

/*
 * Files of pruned jobs: archive/pruned-TIME.jsonl.
 *
 * A first line (schema, journal, time), then a line a job: its identity, its
 * seals, all its events with their hashes, its attempts without anything
 * personal, and what files it had; then a closing line with the number of jobs
 * and the SHA-256 of every byte before it.  So each line proves itself: the
 * identity is the first hash of the chain of events, each seal seals one of
 * them; and the file proves that it is whole.  Nothing but the file is needed.
 *
 *	{"schema":1,"journal":"<32 hex>","at":<ms>,"before":<ms>}
 *	{"job":1,"source":"file","ext":"a","content":"<hex>","identity":"<hex>",
 *	 "kind":"intro","campaign":"spring","step":0,"final":false,
 *	 "state":"DONE","outcome":"completed","reason":"","tries":1,
 *	 "revision":1,"opened":0,
 *	 "seals":[{"n":1,"revision":1,"state":3,"outcome":1,"last":"<hex>",
 *	   "before":"<hex>","hash":"<hex>"}],
 *	 "events":[{"seq":1,"n":1,"at":<ms>,"step":1,"jobState":1,"attempt":0,
 *	   "attemptState":-1,"detail":null,"hash":"<hex>"}],
 *	 "attempts":[{"number":1,"state":8,"outcome":1,"key":"<hex>",
 *	   "request":"<hex>","call":"..","armed":<ms>,"placed":<ms>,
 *	   "answered":<ms>,"ended":<ms>}],
 *	 "files":[{"attempt":1,"kind":0,"path":"..","bytes":1,
 *	   "sha256":"<hex>"}]}
 *	{"end":true,"jobs":1,"events":5,"sha256":"<hex>"}
 */

struct journal_archive {
	/* NULL, or called for each attempt; its number is 0: it was erased. */
	void (*attempt)(void *arg, const struct journal_check_attempt *attempt);
	/* NULL, or called for each job with the SHA-256 of its line, as it
	 * stands in the table archived. */
	void (*job)(void *arg, int64_t job, const uint8_t line[SHA256_BYTES]);
	void *arg;
	/* out */
	int64_t jobs, events;
	uint8_t journal[ENV_ID_BYTES];
};

/*
 * Reads and proves one file.  ERR_DAMAGED names line and fault: altered, cut
 * off, or something behind its end; ERR_NOT_FOUND.  What the callbacks saw of
 * a file that turns out to be damaged is worth nothing.
 */
enum err_code journal_archive_verify(struct env *env, const char *path,
    struct journal_archive *a, struct err *err);

#endif
