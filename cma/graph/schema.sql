-- The store of the CMA. docs/schema.md explains it; GRAPH_SCHEMA in graph.h is its version.
-- Times are milliseconds since 1970. What is still true has gone = 9223372036854775807, so that
-- "as of T" is everywhere: since <= T AND gone > T.

CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value ANY
) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0);

-- What nobody may read: 'ring' is what the keys of heartbeats follow from.
CREATE TABLE secret (
	name   TEXT PRIMARY KEY,
	secret BLOB NOT NULL
) WITHOUT ROWID;

-- What the estate is made of. A node belongs to another one (owner): a process to its host, an
-- endpoint to its address, a port to its switch; what stands alone belongs to its tenant, and a
-- tenant to 0. So no node of one tenant can be reached from another.
CREATE TABLE node (
	id    INTEGER PRIMARY KEY,
	owner INTEGER NOT NULL,
	kind  TEXT NOT NULL,
	key   TEXT NOT NULL,
	label TEXT NOT NULL,
	since INTEGER NOT NULL,
	gone  INTEGER NOT NULL
);
CREATE UNIQUE INDEX node_key ON node (owner, kind, key);
CREATE INDEX node_host ON node (owner, label) WHERE kind = 'host';
CREATE INDEX node_switch ON node (owner, label) WHERE kind = 'switch';

-- Earlier lives of nodes that went and came back.
CREATE TABLE node_past (
	node  INTEGER NOT NULL,
	since INTEGER NOT NULL,
	gone  INTEGER NOT NULL
);

-- What hosts said, every version of it. The row of the version that is true keeps its id when the
-- value changes (the old value moves to a new row), so that an edge can name it as its evidence.
CREATE TABLE fact (
	id      INTEGER PRIMARY KEY,
	host    INTEGER NOT NULL,
	section TEXT NOT NULL,
	key     TEXT NOT NULL,
	value   TEXT NOT NULL,
	since   INTEGER NOT NULL,
	gone    INTEGER NOT NULL
);
CREATE INDEX fact_key ON fact (host, section, key, gone);
CREATE INDEX fact_since ON fact (since);
CREATE INDEX fact_gone ON fact (gone) WHERE gone < 9223372036854775807;

-- How nodes hang together, and the fact that says so. What is true comes last in its range, so
-- that history costs the questions about the present nothing.
CREATE TABLE edge (
	src   INTEGER NOT NULL,
	kind  TEXT NOT NULL,
	gone  INTEGER NOT NULL,
	dst   INTEGER NOT NULL,
	fact  INTEGER NOT NULL,
	since INTEGER NOT NULL,
	PRIMARY KEY (src, kind, gone, dst, fact)
) WITHOUT ROWID;
CREATE INDEX edge_reverse ON edge (dst, kind, gone, src, fact, since);
-- Not "kind IN (...)": SQLite makes a table of these words for each edge that comes or goes, then.
CREATE INDEX edge_status ON edge (since) WHERE
	kind = 'up' OR kind = 'left' OR kind = 'down' OR
	kind = 'unreachable' OR kind = 'hung' OR kind = 'gone' OR kind = 'revoked';

-- How hosts are (cma/graph/roster.h says what the words mean): one at a time for each host.
CREATE VIEW host_status AS
SELECT src AS tenant, dst AS host, kind AS status, since, gone FROM edge
WHERE kind = 'up' OR kind = 'left' OR kind = 'down' OR
	kind = 'unreachable' OR kind = 'hung' OR kind = 'gone' OR kind = 'revoked';

-- Addresses that a host answers on in a network namespace ('' is its own), and how many of its
-- facts say so: what a listener on 0.0.0.0 or :: stands for.
CREATE TABLE local (
	host  INTEGER NOT NULL,
	netns TEXT NOT NULL,
	ip    TEXT NOT NULL,
	facts INTEGER NOT NULL,
	PRIMARY KEY (host, netns, ip)
) WITHOUT ROWID;

