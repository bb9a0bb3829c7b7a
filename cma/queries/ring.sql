-- who exchanges heartbeats with whom, and what each sees of the other; as of now, always
-- sees: heard, silent, refused (nobody listens there) or one-way (it does not hear us), as the host
-- told last: who is down tells nothing any more. layer: of several rings, which.
-- param host: host = ""  only what this one sees, and what is seen of it
-- edges host -> neighbour
WITH asked (id) AS (
	SELECT id FROM node WHERE :host = 0 AND owner = :tenant AND kind = 'host'
	UNION ALL
	SELECT :host WHERE :host <> 0
), side (host, neighbour, sees, layer, since) AS (
	SELECT r.low, r.high, r.low_sees, r.layer, r.since FROM asked a JOIN ring r ON r.low = a.id
	UNION ALL
	SELECT r.high, r.low, r.high_sees, r.layer, r.since FROM asked a JOIN ring r ON r.high = a.id
	UNION ALL
	SELECT r.high, r.low, r.high_sees, r.layer, r.since FROM ring r
	WHERE :host <> 0 AND r.low = :host
	UNION ALL
	SELECT r.low, r.high, r.low_sees, r.layer, r.since FROM ring r
	WHERE :host <> 0 AND r.high = :host
)
SELECT h.label AS host,
       n.label AS neighbour,
       CASE s.sees WHEN 0 THEN 'heard' WHEN 1 THEN 'silent' WHEN 2 THEN 'refused'
            ELSE 'one-way' END AS sees,
       s.layer AS layer,
       rfc3339(s.since) AS since
FROM side s
JOIN node h ON h.id = s.host
JOIN node n ON n.id = s.neighbour
ORDER BY host, neighbour, layer, h.key, n.key
