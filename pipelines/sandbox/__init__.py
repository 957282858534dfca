"""A made-up venue that sells through both platforms: for the demo, the tests and the benchmarks.

- ``venue``: the venue itself. Everything about its n-th order is a pure function of (seed, n), so a venue of ten
  million orders takes no memory.
- ``theatre``: the venue of the demo, which could be one: a programme, and people who buy as people do.
- ``tailor`` and ``tailor_json``: what it sold through Ticket Tailor, and how that platform's API shows it.
- ``ticketor`` and ``ticketor_json``: what it sold through Ticketor, and its webhooks.
- ``ticket_tailor_api``: the API on loopback; ``ticketor_webhooks``: the webhooks as files.
- ``ledger``: the truth, computed from what the venue sold; it shares nothing with the models.
- ``demo``: ``python -m sandbox demo``.

All names, addresses and sales are invented.
"""
