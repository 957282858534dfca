-- One row per signed amount of an order, of both platforms, before what stays unexplained is added.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__order_lines') }}
union all by name
select * from {{ ref('int_ticket_tailor__order_lines') }}
