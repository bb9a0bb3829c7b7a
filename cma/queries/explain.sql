-- why a node, or the edge between two nodes, is in the graph: the facts that say so
-- param node: node  host, host/process, endpoint, address, MAC address, switch or switch:port
-- param peer: node = ""  only what joins it with this one
WITH about AS (
	SELECT e.src, e.kind, e.dst, e.fact, e.since FROM edge e
	WHERE e.src = :node AND (:peer = 0 OR e.dst = :peer)
		AND e.since <= :as_of AND e.gone > :as_of
	UNION ALL
	SELECT e.src, e.kind, e.dst, e.fact, e.since FROM edge e
	WHERE e.dst = :node AND (:peer = 0 OR e.src = :peer)
		AND e.since <= :as_of AND e.gone > :as_of
)
SELECT h.label AS host,
       f.section AS section,
       f.key AS key,
       v.value AS value,
       rfc3339(a.since) AS since,
       a_src.label || ' ' || a.kind || ' ' || a_dst.label AS says
FROM about a
JOIN node a_src ON a_src.id = a.src
JOIN node a_dst ON a_dst.id = a.dst
JOIN fact f ON f.id = a.fact
JOIN node h ON h.id = f.host
LEFT JOIN fact v ON v.host = f.host AND v.section = f.section AND v.key = f.key
	AND v.since <= :as_of AND v.gone > :as_of
ORDER BY host, section, key, says, h.id
