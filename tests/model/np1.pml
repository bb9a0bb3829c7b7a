/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NP1's promise about acknowledgements, for every order of events: agents and a CMA over a network
 * that loses, repeats and reorders, a process of either end dying at any moment, commits that
 * fail, a store that comes back from a backup. tests/model/check.sh has it checked exhaustively;
 * docs/protocol.md has the rules in words.
 *
 * A host's state is a number that only it changes. Each message of its stream tells the state as it
 * was when the message was made; the first of a stream stands for DIGEST and what follows from it.
 * A session's number stands for its keys: who does not have it can neither read nor write in it.
 *
 * The network is two slots each way: a packet is put into either of them, over what was there, and
 * stays there when it is taken. So packets are lost, repeated and overtaken.
 *
 * Claims, after every step:
 *	kept	what an agent takes as acknowledged is in the store, or a backup came back
 *	once	no message has an effect twice or out of order
 *	forward	no life of a nanoprobe has an effect after a later one had
 *	told	when all is acknowledged that an agent has to tell, the store has the state of its
 *		host, or a backup came back and the agent was not heard since
 *
 * Each BREAK_... leaves out one rule of the protocol; then a claim must fail:
 *	BREAK_ACK	acknowledges what has arrived instead of what is on disk
 *	BREAK_OLDER	a session that is proven leaves older calls waiting
 */
#ifndef AGENTS
#define AGENTS 1
#endif
#ifndef CHANGES
#define CHANGES 2 /* of a host */
#endif
#ifndef CALLS
#define CALLS 3 /* of a host, in all lives of its agent */
#endif
#ifndef AGENT_DEATHS
#define AGENT_DEATHS 1
#endif
#ifndef CMA_DEATHS
#define CMA_DEATHS 1
#endif
#ifndef BACKUPS
#define BACKUPS 1 /* how often the store may come back from one */
#endif
#define SEQUENCES 3

mtype = { INIT, DATA, RESP, ACK };

typedef packet {
	mtype kind;
	byte id;       /* INIT: of the call; RESP, DATA, ACK: of the session */
	byte life;     /* INIT: the incarnation; RESP: the call */
	byte sequence; /* DATA: its own; INIT, ACK: what is acknowledged; RESP: 1 for RESTART */
	byte state;    /* DATA */
};
typedef network {
	packet slot[2];
};
network up[AGENTS], down[AGENTS];

typedef agent_state {
	byte truth;	  /* of the host */
	byte incarnation; /* counted here, random there */
	byte told;	  /* the state in the last message */
	byte made;	  /* messages of this stream */
	byte acked;
	byte content[SEQUENCES + 1];
	byte session; /* 0: none */
	byte call;    /* that is under way; 0: none */
	byte calls;
	byte deaths;
};
agent_state host[AGENTS];

typedef stored {
	byte incarnation;
	byte sequence;
	byte state;
};
stored disk[AGENTS], backup[AGENTS];

/* What the CMA has in memory only. */
typedef peer_state {
	byte incarnation; /* of the stream that is heard, */
	byte durable;	  /* of which that much is known to be on disk, */
	byte received;	  /* and that much was handed to the store */
	byte content[SEQUENCES + 1];
	byte session;		 /* proven; 0: none */
	byte waiting[CALLS + 1]; /* incarnation of each that was answered, not proven; 0: none */
	byte sessions;		 /* numbers given out */
};
peer_state peer[AGENTS];
byte cma_deaths, backups;

/* For the claims only. */
bool restored[AGENTS]; /* a backup came back and the agent had no effect since */
byte latest[AGENTS];   /* the latest incarnation that had an effect */

#define AGENT	    host[h]
#define PEER	    peer[h]
#define has_to_tell (AGENT.acked < AGENT.made || AGENT.told != AGENT.truth)

inline claims()
{
	/* kept */
	assert(restored[h] || AGENT.acked == 0 ||
		(disk[h].incarnation == AGENT.incarnation && disk[h].sequence >= AGENT.acked));
	/* told */
	assert(restored[h] || AGENT.made == 0 || has_to_tell || disk[h].state == AGENT.truth)
}

