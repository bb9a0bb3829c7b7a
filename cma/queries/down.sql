-- every host that is not up and was not shut down: since when, and what is known of the cause
-- status: as in allservers. incident: its number in the query incidents.
SELECT h.label AS host,
       s.status AS status,
       rfc3339(s.since) AS since,
       i.kind AS cause,
       iif(n.kind = 'switchport', o.label || ':' || n.label, n.label) AS node,
       i.number AS incident,
       i.text AS text
FROM host_status s
JOIN node h ON h.id = s.host
LEFT JOIN incident i ON i.id = (SELECT c.incident FROM incident_host c
	JOIN incident m ON m.id = c.incident
	WHERE c.host = s.host AND c.since <= :as_of AND c.gone > :as_of
		AND m.kind IN ('host', 'agent-hung', 'agent-gone', 'switch', 'partition', 'power')
		AND m.opened <= :as_of AND m.cleared > :as_of
	ORDER BY m.opened DESC, m.id DESC LIMIT 1)
LEFT JOIN node n ON n.id = i.node
LEFT JOIN node o ON o.id = n.owner
WHERE s.tenant = :tenant AND s.status IN ('down', 'unreachable', 'hung', 'gone')
	AND s.since <= :as_of AND s.gone > :as_of
ORDER BY host, h.key
