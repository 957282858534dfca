-- One row per movement of money or attempt at one, of both platforms.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__payments') }}
union all by name
select * from {{ ref('int_ticket_tailor__payments') }}
