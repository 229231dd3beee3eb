"""Tests. A package, so that the `tests` which azure-functions-durable installs beside itself is not taken for ours."""
