-- One row per account, local day, event (or none) and currency: what the reports are sums of, with room for all digits.

with events as (
    select * from {{ ref('dim_events') }}
),

-- a ticket without an order (imported, or issued by hand through the API) has its event's currency at best
imported as (
    select
        tickets.platform,
        tickets.account,
        tickets.sold_on as sales_on,
        tickets.event_key,
        coalesce(tickets.currency, events.currency, 'XXX') as currency,
        count(*) as tickets_imported
    from {{ ref('fct_tickets') }} as tickets
    left join events on tickets.event_key = events.event_key
    where tickets.order_id is null and tickets.sold_on is not null
    group by all
),

together as (
    select * exclude (order_id) from {{ ref('int_order_sales') }}
    union all by name
    select * from imported
)

select
    platform,
    account,
    sales_on,
    event_key,
    currency,
    {{ summed_measures() }}
from together
group by all
