// SPDX-License-Identifier: Apache-2.0
/* POSTs the alert as JSON; any answer of 2xx says that it was taken. Owner of libcurl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/alloc.h"
#include "cma/alert/sink.h"

static const char *check(const char *target)
{
	if (!strncasecmp(target, "https://", 8) || !strncasecmp(target, "http://", 7))
		return NULL;
	return "needs a URL, https://... or http://...";
}

/* What the other side says beside its status is of no use to anybody. */
static size_t ignore(char *data, size_t size, size_t count, void *context)
{
	(void)data;
	(void)context;
	return size * count;
}

/* No redirects: what was configured is told, nobody else. Certificates are verified (default). */
static void set_options(CURL *curl, const char *url, struct curl_slist *headers, const char *body)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "assim-cma/" VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

/* 0 when it was taken, after saying why not. */
static int judge(CURL *curl, CURLcode code, const char *why)
{
	long status = 0;

	if (code != CURLE_OK) {
		fprintf(stderr, "%s\n", *why ? why : curl_easy_strerror(code));
		return EXIT_FAILURE;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 2)
		return EXIT_SUCCESS;
	fprintf(stderr, "the server answered %ld\n", status);
	return EXIT_FAILURE;
}

static int deliver(const char *target, const struct sink_alert *alert)
{
	char why[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	int result = EXIT_FAILURE;

	if (curl) {
		set_options(curl, target, headers, alert->text);
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
		result = judge(curl, curl_easy_perform(curl), why);
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return result;
}

const struct sink_kind sink_webhook = {
	.name = "webhook",
	.time_ms = 10000,
	.check = check,
	.deliver = deliver,
};
