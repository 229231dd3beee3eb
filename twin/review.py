"""What is in an export, for the person who decides whether it may leave the tenant."""

from collections import Counter

from twin.document import Export, Item, Review

NEVER = [
    "no secret, no key, no certificate, no thumbprint, no first characters of a secret",
    "no token: none was asked for but those by which the tenant was read",
    "no Secret of a cluster was read; where a pod refers to one, its name is here",
    "of environment variables those alone that say which identity is used",
    "of ConfigMaps the entries alone that name the client id, without what else stands in them",
    "no image, no command, no argument that does not hold the client id",
    "no blob, no secret of a vault, no row of a table but those about the principal",
]


def of(export: Export, *, pseudonyms: bool) -> Review:
    """Counted, by what it is and why it has to be here."""
    directory, azure = export.directory, export.azure
    lines = [
        ("application", 1 if directory.application else 0, "what is rebuilt"),
        ("federated credentials", _trusts(export), "each comes back or is left out"),
        ("secrets and keys, by id and dates alone", _credentials(export), "what is removed"),
        (
            "people who own it, by name",
            len(directory.people),
            "whom to ask; --pseudonyms hides them",
        ),
        ("groups", len(directory.groups), "what they carry to it"),
        ("application permissions", len(directory.app_role_assignments), "given back or chosen"),
        ("delegated permissions", len(directory.permission_grants), "chosen by a person"),
        ("directory roles", len(directory.directory_roles), "never given back"),
        ("subscriptions", len(azure.subscriptions), "where it may have roles"),
        ("management groups", len(azure.management_groups), "where it may have roles"),
        (
            "role assignments",
            len(azure.role_assignments),
            "its own, its groups', and at its clusters",
        ),
        ("management locks", len(azure.locks), "what they refuse"),
        ("key vaults with a policy for it", len(azure.vaults), "chosen by a person"),
        ("resources with its identity", len(azure.attachments), "what breaks, moved by hand"),
        ("clusters", len(export.clusters), "where it may be used"),
        *(
            (f"{plural} in clusters", count, "what names it, or runs as it")
            for plural, count in _objects(export)
        ),
        (
            "log rows about it",
            sum(len(one.rows) for one in export.logs.values()),
            "how they got in, and how old things are",
        ),
    ]
    contains = [Item(what=what, count=count, why=why) for what, count, why in lines if count]
    return Review(contains=contains, never=NEVER, pseudonyms=pseudonyms)


def _trusts(export: Export) -> int:
    return len(export.directory.federated_credentials) + len(export.azure.identity_trusts)


def _credentials(export: Export) -> int:
    holders = (export.directory.application, export.directory.service_principal)
    return sum(
        len(one.keyCredentials) + len(one.passwordCredentials) for one in holders if one is not None
    )


def _objects(export: Export) -> list[tuple[str, int]]:
    found: Counter[str] = Counter()
    for cluster in export.clusters:
        for plural, items in cluster.objects.items():
            found[plural] += len(items)
    return sorted(found.items())
