"""The web pages, as Vite built them.

Promises   every address that is a page answers with `index.html`, so that a link that was sent opens the same thing; nothing
           outside of the built folder is read.
Does not   build them: `make setup` does.
"""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from luytre.api.guards import open_to_all
from luytre.api.headers import ALWAYS
from luytre.api.problems import Refusal
from luytre.api.ranges import IMMUTABLE
from luytre.base.errors import Kind

STATIC = Path(__file__).with_name("static")
INDEX = "index.html"
# Vite puts a hash of the content into the names of what lies here.
HASHED = "assets/"
CALLED_BY_PROGRAMS = ("api/", "metrics/", "healthz/")
COMPRESSED = ("text/", "image/svg", "application/json", "application/manifest")

routes = APIRouter(include_in_schema=False)

NOT_BUILT = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Lũy Tre</title>
<h1>Trang web chưa được dựng</h1>
<p>Hệ thống vẫn ghi hình và trả lời chương trình. Chạy <code>make setup</code> rồi tải lại trang này.</p>
<h1 lang="en">The web pages are not built</h1>
<p lang="en">The node records and answers programs all the same. Run <code>make setup</code> and reload this page.</p>
</html>
"""


@routes.get("/{path:path}", dependencies=[open_to_all()])
def get_page(path: str, request: Request) -> Response:
    """A built file, or the page that shows what the address means."""
    if f"{path}/".startswith(CALLED_BY_PROGRAMS):
        raise Refusal(Kind.NOT_FOUND, f"nothing at /{path[:200]}", "no_such_address")
    root: Path = request.app.state.static
    file = root / (path or INDEX)
    if not _is_inside(file, root):
        if "." in path.rpartition("/")[2]:
            raise Refusal(Kind.NOT_FOUND, f"nothing at /{path[:200]}", "no_such_address")
        path, file = INDEX, root / INDEX
        if not file.is_file():
            return Response(NOT_BUILT, 503, {"Retry-After": "30", **ALWAYS}, "text/html; charset=utf-8")
    return _file(request, path or INDEX, file)


def _is_inside(file: Path, root: Path) -> bool:
    try:
        return file.is_file() and file.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        return False


def _file(request: Request, path: str, file: Path) -> Response:
    looked = file.stat()
    body, zipped, media_type = _read(file, looked.st_mtime_ns)
    etag = f'"{looked.st_mtime_ns:x}-{len(body):x}"'
    headers = {"ETag": etag, "Cache-Control": IMMUTABLE if path.startswith(HASHED) else "no-cache"}
    if zipped is not None:
        headers["Vary"] = "Accept-Encoding"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)
    return Response(body, headers=headers, media_type=media_type)


@lru_cache(maxsize=256)
def _read(file: Path, _modified_ns: int) -> tuple[bytes, bytes | None, str]:
    """(content, the same compressed where that helps, media type). The whole build is about 3 MB."""
    body = file.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    zipped = gzip.compress(body, 9, mtime=0) if media_type.startswith(COMPRESSED) else None
    return body, zipped, media_type
