-- Grain: one row per order.
{{ config(materialized='touched') }}

with history as (

    select
        account,
        order_id,
        max(version_id) filter (where is_newest) as version_id,
        min(fetched_at) as first_seen_at,
        max(fetched_at) as last_heard_at,
        max(total_paid) as total_paid,
        cast(sum(paid_more) as bigint) as paid,
        max(total) as highest_total,
        -- the latest version that is cancelled and follows one that is not
        max(fetched_at) filter (
            where version_no > 1 and status = 'cancelled' and previous_status is distinct from 'cancelled'
        ) as seen_cancelled_at,
        bool_or(status = 'completed') as was_completed,
        max(total) filter (where status = 'completed') as total_when_completed,
        -- an older document does not say what was paid: what was refunded must have been paid
        max(total) filter (where total_paid is null and money_refunded > 0) as total_when_refunded
    from {{ ref('int_ticket_tailor__order_versions') }}
    group by account, order_id

),

newest as (

    select
        version_id,
        missing_since,
        money_refunded,
        credit_issued
    from {{ ref('int_ticket_tailor__order_versions') }}
    where is_newest

)

select
    orders.version_id,
    orders.account,
    orders.order_id,
    orders.created_at,
    orders.fetched_at,
    newest.missing_since,
    orders.status,
    orders.event_id,
    orders.event_series_id,
    orders.event_name,
    orders.event_starts_at,
    orders.event_ends_at,
    orders.venue,
    orders.buyer_email,
    orders.buyer_first_name,
    orders.buyer_last_name,
    orders.buyer_name,
    orders.buyer_phone,
    orders.marketing_opt_in,
    orders.currency,
    orders.base_multiplier,
    orders.tax,
    orders.tax_treatment,
    orders.total,
    orders.payment_type,
    orders.txn_id,
    orders.referral_tag,
    orders.tickets_count,
    orders.unreadable,
    {{ person_key('orders.buyer_email') }} as customer_id,
    newest.money_refunded,
    newest.credit_issued,
    history.first_seen_at,
    history.last_heard_at,
    history.highest_total,
    case when orders.status = 'cancelled' then history.seen_cancelled_at end as seen_cancelled_at,
    coalesce(history.was_completed, false)
    or coalesce(history.total_paid, history.total_when_refunded, 0) > 0 as is_booked,
    history.paid is not null as is_paid_known,
    coalesce(history.paid, history.total_when_completed, history.total_when_refunded, 0) as captured
from history
inner join {{ touched('stg_ticket_tailor__orders') }} as orders on history.version_id = orders.version_id
inner join newest on history.version_id = newest.version_id
