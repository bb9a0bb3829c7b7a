-- From schema 1 to 2: see schema.sql for what things are.
ALTER TABLE agent ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN facts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE agent SET (facts, bytes) = (
	SELECT count(*),
	       coalesce(sum(length(CAST(key AS BLOB)) + length(CAST(value AS BLOB))), 0)
	FROM fact
	WHERE host = agent.host AND gone = 9223372036854775807
);
ALTER TABLE agent ADD COLUMN edges INTEGER NOT NULL DEFAULT 0;
UPDATE agent SET edges = alive.edges FROM (
	SELECT fact.host AS host, count(*) AS edges
	FROM edge JOIN fact ON fact.id = edge.fact
	WHERE edge.gone = 9223372036854775807
	GROUP BY fact.host
) AS alive
WHERE alive.host = agent.host;
ALTER TABLE agent ADD COLUMN boot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE agent ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent ADD COLUMN beat INTEGER NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
CREATE TABLE incident (
	id      INTEGER PRIMARY KEY,
	tenant  INTEGER NOT NULL,
	number  INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	node    INTEGER NOT NULL,
	other   INTEGER NOT NULL DEFAULT 0,
	opened  INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	cleared INTEGER NOT NULL,
	text    TEXT NOT NULL,
	severity TEXT NOT NULL
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
CREATE TABLE command (
	id       BLOB PRIMARY KEY,
	host     INTEGER NOT NULL,
	operator TEXT NOT NULL,
	name     TEXT NOT NULL,
	argument TEXT NOT NULL,
	frame    BLOB NOT NULL,
	issued   INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	state    TEXT NOT NULL,
	result   TEXT NOT NULL DEFAULT '',
	finished INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX command_host ON command (host, issued);
CREATE INDEX command_time ON command (issued);
CREATE INDEX command_waiting ON command (expires) WHERE state = 'waiting';
DROP INDEX edge_status;
CREATE INDEX edge_status ON edge (since) WHERE
	kind = 'up' OR kind = 'left' OR kind = 'down' OR
	kind = 'unreachable' OR kind = 'hung' OR kind = 'gone' OR kind = 'revoked';
CREATE VIEW host_status AS
SELECT src AS tenant, dst AS host, kind AS status, since, gone FROM edge
WHERE kind = 'up' OR kind = 'left' OR kind = 'down' OR
	kind = 'unreachable' OR kind = 'hung' OR kind = 'gone' OR kind = 'revoked';
CREATE TABLE secret (
	name   TEXT PRIMARY KEY,
	secret BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE ring (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant    INTEGER NOT NULL,
	layer     INTEGER NOT NULL,
	low       INTEGER NOT NULL,
	high      INTEGER NOT NULL,
	since     INTEGER NOT NULL,
	low_sees  INTEGER NOT NULL DEFAULT 0,
	high_sees INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX ring_low ON ring (low);
CREATE INDEX ring_high ON ring (high);
CREATE TABLE event (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant   INTEGER NOT NULL,
	number   INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	kind     TEXT NOT NULL,
	incident INTEGER NOT NULL,
	node     INTEGER NOT NULL,
	text     TEXT NOT NULL
);
CREATE UNIQUE INDEX event_number ON event (tenant, number);
CREATE TABLE sink (
	name  TEXT PRIMARY KEY,
	event INTEGER NOT NULL,
	epoch INTEGER NOT NULL
) WITHOUT ROWID;
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
CREATE VIEW quiet AS
SELECT i.id AS incident FROM incident i
WHERE i.node IN maintained
	OR (EXISTS (SELECT 1 FROM incident_host h WHERE h.incident = i.id)
		AND NOT EXISTS (SELECT 1 FROM incident_host h
			WHERE h.incident = i.id AND h.host NOT IN maintained));
