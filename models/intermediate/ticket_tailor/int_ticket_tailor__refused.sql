with delivered as (
    {% for list, id in [
        ('orders', 'order_id'),
        ('issued_tickets', 'ticket_id'),
        ('events', 'event_id'),
        ('check_ins', 'check_in_id'),
        ('products', 'product_id'),
        ('discounts', 'discount_id'),
        ('event_series', 'document_id'),
        ('vouchers', 'document_id'),
        ('voucher_codes', 'document_id'),
        ('holds', 'document_id'),
        ('membership_types', 'document_id'),
        ('issued_memberships', 'document_id'),
        ('waitlist_signups', 'document_id'),
    ] %}
        select
            '{{ list }}' as list,
            box_office,
            {{ id }} as document_id,
            fetched_at
        from {{ ref('stg_ticket_tailor__' ~ list) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- delivered whole after it was refused; one whose id could not be read stays open, nothing can be matched with it
settled as (

    select distinct refused.refused_id
    from {{ ref('stg_ticket_tailor__refused') }} as refused
    inner join delivered
        on refused.list = delivered.list
            and refused.box_office = delivered.box_office
            and refused.document_id = delivered.document_id
            and refused.fetched_at < delivered.fetched_at

)

select
    'ticket_tailor' as platform,
    refused.box_office as account,
    refused.list as file,
    cast(null as bigint) as position,
    refused.reason,
    refused.fetched_at as refused_at
from {{ ref('stg_ticket_tailor__refused') }} as refused
anti join settled on refused.refused_id = settled.refused_id
