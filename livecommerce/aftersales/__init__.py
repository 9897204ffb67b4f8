"""What happens to a confirmed order: shipping, receipt, returns and refunds. No I/O but through the ports."""
