// SPDX-License-Identifier: Apache-2.0
#include "wire/certificate.h"

#include <errno.h>
#include <string.h>

#define LABEL "np1 cma key"

enum { VERSION_1 = 1, SIGNED_SIZE = CERTIFICATE_SIZE - SIGN_SIZE };

void certificate_sign(const struct certificate *certificate, const struct sign_pair *root,
	uint8_t to[CERTIFICATE_SIZE])
{
	struct writer w = writer_over(to, CERTIFICATE_SIZE);

	put_u32(&w, VERSION_1);
	put_u32(&w, certificate->serial);
	put_bytes(&w, certificate->key, SEAL_KEY);
	sign_make(root, LABEL, SPAN(to, SIGNED_SIZE), to + SIGNED_SIZE);
}

int certificate_peek(const uint8_t bytes[CERTIFICATE_SIZE], struct certificate *certificate)
{
	struct reader r = reader_of(SPAN(bytes, CERTIFICATE_SIZE));

	if (get_u32(&r) != VERSION_1)
		return -EPROTONOSUPPORT;
	certificate->serial = get_u32(&r);
	get_bytes(&r, certificate->key, SEAL_KEY);
	return certificate->serial ? 0 : -EINVAL;
}

int certificate_open(const uint8_t bytes[CERTIFICATE_SIZE], const uint8_t root[SIGN_KEY],
	struct certificate *certificate)
{
	struct certificate read;
	int err = certificate_peek(bytes, &read);

	if (!err && !sign_is_good(root, LABEL, SPAN(bytes, SIGNED_SIZE), bytes + SIGNED_SIZE))
		err = -EACCES;
	if (!err)
		*certificate = read;
	return err;
}

void certificate_text(const uint8_t bytes[CERTIFICATE_SIZE], char to[CERTIFICATE_TEXT_SIZE])
{
	keys_base64(SPAN(bytes, CERTIFICATE_SIZE), to, CERTIFICATE_TEXT_SIZE);
}

int certificate_parse(const char *text, uint8_t bytes[CERTIFICATE_SIZE])
{
	return keys_parse_base64(SPAN_TEXT(text), bytes, CERTIFICATE_SIZE);
}
