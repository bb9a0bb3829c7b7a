-- hosts that are dead, or cut off by their only link: since when, and what is known of the cause
-- incident: its number in the query incidents.
SELECT h.label AS host,
       rfc3339(s.since) AS since,
       i.kind AS cause,
       i.number AS incident,
       i.text AS text
FROM host_status s
JOIN node h ON h.id = s.host
LEFT JOIN incident i ON i.id = (SELECT c.incident FROM incident_host c
	JOIN incident m ON m.id = c.incident
	WHERE c.host = s.host AND c.since <= :as_of AND c.gone > :as_of
		AND m.kind IN ('host', 'switch', 'partition', 'power')
		AND m.opened <= :as_of AND m.cleared > :as_of
	ORDER BY m.opened DESC, m.id DESC LIMIT 1)
WHERE s.tenant = :tenant AND s.status = 'down' AND s.since <= :as_of AND s.gone > :as_of
ORDER BY host, h.key
