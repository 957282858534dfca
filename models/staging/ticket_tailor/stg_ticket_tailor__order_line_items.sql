-- Grain: one row per line of each version of an order.
{{ config(unique_key='version_id') }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        fetched_at,
        _dlt_load_id,
        from_json(document, '{
            "line_items": [{
                "id": "VARCHAR", "type": "VARCHAR", "item_id": "VARCHAR", "description": "VARCHAR",
                "quantity": "VARCHAR", "value": "VARCHAR", "total": "VARCHAR", "booking_fee": "VARCHAR"
            }]
        }').line_items as lines
    from {{ tt_documents('orders') }}

),

lines as (

    select
        * exclude (lines),
        unnest(lines) as l,
        generate_subscripts(lines, 1) as line_no
    from documents

)

select
    version_id,
    account,
    id as order_id,
    fetched_at,
    line_no,
    nullif(l.id, '') as line_item_id,
    lower({{ cleaned('l.type') }}) as line_type,
    nullif(l.item_id, '') as item_id,
    {{ cleaned('l.description') }} as description,
    {{ tt_whole('l.quantity') }} as quantity,
    {{ tt_whole('l.value') }} as unit_value,
    {{ tt_whole('l.total') }} as total,
    {{ tt_whole('l.booking_fee') }} as booking_fee,
    {{ tt_unreadable({
        'quantity': 'l.quantity', 'value': 'l.value', 'total': 'l.total', 'booking_fee': 'l.booking_fee',
    }) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from lines
where l is not null
