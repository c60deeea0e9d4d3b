#include "net/net_guard.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#define MICRO INT64_C(1000000)
#define LIMIT_MAX INT64_C(1000000000)
#define WINDOW_MAX_MS (INT64_C(31) * 86400000)
/* Requests asked for at once, and what a row of the journal may say is owed:
 * far above anything real, low enough for the arithmetic. */
#define COUNT_MAX INT64_C(1000000000)
/* The one let through may end at any moment. */
#define HALF_ASK_MS 1000

static const struct {
	const char *name;
	struct net_guard_terms terms;
} table[] = {
    /* kind, limit, window; errors, in; open, quiet */
    {"livekit", {NET_LIMIT_TOKEN, 100, 60000, 5, 60000, 30000, 60000}},
    {"openai", {NET_LIMIT_LEAKY, 3000, 60000, 3, 60000, 45000, 90000}},
    {"calendar",
	{NET_LIMIT_FIXED, 1000000, 86400000, 10, 60000, 60000, 120000}},
    {"s3", {NET_LIMIT_NONE, 5500, 1000, 20, 60000, 15000, 30000}},
    {"logtail", {NET_LIMIT_TOKEN, 100, 1000, 5, 60000, 30000, 60000}},
    {"mongo", {NET_LIMIT_NONE, 0, 0, 5, 60000, 30000, 60000}},
    {"redis", {NET_LIMIT_NONE, 0, 0, 5, 60000, 1000, 60000}},
    {"webhook", {NET_LIMIT_NONE, 0, 0, 5, 60000, 30000, 60000}},
    {"bull", {NET_LIMIT_NONE, 0, 0, 5, 60000, 1000, 60000}},
    {"other", {NET_LIMIT_NONE, 0, 0, 5, 60000, 30000, 60000}},
};

const struct net_guard_terms *
net_guard_defaults(const char *service)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (text_eq(service, table[i].name))
			return &table[i].terms;
	return NULL;
}

const char *
net_breaker_name(enum net_breaker b)
{
	switch (b) {
	case NET_BREAKER_OPEN:
		return "open";
	case NET_BREAKER_HALF:
		return "half-open";
	case NET_BREAKER_CLOSED:
	default:
		return "closed";
	}
}

static int64_t
clamp(int64_t v, int64_t min, int64_t max)
{
	return v < min ? min : v > max ? max : v;
}

/* From then to now; -1 when it cannot be: the clock stands before it. */
static int64_t
since(int64_t then_ms, int64_t now_ms)
{
	int64_t d;

	return __builtin_sub_overflow(now_ms, then_ms, &d) || d < 0 ? -1 : d;
}

static int64_t
limit_of(const struct net_guard_terms *t)
{
	return clamp(t->limit, 1, LIMIT_MAX);
}

static int64_t
window_of(const struct net_guard_terms *t)
{
	return clamp(t->window_ms, 1, WINDOW_MAX_MS);
}

/* What comes in a window, in millionths; at most 10^15. */
static int64_t
refill_of(const struct net_guard_terms *t)
{
	return limit_of(t) * MICRO;
}

/* What a limiter can hold, in millionths. */
static int64_t
most_of(const struct net_guard_terms *t)
{
	if (t->kind == NET_LIMIT_TOKEN)
		return refill_of(t);
	return clamp(refill_of(t) / window_of(t), MICRO, LIMIT_MAX * MICRO);
}

/*
 * What comes in ms, rounded down.  The parts stay below 2^63: refill / window
 * * ms is at most refill, and the remainder is below the window, whose square
 * is below 7.2 * 10^18.
 */
static int64_t
refilled(const struct net_guard_terms *t, int64_t ms)
{
	int64_t refill = refill_of(t);
	int64_t window = window_of(t);

	CHECK(ms >= 0 && ms <= window);
	return refill / window * ms + refill % window * ms / window;
}

/* The shortest time in which that much comes; micro at most 2 * 10^15. */
static int64_t
time_for(const struct net_guard_terms *t, int64_t micro)
{
	int64_t refill = refill_of(t);
	int64_t window = window_of(t);
	int64_t low = 0;
	int64_t high = window;

	/* Searched for, so that it rounds as refilled does. */
	while (low < high) {
		int64_t mid = low + (high - low) / 2;

		if (refilled(t, mid) >= micro % refill)
			high = mid;
		else
			low = mid + 1;
	}
	return micro / refill * window + high;
}

static int64_t
ask_bucket(struct net_guard *g, const struct net_guard_terms *t, int64_t now_ms,
    int64_t n)
{
	int64_t most = most_of(t);
	int64_t window = window_of(t);
	int64_t past = since(g->filled_ms, now_ms);
	int64_t have = clamp(g->tokens_micro, -COUNT_MAX * MICRO, most);
	int64_t need = clamp(n * MICRO, MICRO, most);
	int64_t wait = need > have ? time_for(t, need - have) - past : 0;

	if (wait > 0)
		return clamp(wait, 1, window);
	/* What is owed may be more than a window's worth. */
	if (past / window > (most - have) / refill_of(t))
		have = most;
	else
		have +=
		    past / window * refill_of(t) + refilled(t, past % window);
	g->tokens_micro = clamp(have, need, most) - n * MICRO;
	g->filled_ms = now_ms;
	return 0;
}

