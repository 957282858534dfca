-- Grain: one row per ticket sale as one record tells it. A record that lists none keeps one row without a ticket_id,
-- so that its load counts as read.
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
        and webhook in ('ticket', 'invoice_with_details')
        {{ only_new_loads(source('raw_ticketor', 'records')) }}
),

parents as (
    select
        *,
        case when webhook <> 'ticket' then from_json(document, '{"Id": "BIGINT", "Tickets": ["JSON"]}') end as parent
    from documents
),

lists as (
    select
        * exclude (document, parent),
        parent.id as parent_id,
        -- an empty list keeps its record
        coalesce(
            nullif(case webhook when 'ticket' then [cast(document as json)] else parent.tickets end, []), [null]
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
            "Id": "BIGINT", "InvoiceId": "BIGINT", "Status": "VARCHAR",
            "Section": "VARCHAR", "Row": "VARCHAR", "Seat": "VARCHAR",
            "BuyPrice": "VARCHAR", "SellPrice": "VARCHAR", "ServiceCharge": "VARCHAR", "PriceLevelName": "VARCHAR",
            "Barcode": "VARCHAR", "ExpirationDate": "VARCHAR", "LastScannedAt": "VARCHAR", "DeliveryMethod": "VARCHAR",
            "Event": {"EventId": "BIGINT", "EventName": "VARCHAR", "EventDate": "VARCHAR"},
            "Buyer": {
                "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
            }
        }') as doc,
        json_extract_string(item, [
            '$.Id', '$.InvoiceId', '$.Status', '$.Section', '$.Row', '$.Seat', '$.BuyPrice', '$.SellPrice',
            '$.ServiceCharge', '$.PriceLevelName', '$.Barcode', '$.Event.EventId', '$.Buyer.Id',
            '$.ExpirationDate', '$.LastScannedAt', '$.Event.EventDate'
        ]) as said
    from items
),

typed as (
    select
        *,
        cast(doc.id as varchar) as ticket_id,
        nullif(trim(doc.status), '') as status,
        nullif(trim(doc.section), '') as section,
        nullif(trim(doc.row), '') as seat_row,
        nullif(trim(doc.seat), '') as seat,
        {{ money('doc.buyprice') }} as buy_price,
        {{ money('doc.sellprice') }} as sell_price,
        {{ money('doc.servicecharge') }} as service_charge,
        nullif(trim(doc.pricelevelname), '') as price_level,
        nullif(trim(doc.barcode), '') as barcode,
        {{ utc('doc.expirationdate') }} as expires_at,
        {{ utc('doc.lastscannedat') }} as scanned_at,
        cast(nullif(doc.event.eventid, 0) as varchar) as event_id,
        {{ utc('doc.event.eventdate') }} as event_starts_at
    from read
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
    ticket_id,
    cast(coalesce(nullif(doc.invoiceid, 0), parent_id) as varchar) as invoice_id,
    status,
    section,
    seat_row,
    seat,
    buy_price,
    sell_price,
    service_charge,
    price_level,
    barcode,
    expires_at,
    scanned_at,
    nullif(trim(doc.deliverymethod), '') as delivery_method,
    event_id,
    nullif(trim(doc.event.eventname), '') as event_name,
    event_starts_at,
    cast(nullif(doc.buyer.id, 0) as varchar) as buyer_id,
    nullif(trim(doc.buyer.firstname), '') as buyer_first_name,
    nullif(trim(doc.buyer.lastname), '') as buyer_last_name,
    nullif(trim(doc.buyer.email), '') as buyer_email,
    nullif(trim(doc.buyer.phone), '') as buyer_phone,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and ticket_id is null then 'Id' end,
        case when said[2] <> '' and doc.invoiceid is null then 'InvoiceId' end,
        case when trim(said[3]) <> '' and status is null then 'Status' end,
        case when trim(said[4]) <> '' and section is null then 'Section' end,
        case when trim(said[5]) <> '' and seat_row is null then 'Row' end,
        case when trim(said[6]) <> '' and seat is null then 'Seat' end,
        case when said[7] <> '' and buy_price is null then 'BuyPrice' end,
        case when said[8] <> '' and sell_price is null then 'SellPrice' end,
        case when said[9] <> '' and service_charge is null then 'ServiceCharge' end,
        case when trim(said[10]) <> '' and price_level is null then 'PriceLevelName' end,
        case when trim(said[11]) <> '' and barcode is null then 'Barcode' end,
        case when said[12] <> '' and doc.event.eventid is null then 'Event.EventId' end,
        case when said[13] <> '' and doc.buyer.id is null then 'Buyer.Id' end
    ) as lost_values,
    concat_ws(
        ' ',
        case when trim(said[14]) <> '' and said[14] not like '0001-%' and expires_at is null then 'ExpirationDate' end,
        case when trim(said[15]) <> '' and said[15] not like '0001-%' and scanned_at is null then 'LastScannedAt' end,
        case
            when trim(said[16]) <> '' and said[16] not like '0001-%' and event_starts_at is null
                then 'Event.EventDate'
        end
    ) as unread_values,
    _dlt_load_id,
    {{ shape() }} as _shape
from typed
