"""C extensions that threads have to share: numpy, lxml, cryptography, Pillow, psycopg.

Proves that extensions which release the GIL, call back into Python, keep state per
thread or use PyGILState_Ensure work on the server's threads, many at once. Each
path answers what a client can work out by itself:

    GET  /numpy/<k>         trace of the square of a k x k matrix, and a checksum of a sort
    POST /lxml              the document through XPath, XSLT and a Python extension function
    GET  /cryptography/<n>  SHA-256, AES-GCM and Ed25519 of the text <n>
    POST /pillow            the image turned by a quarter and made of its inverse, as PNG
    GET  /psycopg/<n>       SQL with quoted values, and how a refused connection ends
"""

import hashlib
import io

import numpy
import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree
from PIL import Image, ImageOps
from psycopg import conninfo, sql

SORTED = etree.XSLT(
    etree.XML(
        """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
             <xsl:output method="text"/>
             <xsl:template match="/">
               <xsl:for-each select="//item">
                 <xsl:sort select="@n" data-type="number" order="descending"/>
                 <xsl:value-of select="concat(@n, '=', ., ' ')"/>
               </xsl:for-each>
             </xsl:template>
           </xsl:stylesheet>"""
    )
)


def shout(context, texts):
    """Return the text in capitals; libxml2 calls this from inside an XPath."""
    return "".join(texts).upper()


def with_numpy(environ, rest):
    size = int(rest)
    matrix = numpy.arange(size * size, dtype=numpy.float64).reshape(size, size)
    values = (numpy.arange(100_000, dtype=numpy.int64) * 7919) % 100_003
    values.sort()
    return f"trace={int((matrix @ matrix).trace())} sorted={int((values * numpy.arange(values.size) % 1009).sum())}"


def with_lxml(environ, rest):
    document = etree.parse(environ["wsgi.input"])
    total = int(document.xpath("sum(//item/@n)"))
    functions = {("urn:ours", "shout"): shout}
    loud = document.xpath("o:shout(//item[1]/text())", namespaces={"o": "urn:ours"}, extensions=functions)
    return f"total={total} first={loud} sorted={SORTED(document)}"


def with_cryptography(environ, rest):
    text = rest.encode()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    key = digest.finalize()
    if key != hashlib.sha256(text).digest():  # OpenSSL of another build, in the same process
        raise AssertionError("two libraries disagree")
    sealed = AESGCM(key).encrypt(key[:12], text * 1000, b"more")
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(sealed)
    return f"key={key.hex()} sealed={hashlib.sha256(sealed).hexdigest()} signature={signature.hex()}"


def with_pillow(environ, rest):
    with Image.open(environ["wsgi.input"]) as image:
        turned = ImageOps.invert(image.convert("RGB").transpose(Image.Transpose.ROTATE_90))
    out = io.BytesIO()
    turned.save(out, "PNG")
    return out.getvalue()


def with_psycopg(environ, rest):
    query = sql.SQL("SELECT {} FROM {} WHERE a = {}").format(
        sql.Literal(int(rest)), sql.Identifier('ta"ble', rest), sql.Literal(f"O'Reilly \\ {rest}")
    )
    nobody = conninfo.make_conninfo(host="127.0.0.1", port=1, user="nobody", connect_timeout=10)
    try:
        psycopg.connect(nobody).close()
        end = "connected"
    except psycopg.OperationalError as error:
        end = "refused" if "refused" in str(error) else str(error)
    return f"{psycopg.pq.__impl__}: {query.as_string(None)}; {end}"


USES = {
    "numpy": with_numpy,
    "lxml": with_lxml,
    "cryptography": with_cryptography,
    "pillow": with_pillow,
    "psycopg": with_psycopg,
}


def application(environ, start_response):
    _, name, *rest = environ["PATH_INFO"].split("/")
    answer = USES[name](environ, "/".join(rest))
    if isinstance(answer, str):
        answer = answer.encode()
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(answer)))])
    return [answer]
