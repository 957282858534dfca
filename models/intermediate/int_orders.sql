-- One row per order: a Ticketor invoice or a Ticket Tailor order.
{{ config(materialized='view') }}

select * from {{ ref('int_ticketor__orders') }}
union all by name
select * from {{ ref('int_ticket_tailor__orders') }}
