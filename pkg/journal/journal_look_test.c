#include "journal/journal_fix_test.h"
#include "journal/journal_read.h"

/* What commands that look and decide ask of a journal. */

/* --- lists of jobs ---------------------------------------------------------
 */

struct names {
	char text[256];
};

static void
name_seen(void *arg, const struct journal_listed *row)
{
	struct names *n = arg;
	size_t len = strlen(n->text);

	(void)snprintf(
	    n->text + len, sizeof(n->text) - len, "%s", row->job.ext);
}

static void
lists(struct fix *f, const struct journal_filter *filter, const char *want)
{
	struct names n = {.text = ""};

	OK(journal_read_jobs(f->j, filter, name_seen, &n, &f->err));
	assert_string_equal(n.text, want);
}

static void
jobs_are_listed_both_ways_in_pages(void **state)
{
	struct fix *f = *state;
	static const int states[] = {-1, JOB_READY};
	static const char *const campaigns[] = {NULL, "spring"};

	OK(open_journal(f, JOURNAL_CREATE));
	for (const char *name = "abcde"; *name != '\0'; name++) {
		char ext[2] = {*name, '\0'};
		struct life l = {.id = 0};

		life_add(f, &l, ext);
	}
	for (size_t i = 0; i < 4; i++) {
		struct journal_filter filter = {
		    .state = states[i % 2], .campaign = campaigns[i / 2]};

		lists(f, &filter, "abcde");
		filter.newest_first = true;
		lists(f, &filter, "edcba");
		filter.limit = 2;
		lists(f, &filter, "ed");
		filter.after = 4;
		lists(f, &filter, "cb");
		filter.newest_first = false;
		lists(f, &filter, "e");
	}
	for (int s = 0; s < (int)JOB_NONE; s++)
		if (s != JOB_READY) {
			struct journal_filter filter = {.state = s};

			lists(f, &filter, "");
			filter.newest_first = true;
			lists(f, &filter, "");
		}
}

/* --- the outbox ------------------------------------------------------------
 */

struct move {
	int64_t id;
	bool changed;
};

static enum err_code
retry(struct journal *j, void *arg, struct err *err)
{
	struct move *m = arg;

	return journal_outbox_retry(j, m->id, &m->changed, err);
}

static enum err_code
drop(struct journal *j, void *arg, struct err *err)
{
	struct move *m = arg;

	return journal_outbox_drop(
	    j, m->id, JOURNAL_DROPPED "here", &m->changed, err);
}

static enum err_code
give_up(struct journal *j, void *arg, struct err *err)
{
	struct move *m = arg;

	return journal_outbox_set(j, m->id, JOURNAL_OUTBOX_DEAD, 0, "no", err);
}

static void
row_seen(void *arg, const struct journal_outbox_row *r)
{
	struct names *n = arg;
	size_t len = strlen(n->text);

	(void)snprintf(n->text + len, sizeof(n->text) - len,
	    "%lld:%s:%d:%lld:%s;", (long long)r->row.id, r->job_ext, r->state,
	    (long long)r->row.tries, r->error != NULL ? r->error : "");
}

static void
outbox_has(struct fix *f, int state, const char *want)
{
	struct names n = {.text = ""};

	OK(journal_read_outbox(f->j, state, 0, 0, row_seen, &n, &f->err));
	assert_string_equal(n.text, want);
}

static void
a_dead_letter_is_tried_again_from_the_start(void **state)
{
	struct fix *f = *state;
	struct life l = {.id = 0};
	struct move m = {.id = 1};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &l, "a");
	OK(once(f, retry, &m));
	assert_false(m.changed); /* it is pending */
	OK(once(f, give_up, &m));
	outbox_has(f, JOURNAL_OUTBOX_DEAD, "1:a:2:1:no;");
	outbox_has(f, JOURNAL_OUTBOX_PENDING, "");
	OK(once(f, retry, &m));
	assert_true(m.changed);
	outbox_has(f, JOURNAL_OUTBOX_DEAD, "");
	outbox_has(f, JOURNAL_OUTBOX_PENDING, "1:a:0:0:;");
	m.id = 77;
	OK(once(f, retry, &m));
	assert_false(m.changed);
}

static enum err_code
put_off(struct journal *j, void *arg, struct err *err)
{
	struct move *m = arg;

	return journal_outbox_wait(j, m->id, INT64_MAX, 2, "away", err);
}

