-- which host has this address
-- param ip: ip  the address
SELECT ip.key AS ip, h.label AS host, n.label AS ifname, mac.key AS mac
FROM node ip
JOIN edge a ON a.dst = ip.id AND a.kind = 'address' AND a.since <= :as_of AND a.gone > :as_of
JOIN node n ON n.id = a.src
JOIN node h ON h.id = n.owner
LEFT JOIN edge m ON m.src = n.id AND m.kind = 'mac' AND m.since <= :as_of AND m.gone > :as_of
LEFT JOIN node mac ON mac.id = m.dst
WHERE ip.owner = :tenant AND ip.kind = 'ip' AND ip.key = :ip
ORDER BY ip, host, ifname, h.id
