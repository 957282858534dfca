-- Grain: one row per signed amount that an invoice charges; what is given back later is in int_ticketor__refund_lines.
with orders as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.order_type,
        invoices.currency,
        orders.event_id as order_event_id,
        terms.tip,
        terms.delivery,
        terms.tax,
        terms.charge,
        terms.discount_left,
        terms.unexplained
    from {{ ref('int_ticketor__invoices') }} as invoices
    inner join {{ ref('int_ticketor__invoice_terms') }} as terms
        on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
    left join {{ ref('int_ticketor__order_events') }} as orders
        on invoices.account = orders.account and invoices.invoice_id = orders.invoice_id
),

items as (
    select
        items.*,
        orders.currency,
        items.goods - coalesce(shares.discount_share, 0) as amount
    from {{ ref('int_ticketor__sale_items') }} as items
    inner join orders
        on items.account = orders.account and items.invoice_id = orders.invoice_id
    left join {{ ref('int_ticketor__discount_shares') }} as shares
        on items.account = shares.account
            and items.invoice_id = shares.invoice_id
            and items.line_id = shares.line_id
),

of_items as (
    select
        account,
        invoice_id,
        line_id,
        line_kind,
        event_id,
        ticket_id,
        product_sale_id,
        amount,
        tax as tax_amount,
        currency
    from items
    union all by name
    select
        account,
        invoice_id,
        'fee:' || ticket_id as line_id,
        'buyer_fee' as line_kind,
        event_id,
        ticket_id,
        fee as amount,
        currency
    from items
    where fee <> 0
),

of_orders as (
    select
        account,
        invoice_id,
        order_event_id as event_id,
        currency,
        unnest([
            {'line_id': 'service_charge', 'line_kind': 'buyer_fee', 'amount': charge},
            {'line_id': 'delivery', 'line_kind': 'delivery', 'amount': delivery},
            {'line_id': 'tip', 'line_kind': 'tip', 'amount': tip},
            {'line_id': 'tax', 'line_kind': 'tax', 'amount': tax},
            {'line_id': 'discount', 'line_kind': 'discount', 'amount': cast(-discount_left as decimal(18, 4))},
            -- an exchange charges the difference alone: what was paid for the tickets given up stands against the new ones
            {
                'line_id': 'exchange',
                'line_kind': 'ticket',
                'amount': case when order_type = 'exchange' then unexplained else 0 end
            }
        ], recursive := true)
    from orders
)

select * from of_items
union all by name
select * from of_orders
where amount <> 0
