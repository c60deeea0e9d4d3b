#include <string.h>

#include "base/check.h"

#include "journal/journal_check_priv.h"

/*
 * What journal_check keeps in memory: jobs in chunks (their numbers are dense,
 * and ranges that were pruned cost nothing), attempts and hashes in arrays
 * that jobs point into.  Numbers may be anything: a damaged journal must not
 * make us allocate what it says.
 */

static size_t
slot_of(const struct journal_fold_mem *m, int64_t number)
{
	uint64_t h = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(h >> 32) & (m->slots - 1);

	while (m->chunks[at] != NULL && m->chunks[at]->number != number)
		at = (at + 1) & (m->slots - 1);
	return at;
}

static void
chunks_grow(struct journal_fold_mem *m)
{
	struct journal_fold_chunk **old = m->chunks;
	size_t slots = m->slots;

	m->slots = slots == 0 ? 256 : slots * 2;
	m->chunks = mem_zalloc(m->slots, sizeof(*m->chunks));
	for (size_t i = 0; i < slots; i++)
		if (old[i] != NULL)
			m->chunks[slot_of(m, old[i]->number)] = old[i];
	mem_free(&old);
}

struct journal_fold_job *
journal_fold_mem_job(struct journal_fold_mem *m, int64_t id, bool make)
{
	int64_t number = id / JOURNAL_FOLD_CHUNK;
	size_t at;

	if (id < 0)
		return NULL;
	if (m->near != NULL && m->near->number == number)
		return &m->near->job[id % JOURNAL_FOLD_CHUNK];
	if (m->used * 2 >= m->slots)
		chunks_grow(m);
	at = slot_of(m, number);
	if (m->chunks[at] == NULL) {
		if (!make)
			return NULL;
		m->chunks[at] = mem_zalloc(1, sizeof(*m->chunks[at]));
		m->chunks[at]->number = number;
		m->used++;
	}
	m->near = m->chunks[at];
	return &m->near->job[id % JOURNAL_FOLD_CHUNK];
}

uint32_t
journal_fold_mem_attempt(struct journal_fold_mem *m)
{
	if (m->attempt_count == 0)
		m->attempt_count = 1;
	if (m->attempt_count >= m->attempt_cap) {
		CHECK(m->attempt_cap < UINT32_MAX / 2);
		m->attempt_cap =
		    m->attempt_cap == 0 ? 1024 : m->attempt_cap * 2;
		m->attempts = mem_realloc(
		    m->attempts, m->attempt_cap, sizeof(*m->attempts));
	}
	memset(&m->attempts[m->attempt_count], 0, sizeof(*m->attempts));
	return m->attempt_count++;
}

uint32_t
journal_fold_mem_hash(struct journal_fold_mem *m)
{
	if (m->hash_free_count > 0)
		return m->hash_free[--m->hash_free_count];
	if (m->hash_count == 0)
		m->hash_count = 1;
	if (m->hash_count >= m->hash_cap) {
		CHECK(m->hash_cap < UINT32_MAX / 2);
		m->hash_cap = m->hash_cap == 0 ? 1024 : m->hash_cap * 2;
		m->hashes =
		    mem_realloc(m->hashes, m->hash_cap, sizeof(*m->hashes));
		m->hash_free = mem_realloc(
		    m->hash_free, m->hash_cap, sizeof(*m->hash_free));
	}
	return m->hash_count++;
}

void
journal_fold_mem_unhash(struct journal_fold_mem *m, uint32_t at)
{
	if (at != 0)
		m->hash_free[m->hash_free_count++] = at;
}

void
journal_fold_mem_free(struct journal_fold_mem *m)
{
	for (size_t i = 0; i < m->slots; i++)
		mem_free(&m->chunks[i]);
	mem_free(&m->chunks);
	mem_free(&m->attempts);
	mem_free(&m->hashes);
	mem_free(&m->hash_free);
	memset(m, 0, sizeof(*m));
}

/* --- numbers and organisations that are held -------------------------------
 */

static uint32_t *
bucket_of(struct journal_held *h, enum journal_held_kind kind, int64_t key)
{
	uint64_t mixed =
	    ((uint64_t)key + (uint64_t)kind) * UINT64_C(0x9e3779b97f4a7c15);

	return &h->bucket[mixed >> 54];
}

int64_t
journal_held_take(struct journal_held *h, enum journal_held_kind kind,
    int64_t key, int64_t attempt)
{
	uint32_t *at = bucket_of(h, kind, key);
	uint32_t i = *at;

	for (; i != 0; i = h->entry[i].next)
		if (h->entry[i].key == key && h->entry[i].kind == (int)kind)
			return h->entry[i].attempt;
	i = h->free;
	if (i != 0) {
		h->free = h->entry[i].next;
	} else {
		if (h->count == 0)
			h->count = 1;
		if (h->count >= h->cap) {
			h->cap = h->cap == 0 ? 256 : h->cap * 2;
			h->entry =
			    mem_realloc(h->entry, h->cap, sizeof(*h->entry));
		}
		i = h->count++;
	}
	h->entry[i] = (struct journal_held_entry){
	    .key = key, .attempt = attempt, .next = *at, .kind = (uint8_t)kind};
	*at = i;
	return 0;
}

void
journal_held_give(struct journal_held *h, enum journal_held_kind kind,
    int64_t key, int64_t attempt)
{
	for (uint32_t *at = bucket_of(h, kind, key); *at != 0;
	     at = &h->entry[*at].next) {
		uint32_t i = *at;

		if (h->entry[i].key != key || h->entry[i].kind != (int)kind)
			continue;
		if (h->entry[i].attempt != attempt)
			return;
		*at = h->entry[i].next;
		h->entry[i].next = h->free;
		h->free = i;
		return;
	}
}

void
journal_held_free(struct journal_held *h)
{
	mem_free(&h->entry);
	memset(h, 0, sizeof(*h));
}
