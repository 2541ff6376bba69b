"""Facts of alerting: rule files, what they mean and refer to, the servers that load and deliver them, dashboards."""
