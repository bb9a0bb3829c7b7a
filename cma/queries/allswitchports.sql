-- which switch port each network card is plugged into
-- edges host/ifname -> switch/port, host -> host/ifname, switch/port -> switch
SELECT h.label AS host,
       n.label AS ifname,
       mac.key AS mac,
       s.label AS switch,
       v.value ->> 'sysdescr' AS switch_descr,
       v.value ->> 'port_id' AS port,
       v.value ->> 'port_descr' AS port_descr,
       v.value ->> 'protocol' AS protocol,
       rfc3339(w.since) AS since
FROM node h
JOIN node n ON n.owner = h.id AND n.kind = 'nic'
JOIN edge w ON w.src = n.id AND w.kind = 'wired' AND w.since <= :as_of AND w.gone > :as_of
JOIN node p ON p.id = w.dst
JOIN node s ON s.id = p.owner
JOIN fact f ON f.id = w.fact
LEFT JOIN fact v ON v.host = f.host AND v.section = f.section AND v.key = f.key
	AND v.since <= :as_of AND v.gone > :as_of
LEFT JOIN edge m ON m.src = n.id AND m.kind = 'mac' AND m.since <= :as_of AND m.gone > :as_of
LEFT JOIN node mac ON mac.id = m.dst
WHERE h.owner = :tenant AND h.kind = 'host'
ORDER BY host, ifname, switch, port, protocol, h.id
