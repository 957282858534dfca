-- Grain: one row per return and ticket or product sale that it gives back, with the sale that it was part of.
{{ config(schema='last_build') }}

with returns as (
    select *
    from {{ ref('int_ticketor__invoices') }}
    where is_return
),

items as (
    select
        tickets.account,
        tickets.parent_invoice_id,
        tickets.invoice_id,
        'ticket' as line_kind,
        'ticket' as item,
        tickets.ticket_id as item_id,
        cast(null as varchar) as product_id,
        tickets.event_id,
        coalesce(tickets.buy_price, tickets.sell_price - coalesce(tickets.service_charge, 0)) as goods,
        tickets.service_charge as fee,
        cast(1 as decimal(18, 4)) as quantity,
        cast(null as decimal(18, 4)) as returned_quantity,
        tickets.scanned_at,
        tickets.received_at,
        tickets.file,
        tickets.position,
        tickets.item_position,
        tickets.record_id
    from {{ distinct_deliveries('stg_ticketor__tickets') }} as tickets
    where tickets.ticket_id is not null
    union all
    select
        products.account,
        products.parent_invoice_id,
        products.invoice_id,
        case kinds.kind when 'merchandise' then 'product' else coalesce(kinds.kind, 'product') end as line_kind,
        'product' as item,
        products.product_sale_id as item_id,
        products.product_id,
        cast(null as varchar) as event_id,
        {{ goods_of_line() }} as goods,
        cast(null as decimal(18, 4)) as fee,
        products.quantity,
        products.returned_quantity,
        cast(null as timestamptz) as scanned_at,
        products.received_at,
        products.file,
        products.position,
        products.item_position,
        products.record_id
    from {{ distinct_deliveries('stg_ticketor__product_sales') }} as products
    left join {{ ref('int_ticketor__product_kinds') }} as kinds
        on products.account = kinds.account and products.product_id = kinds.product_id
    where products.product_sale_id is not null
),

-- inside a return, or in a message of its own that names one
listed as (
    select
        items.*,
        coalesce(parent.invoice_id, own.invoice_id) as return_id,
        coalesce(parent.related_invoice_id, own.related_invoice_id) as related_invoice_id,
        coalesce(parent.dated_at, own.dated_at) as returned_at
    from items
    left join returns as parent
        on items.account = parent.account and items.parent_invoice_id = parent.invoice_id
    left join returns as own
        on items.account = own.account and items.invoice_id = own.invoice_id
    where parent.invoice_id is not null or own.invoice_id is not null
),

newest as (
    select *
    from listed
    qualify
        row_number() over (
            partition by account, return_id, item, item_id
            order by received_at desc, file desc, position desc, item_position desc, record_id desc
        ) = 1
),

of_sales as (
    select
        *,
        -- the item's own invoice names the sale, where it is another one
        case when invoice_id <> return_id then invoice_id else related_invoice_id end as sale_id,
        count(*) over (partition by account, return_id, product_id) as lines_of_product
    from newest
),

-- a return may list a product under a line id of its own: it is the sale's line of that product, if there is but one
only_lines as (
    select
        account,
        invoice_id as sale_id,
        product_id,
        min(product_sale_id) as product_sale_id
    from {{ ref('int_ticketor__sold_products') }}
    where product_id is not null
    group by account, invoice_id, product_id
    having count(*) = 1
)

select
    items.account,
    items.return_id,
    items.item,
    coalesce(only_lines.product_sale_id, items.item_id) as item_id,
    items.sale_id,
    items.line_kind,
    items.event_id,
    abs(items.goods) as goods,
    abs(items.fee) as fee,
    -- how much of it came back, where the line says so; else all of the line
    coalesce(nullif(abs(items.returned_quantity), 0), abs(items.quantity)) as returned_quantity,
    items.scanned_at,
    items.returned_at
from of_sales as items
left join only_lines
    on
        items.account = only_lines.account
        and items.sale_id = only_lines.sale_id
        and case when items.invoice_id = items.return_id and items.lines_of_product = 1 then items.product_id end
        = only_lines.product_id
-- the line itself may be listed beside what is taken for it
qualify
    row_number() over (
        partition by items.account, items.return_id, items.item, coalesce(only_lines.product_sale_id, items.item_id)
        order by only_lines.product_sale_id nulls first, items.item_id
    ) = 1
