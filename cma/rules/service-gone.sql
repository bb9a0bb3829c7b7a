-- a service ended within the last day, its host is up, and clients still try
-- severity warning
-- From the facts about listeners that ended, which are few, to the endpoints that nobody serves any
-- more, and to clients that were turned away since.
SELECT e.id AS node,
       f.host AS host,
       h.label || ': nobody serves ' || e.label || ' any more, and clients are turned away' AS text
FROM fact f
CROSS JOIN node h ON h.id = f.host AND h.owner = :tenant
CROSS JOIN edge up ON up.dst = h.id AND up.kind = 'up' AND up.gone > :as_of
CROSS JOIN node p ON p.owner = f.host AND p.kind = 'process'
CROSS JOIN edge s ON s.src = p.id AND s.kind = 'serves' AND s.gone = f.gone AND s.fact = f.id
CROSS JOIN node e ON e.id = s.dst
WHERE f.gone > :now - 86400000 AND f.gone <= :now - 60000 AND f.gone < 9223372036854775807
	AND f.section = 'listen'
	AND NOT EXISTS (SELECT 1 FROM edge other WHERE other.dst = e.id
		AND other.kind = 'serves' AND other.gone > :as_of)
	AND EXISTS (SELECT 1 FROM edge u JOIN fact c ON c.id = u.fact
		WHERE u.dst = e.id AND u.kind = 'uses' AND u.gone > :as_of
			AND c.gone > :as_of AND c.since >= f.gone
			AND json_extract(c.value, '$.state') IN ('refused', 'timeout'))
GROUP BY e.id
ORDER BY h.label, e.label, e.id
