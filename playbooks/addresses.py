"""Addresses of the app's own pages, for cards and reports. It runs inside activities, which are not replayed."""

import os


def page_url(path: str) -> str:
    """The address of a page, as the platform names this host; empty where it names none."""
    name = os.environ.get("WEBSITE_HOSTNAME", "")  # noqa: TID251 - an activity, never replayed
    scheme = "http" if name.startswith(("localhost", "127.0.0.1")) else "https"
    return f"{scheme}://{name}{path}" if name else ""
