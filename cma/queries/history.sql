-- what one host has told, every version of it
-- param host: host  its name or key
-- param section: text = ""  only this section, such as listen
SELECT rfc3339(f.since) AS since,
       iif(f.gone = 9223372036854775807, NULL, rfc3339(f.gone)) AS gone,
       f.section AS section,
       f.key AS key,
       f.value AS value
FROM fact f
WHERE f.host = :host AND (:section = '' OR f.section = :section)
	AND f.since <= :as_of AND f.since < f.gone
ORDER BY f.since, f.section, f.key, f.id
