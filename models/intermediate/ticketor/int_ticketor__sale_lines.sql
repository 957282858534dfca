-- Grain: one row per signed amount that an invoice charges; what is given back is in
-- int_ticketor__order_lines.
{{ config(schema='last_build') }}

with orders as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.currency,
        invoices.date_basis,
        case when terms.is_booked then invoices.dated_at end as booked_at,
        terms.event_id,
        terms.service_charge,
        terms.delivery,
        terms.tip,
        terms.tax,
        terms.tax_basis,
        -- tax inside the price of what has none of its own: none where it came on top, or where the invoice has none
        case when terms.tax_basis = 'exclusive' or invoices.tax = 0 then cast(0 as decimal(18, 4)) end as tax_inside,
        cast(-terms.discount_left as decimal(18, 4)) as discount,
        {{ is_exchange('invoices.order_type') }} as is_exchange,
        terms.unexplained
    from {{ ref('int_ticketor__invoices') }} as invoices
    inner join {{ ref('int_ticketor__invoice_terms') }} as terms
        on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
    where not invoices.is_return
),

of_items as (
    select
        items.account,
        items.invoice_id,
        items.line_id,
        items.line_kind,
        -- what is no ticket goes with the tickets of its invoice, where those are all for one event
        case when items.ticket_id is not null then items.event_id else orders.event_id end as event_id,
        items.ticket_id,
        items.product_sale_id,
        items.amount,
        items.fee,
        case when orders.tax_basis = 'exclusive' then 0 else coalesce(items.tax, orders.tax_inside) end as tax_amount,
        orders.currency,
        orders.booked_at,
        orders.date_basis
    from {{ ref('int_ticketor__priced_items') }} as items
    inner join orders
        on items.account = orders.account and items.invoice_id = orders.invoice_id
),

of_orders as (
    select *
    from orders
    unpivot (amount for line_id in (service_charge, delivery, tip, tax, discount))
    where amount <> 0
),

-- An exchange charges the difference alone: what was paid for the tickets given up is taken off the new ones, at the
-- events that they were for.
given_up as (
    select
        tickets.account,
        tickets.parent_invoice_id as invoice_id,
        tickets.event_id,
        sum(greatest(tickets.goods, 0)) as goods
    from (
        select distinct
            account,
            parent_invoice_id,
            invoice_id,
            ticket_id,
            event_id,
            coalesce(buy_price, sell_price - coalesce(service_charge, 0), 0) as goods
        from {{ distinct_deliveries('stg_ticketor__tickets') }}
        where parent_invoice_id <> invoice_id and ticket_id is not null and event_id is not null
    ) as tickets
    group by tickets.account, tickets.parent_invoice_id, tickets.event_id
),

exchanges as (
    select
        orders.* exclude (event_id),
        coalesce(given_up.event_id, orders.event_id) as event_id,
        coalesce(nullif(given_up.goods, 0), case when sum(given_up.goods) over invoice > 0 then 0 else 1 end) as weight
    from orders
    left join given_up
        on orders.account = given_up.account and orders.invoice_id = given_up.invoice_id
    where orders.is_exchange and orders.unexplained <> 0
    window invoice as (partition by orders.account, orders.invoice_id)
),

exchanged as (
    {{ spread(
        'exchanges',
        amount=minor_units_of('unexplained', 'currency'),
        weight=ten_thousandths('weight'),
        partition_by='account, invoice_id',
        order_by='event_id',
        share='minor_share'
    ) }}
)

select
    account,
    invoice_id,
    line_id,
    line_kind,
    event_id,
    ticket_id,
    product_sale_id,
    amount,
    tax_amount,
    currency,
    booked_at,
    date_basis
from of_items
union all
select
    account,
    invoice_id,
    'fee:' || ticket_id as line_id,
    'buyer_fee' as line_kind,
    event_id,
    ticket_id,
    cast(null as varchar) as product_sale_id,
    fee as amount,
    cast(null as decimal(18, 4)) as tax_amount,
    currency,
    booked_at,
    date_basis
from of_items
where fee <> 0
union all
select
    account,
    invoice_id,
    line_id,
    case line_id
        when 'service_charge' then 'buyer_fee'
        else line_id
    end as line_kind,
    event_id,
    cast(null as varchar) as ticket_id,
    cast(null as varchar) as product_sale_id,
    amount,
    case line_id when 'tax' then amount end as tax_amount,
    currency,
    booked_at,
    date_basis
from of_orders
union all
select
    account,
    invoice_id,
    'exchange' || coalesce(':' || event_id, '') as line_id,
    'ticket' as line_kind,
    event_id,
    cast(null as varchar) as ticket_id,
    cast(null as varchar) as product_sale_id,
    {{ from_minor_units('minor_share', multiplier_of('unexplained', 'currency')) }} as amount,
    tax_inside as tax_amount,
    currency,
    booked_at,
    date_basis
from exchanged
where minor_share <> 0
