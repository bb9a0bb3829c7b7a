-- what a command to a host has to name: its key, its run, and the time at the CMA (cmactl run)
-- param host: host  its name or key
SELECT h.label AS host,
       h.key AS agent,
       printf('%016x', a.incarnation) AS incarnation,
       CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now_ms
FROM node h
JOIN agent a ON a.host = h.id
WHERE h.owner = :tenant AND h.id = :host AND a.revoked = 0
