-- how many maintenances are past their end, of all tenants
SELECT count(*) AS count FROM maintenance WHERE gone > :as_of AND until <= :now
