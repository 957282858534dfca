-- One row per voucher: a promotion or gift card with its codes. Ticket Tailor only.
{{ config(tags=['lists']) }}

select
    {{ key(["'ticket_tailor'", 'account', 'voucher_id']) }} as voucher_key,
    'ticket_tailor' as platform,
    account,
    voucher_id,
    any_value(voucher_name) as voucher_name,
    any_value(voucher_type) as voucher_type,
    any_value({{ from_minor_units('value_minor_units', tt_multiplier('currency')) }}) as code_value,
    any_value(currency) as currency,
    any_value(expires_at) as expires_at,
    any_value(is_partly_redeemable) as is_partly_redeemable,
    any_value(is_for_any_event) as is_for_any_event,
    any_value(total_codes) as platform_codes_count,
    any_value(available_codes) as platform_codes_available,
    count(code_id) as codes,
    count(code_id) filter (is_used) as codes_used,
    max(used_at) as last_used_at,
    any_value(missing_since) as missing_since,
    min(first_seen_at) as first_seen_at
from {{ ref('stg_ticket_tailor__voucher_codes') }}
where voucher_id is not null
group by account, voucher_id
