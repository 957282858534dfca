-- Grain: one row per signed amount given back, by a refund payment or by a return whose payments nobody told us:
-- spread over the kinds of what it gives back, then over the events of each kind.
with refunds as (
    select
        payments.account,
        payments.order_id as invoice_id,
        'refund:' || payments.payment_id as refund_id,
        payments.amount,
        payments.paid_at as booked_at,
        payments.paid_at_basis as date_basis,
        payments.currency
    from {{ ref('int_ticketor__received_payments') }} as payments
    inner join {{ ref('int_ticketor__invoices') }} as invoices
        on payments.account = invoices.account and payments.order_id = invoices.invoice_id
    where payments.kind = 'refund' and payments.amount <> 0
    union all
    select
        invoices.account,
        invoices.invoice_id,
        'refund' as refund_id,
        invoices.total_amount as amount,
        invoices.dated_at as booked_at,
        invoices.date_basis,
        invoices.currency
    from {{ ref('int_ticketor__invoices') }} as invoices
    inner join {{ ref('int_ticketor__order_payments') }} as paid
        on invoices.account = paid.account and invoices.invoice_id = paid.invoice_id
    where
        invoices.is_return
        and paid.is_booked
        and not paid.payments_known
        and invoices.total_amount <> 0
),

parts as (
    select
        refunds.*,
        coalesce(bases.line_kind, 'unexplained') as refund_of,
        bases.event_id,
        coalesce(bases.weight, 1) as weight,
        row_number() over (
            partition by refunds.account, refunds.invoice_id, refunds.refund_id, bases.line_kind
            order by bases.event_id asc nulls last
        ) as place
    from refunds
    left join {{ ref('int_ticketor__refund_bases') }} as bases
        on refunds.account = bases.account and refunds.invoice_id = bases.invoice_id
),

-- a kind weighs what its events weigh, and is weighed in its first row
weighed as (
    select
        *,
        case
            when place = 1
                then sum(weight) over (partition by account, invoice_id, refund_id, refund_of)
        end as kind_weight
    from parts
),

kinds as (
    {{ spread(
        'weighed',
        amount=minor_units_of('amount', 'currency'),
        weight=ten_thousandths('kind_weight'),
        partition_by='account, invoice_id, refund_id',
        order_by='refund_of, place',
        share='kind_share'
    ) }}
),

kind_shares as (
    select
        *,
        sum(kind_share) over (partition by account, invoice_id, refund_id, refund_of) as kind_amount
    from kinds
),

events as (
    {{ spread(
        'kind_shares',
        amount='kind_amount',
        weight=ten_thousandths('weight'),
        partition_by='account, invoice_id, refund_id, refund_of',
        order_by='place',
        share='minor_share'
    ) }}
)

select
    account,
    invoice_id,
    refund_id || ':' || refund_of || coalesce(':' || event_id, '') as line_id,
    refund_of,
    event_id,
    {{ from_minor_units('minor_share', multiplier_of('amount', 'currency')) }} as amount,
    currency,
    booked_at,
    date_basis
from events
where minor_share <> 0
