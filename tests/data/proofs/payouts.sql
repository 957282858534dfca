-- What processors moved is in rpt_payouts whole and once. That is a view of payments too, and is named here without
-- ref(), so that only a load of exports asks for this proof and no sale does. Before the view is made there is nothing; and
-- a view that another text of the project made may not fit tables that this build has made already. Without an export it
-- has each payment as it is.
{% set report = node_of('rpt_payouts') if execute %}
{% set is_made = execute and is_noted('text', 'ticketor') and is_noted('text', 'ticket_tailor') and value_of_build(
    "select count(*) > 0 from duckdb_views() where schema_name = '" ~ report.schema ~ "' and view_name = 'rpt_payouts'"
) and value_of_build("select count(*) > 0 from " ~ node_of('fct_balance_transactions').relation_name) %}
with reported as (
    {% if is_made %}
        select unnest([balance_transaction_key, payment_key]) as key
        from {{ report.relation_name }}
    {% else %}
        select balance_transaction_key as key
        from {{ ref('fct_balance_transactions') }}
    {% endif %}
),

counted as (
    select
        balance_transaction_key as key,
        0 as how_often
    from {{ ref('fct_balance_transactions') }}
    union all
    select
        key,
        1 as how_often
    from reported
    where key is not null
)

select
    'rpt_payouts has each movement once, and each payment at most once' as proof,
    null as platform,
    null as account,
    null as order_id,
    key || ' is in ' || sum(how_often) || ' rows' as explanation
from counted
group by key
having sum(how_often) <> 1
