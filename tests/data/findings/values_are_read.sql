-- Values that are in a document and cannot be read are NULL in their column. What is of an order is in
-- rpt_reconciliation too. A row here is a kind of value, and how many rows have it. Quantity times price may be more
-- than an amount can be: then the line's is NULL too.
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
{% for model in ['invoices', 'payments', 'product_sales', 'tickets', 'users'] %}
    union all
    -- these have a value in the document, and a column that is read another way has none
    select
        'stg_ticketor__{{ model }}' as model,
        lost_values as not_read,
        count(*) as how_many
    from {{ ref('stg_ticketor__' ~ model) }}
    where lost_values <> ''
    group by lost_values
{% endfor %}
union all
select
    'fct_product_sales' as model,
    'line_amount' as not_read,
    count(*) as how_many
from {{ ref('fct_product_sales') }}
where line_amount is null
having count(*) > 0
