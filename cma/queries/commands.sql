-- what operators asked hosts to do, newest first, and what came of it
-- param host: host = ""  of this host only
-- param id: text = ""  the one with this id
-- param from: time = -30d  issued after this time
SELECT rfc3339(c.issued) AS issued,
       h.label AS host,
       c.name AS command,
       c.argument AS argument,
       c.state AS state,
       c.result AS result,
       CASE WHEN c.finished > 0 THEN rfc3339(c.finished) END AS finished,
       c.operator AS operator,
       lower(hex(c.id)) AS id
FROM command c
CROSS JOIN node h ON h.id = c.host AND h.owner = :tenant
WHERE c.issued > :from AND c.issued <= :as_of
	AND (:host = 0 OR h.id = :host)
	AND (:id = '' OR lower(hex(c.id)) = :id)
ORDER BY c.issued DESC, h.label, c.id
