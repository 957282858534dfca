-- Events and products name a currency without saying how many minor units make one: the box office's orders do.
select
    account,
    currency,
    max(base_multiplier) as base_multiplier
from {{ ref('int_ticket_tailor__order_heads') }}
where currency is not null
group by account, currency
