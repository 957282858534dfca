-- One row per movement of a processor's balance and the payment that it is; one of each that has no other.
{{ config(materialized='view') }}

with movements as (
    select
        *,
        row_number() over (
            partition by processor_reference, kind
            order by charged_amount, created_at, balance_transaction_key
        ) as place
    from {{ mart('fct_balance_transactions') }}
),

payments as (
    select
        payments.*,
        accounts.reporting_zone,
        case when payments.amount < 0 then 'refund' else 'charge' end as direction,
        -- Ticketor says the brand of a card, and not who processed it
        case
            when contains(lower(payments.method), 'paypal') then 'paypal'
            when contains(lower(payments.method), 'stripe') then 'stripe'
            when payments.platform = 'ticketor' and lower(payments.method) not in ('cash', 'check', 'cheque')
                then 'stripe'
        end as processor,
        row_number() over (
            partition by payments.processor_reference, payments.amount < 0
            order by payments.amount, payments.paid_at, payments.payment_key
        ) as place,
        -- a refund that was there when its order was first seen may have been given on any day since
        min(payments.paid_at) over (partition by payments.processor_reference) as charged_at
    from {{ mart('fct_payments') }} as payments
    left join {{ mart('dim_accounts') }} as accounts
        on payments.platform = accounts.platform and payments.account = accounts.account
    where payments.amount <> 0
),

charged as (
    select *
    from movements
    where kind in ('charge', 'refund')
),

paid as (
    select *
    from payments
    where processor_reference is not null
),

both_sides as (
    select
        processor_reference,
        kind as direction,
        charged_currency as currency,
        1 as movements,
        0 as payments,
        charged_amount as amount
    from charged
    where processor_reference is not null
    union all by name
    select
        processor_reference,
        direction,
        currency,
        0 as movements,
        1 as payments,
        -amount as amount
    from paid
),

-- several refunds of one charge may have been seen as one: what is compared is their sum
compared as (
    select
        processor_reference,
        direction,
        count(distinct currency) = 1 as is_in_one_currency,
        case
            when sum(payments) = 0 then 'missing here'
            when sum(movements) = 0 then 'missing there'
            when count(distinct currency) = 1 and sum(amount) = 0 then 'matched'
            else 'different'
        end as outcome
    from both_sides
    group by processor_reference, direction
),

by_reference as (
    select
        charged.balance_transaction_key,
        paid.payment_key,
        compared.outcome,
        'reference' as matched_by,
        compared.is_in_one_currency
    from charged
    full join paid
        on
            charged.processor_reference = paid.processor_reference
            and charged.kind = paid.direction
            and charged.place = paid.place
    inner join compared
        on
            coalesce(charged.processor_reference, paid.processor_reference) = compared.processor_reference
            and coalesce(charged.kind, paid.direction) = compared.direction
),

sites as (
    select distinct
        platform,
        account,
        reporting_zone
    from payments
    where platform = 'ticketor'
),

not_alone as (
    select balance_transaction_key
    from by_reference
    where outcome in ('matched', 'different') and balance_transaction_key is not null
),

-- Ticketor names no charge: what is left is looked for by day and amount
left_over as (
    select
        charged.*,
        sites.platform,
        sites.account,
        {{ local_day('charged.created_at', 'sites.reporting_zone') }} as created_on,
        row_number() over (
            partition by
                sites.platform, sites.account, created_on, charged.processor, charged.charged_amount,
                charged.charged_currency
            order by charged.created_at, charged.balance_transaction_key
        ) as place_of_day
    from charged
    anti join not_alone on charged.balance_transaction_key = not_alone.balance_transaction_key
    cross join sites
),

without_reference as (
    select
        *,
        row_number() over (
            partition by platform, account, paid_on, processor, amount, currency
            order by paid_at, payment_key
        ) as place_of_day
    from payments
    where processor_reference is null and platform = 'ticketor'
),

by_day as (
    select
        left_over.balance_transaction_key,
        without_reference.payment_key,
        'matched' as outcome,
        'day and amount' as matched_by,
        true as is_in_one_currency
    from left_over
    inner join without_reference
        on
            left_over.platform = without_reference.platform
            and left_over.account = without_reference.account
            and left_over.created_on = without_reference.paid_on
            and left_over.processor = without_reference.processor
            and left_over.charged_amount = without_reference.amount
            and left_over.charged_currency = without_reference.currency
            and left_over.place_of_day = without_reference.place_of_day
    -- two sites of one processor's account
    qualify
        row_number() over (
            partition by left_over.balance_transaction_key order by left_over.platform, left_over.account
        ) = 1
),

