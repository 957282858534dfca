-- Grain: one row per product sale as one record has it. A record that lists none keeps one row without a
-- product_sale_id, so that its load counts as read.
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
        and webhook in ('product', 'invoice_with_details')
        {{ only_new_loads(source('raw_ticketor', 'records')) }}
),

parents as (
    select
        *,
        case when webhook <> 'product' then from_json(document, '{"Id": "BIGINT", "Products": ["JSON"]}') end as parent
    from documents
),

lists as (
    select
        * exclude (document, parent),
        parent.id as parent_id,
        -- an empty list keeps its record
        coalesce(
            nullif(case webhook when 'product' then [cast(document as json)] else parent.products end, []), [null]
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
            "Id": "BIGINT", "InvoiceId": "BIGINT",
            "Product": {"ProductId": "BIGINT", "ProductName": "VARCHAR"},
            "Amount": "VARCHAR", "ReturnedAmount": "VARCHAR", "UnitPrice": "VARCHAR", "Discount": "VARCHAR",
            "Tax": "VARCHAR", "IsRecurringPurchase": "VARCHAR", "RecursInDays": "BIGINT",
            "DeliveryMethod": "VARCHAR", "DeliveryFee": "VARCHAR", "OrderStatus": "VARCHAR",
            "Buyer": {
                "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
            }
        }') as doc,
        json_extract_string(item, [
            '$.Id', '$.InvoiceId', '$.Product.ProductId', '$.Product.ProductName', '$.Amount', '$.ReturnedAmount',
            '$.UnitPrice', '$.Discount', '$.Tax', '$.DeliveryFee', '$.OrderStatus', '$.Buyer.Id',
            '$.IsRecurringPurchase'
        ]) as said
    from items
),

typed as (
    select
        *,
        cast(nullif(doc.product.productid, 0) as varchar) as product_id,
        {{ cleaned('doc.product.productname') }} as product_name,
        -- `Amount` is a quantity here, and money on a payment
        try_cast(doc.amount as decimal(18, 4)) as quantity,
        try_cast(doc.returnedamount as decimal(18, 4)) as returned_quantity,
        {{ money('doc.unitprice') }} as unit_price,
        {{ money('doc.discount') }} as discount,
        {{ money('doc.tax') }} as tax,
        {{ money('doc.deliveryfee') }} as delivery_fee,
        {{ cleaned('doc.orderstatus') }} as order_status,
        try_cast(doc.isrecurringpurchase as boolean) as is_recurring
    from read
),

named as (
    select
        *,
        {{ likeness(['product_id', 'product_name', 'quantity', 'unit_price']) }} as likeness
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
        {{ item_id() }} as product_sale_id
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
    product_sale_id,
    likeness,
    cast(coalesce(nullif(doc.invoiceid, 0), parent_id) as varchar) as invoice_id,
    product_id,
    product_name,
    quantity,
    returned_quantity,
    unit_price,
    discount,
    tax,
    delivery_fee,
    {{ cleaned('doc.deliverymethod') }} as delivery_method,
    order_status,
    is_recurring,
    nullif(doc.recursindays, 0) as recurs_in_days,
    cast(nullif(doc.buyer.id, 0) as varchar) as buyer_id,
    {{ cleaned('doc.buyer.firstname') }} as buyer_first_name,
    {{ cleaned('doc.buyer.lastname') }} as buyer_last_name,
    {{ cleaned('doc.buyer.email') }} as buyer_email,
    {{ cleaned('doc.buyer.phone') }} as buyer_phone,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and product_sale_id is null then 'Id' end,
        case when said[2] <> '' and doc.invoiceid is null then 'InvoiceId' end,
        case when said[3] <> '' and doc.product.productid is null then 'Product.ProductId' end,
        case when product_name is null and {{ cleaned('said[4]') }} is not null then 'Product.ProductName' end,
        case when said[5] <> '' and quantity is null then 'Amount' end,
        case when said[6] <> '' and returned_quantity is null then 'ReturnedAmount' end,
        case when said[7] <> '' and unit_price is null then 'UnitPrice' end,
        case when said[8] <> '' and discount is null then 'Discount' end,
        case when said[9] <> '' and tax is null then 'Tax' end,
        case when said[10] <> '' and delivery_fee is null then 'DeliveryFee' end,
        case when order_status is null and {{ cleaned('said[11]') }} is not null then 'OrderStatus' end,
        case when said[12] <> '' and doc.buyer.id is null then 'Buyer.Id' end,
        case when is_recurring is null and {{ cleaned('said[13]') }} is not null then 'IsRecurringPurchase' end
    ) as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from identified
