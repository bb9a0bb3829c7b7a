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
ALTER TABLE token ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
CREATE TABLE incident (
	id      INTEGER PRIMARY KEY,
	tenant  INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	node    INTEGER NOT NULL,
	opened  INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	cleared INTEGER NOT NULL,
	text    TEXT NOT NULL
);
CREATE INDEX incident_open ON incident (tenant, kind, node, cleared);
CREATE INDEX incident_time ON incident (tenant, opened);
CREATE TABLE incident_host (
	incident INTEGER NOT NULL,
	host     INTEGER NOT NULL,
	since    INTEGER NOT NULL,
	gone     INTEGER NOT NULL,
	PRIMARY KEY (incident, host)
) WITHOUT ROWID;
CREATE INDEX incident_concerned ON incident_host (incident) WHERE gone = 9223372036854775807;
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
CREATE INDEX edge_status ON edge (since) WHERE kind IN ('up', 'left', 'down', 'revoked');
