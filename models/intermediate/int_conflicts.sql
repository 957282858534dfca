-- One row per identity of an order that failed, of those only one platform can check.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__conflicts') }}
union all by name
select * from {{ ref('int_ticket_tailor__conflicts') }}
