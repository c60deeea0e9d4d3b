#include <stdio.h>
#include <string.h>

#include "base/check.h"

#include "json/json.h"
#include "json/json_write.h"

#include "run/run_priv.h"

/*
 * The terms an attempt was armed under, as the text that is stored with it:
 * recovery keeps to them, whatever the configuration says by then.
 */

void
run_terms_write(const struct run_terms *t, char out[JOURNAL_TERMS_MAX])
{
	struct buf b = BUF_INIT(JOURNAL_TERMS_MAX);
	struct json_writer w = JSON_WRITER_INIT(&b);
	const struct carrier_terms *c = &t->terms;

	json_write_object(&w);
	json_field_str(&w, "carrier", c->carrier);
	json_field_str(&w, "account", c->account);
	json_field_str(&w, "class", carrier_class_name(c->cls));
	json_field_bool(&w, "ours", c->agent_is_ours);
	json_field_i64(&w, "request_timeout_ms", c->request_timeout_ms);
	json_field_i64(&w, "processing_ms", c->processing_ms);
	json_field_i64(&w, "list_lag_ms", c->list_lag_ms);
	json_field_i64(&w, "settle_ms", c->settle_ms);
	json_field_i64(&w, "key_window_ms", c->key_window_ms);
	json_field_i64(&w, "memory_ms", c->memory_ms);
	json_field_i64(&w, "max_call_ms", c->max_call_ms);
	json_field_str(&w, "from", t->from);
	json_field_i64(&w, "ring_ms", t->ring_ms);
	json_write_end(&w);
	(void)snprintf(out, JOURNAL_TERMS_MAX, "%s", buf_text(&b));
	buf_free(&b);
}

enum err_code
run_terms_read(const char *text, struct run_terms *out, struct err *err)
{
	const struct json_limits limits = {JOURNAL_TERMS_MAX, 2, 32};
	const char *carrier = "", *account = "", *cls = "", *from = "";
	struct carrier_terms *c = &out->terms;
	struct json *d = NULL;
	enum err_code code = json_parse(text, strlen(text), &limits, &d, err);

	memset(out, 0, sizeof(*out));
	if (code == ERR_NONE &&
	    (json_str(d, "carrier", &carrier, err) != ERR_NONE ||
		json_str(d, "account", &account, err) != ERR_NONE ||
		json_str(d, "class", &cls, err) != ERR_NONE ||
		json_str(d, "from", &from, err) != ERR_NONE ||
		carrier_class_parse(cls, &c->cls, err) != ERR_NONE ||
		json_bool(d, "ours", &c->agent_is_ours, err) != ERR_NONE))
		code = err->code;
	const struct {
		const char *name;
		int64_t *to;
	} numbers[] = {{"request_timeout_ms", &c->request_timeout_ms},
	    {"processing_ms", &c->processing_ms},
	    {"list_lag_ms", &c->list_lag_ms}, {"settle_ms", &c->settle_ms},
	    {"key_window_ms", &c->key_window_ms}, {"memory_ms", &c->memory_ms},
	    {"max_call_ms", &c->max_call_ms}, {"ring_ms", &out->ring_ms}};

	for (size_t i = 0; i < ARRAY_LEN(numbers) && code == ERR_NONE; i++)
		code = json_i64(
		    d, numbers[i].name, 0, JSON_I64_MAX, numbers[i].to, err);
	if (code == ERR_NONE) {
		(void)snprintf(c->carrier, sizeof(c->carrier), "%s", carrier);
		(void)snprintf(c->account, sizeof(c->account), "%s", account);
		(void)snprintf(out->from, sizeof(out->from), "%s", from);
	}
	json_free(&d);
	return code;
}
