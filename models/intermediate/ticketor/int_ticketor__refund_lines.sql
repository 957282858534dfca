-- Grain: one row per signed amount given back: of a refund payment, or of a return whose payments nobody told us, spread over
-- what it gives back.
with refunds as (
    select
        payments.account,
        payments.order_id,
        'refund:' || payments.payment_id as refund_id,
        payments.amount,
        payments.paid_at as booked_at,
        payments.paid_at_basis as date_basis,
        payments.currency
    from {{ ref('int_ticketor__received_payments') }} as payments
    where payments.kind = 'refund' and payments.amount <> 0
    union all by name
    select
        invoices.account,
        invoices.invoice_id as order_id,
        'refund' as refund_id,
        invoices.total_amount as amount,
        coalesce(invoices.ordered_at, invoices.first_seen_at) as booked_at,
        case when invoices.ordered_at is null then 'first_seen' else 'platform' end as date_basis,
        invoices.currency
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join {{ ref('int_ticketor__order_payments') }} as paid
        on invoices.account = paid.account and invoices.invoice_id = paid.order_id
    where invoices.is_return
        and not invoices.details_seen
        and paid.order_id is null
        and invoices.total_amount <> 0
),

orders as (
    select
        refunds.*,
        invoices.is_return,
        case when invoices.is_return then invoices.related_invoice_id else invoices.invoice_id end as sale_id
    from refunds
    inner join {{ ref('int_ticketor__invoices') }} as invoices
        on refunds.account = invoices.account and refunds.order_id = invoices.invoice_id
),

-- what the return lists, at what the sale charged for it
of_tickets as (
    select
        items.account,
        items.return_id as order_id,
        lines.line_kind,
        lines.event_id,
        lines.amount as weight
    from {{ ref('int_ticketor__returned_items') }} as items
    inner join {{ ref('int_ticketor__sale_lines') }} as lines
        on items.account = lines.account
            and items.sale_id = lines.invoice_id
            and items.item_id = lines.ticket_id
    where items.item = 'ticket'
),

of_products as (
    select
        items.account,
        items.return_id as order_id,
        lines.line_kind,
        lines.event_id,
        -- of three shirts one may come back
        case
            when items.returned_quantity < products.quantity
                then cast(lines.amount * items.returned_quantity / products.quantity as decimal(18, 4))
            else lines.amount
        end as weight
    from {{ ref('int_ticketor__returned_items') }} as items
    inner join {{ ref('int_ticketor__sold_products') }} as products
        on items.account = products.account and items.item_id = products.product_sale_id
    inner join {{ ref('int_ticketor__sale_lines') }} as lines
        on products.account = lines.account
            and products.invoice_id = lines.invoice_id
            and products.product_sale_id = lines.product_sale_id
    where items.item = 'product'
),

-- nothing known of the sale: at what the return says of its items
of_strangers as (
    select
        items.account,
        items.return_id as order_id,
        items.event_id,
        unnest([
            {
                'line_kind': case items.item when 'product' then 'product' else 'ticket' end,
                'weight': items.goods
            },
            {'line_kind': 'buyer_fee', 'weight': items.fee}
        ], recursive := true)
    from {{ ref('int_ticketor__returned_items') }} as items
    where not exists (
        select 1
        from {{ ref('int_ticketor__sale_lines') }} as lines
        where lines.account = items.account
            and lines.invoice_id = items.sale_id
    )
),

of_sales as (
    select
        orders.account,
        orders.order_id,
        orders.refund_id,
        lines.line_kind,
        lines.event_id,
        lines.amount as weight
    from orders
    inner join {{ ref('int_ticketor__sale_lines') }} as lines
        on orders.account = lines.account and orders.sale_id = lines.invoice_id
),

listed as (
    select * from of_tickets
    union all by name
    select * from of_products
    union all by name
    select * from of_strangers
),

-- the first basis that weighs anything
bases as (
    select
        orders.account,
        orders.refund_id,
        orders.order_id,
        1 as basis,
        listed.line_kind,
        listed.event_id,
        sum(greatest(listed.weight, 0)) as weight
    from orders
    inner join listed
        on orders.account = listed.account and orders.order_id = listed.order_id
    where orders.is_return
    group by all
    having sum(greatest(listed.weight, 0)) > 0
    union all by name
    select
        account,
        refund_id,
        order_id,
        2 as basis,
        line_kind,
        event_id,
        sum(greatest(weight, 0)) as weight
    from of_sales
    group by all
    having sum(greatest(weight, 0)) > 0
),

weighed as (
    select *
    from bases
    qualify basis = min(basis) over (partition by account, order_id, refund_id)
),

parts as (
    select
        orders.account,
        orders.order_id,
        orders.refund_id,
        orders.amount,
        orders.currency,
        orders.booked_at,
        orders.date_basis,
        coalesce(weighed.line_kind, 'unexplained') as refund_of,
        weighed.event_id,
        coalesce(weighed.weight, 1) as weight,
        sum(coalesce(weighed.weight, 1)) over (
            partition by orders.account, orders.order_id, orders.refund_id, weighed.line_kind
        ) as kind_weight,
        row_number() over (
            partition by orders.account, orders.order_id, orders.refund_id, weighed.line_kind
            order by weighed.event_id nulls last
        ) as place
    from orders
    left join weighed
        on orders.account = weighed.account
            and orders.order_id = weighed.order_id
            and orders.refund_id = weighed.refund_id
),

-- over the kinds first, then over the events of a kind
kinds as (
    {{ spread(
        'parts',
        amount=minor_units_of('amount', 'currency'),
        weight='case when place = 1 then cast(kind_weight * 10000 as bigint) end',
        partition_by='account, order_id, refund_id',
        order_by='refund_of, place',
        share='kind_share'
    ) }}
),

of_kinds as (
    select
        *,
        sum(kind_share) over (partition by account, order_id, refund_id, refund_of) as kind_amount
    from kinds
),

shares as (
    {{ spread(
        'of_kinds',
        amount='kind_amount',
        weight='cast(weight * 10000 as bigint)',
        partition_by='account, order_id, refund_id, refund_of',
        order_by='place',
        share='minor_share'
    ) }}
)

select
    account,
    order_id as invoice_id,
    refund_id || ':' || refund_of || coalesce(':' || event_id, '') as line_id,
    refund_of,
    event_id,
    {{ from_minor_units('minor_share', multiplier_of('amount', 'currency')) }} as amount,
    currency,
    booked_at,
    date_basis
from shares
where minor_share <> 0
