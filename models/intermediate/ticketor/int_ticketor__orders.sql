-- Grain: one row per invoice.
with returned_items as (
    select distinct
        account,
        sale_id,
        item,
        item_id
    from {{ ref('int_ticketor__returned_items') }}
),

-- how much of what an invoice sold came back, by the invoice's own items
tickets as (
    select
        tickets.account,
        tickets.invoice_id,
        count(*) as items,
        count(*) filter (where tickets.said_returned or returned.item_id is not null) as items_returned
    from {{ ref('int_ticketor__sold_tickets') }} as tickets
    left join returned_items as returned
        on tickets.account = returned.account
            and tickets.invoice_id = returned.sale_id
            and tickets.ticket_id = returned.item_id
            and returned.item = 'ticket'
    where not tickets.said_exchanged
    group by tickets.account, tickets.invoice_id
),

products as (
    select
        account,
        order_id as invoice_id,
        count(*) as items,
        count(*) filter (where returned_quantity >= quantity and quantity > 0) as items_returned,
        count(*) filter (where returned_quantity > 0 and returned_quantity < quantity) as items_partly_returned
    from {{ ref('int_ticketor__product_sales') }}
    group by account, order_id
),

-- returns that name the invoice without listing what comes back
given_back as (
    select
        account,
        related_invoice_id as invoice_id,
        sum(-total_amount) as amount
    from {{ ref('int_ticketor__invoices') }}
    where is_return and related_invoice_id is not null
    group by account, related_invoice_id
),

joined as (
    select
        invoices.*,
        invoices.details_seen or paid.order_id is not null as payments_known,
        coalesce(paid.captured, 0) + coalesce(paid.redeemed, 0) as paid,
        coalesce(tickets.items, 0) + coalesce(products.items, 0) as items,
        coalesce(tickets.items_returned, 0) + coalesce(products.items_returned, 0) as items_returned,
        coalesce(products.items_partly_returned, 0) as items_partly_returned,
        given_back.amount as given_back,
        events.event_id,
        terms.buyer_fees,
        terms.tax as tax_found,
        terms.tax_basis
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join {{ ref('int_ticketor__order_payments') }} as paid
        on invoices.account = paid.account and invoices.invoice_id = paid.order_id
    left join tickets
        on invoices.account = tickets.account and invoices.invoice_id = tickets.invoice_id
    left join products
        on invoices.account = products.account and invoices.invoice_id = products.invoice_id
    left join given_back
        on invoices.account = given_back.account and invoices.invoice_id = given_back.invoice_id
    left join {{ ref('int_ticketor__order_events') }} as events
        on invoices.account = events.account and invoices.invoice_id = events.invoice_id
    left join {{ ref('int_ticketor__invoice_terms') }} as terms
        on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
),

judged as (
    select
        *,
        -- nothing paid, in money or credit, on an invoice whose payments we were told: a seat held, not a sale
        is_return or not payments_known or total_amount = 0 or paid > 0 as is_booked
    from joined
)

select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    related_invoice_id as related_order_id,
    order_type,
    case
        when is_return then 'completed'
        when not is_booked then 'unpaid'
        when said_returned or (items > 0 and items_returned = items) then 'returned'
        when said_partly_returned or items_returned + items_partly_returned > 0 then 'partly_returned'
        when given_back >= total_amount and given_back > 0 then 'returned'
        when given_back > 0 then 'partly_returned'
        when payments_known and paid < total_amount then 'partly_paid'
        else 'completed'
    end as status,
    is_booked,
    payments_known,
    case
        when agent_id is null then 'unknown'
        when agent_id = buyer_id then 'online'
        else 'staff'
    end as channel,
    ordered_at,
    buyer_id as customer_id,
    agent_id,
    currency,
    total_amount,
    total_as_given,
    coalesce(buyer_fees, service_charge) as service_charge_amount,
    coalesce(tax_found, tax) as tax_amount,
    coalesce(tax_basis, 'unknown') as tax_basis,
    tip as tip_amount,
    discount as discount_amount,
    case
        when coalesce(platform_fee, ticket_protection_fee, ad_fee, payment_processing_fee, platform_delivery_fee) is not null
            then {{ money('coalesce(platform_fee, 0) + coalesce(ticket_protection_fee, 0) + coalesce(ad_fee, 0)
                + coalesce(payment_processing_fee, 0) + coalesce(platform_delivery_fee, 0)') }}
    end as platform_fee_amount,
    promotion_code,
    referrer as referral,
    cast(null as varchar) as processor_reference,
    cast(tickets_count as bigint) as tickets_count_as_given,
    cast(products_count as bigint) as products_count_as_given,
    event_id,
    first_seen_at
from judged
