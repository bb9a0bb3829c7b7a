-- a network card runs at half duplex: its cable or the negotiation with its switch is bad
-- severity warning
SELECT n.id AS node,
       h.id AS host,
       h.label || ': ' || l.key || ' runs at half duplex'
		|| coalesce(' at ' || json_extract(l.value, '$.speed') || ' Mb/s', '') AS text
FROM node h
JOIN fact l ON l.host = h.id AND l.section = 'link' AND l.gone > :as_of
	AND json_extract(l.value, '$.duplex') = 'half' AND json_extract(l.value, '$.carrier')
	AND l.since <= :now - 600000
JOIN node n ON n.owner = h.id AND n.kind = 'nic' AND n.key = l.key
WHERE h.owner = :tenant AND h.kind = 'host'
ORDER BY h.label, h.id, l.key
