{{ config(materialized='incremental') }}

with ranked as (

    select
        *,
        row_number() over newest_first as version_rank,
        min(fetched_at) over same_ticket as first_seen_at,
        max(order_id) over same_ticket as any_order_id,
        min(case when status in ('voided', 'void') then fetched_at end) over same_ticket as seen_voided_at,
        min(status) over same_ticket <> max(status) over same_ticket as has_changed_status,
        min(event_id) over same_ticket <> max(event_id) over same_ticket as has_changed_event
    from {{ ref('int_ticket_tailor__ticket_versions') }}
    window
        same_ticket as (partition by box_office, ticket_id),
        newest_first as (
            partition by box_office, ticket_id
            order by fetched_at desc, is_own_document desc, version_id desc, ticket_no desc
        )

)

select
    version_id,
    box_office,
    ticket_id,
    fetched_at,
    -- a copy knows the order that its own document may not name
    coalesce(order_id, any_order_id) as order_id,
    event_id,
    ticket_type_id,
    description,
    status,
    voided_at,
    created_at,
    source,
    reservation,
    email,
    listed_price,
    listed_currency,
    listed_multiplier,
    first_seen_at,
    -- voided when we met it: nobody knows since when
    case when seen_voided_at > first_seen_at then seen_voided_at end as seen_voided_at,
    unreadable,
    coalesce(has_changed_status, false) as has_changed_status,
    coalesce(has_changed_event, false) as has_changed_event
from ranked
where version_rank = 1
