-- One row per order, and on Ticket Tailor per ticket, that this build works on.
{{ config(materialized='view') }}

select
    'ticketor' as platform,
    *
from {{ ref('int_ticketor__touched') }}
union all by name
select
    'ticket_tailor' as platform,
    *
from {{ ref('int_ticket_tailor__touched') }}
