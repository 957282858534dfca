with delivered as (

    select
        'orders' as list,
        box_office,
        order_id as document_id,
        fetched_at
    from {{ ref('stg_ticket_tailor__orders') }}
    union all
    select
        'issued_tickets' as list,
        box_office,
        ticket_id as document_id,
        fetched_at
    from {{ ref('stg_ticket_tailor__issued_tickets') }}
    union all
    select
        'events' as list,
        box_office,
        event_id as document_id,
        fetched_at
    from {{ ref('stg_ticket_tailor__events') }}
    union all
    select
        'check_ins' as list,
        box_office,
        check_in_id as document_id,
        fetched_at
    from {{ ref('stg_ticket_tailor__check_ins') }}
    union all
    select
        'products' as list,
        box_office,
        product_id as document_id,
        fetched_at
    from {{ ref('stg_ticket_tailor__products') }}

)

select
    'ticket_tailor' as platform,
    refused.box_office as account,
    refused.list as file,
    cast(null as bigint) as position,
    refused.reason,
    refused.fetched_at as refused_at
from {{ ref('stg_ticket_tailor__refused') }} as refused
where not exists (
    select 1
    from delivered
    where
        delivered.list = refused.list
        and delivered.box_office = refused.box_office
        and delivered.document_id = refused.document_id
        and delivered.fetched_at > refused.fetched_at
)
