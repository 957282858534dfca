-- One row per ticket sold: Ticketor's (invoice, ticket), Ticket Tailor's issued ticket.
{{ config(materialized='touched', meta={
    'touched_by': "platform, account, case platform when 'ticketor' then coalesce(order_id, '') else ticket_id end",
}) }}

select
    {{ ticket_key('tickets') }} as ticket_key,
    tickets.platform,
    tickets.account,
    tickets.ticket_id,
    {{ key(['tickets.platform', 'tickets.account', 'tickets.order_id']) }} as order_key,
    tickets.order_id,
    {{ key(['tickets.platform', 'tickets.account', 'tickets.event_id']) }} as event_key,
    tickets.event_id,
    customers.customer_key,
    customers.person_key,
    tickets.status,
    tickets.admission_kind,
    tickets.section,
    tickets.seat_row,
    tickets.seat,
    tickets.ticket_type,
    tickets.list_price,
    tickets.price,
    tickets.service_charge,
    tickets.price_paid,
    tickets.discount_amount,
    tickets.tax_amount,
    tickets.currency,
    tickets.sold_at,
    {{ account_day('tickets.sold_at', 'zones') }} as sold_on,
    tickets.voided_at,
    {{ account_day('tickets.voided_at', 'zones') }} as voided_on,
    tickets.scanned_at,
    tickets.delivery_method,
    tickets.source,
    tickets.first_seen_at
from {{ touched_of_both('tickets') }} as tickets
left join {{ ref('int_reporting_zones') }} as zones
    on tickets.platform = zones.platform and tickets.account = zones.account
left join {{ ref('dim_customers') }} as customers
    on
        tickets.platform = customers.platform
        and tickets.account = customers.account
        and tickets.customer_id = customers.customer_id
