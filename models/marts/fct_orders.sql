-- One row per order: Ticketor's invoice, Ticket Tailor's order.
{{ config(materialized='touched') }}

with orders as {{ kept() }} (
    select * from {{ touched_of_both('orders') }}
),

tickets as (
    select
        platform,
        account,
        order_id,
        count(*) as how_many
    from {{ touched_of_both('tickets') }}
    group by all
),

products as (
    select
        platform,
        account,
        order_id,
        count(*) as how_many
    from {{ touched_of_both('product_sales') }}
    group by all
),

of_orders as (
    select
        payments.*,
        coalesce(payments.currency <> orders.currency, false) as is_foreign
    from {{ touched_of_both('payments') }} as payments
    inner join orders
        on
            payments.platform = orders.platform
            and payments.account = orders.account
            and payments.order_id = orders.order_id
),

-- amounts of two currencies are never added up
payments as (
    select
        platform,
        account,
        order_id,
        bool_or(is_foreign and amount + credit_amount <> 0) as in_other_currency,
        sum(amount) filter (where not is_foreign) as moved,
        sum(amount) filter (where kind = 'capture' and not is_foreign) as paid,
        sum(-amount) filter (where kind = 'refund' and not is_foreign) as refunded,
        sum(credit_amount) filter (where kind = 'credit_redeemed' and not is_foreign) as credit_redeemed,
        sum(credit_amount) filter (where kind = 'credit_issued' and not is_foreign) as credit_issued
    from of_orders
    group by all
),

-- returns of an order that was not paid give nothing back: what they take off it is not owed any more
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
        coalesce(payments.credit_issued, 0) as credit_issued
    from orders
    left join tickets
        on
            orders.platform = tickets.platform
            and orders.account = tickets.account
            and orders.order_id = tickets.order_id
    left join products
        on
            orders.platform = products.platform
            and orders.account = products.account
            and orders.order_id = products.order_id
    left join payments
        on
            orders.platform = payments.platform
            and orders.account = payments.account
            and orders.order_id = payments.order_id
    left join given_up
        on
            orders.platform = given_up.platform
            and orders.account = given_up.account
            and orders.order_id = given_up.order_id
)

select
    {{ key(['joined.platform', 'joined.account', 'joined.order_id']) }} as order_key,
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
    {{ account_day('joined.ordered_at', 'zones') }} as ordered_on,
    case
        when joined.is_booked then {{ account_day('coalesce(joined.ordered_at, joined.first_seen_at)', 'zones') }}
    end as booked_on,
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
        -- nothing is owed for an order that never came about
        when joined.status = 'cancelled' and joined.paid = 0 then 0
        when not joined.is_booked and {{ is_return('joined.order_type') }} then 0
        when {{ is_return('joined.order_type') }}
            then {{ money(wide('joined.total_amount') ~ ' - joined.moved + joined.credit_issued') }}
        else
            {{ money(
                wide('joined.total_amount') ~ ' + joined.given_up - joined.paid - joined.credit_redeemed'
            ) }}
    end as balance_due,
    joined.platform_fee_amount,
    joined.ticketing_fee_amount,
    joined.protection_fee_amount,
    joined.ad_fee_amount,
    joined.processing_fee_amount,
    joined.delivery_fee_amount,
    joined.promotion_code,
    joined.referral,
    joined.processor_reference,
    coalesce(joined.tickets_held, joined.tickets_count_as_given, 0) as tickets_count,
    joined.tickets_count_as_given,
    coalesce(joined.products_held, joined.products_count_as_given, 0) as products_count,
    joined.products_count_as_given,
    joined.first_seen_at,
    joined.last_heard_at
from joined
left join {{ ref('int_reporting_zones') }} as zones
    on joined.platform = zones.platform and joined.account = zones.account
left join {{ ref('dim_customers') }} as customers
    on
        joined.platform = customers.platform
        and joined.account = customers.account
        and joined.customer_id = customers.customer_id