inline put(way, kind_, id_, life_, sequence_, state_)
{
	if
	:: i = 0
	:: i = 1
	fi;
	way.slot[i].kind = kind_;
	way.slot[i].id = id_;
	way.slot[i].life = life_;
	way.slot[i].sequence = sequence_;
	way.slot[i].state = state_;
	i = 0
}

/* One of the packets under way; it stays there. */
inline take(way)
{
	if
	:: way.slot[0].kind -> i = 0
	:: way.slot[1].kind -> i = 1
	fi;
	kind = way.slot[i].kind;
	id = way.slot[i].id;
	life = way.slot[i].life;
	sequence = way.slot[i].sequence;
	state = way.slot[i].state;
	i = 0
}

inline forget_packet()
{
	kind = 0;
	id = 0;
	life = 0;
	sequence = 0;
	state = 0
}

#define clear(array, size)                    \
	i = 0;                                \
	do                                    \
	:: i < (size) -> array[i] = 0; i++    \
	:: else -> break                      \
	od;                                   \
	i = 0

/* ---- agents ---- */

inline new_stream()
{
	AGENT.incarnation++;
	AGENT.told = 0;
	AGENT.made = 0;
	AGENT.acked = 0;
	AGENT.session = 0;
	AGENT.call = 0;
	clear(AGENT.content, SEQUENCES + 1)
}

inline hear_cma()
{
	if
	:: kind == RESP && AGENT.call && life == AGENT.call ->
		if
		:: sequence && AGENT.acked -> new_stream()
		:: else ->
			AGENT.session = id;
			AGENT.call = 0
		fi
	:: kind == ACK && id == AGENT.session && sequence > AGENT.acked ->
		AGENT.acked = sequence
	:: else
	fi
}

proctype agent(byte h)
{
	byte i, kind, id, life, sequence, state;

end:	do
	/* The host changes. */
	:: d_step { AGENT.truth < CHANGES -> AGENT.truth++ }
	/* What is to be told becomes a message, as late as possible. */
	:: d_step { AGENT.session && AGENT.told != AGENT.truth && AGENT.made < SEQUENCES ->
		AGENT.made++;
		AGENT.told = AGENT.truth;
		AGENT.content[AGENT.made] = AGENT.truth }
	/* One that is not acknowledged is sent, for the first time or again. */
	:: atomic { AGENT.session && AGENT.acked < AGENT.made ->
		sequence = AGENT.acked + 1;
		if
		:: sequence < AGENT.made -> sequence++
		:: true
		fi;
		state = AGENT.content[sequence];
		put(up[h], DATA, AGENT.session, 0, sequence, state);
		forget_packet() }
	/* No session, or no answer: it calls. Until there is a new session it keeps the old one. */
	:: atomic { has_to_tell && AGENT.calls < CALLS ->
		AGENT.calls++;
		AGENT.call = AGENT.calls;
		put(up[h], INIT, AGENT.call, AGENT.incarnation, AGENT.acked, 0) }
	:: atomic { take(down[h]); hear_cma(); forget_packet(); claims() }
	/* It dies, and is started again. */
	:: atomic { AGENT.deaths < AGENT_DEATHS -> AGENT.deaths++; new_stream() }
	od
}

/* ---- the CMA ---- */

/* INIT proves nothing, so nothing of the agent changes. It knows more of its stream than we do? */
inline answer()
{
	PEER.sessions++;
	PEER.waiting[PEER.sessions] = life;
	if
	:: life == PEER.incarnation -> sequence = (sequence > PEER.durable -> 1 : 0)
	:: else -> sequence = (sequence -> 1 : 0)
	fi;
	put(down[h], RESP, PEER.sessions, id, sequence, 0)
}

/* The first DATA of a session ends the one before, and those that wait since earlier. */
inline prove()
{
	if
	:: PEER.waiting[id] != PEER.incarnation ->
		PEER.incarnation = PEER.waiting[id];
		PEER.durable = 0;
		PEER.received = 0;
		clear(PEER.content, SEQUENCES + 1)
	:: else
	fi;
	PEER.session = id;
#ifdef BREAK_OLDER
	PEER.waiting[id] = 0
#else
	clear(PEER.waiting, id + 1)
#endif
}

