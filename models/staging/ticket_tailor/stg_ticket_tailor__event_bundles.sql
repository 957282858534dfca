-- Made anew each time, as stg_ticket_tailor__event_ticket_types is and for the same reason.
{{ config(materialized='table', post_hook=[]) }}

with documents as (

    select
        version_id,
        box_office,
        id,
        fetched_at,
        _dlt_load_id,
        from_json(document, '{
            "currency": "VARCHAR",
            "bundles": [{
                "id": "VARCHAR", "name": "VARCHAR", "price": "VARCHAR", "booking_fee": "VARCHAR", "status": "VARCHAR",
                "ticket_types": [{"id": "VARCHAR", "quantity": "VARCHAR"}]
            }]
        }') as d
    from {{ source('raw_ticket_tailor', 'events') }}

),

bundles as (

    select
        version_id,
        box_office,
        id as event_id,
        fetched_at,
        _dlt_load_id,
        d.currency,
        unnest(d.bundles) as b
    from documents

)

select
    version_id,
    box_office,
    event_id,
    fetched_at,
    nullif(b.id, '') as bundle_id,
    {{ cleaned('b.name') }} as bundle_name,
    lower({{ cleaned('b.status') }}) as status,
    {{ tt_currency('currency') }} as currency,
    {{ tt_multiplier('currency') }} as iso_multiplier,
    {{ tt_whole('b.price') }} as price,
    {{ tt_whole('b.booking_fee') }} as booking_fee,
    try_cast(list_sum([try_cast(t.quantity as bigint) for t in b.ticket_types]) as bigint) as tickets_count,
    {{ tt_unreadable({'price': 'b.price', 'booking_fee': 'b.booking_fee'}) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from bundles
where nullif(b.id, '') is not null
