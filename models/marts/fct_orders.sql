-- One row per order: Ticketor's invoice, Ticket Tailor's order.
{{ config(materialized='touched') }}

with orders as (
    select
        *,
        {{ key(['platform', 'account', 'order_id']) }} as order_key
    from {{ touched_of_both('orders') }}
),

tickets as (
    select
        order_key,
        count(*) as how_many
    from {{ touched('fct_tickets') }}
    group by order_key
),

products as (
    select
        order_key,
        count(*) as how_many
    from {{ touched('fct_product_sales') }}
    group by order_key
),

of_orders as (
    select
        payments.*,
        coalesce(payments.currency <> orders.currency, false) as is_foreign
    from {{ touched('fct_payments') }} as payments
    inner join orders on payments.order_key = orders.order_key
),

-- amounts of two currencies are never added up
payments as (
    select
        order_key,
        bool_or(is_foreign and amount + credit_amount <> 0) as in_other_currency,
        sum(amount) filter (where not is_foreign) as moved,
        sum(amount) filter (where kind = 'capture' and not is_foreign) as paid,
        sum(-amount) filter (where kind = 'refund' and not is_foreign) as refunded,
        sum(credit_amount) filter (where kind = 'credit_redeemed' and not is_foreign) as credit_redeemed,
        sum(credit_amount) filter (where kind = 'credit_issued' and not is_foreign) as credit_issued
    from of_orders
    group by order_key
),

-- a voucher that stands in the order as a negative line has lowered the total already: it is no second tender
credit_in_total as (
    select
        order_key,
        sum(-amount) as amount
    from {{ touched('fct_order_lines') }}
    where line_kind = 'gift_card' and amount < 0 and product_sale_key is null
    group by order_key
),

-- returns of an order that nobody paid give nothing back: what they take off it is not owed any more
given_up as (
    select
        platform,
        account,
        related_order_id as order_id,
        sum(total_amount) as amount
    from orders
    where not is_booked and {{ is_return('order_type') }}
    group by all
),

joined as (
    select
        orders.*,
        coalesce(given_up.amount, 0) as given_up,
        tickets.how_many as tickets_held,
        products.how_many as products_held,
        coalesce(payments.in_other_currency, false) as in_other_currency,
        coalesce(payments.moved, 0) as moved,
        coalesce(payments.paid, 0) as paid,
        coalesce(payments.refunded, 0) as refunded,
        coalesce(payments.credit_redeemed, 0) as credit_redeemed,
        coalesce(payments.credit_issued, 0) as credit_issued,
        coalesce(credit_in_total.amount, 0) as credit_in_total
    from orders
    left join tickets on orders.order_key = tickets.order_key
    left join products on orders.order_key = products.order_key
    left join payments on orders.order_key = payments.order_key
    left join credit_in_total on orders.order_key = credit_in_total.order_key
    left join given_up
        on
            orders.platform = given_up.platform
            and orders.account = given_up.account
            and orders.order_id = given_up.order_id
)

select
    joined.order_key,
    joined.platform,
    joined.account,
    joined.order_id,
    {{ key(['joined.platform', 'joined.account', 'joined.related_order_id']) }} as related_order_key,
    joined.related_order_id,
    joined.order_type,
    joined.status,
    joined.is_booked,
    joined.payments_known,
    joined.channel,
    joined.ordered_at,
    case when joined.ordered_at is not null then days.local_day end as ordered_on,
    case when joined.is_booked then days.local_day end as booked_on,
    {{ key(['joined.platform', 'joined.account', 'joined.event_id']) }} as event_key,
    customers.customer_key,
    customers.person_key,
    {{ key(['joined.platform', 'joined.account', 'joined.agent_id']) }} as agent_key,
    joined.currency,
    joined.total_amount,
    joined.total_as_given,
    joined.service_charge_amount,
    joined.tax_amount,
    joined.tax_basis,
    joined.tip_amount,
    joined.discount_amount,
    case when joined.payments_known then {{ money('joined.paid') }} end as paid_amount,
    case when joined.payments_known then {{ money('joined.refunded') }} end as refunded_amount,
    case when joined.payments_known then {{ money('joined.credit_redeemed') }} end as credit_redeemed_amount,
    case when joined.payments_known then {{ money('joined.credit_issued') }} end as credit_issued_amount,
    case
        when not joined.payments_known or joined.in_other_currency then null
        -- nobody owes anything for an order that never came about
        when joined.status = 'cancelled' and joined.paid = 0 then 0
        when not joined.is_booked and {{ is_return('joined.order_type') }} then 0
        when {{ is_return('joined.order_type') }}
            then {{ money(wide('joined.total_amount') ~ ' - joined.moved + joined.credit_issued') }}
        else
            {{ money(
                wide('joined.total_amount') ~ ' + joined.given_up - joined.paid'
                ' - greatest(joined.credit_redeemed - joined.credit_in_total, 0)'
            ) }}
    end as balance_due,
    joined.platform_fee_amount,
    joined.promotion_code,
    joined.referral,
    joined.processor_reference,
    coalesce(joined.tickets_held, joined.tickets_count_as_given, 0) as tickets_count,
    joined.tickets_count_as_given,
    coalesce(joined.products_held, joined.products_count_as_given, 0) as products_count,
    joined.products_count_as_given,
    joined.first_seen_at
from joined
left join {{ ref('int_local_days') }} as days
    on
        joined.platform = days.platform
        and joined.account = days.account
        and {{ quarter_hour('coalesce(joined.ordered_at, joined.first_seen_at)') }} = days.quarter_hour
left join {{ ref('dim_customers') }} as customers
    on
        joined.platform = customers.platform
        and joined.account = customers.account
        and joined.customer_id = customers.customer_id
