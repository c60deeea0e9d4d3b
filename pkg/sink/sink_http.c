#include <string.h>

#include "base/text.h"

#include "sink/sink_http_priv.h"

int64_t
sink_http_now_ms(struct env *env)
{
	return env->ops->wall_us(env) / 1000;
}

static void
judge_status(const struct net_http_request *r, struct sink_http_verdict *out)
{
	out->code = net_http_status(r, &out->err);
	if (r->status >= 300 && r->status < 400)
		out->code = err_set(&out->err, ERR_REJECTED, r->status,
		    "it redirects (%d), and that is not followed: configure "
		    "the address it leads to",
		    r->status);
	else if (r->status == 410)
		out->code = err_wrap(&out->err, "gone for good");
}

/* No answer, or not one to go by. */
static void
judge_failure(const struct net_http_request *r, struct sink_http_verdict *out)
{
	out->code = r->code;
	out->err = r->err;
	if (r->code == ERR_REJECTED)
		out->code = ERR_CONFIG;
	else if (r->code == ERR_MALFORMED)
		out->code = ERR_UNREACHABLE;
	out->err.code = out->code;
}

void
sink_http_judge(struct env *env, const struct net_http_request *r,
    struct sink_http_verdict *out)
{
	memset(out, 0, sizeof(*out));
	out->retry_after_ms = -1;
	if (r->code == ERR_NONE || (r->code == ERR_MALFORMED && r->status != 0))
		judge_status(r, out);
	else
		judge_failure(r, out);
	if (err_class(out->code) != ERR_CLASS_RETRY)
		return;
	out->blame = true;
	out->retry_after_ms = net_http_retry_after_ms(r, sink_http_now_ms(env));
}

void
sink_http_tell(struct sink_push *p, const struct sink_http_verdict *v)
{
	p->code = v->code;
	p->err = v->err;
	p->retry_after_ms = v->retry_after_ms;
	p->blame = v->blame;
}

enum err_code
sink_http_check_url(const char *what, const char *url, struct err *err)
{
	size_t scheme = text_starts(url, "https://")  ? 8
			: text_starts(url, "http://") ? 7
						      : 0;

	if (scheme == 0 || url[scheme] == '\0' || url[scheme] == '/')
		return err_set(
		    err, ERR_CONFIG, 0, "%s: expected https://HOST/...", what);
	return ERR_NONE;
}
