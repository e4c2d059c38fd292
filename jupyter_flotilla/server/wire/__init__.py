"""What travels between server and browser; the OpenAPI document is made from these models.

Times are ISO 8601 in UTC, money is in US dollars, memory in MiB, durations in seconds.
"""
