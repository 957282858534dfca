-- Grain: one row per invoice that has come, or that something sold names. Whether it counts as sold, by its payments;
-- the one event of its tickets; and of one that is no return, which reading of its own numbers makes its total.
-- Whether the discount is in the prices already, and whether a service charge of the invoice comes on top of its
-- tickets', is documented nowhere.
{{ config(schema='last_build') }}

with payments as (
    select
        payments.account,
        payments.order_id,
        count(*) as payments,
        bool_or(payments.kind in ('refund', 'credit_issued')) as gave_back,
        bool_or(
            payments.kind in ('capture', 'credit_redeemed') and payments.amount + payments.credit_amount > 0
        ) as brought_in,
        bool_or(
            payments.currency <> invoices.currency and payments.amount + payments.credit_amount <> 0
        ) as in_other_currency,
        -- amounts of two currencies are never added up
        sum(payments.amount + payments.credit_amount) filter (
            where payments.kind in ('capture', 'credit_redeemed')
            and payments.currency is not distinct from invoices.currency
        ) as paid
    from {{ ref('int_ticketor__received_payments') }} as payments
    left join {{ ref('int_ticketor__invoices') }} as invoices
        on payments.account = invoices.account and payments.order_id = invoices.invoice_id
    group by payments.account, payments.order_id
),

-- a payment that came under two invoices is counted for one, but neither was left unpaid
paid_by_name as (
    select distinct
        account,
        unnest([lowest_invoice_id, highest_invoice_id]) as invoice_id
    from {{ ref('int_ticketor__received_payments') }}
    where
        lowest_invoice_id <> highest_invoice_id
        and (amount > 0 or (kind = 'credit_redeemed' and credit_amount > 0))
),

invoices as (
    select
        invoices.*,
        coalesce(payments.gave_back, false) as gave_back,
        coalesce(payments.payments, 0) as payments,
        invoices.details_seen or payments.payments is not null as payments_known,
        coalesce(payments.paid, 0) as paid,
        coalesce(payments.in_other_currency, false) as in_other_currency,
        -- nothing paid, in money or credit, on an invoice whose payments are known: seats held, not sold
        (
            invoices.is_return
            or not (invoices.details_seen or payments.payments is not null)
            or coalesce(invoices.total_amount = 0, false)
            or coalesce(payments.brought_in, false)
            or paid_by_name.invoice_id is not null
        ) as is_booked
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join payments
        on invoices.account = payments.account and invoices.invoice_id = payments.order_id
    left join paid_by_name
        on invoices.account = paid_by_name.account and invoices.invoice_id = paid_by_name.invoice_id
),

-- nothing was paid, so nothing is given back: the return takes what is owed off its sale, and no more
given_up as (
    select
        returns.account,
        returns.invoice_id,
        sales.invoice_id as sale_id,
        -returns.total_amount as amount
    from invoices as returns
    inner join invoices as sales
        on returns.account = sales.account and returns.related_invoice_id = sales.invoice_id
    where returns.is_return and not returns.gave_back and not sales.is_booked
),

given_up_of_sales as (
    select
        account,
        sale_id,
        sum(amount) as amount
    from given_up
    group by account, sale_id
),

items as (
    select
        account,
        invoice_id,
        event_id,
        goods,
        fee,
        goods_sold,
        fee_sold,
        true as bears_discount
    from {{ touched('int_ticketor__sold_tickets') }}
    where invoice_id is not null
    union all by name
    select
        account,
        invoice_id,
        line_amount as goods,
        line_amount as goods_sold,
        delivery_fee,
        tax,
        line_kind in ('ticket', 'product', 'membership') as bears_discount
    from {{ ref('int_ticketor__sold_products') }}
    where invoice_id is not null
),

sold as (
    select
        account,
        invoice_id,
        case when min(event_id) = max(event_id) then min(event_id) end as event_id,
        sum(goods) as goods,
        sum(fee) as fees,
        sum(goods_sold) as goods_sold,
        sum(fee_sold) as fees_sold,
        sum(delivery_fee) as delivery,
        sum(tax) as product_tax,
        sum(greatest(goods, 0)) filter (where bears_discount) as discountable,
        sum(greatest(goods_sold, 0)) filter (where bears_discount) as discountable_sold
    from items
    group by account, invoice_id
),

