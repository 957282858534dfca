-- Grain: one row per invoice record, plain or with details. The lists are counted here and read by the models of
-- their items.
{{ config(unique_key='record_id') }}

with documents as (
    select
        record_id,
        site,
        webhook,
        received_at,
        file,
        position,
        document,
        _dlt_load_id
    from {{ source('raw_ticketor', 'records') }}
    where outcome = 'loaded'
        and webhook in ('invoice', 'invoice_with_details')
        {{ only_new_loads(source('raw_ticketor', 'records')) }}
),

read as (
    select
        *,
        from_json(document, '{
            "Id": "BIGINT", "Date": "VARCHAR", "InvoiceType": "VARCHAR", "RelatedInvoiceId": "BIGINT",
            "ReturnStatus": "VARCHAR", "Referrer": "VARCHAR",
            "Amount": {
                "Total": "VARCHAR", "Currency": "VARCHAR", "ServiceCharge": "VARCHAR", "Tax": "VARCHAR", "Tip": "VARCHAR",
                "Discount": "VARCHAR", "PromotionId": "BIGINT", "PromotionCode": "VARCHAR"
            },
            "PlatformFee": {
                "Fee": "VARCHAR", "TicketProtectionFee": "VARCHAR", "AdFee": "VARCHAR", "PaymentProcessingFee": "VARCHAR",
                "DeliveryFee": "VARCHAR"
            },
            "Buyer": {
                "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
            },
            "Agent": {
                "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
            },
            "Shipping": {"Status": "VARCHAR", "Date": "VARCHAR"},
            "WillCall": {"Status": "VARCHAR", "Date": "VARCHAR"},
            "ProductsCount": "BIGINT", "TicketsCount": "BIGINT",
            "Payments": [{"Id": "BIGINT"}], "Tickets": [{"Id": "BIGINT"}], "Products": [{"Id": "BIGINT"}]
        }') as doc
    from documents
),

-- the text of numbers, where one of them could not be read: other fields are read as text
unread as (
    select
        * exclude (document),
        case
            when
                doc.id is null or doc.relatedinvoiceid is null or doc.buyer.id is null or doc.agent.id is null
                or doc.productscount is null or doc.ticketscount is null
                then
                    json_extract_string(
                        document,
                        ['$.Id', '$.RelatedInvoiceId', '$.Buyer.Id', '$.Agent.Id', '$.ProductsCount', '$.TicketsCount']
                    )
        end as said
    from read
),

typed as (
    select
        *,
        cast(doc.id as varchar) as invoice_id,
        {{ utc('doc.date') }} as ordered_at,
        {{ cleaned('doc.invoicetype') }} as invoice_type,
        {{ cleaned('doc.returnstatus') }} as return_status,
        {{ money('doc.amount.total') }} as total,
        upper({{ cleaned('doc.amount.currency') }}) as currency,
        {{ money('doc.amount.servicecharge') }} as service_charge,
        {{ money('doc.amount.tax') }} as tax,
        {{ money('doc.amount.tip') }} as tip,
        {{ money('doc.amount.discount') }} as discount,
        {{ cleaned('doc.amount.promotioncode') }} as promotion_code,
        {{ money('doc.platformfee.fee') }} as platform_fee,
        {{ money('doc.platformfee.ticketprotectionfee') }} as ticket_protection_fee,
        {{ money('doc.platformfee.adfee') }} as ad_fee,
        {{ money('doc.platformfee.paymentprocessingfee') }} as payment_processing_fee,
        {{ money('doc.platformfee.deliveryfee') }} as platform_delivery_fee
    from unread
)

select
    record_id,
    site as account,
    webhook,
    received_at,
    file,
    position,
    webhook = 'invoice_with_details' as has_details,
    invoice_id,
    ordered_at,
    invoice_type,
    cast(nullif(doc.relatedinvoiceid, 0) as varchar) as related_invoice_id,
    return_status,
    {{ cleaned('doc.referrer') }} as referrer,
    total,
    currency,
    service_charge,
    tax,
    tip,
    discount,
    cast(nullif(doc.amount.promotionid, 0) as varchar) as promotion_id,
    promotion_code,
    platform_fee,
    ticket_protection_fee,
    ad_fee,
    payment_processing_fee,
    platform_delivery_fee,
    cast(nullif(doc.buyer.id, 0) as varchar) as buyer_id,
    {{ cleaned('doc.buyer.firstname') }} as buyer_first_name,
    {{ cleaned('doc.buyer.lastname') }} as buyer_last_name,
    {{ cleaned('doc.buyer.email') }} as buyer_email,
    {{ cleaned('doc.buyer.phone') }} as buyer_phone,
    cast(nullif(doc.agent.id, 0) as varchar) as agent_id,
    {{ cleaned('doc.agent.firstname') }} as agent_first_name,
    {{ cleaned('doc.agent.lastname') }} as agent_last_name,
    {{ cleaned('doc.agent.email') }} as agent_email,
    {{ cleaned('doc.agent.phone') }} as agent_phone,
    {{ cleaned('doc.shipping.status') }} as shipping_status,
    {{ utc('doc.shipping.date') }} as shipped_at,
    {{ cleaned('doc.willcall.status') }} as will_call_status,
    {{ utc('doc.willcall.date') }} as picked_up_at,
    doc.ticketscount as tickets_count,
    doc.productscount as products_count,
    case when webhook = 'invoice_with_details' then coalesce(len(doc.tickets), 0) end as tickets_listed,
    case when webhook = 'invoice_with_details' then coalesce(len(doc.products), 0) end as products_listed,
    case when webhook = 'invoice_with_details' then coalesce(len(doc.payments), 0) end as payments_listed,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and invoice_id is null then 'Id' end,
        case when said[2] <> '' and doc.relatedinvoiceid is null then 'RelatedInvoiceId' end,
        case when doc.amount.total <> '' and total is null then 'Amount.Total' end,
        case when doc.amount.servicecharge <> '' and service_charge is null then 'Amount.ServiceCharge' end,
        case when doc.amount.tax <> '' and tax is null then 'Amount.Tax' end,
        case when doc.amount.tip <> '' and tip is null then 'Amount.Tip' end,
        case when doc.amount.discount <> '' and discount is null then 'Amount.Discount' end,
        case when doc.platformfee.fee <> '' and platform_fee is null then 'PlatformFee.Fee' end,
        case
            when doc.platformfee.ticketprotectionfee <> '' and ticket_protection_fee is null
                then 'PlatformFee.TicketProtectionFee'
        end,
        case when doc.platformfee.adfee <> '' and ad_fee is null then 'PlatformFee.AdFee' end,
        case
            when doc.platformfee.paymentprocessingfee <> '' and payment_processing_fee is null
                then 'PlatformFee.PaymentProcessingFee'
        end,
        case
            when doc.platformfee.deliveryfee <> '' and platform_delivery_fee is null
                then 'PlatformFee.DeliveryFee'
        end,
        case when said[3] <> '' and doc.buyer.id is null then 'Buyer.Id' end,
        case when said[4] <> '' and doc.agent.id is null then 'Agent.Id' end,
        case when {{ is_unread_time('doc.date', 'ordered_at') }} then 'Date' end,
        case when said[5] <> '' and doc.productscount is null then 'ProductsCount' end,
        case when said[6] <> '' and doc.ticketscount is null then 'TicketsCount' end
    ) as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from typed