inline hear_agent()
{
	if
	:: kind == INIT && PEER.sessions < CALLS -> answer()
	:: kind == DATA ->
		if
		:: PEER.waiting[id] -> prove()
		:: else
		fi;
		if
		:: id == PEER.session && sequence == PEER.received + 1 ->
			PEER.received = sequence;
			PEER.content[sequence] = state
#ifdef BREAK_ACK
			; put(down[h], ACK, id, 0, sequence, 0)
#endif
		:: id == PEER.session && sequence <= PEER.durable ->
			put(down[h], ACK, id, 0, PEER.durable, 0)
		:: else
		fi
	:: else
	fi
}

/* The store acts on the next message: effect and sequence together. */
inline act()
{
	sequence = (PEER.incarnation == disk[h].incarnation -> disk[h].sequence + 1 : 1);
	if
	:: sequence > PEER.durable + 1 -> PEER.durable++ /* it had that: no effect */
	:: else ->
		assert(sequence == PEER.durable + 1);			     /* once */
		assert(restored[h] || PEER.incarnation >= latest[h]);	     /* forward */
		latest[h] = PEER.incarnation;
		restored[h] = false;
		disk[h].incarnation = PEER.incarnation;
		disk[h].sequence = sequence;
		disk[h].state = PEER.content[sequence];
		PEER.durable = sequence
	fi;
	sequence = 0
}

/* All that it had in memory is gone; the roster is what the store says. */
inline start_cma()
{
	h = 0;
	do
	:: h < AGENTS ->
		PEER.incarnation = disk[h].incarnation;
		PEER.durable = disk[h].sequence;
		PEER.received = disk[h].sequence;
		PEER.session = 0;
		clear(PEER.content, SEQUENCES + 1);
		clear(PEER.waiting, CALLS + 1);
		h++
	:: else -> break
	od;
	h = 0
}

#define copy(to, from)                                  \
	h = 0;                                          \
	do                                              \
	:: h < AGENTS ->                                \
		to[h].incarnation = from[h].incarnation; \
		to[h].sequence = from[h].sequence;      \
		to[h].state = from[h].state;            \
		h++                                     \
	:: else -> break                                \
	od;                                             \
	h = 0

inline mark_restored()
{
	h = 0;
	do
	:: h < AGENTS -> restored[h] = true; latest[h] = 0; h++
	:: else -> break
	od;
	h = 0
}

inline any_host()
{
	if
	:: h = 0
#if AGENTS > 1
	:: h = 1
#endif
	fi
}

proctype cma()
{
	byte h, i, kind, id, life, sequence, state;

end:	do
	:: atomic { any_host(); take(up[h]); hear_agent(); forget_packet(); h = 0 }
	/* A commit reaches the disk, and is acknowledged. */
	:: atomic { any_host(); PEER.received > PEER.durable -> act();
		put(down[h], ACK, PEER.session, 0, PEER.durable, 0);
		claims();
		h = 0 }
	/* A commit fails: what was handed to the store is forgotten. */
	:: atomic { any_host(); PEER.received > PEER.durable -> PEER.received = PEER.durable;
		h = 0 }
	:: atomic { cma_deaths < CMA_DEATHS -> cma_deaths++; start_cma() }
	/* A commit reached the disk, and the CMA died before it knew. */
	:: atomic { cma_deaths < CMA_DEATHS; any_host(); PEER.received > PEER.durable ->
		cma_deaths++;
		act();
		claims();
		start_cma() }
#if BACKUPS
	:: atomic { backups < BACKUPS -> copy(backup, disk) }
	:: atomic { backups < BACKUPS && cma_deaths < CMA_DEATHS ->
		backups++;
		cma_deaths++;
		copy(disk, backup);
		mark_restored();
		start_cma() }
#endif
	od
}

init
{
	byte h;

	atomic {
		do
		:: h < AGENTS ->
			AGENT.incarnation = 1;
			AGENT.truth = 1;
			run agent(h);
			h++
		:: else -> break
		od;
		run cma()
	}
}
