-- all links of a bond end at one switch: if that fails, so does the host
-- severity warning
-- Only when LLDP has told of each link for ten minutes; one that nobody tells of may well end at
-- another switch.
SELECT bond.id AS node,
       h.id AS host,
       h.label || ': all ' || count(*) || ' links of ' || b.key || ' end at switch ' || s.label
		AS text
FROM node h
JOIN fact b ON b.host = h.id AND b.section = 'link' AND b.gone > :as_of
	AND json_extract(b.value, '$.kind') = 'bond'
JOIN node bond ON bond.owner = h.id AND bond.kind = 'nic' AND bond.key = b.key
JOIN fact l ON l.host = h.id AND l.section = 'link' AND l.gone > :as_of
	AND json_extract(l.value, '$.master') = b.key
JOIN node n ON n.owner = h.id AND n.kind = 'nic' AND n.key = l.key
LEFT JOIN edge w ON w.src = n.id AND w.kind = 'wired' AND w.gone > :as_of
LEFT JOIN node p ON p.id = w.dst
LEFT JOIN node s ON s.id = p.owner
WHERE h.owner = :tenant AND h.kind = 'host'
GROUP BY bond.id
HAVING count(*) > 1 AND count(w.dst) = count(*) AND count(DISTINCT s.id) = 1
	AND max(w.since) <= :now - 600000
ORDER BY h.label, h.id, b.key
