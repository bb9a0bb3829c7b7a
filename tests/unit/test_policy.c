// SPDX-License-Identifier: Apache-2.0
/* The host's own file of who may have it do what: one mistake in it, and nobody may anything. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/policy.h"
#include "base/alloc.h"
#include "wire/keys.h"

struct fixture {
	char path[64], error[256];
	struct policy policy;
	uint8_t key[2][SIGN_KEY];
	char key_text[2][KEYS_TEXT_SIZE];
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test-policy-%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		memset(f->key[i], 7 + i, SIGN_KEY);
		keys_text(f->key[i], f->key_text[i]);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	policy_free(&f->policy);
	unlink(f->path);
	free(f);
	return 0;
}

/* Writes the text, with @0 and @1 for the keys, and reads it as a policy. */
static int read_text(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	for (; *text; text++) {
		if (*text == '@')
			fputs(f->key_text[*++text - '0'], file);
		else
			fputc(*text, file);
	}
	fclose(file);
	chmod(f->path, 0644);
	policy_free(&f->policy);
	*f->error = '\0';
	return policy_read(&f->policy, f->path, f->error, sizeof(f->error));
}

static bool allows(struct fixture *f, int key, const char *name, const char *argument)
{
	const struct policy_operator *known = policy_find(&f->policy, f->key[key]);

	return known && policy_allows(known, SPAN_TEXT(name), SPAN_TEXT(argument));
}

static void test_allows_what_it_says(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		read_text(f,
			"# mine\n[operator anna]\nkey = @0\nallow = resync, selftest\n"
			"allow = rediscover:listen\n\n[operator ben]\nkey=@1\ntenant=blue\n"),
		0);
	assert_true(allows(f, 0, "resync", ""));
	assert_true(allows(f, 0, "resync", "anything"));
	assert_true(allows(f, 0, "selftest", ""));
	assert_true(allows(f, 0, "rediscover", "listen"));
	assert_false(allows(f, 0, "rediscover", "host"));
	assert_false(allows(f, 0, "rediscover", ""));
	assert_false(allows(f, 0, "resyn", ""));
	assert_false(allows(f, 0, "resync:", ""));
	assert_false(allows(f, 1, "resync", ""));
	assert_string_equal(policy_find(&f->policy, f->key[0])->tenant, "default");
	assert_string_equal(policy_find(&f->policy, f->key[1])->tenant, "blue");
}

static void test_no_file_is_no_policy(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(policy_read(&f->policy, "/nonexistent/x", f->error, 256), -ENOENT);
	assert_false(allows(f, 0, "resync", ""));
	assert_int_equal(read_text(f, ""), 0);
	assert_int_equal(f->policy.count, 0);
}

static void test_a_mistake_is_no_policy(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "[operator a]\nkey = @0\nallow = resync\n[operator b]\nallow = x\n",
			"no key of operator 'b'" },
		{ "[operator a]\nkey = @0\nallow = resync\nalow = x\n", "unknown key 'alow'" },
		{ "[operator a]\nkey = @0\nallow = resync\n[operators]\nx = y\n",
			"[operator NAME]" },
		{ "[operator a]\nkey = @0\nkey = @1\nallow = resync\n", "a second key" },
		{ "[operator a]\nkey = @0\nallow = resync\n[operator b]\nkey = @0\n",
			"two operators" },
		{ "[operator a]\nkey = short\nallow = resync\n", "no key: 'short'" },
		{ "[operator a]\nkey = @0\nallow = resync\nnonsense\n", "line 4" },
		{ "allow = resync\n", "[operator NAME]" },
		{ "[operator a]\nkey = @0\nallow = resync\ntenant =\n", "no tenant" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(f, cases[i].text), -EINVAL);
		if (!strstr(f->error, cases[i].why))
			fail_msg("'%s' does not say '%s'", f->error, cases[i].why);
		assert_false(allows(f, 0, "resync", ""));
	}
}

/* The parser of the library would read on behind 200 bytes as if a line began there. */
static void test_long_line_is_a_mistake(void **state)
{
	struct fixture *f = *state;
	char text[600] = "[operator a]\nkey = @0\nallow = ";
	size_t used = strlen(text);

	memset(text + used, 'a', 300);
	memcpy(text + used + 300, "\nallow = resync\n", 17);
	assert_int_equal(read_text(f, text), -EINVAL);
	assert_non_null(strstr(f->error, "too"));
}

static void test_others_must_not_write_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "[operator a]\nkey = @0\nallow = resync\n"), 0);
	policy_free(&f->policy);
	chmod(f->path, 0664);
	assert_int_equal(policy_read(&f->policy, f->path, f->error, 256), -EPERM);
	assert_non_null(strstr(f->error, "others"));
	assert_false(allows(f, 0, "resync", ""));
	chmod(f->path, 0646);
	assert_int_equal(policy_read(&f->policy, f->path, f->error, 256), -EPERM);
	if (geteuid())
		return;
	chmod(f->path, 0644);
	assert_int_equal(chown(f->path, 65534, 65534), 0);
	assert_int_equal(policy_read(&f->policy, f->path, f->error, 256), -EPERM);
	assert_non_null(strstr(f->error, "root"));
}

static void test_only_a_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(policy_read(&f->policy, "/tmp", f->error, 256), -EINVAL);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(policy_read(&f->policy, f->path, f->error, 256), -EINVAL);
}

/* As many operators, and as many words of one, as there is room for, and one more. */
static void test_too_many(void **state)
{
	struct writer w cleanup(writer_free) = writer_growing(1 << 16);
	struct fixture *f = *state;

	for (int i = 0; i <= POLICY_OPERATORS_MAX; i++) {
		char key[KEYS_TEXT_SIZE], *text autofree = NULL;

		memset(f->key[0], 100 + i, SIGN_KEY);
		keys_text(f->key[0], key);
		text = text_format("[operator o%d]\nkey = %s\n", i, key);
		put_span(&w, SPAN_TEXT(text));
		if (i != POLICY_OPERATORS_MAX)
			continue;
		put_u8(&w, 0);
		assert_int_equal(read_text(f, (const char *)w.data), -EINVAL);
		assert_non_null(strstr(f->error, "too many operators"));
	}
	writer_reset(&w);
	put_span(&w, SPAN_TEXT("[operator a]\nkey = @1\n"));
	for (int i = 0; i <= POLICY_WORDS_MAX; i++)
		put_span(&w, SPAN_TEXT("allow = w\n"));
	put_u8(&w, 0);
	assert_int_equal(read_text(f, (const char *)w.data), -EINVAL);
	assert_non_null(strstr(f->error, "too much allowed"));
	assert_int_equal(f->policy.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_allows_what_it_says, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_file_is_no_policy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_mistake_is_no_policy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_line_is_a_mistake, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_must_not_write_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_a_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
