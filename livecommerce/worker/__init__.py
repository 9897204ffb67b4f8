"""Jobs that run beside the gateways, one file a job; they hold no truth of their own."""
