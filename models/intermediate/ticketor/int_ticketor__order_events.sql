-- Grain: one row per invoice that has to do with exactly one event: that of all tickets it sold; of a return, of all
-- tickets that it lists, or where it lists none, that of its sale.
with sold as (
    select
        account,
        invoice_id,
        min(event_id) as event_id
    from {{ touched('int_ticketor__sold_tickets') }}
    where event_id is not null
    group by account, invoice_id
    having min(event_id) = max(event_id)
),

given_back as (
    select
        account,
        return_id,
        min(event_id) as event_id,
        max(event_id) as other_event_id
    from {{ ref('int_ticketor__returned_items') }}
    where event_id is not null
    group by account, return_id
),

returns as (
    select
        invoices.account,
        invoices.invoice_id,
        case
            when given_back.return_id is null then sold.event_id
            when given_back.event_id = given_back.other_event_id then given_back.event_id
        end as event_id
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join given_back
        on invoices.account = given_back.account and invoices.invoice_id = given_back.return_id
    left join sold
        on invoices.account = sold.account and invoices.related_invoice_id = sold.invoice_id
    where invoices.is_return
)

select
    account,
    invoice_id,
    event_id
from sold
union all
select
    account,
    invoice_id,
    event_id
from returns
where event_id is not null
