-- One row per order, local day, event (or none) and currency: what it adds to each measure of the reports, which are
-- sums of it and have no order to go through.
{{ config(materialized='touched') }}

with lines as not materialized (
    select * from {{ touched('fct_order_lines') }}
),

orders as not materialized (
    select * from {{ touched('fct_orders') }}
),

tickets as (
    select * from {{ touched('fct_tickets') }}
),

payments as (
    select * from {{ touched('fct_payments') }}
),

ledger as (
    select
        platform,
        account,
        order_id,
        booked_on as sales_on,
        event_key,
        coalesce(currency, 'XXX') as currency,
        sum(amount) filter (where line_kind in ('ticket', 'product', 'membership')) as gross_sales,
        sum(-amount) filter (where line_kind = 'refund') as refunds,
        sum(-amount) filter (
            where line_kind = 'refund' and refund_of in ('ticket', 'product', 'membership')
        ) as refunds_of_sales,
        sum(-amount) filter (where line_kind = 'refund' and refund_of = 'buyer_fee') as refunds_of_fees,
        sum(-amount) filter (where line_kind = 'refund' and refund_of = 'donation') as refunds_of_donations,
        sum(-amount) filter (where line_kind = 'refund' and refund_of = 'tax') as refunds_of_tax,
        sum(-amount) filter (
            where line_kind = 'refund'
            and refund_of not in ('ticket', 'product', 'membership', 'buyer_fee', 'donation', 'tax')
        ) as refunds_of_other,
        sum(-amount) filter (where line_kind = 'credited') as credited,
        sum(-amount) filter (
            where line_kind = 'credited' and refund_of in ('ticket', 'product', 'membership')
        ) as credited_of_sales,
        sum(amount) filter (where line_kind = 'buyer_fee') as buyer_fees,
        sum(amount) filter (where line_kind = 'tip') as tips,
        sum(amount) filter (where line_kind = 'donation') as donations,
        sum(amount) filter (where line_kind = 'tax') as tax,
        sum(coalesce(tax_by_rate, tax_amount)) filter (
            where line_kind in ('ticket', 'product', 'membership')
        ) as tax_inside,
        count(*) filter (
            where line_kind in ('ticket', 'product', 'membership') and coalesce(tax_by_rate, tax_amount) is null
        ) as sales_without_tax,
        sum(amount) filter (where line_kind = 'delivery') as delivery,
        sum(amount) filter (where line_kind = 'gift_card') as gift_cards,
        sum(amount) filter (where line_kind = 'discount') as discounts,
        sum(amount) filter (where line_kind = 'unexplained') as unexplained,
        sum(amount) filter (where not {{ is_given_back() }}) as charged_total
    from lines
    where booked_on is not null
    group by all
),

-- An order over several events shares what it paid and what it cost in proportion to what each event was charged
-- (a return, in proportion to what each gave back). Most orders have one event, which takes all.
events_of_orders as (
    select
        order_key,
        event_key,
        greatest(
            coalesce(
                sum(amount) filter (where not {{ is_given_back() }}),
                -sum(amount) filter (where {{ is_given_back() }})
            ), 0
        ) as weight,
        bool_or(not {{ is_given_back() }}) as is_charged
    from lines
    group by order_key, event_key
),

several as (
    select order_key
    from events_of_orders
    group by order_key
    having count(*) > 1
),

-- each takes what falls between `so_far_before` and `so_far` of `whole`
running as (
    select
        events_of_orders.*,
        sum(events_of_orders.weight) over in_order - events_of_orders.weight as so_far_before,
        sum(events_of_orders.weight) over in_order as so_far,
        sum(events_of_orders.weight) over (partition by events_of_orders.order_key) as whole,
        row_number() over in_order as place
    from events_of_orders
    semi join several on events_of_orders.order_key = several.order_key
    window
        in_order as (
            partition by events_of_orders.order_key order by events_of_orders.event_key nulls last
        )
),

takers as (
    select
        events_of_orders.order_key,
        events_of_orders.event_key,
        events_of_orders.is_charged,
        null as so_far_before,
        null as so_far,
        null as whole
    from events_of_orders
    anti join several on events_of_orders.order_key = several.order_key
    union all
    -- nothing to go by, such as an order that was free: the first takes all
    select
        order_key,
        event_key,
        is_charged,
        case when whole > 0 then so_far_before when place = 1 then 0 else 1 end as so_far_before,
        case when whole > 0 then so_far else 1 end as so_far,
        case when whole > 0 then whole else 1 end as whole
    from running
),

