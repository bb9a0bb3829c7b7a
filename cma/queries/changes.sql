-- what was told, changed or taken back between two times, and which hosts came and went
-- param from: time = -24h  after this time
-- param to: time = now  up to this time
-- param host: host = ""  of this host only
-- A CROSS JOIN is done as it is written: from the index of times to the hosts, not the other way.
SELECT rfc3339(at) AS time, host, section, key, change, before, after
FROM (
	SELECT f.since AS at, h.label AS host, h.id AS id, f.section AS section, f.key AS key,
	       iif(p.id IS NULL, 'added', 'changed') AS change,
	       p.value AS before, f.value AS after
	FROM fact f
	CROSS JOIN node h ON h.id = f.host AND h.owner = :tenant
	LEFT JOIN fact p ON p.host = f.host AND p.section = f.section AND p.key = f.key
		AND p.gone = f.since AND p.since < p.gone
	WHERE f.since > :from AND f.since <= min(:to, :as_of) AND f.since < f.gone
	UNION ALL
	SELECT f.gone, h.label, h.id, f.section, f.key, 'removed', f.value, NULL
	FROM fact f
	CROSS JOIN node h ON h.id = f.host AND h.owner = :tenant
	WHERE f.gone > :from AND f.gone <= min(:to, :as_of)
		AND f.gone < 9223372036854775807 AND f.since < f.gone
		AND NOT EXISTS (SELECT 1 FROM fact n
			WHERE n.host = f.host AND n.section = f.section AND n.key = f.key
				AND n.since = f.gone AND n.since < n.gone)
	UNION ALL
	SELECT e.since, h.label, h.id, 'host', 'status', iif(p.status IS NULL, 'added', 'changed'),
	       iif(p.status IS NULL, NULL, json_object('status', p.status)),
	       json_object('status', e.status)
	FROM host_status e
	CROSS JOIN node h ON h.id = e.host AND h.owner = :tenant
	LEFT JOIN host_status p ON p.host = e.host AND p.gone = e.since AND p.since < p.gone
	WHERE e.since > :from AND e.since <= min(:to, :as_of) AND e.since < e.gone
)
WHERE :host = 0 OR id = :host
ORDER BY at, host, section, key, change, id
