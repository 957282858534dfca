-- Staging keeps every document of Ticketor once, and finds the keys that it was let in for.
{% set order = "coalesce(invoice_id, '')" %}
{{ grain('stg_ticketor__records', "'ticketor'", ['record_id'], order='null', not_null=['record_id'], accepted={
    'outcome': ['loaded', 'refused', 'empty file'],
    'webhook': ['user', 'invoice', 'invoice_with_details', 'ticket', 'product', 'payment'],
}) }}
union all
{{ grain('stg_ticketor__invoices', "'ticketor'", ['record_id'], order=order, not_null=['invoice_id']) }}
union all
{{ grain('stg_ticketor__users', "'ticketor'", ['record_id'], order='null', not_null=['user_id']) }}
{% for items in ['tickets', 'product_sales', 'payments'] %}
    union all
    {{ grain('stg_ticketor__' ~ items, "'ticketor'", ['record_id', 'item_position'], order=order) }}
{% endfor %}
