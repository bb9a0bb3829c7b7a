// SPDX-License-Identifier: Apache-2.0
#include "wire/beat.h"

#include <errno.h>

void beat_encode(
	const struct beat *beat, const uint8_t key[BEAT_KEY], uint8_t datagram[PACKET_BEAT_SIZE])
{
	static const uint8_t no_mac[PACKET_MAC];
	const struct packet p = { .type = PACKET_BEAT,
		.receiver = beat->edge,
		.challenge = beat->challenge,
		.echo = beat->echo,
		.health = beat->health,
		.state = beat->state,
		.lost = beat->lost,
		.mac1 = SPAN(no_mac, PACKET_MAC) };
	const size_t covered = PACKET_BEAT_SIZE - PACKET_MAC;
	struct writer w = writer_over(datagram, PACKET_BEAT_SIZE);

	packet_encode(&w, &p);
	seal_mac(key, SPAN(datagram, covered), datagram + covered);
}

int beat_claims(struct span datagram, uint32_t *edge)
{
	struct packet p;

	if (packet_decode(datagram, &p) || p.type != PACKET_BEAT)
		return -EPROTO;
	*edge = p.receiver;
	return 0;
}

int beat_decode(struct span datagram, const uint8_t key[BEAT_KEY], struct beat *beat)
{
	uint8_t mac[SEAL_MAC];
	struct packet p;

	if (packet_decode(datagram, &p) || p.type != PACKET_BEAT)
		return -EPROTO;
	seal_mac(key, p.covered, mac);
	if (!seal_equal(mac, p.mac1.data, SEAL_MAC))
		return -EBADMSG;
	*beat = (struct beat){ .edge = p.receiver,
		.challenge = p.challenge,
		.echo = p.echo,
		.health = p.health,
		.state = p.state,
		.lost = p.lost };
	return 0;
}

void beat_edge_key(const uint8_t secret[SEAL_KEY], uint32_t edge, uint8_t key[BEAT_KEY])
{
	uint8_t bytes[4];
	struct writer w = writer_over(bytes, sizeof(bytes));

	put_u32(&w, edge);
	seal_hash(secret, "np1 edge", writer_span(&w), key, BEAT_KEY);
}

void beat_probe_key(
	const uint8_t secret[SEAL_KEY], const uint8_t agent[SEAL_KEY], uint8_t key[BEAT_KEY])
{
	seal_hash(secret, "np1 probe", SPAN(agent, SEAL_KEY), key, BEAT_KEY);
}
