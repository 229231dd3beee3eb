"""The site of this folder: `make docs` builds it into site/, and fails on the first warning."""

project = "Firebreak"
html_title = "Firebreak"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4  # links to headings, as GitHub makes them
html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
html_extra_path = ["reference/openapi.json", "reference/report.schema.json"]
exclude_patterns = ["conf.py"]
highlight_language = "none"
# Commands with <what a person fills in> are no shell that a lexer could read.
suppress_warnings = ["misc.highlighting_failure"]
