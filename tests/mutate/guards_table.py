"""Guards of dsrun, each taken out: what must notice that it is gone.

One row a mutant: a name, the lines it changes, and how it is seen.  A change is
a file, a piece of it that stands there exactly once (runs of blanks count as
one, so that a formatter may break the line elsewhere) and what takes its place.
Where one guard stands behind another, a mutant takes out both.
"""
import collections

# seen: "sim" (seeds of the simulator) or the name of a unit test.
Guard = collections.namedtuple("Guard", "name what changes seen")

# Guards behind which another stands that is always enough: nobody can miss
# them.  Their lines must be there all the same, so that this list stays true.
Spare = collections.namedtuple("Spare", "name why path piece")

SETTLE = "pkg/run/run_settle.c"
STEP = "pkg/run/run_step.c"
OWNER = "pkg/journal/journal_owner.c"
GROUP = "pkg/journal/journal_group.c"
VERIFY = "pkg/journal/journal_verify.c"
FILES = "pkg/run/run_talk_file.c"
GATE = "pkg/run/run_gate.c"
CLAIM = "pkg/journal/journal_claim.c"

# Another boot's settle time, taken as if it were over.
OTHER_BOOT = """
	a->owner = j->owner;
	a->settle_boot_ms = 0;
	{
		sqlite3_stmt *st = NULL;

		(void)sqlite3_prepare_v2(j->w.h,
		    "SELECT a.boot<>b.boot FROM owner a,owner b,attempt t "
		    "WHERE t.id=?1 AND a.id=t.owner AND b.id=?2", -1, &st, NULL);
		(void)sqlite3_bind_int64(st, 1, id);
		(void)sqlite3_bind_int64(st, 2, j->owner);
		if (sqlite3_step(st) == SQLITE_ROW &&
		    sqlite3_column_int(st, 0) != 0) {
			memcpy(a->settle_boot, j->env->boot_id, ENV_ID_BYTES);
			a->settle_boot_ms = -1000000;
		}
		(void)sqlite3_finalize(st);
	}
"""

WRITE_TRANSCRIPT = "code = env_write_whole(env, path, json.bytes, json.len, err);"
CARELESS = """
		{
			struct env_file *f = NULL;

			code = env_open(env, path,
			    ENV_WRITE | ENV_CREATE | ENV_TRUNCATE, &f, err);
			if (code == ERR_NONE)
				code = env_pwrite(
				    env, f, json.bytes, json.len, 0, err);
			env_close(env, &f);
		}
"""

