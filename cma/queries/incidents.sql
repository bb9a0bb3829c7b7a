-- what is wrong, one line for each cause, with the hosts that it concerns
-- concerned: how many hosts it concerns now; when it is over, did. hosts: 20 of them.
-- param all: bool = no  also what is over
-- param kind: text = ""  only this kind
WITH mine AS (
	SELECT *, row_number() OVER (ORDER BY opened, id) AS number
	FROM incident WHERE tenant = :tenant
)
SELECT i.number AS id,
       rfc3339(i.opened) AS opened,
       rfc3339(i.updated) AS updated,
       iif(i.cleared > :as_of, NULL, rfc3339(i.cleared)) AS cleared,
       i.kind AS kind,
       n.label AS node,
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
              LIMIT 20)) AS hosts
FROM mine i
JOIN node n ON n.id = i.node
WHERE i.opened <= :as_of AND (:all OR i.cleared > :as_of)
	AND (:kind = '' OR i.kind = :kind)
ORDER BY i.opened, i.id
