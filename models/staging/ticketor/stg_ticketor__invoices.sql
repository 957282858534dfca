-- Grain: one row per invoice record, plain or with details. The lists are counted here and read by the models of their items.
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
        {{ only_new_loads() }}
),

read as (
    select
        * exclude (document),
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
            "Payments": ["JSON"], "Tickets": ["JSON"], "Products": ["JSON"]
        }') as doc,
        json_extract_string(document, [
            '$.Id', '$.Date', '$.InvoiceType', '$.RelatedInvoiceId', '$.ReturnStatus',
            '$.Amount.Total', '$.Amount.Currency', '$.Amount.ServiceCharge', '$.Amount.Tax', '$.Amount.Tip',
            '$.Amount.Discount', '$.Amount.PromotionCode',
            '$.PlatformFee.Fee', '$.PlatformFee.TicketProtectionFee', '$.PlatformFee.AdFee',
            '$.PlatformFee.PaymentProcessingFee', '$.PlatformFee.DeliveryFee',
            '$.Buyer.Id', '$.Agent.Id', '$.ProductsCount', '$.TicketsCount'
        ]) as said
    from documents
),

typed as (
    select
        *,
        cast(doc.Id as varchar) as invoice_id,
        {{ utc('doc.Date') }} as ordered_at,
        nullif(trim(doc.InvoiceType), '') as invoice_type,
        nullif(trim(doc.ReturnStatus), '') as return_status,
        {{ money('doc.Amount.Total') }} as total,
        nullif(upper(trim(doc.Amount.Currency)), '') as currency,
        {{ money('doc.Amount.ServiceCharge') }} as service_charge,
        {{ money('doc.Amount.Tax') }} as tax,
        {{ money('doc.Amount.Tip') }} as tip,
        {{ money('doc.Amount.Discount') }} as discount,
        nullif(trim(doc.Amount.PromotionCode), '') as promotion_code,
        {{ money('doc.PlatformFee.Fee') }} as platform_fee,
        {{ money('doc.PlatformFee.TicketProtectionFee') }} as ticket_protection_fee,
        {{ money('doc.PlatformFee.AdFee') }} as ad_fee,
        {{ money('doc.PlatformFee.PaymentProcessingFee') }} as payment_processing_fee,
        {{ money('doc.PlatformFee.DeliveryFee') }} as platform_delivery_fee
    from read
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
    cast(nullif(doc.RelatedInvoiceId, 0) as varchar) as related_invoice_id,
    return_status,
    nullif(trim(doc.Referrer), '') as referrer,
    total,
    currency,
    service_charge,
    tax,
    tip,
    discount,
    cast(nullif(doc.Amount.PromotionId, 0) as varchar) as promotion_id,
    promotion_code,
    platform_fee,
    ticket_protection_fee,
    ad_fee,
    payment_processing_fee,
    platform_delivery_fee,
    cast(nullif(doc.Buyer.Id, 0) as varchar) as buyer_id,
    nullif(trim(doc.Buyer.FirstName), '') as buyer_first_name,
    nullif(trim(doc.Buyer.LastName), '') as buyer_last_name,
    nullif(trim(doc.Buyer.Email), '') as buyer_email,
    nullif(trim(doc.Buyer.Phone), '') as buyer_phone,
    cast(nullif(doc.Agent.Id, 0) as varchar) as agent_id,
    nullif(trim(doc.Agent.FirstName), '') as agent_first_name,
    nullif(trim(doc.Agent.LastName), '') as agent_last_name,
    nullif(trim(doc.Agent.Email), '') as agent_email,
    nullif(trim(doc.Agent.Phone), '') as agent_phone,
    nullif(trim(doc.Shipping.Status), '') as shipping_status,
    {{ utc('doc.Shipping.Date') }} as shipped_at,
    nullif(trim(doc.WillCall.Status), '') as will_call_status,
    {{ utc('doc.WillCall.Date') }} as picked_up_at,
    doc.TicketsCount as tickets_count,
    doc.ProductsCount as products_count,
    case when webhook = 'invoice_with_details' then coalesce(len(doc.Tickets), 0) end as tickets_listed,
    case when webhook = 'invoice_with_details' then coalesce(len(doc.Products), 0) end as products_listed,
    case when webhook = 'invoice_with_details' then coalesce(len(doc.Payments), 0) end as payments_listed,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and invoice_id is null then 'Id' end,
        case when trim(said[3]) <> '' and invoice_type is null then 'InvoiceType' end,
        case when said[4] <> '' and doc.RelatedInvoiceId is null then 'RelatedInvoiceId' end,
        case when trim(said[5]) <> '' and return_status is null then 'ReturnStatus' end,
        case when said[6] <> '' and total is null then 'Amount.Total' end,
        case when trim(said[7]) <> '' and currency is null then 'Amount.Currency' end,
        case when said[8] <> '' and service_charge is null then 'Amount.ServiceCharge' end,
        case when said[9] <> '' and tax is null then 'Amount.Tax' end,
        case when said[10] <> '' and tip is null then 'Amount.Tip' end,
        case when said[11] <> '' and discount is null then 'Amount.Discount' end,
        case when trim(said[12]) <> '' and promotion_code is null then 'Amount.PromotionCode' end,
        case when said[13] <> '' and platform_fee is null then 'PlatformFee.Fee' end,
        case when said[14] <> '' and ticket_protection_fee is null then 'PlatformFee.TicketProtectionFee' end,
        case when said[15] <> '' and ad_fee is null then 'PlatformFee.AdFee' end,
        case when said[16] <> '' and payment_processing_fee is null then 'PlatformFee.PaymentProcessingFee' end,
        case when said[17] <> '' and platform_delivery_fee is null then 'PlatformFee.DeliveryFee' end,
        case when said[18] <> '' and doc.Buyer.Id is null then 'Buyer.Id' end,
        case when said[19] <> '' and doc.Agent.Id is null then 'Agent.Id' end
    ) as lost_values,
    concat_ws(
        ' ',
        case when trim(said[2]) <> '' and said[2] not like '0001-%' and ordered_at is null then 'Date' end,
        case when said[20] <> '' and doc.ProductsCount is null then 'ProductsCount' end,
        case when said[21] <> '' and doc.TicketsCount is null then 'TicketsCount' end
    ) as unread_values,
    _dlt_load_id,
    {{ shape() }} as _shape
from typed
