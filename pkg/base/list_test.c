#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

struct item {
	int n;
	struct list node;
};

static int
number(struct list *node)
{
	assert_non_null(node);
	return node != NULL ? CONTAINER_OF(node, struct item, node)->n : -1;
}

static void
a_list_gives_back_in_the_order_it_took(void **state)
{
	struct list head = LIST_INIT(head);
	struct item items[3] = {{.n = 0}, {.n = 1}, {.n = 2}};
	int want = 0;

	(void)state;
	assert_true(list_empty(&head));
	assert_null(list_pop(&head));
	for (int i = 0; i < 3; i++)
		list_add_tail(&head, &items[i].node);
	assert_false(list_empty(&head));
	LIST_FOREACH (node, &head)
		assert_int_equal(number(node), want++);
	assert_int_equal(want, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(number(list_pop(&head)), i);
	assert_true(list_empty(&head));
}

static void
a_zeroed_node_is_in_no_list_and_may_be_removed(void **state)
{
	struct item i = {.n = 1};
	struct list head = LIST_INIT(head);

	(void)state;
	assert_true(list_empty(&i.node));
	list_remove(&i.node);
	list_add_tail(&head, &i.node);
	assert_false(list_empty(&i.node));
	list_remove(&i.node);
	list_remove(&i.node);
	assert_true(list_empty(&i.node));
	assert_true(list_empty(&head));
	list_add_tail(&head, &i.node);
	assert_int_equal(number(list_pop(&head)), 1);
}

static void
the_safe_walk_survives_removal_of_each(void **state)
{
	struct list head;
	struct item items[5];
	int left = 0;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i] = (struct item){.n = i};
		list_add_tail(&head, &items[i].node);
	}
	LIST_FOREACH_SAFE (node, &head)
		if (number(node) % 2 == 0)
			list_remove(node);
	LIST_FOREACH (node, &head)
		left = left * 10 + number(node);
	assert_int_equal(left, 13);
	LIST_FOREACH_SAFE (node, &head)
		list_remove(node);
	assert_true(list_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_gives_back_in_the_order_it_took),
	    cmocka_unit_test(a_zeroed_node_is_in_no_list_and_may_be_removed),
	    cmocka_unit_test(the_safe_walk_survives_removal_of_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
