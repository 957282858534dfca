-- One row per change seen between two versions of an order, of both platforms.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__order_changes') }}
union all by name
select * from {{ ref('int_ticket_tailor__order_changes') }}