-- of an account the exports that were loaded reach from its first movement in them to its last
covered as (
    select
        payments.platform,
        payments.account,
        payments.processor,
        payments.currency,
        min(movements.created_at) as since,
        max(movements.created_at) as until
    from by_reference
    inner join movements on by_reference.balance_transaction_key = movements.balance_transaction_key
    inner join payments on by_reference.payment_key = payments.payment_key
    group by payments.platform, payments.account, payments.processor, payments.currency
),

in_reach as (
    select payments.payment_key
    from payments
    inner join covered
        on
            payments.platform = covered.platform
            and payments.account = covered.account
            and payments.processor = covered.processor
            and payments.currency = covered.currency
            and payments.charged_at > covered.since
            and case payments.direction when 'refund' then payments.first_seen_at else payments.paid_at end
            < covered.until
),

found as (
    select * from by_day
    union all by name
    select by_reference.*
    from by_reference
    anti join by_day on by_reference.balance_transaction_key = by_day.balance_transaction_key
    left join in_reach on by_reference.payment_key = in_reach.payment_key
    where by_reference.outcome <> 'missing there' or in_reach.payment_key is not null
    union all by name
    select
        movements.balance_transaction_key,
        case when movements.kind in ('charge', 'refund') then 'no reference' else 'other' end as outcome
    from movements
    anti join by_day on movements.balance_transaction_key = by_day.balance_transaction_key
    where movements.kind not in ('charge', 'refund') or movements.processor_reference is null
),

-- the order of a charge is known of movements too that no payment is
owners as (
    select
        processor_reference,
        any_value(platform) as platform,
        any_value(account) as account,
        any_value(order_key) as order_key,
        any_value(order_id) as order_id,
        any_value(reporting_zone) as reporting_zone
    from payments
    where processor_reference is not null
    group by processor_reference
),

-- what is missing on one side is the whole difference
side_by_side as (
    select
        found.outcome,
        case when found.outcome in ('matched', 'different') then found.matched_by end as matched_by,
        coalesce(movements.processor, payments.processor) as processor,
        coalesce(movements.kind, payments.direction) as kind,
        coalesce(movements.processor_reference, payments.processor_reference) as processor_reference,
        case
            when found.is_in_one_currency
                then coalesce(movements.charged_amount, 0) - coalesce(payments.amount, 0)
        end as difference,
        coalesce(payments.reporting_zone, owners.reporting_zone, 'UTC') as zone,
        movements.balance_transaction_key,
        movements.transaction_id,
        movements.created_at,
        movements.gross,
        movements.fee,
        movements.net,
        movements.currency,
        movements.charged_amount,
        movements.charged_currency,
        movements.payout_id,
        movements.payout_on,
        coalesce(payments.platform, owners.platform) as platform,
        coalesce(payments.account, owners.account) as account,
        coalesce(payments.order_key, owners.order_key) as order_key,
        coalesce(payments.order_id, owners.order_id) as order_id,
        payments.payment_key,
        payments.payment_id,
        payments.paid_on,
        payments.amount as paid_amount,
        payments.currency as paid_currency
    from found
    left join movements on found.balance_transaction_key = movements.balance_transaction_key
    left join payments on found.payment_key = payments.payment_key
    left join owners on movements.processor_reference = owners.processor_reference
)

select
    {{ key(["coalesce(balance_transaction_key, '')", "coalesce(payment_key, '')"]) }} as payout_row_key,
    outcome,
    matched_by,
    processor,
    kind,
    processor_reference,
    balance_transaction_key,
    transaction_id,
    created_at,
    {{ local_day('created_at', 'zone') }} as processed_on,
    gross,
    fee,
    net,
    currency,
    charged_amount,
    charged_currency,
    payout_id,
    payout_on,
    platform,
    account,
    order_key,
    order_id,
    payment_key,
    payment_id,
    paid_on,
    paid_amount,
    paid_currency,
    {{ money('difference') }} as difference,
    case outcome
        when 'missing here'
            then
                case
                    when order_id is null then 'No order that is known was paid by this charge: '
                    else 'The platform does not report this ' || kind || ' of order ' || order_id || ': '
                end || {{ in_currency('charged_amount', 'charged_currency') }} || '.'
        when 'missing there'
            then
                'The payment of ' || {{ in_currency('paid_amount', 'paid_currency') }} || ' is in no export that was '
                || 'loaded, though they reach from before it to after it.'
        when 'different'
            then
                'The processor has ' || {{ in_currency('charged_amount', 'charged_currency') }} || ', the platform '
                || {{ in_currency('paid_amount', 'paid_currency') }} || '.'
        when 'no reference' then 'The export does not say which charge this is of.'
    end as in_words
from side_by_side
