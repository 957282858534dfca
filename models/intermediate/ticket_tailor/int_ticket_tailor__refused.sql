-- delivered whole after it was refused; one whose id could not be read stays open, nothing can be matched with it
with settled as (

    select distinct refused.refused_id
    from {{ ref('stg_ticket_tailor__refused') }} as refused
    inner join {{ ref('stg_ticket_tailor__listed_ids') }} as delivered
        on refused.list = delivered.list
            and refused.account = delivered.account
            and refused.document_id = delivered.document_id
            and refused.fetched_at < delivered.fetched_at

)

select
    'ticket_tailor' as platform,
    refused.account,
    refused.list as file,
    cast(null as bigint) as position,
    refused.reason,
    refused.fetched_at as refused_at
from {{ ref('stg_ticket_tailor__refused') }} as refused
anti join settled on refused.refused_id = settled.refused_id
