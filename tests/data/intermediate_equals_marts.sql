-- Nothing is lost and nothing doubled between the unified shape and the facts: counts and sums per platform, account
-- and currency. A row here is a table on which they differ.
{% set pairs = [
    ('int_orders', 'fct_orders', 'total_amount', 'true'),
    ('int_tickets', 'fct_tickets', 'price_paid', 'true'),
    ('int_product_sales', 'fct_product_sales', 'line_amount', 'true'),
    ('int_payments', 'fct_payments', 'amount', 'true'),
    ('int_order_lines', 'fct_order_lines', 'amount', "line_kind <> 'unexplained'"),
] %}
{% set counted = [
    ('int_order_changes', 'fct_order_changes', 'true'),
    ('int_refused', 'refused_records', 'true'),
    ('int_accounts', 'dim_accounts', 'true'),
    (
        'int_conflicts',
        'rpt_reconciliation',
        'row(identity, in_words) in (select row(c.identity, c.in_words) from ' ~ ref('int_conflicts') ~ ' as c)',
    ),
] %}
with before as (
    {% for model, mart, amount, condition in pairs %}
        select
            '{{ mart }}' as mart,
            platform,
            account,
            currency,
            count(*) as how_many,
            sum({{ amount }}) as amount
        from {{ ref(model) }}
        group by all
        union all
    {% endfor %}
    {% for model, mart, condition in counted %}
        select
            '{{ mart }}' as mart,
            platform,
            account,
            null as currency,
            count(*) as how_many,
            null as amount
        from {{ ref(model) }}
        group by all
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

after as (
    {% for model, mart, amount, condition in pairs %}
        select
            '{{ mart }}' as mart,
            platform,
            account,
            currency,
            count(*) as how_many,
            sum({{ amount }}) as amount
        from {{ ref(mart) }}
        where {{ condition }}
        group by all
        union all
    {% endfor %}
    {% for model, mart, condition in counted %}
        select
            '{{ mart }}' as mart,
            platform,
            account,
            null as currency,
            count(*) as how_many,
            null as amount
        from {{ ref(mart) }}
        where {{ condition }}
        group by all
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    coalesce(before.mart, after.mart) as mart,
    coalesce(before.platform, after.platform) as platform,
    coalesce(before.account, after.account) as account,
    coalesce(before.currency, after.currency) as currency,
    before.how_many as rows_in_intermediate,
    after.how_many as rows_in_mart,
    before.amount as amount_in_intermediate,
    after.amount as amount_in_mart
from before
full outer join after
    on
        before.mart = after.mart
        and before.platform = after.platform
        and before.account = after.account
        and before.currency is not distinct from after.currency
where before.how_many is distinct from after.how_many or before.amount is distinct from after.amount
