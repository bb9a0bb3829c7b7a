-- the tenants
SELECT key AS tenant, id FROM node WHERE owner = 0 AND kind = 'tenant' ORDER BY id
