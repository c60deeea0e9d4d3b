#ifndef DSRUN_BASE_ERR_H
#define DSRUN_BASE_ERR_H

/*
 * Errors are values: a code to branch on and one line of text to read.
 *
 * A struct err lives on the caller's stack and owns no memory, so a failure
 * can be reported when nothing can be allocated.  The code decides what
 * happens next (retry, give up, stop the process); the text is only for
 * people.  A code of class FATAL ends the process with the exit code that
 * cmd/dsrun maps it to; class RETRY may be tried again later unchanged; class
 * FINAL will fail again.
 */

#define ERR_TEXT_MAX 512

/* code, class, text */
#define ERR_CODES(X)                                                    \
	X(ERR_NONE, ERR_CLASS_NONE, "no error")                         \
	X(ERR_TIMEOUT, ERR_CLASS_RETRY, "timed out")                    \
	X(ERR_UNREACHABLE, ERR_CLASS_RETRY, "peer unreachable")         \
	X(ERR_BUSY, ERR_CLASS_RETRY, "held by another")                 \
	X(ERR_THROTTLED, ERR_CLASS_RETRY, "throttled by peer")          \
	X(ERR_SPACE, ERR_CLASS_RETRY, "no space on disk")               \
	X(ERR_REJECTED, ERR_CLASS_FINAL, "rejected by peer")            \
	X(ERR_MALFORMED, ERR_CLASS_FINAL, "malformed input")            \
	X(ERR_NOT_FOUND, ERR_CLASS_FINAL, "not found")                  \
	X(ERR_EXISTS, ERR_CLASS_FINAL, "exists already")                \
	X(ERR_STATE, ERR_CLASS_FINAL, "not allowed in this state")      \
	X(ERR_CANCELLED, ERR_CLASS_FINAL, "cancelled")                  \
	X(ERR_USAGE, ERR_CLASS_FINAL, "wrong use")                      \
	X(ERR_PERSON, ERR_CLASS_FINAL, "a person must decide")          \
	X(ERR_CONFIG, ERR_CLASS_FATAL, "configuration")                 \
	X(ERR_DAMAGED, ERR_CLASS_FATAL, "journal damaged or gone back") \
	X(ERR_IO, ERR_CLASS_FATAL, "input or output failed")            \
	X(ERR_STORE, ERR_CLASS_FATAL, "local journal failed")

enum err_class {
	ERR_CLASS_NONE,
	ERR_CLASS_RETRY,
	ERR_CLASS_FINAL,
	ERR_CLASS_FATAL
};

#define X(code, cls, text) code,
enum err_code {
	ERR_CODES(X) ERR_CODE_COUNT
};
#undef X

struct err {
	enum err_code code;
	int sys; /* errno, HTTP status or SQLite code; 0 if none */
	char text[ERR_TEXT_MAX];
};

/*
 * Fill err and return its code, so that "return err_set(...)" reads well.
 * err is never NULL: every caller has one on its stack.
 */
enum err_code err_set(struct err *err, enum err_code code, int sys,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * err_set() for a failed system call: code ERR_SPACE for ENOSPC and EDQUOT,
 * ERR_NOT_FOUND for ENOENT, ERR_IO otherwise; ": strerror" is appended.
 */
enum err_code err_sys(struct err *err, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "where: " in front of the text and return the code unchanged. */
enum err_code err_wrap(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

enum err_class err_class(enum err_code code);

/* "ERR_BUSY": for logs and --json; stable. */
const char *err_name(enum err_code code);

#endif
