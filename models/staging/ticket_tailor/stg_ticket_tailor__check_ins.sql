-- Grain: one row per version of a scan at the door.
{{ config(unique_key='version_id', meta={'touched_by': 'account, ticket_id'}) }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        fetched_at,
        missing_since,
        _dlt_load_id,
        from_json(document, '{
            "event_id": "VARCHAR",
            "issued_ticket_id": "VARCHAR",
            "check_in_at": "VARCHAR",
            "created_at": "VARCHAR",
            "quantity": "VARCHAR"
        }') as d
    from {{ source('raw_ticket_tailor', 'check_ins') }}
    where true {{ only_new_loads(source('raw_ticket_tailor', 'check_ins')) }}

)

select
    version_id,
    account,
    id as check_in_id,
    fetched_at,
    missing_since,
    nullif(d.event_id, '') as event_id,
    nullif(d.issued_ticket_id, '') as ticket_id,
    {{ tt_time('d.check_in_at') }} as check_in_at,
    {{ tt_time('d.created_at') }} as created_at,
    {{ tt_whole('d.quantity') }} as quantity,
    {{ tt_unreadable(
        {'quantity': 'd.quantity'}, {'check_in_at': 'd.check_in_at', 'created_at': 'd.created_at'}
    ) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from documents
