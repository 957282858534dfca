-- One row per account, in the settings or seen in the data.
{{ config(materialized='table') }}

with seen as (
    select platform, account, ordered_at as happened_at, first_seen_at as seen_at from {{ ref('int_orders') }}
    union all
    select platform, account, sold_at, first_seen_at from {{ ref('int_tickets') }}
    union all
    select platform, account, sold_at, first_seen_at from {{ ref('int_product_sales') }}
    union all
    select platform, account, paid_at, first_seen_at from {{ ref('int_payments') }}
    union all
    select platform, account, null, first_seen_at from {{ ref('int_order_changes') }}
    union all
    select platform, account, null, first_seen_at from {{ ref('int_events') }}
    union all
    select platform, account, null, first_seen_at from {{ ref('int_products') }}
    union all
    select platform, account, null, last_seen_at from {{ ref('int_people') }}
    union all
    select platform, account, null, refused_at from {{ ref('int_refused') }}
),

spans as (
    select
        platform,
        account,
        min(happened_at) as history_from,
        max(seen_at) as last_record_at,
    from seen
    group by all
)

select
    platform,
    account,
    configured.time_zone,
    configured.configured_at,
    spans.history_from,
    spans.last_record_at,
from {{ ref('stg_boxoffice__accounts') }} as configured
full join spans using (platform, account)
