-- Grain: one row per hold on tickets of an event, in its newest version.
{{ config(materialized='view', tags=['lists']) }}

with documents as (

    select
        box_office as account,
        id,
        missing_since,
        first_seen_at,
        from_json(document, '{
            "event_id": "VARCHAR", "total_on_hold": "VARCHAR", "created_at": "VARCHAR", "update_at": "VARCHAR",
            "updated_at": "VARCHAR"
        }') as d
    from {{ tt_newest('holds') }}

)

select
    account,
    id as hold_id,
    {{ cleaned('d.event_id') }} as event_id,
    {{ tt_whole('d.total_on_hold') }} as tickets_on_hold,
    {{ tt_time('d.created_at') }} as created_at,
    -- it is spelled without its d
    {{ tt_time('coalesce(d.update_at, d.updated_at)') }} as updated_at,
    missing_since,
    first_seen_at
from documents
