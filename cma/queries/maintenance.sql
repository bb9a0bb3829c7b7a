-- what is under maintenance, until when, and who said so: alerts say nothing of it
-- param all: bool = no  also what is over
SELECT n.label AS node,
       n.kind AS kind,
       rfc3339(m.since) AS since,
       iif(m.until = 9223372036854775807, NULL, rfc3339(m.until)) AS until,
       iif(m.gone > :as_of, NULL, rfc3339(m.gone)) AS ended,
       m.operator AS operator,
       m.note AS note
FROM maintenance m
JOIN node n ON n.id = m.node
WHERE m.tenant = :tenant AND m.since <= :as_of AND (:all OR m.gone > :as_of)
ORDER BY m.since, node, n.id, m.gone