/* Its tries are its own: what is due at once is no better for that. */
static void
a_row_that_was_put_off_is_due_at_a_persons_word(void **state)
{
	struct fix *f = *state;
	struct life l = {.id = 0};
	struct move m = {.id = 1};
	struct journal_outbox row[2];
	size_t count = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &l, "a");
	for (int i = 0; i < 4; i++)
		OK(once(f, put_off, &m));
	/* Of such tries so many count as was told. */
	outbox_has(f, JOURNAL_OUTBOX_PENDING, "1:a:0:2:away;");
	OK(journal_outbox_due(
	    f->j, JOURNAL_SINK_FILE, 1, row, 2, &count, &f->err));
	assert_int_equal(count, 0);
	OK(once(f, retry, &m));
	assert_true(m.changed);
	outbox_has(f, JOURNAL_OUTBOX_PENDING, "1:a:0:2:away;");
	OK(journal_outbox_due(
	    f->j, JOURNAL_SINK_FILE, 1, row, 2, &count, &f->err));
	assert_int_equal(count, 1);
}

/* A person gave it up while it was on its way. */
static void
a_row_that_was_dropped_under_way_stays_dropped(void **state)
{
	struct fix *f = *state;
	struct life l = {.id = 0};
	struct move m = {.id = 1};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &l, "a");
	OK(once(f, drop, &m));
	OK(once(f, put_off, &m));
	outbox_has(f, JOURNAL_OUTBOX_DEAD, "1:a:2:0:dropped here;");
	OK(once(f, give_up, &m));
	outbox_has(f, JOURNAL_OUTBOX_DEAD, "1:a:2:0:dropped here;");
}

static void
a_dead_letter_that_is_dropped_counts_no_more(void **state)
{
	struct fix *f = *state;
	struct life l = {.id = 0};
	struct move m = {.id = 1};
	struct journal_counts c;
	char *by = NULL;
	char *why = NULL;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &l, "a");
	OK(once(f, give_up, &m));
	OK(journal_read_counts(f->j, &c, &f->err));
	assert_int_equal(c.outbox_dead, 1);
	OK(once(f, drop, &m));
	assert_true(m.changed);
	OK(journal_read_counts(f->j, &c, &f->err));
	assert_int_equal(c.outbox_dead, 0);
	outbox_has(f, JOURNAL_OUTBOX_DEAD, "1:a:2:1:dropped here;");
	OK(once(f, drop, &m));
	assert_int_equal(
	    journal_read_deed(f->j, 99, &by, &why, &f->err), ERR_NOT_FOUND);
	assert_null(by);
	assert_false(m.changed); /* once is enough */
	OK(once(f, retry, &m));
	assert_true(m.changed);
}

static void
a_dropped_row_is_dead_and_can_come_back(void **state)
{
	struct fix *f = *state;
	struct life a = {.id = 0};
	struct life b = {.id = 0};
	struct move m = {.id = 1};
	struct names n = {.text = ""};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	life_whole(f, &a, "a");
	life_whole(f, &b, "b");
	OK(once(f, drop, &m));
	assert_true(m.changed);
	outbox_has(f, -1, "1:a:2:0:dropped here;2:b:0:0:;");
	OK(journal_read_outbox_of(f->j, b.id, row_seen, &n, &f->err));
	assert_string_equal(n.text, "2:b:0:0:;");
	OK(once(f, outbox_all_done, NULL));
	outbox_has(f, JOURNAL_OUTBOX_DONE, "2:b:1:1:;");
	OK(once(f, retry, &m));
	assert_true(m.changed);
}

/* --- many numbers under one deed -------------------------------------------
 */

static enum err_code
two_numbers(struct journal *j, void *arg, struct err *err)
{
	bool *added = arg;
	int64_t deed = 0;

	if (journal_deed(j, "dnc add", "ana", "", &deed, err) != ERR_NONE ||
	    journal_dnc_put_under(
		j, INT64_C(15125550100), 1, deed, &added[0], err) != ERR_NONE)
		return err->code;
	return journal_dnc_put_under(
	    j, INT64_C(15125550100), 1, deed, &added[1], err);
}

static void
many_numbers_stand_under_one_deed(void **state)
{
	struct fix *f = *state;
	bool added[2] = {false, true};

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, two_numbers, added));
	assert_true(added[0]);
	assert_false(added[1]);
	assert_int_equal(
	    number_on(f, "journal.db", "SELECT count(*) FROM deed"), 1);
	assert_int_equal(number_on(f, "journal.db",
			     "SELECT count(*) FROM dnc JOIN deed ON "
			     "deed.id=dnc.deed"),
	    1);
}

/* --- groups ----------------------------------------------------------------
 */

static enum err_code
nothing(struct journal *j, void *arg, struct err *err)
{
	(void)j;
	(void)arg;
	(void)err;
	return ERR_NONE;
}

static int64_t
commits(struct fix *f)
{
	return number_on(f, "journal.db", "SELECT commits FROM head");
}

