"""Deliveries made from the platforms' fact sheets alone: what a stranger's account may send, in any order and shape.

Nothing here knows the models or the made-up venues of ``sandbox``. ``make fuzz`` runs them for hours.
"""
