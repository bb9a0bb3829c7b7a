-- what a host depends on (up) and what depends on it (down), over any number of hops
-- A walk goes from process to process over the endpoints where they meet. host and process are
-- its near side: the client going up, the server going down; so at hops 1 they are those of the
-- host asked for. A peer of which no nanoprobe tells the process is known by its address alone.
-- param host: host  its name or key
-- param direction: enum(both|up|down) = both  which way to walk
-- param depth: int = 8  how many hops
-- param through: enum(process|host) = process  where a walk goes on at a host that it reached: the process that it met, or all processes there
-- edges host/process -> endpoint -> peer_host/peer_process
WITH way (name) AS (
	SELECT 'up' WHERE :direction IN ('up', 'both')
	UNION ALL
	SELECT 'down' WHERE :direction IN ('down', 'both')
)
SELECT h.label AS host,
       p.label AS process,
       e.label AS endpoint,
       q.label AS peer_process,
       coalesce(g.label,
	(SELECT min(owner.label) FROM edge a
		JOIN node n ON n.id = a.src
		JOIN node owner ON owner.id = n.owner
		WHERE a.dst = w.address AND a.kind = 'address'
			AND a.since <= :as_of AND a.gone > :as_of),
	(SELECT label FROM node WHERE id = w.address)) AS peer_host,
       w.hops AS hops,
       rfc3339(w.since) AS since
FROM way
JOIN walk(:host, way.name, :depth, :through, :as_of) w
JOIN node p ON p.id = w.process
JOIN node h ON h.id = p.owner
JOIN node e ON e.id = w.endpoint
LEFT JOIN node q ON q.id = w.peer
LEFT JOIN node g ON g.id = q.owner
ORDER BY w.hops, host, process, endpoint, peer_host, peer_process, since, h.id, g.id
