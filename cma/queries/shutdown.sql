-- hosts whose nanoprobe said goodbye, and since when: nobody needs to be told
SELECT h.label AS host,
       rfc3339(s.since) AS since
FROM host_status s
JOIN node h ON h.id = s.host
JOIN agent a ON a.host = h.id
WHERE s.tenant = :tenant AND s.status = 'left' AND s.since <= :as_of AND s.gone > :as_of
	AND a.incarnation <> 0 -- who was never here has not left either
ORDER BY host, h.key
