-- One row per identity that an order (or an event, where no order is named) fails.
{{ config(materialized='touched', meta={'touched_always': 'event_key is not null'}) }}

with orders as not materialized (
    select * from {{ touched('fct_orders') }}
),

lines as not materialized (
    select * from {{ touched('fct_order_lines') }}
),

payments as not materialized (
    select * from {{ touched('fct_payments') }}
),

tickets as not materialized (
    select * from {{ touched('fct_tickets') }}
),

sales as not materialized (
    select * from {{ touched('fct_product_sales') }}
),

changes as (
    select * from {{ touched('fct_order_changes') }}
),

lines_make_the_total as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'lines = total' as identity,
        cast({{ wide('orders.total_amount') }} - lines.amount as varchar) as left_value,
        cast(orders.total_amount as varchar) as right_value,
        lines.amount as difference,
        coalesce(orders.currency, 'XXX') as currency,
        'Its lines make '
        || {{ in_currency('(' ~ wide('orders.total_amount') ~ ' - lines.amount)', 'orders.currency') }}
        || ', the platform says ' || {{ in_currency('orders.total_amount', 'orders.currency') }}
        || ': ' || {{ in_currency('lines.amount', 'orders.currency') }} || ' is not explained.' as in_words
    from lines
    inner join orders on lines.order_key = orders.order_key
    -- a return of what was not paid gives nothing back
    where lines.line_kind = 'unexplained' and (orders.is_booked or not {{ is_return('orders.order_type') }})
),

sums_of_lines as (
    select
        orders.order_key,
        sum(lines.amount) as amount
    from lines
    inner join orders
        on lines.order_key = orders.order_key and lines.currency is not distinct from orders.currency
    where not {{ is_given_back('lines.line_kind') }} or {{ is_return('orders.order_type') }}
    group by orders.order_key
),

-- too far from it for the difference to be one amount: no line says so
lines_are_far_from_the_total as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'lines = total' as identity,
        cast(sums_of_lines.amount as varchar) as left_value,
        cast(orders.total_amount as varchar) as right_value,
        cast(null as decimal(18, 4)) as difference,
        cast(null as varchar) as currency,
        'Its lines make ' || {{ in_currency('sums_of_lines.amount', 'orders.currency') }}
        || ', the platform says ' || {{ in_currency('orders.total_amount', 'orders.currency') }}
        || ': what is not explained has more than 14 digits before the point, and no line.' as in_words
    from orders
    inner join sums_of_lines on orders.order_key = sums_of_lines.order_key
    where orders.total_amount is not null and {{ money('orders.total_amount - sums_of_lines.amount') }} is null
),

payments_make_the_total as (
    select
        platform,
        account,
        order_id,
        'payments = total' as identity,
        cast({{ wide('total_amount') }} - balance_due as varchar) as left_value,
        cast(total_amount as varchar) as right_value,
        balance_due as difference,
        coalesce(currency, 'XXX') as currency,
        concat(
            case when {{ is_return('order_type') }} then 'It gives back ' else 'It cost ' end,
            {{ in_currency('abs(total_amount)', 'currency') }},
            ', and ',
            {{ in_currency('abs(' ~ wide('total_amount') ~ ' - balance_due)', 'currency') }},
            case when {{ is_return('order_type') }} then ' has gone back: ' else ' was paid: ' end,
            {{ in_currency('abs(balance_due)', 'currency') }},
            case
                when {{ is_return('order_type') }} and balance_due < 0 then ' is still to be given.'
                when not {{ is_return('order_type') }} and balance_due > 0 then ' is still owed.'
                else ' too much.'
            end
        ) as in_words
    from orders
    where is_booked and balance_due <> 0
),

refunded_no_more_than_paid as (
    select
        platform,
        account,
        order_id,
        'refunded <= paid' as identity,
        cast(refunded_amount as varchar) as left_value,
        cast(paid_amount as varchar) as right_value,
        {{ money(wide('refunded_amount') ~ ' - paid_amount') }} as difference,
        coalesce(currency, 'XXX') as currency,
        {{ in_currency('refunded_amount', 'currency') }} || ' was given back of '
        || {{ in_currency('paid_amount', 'currency') }} || ' that was paid.' as in_words
    from orders
    where not {{ is_return('order_type') }} and refunded_amount > paid_amount
),

