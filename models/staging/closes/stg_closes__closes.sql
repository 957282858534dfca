-- One row per close or reopening of a month.
{{ config(materialized='view') }}

select
    number,
    action,
    cast(month || '-01' as date) as month,
    done_at,
    because,
    rows,
    sha256,
    published_until,
    accepted,
    boxoffice,
    action = 'closed' and number = max(number) over (partition by month) as is_in_force,
    _dlt_load_id
from {{ source('raw_closes', 'closes') }}
where
    _dlt_load_id in (
        select loads.load_id
        from {{ source('raw_closes', '_dlt_loads') }} as loads
        where loads.status = 0
    )
