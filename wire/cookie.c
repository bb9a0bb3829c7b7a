// SPDX-License-Identifier: Apache-2.0
#include "wire/cookie.h"

#include <string.h>

enum {
	PLAIN = COOKIE_SIZE + 4,
	SIGNED = PACKET_INIT_SIZE - PACKET_MAC, /* all of INIT before mac2 */
	MAC1_AT = SIGNED - PACKET_MAC,
};

#define SECRET_LIFE (COOKIE_LIFE_S * NS_PER_SEC)

void cookie_refresh(struct cookie_jar *jar, struct instant now, cookie_random_fn *draw, void *owner)
{
	int64_t age = instant_sub(now, jar->since);

	if (jar->filled && age < SECRET_LIFE)
		return;
	memcpy(jar->secret[1], jar->secret[0], SEAL_KEY);
	draw(owner, jar->secret[0], SEAL_KEY);
	if (!jar->filled || age >= 2 * SECRET_LIFE)
		draw(owner, jar->secret[1], SEAL_KEY);
	jar->since = now;
	jar->filled = true;
}

static void make(const uint8_t secret[SEAL_KEY], const struct addr *from, uint8_t to[COOKIE_SIZE])
{
	uint8_t bytes[sizeof(from->ip) + sizeof(from->port)];
	struct writer w = writer_over(bytes, sizeof(bytes));

	put_bytes(&w, from->ip, sizeof(from->ip));
	put_u16(&w, from->port);
	seal_mac(secret, writer_span(&w), to);
}

void cookie_make(const struct cookie_jar *jar, const struct addr *from, uint8_t to[COOKIE_SIZE])
{
	make(jar->secret[0], from, to);
}

/* The cookie is the key, filled up with zeroes. */
static void mac2_of(const uint8_t cookie[COOKIE_SIZE], const uint8_t *init, uint8_t mac[PACKET_MAC])
{
	uint8_t key[SEAL_KEY] = { 0 };

	memcpy(key, cookie, COOKIE_SIZE);
	seal_mac(key, SPAN(init, SIGNED), mac);
	seal_wipe(key, sizeof(key));
}

bool cookie_is_good(const struct cookie_jar *jar, const struct addr *from, const struct packet *p)
{
	static const uint8_t none[PACKET_MAC];
	bool good = false;

	for (int i = 0; i < 2 && !good && memcmp(p->mac2.data, none, PACKET_MAC); i++) {
		uint8_t cookie[COOKIE_SIZE], mac[PACKET_MAC];

		make(jar->secret[i], from, cookie);
		mac2_of(cookie, p->covered.data, mac);
		good = seal_equal(mac, p->mac2.data, PACKET_MAC);
	}
	return good;
}

static void key_of(const uint8_t public[SEAL_KEY], uint8_t key[SEAL_KEY])
{
	seal_hash(NULL, "np1 retry", SPAN(public, SEAL_KEY), key, SEAL_KEY);
}

void cookie_seal(const struct cookie_reply *reply, const uint8_t public[SEAL_KEY],
	const struct packet *p, struct span nonce, uint8_t datagram[PACKET_RETRY_SIZE])
{
	uint8_t key[SEAL_KEY], plain[PLAIN], sealed[PLAIN + SEAL_TAG];
	struct packet retry = { .type = PACKET_RETRY,
		.receiver = p->sender,
		.nonce = nonce,
		.body = SPAN(sealed, sizeof(sealed)) };
	struct writer w = writer_over(plain, sizeof(plain));
	struct writer to = writer_over(datagram, PACKET_RETRY_SIZE);

	put_bytes(&w, reply->cookie, COOKIE_SIZE);
	put_u32(&w, reply->after_ms);
	key_of(public, key);
	seal_encrypt_drawn(key, nonce.data, p->mac1, writer_span(&w), sealed);
	packet_encode(&to, &retry);
}

int cookie_open(const uint8_t public[SEAL_KEY], const uint8_t init[PACKET_INIT_SIZE],
	const struct packet *p, struct cookie_reply *reply)
{
	uint8_t key[SEAL_KEY], plain[PLAIN];
	struct reader r = reader_of(SPAN(plain, sizeof(plain)));
	int err;

	key_of(public, key);
	err = seal_decrypt_drawn(
		key, p->nonce.data, SPAN(init + MAC1_AT, PACKET_MAC), p->body, plain);
	if (err)
		return err;
	get_bytes(&r, reply->cookie, COOKIE_SIZE);
	reply->after_ms = get_u32(&r);
	return 0;
}

void cookie_sign(const uint8_t cookie[COOKIE_SIZE], uint8_t init[PACKET_INIT_SIZE])
{
	mac2_of(cookie, init, init + SIGNED);
}
