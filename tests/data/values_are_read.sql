-- Values that stand in a document and cannot be read are NULL in their column, and are told here: a warning. What is of
-- an order is in rpt_reconciliation too; whether there is a pattern in them, which stops a build, the tests beside the
-- models ask. A row here is a kind of value, and how many rows have it.
{{ config(severity='warn') }}

{% for model, column in {
    'stg_ticketor__invoices': 'unread_values',
    'stg_ticketor__payments': 'unread_values',
    'stg_ticketor__product_sales': 'unread_values',
    'stg_ticketor__tickets': 'unread_values',
    'stg_ticketor__users': 'unread_values',
    'stg_ticket_tailor__check_ins': 'unreadable',
    'stg_ticket_tailor__event_bundles': 'unreadable',
    'stg_ticket_tailor__event_ticket_types': 'unreadable',
    'stg_ticket_tailor__events': 'unreadable',
    'stg_ticket_tailor__issued_tickets': 'unreadable',
    'stg_ticket_tailor__order_line_items': 'unreadable',
    'stg_ticket_tailor__order_tickets': 'unreadable',
    'stg_ticket_tailor__orders': 'unreadable',
    'stg_ticket_tailor__products': 'unreadable',
}.items() %}
    select
        '{{ model }}' as model,
        {{ column }} as not_read,
        count(*) as how_many
    from {{ ref(model) }}
    where {{ column }} <> ''
    group by {{ column }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
