-- Grain: one row per record of a buffer file, whatever became of it. The payload itself stays in raw.
{{ config(unique_key='record_id') }}

-- all fields of the vendor's page: of a new one nothing is known, and two messages that differ in it alone are one
{% set person %}
{
    "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
}
{% endset %}
{% set address %}
{
    "FirstName": "VARCHAR", "LastName": "VARCHAR", "AddressLine1": "VARCHAR", "AddressLine2": "VARCHAR",
    "City": "VARCHAR", "State": "VARCHAR", "Zipcode": "VARCHAR", "Country": "VARCHAR", "Phone": "VARCHAR",
    "CellPhone": "VARCHAR", "Notes": "VARCHAR"
}
{% endset %}
{% set ticket %}
{
    "Id": "BIGINT", "InvoiceId": "BIGINT", "Status": "VARCHAR", "Section": "VARCHAR", "Row": "VARCHAR",
    "Seat": "VARCHAR", "BuyPrice": "DOUBLE", "SellPrice": "DOUBLE", "ServiceCharge": "DOUBLE",
    "PriceLevelName": "VARCHAR", "Barcode": "VARCHAR", "ExpirationDate": "VARCHAR", "LastScannedAt": "VARCHAR",
    "DeliveryMethod": "VARCHAR",
    "Event": {"EventId": "BIGINT", "EventName": "VARCHAR", "EventDate": "VARCHAR"}, "Buyer": {{ person }}
}
{% endset %}
{% set product %}
{
    "Id": "BIGINT", "InvoiceId": "BIGINT", "Product": {"ProductId": "BIGINT", "ProductName": "VARCHAR"},
    "Amount": "DOUBLE", "ReturnedAmount": "DOUBLE", "UnitPrice": "DOUBLE", "Discount": "DOUBLE", "Tax": "DOUBLE",
    "options": "VARCHAR", "IsRecurringPurchase": "BOOLEAN", "RecursInDays": "BIGINT", "DeliveryMethodId": "BIGINT",
    "DeliveryMethod": "VARCHAR", "DeliveryFee": "DOUBLE", "OrderStatus": "VARCHAR", "Buyer": {{ person }}
}
{% endset %}
{% set payment %}
{
    "Id": "BIGINT", "ChargeMethod": "VARCHAR", "Amount": "DOUBLE", "Currency": "VARCHAR", "PaymentType": "VARCHAR",
    "InvoiceId": "BIGINT", "Description": "VARCHAR", "Date": "VARCHAR", "DeductedAmountByPlatform": "DOUBLE",
    "Card": {
        "CardNumber": "VARCHAR", "DueDate": "VARCHAR", "CardHolderName": "VARCHAR", "ExpirationMonth": "VARCHAR",
        "ExpirationYear": "VARCHAR"
    },
    "BillingAddress": {{ address }}, "Success": "BOOLEAN", "CashRegisterId": "BIGINT",
    "PaymentProcessorEventOrganizerId": "BIGINT", "Buyer": {{ person }}
}
{% endset %}
{% set invoice %}
{
    "Id": "BIGINT", "Date": "VARCHAR", "InvoiceType": "VARCHAR", "RelatedInvoiceId": "BIGINT",
    "ReturnStatus": "VARCHAR", "Referrer": "VARCHAR", "Notes": "VARCHAR",
    "Amount": {
        "Total": "DOUBLE", "Currency": "VARCHAR", "ServiceCharge": "DOUBLE", "Tax": "DOUBLE", "Tip": "DOUBLE",
        "Discount": "DOUBLE", "PromotionId": "BIGINT", "PromotionCode": "VARCHAR"
    },
    "PlatformFee": {
        "Fee": "DOUBLE", "TicketProtectionFee": "DOUBLE", "AdFee": "DOUBLE", "PaymentProcessingFee": "DOUBLE",
        "DeliveryFee": "DOUBLE"
    },
    "Buyer": {{ person }}, "Agent": {{ person }},
    "Shipping": {
        "Status": "VARCHAR", "Date": "VARCHAR", "Carrier": "VARCHAR", "TrackingNo": "VARCHAR", "Address": {{ address }}
    },
    "WillCall": {"Status": "VARCHAR", "Date": "VARCHAR"}, "ProductsCount": "BIGINT", "TicketsCount": "BIGINT",
    "Payments": [{{ payment }}], "Tickets": [{{ ticket }}], "Products": [{{ product }}]
}
{% endset %}
{% set user %}
{
    "Id": "BIGINT", "SignupDate": "VARCHAR", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR",
    "Phone": "VARCHAR", "Mobile": "VARCHAR", "MailingListPermission": "BOOLEAN", "SMSPermission": "BOOLEAN"
}
{% endset %}
-- only a message that came under the same Id before or after can be a repeat: few payloads are read to the end
with same_payload as (
    select hash(site, webhook, payload_id) as hashed
    from {{ source('raw_ticketor', 'records') }}
    where outcome = 'loaded'
        {{ only_new_loads(source('raw_ticketor', 'records'), and_same='payload_id') }}
    group by hash(site, webhook, payload_id)
    having count(*) > 1
)

select
    record_id,
    site as account,
    outcome,
    reason,
    webhook,
    cast(payload_id as varchar) as payload_id,
    -- keys in any order, numbers and flags in any spelling
    md5_number_lower(
        case
            when
                outcome <> 'loaded'
                or hash(site, webhook, payload_id) not in (select same_payload.hashed from same_payload)
                then null
            {% for webhooks, fields in [
                ("'invoice', 'invoice_with_details'", invoice), ("'ticket'", ticket), ("'product'", product),
                ("'payment'", payment), ("'user'", user),
            ] %}
                when webhook in ({{ webhooks }}) then cast(to_json(from_json(document, '{{ fields }}')) as varchar)
            {% endfor %}
        end
    ) as content_hash,
    received_at,
    received_at_basis,
    file,
    position,
    file_size,
    file_mtime_ns,
    _dlt_load_id,
    {{ shape() }} as _shape
from {{ source('raw_ticketor', 'records') }}
where true
    {{ only_new_loads(source('raw_ticketor', 'records'), and_same='payload_id') }}
