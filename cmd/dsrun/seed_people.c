#include "seed_people.h"

#include <stdio.h>

#include "base/mem.h"

#include "json/json_write.h"

static const struct {
	int code;
	const char *zone;
} areas[] = {{212, "America/New_York"}, {512, "America/Chicago"},
    {303, "America/Denver"}, {206, "America/Los_Angeles"},
    {215, "America/New_York"}, {312, "America/Chicago"},
    {602, "America/Phoenix"}, {415, "America/Los_Angeles"},
    {305, "America/New_York"}, {615, "America/Chicago"},
    {801, "America/Denver"}, {503, "America/Los_Angeles"},
    {404, "America/New_York"}, {713, "America/Chicago"},
    {617, "America/New_York"}, {702, "America/Los_Angeles"}};

static const char *const first_names[] = {"Maria", "James", "Linda", "Robert",
    "Patricia", "Michael", "Jennifer", "David", "Elizabeth", "William", "Susan",
    "Richard", "Jessica", "Joseph", "Karen", "Thomas", "Nancy", "Daniel",
    "Lisa", "Matthew", "Priya", "Omar", "Fatima", "Samuel"};

static const char *const last_names[] = {"Smith", "Johnson", "Miller", "Garcia",
    "Brown", "Davis", "Wilson", "Nguyen", "Patel", "Cohen", "Lee", "Martinez"};

static const char *const practices[] = {"Riverside Medical Clinic",
    "Lakeside Family Medicine", "Oak Street Pediatrics", "Summit Dental Care",
    "Harbor Eye Center", "Green Valley Dermatology", "Maple Grove Health",
    "North Shore Cardiology", "Bayview Internal Medicine",
    "Hillcrest Surgery Center", "Clear Water Dental"};

static const char *const titles[] = {"Practice Administrator", "Office Manager",
    "Medical Director", "Billing Manager"};

#define LINES 100 /* 555-0100 to 555-0199 */

int64_t
seed_numbers(void)
{
	return (int64_t)ARRAY_LEN(areas) * LINES;
}

/* splitmix64 (Steele, Lea, Flood 2014): a stream for each person. */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#define PICK(list, state) ((list)[draw(state) % ARRAY_LEN(list)])

void
seed_person(const struct seed_run *run, int64_t n, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	uint64_t state = run->random + (uint64_t)n;
	/* In turn through the areas; where the lines begin is drawn. */
	uint64_t start = run->random % LINES;
	uint64_t at = (uint64_t)n % (uint64_t)seed_numbers();
	size_t area = at % ARRAY_LEN(areas);
	unsigned line = (unsigned)((start + at / ARRAY_LEN(areas)) % LINES);
	char phone[16];
	char *id = mem_printf("%s-%03lld", run->label, (long long)n + 1);

	(void)snprintf(
	    phone, sizeof(phone), "+1%03d55501%02u", areas[area].code, line);
	json_write_object(&w);
	json_field_str(&w, "id", id);
	if (run->kind != NULL)
		json_field_str(&w, "kind", run->kind);
	json_field_str(&w, "phone", phone);
	if (run->campaign != NULL)
		json_field_str(&w, "campaignId", run->campaign);
	json_field_i64(&w, "step", run->step);
	json_field_bool(&w, "finalStep", run->is_final);
	json_write_key(&w, "contact");
	json_write_object(&w);
	json_field_str(&w, "first_name", PICK(first_names, &state));
	json_field_str(&w, "last_name", PICK(last_names, &state));
	json_field_str(&w, "title", PICK(titles, &state));
	json_field_str(&w, "practice", PICK(practices, &state));
	json_field_str(&w, "timezone", areas[area].zone);
	json_write_end(&w);
	json_write_end(&w);
	buf_putc(out, '\n');
	mem_free(&id);
}
