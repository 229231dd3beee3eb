"""Random tenants, attackers that search, and an oracle that holds what an incident says against what is so."""
