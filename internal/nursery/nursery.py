# What a nursery does with an application before it is forked. Run behind load.py,
# in the same namespace.


def spot(frame):
    """Return where the application was in a stack, passing over the standard library."""
    import os

    library = os.path.dirname(os.__file__) + os.sep
    inner = frame
    while frame:
        name = frame.f_code.co_filename
        if (
            name != __name__
            and not name.startswith("<frozen ")
            and (not name.startswith(library) or "-packages" in name)
        ):
            break
        frame = frame.f_back
    frame = frame or inner
    return "%s:%d in %s" % (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def load_and_watch(targets):
    """Load the applications; return them and a line for each of the threads that it has left running."""
    import _thread
    import threading

    origins = {}
    start, primitive = threading.Thread.start, _thread.start_new_thread

    def noted_start(self):
        origins[self] = spot(sys._getframe(1))
        return start(self)

    noted_start.__name__, noted_start.__doc__ = "start", start.__doc__
    threading.Thread.start = noted_start
    try:
        applications = load_all(targets)
    finally:
        if threading.Thread.start is noted_start:
            threading.Thread.start = start
    running = []
    if _thread.start_new_thread is not primitive:
        running.append("greenlets in the place of threads, by %s" % _thread.start_new_thread.__module__)
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and frames.pop(thread.ident, None):
            origin = origins.get(thread)
            running.append("%s, started at %s" % (thread.name, origin) if origin else thread.name)
    running.extend("a thread without a name, now at %s" % spot(frame) for frame in frames.values())
    return applications, running


def close_connections():
    """Close what Django has opened meanwhile: two processes must not talk over one connection."""
    settings = sys.modules.get("django.conf")
    for module, close in (
        ("django.db", lambda db: db.connections.close_all()),
        (
            "django.core.cache",
            lambda cache: cache.close_caches(),
        ),
    ):
        if settings and settings.settings.configured and module in sys.modules:
            close(sys.modules[module])


def forget_clock():
    """Have each worker's uuid1() begin anew, not where libuuid was: two that ask in one moment would get the same.

    libuuid has no way to be told of a fork. So uuid is left as it is where there is no libuuid, and takes its clock
    sequence at random; a uuid without this name needs, or knows, another way (the tests tell).
    """
    uuid = sys.modules.get("uuid")
    if uuid and getattr(uuid, "_generate_time_safe", None):
        uuid.getnode()  # for good; it asks libuuid, too
        uuid._generate_time_safe = None


def nurse(targets):
    """Return the applications, and the threads that they have left running as text."""
    import gc

    applications, running = load_and_watch(targets)
    close_connections()
    forget_clock()
    # What is here stays: a collection that looks at it would write to it, and every worker have a copy.
    gc.collect()
    gc.freeze()
    return applications, "\n".join(running).encode("utf-8", "backslashreplace")