GUARDS = [
    # The clock of the simulated network goes on through boots: it cannot show
    # these, or in one of many thousand seeds.
    Guard("01-settle-other-boot",
          "after another boot an attempt counts as settled",
          [(OWNER, "a->owner = j->owner; a->settle_boot_ms = 0; /* settle begins with us */",
            OTHER_BOOT)], "pkg/run/run_taken_test"),
    Guard("01b-settle-never",
          "no attempt is settled: its time counts from the boot",
          [(SETTLE, """if (c->attempt.settle_boot_ms == 0 ||
            memcmp(c->attempt.settle_boot, c->run->env->boot_id, ENV_ID_BYTES) != 0) {""",
            "if (false) {")], "pkg/run/run_taken_test"),
    Guard("01c-settle-goes-on",
          "settle goes on by the clock of another boot, which stood at days",
          [(OWNER, "a->settle_boot_ms = 0; /* settle begins with us */", ""),
           (SETTLE, "memcmp(c->attempt.settle_boot, c->run->env->boot_id, ENV_ID_BYTES) != 0",
            "false")], "pkg/journal/journal_owner_test"),
    Guard("01d-settle-of-the-dead",
          "who takes over counts the settle time of who died",
          [(OWNER, "a->settle_boot_ms = 0; /* settle begins with us */", "")], "sim"),
    Guard("02-resend-key-window",
          "a key is sent again after its carrier forgot it",
          [(SETTLE, "return c->terms.terms.key_window_ms - "
            "c->terms.terms.settle_ms - run_settle_age_ms(c);",
            "return INT64_C(1) << 40;")], "sim"),
    Guard("02b-resend-dial-until",
          "a key is sent again after the hours ended",
          [(SETTLE, "now < c->attempt.dial_until_ms &&", ""),
           ("pkg/carrier/carrier_sim_own.c",
            "if (now_ms >= d->dial_until_ms || env_boot_ms(s->env) >= d->dial_until_boot_ms) {",
            "if (d->ear != NULL && (now_ms >= d->dial_until_ms || "
            "env_boot_ms(s->env) >= d->dial_until_boot_ms)) {")], "sim"),
    Guard("02c-send-dial-until",
          "what was armed within the hours is sent after them",
          [("pkg/carrier/carrier_sim_own.c",
            "if (now_ms >= d->dial_until_ms || env_boot_ms(s->env) >= d->dial_until_boot_ms) {",
            "if (false) {")], "sim"),
    Guard("03-memory",
          "absent counts though the carrier may have forgotten",
          [(SETTLE, "if (run_settle_age_ms(c) >= t->memory_ms)", "if (false)"),
           (SETTLE, "else if (is_late) park(c, JOB_REASON_DEADLINE); "
            "else run_settle_lookup(c);", "else run_settle_lookup(c);")], "sim"),
    Guard("03b-memory-of-the-answer",
          "the answer to a question asked in time came too late",
          [(SETTLE, "if (run_settle_age_ms(c) >= t->memory_ms)", "if (false)")],
          "sim"),
    Guard("04-account",
          "another account is asked for what this one placed",
          [(SETTLE, "return strcmp(now.account, c->terms.terms.account) == 0;",
            "return true;")], "sim"),
    Guard("05-sync-recording", "the recording is not synced",
          [(FILES, "if (media_record_sync(t->record, err) != ERR_NONE) return err->code;",
            "")], "sim"),
    Guard("05b-sync-talk", "the file of talk's events is not synced",
          [(FILES, 'CRASH_POINT("talk.file.cut"); if (code == ERR_NONE) '
            "code = env_sync(env, f, err);", "")], "sim"),
    Guard("05c-sync-transcript", "the transcript is not synced",
          [(FILES, WRITE_TRANSCRIPT, CARELESS + "if (code == ERR_NONE) "
            "code = env_sync_dir(env, dir, err);")], "sim"),
    Guard("05d-sync-names", "the names of recordings are not synced",
          [(FILES, "enum err_code code = env_sync_dir(env, dir, err);",
            "enum err_code code = ERR_NONE; (void)env; (void)dir; (void)err;"),
           (FILES, WRITE_TRANSCRIPT, CARELESS)], "sim"),
    Guard("05e-sync-repaired", "what a dead owner recorded is not synced",
          [("pkg/media/media_record.c", "code = env_sync(env, f, err);", "code = ERR_NONE;")],
          "sim"),
    Guard("06-pause", "a pause between claim and arm is not seen",
          [(GATE, "if (paused) say(", "if (false) say(")], "sim"),
    Guard("06b-pause-of-another", "a pause is known from the group before",
          [(GROUP, "j->no_pause = false; journal_names_forget(j); j->group_ms",
            "j->group_ms")], "sim"),
    Guard("07-mark-written", "the mark is not written",
          [(GROUP, "enum err_code code = journal_mark_write(&j->lock, err);",
            "enum err_code code = ERR_NONE;")], "sim"),
    Guard("07b-mark-compared", "the mark is compared with nothing",
          [(VERIFY, "if (m->commits == 0) return verify_no_mark(j, err);",
            "(void)verify_no_mark; if (m->commits >= 0) return ERR_NONE;"),
           (GROUP, "if (j->head.commits < j->lock.mark.commits)", "if (false)")], "sim"),
    Guard("07c-wal-missing", "a -wal that was removed after a power cut is not missed",
          [("pkg/journal/journal_open.c",
            "return code == ERR_NONE ? wal_is_there(j, err) : code;",
            "(void)wal_is_there; return code;")], "sim"),
    Guard("08-io-error", "the flag of a disk error is not looked at",
          [(GROUP, "(j->lock.mark.flags & MARK_IO_ERROR) != 0 || j->broken",
            "j->broken")], "sim"),
    Guard("08b-io-error-told", "a disk error is not told to others",
          [(GROUP, "m->flags |= MARK_IO_ERROR;", "")], "sim"),
    Guard("09-sync-results", "results.jsonl is not synced before its rows are done",
          [("pkg/sink/sink_append.c", "code = env_sync(env, f, err);", "code = ERR_NONE;")],
          "sim"),
    Guard("09b-sync-results-name", "the name of results.jsonl is not synced",
          [("pkg/sink/sink_append.c", "code = env_sync_dir(env, dir, err);",
            "code = ERR_NONE;")], "sim"),
    Guard("10-inbox", "an attempt is let go with its messages unread",
          [(STEP, "c->tx_unread = !must_fold(c);",
            "c->tx_unread = !must_fold(c) || c->ask.plan != RUN_PLAN_NONE;")], "sim"),
    Guard("11-incarnation", "a restored journal is gone on with",
          [(GROUP, "if (memcmp(incarnation, j->head.incarnation, sizeof(incarnation)) != 0)",
            "if (false)")], "pkg/journal/journal_group_test"),
    Guard("11b-file-replaced", "a file that was replaced is gone on with",
          [(GROUP, "st.inode != j->db_inode || st.links == 0", "false")],
          "pkg/journal/journal_group_test"),
    Guard("12-owner", "attempts are taken from owners that live",
          [(OWNER, "if (code == ERR_BUSY) { /* alive */ code = ERR_NONE; continue; }",
            "if (code == ERR_BUSY) code = ERR_NONE;")], "sim"),
    Guard("12b-owner-late", "an owner's byte is locked after the COMMIT of its row",
          [(OWNER, "/* Before the COMMIT: a row without a lock would look dead. */ "
            "return env_lock(j->env, j->owners, o->id, true, err);", "return ERR_NONE;"),
           (OWNER, 'j->owner = o.id; CRASH_POINT("journal.owner.opened");',
            'j->owner = o.id; (void)env_lock(j->env, j->owners, o.id, true, err);')],
          "pkg/journal/journal_owner_test"),
    Guard("12c-lookups-of-the-dead", "what the dead one's lookups said counts",
          [(OWNER, "a->lookups = 0;", "")], "pkg/journal/journal_owner_test"),
    Guard("13-second-lookup", "absent counts when it was said once",
          [(SETTLE, "else if (c->attempt.lookups == 0) run_call_submit(c, RUN_PLAN_LOOK, "
            "JOB_REASON_NONE); else", "else")], "sim"),
    Guard("13b-lookup-lag", "the second look comes at once",
          [(SETTLE, "from = c->attempt.looked_boot_ms + t->list_lag_ms;",
            "from = c->attempt.looked_boot_ms;")], "sim"),
    Guard("14-parked-number", "a PARKED attempt lets go of its number",
          [("pkg/journal/journal_step.c", ".number = holds ? a->number : 0,",
            ".number = live ? a->number : 0,"),
           ("migrations/0001_journal.sql",
            "CHECK((number IS NOT NULL)=(state BETWEEN 1 AND 7)),", "")], "sim"),
    Guard("14b-parked-org", "a PARKED attempt lets go of its organisation",
          [("pkg/journal/journal_step.c", ".org = holds ? a->org : 0};",
            ".org = live ? a->org : 0};")], "sim"),
    Guard("15-do-not-call", "the do-not-call list is not asked",
          [(GATE, "} else if (kind != 0) {", "} else if (false) {")], "sim"),
    Guard("16-cap", "a number has no cap a day",
          [(GATE, 'count >= k->per_number_per_day) say(a, "cap", RUN_GATE_LATER',
            'count < 0) say(a, "cap", RUN_GATE_LATER')], "sim"),
    Guard("16b-gap", "a number is called again without a gap",
          [(GATE, "if (k->min_gap_ms > 0 && newest > 0 && a->now_ms < newest + k->min_gap_ms)",
            "if (false)")], "sim"),
    Guard("17-place-of-kind", "a kind has as many calls at once as there is room for",
          [(GATE, "if (k->concurrency > 0 && a->live->kind >= k->concurrency)",
            "if (false)")], "sim"),
    Guard("17b-place-of-all", "there is no limit of calls at once",
          [(CLAIM, "(c->limit_all > 0 && s.live_all >= c->limit_all) ||",
            "")], "sim"),
    Guard("18-hours", "it is called outside of the hours",
          [(GATE, "if (opening.open) {", "if (true) {"),
           (GATE, "if (opening.until_ms < a->out->dial_until_ms)",
            "if (opening.open && opening.until_ms < a->out->dial_until_ms)")], "sim"),
    Guard("19-number", "a number is called that a live attempt holds",
          [("migrations/0001_journal.sql", "CREATE UNIQUE INDEX attempt_number",
            "CREATE INDEX attempt_number"),
           (CLAIM, "WHERE a.number=p.number", "WHERE a.number=-p.number"),
           (CLAIM, "*taken = number_by != 0 || org_by != 0;", "*taken = org_by != 0;")], "sim"),
    Guard("19b-org", "an organisation is called that a live attempt holds",
          [("migrations/0001_journal.sql", "CREATE UNIQUE INDEX attempt_org",
            "CREATE INDEX attempt_org"),
           (CLAIM, "WHERE a.org=p.org", "WHERE a.org=-p.org"),
           (CLAIM, "*taken = number_by != 0 || org_by != 0;", "*taken = number_by != 0;")],
          "sim"),
    Guard("20-synchronous", "a commit does not wait for the disk",
          [("pkg/journal/journal_db.c", "PRAGMA synchronous=FULL;",
            "PRAGMA synchronous=NORMAL;")], "sim"),
    Guard("21-clock", "every clock is trusted",
          [(GROUP, "j->clock_ok = job_clock_trusted(&f, j->clock_why);",
            "j->clock_ok = job_clock_trusted(&f, j->clock_why) || true;")], "pkg/run/run_claim_test"),
    Guard("21b-clock-again", "absence that the clock forbids is asked for again at once",
          [("pkg/run/run_call.c",
            "if (c->ask.plan == RUN_PLAN_VANISH) run_settle_clock(c);", "")], "pkg/run/run_settle_test"),
    Guard("21c-unsent-again", "a call that was not sent is armed again at once",
          [("pkg/run/run_step.c",
            "journal_group_ms(j) + UNSENT_PAUSE_MS;", "0;")], "pkg/run/run_ladder_test"),
    Guard("22-restored-lookup", "a restored journal calls without asking for the key",
          [(SETTLE, "if (journal_is_fresh(c->run->journal) && !c->checked_key) {",
            "if (false) {"),
           ("pkg/run/run_call.c",
            "if (journal_is_fresh(c->run->journal) && !c->checked_key) return RUN_PLAN_NONE;",
            "")], "sim"),
    Guard("22b-restored-park", "a restored journal calls where nobody can be asked",
          [("pkg/run/run_claim.c",
            "return t.cls == CARRIER_CALLBACK || t.cls == CARRIER_BLIND;",
            "return false;")], "sim"),
]

SPARE = [
    Spare("01e-settle-boot", "who takes over begins to settle anew, whatever boot it was "
          "(01c takes out both)", SETTLE,
          "memcmp(c->attempt.settle_boot, c->run->env->boot_id, ENV_ID_BYTES) != 0"),
    Spare("02d-resend-dial-until", "a carrier looks once more, just before the one write "
          "(02b takes out both)", SETTLE, "now < c->attempt.dial_until_ms &&"),
]
