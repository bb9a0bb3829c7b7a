-- which network card has this MAC address
-- param mac: mac  the address, in any common form
SELECT mac.key AS mac, h.label AS host, n.label AS ifname
FROM node mac
JOIN edge m ON m.dst = mac.id AND m.kind = 'mac' AND m.since <= :as_of AND m.gone > :as_of
JOIN node n ON n.id = m.src
JOIN node h ON h.id = n.owner
WHERE mac.owner = :tenant AND mac.kind = 'mac' AND mac.key = :mac
ORDER BY host, ifname, h.id
