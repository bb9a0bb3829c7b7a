// SPDX-License-Identifier: Apache-2.0
#include "wire/session.h"

#include <errno.h>
#include <string.h>

enum {
	INIT_PAYLOAD = 24,
	RESP_PAYLOAD = 16,
	INIT_PROLOGUE = PACKET_HEADER + 4,
	MACS = 2 * PACKET_MAC,
};

/* Far below what the nonce and Poly1305 allow; a session is replaced long before. */
static const uint64_t packets_max = (uint64_t)1 << 48;
static const uint8_t no_mac[PACKET_MAC];

/* mac1: by whoever knows the receiver's public key, so that a port scanner hears nothing. */
static void mac1_key_of(const uint8_t public[SEAL_KEY], uint8_t key[SEAL_KEY])
{
	seal_hash(NULL, "np1 mac1", SPAN(public, SEAL_KEY), key, SEAL_KEY);
}

void session_self_init(struct session_self *self, const struct key_pair *key)
{
	self->key = *key;
	mac1_key_of(key->public, self->mac1_key);
	seal_hash(key->secret, "np1 reset", SPAN(NULL, 0), self->reset_key, SEAL_KEY);
}

bool session_is_for(const struct session_self *self, const struct packet *p)
{
	uint8_t mac[SEAL_MAC];

	seal_mac(self->mac1_key, p->covered, mac);
	return seal_equal(mac, p->mac1.data, SEAL_MAC);
}

/* Fills mac1 of a handshake datagram that is complete but for its macs. */
static void put_mac1(const uint8_t peer[SEAL_KEY], uint8_t *datagram, size_t size)
{
	uint8_t key[SEAL_KEY];

	mac1_key_of(peer, key);
	seal_mac(key, SPAN(datagram, size - MACS), datagram + size - MACS);
}

static void hello_encode(const struct session_hello *hello, uint8_t payload[INIT_PAYLOAD])
{
	struct writer w = writer_over(payload, INIT_PAYLOAD);

	put_u64(&w, hello->incarnation);
	if (hello->enrol) {
		put_bytes(&w, hello->token_id, SESSION_TOKEN_ID);
		put_u64(&w, hello->tenant);
	} else {
		put_u64(&w, hello->epoch);
		put_u64(&w, hello->seq);
	}
}

static void hello_decode(const uint8_t payload[INIT_PAYLOAD], struct session_hello *hello)
{
	struct reader r = reader_of(SPAN(payload, INIT_PAYLOAD));

	hello->incarnation = get_u64(&r);
	if (hello->enrol) {
		get_bytes(&r, hello->token_id, SESSION_TOKEN_ID);
		hello->tenant = get_u64(&r);
	} else {
		hello->epoch = get_u64(&r);
		hello->seq = get_u64(&r);
	}
}

bool session_asks(const struct session_hello *hello)
{
	static const uint8_t none[SESSION_TOKEN_ID];

	return hello->enrol && !memcmp(hello->token_id, none, sizeof(none));
}

int session_call(struct session_call *call, const struct session_self *self,
	const uint8_t peer[SEAL_KEY], const uint8_t ephemeral[SEAL_KEY], uint32_t local,
	const struct session_hello *hello, uint8_t datagram[PACKET_INIT_SIZE])
{
	uint8_t payload[INIT_PAYLOAD], noise[NOISE_INIT_EXTRA + INIT_PAYLOAD] = { 0 };
	struct packet p = {
		.type = PACKET_INIT,
		.flags = (hello->enrol ? PACKET_FLAG_ENROL : 0) |
			(hello->restarted ? PACKET_FLAG_RESTART : 0),
		.sender = local,
		.body = SPAN(noise, sizeof(noise)),
		.mac1 = SPAN(no_mac, PACKET_MAC),
		.mac2 = SPAN(no_mac, PACKET_MAC),
	};
	struct writer w = writer_over(datagram, PACKET_INIT_SIZE);
	int err;

	packet_encode(&w, &p);
	hello_encode(hello, payload);
	err = noise_write_init(&call->noise, SPAN(datagram, INIT_PROLOGUE), &self->key, peer,
		ephemeral, SPAN(payload, sizeof(payload)), noise);
	if (err)
		return err;
	call->local = local;
	writer_reset(&w);
	packet_encode(&w, &p);
	put_mac1(peer, datagram, PACKET_INIT_SIZE);
	return 0;
}

int session_answered(const struct session_call *call, const struct session_self *self,
	const uint8_t psk[SEAL_KEY], const struct packet *p, struct instant now,
	struct session *session, struct session_welcome *welcome)
{
	struct noise noise = call->noise;
	uint8_t payload[RESP_PAYLOAD];
	struct reader r = reader_of(SPAN(payload, sizeof(payload)));
	int err;

	if (p->receiver != call->local)
		return -ENOENT;
	err = session_is_for(self, p) ? 0 : -EBADMSG;
	if (!err)
		err = noise_read_resp(&noise, &self->key, psk, p->body, payload);
	if (!err) {
		*session = (struct session){
			.local = call->local, .remote = p->sender, .since = now, .confirmed = true
		};
		noise_split(&noise, session->send_key, session->receive_key);
		welcome->epoch = get_u64(&r);
		welcome->flags = get_u32(&r);
		welcome->credit = get_u32(&r);
	}
	seal_wipe(&noise, sizeof(noise));
	return err;
}

