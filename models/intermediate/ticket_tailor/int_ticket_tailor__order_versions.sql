-- Grain: one row per version of an order in the order they were read, with the values of the version before.
{{ config(schema='last_build') }}

with versions as (

    select
        version_id,
        account,
        order_id,
        document_hash,
        fetched_at,
        missing_since,
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
    from {{ tt_versions('stg_ticket_tailor__orders', 'order_id') }}

),

numbered as (

    select
        *,
        row_number() over seen as version_no,
        row_number() over seen = count(*) over (partition by account, order_id) as is_newest,
        lag(status) over seen as previous_status,
        lag(event_id) over seen as previous_event_id,
        lag(total) over seen as previous_total,
        lag(total_paid) over seen as previous_total_paid,
        lag(refund_amount) over seen as previous_refund_amount,
        lag(credited_out_amount) over seen as previous_credited_out_amount,
        lag(is_refunded_by_voucher) over seen as previous_is_refunded_by_voucher,
        max(if(total_paid < 0, 0, total_paid)) over before as most_paid_before,
        last_value(if(total_paid < 0, 0, total_paid) ignore nulls) over before as paid_before,
        max(greatest(refund_amount, credited_out_amount)) over (partition by account, order_id) as most_back,
        -- the last refund before a voucher was named: the same for this version and the one before, if both name one
        coalesce(
            last_value(case when not is_refunded_by_voucher then refund_amount end ignore nulls) over before, 0
        ) as refunded_before_voucher
    from versions
    window
        seen as (partition by account, order_id order by fetched_at, version_id),
        before as (
            partition by account, order_id
            order by fetched_at, version_id
            rows between unbounded preceding and 1 preceding
        )

),

split as (

    select
        *,
        -- refund_amount counts what went back as a voucher too: only the rest of it is money
        {{ tt_money_refunded('') }} as money_refunded,
        case when version_no > 1 then {{ tt_money_refunded('previous_') }} end as previous_money_refunded
    from numbered

)

select
    * exclude (
        credited_out_amount, is_refunded_by_voucher, previous_refund_amount, previous_credited_out_amount,
        previous_is_refunded_by_voucher, refunded_before_voucher, paid_before, most_back
    ),
    case
        when credited_out_amount > 0 then credited_out_amount
        when is_refunded_by_voucher then refund_amount - money_refunded
        else 0
    end as credit_issued,
    case
        when version_no = 1 then null
        when previous_credited_out_amount > 0 then previous_credited_out_amount
        when previous_is_refunded_by_voucher then previous_refund_amount - previous_money_refunded
        else 0
    end as previous_credit_issued,
    -- the most that was ever paid counts; less only where it fell by more than was ever refunded
    case
        when total_paid is not null
            then least(greatest(total_paid, most_paid_before, 0), greatest(total_paid, 0) + most_back)
                - coalesce(least(most_paid_before, paid_before + most_back), 0)
    end as paid_more
from split
