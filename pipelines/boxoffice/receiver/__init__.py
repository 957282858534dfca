"""`boxoffice receive`: HTTP in, files in a buffer out. Knows neither dlt nor the warehouse.

``app`` decides on a request, ``writer`` gathers deliveries into commits, ``buffer`` makes each commit a file that
survives a loss of power, ``refusals`` counts what could not be kept, ``server`` is the process around them.
"""
