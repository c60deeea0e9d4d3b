#ifndef DSRUN_CMD_DOCTOR_S3_H
#define DSRUN_CMD_DOCTOR_S3_H

#include "aws/aws_s3.h"
#include "doctor.h"

/*
 * Writes to the bucket as a sync does, and aborts uploads that were begun more
 * than 7 days ago and never completed; says what came of both.  One small
 * object stays: PREFIX "dsrun-doctor-" HEX ".txt".
 */
void doctor_s3_try(struct doctor *d, struct aws_s3 *s3);

#endif
