-- One row per account of the settings: the zone whose calendar days its sales are counted by.
select
    accounts.platform,
    accounts.account,
    -- a zone the engine does not know would stop the build
    coalesce(zones.name, 'UTC') as reporting_zone
from {{ ref('stg_boxoffice__accounts') }} as accounts
left join pg_timezone_names() as zones on accounts.time_zone = zones.name
