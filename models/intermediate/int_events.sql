-- One row per event a platform told of.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__events') }}
union all by name
select * from {{ ref('int_ticket_tailor__events') }}
