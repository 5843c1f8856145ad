"""A site that agents watch.

Proves that New Relic's, Datadog's, OpenTelemetry's and Sentry's agents work as their
documentation says: the first three are put in front of gowsgi on the command line, the
last is set up here if SENTRY_DSN is set.
"""

import os

import flask
import sentry_sdk

if "SENTRY_DSN" in os.environ:
    sentry_sdk.init(traces_sample_rate=1.0)

application = flask.Flask(__name__)


@application.get("/hello")
def hello():
    return "hello"
