-- Grain: one row per entry on a waiting list, in its newest version.
{{ config(materialized='view', tags=['lists']) }}

with documents as (

    select
        box_office as account,
        id,
        missing_since,
        first_seen_at,
        from_json(document, '{
            "event_id": "VARCHAR", "email": "VARCHAR", "created_at": "VARCHAR", "notified_at": "VARCHAR"
        }') as d
    from {{ tt_newest('waitlist_signups') }}

)

select
    account,
    id as waitlist_signup_id,
    {{ cleaned('d.event_id') }} as event_id,
    {{ normalised_email('d.email') }} as email,
    {{ tt_time('d.created_at') }} as signed_up_at,
    {{ tt_time('d.notified_at') }} as notified_at,
    missing_since,
    first_seen_at
from documents
