/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSE_H
#define AGENT_SENSE_H
/*
 * The privileged process of the nanoprobe: it watches sockets and processes through the kernel
 * sensor and /proc and tells the process without privileges ("net") what changed, over one
 * SOCK_SEQPACKET socket pair. It opens no internet socket and parses nothing that came from a
 * network.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "wire/certificate.h"
#include "wire/fact.h"
#include "wire/warrant.h"

/*
 * sense -> net: u8 kind, then
 *	FACTS	packed changes (wire/fact.h)
 *	READY	u8, 1 when the kernel can answer echo requests: everything that was there at the
 *		start has been told
 *	FD	i32 negative errno or 0, and with 0 one descriptor (SCM_RIGHTS): the answer to a
 *		request for one; answers come in the order of the requests
 *	RESULT	id of a command 16, u8 enum result_status, its name, its argument and a text, each
 *		behind a u16 size: with RESULT_DONE the other side may do its part
 *	END	nothing: the last packet of one that was told to end. Without it the end is a crash.
 */
enum sense_kind { SENSE_FACTS = 1, SENSE_READY = 2, SENSE_FD = 3, SENSE_END = 4, SENSE_RESULT = 5 };
enum { SENSE_PACKET_MAX = 65536 };

/* net -> sense: always exactly one of the two structs. Anything else ends the process. */
enum sense_op {
	SENSE_RESNAPSHOT = 1,	 /* look at every socket again, now */
	SENSE_CONNECT_LLDPD = 2, /* connect the socket of lldpd and pass it on */
	SENSE_ENROLLED = 3,	 /* the CMA has us on disk: calls config.enrolled */
	SENSE_NEW_KEY = 4,	 /* the CMA has another key: calls config.new_key */
	SENSE_COMMAND = 5,	 /* an operator's: struct sense_command */
	SENSE_ECHO = 6, /* the kernel answers echo requests to port argument with tag value */
};

/* 128 bytes; what an operation does not use is 0. */
struct sense_request {
	uint32_t op;
	uint32_t argument;
	uint64_t value;
	uint8_t certificate[CERTIFICATE_SIZE]; /* of SENSE_NEW_KEY */
	uint8_t zero[8];
};

struct sense_command {
	uint32_t op;
	uint32_t size;	 /* of the warrant; what is behind it is 0 */
	uint64_t now_ms; /* the CMA's clock */
	uint8_t warrant[(WARRANT_MAX + 7) / 8 * 8];
};

/* The fact and what it points to are valid only during the call. */
typedef void sense_emit_fn(void *owner, const struct fact *fact);

struct sense_config {
	bool own_netns;	       /* only the network namespace the nanoprobe runs in */
	int64_t edge_ttl_ms;   /* a connection not seen for so long is forgotten; 0: 24 hours */
	uint32_t peers_max;    /* distinct peers of one service before they fold; 0: 1024 */
	const char *reflector; /* "tc" or "xdp"; NULL or "off": none */
	const char *reflector_interfaces; /* as in sensor_config */
	const char *lldpd_socket;	  /* path for SENSE_CONNECT_LLDPD; NULL: none */
	/* Tells facts of the host that come from files: at start and once an hour. NULL: none. */
	void (*discover)(void *user, sense_emit_fn *emit, void *owner);
	/* Keeps what proves us to the CMA from now on; NULL: none. */
	void (*enrolled)(void *user);
	/* Keeps it; -EPROTO when the other side has made it up, which ends us. NULL: none. */
	int (*new_key)(void *user, const uint8_t certificate[CERTIFICATE_SIZE]);
	void *user;
	pid_t net;		 /* the other process; 0 for sense_once */
	const char *policy;	 /* file of agent/policy.h; NULL: no command is taken */
	uint8_t agent[SEAL_KEY]; /* our key, and the run of the nanoprobe: commands name both */
	uint64_t run;
	const struct log *log;
};

/*
 * Watches until SIGTERM or SIGINT, or until the other end of peer is closed; 0 then. -EPROTO after
 * a malformed request, other -errno when nothing at all can be watched.
 */
int sense_run(const struct sense_config *config, int peer);
/* Looks once and tells everything that is there now. -errno as above. */
int sense_once(const struct sense_config *config, sense_emit_fn *emit, void *owner);

#endif
