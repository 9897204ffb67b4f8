"""What ``livecommerce doctor`` looks at: rules without I/O, and the probes that feed them."""
