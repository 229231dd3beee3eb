"""Text that somebody else wrote, made safe to show: an attacker chooses names that people will read.

A federated credential may be called `[Approve here](https://…)`, or turn a line around with a bidi control.
"""

import unicodedata


def visible(text: str) -> str:
    """The text on one line, with every control and format character shown as a replacement mark."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(one) in {"Cc", "Cf", "Co", "Cs"}
        else one
        for one in text.replace("\n", " ").replace("\t", " ")
    )


# Where Markdown and HTML are both rendered, a character reference is text in either, and structure in neither.
# https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
_REFERENCES = {ord(mark): f"&#{ord(mark)};" for mark in "&<>\"'\\`*_[]()#|~!"}


def in_markup(text: str) -> str:
    """The text as it reads, with no link, markup or tag coming of it in Markdown or HTML."""
    return visible(text).translate(_REFERENCES).replace("://", "&#58;//")


def in_markdown(text: str) -> str:
    """The text as it reads, with no link, markup, table or heading coming of it."""
    marked = visible(text)
    for mark in "\\[]<>|*`":
        marked = marked.replace(mark, f"\\{mark}")
    return marked
