-- how many nodes of each kind there are
WITH mine (id, kind, since, gone) AS (
	SELECT id, kind, since, gone FROM node WHERE owner = :tenant
), below (id, kind, since, gone) AS (
	SELECT n.id, n.kind, n.since, n.gone FROM mine m JOIN node n ON n.owner = m.id
), lives (kind, since, gone) AS (
	SELECT kind, since, gone FROM mine
	UNION ALL
	SELECT kind, since, gone FROM below
	UNION ALL
	SELECT n.kind, p.since, p.gone FROM node_past p
	JOIN (SELECT id, kind FROM mine UNION ALL SELECT id, kind FROM below) n ON n.id = p.node
)
SELECT kind, count(*) AS count
FROM lives
WHERE since <= :as_of AND gone > :as_of
GROUP BY kind
ORDER BY kind
