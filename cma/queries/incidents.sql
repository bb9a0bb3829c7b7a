-- what is wrong, one line for each cause, with the hosts that it concerns
-- concerned: how many hosts it concerns now; when it is over, did. hosts: 20 of them; the query
-- incidenthosts has all. maintenance: yes while alerts say nothing of it, because somebody is at work there.
-- param all: bool = no  also what is over
-- param kind: text = ""  only this kind
-- param severity: enum(any|info|warning|critical) = any  only what is so bad
SELECT i.number AS id,
       rfc3339(i.opened) AS opened,
       rfc3339(i.updated) AS updated,
       iif(i.cleared > :as_of, NULL, rfc3339(i.cleared)) AS cleared,
       i.severity AS severity,
       i.kind AS kind,
       iif(n.kind IN ('switchport', 'nic'), o.label || ':' || n.label, n.label) AS node,
       i.text AS text,
       (SELECT count(*) FROM incident_host ih
        WHERE ih.incident = i.id AND ih.since <= :as_of
		AND (ih.gone > :as_of OR i.cleared <= :as_of)) AS concerned,
       (SELECT group_concat(label, ', ')
        FROM (SELECT h.label AS label
              FROM incident_host ih
              JOIN node h ON h.id = ih.host
              WHERE ih.incident = i.id AND ih.since <= :as_of
			AND (ih.gone > :as_of OR i.cleared <= :as_of)
              ORDER BY h.label, h.key
              LIMIT 20)) AS hosts,
       iif(i.cleared > :as_of AND EXISTS (SELECT 1 FROM quiet q WHERE q.incident = i.id),
           'yes', NULL) AS maintenance
FROM incident i
LEFT JOIN node n ON n.id = i.node
LEFT JOIN node o ON o.id = n.owner
WHERE i.tenant = :tenant AND i.opened <= :as_of AND (:all OR i.cleared > :as_of)
	AND (:kind = '' OR i.kind = :kind) AND :severity IN ('any', i.severity)
ORDER BY i.number