static void
a_group_that_changes_nothing_leaves_nothing(void **state)
{
	struct fix *f = *state;
	struct life l = {.id = 0};
	int64_t before;
	int64_t version = 0;
	int64_t after = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	life_add(f, &l, "a");
	before = commits(f);
	OK(journal_version(f->j, &version, &f->err));
	OK(once(f, nothing, NULL));
	life_add(f, &l, "a"); /* known */
	assert_int_equal(l.added, JOURNAL_KNOWN);
	assert_int_equal(commits(f), before);
	OK(journal_version(f->j, &after, &f->err));
	assert_int_equal(after, version);
	life_add(f, &l, "b");
	assert_int_equal(commits(f), before + 1);
	OK(open_journal(f, JOURNAL_MUST_EXIST)); /* the mark agrees */
}

/* --- processes -------------------------------------------------------------
 */

static struct meeting owner_meeting;

static int
own_and_wait(struct fix *f)
{
	if (open_journal(f, JOURNAL_MUST_EXIST) != ERR_NONE ||
	    journal_owner_open(f->j, "worker", "north", &f->err) != ERR_NONE)
		return 1;
	meeting_say(&owner_meeting);
	for (;;)
		(void)pause();
}

static void
an_owner_is_known_by_the_lock_of_its_process(void **state)
{
	struct fix *f = *state;
	bool alive = false;
	pid_t pid;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_open(f->j, "drain", NULL, &f->err));
	meeting_open(&owner_meeting);
	pid = child_start(f, own_and_wait);
	meeting_wait(&owner_meeting);
	/* Owner 1 is ours, owner 2 the child's. */
	assert_true(journal_owner_is_pid(f->j, 1, getpid()));
	assert_false(journal_owner_is_pid(f->j, 1, pid));
	assert_true(journal_owner_is_pid(f->j, 2, pid));
	assert_false(journal_owner_is_pid(f->j, 2, getpid()));
	assert_false(journal_owner_is_pid(f->j, 2, 1));
	assert_false(journal_owner_is_pid(f->j, 3, pid));
	killed(pid);
	meeting_close(&owner_meeting);
	assert_false(journal_owner_is_pid(f->j, 2, pid));
	OK(journal_owner_live(f->j, 2, &alive, &f->err));
	assert_false(alive);
}

static enum err_code
put_five(struct journal *j, void *arg, struct err *err)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		struct journal_artifact a = {.kind = i % 3, .bytes = 10 + i};

		(void)snprintf(a.path, sizeof(a.path), "%d", i);
		if (journal_artifact_put(j, 257 + i / 3, &a, err) != ERR_NONE)
			return err->code;
	}
	return ERR_NONE;
}

static void
files_are_read_in_pages(void **state)
{
	static const size_t pages[] = {1, 2, 3, 5, 9};
	struct fix *f = *state;
	struct journal_artifact_row rows[9];

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, put_five, NULL));
	for (size_t p = 0; p < ARRAY_LEN(pages); p++) {
		size_t count = pages[p];
		int64_t attempt = 0;
		int kind = -1;
		int seen = 0;

		while (count == pages[p]) {
			OK(journal_read_artifacts(f->j, attempt, kind, rows,
			    pages[p], &count, &f->err));
			for (size_t i = 0; i < count; i++, seen++) {
				attempt = rows[i].attempt;
				kind = rows[i].artifact.kind;
				assert_int_equal(attempt, 257 + seen / 3);
				assert_int_equal(kind, seen % 3);
				assert_int_equal(
				    rows[i].artifact.bytes, 10 + seen);
			}
		}
		assert_int_equal(seen, 5);
	}
}

/* --- looking for one --- */

struct added {
	const char *source, *ext;
};

static enum err_code
add_from(struct journal *j, void *arg, struct err *err)
{
	const struct added *a = arg;
	uint8_t content[JOB_CONTENT_BYTES] = {7};
	struct journal_new_job n = {.source = a->source,
	    .ext = a->ext,
	    .kind = "call",
	    .campaign = "spring",
	    .content = content,
	    .phone = "+15125550100",
	    .contact = "{}",
	    .data = "{}"};
	enum journal_added added;
	int64_t id;

	return journal_job_add(j, &n, &added, &id, err);
}

static void
an_id_of_two_sources_needs_its_source(void **state)
{
	struct added file = {"file", "a"}, mongo = {"mongo", "a"};
	struct fix *f = *state;
	int64_t id = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, add_from, &file));
	OK(journal_read_find(f->j, "a", &id, &f->err));
	assert_int_equal(id, 1);
	OK(once(f, add_from, &mongo));
	assert_int_equal(journal_read_find(f->j, "a", &id, &f->err), ERR_USAGE);
	SAYS("say which: file:a, mongo:a");
	OK(journal_read_find(f->j, "mongo:a", &id, &f->err));
	assert_int_equal(id, 2);
}

