-- what a host depends on (up) and what depends on it (down), over any number of hops
-- A walk goes from process to process over the endpoints where they meet. host and process are
-- its near side: the client going up, the server going down; so at hops 1 they are those of the
-- host asked for. A peer of which no nanoprobe tells the process is known by its host or address.
-- param host: host  its name or key
-- param direction: enum(both|up|down) = both  which way to walk
-- param depth: int = 8  how many hops
-- param through: enum(process|host) = process  where a walk goes on at a host that it reached: the process that it met, or all processes there
-- edges host/process -> endpoint -> peer_host/peer_process
SELECT host, process, endpoint, peer_process, peer_host, hops, rfc3339(w.since) AS since
FROM walk(:host, :direction, :depth, :through, :as_of) w
ORDER BY hops, host, process, endpoint, peer_host, peer_process
