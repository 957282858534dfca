with versions as (

    select
        version_id,
        box_office,
        order_id,
        document_hash,
        fetched_at,
        created_at,
        status,
        event_id,
        currency,
        base_multiplier,
        total,
        total_paid,
        coalesce(refund_amount, 0) as refund_amount,
        coalesce(credited_out_amount, 0) as credited_out_amount,
        refunded_voucher_id is not null as is_refunded_by_voucher
    from {{ touched('stg_ticket_tailor__orders') }}

),

-- refund_amount counts what went back as a voucher too: only the rest of it is money
split as (

    select
        * exclude (refund_amount, credited_out_amount, is_refunded_by_voucher),
        refund_amount,
        case
            when not is_refunded_by_voucher then refund_amount
            when credited_out_amount > 0 then greatest(refund_amount - credited_out_amount, 0)
            else 0
        end as money_refunded,
        case
            when credited_out_amount > 0 then credited_out_amount
            when is_refunded_by_voucher then refund_amount
            else 0
        end as credit_issued
    from versions

)

select
    *,
    row_number() over seen as version_no,
    row_number() over seen = count(*) over (partition by box_office, order_id) as is_newest,
    lag(status) over seen as previous_status,
    lag(event_id) over seen as previous_event_id,
    lag(total) over seen as previous_total,
    lag(total_paid) over seen as previous_total_paid,
    lag(money_refunded) over seen as previous_money_refunded,
    lag(credit_issued) over seen as previous_credit_issued
from split
window seen as (partition by box_office, order_id order by fetched_at, version_id)
