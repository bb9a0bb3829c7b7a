-- the hosts that one incident concerns, or did: one line for each
-- param incident: int  its number in the query incidents
SELECT h.label AS host,
       s.status AS status,
       rfc3339(c.since) AS since,
       iif(c.gone > :as_of, NULL, rfc3339(c.gone)) AS until
FROM incident i
JOIN incident_host c ON c.incident = i.id AND c.since <= :as_of
JOIN node h ON h.id = c.host
LEFT JOIN host_status s ON s.host = h.id AND s.since <= :as_of AND s.gone > :as_of
WHERE i.tenant = :tenant AND i.number = :incident
ORDER BY host, h.key
