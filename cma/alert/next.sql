-- what sinks have to be told: the events behind one, of all tenants
-- param after: int  the row of the last event that was read
-- param limit: int = 256  so many events
-- One row for each event; an event that there is nothing to tell of has no cause. The end of a
-- maintenance tells of the incidents that began meanwhile and are still open.
WITH news AS (
	SELECT * FROM event WHERE id > :after ORDER BY id LIMIT :limit
), about (event, incident, what) AS (
	SELECT id, incident, kind FROM news
	WHERE kind IN ('open', 'update', 'reclassified', 'clear')
	UNION ALL
	SELECT e.id, i.id, 'open' FROM news e
	JOIN maintenance m ON m.node = e.node
		AND m.gone = (SELECT max(gone) FROM maintenance WHERE node = e.node AND gone <= e.at)
	JOIN incident i ON i.tenant = e.tenant AND i.opened >= m.since AND i.cleared > :as_of
	WHERE e.kind = 'maintenance-over' AND (i.node = e.node
		OR EXISTS (SELECT 1 FROM node p WHERE p.id = i.node AND p.owner = e.node)
		OR EXISTS (SELECT 1 FROM incident_host h WHERE h.incident = i.id AND h.host = e.node)
		OR EXISTS (SELECT 1 FROM node p
			JOIN edge w ON w.dst = p.id AND w.kind = 'wired' AND w.gone > :as_of
			JOIN node n ON n.id = w.src
			WHERE p.owner = e.node AND p.kind = 'switchport' AND n.owner = i.node))
), told AS (
	-- Nobody wants to hear of what is under maintenance, nor that it is over, if he was not told.
	SELECT a.* FROM about a
	JOIN incident i ON i.id = a.incident
	WHERE NOT EXISTS (SELECT 1 FROM quiet q WHERE q.incident = i.id) OR (a.what = 'clear' AND NOT EXISTS (SELECT 1 FROM maintenance m
		WHERE m.tenant = i.tenant AND m.since <= i.opened AND m.gone > i.opened))
)
SELECT e.id AS event_row,
       i.id AS incident_row,
       i.tenant || '/' || i.kind || '/' || i.node || '/' || i.other AS cause,
       a.what AS what,
       t.key AS tenant,
       e.number AS event,
       rfc3339(e.at) AS time,
       i.number AS incident,
       i.kind AS kind,
       i.severity AS severity,
       iif(i.cleared > :as_of, 'open', 'cleared') AS state,
       substr(iif(n.kind IN ('switchport', 'nic'), o.label || ':' || n.label, n.label), 1, 255) AS node,
       n.kind AS node_kind,
       substr(iif(e.incident = i.id, e.text, i.text), 1, 4096) AS text,
       rfc3339(i.opened) AS opened,
       iif(i.cleared > :as_of, NULL, rfc3339(i.cleared)) AS cleared,
       (SELECT count(*) FROM incident_host h
        WHERE h.incident = i.id AND (h.gone > :as_of OR i.cleared <= :as_of)) AS concerned,
       (SELECT json_group_array(label) FROM (SELECT substr(c.label, 1, 255) AS label FROM incident_host h
		JOIN node c ON c.id = h.host
		WHERE h.incident = i.id AND (h.gone > :as_of OR i.cleared <= :as_of)
		ORDER BY c.label LIMIT 100)) AS hosts
FROM news e
LEFT JOIN told a ON a.event = e.id
LEFT JOIN incident i ON i.id = a.incident
LEFT JOIN node n ON n.id = i.node
LEFT JOIN node o ON o.id = n.owner
LEFT JOIN node t ON t.id = i.tenant
ORDER BY e.id, i.id
