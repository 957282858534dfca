-- One row per person as an account knows them.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__people') }}
union all by name
select * from {{ ref('int_ticket_tailor__people') }}
