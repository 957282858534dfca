{{ config(unique_key='coverage_id') }}

select
    coverage_id,
    box_office,
    list,
    kind,
    {{ tt_unix('created_from') }} as created_from,
    {{ tt_unix('created_to') }} as created_to,
    read_at,
    _dlt_load_id,
    {{ shape() }} as _shape
from {{ source('raw_ticket_tailor', 'coverage') }}
where true {{ only_new_loads(source('raw_ticket_tailor', 'coverage')) }}