/* A queue may give an id twice, and a job another try. */
static void
a_job_is_found_by_its_queues_own_id(void **state)
{
	struct added one = {"bull:bull:calls", "17@1767603600000#0"};
	struct added two = {"bull:bull:calls", "17@1767603600000#1"};
	struct added other = {"bull:bull:calls", "171@1767603600000#0"};
	struct fix *f = *state;
	int64_t id = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, add_from, &one));
	OK(once(f, add_from, &other));
	OK(journal_read_find(f->j, "17", &id, &f->err));
	assert_int_equal(id, 1);
	OK(journal_read_find(f->j, "171", &id, &f->err));
	assert_int_equal(id, 2);
	assert_int_equal(
	    journal_read_find(f->j, "1", &id, &f->err), ERR_NOT_FOUND);
	OK(once(f, add_from, &two));
	assert_int_equal(
	    journal_read_find(f->j, "17", &id, &f->err), ERR_USAGE);
	SAYS("say which: bull:bull:calls:17@1767603600000#1, bull:");
	OK(journal_read_find(f->j, one.ext, &id, &f->err));
	assert_int_equal(id, 1);
}

static enum err_code
look_for_nothing(struct journal *j, void *arg, struct err *err)
{
	char text[JOURNAL_TERMS_MAX] = "x";

	(void)arg;
	if (journal_terms_get(j, 999, text, err) != ERR_NONE)
		return err->code;
	assert_string_equal(text, "");
	assert_string_equal(journal_sink_name(JOURNAL_SINK_END), "?");
	assert_string_equal(journal_sink_name((enum journal_sink) - 1), "?");
	return ERR_NONE;
}

static void
what_is_not_there_is_empty(void **state)
{
	struct fix *f = *state;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, look_for_nothing, NULL));
}

static enum err_code
list_three(struct journal *j, void *arg, struct err *err)
{
	bool yes;

	(void)arg;
	for (int64_t n = 0; n < 3; n++)
		if (journal_dnc_put(j, 15125550100 + n, 1, "ann", "", &yes,
			err) != ERR_NONE)
			return err->code;
	return ERR_NONE;
}

static void
count_number(void *arg, const struct journal_dnc_row *row)
{
	(void)row;
	(*(int *)arg)++;
}

static void
a_page_without_a_limit_is_all(void **state)
{
	struct fix *f = *state;
	int n = 0;

	OK(open_journal(f, JOURNAL_CREATE));
	OK(once(f, list_three, NULL));
	OK(journal_read_dnc(f->j, 0, 2, count_number, &n, &f->err));
	assert_int_equal(n, 2);
	OK(journal_read_dnc(f->j, 0, 0, count_number, &n, &f->err));
	assert_int_equal(n, 5);
}

static void
owner_command(void *arg, const struct journal_owner_row *o)
{
	(void)snprintf(arg, sizeof(o->command), "%s", o->command);
}

static enum err_code
nothing_at_all(struct journal *j, struct journal_tx *tx, struct err *err)
{
	(void)j;
	(void)tx;
	(void)err;
	return ERR_NONE;
}

static void
a_long_name_is_cut_and_who_is_no_owner_closes_nothing(void **state)
{
	static const char name[] = "a-name-of-many-more-letters-than-any-"
				   "command-of-ours-has";
	struct fix *f = *state;
	struct journal_tx tx = {.run = nothing_at_all, .cls = JOURNAL_CLAIM};
	struct journal_owner_row o;
	char command[sizeof(o.command)] = "";

	OK(open_journal(f, JOURNAL_CREATE));
	OK(journal_owner_close_with(f->j, &tx, &f->err));
	OK(journal_owner_close_with(f->j, NULL, &f->err));
	OK(journal_owner_open(f->j, name, NULL, &f->err));
	OK(journal_read_owners(f->j, true, owner_command, command, &f->err));
	assert_int_equal(strlen(command), sizeof(command) - 1);
	assert_memory_equal(command, name, sizeof(command) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(jobs_are_listed_both_ways_in_pages),
	    T(a_dead_letter_is_tried_again_from_the_start),
	    T(a_row_that_was_put_off_is_due_at_a_persons_word),
	    T(a_row_that_was_dropped_under_way_stays_dropped),
	    T(a_dead_letter_that_is_dropped_counts_no_more),
	    T(a_dropped_row_is_dead_and_can_come_back),
	    T(many_numbers_stand_under_one_deed),
	    T(a_group_that_changes_nothing_leaves_nothing),
	    T(an_owner_is_known_by_the_lock_of_its_process),
	    T(an_id_of_two_sources_needs_its_source),
	    T(a_job_is_found_by_its_queues_own_id),
	    T(what_is_not_there_is_empty), T(a_page_without_a_limit_is_all),
	    T(a_long_name_is_cut_and_who_is_no_owner_closes_nothing),
	    T(files_are_read_in_pages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
