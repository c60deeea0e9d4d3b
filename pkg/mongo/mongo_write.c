#include <string.h>

#include "base/crash.h"
#include "base/mem.h"

#include "mongo/mongo_priv.h"

/* One phase: operations of one collection that may go in any order. */
struct phase {
	struct mongo *m;
	struct mongo_row *rows;
	size_t row_count;
	mongoc_collection_t *collection;
	struct mongo_op *ops;
	/* A bson_t points into itself and cannot be moved: this is sorted. */
	struct mongo_op **order;
	size_t count;
	bool is_campaigns;
	bool *made; /* by row: its campaign was made by this very write */
};

/* Upserts of one bulk, by their place in it. */
struct sent {
	struct phase *phase;
	struct mongo_op **ops;
};

/* The first error of a row stays. */
static void
fail_row(struct mongo_row *r, const struct err *err)
{
	if (r->code != ERR_NONE)
		return;
	r->code = err->code;
	r->err = *err;
}

static void
fail_all(struct mongo_row *rows, size_t n, const struct err *err)
{
	for (size_t i = 0; i < n; i++)
		fail_row(&rows[i], err);
}

/* Does it concern the server and not the one document? */
static bool
is_about_server(enum err_code code)
{
	return code == ERR_CANCELLED || code == ERR_CONFIG ||
	       (err_class(code) == ERR_CLASS_RETRY && code != ERR_BUSY);
}

static bool
is_array_filled(const bson_t *reply, const char *key)
{
	bson_iter_t it;
	bson_iter_t item;

	return BS(iter_init_find)(&it, reply, key) &&
	       BS(iter_recurse)(&it, &item) && BS(iter_next)(&item);
}

static enum err_code
update_one(
    struct phase *p, const struct mongo_op *op, bool upsert, struct err *err)
{
	bson_t opts;
	bson_t reply;
	bson_error_t e;
	enum err_code code = mongo_ready(p->m, err);

	if (code != ERR_NONE)
		return code;
	mongo_op_opts(op, upsert, &opts);
	if (!MC(collection_update_one)(
		p->collection, &op->filter, &op->update, &opts, &reply, &e))
		code = mongo_translate(&e, &reply, err);
	BS(destroy)(&reply);
	BS(destroy)(&opts);
	CRASH_POINT("mongo.one");
	return code;
}

/* Not ERR_NONE: the server is of no use, and what was left is not done. */
static enum err_code
do_singly(struct phase *p, struct mongo_op **ops, size_t k, struct err *err)
{
	for (size_t i = 0; i < k; i++) {
		enum err_code code = update_one(p, ops[i], ops[i]->upsert, err);

		if (code == ERR_EXISTS && ops[i]->upsert) {
			ops[i]->duplicate = mem_strdup(err->text);
			code = update_one(p, ops[i], false, err);
		}
		if (is_about_server(code))
			return code;
		if (code != ERR_NONE)
			fail_row(&p->rows[ops[i]->row], err);
	}
	return ERR_NONE;
}

/* Put the operations that are still to be done in front; how many. */
static size_t
sort_out(struct phase *p, struct mongo_op **ops, size_t k,
    const struct mongo_outcome *out)
{
	size_t again = 0;
	struct err err;

	for (size_t i = 0; i < k; i++) {
		if (out[i].code == 0)
			continue;
		(void)err_set(&err, mongo_server_code(out[i].code, false),
		    (int)out[i].code, "MongoDB: %s (%lld)", out[i].text,
		    (long long)out[i].code);
		if (out[i].code == MONGO_DUPLICATE) {
			struct mongo_op *op = ops[i];

			ops[i] = ops[again];
			ops[again++] = op;
			op->upsert = false;
			op->duplicate = mem_strdup(err.text);
		} else {
			fail_row(&p->rows[ops[i]->row], &err);
		}
	}
	return again;
}

static enum err_code do_bulk(
    struct phase *p, struct mongo_op **ops, size_t k, struct err *err);

