-- One row per movement of a payment processor's balance, from the exports that were loaded.
{% set facts = [
    'kind', 'type', 'reference', 'created_at', 'gross', 'fee', 'net', 'currency', 'charged_amount', 'charged_currency',
    'payout_id', 'payout_on', 'file',
] %}

-- an export that does not say something takes nothing away that another one says
with movements as (
    select
        processor,
        transaction_id,
        {% for fact in facts %}
            arg_max({{ fact }}, row(loaded_at, report)) as {{ fact }},
        {% endfor %}
        max(report) = 'stripe_payments' as is_of_payments
    from {{ ref('stg_payouts__transactions') }}
    where reason is null and kind <> 'no_money'
    group by processor, transaction_id
),

-- the export of payments has ids of its own: what another export has is not counted twice
known_better as (
    select distinct payments.transaction_id
    from movements as payments
    inner join movements as others
        on
            payments.processor = others.processor
            and payments.kind = others.kind
            and not others.is_of_payments
            and (
                payments.reference = others.reference
                or (
                    others.reference is null
                    and payments.charged_amount = others.charged_amount
                    and payments.charged_currency = others.charged_currency
                )
            )
    where payments.is_of_payments
)

select
    {{ key(['processor', 'transaction_id']) }} as balance_transaction_key,
    processor,
    transaction_id,
    kind,
    type,
    reference as processor_reference,
    created_at,
    gross,
    fee,
    coalesce(net, {{ money('gross - fee') }}) as net,
    currency,
    charged_amount,
    charged_currency,
    payout_id,
    payout_on,
    file
from movements
where not is_of_payments or transaction_id not in (select known_better.transaction_id from known_better)
