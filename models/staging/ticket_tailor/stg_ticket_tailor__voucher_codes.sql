-- Grain: one row per voucher and code, in their newest versions; a voucher without codes has a row too, and so has a
-- code of no listed voucher.
{{ config(materialized='view', tags=['lists']) }}

with vouchers as (

    select
        box_office as account,
        id,
        missing_since,
        first_seen_at,
        from_json(document, '{
            "name": "VARCHAR", "type": "VARCHAR", "value": "VARCHAR", "currency": "VARCHAR", "expiry": "VARCHAR",
            "total_codes": "VARCHAR", "available_codes": "VARCHAR", "partial_redemption": "VARCHAR",
            "usable_on_any_event": "VARCHAR"
        }') as d
    from {{ tt_newest('vouchers') }}

),

codes as (

    select
        box_office as account,
        id,
        document ->> '$.voucher_id' as voucher_id,
        document ->> '$.used' as used,
        missing_since,
        first_seen_at
    from {{ tt_newest('voucher_codes') }}

)

select
    coalesce(vouchers.account, codes.account) as account,
    coalesce(vouchers.id, codes.voucher_id) as voucher_id,
    {{ cleaned('vouchers.d.name') }} as voucher_name,
    upper({{ cleaned('vouchers.d.type') }}) as voucher_type,
    {{ tt_whole('vouchers.d.value') }} as value_minor_units,
    {{ tt_currency('vouchers.d.currency') }} as currency,
    {{ tt_time('vouchers.d.expiry') }} as expires_at,
    {{ tt_whole('vouchers.d.total_codes') }} as total_codes,
    {{ tt_whole('vouchers.d.available_codes') }} as available_codes,
    {{ tt_true('vouchers.d.partial_redemption') }} as is_partly_redeemable,
    {{ tt_true('vouchers.d.usable_on_any_event') }} as is_for_any_event,
    codes.id as code_id,
    nullif({{ cleaned('codes.used') }}, 'false') is not null as is_used,
    {{ tt_time('codes.used') }} as used_at,
    codes.missing_since as code_missing_since,
    vouchers.missing_since,
    least(vouchers.first_seen_at, codes.first_seen_at) as first_seen_at
from vouchers
full outer join codes on vouchers.account = codes.account and vouchers.id = codes.voucher_id
