-- The journal balances and is the ledger, the payments and the fees once more: by order where the order is named, and
-- in all that it holds by day. An amount that is too large for one column is NULL there: nothing is proved of it.
{% set order = order_of() %}
{% set sides = {
    'the receivable is what was charged': "posting like 'receivable%' and rule in ('charge', 'refund', 'credited')",
    'clearing is the money that moved': "posting = 'clearing' and rule = 'money'",
    'costs are the fees of orders': "rule = 'fee' and posting <> 'platform_fees_owed'",
    'stored value is credit given and spent': "posting = 'stored_value' and rule in ('credit_issued', 'credit_redeemed')",
} %}
with journal as not materialized (
    select * from {{ touched('fct_journal') }}
    where rule not in ('release', 'opening')
),

unreadable as (
    select distinct
        platform,
        account,
        {{ order }} as order_id
    from journal
    where amount is null
),

-- what the journal has, and taken off it what it should have
both_sides as not materialized (
    {% for side, condition in sides.items() %}
        select
            '{{ side }}' as side,
            platform,
            account,
            {{ order }} as order_id,
            origin_on as posted_on,
            currency,
            {{ '-amount' if loop.last else 'amount' }} as amount
        from journal
        where {{ condition }}
        union all
    {% endfor %}
    select
        'the receivable is what was charged' as side,
        platform,
        account,
        order_id,
        booked_on as posted_on,
        coalesce(currency, 'XXX') as currency,
        -amount as amount
    from {{ touched('fct_order_lines') }}
    where booked_on is not null
    union all
    select
        'clearing is the money that moved' as side,
        platform,
        account,
        {{ order }} as order_id,
        paid_on as posted_on,
        coalesce(currency, 'XXX') as currency,
        -amount as amount
    from {{ touched('fct_payments') }}
    union all
    select
        'costs are the fees of orders' as side,
        platform,
        account,
        order_id,
        booked_on as posted_on,
        coalesce(currency, 'XXX') as currency,
        -platform_fee_amount as amount
    from {{ touched('fct_orders') }}
    where booked_on is not null and platform_fee_amount is not null
    union all
    select
        'stored value is credit given and spent' as side,
        platform,
        account,
        {{ order }} as order_id,
        paid_on as posted_on,
        coalesce(currency, 'XXX') as currency,
        case kind when 'credit_issued' then -credit_amount else credit_amount end as amount
    from {{ touched('fct_payments') }}
    where kind in ('credit_issued', 'credit_redeemed')
),

-- what is added up is named by a hash first: by its six columns it takes more than twice the time
suspects as (
    select hash(side, platform, account, order_id, posted_on, currency) as suspect
    from both_sides
    group by all
    having sum(amount) <> 0
),

differing as (
    select
        side,
        platform,
        account,
        order_id,
        posted_on,
        currency,
        sum(amount) as difference
    from both_sides
    where hash(side, platform, account, order_id, posted_on, currency) in (select suspects.suspect from suspects)
    group by all
    having sum(amount) <> 0
),

unbalanced as (
    select hash(platform, account, order_id, posted_on, currency, rule) as suspect
    from journal
    group by all
    having sum(amount) <> 0 and count(*) = count(amount)
),

-- what an unbooked return takes off an order that is paid in part is owed no more, and was charged all the same
given_up as (
    select
        platform,
        account,
        related_order_id as order_id
    from {{ touched('fct_orders') }}
    where not is_booked and {{ is_return('order_type') }} and total_amount <> 0
),

open_balances as (
    select
        platform,
        account,
        order_id,
        sum(amount) filter (where posting = 'receivable') as receivable
    from journal
    group by all
    having min(currency) = max(currency)
),

sales as (
    select orders.*
    from {{ touched('fct_orders') }} as orders
    anti join given_up
        on
            orders.platform = given_up.platform
            and orders.account = given_up.account
            and orders.order_id = given_up.order_id
    where
        orders.is_booked
        and orders.balance_due is not null
        and not {{ is_return('orders.order_type') }}
        -- nothing is owed for it, and what it charged is in the ledger
        and not (orders.status = 'cancelled' and orders.paid_amount = 0)
),

not_owed as (
    select
        sales.platform,
        sales.account,
        sales.order_id,
        'balance_due is ' || sales.balance_due || ', the journal has ' || coalesce(open_balances.receivable, 0)
            as explanation
    from sales
    inner join open_balances
        on
            sales.platform = open_balances.platform
            and sales.account = open_balances.account
            and sales.order_id = open_balances.order_id
    where sales.balance_due <> coalesce(open_balances.receivable, 0)
),

-- from here on the whole journal, not only what this build touched
unbalanced_days as (
    select
        platform,
        account,
        posted_on || ' in ' || currency || ', ' || state || ': ' || sum(amount) as explanation
    from {{ ref('fct_journal') }}
    group by platform, account, posted_on, currency, state
    having sum(amount) <> 0 and count(*) = count(amount)
),

still_unearned as (
    select
        journal.platform,
        journal.account,
        journal.event_key || ' in ' || journal.currency || ': ' || sum(journal.amount) as explanation
    from {{ ref('fct_journal') }} as journal
    inner join {{ ref('dim_events') }} as events on journal.event_key = events.event_key
    where journal.posting = 'unearned' and events.released_on is not null
    group by journal.platform, journal.account, journal.event_key, journal.currency
    having sum(journal.amount) <> 0 and count(*) = count(journal.amount)
)

select
    'the journal of an order balances' as proof,
    platform,
    account,
    {{ order }} as order_id,
    posted_on || ' in ' || currency || ': ' || sum(amount) as explanation
from journal
where hash(platform, account, order_id, posted_on, currency, rule) in (select unbalanced.suspect from unbalanced)
group by platform, account, {{ order }}, posted_on, currency, rule
having sum(amount) <> 0 and count(*) = count(amount)
union all
select
    'in the journal ' || differing.side as proof,
    differing.platform,
    differing.account,
    differing.order_id,
    differing.posted_on || ' in ' || differing.currency || ' differs by ' || differing.difference as explanation
from differing
anti join unreadable
    on
        differing.platform = unreadable.platform
        and differing.account = unreadable.account
        and differing.order_id = unreadable.order_id
union all
select
    'what buyers owe in the journal is balance_due' as proof,
    not_owed.platform,
    not_owed.account,
    not_owed.order_id,
    not_owed.explanation
from not_owed
anti join unreadable
    on
        not_owed.platform = unreadable.platform
        and not_owed.account = unreadable.account
        and not_owed.order_id = unreadable.order_id
union all
select
    'a day of the journal balances' as proof,
    platform,
    account,
    null as order_id,
    explanation
from unbalanced_days
union all
select
    'what is given is earned' as proof,
    platform,
    account,
    null as order_id,
    explanation
from still_unearned
union all
{{ grain('fct_journal', 'platform', ['journal_key'], order=order) }}
