"""waitress-serve without a line of log for every queued request: `waitress_serve.py MODULE PORT THREADS`."""

import importlib
import logging
import sys

import waitress

module, port, threads = sys.argv[1:]
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
waitress.serve(
    importlib.import_module(module).application,
    host="127.0.0.1",
    port=int(port),
    threads=int(threads),
    connection_limit=2000,
    channel_timeout=120,
    asyncore_use_poll=True,
)
