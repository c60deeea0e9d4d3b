#ifndef DSRUN_AWS_XML_H
#define DSRUN_AWS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * XML that S3 and STS answer with, one element at a time, by libexpat: it is
 * small (linked, 0.1 ms of a start), streams, and has no network, no file and
 * no entities unless asked.  A DOCTYPE is refused, so no entity is ever
 * declared.
 */

#define AWS_XML_DEPTH_MAX 12
#define AWS_XML_ELEMENTS_MAX 200000
#define AWS_XML_TEXT_MAX 65536 /* bytes of one element's text */
#define AWS_XML_PATH_MAX 512

/* An element that has just ended: its children came before it. */
struct aws_xml_element {
	const char *path; /* "ListPartsResult/Part/ETag": no namespaces */
	const char *text; /* its own; "" for one that only holds others */
	/* Where it stands in the document, from '<' to behind its last '>'. */
	size_t begin, end;
};

/*
 * Read a whole document.  each() is called at the end of every element, in
 * order.  ERR_MALFORMED: no XML, or beyond the limits above; what came before
 * was given to each() by then.  Blanks in front are skipped: S3 sends some
 * while it is still working.
 */
enum err_code aws_xml_read(const char *text, size_t len,
    void (*each)(void *arg, const struct aws_xml_element *e), void *arg,
    struct err *err);

#endif
