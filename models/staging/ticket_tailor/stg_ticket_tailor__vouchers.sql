-- Grain: one row per version of a voucher.
{{ config(unique_key='version_id') }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        fetched_at,
        missing_since,
        _dlt_load_id,
        from_json(document, '{"type": "VARCHAR", "name": "VARCHAR"}') as d
    from {{ source('raw_ticket_tailor', 'vouchers') }}
    where true {{ only_new_loads(source('raw_ticket_tailor', 'vouchers')) }}

)

select
    version_id,
    account,
    id as voucher_id,
    fetched_at,
    missing_since,
    upper({{ cleaned('d.type') }}) as voucher_type,
    {{ cleaned('d.name') }} as voucher_name,
    _dlt_load_id,
    {{ shape() }} as _shape
from documents
