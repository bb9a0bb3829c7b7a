-- clients whose service is gone from a known host, and services that nobody used for some days
-- param days: int = 30  how long nobody used it
WITH orphan (kind, process, endpoint, since) AS (
	SELECT 'client', u.src, e.id, u.since
	FROM node ip
	JOIN edge a ON a.dst = ip.id AND a.kind = 'address'
		AND a.since <= :as_of AND a.gone > :as_of
	JOIN node e ON e.owner = ip.id AND e.kind = 'endpoint'
	JOIN edge u ON u.dst = e.id AND u.kind = 'uses' AND u.since <= :as_of AND u.gone > :as_of
	WHERE ip.owner = :tenant AND ip.kind = 'ip'
		AND NOT EXISTS (SELECT 1 FROM edge s WHERE s.dst = e.id AND s.kind = 'serves'
			AND s.since <= :as_of AND s.gone > :as_of)
	UNION
	SELECT 'service', s.src, e.id, s.since
	FROM node ip
	JOIN node e ON e.owner = ip.id AND e.kind = 'endpoint'
	JOIN edge s ON s.dst = e.id AND s.kind = 'serves' AND s.since <= :as_of AND s.gone > :as_of
	WHERE ip.owner = :tenant AND ip.kind = 'ip'
		AND s.since <= min(:now, :as_of) - :days * 86400000
		AND NOT EXISTS (SELECT 1 FROM edge u WHERE u.dst = e.id AND u.kind IN ('uses', 'calls')
			AND u.since <= :as_of AND u.gone > min(:now, :as_of) - :days * 86400000)
)
SELECT o.kind AS kind,
       h.label AS host,
       p.label AS process,
       e.label AS endpoint,
       rfc3339(o.since) AS since
FROM orphan o
JOIN node p ON p.id = o.process
JOIN node h ON h.id = p.owner
JOIN node e ON e.id = o.endpoint
ORDER BY kind, host, process, endpoint, h.id
