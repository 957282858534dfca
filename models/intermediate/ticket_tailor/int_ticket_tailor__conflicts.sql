with heads as (

    select
        *
    from {{ ref('int_ticket_tailor__order_heads') }}

),

-- bundles and voids change how many tickets a line makes: asked only of orders without them
ticket_lines as (

    select
        box_office,
        order_id,
        sum(quantity) as tickets
    from {{ ref('int_ticket_tailor__line_classes') }}
    group by box_office, order_id
    having bool_and(line_class <> 'bundle' and line_class <> 'void')
),

issued as (

    select
        box_office,
        order_id,
        count(*) as tickets
    from {{ ref('int_ticket_tailor__ticket_heads') }}
    where order_id is not null
    group by box_office, order_id

),

conflicts as (

    select
        box_office,
        order_id,
        'refunded is at most paid' as identity,
        money_refunded as left_minor,
        captured as right_minor,
        null as left_value,
        null as right_value,
        base_multiplier,
        currency,
        'More money went back than was ever paid.' as in_words
    from heads
    where money_refunded > captured

)

select
    'ticket_tailor' as platform,
    box_office as account,
    order_id,
    identity,
    cast({{ from_minor_units('left_minor', 'base_multiplier') }} as varchar) as left_value,
    cast({{ from_minor_units('right_minor', 'base_multiplier') }} as varchar) as right_value,
    {{ from_minor_units('left_minor - right_minor', 'base_multiplier') }} as difference,
    currency,
    in_words
from conflicts
