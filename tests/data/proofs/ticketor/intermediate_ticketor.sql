-- Ticketor's models have the rows that they say: a join with one that has two doubles money. And every id that a
-- document has is one row of the unified shape, and only those are, with an amount that some version of it has.
{% set invoice = "coalesce(invoice_id, '')" %}
{% set order = "coalesce(order_id, '')" %}
with returns as (
    select
        account,
        order_id as invoice_id
    from {{ touched('int_ticketor__orders') }}
    where {{ is_return('order_type') }}
),

-- what a return lists as its own is no sale; what it lists of another invoice is one, even if it is listed nowhere else
items as (
    select
        account,
        invoice_id,
        'ticket' as item,
        coalesce(invoice_id, '') || ' ' || ticket_id as id,
        sell_price as amount
    from {{ distinct_deliveries('stg_ticketor__tickets') }}
    where ticket_id is not null
    union all
    select
        account,
        invoice_id,
        'product sale' as item,
        product_sale_id as id,
        unit_price as amount
    from {{ distinct_deliveries('stg_ticketor__product_sales') }}
    where product_sale_id is not null
),

staged_rows as (
    select
        account,
        invoice_id as order_id,
        'order' as item,
        invoice_id as id,
        total as amount
    from {{ distinct_deliveries('stg_ticketor__invoices') }}
    where invoice_id is not null
    union all
    select
        account,
        invoice_id as order_id,
        'payment' as item,
        payment_id as id,
        amount
    from {{ distinct_deliveries('stg_ticketor__payments') }}
    where payment_id is not null
    union all
    select
        items.account,
        items.invoice_id as order_id,
        items.item,
        items.id,
        items.amount
    from items
    anti join returns on items.account = returns.account and items.invoice_id = returns.invoice_id
),

held_rows as (
    select
        account,
        order_id,
        'order' as item,
        order_id as id,
        total_as_given as amount
    from {{ touched('int_ticketor__orders') }}
    union all
    -- a return that gave credit has a movement of its own, which no document has
    select
        account,
        order_id,
        'payment' as item,
        payment_id as id,
        amount_as_given as amount
    from {{ touched('int_ticketor__payments') }}
    where payment_id not like '%:credit'
    union all
    select
        account,
        order_id,
        'ticket' as item,
        coalesce(order_id, '') || ' ' || ticket_id as id,
        price_paid as amount
    from {{ touched('int_ticketor__tickets') }}
    union all
    select
        account,
        order_id,
        'product sale' as item,
        product_sale_id as id,
        unit_price as amount
    from {{ touched('int_ticketor__product_sales') }}
),

{{ documents_in_doubt() }}

{{ documents_held_once('ticketor') }}
{% for model, key, order_id, not_null in [
    ('invoices', ['invoice_id'], invoice, []),
    ('invoice_terms', ['invoice_id'], invoice, []),
    ('priced_items', ['invoice_id', 'line_id'], invoice, []),
    ('received_payments', ['payment_id'], order, []),
    ('returned_items', ['return_id', 'item', 'item_id'], "coalesce(return_id, '')", []),
    ('sold_products', ['product_sale_id'], invoice, []),
    ('sold_tickets', ['invoice_id', 'ticket_id'], invoice, []),
    ('orders', ['order_id'], order, ['order_type', 'status', 'is_booked', 'payments_known', 'channel', 'first_seen_at']),
    ('tickets', ['order_id', 'ticket_id'], order, ['ticket_id', 'status', 'admission_kind', 'first_seen_at']),
    ('product_sales', ['product_sale_id'], order, ['product_sale_id', 'kind', 'first_seen_at']),
    ('payments', ['payment_id'], order,
        ['payment_id', 'paid_at', 'paid_at_basis', 'kind', 'amount', 'credit_amount', 'first_seen_at']),
    ('order_lines', ['order_id', 'line_id'], order, ['order_id', 'line_id', 'line_kind', 'amount']),
    ('product_kinds', ['product_id'], 'null', []),
    ('events', ['event_id'], 'null', []),
    ('products', ['product_id'], 'null', []),
    ('people', ['customer_id'], 'null', []),
] %}
    union all
    {{ grain('int_ticketor__' ~ model, "'ticketor'", ['account'] + key, order=order_id, not_null=not_null) }}
{% endfor %}
union all
{{ grain('int_ticketor__repeats', "'ticketor'", ['record_id', 'given_id'], order='null', account='null') }}