amounts as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.currency,
        coalesce(invoices.tip, 0) as tip,
        coalesce(invoices.tax, 0) as tax,
        invoices.discount,
        invoices.service_charge,
        coalesce(sold.fees, 0) as fees,
        coalesce(sold.fees_sold, 0) as fees_sold,
        coalesce(sold.delivery, 0) as delivery,
        coalesce(sold.discountable, 0) as discountable,
        coalesce(sold.discountable_sold, 0) as discountable_sold,
        -- tax that only the products' lines name
        case when coalesce(invoices.tax, 0) = 0 then coalesce(sold.product_tax, 0) else 0 end as product_tax,
        -- a charge of the invoice that is not the sum of its tickets'
        case when invoices.service_charge <> coalesce(sold.fees, 0) then invoices.service_charge else 0 end as charge,
        invoices.total_amount - coalesce(invoices.tip, 0) - coalesce(invoices.tax, 0) - coalesce(sold.delivery, 0)
            as left_for_goods,
        coalesce(sold.goods, 0) + coalesce(sold.fees, 0) as goods_and_fees,
        coalesce(sold.goods_sold, 0) + coalesce(sold.fees_sold, 0) as goods_and_fees_sold
    from invoices
    left join sold
        on invoices.account = sold.account and invoices.invoice_id = sold.invoice_id
    where not invoices.is_return
),

-- what is left of the total beyond the goods must be one of these sums
rests as (
    select
        *,
        left_for_goods - goods_and_fees as rest,
        left_for_goods - goods_and_fees_sold as rest_sold
    from amounts
),

readings as (
    select
        *,
        {{ ticketor_reading('rest') }} as reading,
        {{ ticketor_reading('rest_sold') }} as reading_sold
    from rests
),

-- the first that fits; by what the tickets were sold for only where their prices do not fit at all
chosen as (
    select
        *,
        reading is null and reading_sold is not null as by_sell_price,
        coalesce(reading, reading_sold) as chosen_reading
    from readings
),

used as (
    select
        *,
        case when coalesce(chosen_reading, 1) in (1, 2, 5, 6) then discount else 0 end as discount_used,
        case when chosen_reading in (2, 4, 6, 8) then charge else 0 end as charge_used,
        case when chosen_reading in (5, 6, 7, 8) then product_tax else 0 end as product_tax_used,
        case when by_sell_price then rest_sold else rest end as rest_used,
        case when by_sell_price then fees_sold else fees end as fees_used,
        case when by_sell_price then discountable_sold else discountable end as discountable_used
    from chosen
),

terms as (
    select
        account,
        invoice_id,
        currency,
        by_sell_price,
        chosen_reading is not null as adds_up,
        tip,
        {{ money('delivery') }} as delivery,
        {{ money('tax + product_tax_used') }} as tax,
        {{ money('charge_used') }} as service_charge,
        -- where nothing adds up: what the invoice says, else what its tickets say
        {{ money('case when chosen_reading is null and charge <> 0 then charge else fees_used + charge_used end') }}
            as buyer_fees,
        -- no price falls below zero: what the goods cannot carry stays a discount of the whole order
        {{ money('least(discount_used, discountable_used)') }} as discount_to_spread,
        {{ money('discount_used - least(discount_used, discountable_used)') }} as discount_left,
        {{ money('rest_used + discount_used - charge_used - product_tax_used') }} as unexplained,
        case
            when chosen_reading is null and tax <> 0 and rest + tax in (-discount, charge - discount, 0, charge)
                then 'inclusive'
            when chosen_reading is not null and tax + product_tax_used <> 0 then 'exclusive'
            else 'unknown'
        end as tax_basis
    from used
)

select
    coalesce(invoices.account, sold.account) as account,
    coalesce(invoices.invoice_id, sold.invoice_id) as invoice_id,
    sold.event_id,
    invoices.payments,
    invoices.payments_known,
    invoices.paid,
    invoices.in_other_currency,
    invoices.is_booked and given_up.invoice_id is null as is_booked,
    coalesce(given_up_of_sales.amount >= invoices.total_amount, false) as is_given_up,
    terms.* exclude (account, invoice_id)
from invoices
full outer join sold
    on invoices.account = sold.account and invoices.invoice_id = sold.invoice_id
left join given_up
    on invoices.account = given_up.account and invoices.invoice_id = given_up.invoice_id
left join given_up_of_sales
    on invoices.account = given_up_of_sales.account and invoices.invoice_id = given_up_of_sales.sale_id
left join terms
    on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
