"""Downloads files with requests, as programs do: python download.py URL FOLDER.

Proves that it gets what lies in FOLDER below URL/static/, and from the application at
URL/download/: whole, packed, in pieces, and not again. FOLDER has data.large, and
page.js with page.js.gz.
"""

import pathlib
import sys

import requests

url, folder = sys.argv[1], pathlib.Path(sys.argv[2])
whole = (folder / "data.large").read_bytes()
session = requests.Session()


def get(path, **headers):
    response = session.get(url + path, headers=headers, timeout=60)
    response.raise_for_status()
    return response


for path in "/static/data.large", "/download/data.large":
    first = get(path)
    assert first.content == whole, (path, len(first.content))
    assert "X-Sendfile" not in first.headers, first.headers
    tag = first.headers["ETag"]
    assert get(path, **{"If-None-Match": tag}).status_code == 304
    assert get(path, **{"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 304

    # In pieces, each with the validator of the first.
    pieces = []
    for start in range(0, len(whole), 300_000):
        piece = get(path, Range=f"bytes={start}-{start + 299_999}", **{"If-Range": tag})
        assert piece.status_code == 206, (path, piece.status_code)
        pieces.append(piece.content)
    assert b"".join(pieces) == whole, path
    assert get(path, Range="bytes=5-", **{"If-Range": '"another"'}).content == whole

    with session.get(url + path, stream=True, timeout=60) as streamed:
        assert b"".join(streamed.iter_content(10_000)) == whole, path

packed = get("/static/page.js")
assert packed.headers["Content-Encoding"] == "gzip" and packed.content == (folder / "page.js").read_bytes()
plain = get("/static/page.js", **{"Accept-Encoding": "identity"})
assert "Content-Encoding" not in plain.headers and plain.content == packed.content
assert plain.headers["ETag"] != packed.headers["ETag"]

moved = get("/static/folder?a=1")
assert moved.url == url + "/static/folder/?a=1" and moved.history[0].status_code == 301, moved.url
attached = get("/download/page.js")
assert attached.headers["Content-Disposition"] == "attachment; filename=page.js"
assert session.get(url + "/download/nothing", timeout=60).status_code == 404
assert session.post(url + "/static/page.js", data=b"x" * 100_000, timeout=60).status_code == 405
assert get("/static/data.large").content == whole
print("all is well")
