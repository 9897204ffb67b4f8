"""A nemesis for a whole deployment: breaks it by plan, calms everything, and lets the auditor judge."""
