"""Write anew what is made of the needs: `python -m permissions`."""

from permissions.files import EXECUTABLE, rendered

if __name__ == "__main__":
    for path, content in rendered().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    EXECUTABLE.chmod(0o755)
