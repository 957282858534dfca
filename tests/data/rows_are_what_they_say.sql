-- The platforms' helper models have one row per what their first line says: a join with one that has two doubles
-- money. All in one look, for each test costs every build. NULLs count as equal. A row here is a row that is doubled.
{% set grains = {
    'int_ticketor__invoices': ['account', 'invoice_id'],
    'int_ticketor__invoice_terms': ['account', 'invoice_id'],
    'int_ticketor__order_events': ['account', 'invoice_id'],
    'int_ticketor__order_payments': ['account', 'invoice_id'],
    'int_ticketor__priced_items': ['account', 'invoice_id', 'line_id'],
    'int_ticketor__product_kinds': ['account', 'product_id'],
    'int_ticketor__received_payments': ['account', 'payment_id'],
    'int_ticketor__refund_bases': ['account', 'invoice_id', 'line_kind', 'event_id'],
    'int_ticketor__returned_items': ['account', 'return_id', 'item', 'item_id'],
    'int_ticketor__sold_products': ['account', 'product_sale_id'],
    'int_ticketor__sold_tickets': ['account', 'invoice_id', 'ticket_id'],
    'int_ticket_tailor__line_classes': ['box_office', 'order_id', 'line_no'],
    'int_ticket_tailor__order_sums': ['box_office', 'order_id'],
    'int_ticket_tailor__order_versions': ['box_office', 'version_id'],
    'int_ticket_tailor__refund_movements': ['box_office', 'order_id', 'movement_id'],
    'int_ticket_tailor__sale_shares': ['box_office', 'order_id', 'line_id'],
} %}
{% for model, columns in grains.items() %}
    select
        '{{ model }}' as model,
        concat_ws(' ', {{ columns | join(', ') }}) as doubled,
        count(*) as how_many
    from {{ touched(model) if model.endswith(('__sold_tickets', '__sale_shares')) else ref(model) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
    {% if not loop.last %}union all{% endif %}
{% endfor %}
