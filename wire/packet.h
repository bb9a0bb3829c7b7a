/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_PACKET_H
#define WIRE_PACKET_H
/*
 * The layouts of NP1 datagrams (docs/protocol.md). Little-endian; every field has a fixed place:
 *
 *	all	 u8 type | u8 version | u16 flags
 *	INIT	 160	sender u32 | noise 120 | mac1 16 | mac2 16
 *	RESP	 108	sender u32 | receiver u32 | noise 64 | mac1 16 | mac2 16
 *	RETRY	  68	receiver u32 | nonce 24 | sealed cookie and delay 36
 *	DATA	32+n	receiver u32 | counter u64 | sealed n + 16
 *	BEAT	  44	receiver u32 | challenge u64 | echo u64 | health u8 | state u8 |
 *			lost u16 | mac 16
 *	UNKNOWN	  24	receiver u32 | reset token 16
 *	ECHO	  24	receiver u32 | tag u64 | nonce u64
 *
 * Only bytes are dealt with here: nothing that comes out of packet_decode is proven.
 */
#include "base/buf.h"

enum {
	PACKET_VERSION = 1,
	PACKET_MAX = 1232, /* UDP payload that passes everywhere: the IPv6 minimum MTU of 1280 */
	PACKET_HEADER = 4,
	PACKET_MAC = 16,
	PACKET_INIT_SIZE = 160,
	PACKET_RESP_SIZE = 108,
	PACKET_RETRY_SIZE = 68,
	PACKET_BEAT_SIZE = 44,
	PACKET_UNKNOWN_SIZE = 24,
	PACKET_ECHO_SIZE = 24,
	PACKET_DATA_HEADER = 16, /* what is sealed follows */
	PACKET_DATA_EXTRA = PACKET_DATA_HEADER + PACKET_MAC,
	PACKET_DATA_MAX = PACKET_MAX - PACKET_DATA_EXTRA, /* 1200 bytes of records */
};

enum packet_type {
	PACKET_INIT = 1,
	PACKET_RESP,
	PACKET_RETRY,
	PACKET_DATA,
	PACKET_BEAT,
	PACKET_UNKNOWN,
	PACKET_ECHO,
};

/* Flags of INIT. */
enum {
	PACKET_FLAG_ENROL = 1,	/* the payload names a token (the agent is not known yet) */
	PACKET_FLAG_RESTART = 2 /* the stream is new because the CMA said so (WELCOME_RESTART) */
};

/*
 * Flag of ECHO: it is an answer. What the flag adds to the checksum is taken from the tag, so that
 * is none of its own; receiver and nonce are those of the request.
 */
enum { PACKET_FLAG_ANSWER = 1 };
/* What stands in the place of this tag in an answer. */
uint64_t packet_answer_tag(uint64_t tag);

/* Which members are in use is said by the layout of the type; the others are zero. */
struct packet {
	enum packet_type type;
	uint16_t flags;	   /* those this version does not know are to be ignored */
	uint32_t sender;   /* index of the session at the sender */
	uint32_t receiver; /* index at the receiver: of a session, or of an edge for BEAT */
	uint64_t counter;
	uint64_t challenge, echo; /* of ECHO: nonce, tag */
	uint8_t health, state;
	uint16_t lost;
	struct span covered; /* what mac1, or the seal of DATA, covers besides body (decode only) */
	struct span body;    /* noise, sealed or token */
	struct span nonce;   /* 24 bytes */
	struct span mac1;    /* INIT, RESP; the mac of BEAT */
	struct span mac2;
};

/*
 * The spans borrow from datagram. -EPROTONOSUPPORT: another version; -EPROTO: not a type or not
 * its size.
 */
int packet_decode(struct span datagram, struct packet *p);
/* Fails w when there is no room or when a span has not the size that the layout gives it. */
void packet_encode(struct writer *w, const struct packet *p);
/* The first PACKET_DATA_HEADER bytes of DATA, for who seals right behind them. */
void packet_encode_data(struct writer *w, uint32_t receiver, uint64_t counter);

#endif
