-- every service that listens on an IP address, with its program
SELECT h.label AS host,
       l.value ->> 'proto' AS proto,
       l.value ->> 'addr' AS addr,
       l.value ->> 'port' AS port,
       holder.value AS process,
       p.value ->> 'exe' AS exe,
       p.value ->> 'user' AS user,
       coalesce(p.value ->> 'unit', p.value ->> 'container') AS unit
FROM node h
JOIN fact l ON l.host = h.id AND l.section = 'listen' AND l.since <= :as_of AND l.gone > :as_of
LEFT JOIN json_each(l.value, '$.process') holder
LEFT JOIN fact p ON p.host = h.id AND p.section = 'process' AND p.key = holder.value
	AND p.since <= :as_of AND p.gone > :as_of
WHERE h.owner = :tenant AND h.kind = 'host' AND l.value ->> 'proto' <> 'unix'
ORDER BY host, proto, port, addr, process, h.id
