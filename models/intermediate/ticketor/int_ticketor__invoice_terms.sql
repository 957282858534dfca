-- Grain: one row per invoice that is no return: which reading of its own numbers makes its total. Whether the
-- discount is in the prices already, and whether a service charge of the invoice comes on top of its tickets', is
-- documented nowhere.
with items as (
    select
        account,
        invoice_id,
        sum(goods) as goods,
        sum(fee) as fees,
        sum(goods_sold) as goods_sold,
        sum(fee_sold) as fees_sold,
        sum(delivery_fee) as delivery,
        sum(coalesce(tax, 0)) as product_tax,
        sum(greatest(goods, 0)) filter (where line_kind in ('ticket', 'product', 'membership')) as discountable,
        sum(greatest(goods_sold, 0)) filter (
            where line_kind in ('ticket', 'product', 'membership')
        ) as discountable_sold
    from {{ ref('int_ticketor__sale_items') }}
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
        coalesce(items.fees, 0) as fees,
        coalesce(items.fees_sold, 0) as fees_sold,
        coalesce(items.delivery, 0) as delivery,
        coalesce(items.discountable, 0) as discountable,
        coalesce(items.discountable_sold, 0) as discountable_sold,
        -- tax that only the products' lines tell
        case when coalesce(invoices.tax, 0) = 0 then coalesce(items.product_tax, 0) else 0 end as product_tax,
        -- a charge of the invoice that is not the sum of its tickets'
        case when invoices.service_charge <> coalesce(items.fees, 0) then invoices.service_charge else 0 end as charge,
        invoices.total_amount - coalesce(invoices.tip, 0) - coalesce(invoices.tax, 0) - coalesce(items.delivery, 0)
            as left_for_goods,
        coalesce(items.goods, 0) + coalesce(items.fees, 0) as goods_and_fees,
        coalesce(items.goods_sold, 0) + coalesce(items.fees_sold, 0) as goods_and_fees_sold
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join items
        on invoices.account = items.account and invoices.invoice_id = items.invoice_id
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
)

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
