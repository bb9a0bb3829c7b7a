-- what rules have found in a tenant and is not over
SELECT substr(i.kind, 6) AS rule, i.node AS node, i.text AS text
FROM incident i
WHERE i.tenant = :tenant AND i.kind GLOB 'rule:*' AND i.cleared > :as_of