-- the movements of one order on one day first: what has to be spread is then small
moved as (
    select
        platform,
        account,
        order_id,
        paid_on as sales_on,
        order_key,
        currency,
        sum(amount) as amount
    from payments
    where paid_on is not null and amount <> 0
    group by all
),

receipts as (
    select
        moved.platform,
        moved.account,
        moved.order_id,
        moved.sales_on,
        coalesce(takers.event_key, if(takers.order_key is null, orders.event_key, null)) as event_key,
        moved.currency,
        case
            when takers.whole is null then moved.amount
            else {{ share('moved.amount', 'takers', 'moved.currency') }}
        end as receipts
    from moved
    left join takers on moved.order_key = takers.order_key
    left join orders on moved.order_key = orders.order_key
),

booked_orders as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        orders.booked_on as sales_on,
        coalesce(takers.event_key, if(takers.order_key is null, orders.event_key, null)) as event_key,
        orders.currency,
        case
            when takers.whole is null then orders.platform_fee_amount
            else {{ share('orders.platform_fee_amount', 'takers', 'orders.currency') }}
        end as platform_fees,
        case
            when not {{ is_return('orders.order_type') }} and coalesce(takers.is_charged, true) then 1 else 0
        end as orders,
        case when orders.platform_fee_amount is null then 1 else 0 end as orders_without_fees
    from orders
    left join takers on orders.order_key = takers.order_key
    where orders.booked_on is not null
),

admissions as (
    select
        tickets.* exclude (sold_on),
        coalesce(tickets.sold_on, orders.booked_on) as sold_on
    from tickets
    inner join orders on tickets.order_key = orders.order_key
    where orders.is_booked
),

tickets_out as (
    select
        platform,
        account,
        order_id,
        sold_on as sales_on,
        event_key,
        currency,
        count(*) filter (where admission_kind <> 'comp') as tickets_sold,
        count(*) filter (where admission_kind = 'comp') as comps
    from admissions
    group by all
),

tickets_back as (
    select
        platform,
        account,
        order_id,
        coalesce(voided_on, sold_on) as sales_on,
        event_key,
        currency,
        count(*) as tickets_returned
    from admissions
    where status in ('returned', 'voided', 'exchanged')
    group by all
),

counted as (
    select * from receipts
    union all by name
    select * from booked_orders
    union all by name
    select * from tickets_out
    union all by name
    select * from tickets_back
),

-- apart from the ledger, which is added up by the same columns and has most of the measures
others as (
    select
        platform,
        account,
        order_id,
        sales_on,
        event_key,
        coalesce(currency, 'XXX') as currency,
        sum(receipts) as receipts,
        sum(platform_fees) as platform_fees,
        sum(orders) as orders,
        sum(orders_without_fees) as orders_without_fees,
        sum(tickets_sold) as tickets_sold,
        sum(comps) as comps,
        sum(tickets_returned) as tickets_returned
    from counted
    group by all
)

select
    coalesce(ledger.platform, others.platform) as platform,
    coalesce(ledger.account, others.account) as account,
    coalesce(ledger.order_id, others.order_id) as order_id,
    coalesce(ledger.sales_on, others.sales_on) as sales_on,
    coalesce(ledger.event_key, others.event_key) as event_key,
    coalesce(ledger.currency, others.currency) as currency,
    {% for measure in measures_of_money() %}
        {{ wide('coalesce(' ~ measure ~ ', 0)') }} as {{ measure }},
    {% endfor %}
    {{ wide('ledger.tax_inside') }} as tax_inside,
    {{ wide('others.platform_fees') }} as platform_fees,
    cast(coalesce(ledger.sales_without_tax, 0) as bigint) as sales_without_tax,
    cast(coalesce(others.tickets_sold, 0) as bigint) as tickets_sold,
    cast(coalesce(others.comps, 0) as bigint) as comps,
    cast(coalesce(others.tickets_returned, 0) as bigint) as tickets_returned,
    cast(coalesce(others.orders, 0) as bigint) as orders,
    cast(coalesce(others.orders_without_fees, 0) as bigint) as orders_without_fees
from ledger
full outer join others
    on
        ledger.platform = others.platform
        and ledger.account = others.account
        and ledger.order_id is not distinct from others.order_id
        and ledger.sales_on = others.sales_on
        and ledger.event_key is not distinct from others.event_key
        and ledger.currency = others.currency
