#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "json/json.h"

#include "bull/bull_priv.h"

/* A row as lua/part_job.lua gives it. */
enum row {
	ROW_ID,
	ROW_LEASE,
	ROW_LEFT_OUT,
	ROW_AGAIN,
	ROW_AGAIN_DETAIL,
	ROW_NAME,
	ROW_DATA,
	ROW_OPTS,
	ROW_TIMESTAMP,
	ROW_DELAY,
	ROW_PRIORITY,
	ROW_ATTEMPTS_MADE,
	ROW_ATM,
	ROW_ATS,
	ROW_STC,
	ROW_STALLED_COUNTER,
	ROW_PROCESSED_ON,
	ROW_RETRIED_ON,
	ROW_PARENT_KEY,
	ROW_RJK,
	ROW_DEID,
	ROW_DEFA,
};

static const char *const again_words[] = {
    [BULL_REPEAT_NONE] = "",
    [BULL_REPEAT_ARMED] = "armed",
    [BULL_REPEAT_ENDED] = "ended",
    [BULL_REPEAT_REMOVED] = "removed",
    [BULL_REPEAT_CRON] = "cron",
    [BULL_REPEAT_LEGACY] = "legacy",
    [BULL_REPEAT_UNREADABLE] = "unreadable",
};

/* A hash's number; producers of other kinds may have written anything. */
static int64_t
number(const struct net_redis_value *row, enum row field)
{
	return strtoll(bull_item_text(row, field), NULL, 10);
}

static bool
is_absent(const struct net_redis_value *row, enum row field)
{
	const struct net_redis_value *item = bull_item(row, field);

	return item == NULL || item->kind != NET_REDIS_STRING;
}

static size_t
length(const struct net_redis_value *row, enum row field)
{
	return is_absent(row, field) ? 0 : bull_item(row, field)->len;
}

static enum bull_repeat
again(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(again_words); i++)
		if (strcmp(word, again_words[i]) == 0)
			return (enum bull_repeat)i;
	return BULL_REPEAT_UNREADABLE;
}

/* What of opts somebody here needs; strange values count as absent. */
static void
read_opts(struct bull_job *j)
{
	const struct json_limits limits = {j->opts_len + 1, 64, 100000};
	struct json *doc = NULL;
	struct err err;

	j->attempts = 1;
	if (j->opts_len == 0)
		return;
	if (json_parse(j->opts, j->opts_len, &limits, &doc, &err) != ERR_NONE ||
	    json_expect(doc, JSON_OBJECT, &err) != ERR_NONE) {
		j->opts_bad = true;
	} else {
		(void)json_opt_i64(
		    doc, "attempts", 1, JSON_I64_MAX, &j->attempts, &err);
		(void)json_opt_i64(
		    doc, "timeout", 0, JSON_I64_MAX, &j->timeout_ms, &err);
	}
	json_free(&doc);
}

static void
read_job(const struct net_redis_value *row, struct bull_job *j)
{
	j->ref.id = bull_item_text(row, ROW_ID);
	j->ref.lease = bull_item_text(row, ROW_LEASE);
	j->ref.stamp = bull_item_text(row, ROW_TIMESTAMP);
	j->ref.tries = number(row,
	    is_absent(row, ROW_ATTEMPTS_MADE) ? ROW_ATM : ROW_ATTEMPTS_MADE);
	j->left_out = bull_item_i64(row, ROW_LEFT_OUT);
	j->again = again(bull_item_text(row, ROW_AGAIN));
	j->again_detail = bull_item_text(row, ROW_AGAIN_DETAIL);
	j->name = bull_item_text(row, ROW_NAME);
	j->data = bull_item_text(row, ROW_DATA);
	j->data_len = length(row, ROW_DATA);
	j->opts = bull_item_text(row, ROW_OPTS);
	j->opts_len = length(row, ROW_OPTS);
	j->added_ms = number(row, ROW_TIMESTAMP);
	j->priority = number(row, ROW_PRIORITY);
	j->starts = number(row, ROW_ATS);
	j->stalls = number(
	    row, is_absent(row, ROW_STC) ? ROW_STALLED_COUNTER : ROW_STC);
	j->retried_ms = number(row, ROW_RETRIED_ON);
	j->parent = bull_item_text(row, ROW_PARENT_KEY);
	j->dedup = bull_item_text(row, ROW_DEID);
	j->doomed = bull_item_text(row, ROW_DEFA);
	read_opts(j);
}

static bool
is_text(const struct net_redis_value *row, enum row field)
{
	return length(row, field) == strlen(bull_item_text(row, field));
}

void
bull_read_jobs(struct bull_call *c, const struct net_redis_value *rows)
{
	size_t n = rows != NULL ? rows->count : 0;

	c->jobs = mem_zalloc(n, sizeof(*c->jobs));
	for (size_t i = 0; i < n; i++) {
		const struct net_redis_value *row = bull_item(rows, i);

		bull_know(c->bull, bull_item_text(row, ROW_LEASE));
		if (is_text(row, ROW_ID) && is_text(row, ROW_TIMESTAMP))
			read_job(row, &c->jobs[c->job_count++]);
	}
}
