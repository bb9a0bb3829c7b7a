// SPDX-License-Identifier: Apache-2.0
#include "wire/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "wire/keys.h"

enum { ID_SIZE = KEYS_BASE64_SIZE(TOKEN_ID) - 1 };

void token_text(const struct token *token, char to[TOKEN_TEXT_SIZE])
{
	char address[ADDR_TEXT_SIZE];
	char public[KEYS_TEXT_SIZE], root[KEYS_TEXT_SIZE] = "", id[KEYS_BASE64_SIZE(TOKEN_ID)],
				     secret[KEYS_TEXT_SIZE];

	addr_text(&token->cma, address);
	keys_text(token->cma_public, public);
	keys_base64(SPAN(token->id, TOKEN_ID), id, sizeof(id));
	keys_text(token->secret, secret);
	if (token->has_root)
		keys_text(token->root, root);
	snprintf(to, TOKEN_TEXT_SIZE, "np1:%s:%s:%s:%s%s%s", address, public, id, secret,
		*root ? ":" : "", root);
	seal_wipe(secret, sizeof(secret));
}

/* Cuts what is behind the last ':' off text; an empty span when there is no ':'. */
static struct span cut_last(struct span *text)
{
	const uint8_t *colon = text->size ? memrchr(text->data, ':', text->size) : NULL;
	struct span last = { NULL, 0 };

	if (colon) {
		last = SPAN(colon + 1, (size_t)(text->data + text->size - colon - 1));
		text->size = (size_t)(colon - text->data);
	}
	return last;
}

static int parse_address(struct span text, struct addr *addr)
{
	char address[ADDR_TEXT_SIZE], again[ADDR_TEXT_SIZE];

	if (text.size >= sizeof(address))
		return -EINVAL;
	text_copy_to(address, text.size + 1, (const char *)text.data);
	if (addr_parse(address, addr) || !addr->port)
		return -EINVAL;
	addr_text(addr, again);
	return strcmp(address, again) ? -EINVAL : 0;
}

int token_parse(const char *text, struct token *token, const char **why)
{
	struct span left = SPAN(text, strnlen(text, TOKEN_TEXT_SIZE));
	struct span secret = cut_last(&left), id = cut_last(&left), public = cut_last(&left);
	struct span root = { NULL, 0 };

	token->has_root = false;
	/* The id is the one short part: it shows whether there is a root key at the end. */
	if (public.size == ID_SIZE && id.size != ID_SIZE) {
		root = secret;
		secret = id;
		id = public;
		public = cut_last(&left);
		token->has_root = true;
	}
	*why = NULL;
	if (strncmp(text, "np1:", 4))
		*why = "a token starts with \"np1:\"";
	else if (left.size < 4 || !public.size)
		*why = "a token has the parts np1:ADDR:PORT:KEY:ID:SECRET[:ROOT]";
	else if (parse_address(SPAN(left.data + 4, left.size - 4), &token->cma))
		*why = "the address in the token is not ADDR:PORT or [v6]:PORT";
	else if (keys_parse_base64(public, token->cma_public, SEAL_KEY))
		*why = "the CMA's public key in the token is not 43 characters of base64url";
	else if (keys_parse_base64(id, token->id, TOKEN_ID))
		*why = "the id of the token is not 11 characters of base64url";
	else if (keys_parse_base64(secret, token->secret, SEAL_KEY))
		*why = "the secret of the token is not 43 characters of base64url";
	else if (token->has_root && keys_parse_base64(root, token->root, SEAL_KEY))
		*why = "the root key in the token is not 43 characters of base64url";
	return *why ? -EINVAL : 0;
}