/*
 * A bulk did not succeed.  err is its translation.  Write concern not met: all
 * of it may be there, or be rolled back, so nothing of it is certain.
 */
static enum err_code
after_failure(struct phase *p, struct mongo_op **ops, size_t k,
    const bson_t *reply, struct err *err)
{
	struct mongo_outcome *out;
	size_t again = 0;
	bool proved;

	if (is_array_filled(reply, "writeConcernErrors"))
		return err_class(err->code) == ERR_CLASS_FINAL
			   ? err_set(err, ERR_TIMEOUT, err->sys,
				 "MongoDB: write concern not met")
			   : err->code;
	if (!is_array_filled(reply, "writeErrors"))
		return is_about_server(err->code) ? err->code
						  : do_singly(p, ops, k, err);
	out = mem_zalloc(k, sizeof(*out));
	proved = ops[0]->upsert && mongo_bulk_proves(reply, k, out);
	if (proved)
		again = sort_out(p, ops, k, out);
	mem_free(&out);
	if (!proved)
		return do_singly(p, ops, k, err);
	return again > 0 ? do_bulk(p, ops, again, err) : ERR_NONE;
}

/* The place alone would not do: there are servers that number wrongly. */
static void
campaign_made(void *arg, size_t i, const bson_iter_t *id)
{
	const struct sent *sent = arg;
	size_t row = sent->ops[i]->row;

	sent->phase->made[row] =
	    mongo_is_id(id, sent->phase->rows[row].campaign);
}

/*
 * One unordered bulk of operations that are all upserts or all not.  Not
 * ERR_NONE: as do_singly.
 */
static enum err_code
do_bulk(struct phase *p, struct mongo_op **ops, size_t k, struct err *err)
{
	mongoc_bulk_operation_t *bulk;
	bson_t opts;
	bson_t reply;
	bson_error_t e;
	enum err_code code = mongo_ready(p->m, err);
	bool good = true;

	if (code != ERR_NONE)
		return code;
	BS(init)(&opts);
	(void)BS(append_bool)(&opts, "ordered", 7, false);
	bulk = MC(collection_create_bulk_operation_with_opts)(
	    p->collection, &opts);
	BS(destroy)(&opts);
	for (size_t i = 0; i < k && good; i++) {
		mongo_op_opts(ops[i], ops[i]->upsert, &opts);
		good = MC(bulk_operation_update_one_with_opts)(
		    bulk, &ops[i]->filter, &ops[i]->update, &opts, &e);
		BS(destroy)(&opts);
	}
	if (!good) {
		/* One of them is no document to the driver: which, is seen
		 * when each is tried alone. */
		MC(bulk_operation_destroy)(bulk);
		return do_singly(p, ops, k, err);
	}
	if (MC(bulk_operation_execute)(bulk, &reply, &e) == 0) {
		(void)mongo_translate(&e, &reply, err);
		code = after_failure(p, ops, k, &reply, err);
	} else if (p->is_campaigns && ops[0]->upsert) {
		mongo_bulk_made(
		    &reply, k, campaign_made, &(struct sent){p, ops});
	}
	BS(destroy)(&reply);
	MC(bulk_operation_destroy)(bulk);
	CRASH_POINT("mongo.bulk");
	return code;
}

static void
render_phase(
    struct phase *p, const enum mongo_op_kind *kinds, size_t kind_count)
{
	struct err err;

	p->ops = mem_zalloc(p->row_count * kind_count, sizeof(*p->ops));
	p->order = mem_zalloc(p->row_count * kind_count, sizeof(*p->order));
	for (size_t i = 0; i < p->row_count; i++) {
		for (size_t k = 0; k < kind_count; k++) {
			struct mongo_row *r = &p->rows[i];
			struct mongo_op *op = &p->ops[p->count];
			bool made = false;

			if (r->code != ERR_NONE || p->made[i])
				continue;
			if (mongo_render(p->m, kinds[k], r, op, &made, &err) !=
			    ERR_NONE)
				fail_row(r, &err);
			op->row = i;
			p->order[p->count] = op;
			p->count += made;
		}
	}
}

