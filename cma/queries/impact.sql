-- what suffers when a host, a switch or a switch port goes
-- effect: down, or degraded for a host that keeps another wired switch port. role: a host that goes
-- itself (hops 0), a service on it (hops 0), or a client that loses one, directly (hops 1) or
-- because what it uses suffers. lost_process and lost_host are what that client loses. status: how
-- the host is now (as in allservers): what is not up has gone already.
-- param node: node  host, switch or switch:port
-- edges host/process -> lost_host/lost_process
WITH port (id) AS (
	SELECT id FROM node WHERE id = :node AND kind = 'switchport'
	UNION ALL
	SELECT id FROM node WHERE owner = :node AND kind = 'switchport'
), cut (host) AS (
	SELECT DISTINCT n.owner
	FROM port
	JOIN edge w ON w.dst = port.id AND w.kind = 'wired'
		AND w.since <= :as_of AND w.gone > :as_of
	JOIN node n ON n.id = w.src
), hit (host, effect) AS (
	SELECT id, 'down' FROM node WHERE id = :node AND kind = 'host'
	UNION ALL
	SELECT c.host, iif(EXISTS (SELECT 1 FROM node n
			JOIN edge w ON w.src = n.id AND w.kind = 'wired'
				AND w.since <= :as_of AND w.gone > :as_of
			WHERE n.owner = c.host AND n.kind = 'nic'
				AND w.dst NOT IN (SELECT id FROM port)), 'degraded', 'down')
	FROM cut c
), suffering (effect, role, host, process, endpoint, lost, hops) AS (
	SELECT effect, 'host', host, NULL, NULL, NULL, 0 FROM hit
	UNION
	SELECT 'down', 'service', hit.host, p.id, s.dst, NULL, 0
	FROM hit
	JOIN node p ON p.owner = hit.host AND p.kind = 'process'
	JOIN edge s ON s.src = p.id AND s.kind = 'serves' AND s.since <= :as_of AND s.gone > :as_of
	JOIN node e ON e.id = s.dst AND e.owner <> hit.host
	WHERE hit.effect = 'down'
	UNION ALL
	SELECT 'down', 'client', coalesce(q.owner, w.address_id), w.peer_id,
		w.endpoint_id, w.process_id, min(w.hops)
	FROM hit
	JOIN walk(hit.host, 'down', 8, 'process', :as_of) w
	LEFT JOIN node q ON q.id = w.peer_id
	WHERE hit.effect = 'down'
		AND coalesce(q.owner, w.address_id) NOT IN (SELECT host FROM hit WHERE effect = 'down')
	GROUP BY coalesce(w.peer_id, w.address_id), w.endpoint_id, w.process_id
)
SELECT s.effect AS effect,
       s.role AS role,
       h.label AS host,
       t.status AS status,
       p.label AS process,
       e.label AS endpoint,
       q.label AS lost_process,
       g.label AS lost_host,
       s.hops AS hops
FROM suffering s
LEFT JOIN node h ON h.id = s.host
LEFT JOIN host_status t ON t.host = s.host AND t.since <= :as_of AND t.gone > :as_of
LEFT JOIN node p ON p.id = s.process
LEFT JOIN node e ON e.id = s.endpoint
LEFT JOIN node q ON q.id = s.lost
LEFT JOIN node g ON g.id = q.owner
ORDER BY s.hops, effect, role, host, process, endpoint, lost_host, lost_process, s.host
