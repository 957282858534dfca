-- Grain: one row per document that was refused by validation.
{{ config(unique_key='refused_id') }}

select
    refused_id,
    box_office as account,
    list,
    id as document_id,
    reason,
    fetched_at,
    _dlt_load_id,
    {{ shape() }} as _shape
from {{ source('raw_ticket_tailor', 'refused') }}
where true {{ only_new_loads(source('raw_ticket_tailor', 'refused')) }}