static void
is_missing(void *arg, const struct mongo_op *op)
{
	const struct phase *p = arg;
	struct err err;

	(void)err_set(
	    &err, ERR_EXISTS, MONGO_DUPLICATE, "%.500s", op->duplicate);
	fail_row(&p->rows[op->row], &err);
}

static enum err_code
do_phase(const struct phase *of, enum mongo_collection c,
    const enum mongo_op_kind *kinds, size_t kind_count, struct err *err)
{
	struct phase p = *of;
	struct mongo *m = p.m;
	enum err_code code = ERR_NONE;

	render_phase(&p, kinds, kind_count);
	p.collection = mongo_of(m, c);
	p.is_campaigns = c == MONGO_CAMPAIGN;
	for (size_t i = 0; i < p.count && code == ERR_NONE; i += m->bulk_ops) {
		size_t left = p.count - i;

		code = do_bulk(&p, &p.order[i],
		    left < m->bulk_ops ? left : m->bulk_ops, err);
	}
	if (code == ERR_NONE)
		code = mongo_find_missing(
		    p.collection, p.order, p.count, is_missing, &p, err);
	MC(collection_destroy)(p.collection);
	for (size_t i = 0; i < p.count; i++)
		mongo_op_fini(&p.ops[i]);
	mem_free(&p.ops);
	mem_free(&p.order);
	return code;
}

void
mongo_write(struct mongo *m, struct mongo_row *rows, size_t n)
{
	static const enum mongo_op_kind records[] = {MONGO_OP_RECORD};
	static const enum mongo_op_kind entries[] = {MONGO_OP_HISTORY};
	static const enum mongo_op_kind rest[] = {
	    MONGO_OP_REPLACE, MONGO_OP_STATUS, MONGO_OP_LAST_URL};
	struct phase p = {.m = m, .rows = rows, .row_count = n};
	struct err err;
	enum err_code code = mongo_ready(m, &err);

	p.made = mem_zalloc(n, sizeof(*p.made));
	for (size_t i = 0; i < n; i++)
		rows[i].code = ERR_NONE;
	if (code == ERR_NONE)
		code = do_phase(
		    &p, MONGO_CALL_RECORD, records, ARRAY_LEN(records), &err);
	if (code == ERR_NONE)
		code = do_phase(
		    &p, MONGO_CAMPAIGN, entries, ARRAY_LEN(entries), &err);
	if (code == ERR_NONE)
		code =
		    do_phase(&p, MONGO_CAMPAIGN, rest, ARRAY_LEN(rest), &err);
	if (code != ERR_NONE)
		fail_all(rows, n, &err);
	mem_free(&p.made);
}

static enum err_code
try_collection(struct mongo *m, enum mongo_collection c, struct err *err)
{
	mongoc_collection_t *collection = mongo_of(m, c);
	enum err_code code = ERR_NONE;
	bson_t filter;
	bson_t update;
	bson_t set;
	bson_t reply;
	bson_error_t e;

	BS(init)(&filter);
	mongo_put_str(&filter, "_id", "dsrun doctor: never written");
	BS(init)(&update);
	mongo_begin(&update, "$set", &set);
	mongo_put_i64(&set, "rev", 0);
	mongo_end(&update, &set);
	if (!MC(collection_update_one)(
		collection, &filter, &update, NULL, &reply, &e))
		code = mongo_translate(&e, &reply, err);
	BS(destroy)(&reply);
	BS(destroy)(&update);
	BS(destroy)(&filter);
	MC(collection_destroy)(collection);
	return code == ERR_NONE ? code : err_wrap(err, "%s", m->collection[c]);
}

enum err_code
mongo_try_write(struct mongo *m, struct err *err)
{
	enum err_code code = mongo_ready(m, err);

	if (code == ERR_NONE)
		code = try_collection(m, MONGO_CALL_RECORD, err);
	if (code == ERR_NONE)
		code = try_collection(m, MONGO_CAMPAIGN, err);
	return code;
}