static int64_t
ask_fixed(struct net_guard *g, const struct net_guard_terms *t, int64_t now_ms,
    int64_t n)
{
	int64_t limit = limit_of(t);
	int64_t window = window_of(t);
	int64_t past = since(g->filled_ms, now_ms);
	int64_t used = clamp(g->tokens_micro, 0, COUNT_MAX);
	int64_t begun = g->filled_ms;

	if (past >= window) {
		int64_t paid = clamp(past / window, 1, COUNT_MAX) * limit;

		used = used > paid ? used - paid : 0;
		begun = now_ms;
	}
	if (used + clamp(n, 1, limit) > limit)
		return window - past % window;
	g->tokens_micro = used + n;
	g->filled_ms = begun;
	return 0;
}

static int64_t
ask_limiter(struct net_guard *g, const struct net_guard_terms *t,
    int64_t now_ms, int64_t n)
{
	switch (t->kind) {
	case NET_LIMIT_TOKEN:
	case NET_LIMIT_LEAKY:
		return ask_bucket(g, t, now_ms, n);
	case NET_LIMIT_FIXED:
		return ask_fixed(g, t, now_ms, n);
	case NET_LIMIT_NONE:
	default:
		return 0;
	}
}

/* Another boot, or a clock that went back: what counts from now does so. */
static void
settle(struct net_guard *g, const uint8_t boot[ENV_ID_BYTES], int64_t now_ms)
{
	bool other = memcmp(g->boot, boot, ENV_ID_BYTES) != 0;

	if (other || since(g->since_ms, now_ms) < 0)
		g->since_ms = now_ms;
	if (other || since(g->filled_ms, now_ms) < 0)
		g->filled_ms = now_ms;
	memcpy(g->boot, boot, ENV_ID_BYTES);
}

/* 0 = the breaker lets one through. */
static int64_t
ask_breaker(
    const struct net_guard *g, const struct net_guard_terms *t, int64_t now_ms)
{
	int64_t past = since(g->since_ms, now_ms);

	if (t->threshold <= 0 || g->breaker == NET_BREAKER_CLOSED)
		return 0;
	if (g->breaker == NET_BREAKER_OPEN)
		return past < t->open_ms ? t->open_ms - past : 0;
	if (past < t->quiet_ms)
		return clamp(t->quiet_ms - past, 1, HALF_ASK_MS);
	return 0;
}

void
net_guard_init(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms)
{
	*g = (struct net_guard){.breaker = NET_BREAKER_CLOSED,
	    .since_ms = boot_ms,
	    .filled_ms = boot_ms};
	memcpy(g->boot, boot, ENV_ID_BYTES);
	if (t->kind == NET_LIMIT_TOKEN || t->kind == NET_LIMIT_LEAKY)
		g->tokens_micro = most_of(t);
}

int64_t
net_guard_ask(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms, int64_t n)
{
	int64_t wait;

	CHECK(n >= 1 && n <= COUNT_MAX);
	settle(g, boot, boot_ms);
	wait = ask_breaker(g, t, boot_ms);
	if (wait == 0)
		wait = ask_limiter(g, t, boot_ms, n);
	if (wait == 0 && t->threshold > 0 && g->breaker != NET_BREAKER_CLOSED) {
		g->breaker = NET_BREAKER_HALF;
		g->since_ms = boot_ms;
	}
	return wait;
}

void
net_guard_ok(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms)
{
	(void)t;
	settle(g, boot, boot_ms);
	/* One that began before the breaker opened says nothing of now. */
	if (g->breaker != NET_BREAKER_HALF)
		return;
	g->breaker = NET_BREAKER_CLOSED;
	g->failures = 0;
}

void
net_guard_error(struct net_guard *g, const struct net_guard_terms *t,
    const uint8_t boot[ENV_ID_BYTES], int64_t boot_ms)
{
	settle(g, boot, boot_ms);
	if (t->threshold <= 0 || g->breaker == NET_BREAKER_OPEN)
		return;
	if (g->breaker == NET_BREAKER_CLOSED) {
		if (g->failures <= 0 ||
		    since(g->since_ms, boot_ms) >= t->threshold_ms) {
			g->failures = 0;
			g->since_ms = boot_ms;
		}
		if (g->failures < t->threshold)
			g->failures++;
		if (g->failures < t->threshold)
			return;
	}
	g->breaker = NET_BREAKER_OPEN;
	g->since_ms = boot_ms;
}
