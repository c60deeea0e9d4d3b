#ifndef DSRUN_AWS_S3_BUCKET_H
#define DSRUN_AWS_S3_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/aws_s3.h"

/* A bucket's own settings: looked at and set by a person's command (doctor),
 * never in passing. */

/*
 * How long objects live.  Days count from their making; 0 = not at all.  One
 * rule of the name AWS_S3_LIFECYCLE_ID; what others have set stays.
 */
#define AWS_S3_LIFECYCLE_ID "dsrun"

struct aws_s3_lifecycle {
	const char *prefix;        /* of the keys; "" = the whole bucket */
	int64_t archive_days;      /* to archive_class */
	const char *archive_class; /* "GLACIER_IR" */
	int64_t cold_days;         /* to cold_class */
	const char *cold_class;    /* "DEEP_ARCHIVE" */
	int64_t delete_days;
	/*
	 * In a bucket with versioning a deletion, by this rule too, only makes
	 * an old version of an object; that is deleted so long after.  0: it
	 * stays for ever.  Without versioning it has no effect.
	 */
	int64_t noncurrent_days;
	int64_t abort_days; /* uploads that were never completed */
};

/*
 * The specification's: 90 days at hand, then archived but read at once, cold
 * after a year, deleted after three, and from then on to be had back for 7 days
 * where there are versions.  An upload lives 7 days.
 */
#define AWS_S3_LIFECYCLE_DEFAULT    \
	((struct aws_s3_lifecycle){ \
	    "", 90, "GLACIER_IR", 365, "DEEP_ARCHIVE", 1095, 7, 7})

/* ERR_CONFIG: days or classes that S3 would refuse: out of order, negative, a
 * class with infrequent access before 30 days, or less than 30 days in one. */
enum err_code aws_s3_lifecycle_valid(
    const struct aws_s3_lifecycle *l, struct err *err);

/* What a bucket looks like. */
struct aws_s3_check {
	struct aws_s3_op op;
	const struct aws_s3_lifecycle *want; /* NULL: do not compare */
	/*
	 * Out.  op.code is that of reaching the bucket, and of a service that
	 * failed in between; what the keys may not see, or the server does not
	 * know, is said by a word instead ("AccessDenied").
	 */
	char region[64];     /* "" = not said */
	char encryption[32]; /* default: "AES256", "aws:kms"; "" = none */
	char kms_key[256];
	bool bucket_key;
	char encryption_unknown[AWS_S3_REASON_MAX];
	char versioning[16]; /* "Enabled", "Suspended", "" = never was */
	char versioning_unknown[AWS_S3_REASON_MAX];
	bool has_rule;     /* of our name */
	char differs[256]; /* "" = as wanted */
	char lifecycle_unknown[AWS_S3_REASON_MAX];
};
void aws_s3_check(struct aws_s3 *s3, struct aws_s3_check *c);

/*
 * Set our rule and keep the others, as they were read a moment before: two
 * who set rules at the same time may lose one's.  S3 needs some minutes until
 * it shows.
 */
struct aws_s3_lifecycle_put {
	struct aws_s3_op op;
	const struct aws_s3_lifecycle *want;
	int64_t kept; /* out: rules of others */
};
void aws_s3_lifecycle_put(struct aws_s3 *s3, struct aws_s3_lifecycle_put *p);

#endif
