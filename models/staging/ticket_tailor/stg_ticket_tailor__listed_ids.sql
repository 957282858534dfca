-- Grain: one row per version of a document, of every list. What is asked of them is only whether a document that was
-- refused has been delivered whole since.
{{ config(materialized='view') }}
{% set webhooks = source('raw_ticket_tailor', 'webhooks') %}

{% for list in [
    'check_ins', 'discounts', 'event_series', 'events', 'holds', 'issued_memberships', 'issued_tickets', 'membership_types',
    'orders', 'products', 'voucher_codes', 'vouchers', 'waitlist_signups',
] %}
    select
        '{{ list }}' as list,
        version_id,
        box_office as account,
        id as document_id,
        fetched_at
    from {{ source('raw_ticket_tailor', list) }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
{% if is_there(webhooks) %}
    union all
    select
        list,
        version_id,
        box_office as account,
        id as document_id,
        max(received_at) as fetched_at
    from {{ webhooks }}
    where outcome = 'loaded' and list is not null
    group by list, version_id, box_office, id
{% endif %}
