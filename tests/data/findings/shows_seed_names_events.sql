-- A row of the seed shows whose event an account does not know: a slip of the pen, most likely.

select
    shows.platform,
    shows.account,
    shows.event_id
from {{ ref('shows') }} as shows
inner join {{ ref('dim_accounts') }} as accounts
    on shows.platform = accounts.platform and shows.account = accounts.account
anti join {{ ref('dim_events') }} as events
    on
        shows.platform = events.platform
        and shows.account = events.account
        and shows.event_id = events.event_id
