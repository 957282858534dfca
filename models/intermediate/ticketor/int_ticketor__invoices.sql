-- Grain: one row per invoice, as its newest version tells it.
with versions as (
    select
        account,
        invoice_id,
        record_id,
        -- of two that came at one moment the one with details tells more; file and position only make the choice repeatable
        row_number() over (
            partition by account, invoice_id
            order by received_at desc, has_details desc, file desc, position desc, record_id desc
        ) as recency
    from {{ ref('stg_ticketor__invoices') }}
    where invoice_id is not null
),

lives as (
    select
        account,
        invoice_id,
        min(received_at) as first_seen_at,
        bool_or(has_details) as details_seen,
        max(tickets_listed) as most_tickets_listed,
        max(products_listed) as most_products_listed,
        coalesce(bool_or(lower(return_status) in ('returned', 'fullyreturned')), false) as said_returned,
        coalesce(bool_or(lower(return_status) in ('partiallyreturned', 'partlyreturned', 'partialreturn')), false)
            as said_partly_returned,
        count(distinct buyer_id) as buyers_seen,
        min(buyer_id) as lowest_buyer_id,
        max(buyer_id) as highest_buyer_id
    from {{ ref('stg_ticketor__invoices') }}
    where invoice_id is not null
    group by account, invoice_id
),

newest as (
    select invoices.*
    from {{ ref('stg_ticketor__invoices') }} as invoices
    inner join versions
        on invoices.record_id = versions.record_id and versions.recency = 1
)

select
    newest.account,
    newest.invoice_id,
    coalesce(lower(newest.invoice_type), 'sale') as order_type,
    {{ is_return("coalesce(lower(newest.invoice_type), 'sale')") }} as is_return,
    -- an invoice is not related to itself
    nullif(newest.related_invoice_id, newest.invoice_id) as related_invoice_id,
    newest.return_status,
    newest.ordered_at,
    newest.buyer_id,
    newest.agent_id,
    newest.currency,
    newest.total as total_as_given,
    -- the sign of what a return gives back is documented nowhere: it is always money going out
    case
        when {{ is_return("coalesce(lower(newest.invoice_type), 'sale')") }} then -abs(newest.total)
        else newest.total
    end as total_amount,
    coalesce(newest.service_charge, 0) as service_charge,
    coalesce(newest.tax, 0) as tax,
    coalesce(newest.tip, 0) as tip,
    abs(coalesce(newest.discount, 0)) as discount,
    newest.promotion_code,
    newest.referrer,
    newest.platform_fee,
    newest.ticket_protection_fee,
    newest.ad_fee,
    newest.payment_processing_fee,
    newest.platform_delivery_fee,
    newest.tickets_count,
    newest.products_count,
    newest.tickets_listed,
    newest.products_listed,
    lives.first_seen_at,
    lives.details_seen,
    lives.most_tickets_listed,
    lives.most_products_listed,
    lives.said_returned,
    lives.said_partly_returned,
    lives.buyers_seen,
    lives.lowest_buyer_id,
    lives.highest_buyer_id
from newest
inner join lives
    on newest.account = lives.account and newest.invoice_id = lives.invoice_id
