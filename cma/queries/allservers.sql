-- every host, how it is (up, left, down, revoked) and since when
SELECT h.label AS host,
       s.kind AS status,
       coalesce(os.value ->> 'Description', os.value ->> 'operating-system') AS os,
       os.value ->> 'kernel-release' AS kernel,
       rfc3339(coalesce(s.since, h.since)) AS since
FROM node h
LEFT JOIN edge s ON s.dst = h.id AND s.kind IN ('up', 'left', 'down', 'revoked')
	AND s.since <= :as_of AND s.gone > :as_of
LEFT JOIN fact os ON os.host = h.id AND os.section = 'host' AND os.key = 'os'
	AND os.since <= :as_of AND os.gone > :as_of
WHERE h.owner = :tenant AND h.kind = 'host' AND h.since <= :as_of AND h.gone > :as_of
ORDER BY host, h.key
