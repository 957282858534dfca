-- One row per ticket sale, of both platforms.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__tickets') }}
union all by name
select * from {{ ref('int_ticket_tailor__tickets') }}
