-- Grain: one row per signed amount of an invoice: what it charged, and what it or a return gave back. What was given
-- back, as money or credit by a payment, or by a return whose payments are not known, is spread over the kinds of what
-- it gives back, then over the events of each kind.
{{ config(materialized='touched') }}

with payments_back as (
    select
        account,
        order_id as invoice_id,
        case kind when 'refund' then 'refund' else 'credited' end as line_kind,
        case kind when 'refund' then 'refund:' else 'credit:' end || payment_id as refund_id,
        cast(amount - credit_amount as decimal(18, 4)) as amount,
        paid_at as booked_at,
        paid_at_basis as date_basis,
        currency
    from {{ touched('int_ticketor__payments') }}
    where kind in ('refund', 'credit_issued')
),

refunds as (
    select payments_back.*
    from payments_back
    semi join {{ ref('int_ticketor__invoices') }} as invoices
        on payments_back.account = invoices.account and payments_back.invoice_id = invoices.invoice_id
    where payments_back.amount <> 0
    union all by name
    select
        invoices.account,
        invoices.invoice_id,
        'refund' as line_kind,
        'refund' as refund_id,
        invoices.total_amount as amount,
        invoices.dated_at as booked_at,
        invoices.date_basis,
        invoices.currency
    from {{ ref('int_ticketor__invoices') }} as invoices
    inner join {{ ref('int_ticketor__invoice_terms') }} as terms
        on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
    where
        invoices.is_return
        and terms.is_booked
        and not terms.payments_known
        and invoices.total_amount <> 0
),

-- returns, and sales with a payment back on them
orders as (
    select
        account,
        invoice_id,
        case when is_return then related_invoice_id else invoice_id end as sale_id
    from {{ ref('int_ticketor__invoices') }}
    where
        is_return
        or (account, invoice_id) in (select (payments_back.account, payments_back.invoice_id) from payments_back)
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

lines_of_items as (
    select
        *,
        'ticket' as item,
        ticket_id as item_id
    from lines
    where ticket_id is not null
    union all
    select
        *,
        'product' as item,
        product_sale_id as item_id
    from lines
    where product_sale_id is not null
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
            and case items.item when 'product' then items.item_id end = products.product_sale_id
    left join lines_of_items as lines
        on
            items.account = lines.account
            and coalesce(products.invoice_id, items.sale_id) = lines.invoice_id
            and items.item = lines.item
            and items.item_id = lines.item_id
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
),

-- what a return lists counts, and all of its sale only where it lists nothing
bases as (
    select *
    from summed
    where weight > 0
    qualify basis = min(basis) over (partition by account, invoice_id)
),

parts as (
    select
        refunds.*,
        coalesce(bases.line_kind, 'unexplained') as refund_of,
        bases.event_id,
        coalesce(bases.weight, 1) as weight,
        row_number() over (
            partition by refunds.account, refunds.invoice_id, refunds.refund_id, bases.line_kind
            order by bases.event_id asc nulls last
        ) as place
    from refunds
    left join bases
        on refunds.account = bases.account and refunds.invoice_id = bases.invoice_id
),

-- a kind weighs what its events weigh, and is weighed in its first row
weighed as (
    select
        *,
        case
            when place = 1
                then sum(weight) over (partition by account, invoice_id, refund_id, refund_of)
        end as kind_weight
    from parts
),

kinds as (
    {{ spread(
        'weighed',
        amount=minor_units_of('amount', 'currency'),
        weight=ten_thousandths('kind_weight'),
        partition_by='account, invoice_id, refund_id',
        order_by='refund_of, place',
        share='kind_share'
    ) }}
),

kind_shares as (
    select
        *,
        sum(kind_share) over (partition by account, invoice_id, refund_id, refund_of) as kind_amount
    from kinds
),

events as (
    {{ spread(
        'kind_shares',
        amount='kind_amount',
        weight=ten_thousandths('weight'),
        partition_by='account, invoice_id, refund_id, refund_of',
        order_by='place',
        share='minor_share'
    ) }}
),

-- tax inside what a sale charged for, of each kind, where all of it is known to hold none
untaxed as (
    select
        account,
        invoice_id,
        line_kind
    from lines
    group by account, invoice_id, line_kind
    having count(*) = count(tax_amount) and max(abs(tax_amount)) = 0
),

refund_lines as (
    select
        events.account,
        events.invoice_id,
        events.refund_id || ':' || events.refund_of || coalesce(':' || events.event_id, '') as line_id,
        events.line_kind,
        events.refund_of,
        events.event_id,
        {{ from_minor_units('events.minor_share', multiplier_of('events.amount', 'events.currency')) }} as amount,
        case
            when events.refund_of = 'tax'
                then {{ from_minor_units('events.minor_share', multiplier_of('events.amount', 'events.currency')) }}
            when untaxed.invoice_id is not null then 0
        end as tax_amount,
        events.currency,
        events.booked_at,
        events.date_basis
    from events
    inner join orders on events.account = orders.account and events.invoice_id = orders.invoice_id
    left join untaxed
        on
            orders.account = untaxed.account
            and orders.sale_id = untaxed.invoice_id
            and events.refund_of = untaxed.line_kind
    where events.minor_share <> 0
),

order_lines as (
    select * from {{ ref('int_ticketor__sale_lines') }}
    union all by name
    select * from refund_lines
)

select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    line_id,
    event_id,
    ticket_id,
    product_sale_id,
    line_kind,
    refund_of,
    cast(amount as decimal(18, 4)) as amount,
    tax_amount,
    currency,
    booked_at,
    date_basis
from order_lines
-- a line that costs more than an amount can be stays in the order's unexplained rest
where amount is not null
