"""Promised protections: limits, rate limits, time-outs, retries and circuit breakers, with the numbers that are declared."""
