-- One row per event, currency and number of days left before the event on which anything was sold or given back.
with by_day as (
    select * from {{ ref('int_daily_event_sales') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

days as (
    select
        by_day.platform,
        by_day.account,
        by_day.event_key,
        events.event_id,
        events.event_name,
        events.show_key,
        events.starts_on,
        by_day.currency,
        cast(date_diff('day', by_day.sales_on, events.starts_on) as bigint) as days_left,
        by_day.sales_on,
        by_day.tickets_sold,
        by_day.comps,
        by_day.tickets_returned,
        by_day.gross_sales,
        by_day.gross_sales - by_day.refunds_of_sales - by_day.credited_of_sales as net_sales,
        events.capacity
    from by_day
    inner join events on by_day.event_key = events.event_key
    where events.starts_on is not null
),

running as (
    select
        *,
        cast(sum(tickets_sold) over so_far as bigint) as tickets_sold_so_far,
        cast(sum(comps) over so_far as bigint) as comps_so_far,
        cast(sum(tickets_returned) over so_far as bigint) as tickets_returned_so_far,
        {{ money('sum(gross_sales) over so_far') }} as gross_sales_so_far,
        {{ money('sum(net_sales) over so_far') }} as net_sales_so_far
    from days
    window so_far as (partition by event_key, currency order by sales_on)
)

select
    {{ key(['platform', 'account', 'event_key', 'currency', 'days_left']) }} as sales_curve_key,
    platform,
    account,
    event_key,
    event_id,
    event_name,
    show_key,
    starts_on,
    currency,
    days_left,
    sales_on,
    tickets_sold,
    comps,
    tickets_returned,
    {{ money('gross_sales') }} as gross_sales,
    {{ money('net_sales') }} as net_sales,
    tickets_sold_so_far,
    comps_so_far,
    tickets_returned_so_far,
    gross_sales_so_far,
    net_sales_so_far,
    capacity,
    case
        when capacity > 0
            then {{ ratio('tickets_sold_so_far + comps_so_far - tickets_returned_so_far', 'capacity') }}
    end as sell_through_so_far
from running
