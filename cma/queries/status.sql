-- the store in figures
SELECT 'hosts' AS name, count(*) AS value
FROM node WHERE owner = :tenant AND kind = 'host' AND since <= :as_of AND gone > :as_of
UNION ALL
SELECT 'hosts_' || w.value, (SELECT count(*) FROM edge e
	WHERE e.src = :tenant AND e.kind = w.value AND e.since <= :as_of AND e.gone > :as_of)
FROM json_each('["up","left","down","unreachable","hung","gone"]') w
UNION ALL
SELECT 'incidents', count(*) FROM incident
WHERE tenant = :tenant AND opened <= :as_of AND cleared > :as_of
UNION ALL
SELECT 'quarantined', coalesce(sum(quarantined), 0) FROM agent WHERE tenant = :tenant
UNION ALL
SELECT 'events_lost', coalesce(sum(lost), 0) FROM agent WHERE tenant = :tenant
UNION ALL
SELECT 'epoch', value FROM meta WHERE name = 'epoch'
