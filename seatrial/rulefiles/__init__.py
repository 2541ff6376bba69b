"""Files of alerting and recording rules: read with the place of everything, and held to what Prometheus accepts."""
