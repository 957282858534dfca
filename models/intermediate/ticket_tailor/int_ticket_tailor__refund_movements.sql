-- Grain: one row per change of what was given back between two versions of an order.
-- Each change of what was given back, as money and as credit, from one version of an order to the next.
{{ config(schema='last_build') }}

with movements as (

    select
        account,
        order_id,
        version_id,
        version_no,
        document_hash,
        fetched_at,
        created_at,
        base_multiplier,
        currency,
        'refund' as kind,
        money_refunded - coalesce(previous_money_refunded, 0) as moved,
        money_refunded as amount_as_given
    from {{ ref('int_ticket_tailor__order_versions') }}
    where money_refunded <> coalesce(previous_money_refunded, 0)

    union all

    select
        account,
        order_id,
        version_id,
        version_no,
        document_hash,
        fetched_at,
        created_at,
        base_multiplier,
        currency,
        'credit_issued' as kind,
        credit_issued - coalesce(previous_credit_issued, 0) as moved,
        credit_issued as amount_as_given
    from {{ ref('int_ticket_tailor__order_versions') }}
    where credit_issued <> coalesce(previous_credit_issued, 0)

),

named as (

    select
        *,
        case kind when 'refund' then 'refund' else 'credit' end || ':' || left(document_hash, 12) as short_name
    from movements

)

select
    account,
    order_id,
    kind,
    -- a document may return to an earlier state, with the same hash: that is another movement
    short_name || case
        when row_number() over same_name > 1 then ':' || row_number() over same_name
        else ''
    end as movement_id,
    moved,
    amount_as_given,
    base_multiplier,
    currency,
    case when version_no = 1 then coalesce(created_at, fetched_at) else fetched_at end as moved_at,
    case when version_no = 1 then 'before_first_load' else 'first_seen' end as moved_at_basis,
    fetched_at as first_seen_at
from named
window same_name as (partition by account, order_id, short_name order by version_no)
