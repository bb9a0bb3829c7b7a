-- every host, how it is and since when
-- status: up; left (it said goodbye); down (or its only link); unreachable (behind what failed); hung
-- (its nanoprobe); gone (its nanoprobe); revoked.
SELECT h.label AS host,
       s.status AS status,
       coalesce(os.value ->> 'Description', os.value ->> 'operating-system') AS os,
       os.value ->> 'kernel-release' AS kernel,
       rfc3339(coalesce(s.since, h.since)) AS since
FROM node h
LEFT JOIN host_status s ON s.host = h.id AND s.since <= :as_of AND s.gone > :as_of
LEFT JOIN fact os ON os.host = h.id AND os.section = 'host' AND os.key = 'os'
	AND os.since <= :as_of AND os.gone > :as_of
WHERE h.owner = :tenant AND h.kind = 'host' AND h.since <= :as_of AND h.gone > :as_of
ORDER BY host, h.key