int session_heard(
	struct session_heard *heard, const struct session_self *self, const struct packet *p)
{
	if (!session_is_for(self, p))
		return -EACCES;
	heard->remote = p->sender;
	heard->hello = (struct session_hello){
		.enrol = p->flags & PACKET_FLAG_ENROL,
		.restarted = p->flags & PACKET_FLAG_RESTART,
	};
	return noise_read_static(
		&heard->noise, SPAN(p->covered.data, INIT_PROLOGUE), &self->key, p->body);
}

int session_hear_hello(struct session_heard *heard, const struct session_self *self,
	const uint8_t *shared, const struct packet *p)
{
	uint8_t payload[INIT_PAYLOAD];
	int err = noise_read_init(&heard->noise, &self->key, shared, p->body, payload);

	if (!err)
		hello_decode(payload, &heard->hello);
	return err;
}

int session_answer(const struct session_heard *heard, const uint8_t psk[SEAL_KEY],
	const uint8_t ephemeral[SEAL_KEY], uint32_t local, const struct session_welcome *welcome,
	struct instant now, uint8_t datagram[PACKET_RESP_SIZE], struct session *session)
{
	struct noise noise = heard->noise;
	uint8_t payload[RESP_PAYLOAD], message[NOISE_RESP_EXTRA + RESP_PAYLOAD];
	struct packet p = {
		.type = PACKET_RESP,
		.sender = local,
		.receiver = heard->remote,
		.body = SPAN(message, sizeof(message)),
		.mac1 = SPAN(no_mac, PACKET_MAC),
		.mac2 = SPAN(no_mac, PACKET_MAC),
	};
	struct writer w = writer_over(payload, sizeof(payload));
	int err;

	put_u64(&w, welcome->epoch);
	put_u32(&w, welcome->flags);
	put_u32(&w, welcome->credit);
	err = noise_write_resp(&noise, psk, ephemeral, writer_span(&w), message);
	if (!err) {
		w = writer_over(datagram, PACKET_RESP_SIZE);
		packet_encode(&w, &p);
		put_mac1(noise.peer, datagram, PACKET_RESP_SIZE);
		*session =
			(struct session){ .local = local, .remote = heard->remote, .since = now };
		noise_split(&noise, session->receive_key, session->send_key);
	}
	seal_wipe(&noise, sizeof(noise));
	return err;
}

int session_seal(struct session *session, struct span plain, struct writer *to)
{
	size_t start = to->size;
	uint8_t *room;

	if (!session->confirmed)
		return -ENOTCONN;
	if (plain.size > PACKET_DATA_MAX)
		return -EMSGSIZE;
	if (session->sent >= packets_max)
		return -ENOKEY;
	packet_encode_data(to, session->remote, session->sent);
	room = put_room(to, plain.size + SEAL_TAG);
	if (!room)
		return -ENOBUFS;
	seal_encrypt(session->send_key, session->sent, SPAN(to->data + start, PACKET_DATA_HEADER),
		plain, room);
	session->sent++;
	return 0;
}

int session_open(struct session *session, const struct packet *p, uint8_t *to, struct span *plain)
{
	int err;

	if (!replay_fresh(&session->replay, p->counter))
		return -EALREADY;
	err = seal_decrypt(session->receive_key, p->counter, p->covered, p->body, to);
	if (err)
		return err;
	replay_accept(&session->replay, p->counter);
	session->confirmed = true;
	*plain = SPAN(to, p->body.size - SEAL_TAG);
	return 0;
}

bool session_is_old(const struct session *session, struct instant now)
{
	return session->sent >= SESSION_REKEY_PACKETS ||
		session->replay.next >= SESSION_REKEY_PACKETS ||
		instant_sub(now, session->since) >= SESSION_REKEY_HOURS * 3600 * NS_PER_SEC;
}

void session_wipe(struct session *session)
{
	seal_wipe(session, sizeof(*session));
}

void session_reset_token(
	const struct session_self *self, uint32_t index, uint8_t token[SESSION_TOKEN])
{
	uint8_t bytes[4];
	struct writer w = writer_over(bytes, sizeof(bytes));

	put_u32(&w, index);
	seal_mac(self->reset_key, writer_span(&w), token);
}

void session_reset(const struct session_self *self, const struct packet *data,
	uint8_t datagram[PACKET_UNKNOWN_SIZE])
{
	uint8_t token[SESSION_TOKEN];
	struct packet p = { .type = PACKET_UNKNOWN,
		.receiver = data->receiver,
		.body = SPAN(token, SESSION_TOKEN) };
	struct writer w = writer_over(datagram, PACKET_UNKNOWN_SIZE);

	session_reset_token(self, data->receiver, token);
	packet_encode(&w, &p);
}

bool session_is_reset(
	const struct session *session, const uint8_t token[SESSION_TOKEN], const struct packet *p)
{
	return p->type == PACKET_UNKNOWN && p->receiver == session->remote &&
		seal_equal(p->body.data, token, SESSION_TOKEN);
}
