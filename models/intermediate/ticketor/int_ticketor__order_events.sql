-- Grain: one row per invoice with tickets of exactly one event.
select
    account,
    invoice_id,
    min(event_id) as event_id
from {{ ref('int_ticketor__sold_tickets') }}
where event_id is not null
group by account, invoice_id
having min(event_id) = max(event_id)
