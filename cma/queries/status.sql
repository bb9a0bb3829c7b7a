-- the store in figures
SELECT 'hosts' AS name, count(*) AS value
FROM node WHERE owner = :tenant AND kind = 'host' AND since <= :as_of AND gone > :as_of
UNION ALL
SELECT 'hosts_up', count(*)
FROM edge WHERE src = :tenant AND kind = 'up' AND since <= :as_of AND gone > :as_of
UNION ALL
SELECT 'quarantined', coalesce(sum(quarantined), 0) FROM agent WHERE tenant = :tenant
UNION ALL
SELECT 'events_lost', coalesce(sum(lost), 0) FROM agent WHERE tenant = :tenant
UNION ALL
SELECT 'epoch', value FROM meta WHERE name = 'epoch'
