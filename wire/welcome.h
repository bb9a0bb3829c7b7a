/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_WELCOME_H
#define WIRE_WELCOME_H
/* The flags of RESP (struct session_welcome): bits 0-7 are a refusal, then single bits. */

enum welcome_refusal {
	WELCOME_OK,
	WELCOME_TOKEN_EXPIRED,
	WELCOME_TOKEN_USED_UP,
	WELCOME_OTHER_TENANT, /* the agent belongs to another tenant than the token */
	WELCOME_PENDING,      /* it has no token: a person has to approve it */
	WELCOME_REVOKED,      /* a person has revoked it */
	WELCOME_REFUSAL_MASK = 0xff,
};

enum {
	/*
	 * The CMA knows less of this stream than the agent was told is on disk (it was restored
	 * from a backup): begin a new one, with a new incarnation and a digest.
	 */
	WELCOME_RESTART = 0x100,
};

#endif
