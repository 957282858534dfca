-- Grain: one row per invoice that is no return: which reading of its own numbers makes its total. Whether a discount is in the
-- prices already, whether an invoice-level service charge comes on top of the tickets' and whether tax does, is documented nowhere.
with items as (
    select
        account,
        invoice_id,
        sum(goods) as goods,
        sum(fee) as fees,
        sum(delivery_fee) as delivery,
        sum(coalesce(tax, 0)) as product_tax,
        sum(greatest(goods, 0)) filter (where line_kind in ('ticket', 'product', 'membership')) as discountable
    from {{ ref('int_ticketor__sale_items') }}
    group by account, invoice_id
),

amounts as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.order_type,
        invoices.currency,
        invoices.total_amount as total,
        invoices.tip,
        invoices.tax,
        invoices.discount,
        coalesce(items.fees, 0) as fees,
        coalesce(items.delivery, 0) as delivery,
        coalesce(items.discountable, 0) as discountable,
        case when invoices.tax = 0 then coalesce(items.product_tax, 0) else 0 end as product_tax,
        case when invoices.service_charge <> coalesce(items.fees, 0) then invoices.service_charge else 0 end as charge,
        invoices.total_amount
        - coalesce(items.goods, 0) - coalesce(items.fees, 0) - coalesce(items.delivery, 0) - invoices.tip - invoices.tax
            as rest
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join items
        on invoices.account = items.account and invoices.invoice_id = items.invoice_id
    where not invoices.is_return
),

-- the first reading that leaves nothing over; NULL when none does
read as (
    select
        *,
        case
            when rest = -discount then 1
            when rest = charge - discount then 2
            when rest = 0 then 3
            when rest = charge then 4
            when rest = product_tax - discount then 5
            when rest = product_tax + charge - discount then 6
            when rest = product_tax then 7
            when rest = product_tax + charge then 8
        end as reading
    from amounts
),

used as (
    select
        *,
        case when coalesce(reading, 1) in (1, 2, 5, 6) then discount else 0 end as discount_used,
        case when reading in (2, 4, 6, 8) then charge else 0 end as charge_used,
        case when reading in (5, 6, 7, 8) then product_tax else tax end as tax_used,
        case when reading in (5, 6, 7, 8) then product_tax else 0 end as product_tax_used
    from read
)

select
    account,
    invoice_id,
    currency,
    cast(tip as decimal(18, 4)) as tip,
    {{ money('delivery') }} as delivery,
    {{ money('tax_used') }} as tax,
    {{ money('charge_used') }} as charge,
    {{ money('fees + charge_used') }} as buyer_fees,
    -- no price falls below zero: what the goods cannot carry stays a discount of the order
    {{ money('least(discount_used, discountable)') }} as discount_to_spread,
    {{ money('discount_used - least(discount_used, discountable)') }} as discount_left,
    reading is not null as adds_up,
    {{ money('rest + discount_used - charge_used - product_tax_used') }} as unexplained,
    case
        when tax_used <> 0 and reading is not null then 'exclusive'
        when tax <> 0 and rest + tax in (-discount, charge - discount, 0, charge) then 'inclusive'
        else 'unknown'
    end as tax_basis
from used
