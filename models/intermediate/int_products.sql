-- One row per product a platform told of.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__products') }}
union all by name
select * from {{ ref('int_ticket_tailor__products') }}
