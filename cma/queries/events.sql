-- what happened, in order: incidents, hosts that came and left, maintenance
-- incident: its number in the query incidents.
-- param after: int = 0  those behind this one, the first of them; else the last ones
-- param since: time = -7d  of those that are not behind one: since when
-- param limit: int = 1000  so many
WITH wanted AS (
	SELECT * FROM (SELECT * FROM event
		WHERE :after > 0 AND tenant = :tenant AND number > :after AND at <= :as_of
		ORDER BY number LIMIT :limit)
	UNION ALL
	SELECT * FROM (SELECT * FROM event
		WHERE :after <= 0 AND tenant = :tenant AND at >= :since AND at <= :as_of
		ORDER BY number DESC LIMIT :limit)
)
SELECT e.number AS id,
       rfc3339(e.at) AS time,
       e.kind AS kind,
       i.number AS incident,
       iif(n.kind IN ('switchport', 'nic'), o.label || ':' || n.label, n.label) AS node,
       e.text AS text
FROM wanted e
LEFT JOIN incident i ON i.id = e.incident
LEFT JOIN node n ON n.id = e.node
LEFT JOIN node o ON o.id = n.owner
ORDER BY e.number
