"""Alerts on a real Prometheus and a real Alertmanager."""
