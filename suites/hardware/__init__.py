"""Whether the machine is what the deployment was declared to need."""
