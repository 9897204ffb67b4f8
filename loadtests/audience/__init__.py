"""The people of a swarm, as locust users; importing one patches the process for gevent, as locust does."""
