// SPDX-License-Identifier: Apache-2.0
/* What must go, and what must stay: words are written here with '|' between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/redact.h"
#include "agent/secret.h"
#include "base/text.h"

static const struct {
	const char *argv, *told; /* told NULL: unchanged */
} cases[] = {
	/* options */
	{ "app|--password=hunter2", "app|--password=***" },
	{ "app|--password|hunter2|--verbose", "app|--password|***|--verbose" },
	{ "app|--password=with spaces in it", "app|--password=***" },
	{ "app|-password|hunter2", "app|-password|***" },
	{ "app|--db-passwd|hunter2", "app|--db-passwd|***" },
	{ "app|--api-key=abc", "app|--api-key=***" },
	{ "app|--apiKey|abc", "app|--apiKey|***" },
	{ "app|--token|abc|file", "app|--token|***|file" },
	{ "app|--client-secret=abc", "app|--client-secret=***" },
	{ "app|--auth-token=abc", "app|--auth-token=***" },
	{ "java|-Djavax.net.ssl.trustStorePassword=abc",
		"java|-Djavax.net.ssl.trustStorePassword=***" },
	{ "app|--pass|abc", "app|--pass|***" },
	{ "app|--node-password=abc", "app|--node-password=***" },
	{ "openssl|rsa|-passin|pass:abc", "openssl|rsa|-passin|pass:***" },
	/* switches and files */
	{ "mysql|--password|-u|root", NULL },
	{ "psql|--no-password|shop", NULL },
	{ "app|--password-file=/etc/app/pw", NULL },
	{ "app|--token-file|/run/token", NULL },
	{ "app|--password-auth=yes", NULL },
	{ "app|--max-tokens=100", NULL },
	{ "app|--bypass|x", NULL },
	{ "app|--compass=north", NULL },
	{ "app|--token", NULL },
	/* environment */
	{ "env|PGPASSWORD=hunter2|psql|-h|db", "env|PGPASSWORD=***|psql|-h|db" },
	{ "env|MYSQL_PWD=hunter2|mysql", "env|MYSQL_PWD=***|mysql" },
	{ "env|AWS_SECRET_ACCESS_KEY=abc|AWS_REGION=eu-1",
		"env|AWS_SECRET_ACCESS_KEY=***|AWS_REGION=eu-1" },
	{ "env|PWD=/home/alice|OLDPWD=/", NULL },
	/* in the text of a shell, a connection string */
	{ "sh|-c|exec psql -h db PGPASSWORD=hunter2 && ls /tmp",
		"sh|-c|exec psql -h db PGPASSWORD=*** && ls /tmp" },
	{ "sh|-c|run --password hunter2 --port 80", "sh|-c|run --password *** --port 80" },
	{ "psql|host=db password=hunter2 dbname=shop", "psql|host=db password=*** dbname=shop" },
	{ "psql|host=db password='hunter 2' dbname=shop", "psql|host=db password=*** dbname=shop" },
	{ "sh|-c|mysql -phunter2 shop", "sh|-c|mysql -p*** shop" },
	/* tools */
	{ "mysql|-uroot|-phunter2|shop", "mysql|-uroot|-p***|shop" },
	{ "/usr/bin/mysqldump|-phunter2|shop", "/usr/bin/mysqldump|-p***|shop" },
	{ "sudo|mysql|-phunter2", "sudo|mysql|-p***" },
	{ "mysql|-p|shop", NULL },
	{ "sshpass|-p|hunter2|ssh|host", "sshpass|-p|***|ssh|host" },
	{ "sshpass|-phunter2|ssh|host", "sshpass|-p***|ssh|host" },
	{ "redis-cli|-h|cache|-a|hunter2|ping", "redis-cli|-h|cache|-a|***|ping" },
	{ "curl|-u|alice:hunter2|http://x/", "curl|-u|alice:***|http://x/" },
	{ "curl|-ualice:hunter2|http://x/", "curl|-ualice:***|http://x/" },
	{ "curl|-u|alice|http://x/", NULL },
	{ "smbclient|-U|alice%hunter2|//srv/share", "smbclient|-U|alice%***|//srv/share" },
	{ "ldapsearch|-x|-w|hunter2", "ldapsearch|-x|-w|***" },
	{ "ssh|-p|2222|host", NULL },
	{ "docker|run|-p|8080:80|nginx", NULL },
	{ "mkdir|-p|/srv/data", NULL },
	/* URLs and headers */
	{ "app|postgres://alice:hunter2@db:5432/shop", "app|postgres://alice:***@db:5432/shop" },
	{ "app|--url=https://alice:p@ss@host/x", "app|--url=https://alice:***@host/x" },
	{ "git|clone|https://alice@host/x.git", NULL },
	{ "git|clone|https://ghp_16C7e42F292c6912E7710c838347Ae178B4a@github.com/x",
		"git|clone|https://***@github.com/x" },
	{ "curl|https://host/x?user=1&token=abc&page=2",
		"curl|https://host/x?user=1&token=***&page=2" },
	{ "curl|https://host:8443/a@b", NULL },
	{ "curl|-H|Authorization: Bearer abc.def", "curl|-H|Authorization: ***" },
	{ "curl|-H|X-Api-Key: abc", "curl|-H|X-Api-Key: ***" },
	{ "curl|-HCookie: sid=1", "curl|-HCookie: ***" },
	{ "curl|-H|Content-Type: text/html", NULL },
	/* random words */
	{ "app|q7Zt3kP9xW2mB8vR5nL1", "app|***" },
	{ "app|key=AKIAIOSFODNN7EXAMPLEX", "app|key=***" },
	{ "app|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x", "app|***.eyJzdWIiOiIxIn0.x" },
	{ "curl|https://hooks.slack.com/services/T0/B0/X9kQ2mZ7vL4pT8wR3nB6yC1d",
		"curl|https://hooks.slack.com/services/T0/B0/***" },
	/* long, and not random */
	{ "/usr/bin/containerd-shim-runc-v2|-id|8f14e45fceea167a5a36dedd4bea2543c5d1b0e4a5f8e9b2",
		NULL },
	{ "app|backup-a8f5f167f44f4964e6c998dee827110c.tar.gz", NULL },
	{ "app|/nix/store/q7zt3kp9xw2mb8vr5nl1q7zt3kp9xw2m-bash-5.2/bin/bash", NULL },
	{ "app|--uuid=123e4567-e89b-12d3-a456-426614174000", NULL },
	{ "java|-Dcom.sun.management.jmxremote.port=9010|org.apache.catalina.startup.Bootstrap",
		NULL },
	{ "app|--config=/etc/letsencrypt/live/example.org/fullchain.pem", NULL },
	{ "/usr/sbin/sshd|-D|-o|AuthorizedKeysCommand=/bin/x", NULL },
	{ "nginx: worker process", NULL },
	{ "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", NULL },
	{ "/lib/systemd/systemd|--switched-root|--system|--deserialize=42", NULL },
	{ "/usr/lib/x86_64-linux-gnu/qemu|--machine=pc-i440fx-7.2,usb=off", NULL },
	{ "app||empty", NULL },
	{ "", NULL },
};

