"""The trusts of one identity, replaced cluster by cluster without its workloads being down."""
