-- Grain: one row per identity that an order fails and that only Ticket Tailor can check, in the unified shape.
{{ config(materialized='touched') }}

with heads as (

    select
        account,
        order_id,
        version_id,
        status,
        currency,
        base_multiplier,
        tax,
        total,
        highest_total,
        captured,
        money_refunded,
        credit_issued,
        missing_since,
        unreadable
    from {{ touched('int_ticket_tailor__order_heads') }}

),

unreadable as (

    select
        account,
        order_id,
        string_agg(field, ', ' order by field) as fields
    from (
        select
            account,
            order_id,
            unreadable as field
        from heads
        where unreadable <> ''
        union
        select
            heads.account,
            heads.order_id,
            'line ' || lines.line_no || ': ' || lines.unreadable as field
        from {{ touched('stg_ticket_tailor__order_line_items') }} as lines
        inner join heads on lines.version_id = heads.version_id
        where lines.unreadable <> ''
        union
        select
            account,
            order_id,
            ticket_id || ': ' || unreadable as field
        from {{ touched('int_ticket_tailor__ticket_heads') }}
        where unreadable <> '' and order_id is not null
    ) as fields
    group by account, order_id

),

-- a bundle's line does not say how many tickets it contains: only orders without one are compared
on_lines as (

    select
        account,
        order_id,
        cast(coalesce(sum(quantity) filter (where line_class = 'ticket'), 0) as bigint) as tickets,
        sum(total) filter (where line_class = 'tax') as tax
    from {{ ref('int_ticket_tailor__line_classes') }}
    group by account, order_id
    having bool_and(line_class not in ('bundle', 'other'))

),

issued as (

    select
        tickets.account,
        tickets.order_id,
        count(*) filter (where not coalesce(tickets.is_replaced, false)) as tickets,
        count(*) filter (where tickets.status = 'valid' and not coalesce(tickets.is_replaced, false)) as valid_tickets,
        count(*) filter (where tickets.missing_since is not null and not tickets.is_replaced) as missing_tickets,
        count(*) filter (where tickets.is_replaced) as replaced_tickets,
        count(*) filter (where tickets.listed_currency <> heads.currency) as foreign_tickets,
        max(tickets.listed_currency) filter (where tickets.listed_currency <> heads.currency) as foreign_currency
    from {{ touched('int_ticket_tailor__ticket_heads') }} as tickets
    inner join heads on tickets.account = heads.account and tickets.order_id = heads.order_id
    group by tickets.account, tickets.order_id

),

went_back as (

    select
        heads.account,
        heads.order_id,
        heads.currency,
        heads.base_multiplier,
        heads.captured,
        heads.money_refunded,
        heads.credit_issued,
        heads.highest_total,
        sums.total_charged - sums.credit_redeemed as total_in_money,
        sums.credit_redeemed as redeemed
    from heads
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on heads.account = sums.account and heads.order_id = sums.order_id
    where heads.money_refunded > 0 or heads.credit_issued > 0

),

-- a total that was lowered by what went back, without a void line that says so
lowered as (

    select
        *,
        least(highest_total - total_in_money, captured - total_in_money, money_refunded) as counted_twice
    from went_back
    where money_refunded > 0

),

