-- One row per signed amount of an order: the ledger. Every report of money is a sum of it.
{{ config(materialized='touched') }}

with orders as (
    select * from {{ touched_of_both('orders') }}
),

lines as (
    select * from {{ touched_of_both('order_lines') }}
),

added_up as (
    select
        platform,
        account,
        order_id,
        currency,
        sum(amount) as everything,
        sum(amount) filter (where not {{ is_given_back() }}) as charged
    from lines
    group by all
),

-- what the platform's own numbers leave open is a line of its own: the lines always make the order's total
unexplained as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'unexplained' as line_id,
        orders.event_id,
        'unexplained' as line_kind,
        {{ money(
            'orders.total_amount - coalesce(if('
            ~ is_return('orders.order_type') ~ ', added_up.everything, added_up.charged), 0)'
        ) }} as amount,
        orders.currency,
        -- what a return has not given back has not moved: it lowers nothing that was charged
        case
            when orders.is_booked and not {{ is_return('orders.order_type') }}
                then coalesce(orders.ordered_at, orders.first_seen_at)
        end as booked_at,
        case when orders.ordered_at is null then 'first_seen' else 'platform' end as date_basis
    from orders
    left join added_up
        on
            orders.platform = added_up.platform
            and orders.account = added_up.account
            and orders.order_id = added_up.order_id
            and orders.currency is not distinct from added_up.currency
),

ledger as (
    select * from lines
    union all by name
    select * from unexplained
    where amount <> 0
)

select
    {{ key(['ledger.platform', 'ledger.account', 'ledger.order_id', 'ledger.line_id']) }} as order_line_key,
    ledger.platform,
    ledger.account,
    {{ key(['ledger.platform', 'ledger.account', 'ledger.order_id']) }} as order_key,
    ledger.order_id,
    ledger.line_id,
    {{ key(['ledger.platform', 'ledger.account', 'ledger.event_id']) }} as event_key,
    case when not {{ is_given_back('ledger.line_kind') }} then {{ ticket_key('ledger') }} end as ticket_key,
    {{ key(['ledger.platform', 'ledger.account', 'ledger.product_sale_id']) }} as product_sale_key,
    {{ ledger_kind('ledger.line_kind') }} as line_kind,
    {{ ledger_kind('ledger.refund_of') }} as refund_of,
    ledger.amount,
    ledger.tax_amount,
    ledger.currency,
    ledger.booked_at,
    {{ account_day('ledger.booked_at', 'zones') }} as booked_on,
    ledger.date_basis
from ledger
left join {{ ref('int_reporting_zones') }} as zones
    on ledger.platform = zones.platform and ledger.account = zones.account
