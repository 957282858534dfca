-- Grain: one row per ticket sale as one record has it. A record that lists none keeps one row without a ticket_id,
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
        {{ cleaned('doc.status') }} as status,
        {{ cleaned('doc.section') }} as section,
        {{ cleaned('doc.row') }} as seat_row,
        {{ cleaned('doc.seat') }} as seat,
        {{ money('doc.buyprice') }} as buy_price,
        {{ money('doc.sellprice') }} as sell_price,
        {{ money('doc.servicecharge') }} as service_charge,
        {{ cleaned('doc.pricelevelname') }} as price_level,
        {{ cleaned('doc.barcode') }} as barcode,
        {{ utc('doc.expirationdate') }} as expires_at,
        {{ utc('doc.lastscannedat') }} as scanned_at,
        cast(nullif(doc.event.eventid, 0) as varchar) as event_id,
        {{ utc('doc.event.eventdate') }} as event_starts_at
    from read
),

named as (
    select
        *,
        {{ likeness(['event_id', 'section', 'seat_row', 'seat', 'barcode', 'price_level']) }} as likeness
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
        {{ item_id() }} as ticket_id
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
    ticket_id,
    likeness,
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
    {{ cleaned('doc.deliverymethod') }} as delivery_method,
    event_id,
    {{ cleaned('doc.event.eventname') }} as event_name,
    event_starts_at,
    cast(nullif(doc.buyer.id, 0) as varchar) as buyer_id,
    {{ cleaned('doc.buyer.firstname') }} as buyer_first_name,
    {{ cleaned('doc.buyer.lastname') }} as buyer_last_name,
    {{ cleaned('doc.buyer.email') }} as buyer_email,
    {{ cleaned('doc.buyer.phone') }} as buyer_phone,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and ticket_id is null then 'Id' end,
        case when said[2] <> '' and doc.invoiceid is null then 'InvoiceId' end,
        case when status is null and {{ cleaned('said[3]') }} is not null then 'Status' end,
        case when section is null and {{ cleaned('said[4]') }} is not null then 'Section' end,
        case when seat_row is null and {{ cleaned('said[5]') }} is not null then 'Row' end,
        case when seat is null and {{ cleaned('said[6]') }} is not null then 'Seat' end,
        case when said[7] <> '' and buy_price is null then 'BuyPrice' end,
        case when said[8] <> '' and sell_price is null then 'SellPrice' end,
        case when said[9] <> '' and service_charge is null then 'ServiceCharge' end,
        case when price_level is null and {{ cleaned('said[10]') }} is not null then 'PriceLevelName' end,
        case when barcode is null and {{ cleaned('said[11]') }} is not null then 'Barcode' end,
        case when said[12] <> '' and doc.event.eventid is null then 'Event.EventId' end,
        case when said[13] <> '' and doc.buyer.id is null then 'Buyer.Id' end,
        case when {{ is_unread_time('said[14]', 'expires_at') }} then 'ExpirationDate' end,
        case when {{ is_unread_time('said[15]', 'scanned_at') }} then 'LastScannedAt' end,
        case
            when {{ is_unread_time('said[16]', 'event_starts_at') }}
                then 'Event.EventDate'
        end
    ) as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from identified