conflicts as (

    select
        account,
        order_id,
        'every value can be read' as identity,
        fields as left_value,
        null as right_value,
        null as difference,
        null as currency,
        'Values in it that cannot be read count as unknown: ' || fields || '.' as in_words
    from unreadable

    union all

    select
        heads.account,
        heads.order_id,
        'tickets issued = tickets on its lines' as identity,
        cast(coalesce(issued.tickets, 0) as varchar) as left_value,
        cast(on_lines.tickets as varchar) as right_value,
        {{ money('coalesce(issued.tickets, 0) - on_lines.tickets') }} as difference,
        null as currency,
        'Its lines sell ' || on_lines.tickets || ' tickets, and '
        || coalesce(issued.tickets, 0) || ' were issued.' as in_words
    from heads
    inner join on_lines on heads.account = on_lines.account and heads.order_id = on_lines.order_id
    left join issued on heads.account = issued.account and heads.order_id = issued.order_id
    where on_lines.tickets <> coalesce(issued.tickets, 0)

    union all

    select
        heads.account,
        heads.order_id,
        'tax lines = tax' as identity,
        cast({{ from_minor_units('on_lines.tax', 'heads.base_multiplier') }} as varchar) as left_value,
        cast({{ from_minor_units('heads.tax', 'heads.base_multiplier') }} as varchar) as right_value,
        {{ from_minor_units('on_lines.tax - heads.tax', 'heads.base_multiplier') }} as difference,
        coalesce(heads.currency, 'XXX') as currency,
        'Its tax lines and its tax are not the same.' as in_words
    from heads
    inner join on_lines on heads.account = on_lines.account and heads.order_id = on_lines.order_id
    where on_lines.tax <> heads.tax

    union all

    select
        heads.account,
        heads.order_id,
        'a cancelled order has no valid ticket' as identity,
        cast(issued.valid_tickets as varchar) as left_value,
        '0' as right_value,
        cast(issued.valid_tickets as decimal(18, 4)) as difference,
        null as currency,
        'It is cancelled, and ' || issued.valid_tickets || ' of its tickets are still valid at the door.' as in_words
    from heads
    inner join issued on heads.account = issued.account and heads.order_id = issued.order_id
    where heads.status = 'cancelled' and issued.valid_tickets > 0

    union all

    select
        heads.account,
        heads.order_id,
        'tickets in the order''s currency' as identity,
        issued.foreign_currency as left_value,
        heads.currency as right_value,
        cast(issued.foreign_tickets as decimal(18, 4)) as difference,
        null as currency,
        issued.foreign_tickets || ' of its tickets have a list price in another currency.' as in_words
    from heads
    inner join issued on heads.account = issued.account and heads.order_id = issued.order_id
    where issued.foreign_tickets > 0

    union all

    -- a missing order need not have been deleted: it may be listed again
    select
        heads.account,
        heads.order_id,
        'order is still listed' as identity,
        cast(cast(timezone('UTC', heads.missing_since) as date) as varchar) as left_value,
        null as right_value,
        {{ from_minor_units(
            'sums.total_charged - heads.money_refunded - heads.credit_issued', 'heads.base_multiplier'
        ) }} as difference,
        coalesce(heads.currency, 'XXX') as currency,
        concat(
            'The platform lists it no more since ', cast(timezone('UTC', heads.missing_since) as date),
            ' (UTC). It counts as before: if it was deleted there, sales less what was given back are too high by ',
            {{ in_currency(
                from_minor_units(
                    'sums.total_charged - heads.money_refunded - heads.credit_issued', 'heads.base_multiplier'
                ),
                'heads.currency'
            ) }}, '.'
        ) as in_words
    from heads
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on heads.account = sums.account and heads.order_id = sums.order_id
    where heads.missing_since is not null

    union all

    select
        heads.account,
        heads.order_id,
        'tickets are still listed' as identity,
        cast(issued.missing_tickets + issued.replaced_tickets as varchar) as left_value,
        '0' as right_value,
        cast(issued.missing_tickets + issued.replaced_tickets as decimal(18, 4)) as difference,
        null as currency,
        concat(
            'The platform lists ', issued.missing_tickets + issued.replaced_tickets, ' of its tickets no more: ',
            issued.replaced_tickets, ' were replaced by others of the order and count as voided, ',
            issued.missing_tickets, ' count as before.'
        ) as in_words
    from heads
    inner join issued on heads.account = issued.account and heads.order_id = issued.order_id
    where heads.missing_since is null and issued.missing_tickets + issued.replaced_tickets > 0

    union all

    -- refunds beyond what was paid have an identity of their own
    select
        account,
        order_id,
        'refund and credit <= paid' as identity,
        cast({{ from_minor_units('money_refunded + credit_issued', 'base_multiplier') }} as varchar) as left_value,
        cast({{ from_minor_units('captured + redeemed', 'base_multiplier') }} as varchar) as right_value,
        {{ from_minor_units('money_refunded + credit_issued - captured - redeemed', 'base_multiplier') }} as difference,
        coalesce(currency, 'XXX') as currency,
        {{ in_currency(from_minor_units('money_refunded', 'base_multiplier'), 'currency') }}
        || ' was given back as money and '
        || {{ in_currency(from_minor_units('credit_issued', 'base_multiplier'), 'currency') }}
        || ' as credit, together more than the '
        || {{ in_currency(from_minor_units('captured + redeemed', 'base_multiplier'), 'currency') }}
        || ' that was paid: one of them may be the other, reported twice.' as in_words
    from went_back
    where credit_issued > 0 and money_refunded + credit_issued > captured + redeemed

    union all

    select
        account,
        order_id,
        'total = total before the refund' as identity,
        cast({{ from_minor_units('total_in_money', 'base_multiplier') }} as varchar) as left_value,
        cast({{ from_minor_units('highest_total', 'base_multiplier') }} as varchar) as right_value,
        {{ from_minor_units('-counted_twice', 'base_multiplier') }} as difference,
        coalesce(currency, 'XXX') as currency,
        'Its total was lowered from '
        || {{ in_currency(from_minor_units('highest_total', 'base_multiplier'), 'currency') }} || ' to '
        || {{ in_currency(from_minor_units('total_in_money', 'base_multiplier'), 'currency') }}
        || ' without a void line, and '
        || {{ in_currency(from_minor_units('money_refunded', 'base_multiplier'), 'currency') }}
        || ' was given back: sales less refunds may be too low by '
        || {{ in_currency(from_minor_units('counted_twice', 'base_multiplier'), 'currency') }} || '.' as in_words
    from lowered
    where counted_twice > 0

)

select
    'ticket_tailor' as platform,
    account,
    order_id,
    identity,
    left_value,
    right_value,
    difference,
    currency,
    in_words
from conflicts
