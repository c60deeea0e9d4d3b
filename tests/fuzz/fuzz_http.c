#include "base/mem.h"

#include "fuzz.h"
#include "net/net_http.h"

/*
 * The headers of an answer, as any server may write them.  The input is one
 * byte for the status and then the lines; what is found must lie within them,
 * and a waiting time within its day.
 */

#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1795888800000)

static void
check_header(const struct net_http_request *r, const char *name)
{
	const char *value = NULL;
	size_t len = 0;

	if (!net_http_header(r, name, &value, &len))
		return;
	CHECK(value >= r->headers_in.bytes);
	CHECK(len <= r->headers_in.len);
	CHECK((size_t)(value - r->headers_in.bytes) <= r->headers_in.len - len);
	CHECK(memchr(value, '\n', len) == NULL);
	CHECK(len == 0 || (value[0] != ' ' && value[len - 1] != ' '));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct net_http_request r;
	struct err err = {.code = ERR_NONE};
	struct fuzz_in in = {bytes, len};

	memset(&r, 0, sizeof(r));
	r.status = 100 + 2 * fuzz_u8(&in);
	/* Without a byte behind them, so that reading on is seen. */
	r.headers_in = BUF_INIT(in.left);
	r.headers_in.bytes = mem_dup(in.at, in.left);
	r.headers_in.len = in.left;
	r.body_in = r.headers_in;
	check_header(&r, "Date");
	check_header(&r, "Retry-After");
	check_header(&r, "ETag");

	int64_t wait_ms = net_http_retry_after_ms(&r, NOW_MS);
	CHECK(wait_ms >= -1 && wait_ms <= DAY_MS);
	/* The year 10000 is not reached with four digits. */
	int64_t date_ms = net_http_date_ms(&r);
	CHECK(date_ms >= -1 && date_ms < INT64_C(253402300801000));
	enum err_code code = net_http_status(&r, &err);
	if (code != ERR_NONE)
		fuzz_refused(code, &err);
	CHECK((code == ERR_NONE) == (r.status >= 200 && r.status < 300));
	mem_free(&r.headers_in.bytes);
	return 0;
}
