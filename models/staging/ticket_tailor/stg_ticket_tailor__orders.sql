-- Grain: one row per version of an order, flat.
{{ config(unique_key='version_id') }}

with documents as (

    select
        version_id,
        box_office as account,
        id,
        created_at,
        document_hash,
        webhook_id,
        fetched_at,
        missing_since,
        _dlt_load_id,
        from_json(document, '{
            "status": "VARCHAR",
            "buyer_details": {
                "email": "VARCHAR", "first_name": "VARCHAR", "last_name": "VARCHAR", "name": "VARCHAR", "phone": "VARCHAR"
            },
            "currency": {"code": "VARCHAR", "base_multiplier": "VARCHAR"},
            "event_summary": {
                "id": "VARCHAR", "event_id": "VARCHAR", "event_series_id": "VARCHAR", "name": "VARCHAR",
                "start_date": "VARCHAR", "end_date": "VARCHAR", "venue": {"name": "VARCHAR"}
            },
            "issued_tickets": [{"id": "VARCHAR"}],
            "payment_method": {"type": "VARCHAR", "name": "VARCHAR"},
            "txn_id": "VARCHAR",
            "subtotal": "VARCHAR",
            "tax": "VARCHAR",
            "tax_treatment": "VARCHAR",
            "total": "VARCHAR",
            "total_paid": "VARCHAR",
            "refund_amount": "VARCHAR",
            "credited_out_amount": "VARCHAR",
            "refunded_voucher_id": "VARCHAR",
            "referral_tag": "VARCHAR",
            "marketing_opt_in": "VARCHAR"
        }') as d,
        document
    from {{ tt_documents('orders') }}

),

-- an object {code, base_multiplier}; where it is not, the bare code that events and products carry
with_currency as (

    select
        *,
        coalesce(d.currency.code, document ->> '$.currency') as currency_code
    from documents

)

select
    version_id,
    account,
    id as order_id,
    {{ tt_unix('created_at') }} as created_at,
    document_hash,
    webhook_id,
    fetched_at,
    missing_since,
    -- the documents spell it both ways
    regexp_replace(lower({{ cleaned('d.status') }}), '^canceled$', 'cancelled') as status,
    coalesce(d.event_summary.event_id, d.event_summary.id) as event_id,
    d.event_summary.event_series_id,
    {{ cleaned('d.event_summary.name') }} as event_name,
    {{ tt_time('d.event_summary.start_date') }} as event_starts_at,
    {{ tt_time('d.event_summary.end_date') }} as event_ends_at,
    {{ cleaned('d.event_summary.venue.name') }} as venue,
    {{ cleaned('d.buyer_details.email') }} as buyer_email,
    {{ cleaned('d.buyer_details.first_name') }} as buyer_first_name,
    {{ cleaned('d.buyer_details.last_name') }} as buyer_last_name,
    {{ cleaned('d.buyer_details.name') }} as buyer_name,
    {{ cleaned('d.buyer_details.phone') }} as buyer_phone,
    try_cast(d.marketing_opt_in as boolean) as marketing_opt_in,
    {{ tt_currency('currency_code') }} as currency,
    {{ tt_multiplier('currency_code', 'd.currency.base_multiplier') }} as base_multiplier,
    {{ tt_whole('d.subtotal') }} as subtotal,
    {{ tt_whole('d.tax') }} as tax,
    lower({{ cleaned('d.tax_treatment') }}) as tax_treatment,
    {{ tt_whole('d.total') }} as total,
    {{ tt_whole('d.total_paid') }} as total_paid,
    {{ tt_whole('d.refund_amount') }} as refund_amount,
    {{ tt_whole('d.credited_out_amount') }} as credited_out_amount,
    nullif(d.refunded_voucher_id, '') as refunded_voucher_id,
    lower({{ cleaned('d.payment_method.type') }}) as payment_type,
    {{ cleaned('d.payment_method.name') }} as payment_name,
    nullif({{ cleaned('d.txn_id') }}, '--') as txn_id,
    {{ cleaned('d.referral_tag') }} as referral_tag,
    len(d.issued_tickets) as tickets_count,
    {{ tt_unreadable({
        'subtotal': 'd.subtotal', 'tax': 'd.tax', 'total': 'd.total', 'total_paid': 'd.total_paid',
        'refund_amount': 'd.refund_amount', 'credited_out_amount': 'd.credited_out_amount',
    }, {
        'created_at': 'cast(created_at as varchar)', 'start_date': 'd.event_summary.start_date',
        'end_date': 'd.event_summary.end_date',
    }) }} as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from with_currency
