-- addresses that hosts talk to or have as neighbours, and that no known host has
-- seen_as: what it is to the host that sees it (neighbour; a server that it uses; a client of it)
WITH unknown AS (
	SELECT ip.id, ip.key
	FROM node ip
	WHERE ip.owner = :tenant AND ip.kind = 'ip'
		AND NOT EXISTS (SELECT 1 FROM edge a
			WHERE a.dst = ip.id AND a.kind = 'address'
				AND a.since <= :as_of AND a.gone > :as_of)
		-- nor does anything a known host runs, say in a container, serve on it
		AND NOT EXISTS (SELECT 1 FROM node e
			JOIN edge s ON s.dst = e.id AND s.kind = 'serves'
				AND s.since <= :as_of AND s.gone > :as_of
			WHERE e.owner = ip.id AND e.kind = 'endpoint')
), sighting AS (
	SELECT u.id, u.key, 'neighbour' AS seen_as, s.fact, s.since
	FROM unknown u
	JOIN edge s ON s.dst = u.id AND s.kind = 'sees'
		AND s.since <= :as_of AND s.gone > :as_of
	UNION ALL
	SELECT u.id, u.key, 'server', s.fact, s.since
	FROM unknown u
	JOIN node e ON e.owner = u.id AND e.kind = 'endpoint'
	JOIN edge s ON s.dst = e.id AND s.kind = 'uses' AND s.since <= :as_of AND s.gone > :as_of
	UNION ALL
	SELECT u.id, u.key, 'client', s.fact, s.since
	FROM unknown u
	JOIN edge s ON s.src = u.id AND s.kind = 'calls' AND s.since <= :as_of AND s.gone > :as_of
)
SELECT s.key AS ip,
       (SELECT min(mac.key) FROM edge m JOIN node mac ON mac.id = m.dst
	WHERE m.src = s.id AND m.kind = 'neighbour'
		AND m.since <= :as_of AND m.gone > :as_of) AS mac,
       h.label AS seen_by,
       s.seen_as AS seen_as,
       rfc3339(min(s.since)) AS since
FROM sighting s
JOIN fact f ON f.id = s.fact
JOIN node h ON h.id = f.host
GROUP BY s.id, h.id, s.seen_as
ORDER BY ip, seen_by, seen_as, h.id
