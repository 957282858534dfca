-- Grain: one row per document refused and not delivered complete since, in the unified shape.
-- delivered complete after it was refused; a document without a readable id matches none and stays open
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
    refused.file,
    refused.position,
    refused.reason,
    refused.fetched_at as refused_at
from {{ ref('stg_ticket_tailor__refused') }} as refused
anti join settled on refused.refused_id = settled.refused_id
