-- One row per posting that a close in force froze: as fct_journal had it when the month was closed.
{{ config(materialized='view') }}

select
    closes.month as closed_month,
    cast(lines.posted_on as date) as posted_on,
    cast(lines.origin_on as date) as origin_on,
    lines.platform,
    lines.account,
    lines.currency,
    lines.posting,
    lines.code,
    lines.account_name,
    lines.tax_code,
    lines.rule,
    lines.order_id,
    lines.event_key,
    cast(lines.amount as decimal(18, 4)) as amount
from {{ source('raw_closes', 'lines') }} as lines
inner join {{ ref('stg_closes__closes') }} as closes
    on lines.number = closes.number and lines._dlt_load_id = closes._dlt_load_id
where closes.is_in_force
