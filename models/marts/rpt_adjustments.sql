-- One row per order or event, closed month, account code and currency that would have other postings now.
{{ config(materialized='view') }}

with closed as (
    select
        done_at,
        published_until,
        strftime(month, '%Y-%m') as month
    from {{ mart('rpt_closes') }}
    where is_in_force
    qualify row_number() over (order by month desc) = 1
),

adjusted as (
    select
        platform,
        account,
        currency,
        order_key,
        order_id,
        case when order_key is null then event_key end as event_key,
        cast(date_trunc('month', origin_on) as date) as origin_month,
        posted_on,
        posting,
        code,
        max(account_name) as account_name,
        sum(amount) as amount
    from {{ mart('fct_journal') }}
    where state = 'adjustment'
    group by all
    having sum(amount) <> 0
),

-- by the clock that records are dated by: what had been received of each account when the month was closed
heard as (
    select
        accounts.platform,
        accounts.account,
        coalesce(
            try_cast(
                closed.published_until ->> ('$."' || accounts.platform || ' ' || accounts.account || '"') as timestamptz
            ),
            '-infinity'
        ) as until
    from {{ mart('dim_accounts') }} as accounts
    cross join closed
),

causes as (
    select
        orders.order_key,
        orders.first_seen_at > heard.until as is_late,
        orders.last_heard_at > heard.until as is_news,
        if(orders.first_seen_at > heard.until, orders.first_seen_at, orders.last_heard_at) as heard_at,
        string_agg(
            changes.what || coalesce(' ' || changes.before, '') || ' → ' || coalesce(changes.after, 'none'), ', '
            order by changes.first_seen_at, changes.what
        ) as changes
    from {{ mart('fct_orders') }} as orders
    inner join heard on orders.platform = heard.platform and orders.account = heard.account
    left join {{ mart('fct_order_changes') }} as changes
        on orders.order_key = changes.order_key and heard.until < changes.first_seen_at
    where orders.order_key in (select adjusted.order_key from adjusted)
    group by all
),

-- a release follows from what changed of its event's orders
causes_of_events as (
    select
        journal.event_key,
        min(if(causes.is_late, 'late', 'news')) as why
    from {{ mart('fct_journal') }} as journal
    inner join causes on journal.order_key = causes.order_key
    where journal.state = 'adjustment' and (causes.is_late or causes.is_news)
    group by journal.event_key
),

explained as (
    select
        adjusted.*,
        case
            when adjusted.order_key is null then coalesce(causes_of_events.why, 'rules')
            when coalesce(causes.is_late, true) then 'late'
            when causes.is_news then 'news'
            else 'rules'
        end as why,
        causes.heard_at,
        causes.changes,
        closed.month as closed_month
    from adjusted
    left join causes on adjusted.order_key = causes.order_key
    left join causes_of_events on adjusted.event_key = causes_of_events.event_key
    -- last: DuckDB keeps a view's cross join as a comma, which binds less than a join
    cross join closed
)

select
    platform,
    account,
    order_key,
    order_id,
    event_key,
    origin_month,
    posting,
    code,
    account_name,
    currency,
    cast(amount as decimal(18, 4)) as amount,
    posted_on,
    why,
    case
        when order_key is null and why <> 'rules'
            then 'What was released of this event follows from later news of its orders.'
        when why = 'late' and heard_at is null
            then 'First received after ' || closed_month || ' was closed; its order has not come.'
        when why = 'late'
            then 'First received on ' || strftime(heard_at, '%Y-%m-%d') || ', after ' || closed_month || ' was closed.'
        when why = 'news'
            then 'Changed after ' || closed_month || ' was closed, on ' || strftime(heard_at, '%Y-%m-%d')
                || coalesce(': ' || changes, '') || '.'
        else 'Nothing new was received: a seed, a setting, a date or the version of Boxoffice has changed.'
    end as in_words
from explained
