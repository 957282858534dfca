-- Values that are in a document and cannot be read are NULL in their column. What is of an order is in
-- rpt_reconciliation too. A row here is a kind of value, and how many rows have it. Quantity times price may be more
-- than an amount can be: then the line's is NULL too.
{% for model in [
    'stg_ticketor__invoices', 'stg_ticketor__payments', 'stg_ticketor__product_sales', 'stg_ticketor__tickets',
    'stg_ticketor__users', 'stg_ticket_tailor__check_ins', 'stg_ticket_tailor__event_ticket_types',
    'stg_ticket_tailor__events', 'stg_ticket_tailor__issued_tickets', 'stg_ticket_tailor__order_line_items',
    'stg_ticket_tailor__order_tickets', 'stg_ticket_tailor__orders', 'stg_ticket_tailor__products',
] %}
    select
        '{{ model }}' as model,
        unreadable as not_read,
        count(*) as how_many
    from {{ ref(model) }}
    where unreadable <> ''
    group by unreadable
    union all
{% endfor %}
select
    'fct_product_sales' as model,
    'line_amount' as not_read,
    count(*) as how_many
from {{ ref('fct_product_sales') }}
where line_amount is null
having count(*) > 0
