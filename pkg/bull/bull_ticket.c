#include "bull/bull_ticket.h"

#include <string.h>

#include "json/json.h"
#include "json/json_write.h"

void
bull_ticket_write(const struct bull_ref *ref, int64_t attempts, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_write_object(&w);
	json_field_str(&w, "id", ref->id);
	json_field_str(&w, "lease", ref->lease);
	json_field_str(&w, "stamp", ref->stamp);
	json_field_i64(&w, "tries", ref->tries);
	json_field_i64(&w, "attempts", attempts);
	json_write_end(&w);
}

enum err_code
bull_ticket_read(const char *text, struct bull_ticket *out, struct err *err)
{
	/* An id may be as long as a producer likes; who keeps a ticket has a
	 * limit of its own. */
	const struct json_limits limits = {strlen(text) + 1, 2, 16};

	memset(out, 0, sizeof(*out));
	err->code = ERR_NONE; /* the caller's may tell of something older */
	if (json_parse(text, strlen(text), &limits, &out->doc, err) ==
		ERR_NONE &&
	    json_str(out->doc, "id", &out->ref.id, err) == ERR_NONE &&
	    json_str(out->doc, "lease", &out->ref.lease, err) == ERR_NONE &&
	    json_str(out->doc, "stamp", &out->ref.stamp, err) == ERR_NONE &&
	    json_i64(out->doc, "tries", 0, JSON_I64_MAX, &out->ref.tries,
		err) == ERR_NONE)
		(void)json_i64(
		    out->doc, "attempts", 0, JSON_I64_MAX, &out->attempts, err);
	if (err->code == ERR_NONE)
		return ERR_NONE;
	err->code = ERR_DAMAGED;
	return err_wrap(err, "ticket of a lease");
}

void
bull_ticket_fini(struct bull_ticket *t)
{
	json_free(&t->doc);
}
