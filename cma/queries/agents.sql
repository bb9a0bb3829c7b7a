-- every agent, how it is (as in allservers) since when, and where it called from last
-- param agent: text = ""  only this one: its fingerprint, its key or the name of its host
SELECT fingerprint(a.public_key) AS fingerprint,
       h.label AS host,
       t.key AS tenant,
       s.status AS state,
       rfc3339(s.since) AS since,
       nullif(a.address, '') AS address,
       iif(a.seen = 0, NULL, rfc3339(a.seen)) AS session,
       iif(a.incarnation = 0, NULL, printf('%016x', a.incarnation)) AS incarnation,
       h.key AS key
FROM agent a
JOIN node h ON h.id = a.host
JOIN node t ON t.id = a.tenant
LEFT JOIN host_status s ON s.host = a.host AND s.since <= :as_of AND s.gone > :as_of
WHERE a.tenant = :tenant AND h.since <= :as_of
	AND (:agent = '' OR h.key = :agent OR fingerprint(a.public_key) = :agent
		-- a host can call itself anything, also by what names another
		OR (h.label = :agent AND NOT EXISTS (SELECT 1 FROM agent other
			JOIN node o ON o.id = other.host
			WHERE other.tenant = :tenant AND (o.key = :agent
				OR fingerprint(other.public_key) = :agent))))
ORDER BY host, h.key
