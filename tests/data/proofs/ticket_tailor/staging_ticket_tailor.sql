-- Staging keeps every version of a document of Ticket Tailor once, and finds the keys that it was let in for.
{{ grain(
    'stg_ticket_tailor__orders', "'ticket_tailor'", ['version_id'], not_null=['version_id', 'order_id', 'base_multiplier'],
) }}
union all
{{ grain('stg_ticket_tailor__order_line_items', "'ticket_tailor'", ['version_id', 'line_no']) }}
union all
{{ grain('stg_ticket_tailor__order_tickets', "'ticket_tailor'", ['version_id', 'ticket_no'], not_null=['ticket_id']) }}
union all
{{ grain(
    'stg_ticket_tailor__issued_tickets', "'ticket_tailor'", ['version_id'], order='coalesce(order_id, ticket_id)',
    not_null=['version_id', 'ticket_id'],
) }}
union all
{{ grain('stg_ticket_tailor__refused', "'ticket_tailor'", ['refused_id'], order='null', not_null=['refused_id']) }}
{% for list in ['check_ins', 'discounts', 'events', 'products', 'vouchers'] %}
    union all
    {{ grain(
        'stg_ticket_tailor__' ~ list, "'ticket_tailor'", ['version_id'], order='null', not_null=['version_id'],
    ) }}
{% endfor %}
union all
{{ grain('stg_ticket_tailor__listed_ids', "'ticket_tailor'", ['list', 'version_id'], order='null') }}
