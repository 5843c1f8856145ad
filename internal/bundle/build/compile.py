# Compiles what it is told to, until its input ends: a line of JSON with a file
# and the name that tracebacks have for it until it is imported, answered by the
# length of the bytecode, 8 bytes, and the bytecode. A length of 0: it is no
# Python of this version.
#
# The bytecode says that its source need not be looked at. What has been
# marshalled is loaded and marshalled again: whether an object counts as shared
# depends on what else the process happens to hold, and the same source is to
# give the same bytes.
import importlib._bootstrap_external as external
import json
import marshal
import sys
import warnings
from importlib.machinery import SourceFileLoader
from importlib.util import source_hash

warnings.simplefilter("ignore")
sys.setrecursionlimit(10000)
for line in sys.stdin.buffer:
    path, name = json.loads(line)
    data = b""
    try:
        with open(path, "rb") as file:
            source = file.read()
        code = SourceFileLoader("bundled", path).source_to_code(source, name)
        code = marshal.loads(marshal.dumps(code))
        data = bytes(external._code_to_hash_pyc(code, source_hash(source), False))
    except (SyntaxError, ValueError, RecursionError, OverflowError):
        pass
    sys.stdout.buffer.write(len(data).to_bytes(8, "little") + data)
    sys.stdout.buffer.flush()