refunds_say_what_for as (
    select
        platform,
        account,
        order_id,
        'refund says what for' as identity,
        cast(-sum(amount) as varchar) as left_value,
        cast(null as varchar) as right_value,
        {{ money('-sum(amount)') }} as difference,
        coalesce(currency, 'XXX') as currency,
        {{ in_currency('(-sum(amount))', 'currency') }}
        || ' was given back, and nothing says for what: refunds and credited count it, net_sales does not.' as in_words
    from lines
    where {{ is_given_back() }} and coalesce(refund_of, 'unexplained') = 'unexplained'
    group by platform, account, order_id, currency
),

orders_have_date_and_currency as (
    select
        platform,
        account,
        order_id,
        'order has a date and a currency' as identity,
        cast(ordered_at as varchar) as left_value,
        currency as right_value,
        total_amount as difference,
        coalesce(currency, 'XXX') as currency,
        case
            when ordered_at is null then 'It counts as sold, but has no date: it counts on the day it was first seen.'
            else 'It counts as sold, but has no currency: the reports have it under XXX.'
        end as in_words
    from orders
    where is_booked and (ordered_at is null or currency is null)
),

-- what it is an amount of is not known
currencies_are_known as (
    select
        platform,
        account,
        order_id,
        'currency is known' as identity,
        currency as left_value,
        cast(null as varchar) as right_value,
        cast(null as decimal(18, 4)) as difference,
        cast(null as varchar) as currency,
        'Its currency is ' || currency || ', which is no code of three letters: its amounts are added to no others.'
            as in_words
    from orders
    where is_booked and not regexp_full_match(currency, '[A-Z]{3}')
),

tickets_held as (
    select
        order_key,
        count(*) as how_many,
        count(*) filter (where status = 'exchanged') as given_up
    from tickets
    where order_key is not null
    group by all
),

-- an exchange lists, and may count, what it takes in return
given_up as (
    select
        orders.order_key,
        tickets_held.given_up as how_many
    from orders
    inner join tickets_held on orders.related_order_key = tickets_held.order_key
    where {{ is_exchange('orders.order_type') }}
),

tickets_are_all_here as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'tickets held = tickets counted' as identity,
        cast(coalesce(tickets_held.how_many, 0) as varchar) as left_value,
        cast(orders.tickets_count_as_given as varchar) as right_value,
        {{ money('coalesce(tickets_held.how_many, 0) - cast(orders.tickets_count_as_given as hugeint)') }}
            as difference,
        cast(null as varchar) as currency,
        'The platform counts ' || orders.tickets_count_as_given || ' tickets, '
        || coalesce(tickets_held.how_many, 0) || ' are here.' as in_words
    from orders
    left join tickets_held on orders.order_key = tickets_held.order_key
    left join given_up on orders.order_key = given_up.order_key
    where
        not {{ is_return('orders.order_type') }}
        and orders.tickets_count_as_given not in (
            coalesce(tickets_held.how_many, 0), coalesce(tickets_held.how_many, 0) + coalesce(given_up.how_many, 0)
        )
),

products_held as (
    select
        order_key,
        count(*) as how_many,
        sum(quantity) as pieces
    from sales
    where order_key is not null
    group by all
),

-- it is not known whether the platform counts lines or pieces: either will do
products_are_all_here as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'products held = products counted' as identity,
        cast(coalesce(products_held.how_many, 0) as varchar) as left_value,
        cast(orders.products_count_as_given as varchar) as right_value,
        {{ money('coalesce(products_held.how_many, 0) - cast(orders.products_count_as_given as hugeint)') }}
            as difference,
        cast(null as varchar) as currency,
        'The platform counts ' || orders.products_count_as_given || ' products, '
        || coalesce(products_held.how_many, 0) || ' are here.' as in_words
    from orders
    left join products_held on orders.order_key = products_held.order_key
    where
        not {{ is_return('orders.order_type') }}
        and orders.products_count_as_given not in (
            coalesce(products_held.how_many, 0), coalesce(products_held.pieces, 0)
        )
),

payments_in_the_order_s_currency as (
    select
        payments.platform,
        payments.account,
        payments.order_id,
        'payment currency = order currency' as identity,
        payments.currency as left_value,
        orders.currency as right_value,
        payments.amount as difference,
        payments.currency,
        'It is in ' || orders.currency || ', and a payment of '
        || {{ in_currency('payments.amount', 'payments.currency') }} || ' is not.' as in_words
    from payments
    inner join orders on payments.order_key = orders.order_key
    where payments.currency <> orders.currency
),

