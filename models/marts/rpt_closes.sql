-- One row per close or reopening of a month.
select
    number,
    month,
    action,
    done_at,
    is_in_force,
    because,
    rows,
    sha256,
    published_until,
    accepted,
    boxoffice
from {{ ref('stg_closes__closes') }}
