-- what a host depends on (up) and what depends on it (down), over any number of hops
-- A walk goes from process to process over the endpoints where they meet. host and process are
-- its near side: the client going up, the server going down; so at hops 1 they are those of the
-- host asked for. A peer that no nanoprobe watches is shown by its address, without process.
-- param host: host  its name or key
-- param direction: enum(both|up|down) = both  which way to walk
-- param depth: int = 8  how many hops
-- param through: enum(process|host) = process  what a walk goes on from at a host that it reached: the process that it met, or all processes of that host
-- edges host/process -> endpoint -> peer_host/peer_process
WITH RECURSIVE up (process, hops) AS (
	SELECT p.id, 1
	FROM node p
	WHERE p.owner = :host AND p.kind = 'process' AND :direction IN ('up', 'both')
	UNION
	SELECT s.src, w.hops + 1
	FROM up w
	JOIN edge u ON u.src = w.process AND u.kind = 'uses'
		AND u.since <= :as_of AND u.gone > :as_of
	JOIN edge s ON s.dst = u.dst AND s.kind = 'serves'
		AND s.since <= :as_of AND s.gone > :as_of
	WHERE w.hops < :depth
	UNION
	SELECT q.id, w.hops
	FROM up w
	JOIN node p ON p.id = w.process
	JOIN node q ON q.owner = p.owner AND q.kind = 'process'
	WHERE :through = 'host'
), down (process, hops) AS (
	SELECT p.id, 1
	FROM node p
	WHERE p.owner = :host AND p.kind = 'process' AND :direction IN ('down', 'both')
	UNION
	SELECT u.src, w.hops + 1
	FROM down w
	JOIN edge s ON s.src = w.process AND s.kind = 'serves'
		AND s.since <= :as_of AND s.gone > :as_of
	JOIN edge u ON u.dst = s.dst AND u.kind = 'uses'
		AND u.since <= :as_of AND u.gone > :as_of
	WHERE w.hops < :depth
	UNION
	SELECT q.id, w.hops
	FROM down w
	JOIN node p ON p.id = w.process
	JOIN node q ON q.owner = p.owner AND q.kind = 'process'
	WHERE :through = 'host'
), step (process, endpoint, peer, address, hops, since) AS (
	SELECT w.process, u.dst, s.src, NULL, min(w.hops), min(u.since)
	FROM up w
	JOIN edge u ON u.src = w.process AND u.kind = 'uses'
		AND u.since <= :as_of AND u.gone > :as_of
	LEFT JOIN edge s ON s.dst = u.dst AND s.kind = 'serves'
		AND s.since <= :as_of AND s.gone > :as_of
	GROUP BY w.process, u.dst, s.src
	UNION ALL
	SELECT w.process, s.dst, u.src, NULL, min(w.hops), min(u.since)
	FROM down w
	JOIN edge s ON s.src = w.process AND s.kind = 'serves'
		AND s.since <= :as_of AND s.gone > :as_of
	JOIN edge u ON u.dst = s.dst AND u.kind = 'uses'
		AND u.since <= :as_of AND u.gone > :as_of
	GROUP BY w.process, s.dst, u.src
)
SELECT h.label AS host,
       p.label AS process,
       e.label AS endpoint,
       q.label AS peer_process,
       g.label AS peer_host,
       w.hops AS hops,
       rfc3339(w.since) AS since
FROM step w
JOIN node p ON p.id = w.process
JOIN node h ON h.id = p.owner
JOIN node e ON e.id = w.endpoint
LEFT JOIN node q ON q.id = w.peer
LEFT JOIN node g ON g.id = q.owner
ORDER BY w.hops, host, process, endpoint, peer_host, peer_process, since, h.id, g.id
