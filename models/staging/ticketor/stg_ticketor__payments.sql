-- Grain: one row per payment as one record has it. A record that lists none keeps one row without a payment_id, so
-- that its load counts as read. Card and billing address stay in raw.
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
        and webhook in ('payment', 'invoice_with_details')
        {{ only_new_loads(source('raw_ticketor', 'records')) }}
),

parents as (
    select
        *,
        case when webhook <> 'payment' then from_json(document, '{"Id": "BIGINT", "Payments": ["JSON"]}') end as parent
    from documents
),

lists as (
    select
        * exclude (document, parent),
        parent.id as parent_id,
        -- an empty list keeps its record
        coalesce(
            nullif(case webhook when 'payment' then [cast(document as json)] else parent.payments end, []), [null]
        ) as items
    from parents
),

items as (
    select
        * exclude (items),
        unnest(items) as item,
        generate_subscripts(items, 1) as item_position
    from lists
),

read as (
    select
        * exclude (item),
        from_json(item, '{
            "Id": "BIGINT", "InvoiceId": "BIGINT", "ChargeMethod": "VARCHAR", "PaymentType": "VARCHAR",
            "Amount": "VARCHAR", "Currency": "VARCHAR", "Date": "VARCHAR", "DeductedAmountByPlatform": "VARCHAR",
            "Success": "VARCHAR", "CashRegisterId": "BIGINT", "PaymentProcessorEventOrganizerId": "BIGINT",
            "Buyer": {
                "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
            }
        }') as doc,
        json_extract_string(item, [
            '$.Id', '$.InvoiceId', '$.ChargeMethod', '$.PaymentType', '$.Amount', '$.Currency',
            '$.DeductedAmountByPlatform', '$.CashRegisterId', '$.Buyer.Id', '$.Date', '$.Success'
        ]) as said
    from items
),

typed as (
    select
        *,
        {{ cleaned('doc.chargemethod') }} as charge_method,
        {{ cleaned('doc.paymenttype') }} as payment_type,
        {{ money('doc.amount') }} as amount,
        upper({{ cleaned('doc.currency') }}) as currency,
        {{ utc('doc.date') }} as paid_at,
        {{ money('doc.deductedamountbyplatform') }} as platform_deduction,
        try_cast(doc.success as boolean) as is_success
    from read
),

named as (
    select
        *,
        {{ likeness(['amount', 'currency', 'paid_at', 'lower(payment_type)', 'upper(charge_method)']) }} as likeness
    from typed
),

-- 0 is no Id: distinguished by their places in the list, counted without what has one
without_id as (
    select
        record_id,
        item_position,
        row_number() over (partition by record_id order by item_position) as place_without_id
    from named
    where likeness is not null
),

placed as (
    select
        named.*,
        without_id.place_without_id
    from named
    left join without_id
        on named.record_id = without_id.record_id and named.item_position = without_id.item_position
),

identified as (
    select
        *,
        {{ item_id() }} as payment_id
    from placed
)

select
    record_id,
    site as account,
    webhook,
    received_at,
    file,
    position,
    item_position,
    cast(parent_id as varchar) as parent_invoice_id,
    payment_id,
    likeness,
    cast(coalesce(nullif(doc.invoiceid, 0), parent_id) as varchar) as invoice_id,
    charge_method,
    payment_type,
    amount,
    currency,
    paid_at,
    platform_deduction,
    is_success,
    cast(nullif(doc.cashregisterid, 0) as varchar) as cash_register_id,
    cast(nullif(doc.paymentprocessoreventorganizerid, 0) as varchar) as event_organizer_id,
    cast(nullif(doc.buyer.id, 0) as varchar) as buyer_id,
    {{ cleaned('doc.buyer.firstname') }} as buyer_first_name,
    {{ cleaned('doc.buyer.lastname') }} as buyer_last_name,
    {{ cleaned('doc.buyer.email') }} as buyer_email,
    {{ cleaned('doc.buyer.phone') }} as buyer_phone,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and payment_id is null then 'Id' end,
        case when said[2] <> '' and doc.invoiceid is null then 'InvoiceId' end,
        case when charge_method is null and {{ cleaned('said[3]') }} is not null then 'ChargeMethod' end,
        case when payment_type is null and {{ cleaned('said[4]') }} is not null then 'PaymentType' end,
        case when said[5] <> '' and amount is null then 'Amount' end,
        case when currency is null and {{ cleaned('said[6]') }} is not null then 'Currency' end,
        case when said[7] <> '' and platform_deduction is null then 'DeductedAmountByPlatform' end,
        case when said[8] <> '' and doc.cashregisterid is null then 'CashRegisterId' end,
        case when said[9] <> '' and doc.buyer.id is null then 'Buyer.Id' end,
        case when {{ is_unread_time('said[10]', 'paid_at') }} then 'Date' end,
        case when is_success is null and {{ cleaned('said[11]') }} is not null then 'Success' end
    ) as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from identified
