-- Ticket Tailor's models have the rows that they say: a join with one that has two doubles money. And every order and
-- ticket that a document has is one row of the unified shape, and only those are, with a total that some version has.
{% set order = 'order_id' %}
{% set ticket = 'coalesce(order_id, ticket_id)' %}
with staged_rows as (
    select
        account,
        order_id,
        'order' as item,
        order_id as id,
        cast(total * cast(1 as decimal(18, 4)) / base_multiplier as decimal(18, 4)) as amount
    from {{ touched('stg_ticket_tailor__orders') }}
    {% for tickets in ['issued_tickets', 'order_tickets'] %}
        union all
        select
            tickets.account,
            coalesce(tickets.order_id, tickets.ticket_id) as order_id,
            'ticket' as item,
            tickets.ticket_id as id,
            null as amount
        from {{ touched('stg_ticket_tailor__' ~ tickets) }} as tickets
        {% if tickets == 'order_tickets' and tt_has_webhooks('stg_ticket_tailor__orders') %}
            -- of a webhook that a read overrides there is no version
            semi join {{ tt_versions('stg_ticket_tailor__orders', 'order_id') }} as versions
                on tickets.version_id = versions.version_id
        {% endif %}
    {% endfor %}
),

held_rows as (
    select
        account,
        order_id,
        'order' as item,
        order_id as id,
        total_as_given as amount
    from {{ touched('int_ticket_tailor__orders') }}
    union all
    select
        account,
        coalesce(order_id, ticket_id) as order_id,
        'ticket' as item,
        ticket_id as id,
        null as amount
    from {{ touched('int_ticket_tailor__tickets') }}
),

{{ documents_in_doubt() }}

{{ documents_held_once('ticket_tailor') }}
{% for model, key, order_id, not_null, accepted in [
    ('order_versions', ['version_id'], order, [], {}),
    ('order_heads', ['order_id'], order, [], {}),
    ('ticket_heads', ['ticket_id'], ticket, [], {}),
    ('line_classes', ['order_id', 'line_no'], order, [], {'line_class': [
        'ticket', 'bundle', 'product', 'membership', 'donation', 'voucher', 'discount', 'buyer_fee', 'tax', 'void', 'other',
    ]}),
    ('order_sums', ['order_id'], order, [], {}),
    ('refund_movements', ['order_id', 'movement_id'], order, [], {}),
    ('sale_shares', ['order_id', 'line_id'], order, [], {}),
    ('orders', ['order_id'], order,
        ['order_id', 'order_type', 'status', 'is_booked', 'payments_known', 'channel', 'first_seen_at'], {}),
    ('tickets', ['ticket_id'], ticket, ['ticket_id', 'status', 'admission_kind', 'first_seen_at'], {}),
    ('product_sales', ['product_sale_id', 'order_id'], order,
        ['product_sale_id', 'order_id', 'kind', 'first_seen_at'], {}),
    ('payments', ['payment_id'], order,
        ['payment_id', 'paid_at_basis', 'kind', 'amount', 'credit_amount', 'first_seen_at'], {}),
    ('order_lines', ['order_id', 'line_id'], order, ['order_id', 'line_id', 'line_kind', 'amount'], {'line_kind': [
        'ticket', 'product', 'donation', 'membership', 'gift_card', 'buyer_fee', 'tax', 'discount', 'refund', 'credited',
    ]}),
    ('events', ['event_id'], 'null', ['event_id'], {}),
    ('products', ['product_id'], 'null', ['product_id'], {}),
    ('people', ['customer_id'], 'null', ['customer_id'], {}),
] %}
    union all
    {{ grain(
        'int_ticket_tailor__' ~ model, "'ticket_tailor'", ['account'] + key, order=order_id,
        not_null=not_null, accepted=accepted,
    ) }}
{% endfor %}
