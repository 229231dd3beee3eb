"""Identities as a repository declares them: read, compared with what there is, made so."""
