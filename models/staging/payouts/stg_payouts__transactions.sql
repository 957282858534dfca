-- One row per transaction of an export, attempts and refused rows included.
{{ config(materialized='view') }}
{% set exported = source('raw_payouts', 'transactions') %}
{% set texts = ['processor', 'report', 'file', 'transaction_id', 'kind', 'type', 'reference', 'payout_id', 'reason'] %}
{% set amounts = ['gross', 'fee', 'net', 'charged_amount'] %}
{% set is_loaded = is_there(exported) %}

select
    {% for name in texts + ['currency', 'charged_currency'] %}
        {{ name if is_loaded else 'cast(null as varchar)' }} as {{ name }},
    {% endfor %}
    {% for name in amounts %}
        {{ money(name if is_loaded else 'null') }} as {{ name }},
    {% endfor %}
    cast({{ 'payout_on' if is_loaded else 'null' }} as date) as payout_on,
    cast({{ 'position' if is_loaded else 'null' }} as bigint) as position,
    {% for name in ['created_at', 'loaded_at'] %}
        cast({{ name if is_loaded else 'null' }} as timestamptz) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
{{ 'from ' ~ exported if is_loaded else 'where false' }}
