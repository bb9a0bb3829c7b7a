-- both links of a bond end at one switch: if that fails, so does the host
-- severity warning
-- Only where LLDP has told of each link for ten minutes; a bond with a link that nobody tells of
-- may well be wired to another switch.
SELECT h.id AS node,
       h.id AS host,
       h.label || ': all ' || count(*) || ' links of ' || b.master || ' end at switch ' || s.label AS text
FROM node h
JOIN (SELECT host, json_extract(value, '$.ifname') AS ifname,
             json_extract(value, '$.master') AS master
      FROM fact WHERE section = 'link' AND gone > :as_of AND json_extract(value, '$.master') LIKE 'bond%') b
	ON b.host = h.id
JOIN node n ON n.owner = h.id AND n.kind = 'nic' AND n.key = b.ifname
LEFT JOIN edge w ON w.src = n.id AND w.kind = 'wired' AND w.gone > :as_of
LEFT JOIN node p ON p.id = w.dst
LEFT JOIN node s ON s.id = p.owner
WHERE h.owner = :tenant AND h.kind = 'host'
GROUP BY h.id, b.master
HAVING count(*) > 1 AND count(w.dst) = count(*) AND count(DISTINCT s.id) = 1
	AND max(w.since) <= :now - 600000
