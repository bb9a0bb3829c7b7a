/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The reflector: an echo request of the CMA (ECHO in docs/protocol.md) is answered before the
 * network stack sees it, so that a host whose nanoprobe is stopped shows that it lives. Every other
 * frame goes its way, and so does a request without the tag that the CMA gave this host: nobody
 * else gets an answer. The answer is as long as the request, and what marks it as an answer keeps
 * it from being answered.
 *
 * Addresses and ports change places, which leaves checksums as they are, and so must the mark: what
 * it adds is taken from the tag, which is worth nothing in an answer. A checksum is so never
 * computed, and one that a card is still to compute will be right.
 */
#include "bpf/maps.h"
#include "vmlinux/packet.h"
#include <bpf/bpf_endian.h>

enum { ECHO_TYPE = 7, ECHO_VERSION = 1, TAG_WORDS = 4 };
enum { IPV4_NO_OPTIONS = 0x45, IPV4_FRAGMENT = 0x3fff, IPV6_VERSION = 6 };
/* Flags are little-endian, on every host. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { ECHO_ANSWER = 1 };
#else
enum { ECHO_ANSWER = 0x100 };
#endif
/* Frames have Ethernet headers of 14 bytes: what follows is aligned to 2. */
#define __wire __attribute__((packed, aligned(2)))

struct ethernet {
	__u8 to[6], from[6];
	__be16 type;
} __wire;

struct udp_echo {
	__be16 from, to, size, sum;
	__u8 type, version;
	__u16 flags;
	__u32 index;
	__u16 tag[TAG_WORDS];
	__u64 nonce;
} __wire;

struct frame4 {
	struct ethernet ethernet;
	__u8 version, service;
	__be16 size, id, fragment;
	__u8 hops, protocol;
	__be16 sum;
	__be32 from, to;
	struct udp_echo echo;
} __wire;

struct address6 {
	__u16 words[8];
} __wire;

struct frame6 {
	struct ethernet ethernet;
	__u8 version, flow[3];
	__be16 size;
	__u8 protocol, hops;
	struct address6 from, to;
	struct udp_echo echo;
} __wire;

_Static_assert(sizeof(struct frame4) == 66 && sizeof(struct frame6) == 86, "layout");

#define EXCHANGE(one, other)                                     \
	do {                                                     \
		typeof(one) first;                               \
		__builtin_memcpy(&first, &(one), sizeof(one));   \
		__builtin_memcpy(&(one), &(other), sizeof(one)); \
		__builtin_memcpy(&(other), &first, sizeof(one)); \
	} while (0)

static __always_inline bool is_request(const struct udp_echo *echo)
{
	__u64 tag;

	__builtin_memcpy(&tag, echo->tag, sizeof(tag));
	return echo->to == door.echo_port && echo->size == bpf_htons(sizeof(*echo)) &&
		echo->type == ECHO_TYPE && echo->version == ECHO_VERSION && !echo->flags && tag &&
		tag == door.echo_tag;
}

static __always_inline void answer(struct ethernet *ethernet, struct udp_echo *echo)
{
	__u16 word = echo->tag[0];

	EXCHANGE(ethernet->from, ethernet->to);
	EXCHANGE(echo->from, echo->to);
	echo->flags = ECHO_ANSWER;
	/* In one's complement, as checksums are: what is borrowed at one end is paid at the other.
	 */
	echo->tag[0] = word - ECHO_ANSWER - (word < ECHO_ANSWER);
}

/* A frame is one that was sent to this host alone; true when it has become its answer. */
static __always_inline bool reflect4(struct frame4 *frame)
{
	if (frame->ethernet.type != bpf_htons(ETH_P_IP) || frame->version != IPV4_NO_OPTIONS ||
		frame->protocol != IPPROTO_UDP || frame->fragment & bpf_htons(IPV4_FRAGMENT) ||
		frame->size != bpf_htons(sizeof(*frame) - sizeof(frame->ethernet)) ||
		!is_request(&frame->echo))
		return false;
	answer(&frame->ethernet, &frame->echo);
	EXCHANGE(frame->from, frame->to);
	return true;
}

static __always_inline bool reflect6(struct frame6 *frame)
{
	if (frame->ethernet.type != bpf_htons(ETH_P_IPV6) || frame->version >> 4 != IPV6_VERSION ||
		frame->protocol != IPPROTO_UDP || frame->size != frame->echo.size ||
		!is_request(&frame->echo))
		return false;
	answer(&frame->ethernet, &frame->echo);
	EXCHANGE(frame->from, frame->to);
	return true;
}

/* Works on a copy: a program that may write into frames has each shared one copied by the kernel.
 */
#define REFLECT_COPY(skb, number)                                              \
	do {                                                                   \
		struct frame##number frame;                                    \
                                                                               \
		if (bpf_skb_load_bytes(skb, 0, &frame, sizeof(frame)) ||       \
			!reflect##number(&frame) ||                            \
			bpf_skb_store_bytes(skb, 0, &frame, sizeof(frame), 0)) \
			return TCX_NEXT;                                       \
		return bpf_redirect(skb->ifindex, 0);                          \
	} while (0)

SEC("tc")
int reflect_tc(struct __sk_buff *skb)
{
	if (!door.echo_tag || skb->pkt_type != PACKET_HOST || skb->vlan_present)
		return TCX_NEXT;
	if (skb->len == sizeof(struct frame4))
		REFLECT_COPY(skb, 4);
	if (skb->len == sizeof(struct frame6))
		REFLECT_COPY(skb, 6);
	return TCX_NEXT;
}

SEC("xdp")
int reflect_xdp(struct xdp_md *context)
{
	struct frame4 *four = (void *)(long)context->data;
	struct frame6 *six = (void *)four;
	void *end = (void *)(long)context->data_end;

	if (!door.echo_tag || (void *)(four + 1) > end || four->ethernet.to[0] & 1)
		return XDP_PASS;
	if (reflect4(four) || ((void *)(six + 1) <= end && reflect6(six)))
		return XDP_TX;
	return XDP_PASS;
}
