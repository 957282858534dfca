-- Grain: one row per invoice, as in its newest version.
{{ config(schema='last_build') }}

with versions as (
    select
        -- an invoice is not related to itself
        * replace (nullif(related_invoice_id, invoice_id) as related_invoice_id),
        coalesce(lower(invoice_type), 'sale') as order_type,
        min(received_at) over invoice as first_seen_at,
        max(received_at) over invoice as last_heard_at,
        min(case when has_details then received_at end) over invoice as details_seen_at,
        bool_or(has_details) over invoice as details_seen,
        coalesce(bool_or(lower(return_status) = 'returned') over invoice, false) as said_returned,
        coalesce(bool_or(lower(return_status) like 'part%returned') over invoice, false) as said_partly_returned,
        min(buyer_id) over invoice as lowest_buyer_id,
        max(buyer_id) over invoice as highest_buyer_id,
        -- of two that came at one moment the one with details holds more; the rest only makes the choice repeatable
        row_number() over (
            partition by account, invoice_id
            order by received_at desc, has_details desc, file desc, position desc, record_id desc
        ) as recency
    from {{ distinct_deliveries('stg_ticketor__invoices') }}
    where invoice_id is not null
    window invoice as (partition by account, invoice_id)
)

select
    account,
    invoice_id,
    order_type,
    {{ is_return('order_type', related='related_invoice_id') }} as is_return,
    related_invoice_id,
    return_status,
    ordered_at,
    coalesce(ordered_at, first_seen_at) as dated_at,
    case when ordered_at is null then 'first_seen' else 'platform' end as date_basis,
    buyer_id,
    agent_id,
    currency,
    total as total_as_given,
    -- the sign of what a return gives back is documented nowhere: it is always money going out
    case
        when {{ is_return('order_type', related='related_invoice_id') }} then cast(-abs(total) as decimal(18, 4))
        else total
    end as total_amount,
    coalesce(service_charge, 0) as service_charge,
    tax,
    tip,
    abs(coalesce(discount, 0)) as discount,
    promotion_code,
    referrer,
    -- what the venue owes the platform, each of them possibly negative; NULL where the invoice has none of these
    {{ ticketor_fee() }} as platform_fee_amount,
    -- its parts have creditors and taxes of their own
    platform_fee as ticketing_fee_amount,
    ticket_protection_fee as protection_fee_amount,
    ad_fee as ad_fee_amount,
    payment_processing_fee as processing_fee_amount,
    platform_delivery_fee as delivery_fee_amount,
    tickets_count,
    products_count,
    first_seen_at,
    last_heard_at,
    details_seen,
    details_seen_at,
    said_returned,
    said_partly_returned,
    lowest_buyer_id,
    highest_buyer_id
from versions
where recency = 1
