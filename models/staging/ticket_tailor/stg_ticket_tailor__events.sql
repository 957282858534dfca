-- Grain: one row per event (occurrence), the latest version that was read; and one per version that a webhook brought.
{{ config(unique_key='version_id') }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        created_at,
        document_hash,
        webhook_id,
        fetched_at,
        missing_since,
        _dlt_load_id,
        from_json(document, '{
            "event_series_id": "VARCHAR",
            "name": "VARCHAR",
            "status": "VARCHAR",
            "start": "VARCHAR",
            "end": "VARCHAR",
            "timezone": "VARCHAR",
            "currency": "VARCHAR",
            "venue": {"name": "VARCHAR"},
            "max_tickets_sold_per_occurrence": "VARCHAR",
            "total_orders": "VARCHAR",
            "total_issued_tickets": "VARCHAR",
            "total_holds": "VARCHAR",
            "revenue": "VARCHAR"
        }') as d
    from {{ tt_documents('events') }}

)

select
    version_id,
    account,
    id as event_id,
    {{ tt_unix('created_at') }} as created_at,
    document_hash,
    webhook_id,
    fetched_at,
    missing_since,
    nullif(d.event_series_id, '') as event_series_id,
    {{ cleaned('d.name') }} as event_name,
    lower({{ cleaned('d.status') }}) as status,
    {{ tt_time('d.start') }} as starts_at,
    {{ tt_time('d."end"') }} as ends_at,
    {{ cleaned('d.timezone') }} as time_zone,
    {{ tt_currency('d.currency') }} as currency,
    {{ tt_multiplier('d.currency') }} as iso_multiplier,
    {{ cleaned('d.venue.name') }} as venue,
    {{ tt_whole('d.max_tickets_sold_per_occurrence') }} as max_tickets,
    {{ tt_whole('d.total_orders') }} as total_orders,
    {{ tt_whole('d.total_issued_tickets') }} as total_issued_tickets,
    {{ tt_whole('d.total_holds') }} as total_holds,
    {{ tt_whole('d.revenue') }} as revenue,
    {{ tt_unreadable(
        {
            'max_tickets_sold_per_occurrence': 'd.max_tickets_sold_per_occurrence', 'total_orders': 'd.total_orders',
            'total_issued_tickets': 'd.total_issued_tickets', 'total_holds': 'd.total_holds', 'revenue': 'd.revenue',
        },
        {'created_at': 'cast(created_at as varchar)', 'start': 'd.start', 'end': 'd."end"'}
    ) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from documents
