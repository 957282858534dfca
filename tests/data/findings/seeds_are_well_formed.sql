-- A slip in a seed that people edit: two rows for one thing (the first in alphabetical order counts), or an empty cell.
{% for seed, key in {
    'shows': ['platform', 'account', 'event_id'],
    'product_kinds': ['platform', 'account_pattern', 'product_id'],
    'ticketor_payment_types': ['payment_type'],
}.items() %}
    select
        '{{ seed }}' as seed,
        concat_ws(' ', {{ key | join(', ') }}) as finding,
        count(*) as how_many
    from {{ ref(seed) }}
    group by {{ key | join(', ') }}
    having count(*) > 1 or {{ key | join(' is null or ') }} is null
    {{ 'union all' if not loop.last }}
{% endfor %}
