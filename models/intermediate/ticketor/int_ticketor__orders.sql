-- Grain: one row per invoice.
{{ config(materialized='touched') }}

with items as (
    select
        account,
        order_id,
        count(*) as items,
        count(*) filter (where status = 'returned') as returned,
        0 as partly_returned
    from {{ touched('int_ticketor__tickets') }}
    where status <> 'exchanged'
    group by account, order_id
    union all
    select
        account,
        order_id,
        count(*) as items,
        count(*) filter (where returned_quantity >= quantity and quantity > 0) as returned,
        count(*) filter (where returned_quantity > 0 and returned_quantity < quantity) as partly_returned
    from {{ touched('int_ticketor__product_sales') }}
    group by account, order_id
),

sold as (
    select
        account,
        order_id,
        sum(items) as items,
        sum(returned) as returned,
        sum(partly_returned) as partly_returned
    from items
    group by account, order_id
),

heard as (
    select
        account,
        invoice_id,
        max(received_at) as last_heard_at
    from (
        {% for model in ['tickets', 'product_sales'] -%}
            select
                account,
                invoice_id,
                received_at
            from {{ distinct_deliveries('stg_ticketor__' ~ model) }}
            union all
        {% endfor -%}
        select
            account,
            order_id,
            last_heard_at
        from {{ ref('int_ticketor__received_payments') }}
    )
    group by account, invoice_id
),

events_of_returns as (
    {{ events_of_returns() }}
)

select
    'ticketor' as platform,
    invoices.account,
    invoices.invoice_id as order_id,
    invoices.related_invoice_id as related_order_id,
    invoices.order_type,
    case
        when invoices.is_return then 'completed'
        when terms.is_given_up then 'cancelled'
        when not terms.is_booked then 'unpaid'
        when invoices.said_returned or sold.returned = sold.items then 'returned'
        when invoices.said_partly_returned or sold.returned + sold.partly_returned > 0 then 'partly_returned'
        when
            terms.payments_known and not terms.in_other_currency and terms.paid < invoices.total_amount
            then 'partly_paid'
        else 'completed'
    end as status,
    terms.is_booked,
    terms.payments_known,
    case
        when invoices.agent_id is null then 'unknown'
        when invoices.agent_id = invoices.buyer_id then 'online'
        else 'staff'
    end as channel,
    invoices.ordered_at,
    invoices.buyer_id as customer_id,
    invoices.agent_id,
    invoices.currency,
    invoices.total_amount,
    invoices.total_as_given,
    coalesce(terms.buyer_fees, invoices.service_charge) as service_charge_amount,
    -- 0 where the invoice says 0; NULL where neither it nor its products name a tax
    coalesce(nullif(terms.tax, 0), invoices.tax) as tax_amount,
    coalesce(terms.tax_basis, 'unknown') as tax_basis,
    invoices.tip as tip_amount,
    invoices.discount as discount_amount,
    cast(invoices.platform_fee_amount as decimal(18, 4)) as platform_fee_amount,
    cast(invoices.ticketing_fee_amount as decimal(18, 4)) as ticketing_fee_amount,
    cast(invoices.protection_fee_amount as decimal(18, 4)) as protection_fee_amount,
    cast(invoices.ad_fee_amount as decimal(18, 4)) as ad_fee_amount,
    cast(invoices.processing_fee_amount as decimal(18, 4)) as processing_fee_amount,
    cast(invoices.delivery_fee_amount as decimal(18, 4)) as delivery_fee_amount,
    invoices.promotion_code,
    invoices.referrer as referral,
    cast(null as varchar) as processor_reference,
    invoices.tickets_count as tickets_count_as_given,
    invoices.products_count as products_count_as_given,
    case when invoices.is_return then events_of_returns.event_id else terms.event_id end as event_id,
    invoices.first_seen_at,
    greatest(invoices.last_heard_at, heard.last_heard_at) as last_heard_at
from {{ ref('int_ticketor__invoices') }} as invoices
inner join {{ ref('int_ticketor__invoice_terms') }} as terms
    on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
left join events_of_returns
    on invoices.account = events_of_returns.account and invoices.invoice_id = events_of_returns.invoice_id
left join heard
    on invoices.account = heard.account and invoices.invoice_id = heard.invoice_id
left join sold
    on invoices.account = sold.account and invoices.invoice_id = sold.order_id
