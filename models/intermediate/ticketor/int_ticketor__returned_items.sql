-- Grain: one row per item that a return lists (the return, and what it gives back), with the sale it gives back.
with items as (
    select
        account,
        parent_invoice_id,
        invoice_id,
        'ticket' as item,
        ticket_id as item_id,
        event_id,
        null as product_id,
        coalesce(buy_price, sell_price - coalesce(service_charge, 0)) as goods,
        service_charge as fee,
        1 as quantity,
        null as returned_quantity,
        scanned_at,
        received_at,
        file,
        position,
        item_position,
        record_id
    from {{ ref('stg_ticketor__tickets') }}
    where ticket_id is not null
    union all by name
    select
        account,
        parent_invoice_id,
        invoice_id,
        'product' as item,
        product_sale_id as item_id,
        product_id,
        {{ money('coalesce(quantity, 0) * coalesce(unit_price, 0) - coalesce(discount, 0)') }} as goods,
        quantity,
        returned_quantity,
        received_at,
        file,
        position,
        item_position,
        record_id
    from {{ ref('stg_ticketor__product_sales') }}
    where product_sale_id is not null
),

-- inside a return invoice, or a record of its own that names one
listed as (
    select
        items.*,
        returns.invoice_id as return_id,
        returns.related_invoice_id,
        returns.ordered_at as returned_at
    from items
    inner join {{ ref('int_ticketor__invoices') }} as returns
        on items.account = returns.account
            and coalesce(items.parent_invoice_id, items.invoice_id) = returns.invoice_id
            and returns.is_return
),

versions as (
    select
        *,
        row_number() over (
            partition by account, return_id, item, item_id
            order by received_at desc, file desc, position desc, item_position desc, record_id desc
        ) as recency
    from listed
)

select
    account,
    return_id,
    item,
    item_id,
    -- the item's own invoice names the sale, if it is another one
    case when invoice_id <> return_id then invoice_id else related_invoice_id end as sale_id,
    event_id,
    abs(goods) as goods,
    abs(fee) as fee,
    -- the quantity of the line, or how much of it came back, where the line says so
    coalesce(nullif(abs(returned_quantity), 0), abs(quantity)) as returned_quantity,
    scanned_at,
    returned_at
from versions
where recency = 1
