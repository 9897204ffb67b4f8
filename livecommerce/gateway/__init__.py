"""The browser's door: sockets and the JSON API."""
