-- One row per sold product, donation, gift card or membership, of both platforms.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__product_sales') }}
union all by name
select * from {{ ref('int_ticket_tailor__product_sales') }}
