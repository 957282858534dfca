-- Grain: one row per version of a product of the shop.
{{ config(unique_key='version_id') }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        fetched_at,
        missing_since,
        _dlt_load_id,
        from_json(document, '{
            "name": "VARCHAR",
            "price": "VARCHAR",
            "booking_fee": "VARCHAR",
            "currency": "VARCHAR",
            "status": "VARCHAR",
            "fulfilment_type": "VARCHAR"
        }') as d
    from {{ source('raw_ticket_tailor', 'products') }}
    where true {{ only_new_loads(source('raw_ticket_tailor', 'products')) }}

)

select
    version_id,
    account,
    id as product_id,
    fetched_at,
    missing_since,
    {{ cleaned('d.name') }} as product_name,
    lower({{ cleaned('d.status') }}) as status,
    lower({{ cleaned('d.fulfilment_type') }}) as fulfilment_type,
    {{ tt_currency('d.currency') }} as currency,
    {{ tt_multiplier('d.currency') }} as iso_multiplier,
    {{ tt_whole('d.price') }} as price,
    {{ tt_whole('d.booking_fee') }} as booking_fee,
    {{ tt_unreadable({'price': 'd.price', 'booking_fee': 'd.booking_fee'}) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from documents
