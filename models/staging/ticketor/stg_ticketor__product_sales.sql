-- Grain: one row per product sale as one record has it. A record that lists none keeps one row without a
-- product_sale_id, so that its load counts as read.
{{ config(unique_key='record_id') }}

{% set fields %}
{
    "Id": "BIGINT", "InvoiceId": "BIGINT",
    "Product": {"ProductId": "BIGINT", "ProductName": "VARCHAR"},
    "Amount": "VARCHAR", "ReturnedAmount": "VARCHAR", "UnitPrice": "VARCHAR", "Discount": "VARCHAR",
    "Tax": "VARCHAR", "IsRecurringPurchase": "VARCHAR", "RecursInDays": "BIGINT",
    "DeliveryMethod": "VARCHAR", "DeliveryFee": "VARCHAR", "OrderStatus": "VARCHAR",
    "Buyer": {
        "Id": "BIGINT", "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR"
    }
}
{% endset %}
with read as (
    {{ items_read('product', 'Products', fields, ['Id', 'InvoiceId', 'Product.ProductId', 'Buyer.Id']) }}
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

identified as (
    select
        *,
        {{ item_id() }} as product_sale_id
    from named
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
        case when doc.amount <> '' and quantity is null then 'Amount' end,
        case when doc.returnedamount <> '' and returned_quantity is null then 'ReturnedAmount' end,
        case when doc.unitprice <> '' and unit_price is null then 'UnitPrice' end,
        case when doc.discount <> '' and discount is null then 'Discount' end,
        case when doc.tax <> '' and tax is null then 'Tax' end,
        case when doc.deliveryfee <> '' and delivery_fee is null then 'DeliveryFee' end,
        case when said[4] <> '' and doc.buyer.id is null then 'Buyer.Id' end,
        case
            when is_recurring is null and {{ cleaned('doc.isrecurringpurchase') }} is not null
                then 'IsRecurringPurchase'
        end
    ) as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from identified
