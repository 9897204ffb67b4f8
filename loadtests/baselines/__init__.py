"""The least that could do the work: what a measurement is compared with. Each is a process of its own."""
