-- One row per record refused and not since delivered whole, of both platforms.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__refused') }}
union all by name
select * from {{ ref('int_ticket_tailor__refused') }}
