-- One row per account, local day, event (or none) and currency. Every measure of the reports is defined here, once.
with lines as (
    select * from {{ ref('fct_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
),

ledger as (
    select
        platform,
        account,
        booked_on as sales_on,
        event_key,
        currency,
        sum(amount) filter (where line_kind in ('ticket', 'product', 'membership')) as gross_sales,
        sum(-amount) filter (where line_kind = 'refund') as refunds,
        sum(-amount) filter (
            where line_kind = 'refund' and refund_of in ('ticket', 'product', 'membership')
        ) as refunds_of_sales,
        sum(amount) filter (where line_kind = 'buyer_fee') as buyer_fees,
        sum(amount) filter (where line_kind = 'tip') as tips,
        sum(amount) filter (where line_kind = 'donation') as donations,
        sum(amount) filter (where line_kind = 'tax') as tax,
        sum(amount) filter (where line_kind = 'delivery') as delivery,
        sum(amount) filter (where line_kind = 'gift_card') as gift_cards,
        sum(amount) filter (where line_kind = 'discount') as discounts,
        sum(amount) filter (where line_kind = 'unexplained') as unexplained,
        sum(amount) filter (where line_kind <> 'refund') as charged_total
    from lines
    where booked_on is not null
    group by all
),

-- An order over several events shares what it paid and what it cost in proportion to what each event was charged
-- (a return, in proportion to what each gave back). Most orders have one event, which takes all.
touched as (
    select
        order_key,
        event_key,
        greatest(
            coalesce(
                sum(amount) filter (where line_kind <> 'refund'), -sum(amount) filter (where line_kind = 'refund')
            ), 0
        ) as weight,
        bool_or(line_kind <> 'refund') as is_charged
    from lines
    group by order_key, event_key
),

several as (
    select order_key
    from touched
    group by order_key
    having count(*) > 1
),

-- each takes what falls between `so_far_before` and `so_far` of `whole`
running as (
    select
        touched.*,
        sum(touched.weight) over events_of_order - touched.weight as so_far_before,
        sum(touched.weight) over events_of_order as so_far,
        sum(touched.weight) over (partition by touched.order_key) as whole,
        row_number() over events_of_order as place
    from touched
    semi join several on touched.order_key = several.order_key
    window events_of_order as (partition by touched.order_key order by touched.event_key nulls last)
),

takers as (
    select
        touched.order_key,
        touched.event_key,
        touched.is_charged,
        null as so_far_before,
        null as so_far,
        null as whole
    from touched
    anti join several on touched.order_key = several.order_key
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
        moved.sales_on,
        coalesce(takers.event_key, if(takers.order_key is null, orders.event_key, null)) as event_key,
        moved.currency,
        sum(
            case
                when takers.whole is null then moved.amount
                else {{ share('moved.amount', 'takers', 'moved.currency') }}
            end
        ) as receipts
    from moved
    left join takers on moved.order_key = takers.order_key
    left join orders on moved.order_key = orders.order_key
    group by all
),

booked_orders as (
    select
        orders.platform,
        orders.account,
        orders.booked_on as sales_on,
        coalesce(takers.event_key, if(takers.order_key is null, orders.event_key, null)) as event_key,
        orders.currency,
        sum(
            case
                when takers.whole is null then orders.platform_fee_amount
                else {{ share('orders.platform_fee_amount', 'takers', 'orders.currency') }}
            end
        ) as platform_fees,
        count(*) filter (
            where not {{ is_return('orders.order_type') }} and coalesce(takers.is_charged, true)
        ) as orders,
        count(*) filter (where orders.platform_fee_amount is null) as orders_without_fees
    from orders
    left join takers on orders.order_key = takers.order_key
    where orders.booked_on is not null
    group by all
),

-- a ticket without an order (imported, or issued by hand through the API) has its event's currency at best
admissions as (
    select
        tickets.* exclude (sold_on, currency),
        coalesce(tickets.sold_on, orders.booked_on) as sold_on,
        case when tickets.order_id is null then coalesce(tickets.currency, events.currency) else tickets.currency end
            as currency,
        case
            when tickets.order_id is null then 'imported'
            when tickets.admission_kind = 'comp' then 'comp'
            else 'sold'
        end as counted_as
    from tickets
    left join orders on tickets.order_key = orders.order_key
    left join {{ ref('dim_events') }} as events on tickets.event_key = events.event_key
    where orders.is_booked or (tickets.order_id is null and tickets.sold_on is not null)
),

tickets_out as (
    select
        platform,
        account,
        sold_on as sales_on,
        event_key,
        currency,
        count(*) filter (where counted_as = 'sold') as tickets_sold,
        count(*) filter (where counted_as = 'comp') as comps,
        count(*) filter (where counted_as = 'imported') as tickets_imported
    from admissions
    group by all
),

tickets_back as (
    select
        platform,
        account,
        coalesce(voided_on, sold_on) as sales_on,
        event_key,
        currency,
        count(*) as tickets_returned
    from admissions
    where counted_as in ('sold', 'comp') and status in ('returned', 'voided', 'exchanged')
    group by all
),

together as (
    select * from ledger
    union all by name
    select * from receipts
    union all by name
    select * from booked_orders
    union all by name
    select * from tickets_out
    union all by name
    select * from tickets_back
),

summed as (
    select
        platform,
        account,
        sales_on,
        event_key,
        coalesce(currency, 'XXX') as currency,
        {{ summed_measures() }}
    from together
    group by all
)

select
    {{ key([
        'summed.platform',
        'summed.account',
        'summed.sales_on',
        "coalesce(summed.event_key, '')",
        'summed.currency',
    ]) }} as daily_event_sales_key,
    summed.platform,
    summed.account,
    summed.sales_on,
    summed.event_key,
    events.event_id,
    events.event_name,
    summed.currency,
    {{ measures('summed', 'accounts') }}
from summed
left join {{ ref('dim_accounts') }} as accounts
    on summed.platform = accounts.platform and summed.account = accounts.account
left join {{ ref('dim_events') }} as events on summed.event_key = events.event_key
