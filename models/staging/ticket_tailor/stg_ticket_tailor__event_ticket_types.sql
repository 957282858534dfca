-- Grain: one row per ticket type of each event, in its latest version.
-- An event's row in raw is replaced when the event changes, and a ticket type that was taken off leaves no row behind
-- that could replace its old one: so this one is made again each time. Events are few.
{{ config(materialized='whole') }}

with versions as (

    select
        * exclude (box_office, id),
        box_office as account,
        id as event_id
    from {{ tt_documents('events', all_loads=true) }}

),

documents as (

    select
        version_id,
        account,
        event_id,
        fetched_at,
        _dlt_load_id,
        from_json(document, '{
            "currency": "VARCHAR",
            "ticket_types": [{
                "id": "VARCHAR", "name": "VARCHAR", "price": "VARCHAR", "booking_fee": "VARCHAR", "status": "VARCHAR",
                "type": "VARCHAR", "quantity": "VARCHAR", "quantity_total": "VARCHAR", "quantity_issued": "VARCHAR",
                "quantity_held": "VARCHAR"
            }]
        }') as d
    from {{ tt_merged('versions', 'event_id') }}
    qualify row_number() over (partition by account, event_id order by fetched_at desc, version_id desc) = 1

),

types as (

    select
        version_id,
        account,
        event_id,
        fetched_at,
        _dlt_load_id,
        d.currency,
        unnest(d.ticket_types) as t
    from documents

)

select
    version_id,
    account,
    event_id,
    fetched_at,
    nullif(t.id, '') as ticket_type_id,
    {{ cleaned('t.name') }} as ticket_type,
    lower({{ cleaned('t.status') }}) as status,
    lower({{ cleaned('t.type') }}) as seating,
    {{ tt_currency('currency') }} as currency,
    {{ tt_multiplier('currency') }} as iso_multiplier,
    {{ tt_whole('t.price') }} as price,
    {{ tt_whole('t.booking_fee') }} as booking_fee,
    {{ tt_whole('t.quantity') }} as quantity,
    {{ tt_whole('t.quantity_total') }} as quantity_total,
    {{ tt_whole('t.quantity_issued') }} as quantity_issued,
    {{ tt_whole('t.quantity_held') }} as quantity_held,
    {{ tt_unreadable({
        'price': 't.price', 'booking_fee': 't.booking_fee', 'quantity': 't.quantity',
        'quantity_total': 't.quantity_total', 'quantity_issued': 't.quantity_issued', 'quantity_held': 't.quantity_held',
    }) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from types
where nullif(t.id, '') is not null