-- Who may talk to us, and how far each one has come (docs/protocol.md).
CREATE TABLE agent (
	host            INTEGER PRIMARY KEY,
	tenant          INTEGER NOT NULL,
	public_key      BLOB NOT NULL UNIQUE,
	psk             BLOB NOT NULL,
	incarnation     INTEGER NOT NULL DEFAULT 0,
	sequence        INTEGER NOT NULL DEFAULT 0,
	digest_sequence INTEGER NOT NULL DEFAULT 0,
	want            INTEGER NOT NULL DEFAULT 0,
	digests         BLOB NOT NULL,
	quarantined     INTEGER NOT NULL DEFAULT 0,
	urgent          INTEGER NOT NULL DEFAULT 0, -- sequence of the urgent stream
	lost            INTEGER NOT NULL DEFAULT 0, -- urgent messages that it had no room to keep
	facts           INTEGER NOT NULL DEFAULT 0, -- that are true, and bytes of their keys and
	bytes           INTEGER NOT NULL DEFAULT 0, -- values
	edges           INTEGER NOT NULL DEFAULT 0, -- that are alive and follow from them
	boot            INTEGER NOT NULL DEFAULT 0, -- hash of the boot id that it told last
	revoked         INTEGER NOT NULL DEFAULT 0, -- when; 0: it may talk to us
	address         TEXT NOT NULL DEFAULT '',   -- where its last session was proven, and the
	session         INTEGER NOT NULL DEFAULT 0, -- index of that at the CMA << 32 | at the agent
	seen            INTEGER NOT NULL DEFAULT 0, -- when that was
	beat            INTEGER NOT NULL DEFAULT 0  -- port of its heartbeats; 0: not known
);
CREATE TABLE token (
	id        BLOB PRIMARY KEY,
	secret    BLOB NOT NULL,
	tenant    TEXT NOT NULL,
	created   INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	uses      INTEGER NOT NULL,
	uses_made INTEGER NOT NULL DEFAULT 0,
	revoked   INTEGER NOT NULL DEFAULT 0 -- when; 0: good
) WITHOUT ROWID;

-- Messages that could not be acted on.
CREATE TABLE quarantine (
	id          INTEGER PRIMARY KEY,
	host        INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	incarnation INTEGER NOT NULL,
	sequence    INTEGER NOT NULL,
	reason      TEXT NOT NULL,
	message     BLOB NOT NULL
);
CREATE INDEX quarantine_host ON quarantine (host);

