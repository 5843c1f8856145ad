"""wsgiref.validate around an application: the standard library's own judge.

Proves that the environ, start_response, wsgi.input and wsgi.errors of the server pass
the validator's checks, and that the server calls close() on what an application
returned: the validator complains, on standard error, if nobody did. Used as a factory:

    validated:around("environ_dump:application")
"""

import importlib
from wsgiref.validate import validator


def around(target):
    """Return the application that ``module:callable`` names, under the validator."""
    module, name = target.split(":")
    return validator(getattr(importlib.import_module(module), name))
