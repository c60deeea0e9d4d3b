#ifndef DSRUN_RULES_H
#define DSRUN_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rules_atlas.h"
#include "rules/rules_window.h"

/*
 * May this number be dialled now?  Every gate before a dial, in one order.
 *
 * Pure: what there is to know stands in struct rules_facts, the time is an
 * argument, and the law's data came in with a version.  The same check decides
 * at the claim and once more in the transaction that arms (txn A), and is what
 * `dsrun why` prints; so all gates are always asked, also behind the one that
 * decides.  May be called from any thread: it reads no file.
 *
 * A gate whose data dsrun has not got yet says "not checked" instead of "yes":
 * national and state lists, consent, artificial voice and blocked lines.
 */

/* name, word of its gate, what it asks */
#define RULES_GATES(X)                                                       \
	X(NUMBER, "number", "the number is one")                             \
	X(DNC, "do-not-call", "it is not on the do-not-call list")           \
	X(OPT_OUT, "opt-out", "the callee did not opt out")                  \
	X(LISTS, "state-lists", "national and state lists are fresh")        \
	X(CONSENT, "consent", "there is consent for this type of line")      \
	X(VOICE, "artificial-voice", "the state admits an artificial voice") \
	X(BLOCKED, "blocked-line", "it is no emergency or hospital line")    \
	X(WINDOW, "hours", "it is within hours everywhere that may apply")   \
	X(CAP, "cap", "the number was not dialled too often")                \
	X(GAP, "gap", "the number was not dialled just now")                 \
	X(NUMBER_FREE, "number-free", "no live call has the number")         \
	X(ORG_FREE, "org-free", "no live call has the organisation")         \
	X(SLOT_ALL, "slots", "there is room for one more call")              \
	X(SLOT_CAMPAIGN, "slots-campaign", "the campaign has room")          \
	X(SLOT_KIND, "slots-kind", "its kind of job has room")

#define X(name, word, text) RULES_GATE_##name,
enum rules_gate {
	RULES_GATES(X) RULES_GATE_COUNT
};
#undef X

enum rules_ruling {
	RULES_PASS,
	RULES_UNCHECKED, /* no data; does not stop a dial */
	RULES_WAIT,      /* until another call ends: the job stays READY */
	RULES_LATER,     /* not before a time: the job becomes QUEUED */
	RULES_NEVER      /* the job becomes FAILED */
};

struct rules_slots {
	int64_t live;  /* without the call in question */
	int64_t limit; /* 0 = none */
};

/* All pointers are lent for the time of the call. */
struct rules_facts {
	int64_t number; /* of rules_phone_parse; 0 = was not well formed */
	bool do_not_call;
	bool opted_out;
	const struct rules_windows *windows;
	const struct rules_places *places;     /* of rules_atlas_places */
	const struct rules_holidays *holidays; /* NULL = no data */
	const char *places_version;            /* of rules_atlas_version */
	/*
	 * When this number was dialled, by any job, whatever came of it (armed
	 * attempts); Unix, newest first, at least those of the last 24 h or
	 * the newest per_number_per_day of them, and the newest of all.
	 */
	const int64_t *dialled_ms;
	size_t dialled_count;
	int64_t per_number_per_day; /* dials in any 24 h; 0 = no cap */
	int64_t min_gap_ms;         /* between two dials; 0 = none */
	bool number_busy;           /* another live or parked attempt has it */
	bool org_busy;
	struct rules_slots all, campaign, kind;
};

struct rules_verdict {
	enum rules_gate gate;
	enum rules_ruling ruling;
	/* "" = passes; else one of job's reason words where there is one. */
	const char *word;
	int64_t at_ms; /* LATER: not before; hours that pass: until; else 0 */
	int64_t have;  /* slots and cap: how many there are ... */
	int64_t limit; /* ... of how many; 0 = no limit */
	const char *version; /* of the data it rests on; "" = none */
};

struct rules_answer {
	struct rules_verdict verdict[RULES_GATE_COUNT]; /* by gate */
	enum rules_gate decisive; /* the first that stops; COUNT = dial */
	int64_t dial_until_ms;    /* when hours end; 0 when it may not dial */
};

/* now_ms: Unix, of a trusted clock. */
void rules_check(
    const struct rules_facts *facts, int64_t now_ms, struct rules_answer *out);

bool rules_may_dial(const struct rules_answer *answer);

const char *rules_gate_word(enum rules_gate gate);
/* What it asks, as a statement that should hold. */
const char *rules_gate_text(enum rules_gate gate);
/* "pass", "not checked", "wait", "later", "never". */
const char *rules_ruling_word(enum rules_ruling ruling);

/* One clause for a person; never a number or a name. */
#define RULES_TEXT_MAX 320
const char *rules_verdict_text(const struct rules_facts *facts,
    const struct rules_verdict *verdict, char buf[RULES_TEXT_MAX]);

#endif
