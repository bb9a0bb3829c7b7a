-- every token, without its secret: until when it enrols how many more agents
-- uses_left: nothing when it has no limit.
SELECT lower(hex(k.id)) AS id,
       k.tenant AS tenant,
       rfc3339(k.created) AS created,
       rfc3339(k.expires) AS expires,
       iif(k.uses = 0, NULL, max(0, k.uses - k.uses_made)) AS uses_left,
       CASE WHEN k.revoked > 0 THEN 'revoked'
            WHEN k.expires <= :now THEN 'expired'
            WHEN k.uses > 0 AND k.uses_made >= k.uses THEN 'used up'
            ELSE 'good' END AS state
FROM token k
WHERE k.tenant = (SELECT key FROM node WHERE id = :tenant) AND k.created <= :as_of
ORDER BY k.created, id