/* '|' <-> NUL; words end with NUL. */
static size_t to_words(const char *text, char *to)
{
	size_t size = strlen(text);

	for (size_t i = 0; i <= size; i++)
		to[i] = text[i] == '|' ? '\0' : text[i];
	return size ? size + 1 : 0;
}

static void from_words(char *words, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++)
		words[i] = words[i] ? words[i] : '|';
	if (!size)
		words[0] = '\0';
}

static void test_cases(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *expected = cases[i].told ? cases[i].told : cases[i].argv;
		char words[512], told[REDACT_MAX];
		size_t size = redact_argv(SPAN(words, to_words(cases[i].argv, words)), told);

		from_words(told, size);
		if (strcmp(told, expected)) {
			printf("%s\n  told     %s\n  expected %s\n", cases[i].argv, told, expected);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void test_long_word_is_cut(void **state)
{
	char word[1000], told[REDACT_MAX];

	(void)state;
	memset(word, '/', sizeof(word));
	assert_int_equal(redact_argv(SPAN(word, sizeof(word)), told), REDACT_WORD_MAX + 1);
	assert_string_equal(told + REDACT_WORD_MAX - 3, "...");
}

static void test_cut_keeps_utf8_whole(void **state)
{
	char word[1000], told[REDACT_MAX];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(word); i += 2)
		memcpy(word + i, "\xc3\xa9", 2);
	size = redact_argv(SPAN(word, sizeof(word)), told);
	assert_true(size <= REDACT_WORD_MAX + 1);
	assert_int_equal(text_utf8_prefix(SPAN(told, size)), size);
}

static void test_many_words_are_cut(void **state)
{
	char words[4000], told[REDACT_MAX];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(words); i += 4)
		memcpy(words + i, "abc", 4);
	size = redact_argv(SPAN(words, sizeof(words)), told);
	assert_true(size <= REDACT_MAX && size > REDACT_MAX - 8);
	assert_string_equal(told + size - 4, "...");
	assert_string_equal(told + size - 8, "abc");
}

/* Every byte string is a possible command line: none may break it or grow it over the limit. */
static void test_any_bytes(void **state)
{
	uint32_t random = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		static const char alphabet[] = "-=:/@ \0'\"pass?&u\xff.1Ab";
		char argv[64], told[REDACT_MAX];
		size_t size = (size_t)round % sizeof(argv);

		for (size_t i = 0; i < size; i++) {
			random = random * 1664525 + 1013904223;
			argv[i] = alphabet[(random >> 16) % (sizeof(alphabet) - 1)];
		}
		assert_true(redact_argv(SPAN(argv, size), told) <= REDACT_MAX);
	}
}

/* "password is" is prose; only an option has its value behind a blank. */
static void test_prose(void **state)
{
	(void)state;
	assert_false(secret_name(SPAN_TEXT("password"), ' '));
	assert_false(secret_name(SPAN_TEXT(""), ' '));
	assert_true(secret_name(SPAN_TEXT("--password"), ' '));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long_word_is_cut),
		cmocka_unit_test(test_cut_keeps_utf8_whole),
		cmocka_unit_test(test_many_words_are_cut),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_prose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
