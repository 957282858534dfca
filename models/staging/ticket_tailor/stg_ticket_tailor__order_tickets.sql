-- Grain: one row per ticket copied into each version of an order.
{{ config(unique_key='version_id', meta={'touched_by': 'account, ticket_id'}) }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        fetched_at,
        _dlt_load_id,
        from_json(document, '{"issued_tickets": [{
            "id": "VARCHAR", "order_id": "VARCHAR", "event_id": "VARCHAR", "event_series_id": "VARCHAR",
            "ticket_type_id": "VARCHAR", "description": "VARCHAR", "status": "VARCHAR", "voided_at": "VARCHAR",
            "created_at": "VARCHAR", "checked_in": "VARCHAR", "source": "VARCHAR", "listed_price": "VARCHAR",
            "listed_currency": {"code": "VARCHAR", "base_multiplier": "VARCHAR"}, "email": "VARCHAR",
            "reservation": "VARCHAR"
        }]}').issued_tickets as tickets
    from {{ tt_documents('orders') }}

),

tickets as (

    select
        version_id,
        account,
        id as order_id,
        fetched_at,
        _dlt_load_id,
        unnest(tickets) as d,
        generate_subscripts(tickets, 1) as ticket_no
    from documents

)

select
    version_id,
    account,
    order_id,
    ticket_no,
    fetched_at,
    nullif(d.id, '') as ticket_id,
    nullif(d.event_id, '') as event_id,
    nullif(d.event_series_id, '') as event_series_id,
    nullif(d.ticket_type_id, '') as ticket_type_id,
    {{ cleaned('d.description') }} as description,
    lower({{ cleaned('d.status') }}) as status,
    {{ tt_time('d.voided_at') }} as voided_at,
    {{ tt_time('d.created_at') }} as created_at,
    try_cast(d.checked_in as boolean) as checked_in,
    lower({{ cleaned('d.source') }}) as source,
    {{ cleaned('d.reservation') }} as reservation,
    {{ cleaned('d.email') }} as email,
    {{ tt_whole('d.listed_price') }} as listed_price,
    {{ tt_currency('d.listed_currency.code') }} as listed_currency,
    {{ tt_multiplier('d.listed_currency.code', 'd.listed_currency.base_multiplier') }} as listed_multiplier,
    {{ tt_unreadable(
        {'listed_price': 'd.listed_price'}, {'voided_at': 'd.voided_at', 'created_at': 'd.created_at'}
    ) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from tickets
where nullif(d.id, '') is not null
