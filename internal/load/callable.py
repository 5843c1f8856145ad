"""What a target is that cannot be a WSGI application, although it can be called.

Run by gowsgi once the application is loaded. It must never take an application for
something else: where a signature cannot be read, or is a decorator's to tell, there is
nothing to say. The inspect module is only imported for what is unusual.
"""

ASYNC = 0x80 | 0x200  # CO_COROUTINE, CO_ASYNC_GENERATOR
BUILDERS = ("create_", "make_", "build_", "get_")


def looks_usual(application):
    """Tell whether it is a function, method or object that takes two arguments."""
    function, bound = application, hasattr(application, "__self__")
    code = getattr(function, "__code__", None)
    if code is None:
        function, bound = getattr(type(application), "__call__", None), True  # noqa: B004 - not whether, but which
        code = getattr(function, "__code__", None)
    if code is None or code.co_flags & ASYNC or code.co_kwonlyargcount:
        return False
    optional = len(getattr(function, "__defaults__", None) or ())
    return code.co_argcount - bound == 2 and optional < 2


def is_async(inspect, application):
    call = getattr(application, "__call__", None)  # noqa: B004 - of a class: its instances'
    return any(
        test(function)
        for test in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        for function in (application, call)
    )


def signature(inspect, application):
    """Read its own signature, not that of a function that it wraps; None if that cannot be had."""
    function = application
    while function is not None:
        if hasattr(function, "__signature__"):
            return None
        function = getattr(function, "func", None)  # of a partial
    try:
        return inspect.signature(application, follow_wrapped=False)
    except (TypeError, ValueError):
        return None


def takes(signature, count):
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def look(application):
    """Return "asgi", "factory", "arguments" (a factory that needs some), or "" for what may be one."""
    if looks_usual(application):
        return ""
    import inspect

    if is_async(inspect, application):
        return "asgi"
    own = signature(inspect, application)
    if own is None:
        return ""
    parameters = list(own.parameters.values())
    if takes(own, 2):
        return "factory" if is_builder(inspect, application, parameters) else ""
    if parameters and parameters[0].name == "scope":
        return "asgi"
    return "factory" if takes(own, 0) else "arguments"


def is_builder(inspect, application, parameters):
    """Tell def create_app(config=None, debug=False) from an application with defaults."""
    return (
        inspect.isfunction(application)
        and application.__name__.startswith(BUILDERS)
        and parameters[0].name != "environ"
        and all(each.default is not each.empty or each.kind == each.VAR_KEYWORD for each in parameters)
    )
