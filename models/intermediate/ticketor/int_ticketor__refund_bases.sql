-- Grain: one row per return, or sale with a refund on it, and kind of line and event that its refunds give back,
-- with the weight of each.
with refunded as (
    select distinct
        payments.account,
        payments.order_id as invoice_id
    from {{ ref('int_ticketor__received_payments') }} as payments
    where payments.kind = 'refund'
    union
    select
        account,
        invoice_id
    from {{ ref('int_ticketor__invoices') }}
    where is_return
),

orders as (
    select
        refunded.account,
        refunded.invoice_id,
        case when invoices.is_return then invoices.related_invoice_id else invoices.invoice_id end as sale_id
    from refunded
    inner join {{ ref('int_ticketor__invoices') }} as invoices
        on refunded.account = invoices.account and refunded.invoice_id = invoices.invoice_id
),

-- every sale that something is given back of
sales as (
    select
        account,
        sale_id
    from orders
    union
    select
        account,
        sale_id
    from {{ ref('int_ticketor__returned_items') }}
),

lines as (
    select lines.*
    from {{ ref('int_ticketor__sale_lines') }} as lines
    inner join sales
        on lines.account = sales.account and lines.invoice_id = sales.sale_id
),

-- an item of a return: at what the sale charged for it, of three shirts one where one came back
of_items as (
    select
        items.account,
        items.return_id as invoice_id,
        coalesce(lines.line_kind, items.line_kind) as line_kind,
        coalesce(lines.event_id, items.event_id) as event_id,
        case
            when lines.line_id is null then items.goods
            when items.returned_quantity < products.quantity
                then {{ money(wide('lines.amount') ~ ' * items.returned_quantity / products.quantity') }}
            else lines.amount
        end as weight,
        case when lines.line_id is null then items.fee end as fee
    from {{ ref('int_ticketor__returned_items') }} as items
    left join {{ ref('int_ticketor__sold_products') }} as products
        on
            items.account = products.account
            and items.item_id = products.product_sale_id
            and items.item = 'product'
    left join lines
        on
            items.account = lines.account
            and coalesce(products.invoice_id, items.sale_id) = lines.invoice_id
            and items.item_id = case items.item when 'ticket' then lines.ticket_id else lines.product_sale_id end
),

weights as (
    select
        account,
        invoice_id,
        1 as basis,
        line_kind,
        event_id,
        weight
    from of_items
    union all
    select
        account,
        invoice_id,
        1 as basis,
        'buyer_fee' as line_kind,
        event_id,
        fee as weight
    from of_items
    where fee > 0
    union all
    -- nothing listed: all that the sale charged
    select
        orders.account,
        orders.invoice_id,
        2 as basis,
        lines.line_kind,
        lines.event_id,
        lines.amount as weight
    from orders
    inner join lines
        on orders.account = lines.account and orders.sale_id = lines.invoice_id
),

summed as (
    select
        account,
        invoice_id,
        basis,
        line_kind,
        event_id,
        {{ money('sum(greatest(weight, 0))') }} as weight
    from weights
    group by account, invoice_id, basis, line_kind, event_id
)

select
    account,
    invoice_id,
    line_kind,
    event_id,
    weight
from summed
where weight > 0
qualify basis = min(basis) over (partition by account, invoice_id)