-- an order and the one it refers to are touched together
related_orders_are_here as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'related order is here' as identity,
        orders.related_order_id as left_value,
        cast(null as varchar) as right_value,
        orders.total_amount as difference,
        coalesce(orders.currency, 'XXX') as currency,
        'It refers to order ' || orders.related_order_id || ', which has not come.' as in_words
    from orders
    left join orders as related on orders.related_order_key = related.order_key
    where orders.related_order_key is not null and related.order_key is null
),

items as (
    select
        platform,
        account,
        order_key,
        order_id,
        1 as tickets,
        price_paid as worth,
        currency
    from tickets
    union all by name
    select
        platform,
        account,
        order_key,
        order_id,
        1 as products,
        line_amount as worth,
        currency
    from sales
    union all by name
    select
        platform,
        account,
        order_key,
        order_id,
        1 as payments,
        amount as paid,
        currency
    from payments
    union all by name
    -- an item may have changed under an order that it was of before
    select
        platform,
        account,
        order_key,
        order_id
    from changes
),

-- its items came and it did not: normal while it is on its way, and for good where webhooks are filtered
waited_for as (
    select
        items.platform,
        items.account,
        items.order_id,
        count(items.tickets) as tickets,
        count(items.products) as products,
        count(items.payments) as payments,
        coalesce(sum(items.worth), sum(items.paid)) as worth,
        min(items.currency) as currency,
        -- amounts of two currencies are never added up, and without its order an item may not know its own
        coalesce(min(items.currency) = max(items.currency), false)
        and coalesce(sum(items.worth), sum(items.paid)) is not null as is_in_one_currency
    from items
    anti join orders on items.order_key = orders.order_key
    where items.order_key is not null
    group by items.platform, items.account, items.order_id
),

orders_of_items_are_here as (
    select
        platform,
        account,
        order_id,
        'order is here' as identity,
        cast(tickets + products + payments as varchar) as left_value,
        cast(null as varchar) as right_value,
        {{ money('case when is_in_one_currency then worth else tickets + products + payments end') }} as difference,
        case when is_in_one_currency then currency end as currency,
        'It has not come; of it are here: ' || tickets || ' tickets, ' || products || ' products, ' || payments
        || ' payments. Until it comes, only its payments are in a report.' as in_words
    from waited_for
),

told_by_the_platform as (
    select
        platform,
        account,
        order_id,
        identity,
        left_value,
        right_value,
        difference,
        currency,
        in_words
    from {{ touched_of_both('conflicts') }}
),

events_have_one_date as (
    select
        platform,
        account,
        event_id,
        'one event, one date' as identity,
        cast(dates_seen as varchar) as left_value,
        '1' as right_value,
        cast(dates_seen - 1 as decimal(18, 4)) as difference,
        cast(null as varchar) as currency,
        'Event ' || event_id || ' came with ' || dates_seen
        || ' different dates: it was moved, or two performances share one id and count as one here.' as in_words
    from {{ ref('dim_events') }}
    where dates_seen > 1
),

failed as (
    select * from lines_make_the_total
    union all by name
    select * from lines_are_far_from_the_total
    union all by name
    select * from payments_make_the_total
    union all by name
    select * from refunded_no_more_than_paid
    union all by name
    select * from refunds_say_what_for
    union all by name
    select * from orders_have_date_and_currency
    union all by name
    select * from currencies_are_known
    union all by name
    select * from tickets_are_all_here
    union all by name
    select * from products_are_all_here
    union all by name
    select * from payments_in_the_order_s_currency
    union all by name
    select * from related_orders_are_here
    union all by name
    select * from orders_of_items_are_here
    union all by name
    select * from told_by_the_platform
    union all by name
    select * from events_have_one_date
),

numbered as (
    select
        *,
        row_number() over (
            partition by platform, account, order_id, event_id, identity
            order by left_value, right_value, difference, currency, in_words
        ) as occurrence
    from failed
)

select
    {{ key([
        'platform',
        'account',
        "coalesce(order_id, '')",
        "coalesce(event_id, '')",
        'identity',
        'occurrence',
    ]) }} as reconciliation_key,
    platform,
    account,
    {{ key(['platform', 'account', 'order_id']) }} as order_key,
    order_id,
    {{ key(['platform', 'account', 'event_id']) }} as event_key,
    identity,
    left_value as "left",
    right_value as "right",
    difference,
    case when difference is not null then currency end as currency,
    in_words
from numbered
