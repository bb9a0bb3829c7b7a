-- services that nobody gives, because their host is not up, and how many clients used them
-- status: down, unreachable or left, as in allservers. On a host whose nanoprobe alone fails they
-- may well be up: it is not here.
SELECT h.label AS host,
       s.status AS status,
       rfc3339(s.since) AS since,
       p.label AS process,
       e.label AS endpoint,
       (SELECT count(*) FROM edge u WHERE u.dst = e.id AND u.kind = 'uses'
		AND u.since <= :as_of AND u.gone > :as_of) AS clients
FROM host_status s
JOIN node h ON h.id = s.host
JOIN node p ON p.owner = h.id AND p.kind = 'process'
JOIN edge v ON v.src = p.id AND v.kind = 'serves' AND v.since <= :as_of AND v.gone > :as_of
JOIN node e ON e.id = v.dst AND e.owner <> h.id
WHERE s.tenant = :tenant AND s.status IN ('down', 'unreachable', 'left')
	AND s.since <= :as_of AND s.gone > :as_of
ORDER BY host, process, endpoint, h.key, e.id