-- Who exchanges heartbeats with whom, and how each end sees the other one now (enum sight in
-- wire/beat.h). A number is never used again, because a key follows from it.
CREATE TABLE ring (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant    INTEGER NOT NULL,
	layer     INTEGER NOT NULL, -- of how many rings it is which
	low       INTEGER NOT NULL, -- its two ends, hosts
	high      INTEGER NOT NULL,
	since     INTEGER NOT NULL,
	low_sees  INTEGER NOT NULL DEFAULT 0,
	high_sees INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX ring_low ON ring (low);
CREATE INDEX ring_high ON ring (high);

-- What went wrong, one row for each cause: open while cleared is in the future. Who is concerned by
-- it is in incident_host.
CREATE TABLE incident (
	id      INTEGER PRIMARY KEY,
	tenant  INTEGER NOT NULL,
	number  INTEGER NOT NULL, -- as people see it: each tenant counts its own from 1
	kind    TEXT NOT NULL,    -- a word: what sort of cause
	node    INTEGER NOT NULL, -- what failed: a host, a switch...; the tenant when it is neither
	other   INTEGER NOT NULL DEFAULT 0, -- the other end, when it is what lies between two
	opened  INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	cleared INTEGER NOT NULL,
	text    TEXT NOT NULL,    -- for people
	severity TEXT NOT NULL    -- critical, warning or info
);
CREATE INDEX incident_open ON incident (tenant, kind, node, cleared);
CREATE UNIQUE INDEX incident_number ON incident (tenant, number);
CREATE TABLE incident_host (
	incident INTEGER NOT NULL,
	host     INTEGER NOT NULL,
	since    INTEGER NOT NULL,
	gone     INTEGER NOT NULL,
	PRIMARY KEY (incident, host)
) WITHOUT ROWID;
CREATE INDEX incident_concerned ON incident_host (incident) WHERE gone = 9223372036854775807;
CREATE INDEX incident_of ON incident_host (host);

-- What happened, in order: each row was made durable with what it tells of.
CREATE TABLE event (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant   INTEGER NOT NULL,
	number   INTEGER NOT NULL, -- as people see it: each tenant counts its own from 1
	at       INTEGER NOT NULL,
	kind     TEXT NOT NULL,    -- a word (cma/graph/event.h)
	incident INTEGER NOT NULL, -- that it is about, or 0
	node     INTEGER NOT NULL, -- likewise
	text     TEXT NOT NULL     -- for people
);
CREATE UNIQUE INDEX event_number ON event (tenant, number);

-- What alerts go to, and the event up to which each was told.
CREATE TABLE sink (
	name  TEXT PRIMARY KEY,
	event INTEGER NOT NULL,
	epoch INTEGER NOT NULL -- of the last start at which it was there
) WITHOUT ROWID;

-- What operators are at work on: nobody wants to be told that it failed. gone is when that ended;
-- until is when it will, if nobody ends it before.
CREATE TABLE maintenance (
	node     INTEGER NOT NULL,
	gone     INTEGER NOT NULL,
	tenant   INTEGER NOT NULL,
	since    INTEGER NOT NULL,
	until    INTEGER NOT NULL,
	operator TEXT NOT NULL,
	note     TEXT NOT NULL,
	PRIMARY KEY (node, gone)
) WITHOUT ROWID;
CREATE INDEX maintenance_on ON maintenance (until) WHERE gone = 9223372036854775807;

-- What that makes of nodes now: they themselves, the ports of a switch, and hosts that are plugged
-- into no other switch. A CROSS JOIN is done as it is written: from the few to the many.
CREATE VIEW maintained AS
SELECT node FROM maintenance WHERE gone = 9223372036854775807
UNION
SELECT p.id FROM maintenance m
CROSS JOIN node p ON p.owner = m.node AND p.kind = 'switchport'
WHERE m.gone = 9223372036854775807
UNION
SELECT n.owner FROM maintenance m
CROSS JOIN node p ON p.owner = m.node AND p.kind = 'switchport'
CROSS JOIN edge w ON w.dst = p.id AND w.kind = 'wired' AND w.gone = 9223372036854775807
CROSS JOIN node n ON n.id = w.src
WHERE m.gone = 9223372036854775807
	AND NOT EXISTS (SELECT 1 FROM node c
		CROSS JOIN edge v ON v.src = c.id AND v.kind = 'wired'
			AND v.gone = 9223372036854775807
		CROSS JOIN node q ON q.id = v.dst
		WHERE c.owner = n.owner AND c.kind = 'nic'
			AND NOT EXISTS (SELECT 1 FROM maintenance o
				WHERE o.node = q.owner AND o.gone = 9223372036854775807));
-- And of incidents: those of such a node, and those that concerned only such hosts.
CREATE VIEW quiet AS
SELECT i.id AS incident FROM incident i
WHERE i.node IN maintained
	OR (EXISTS (SELECT 1 FROM incident_host h WHERE h.incident = i.id)
		AND NOT EXISTS (SELECT 1 FROM incident_host h
			WHERE h.incident = i.id AND h.host NOT IN maintained));

-- What operators asked hosts to do, and what came of it.
CREATE TABLE command (
	id       BLOB PRIMARY KEY, -- 16 random bytes
	host     INTEGER NOT NULL,
	operator TEXT NOT NULL,    -- fingerprint of the key that signed it
	name     TEXT NOT NULL,
	argument TEXT NOT NULL,
	frame    BLOB NOT NULL,    -- as signed
	issued   INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	state    TEXT NOT NULL,    -- waiting, done, failed, refused, expired, unknown
	result   TEXT NOT NULL DEFAULT '',
	finished INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX command_host ON command (host, issued);
CREATE INDEX command_time ON command (issued);
CREATE INDEX command_waiting ON command (expires) WHERE state = 'waiting';
