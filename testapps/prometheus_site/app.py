"""Measures itself with Prometheus' own client library, as many applications do.

Proves that its figures and gowsgi's go together, and what becomes of a path that both
have. /metrics is the application's; anything else adds to its counter.
"""

from prometheus_client import CollectorRegistry, Counter, make_wsgi_app

registry = CollectorRegistry()
baskets = Counter("shop_baskets", "Baskets that were looked at.", registry=registry)
metrics = make_wsgi_app(registry)


def application(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        return metrics(environ, start_response)
    baskets.inc()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a basket"]
