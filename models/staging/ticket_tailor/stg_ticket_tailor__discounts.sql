-- Grain: one row per version of a discount.
{{ config(unique_key='version_id') }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        fetched_at,
        missing_since,
        _dlt_load_id,
        from_json(document, '{"code": "VARCHAR", "name": "VARCHAR"}') as d
    from {{ source('raw_ticket_tailor', 'discounts') }}
    where true {{ only_new_loads(source('raw_ticket_tailor', 'discounts')) }}

)

select
    version_id,
    account,
    id as discount_id,
    fetched_at,
    missing_since,
    {{ cleaned('d.code') }} as code,
    {{ cleaned('d.name') }} as discount_name,
    _dlt_load_id,
    {{ shape() }} as _shape
from documents
