-- One row per transaction of an export, attempts and refused rows included.
{{ config(materialized='whole') }}
{% set exported = source('raw_payouts', 'transactions') %}
{% set texts = [
    'processor', 'report', 'file', 'transaction_id', 'kind', 'type', 'reference', 'currency', 'charged_currency',
    'payout_id', 'reason',
] %}
{% set amounts = ['gross', 'fee', 'net', 'charged_amount'] %}

with exported as (
    {% if is_there(exported) %}
        select * from {{ exported }}
    {% else %}
        select
            {% for name in texts + amounts %}
                cast(null as varchar) as {{ name }},
            {% endfor %}
            cast(null as varchar) as payout_on,
            cast(null as bigint) as position,
            cast(null as timestamptz) as created_at,
            cast(null as timestamptz) as loaded_at
        where false
    {% endif %}
)

select
    {% for name in texts %}
        {{ name }},
    {% endfor %}
    {% for name in amounts %}
        {{ money(name) }} as {{ name }},
    {% endfor %}
    cast(payout_on as date) as payout_on,
    position,
    created_at,
    loaded_at
from exported
