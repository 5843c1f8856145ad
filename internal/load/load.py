# Finds a WSGI application, behind callable.py and in the same namespace, the name of
# which is that of its file, too: so its frames are known. It imports nothing before
# it needs it: what the application finds in sys.modules is what it brings.
import os
import re
import sys

DEFAULTS = ("application", "app")
# A target whose attribute is called. Paths may have parentheses in them, so the one
# that begins the arguments follows a name.
FACTORY = re.compile(r"([^:]*(?::[^:]*/[^:]*)*?):([^:()/\s]*)(\(.*)")


class Refused(Exception):
    """Why a target cannot be loaded, in one sentence; __cause__ is what the application raised, if it did."""

    file = None  # of the target, if it names one


class Target:
    """What "module", "module:name", "module:make(args)" names; a file's path can stand for the module."""

    def __init__(self, spec):
        self.spec = spec
        self.where, self.attribute, self.arguments = self.split()
        if not self.attribute and self.where != spec:
            if self.arguments:
                raise Refused('"%s": a factory is written module:make(…)' % spec)
            raise Refused('"%s" names no callable after the colon' % spec)
        if not self.where:
            raise Refused('"%s" names no module: write module:callable' % spec)
        # mysite.wsgi is a module unless there is such a file.
        self.is_file = (
            self.where.endswith(".py")
            or os.sep in self.where
            or (self.where.endswith(".wsgi") and os.path.isfile(self.where))
        )

    def split(self):
        if os.path.isfile(self.spec):  # whatever there is in its name
            return self.spec, "", ""
        if found := FACTORY.fullmatch(self.spec):
            return found.groups()
        module, colon, attribute = self.spec.rpartition(":")
        if colon and os.sep not in attribute:
            return module, attribute, ""
        module, bracket, rest = self.spec.partition("(")
        if bracket and os.sep not in self.spec:
            return module, "", bracket + rest
        return self.spec, "", ""

    def named(self):
        """Return the target as it is written with its attribute."""
        return "%s:%s" % (self.where, self.attribute or DEFAULTS[0])


def here():
    """Return the working directory as whoever went there calls it."""
    named = os.environ.get("PWD", "")
    try:
        return named if os.path.isabs(named) and os.path.samefile(named, ".") else os.getcwd()
    except OSError:
        return os.getcwd()


def raised(doing, error, file=""):
    """Return the Refused for an exception of the application's, whose traceback then begins in its own code."""
    machinery = (__name__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename in machinery:
        trace = trace.tb_next
    error.__traceback__ = trace
    try:
        text = str(error)
    except Exception:
        text = ""
    message = "%s raised %s" % (doing, type(error).__name__ + (": " + text if text else ""))
    if type(error) is ModuleNotFoundError:
        message += other_virtualenv(file)
    return Refused(message)


def same_file(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def other_virtualenv(file):
    """Say that a virtualenv lies beside the application which is not the one that it runs in.

    Or beside its folder, as .venv does if --chdir is src.
    """

    def candidates(folder):
        return [os.path.join(folder, name) for name in (".venv", "venv", "env")]

    folders = [here()]
    if os.sep in file:
        folders.append(os.path.dirname(os.path.normpath(os.path.join(here(), file))))
    for folder in folders[:]:
        if not any(same_file(path, sys.prefix) for path in candidates(folder)):
            folders.append(os.path.dirname(folder))  # else it has what is meant for it
    for folder in folders:
        for path in candidates(folder):
            if os.path.isfile(os.path.join(path, "pyvenv.cfg")) and not same_file(path, sys.prefix):
                return "; there is a virtualenv that is not in use: --venv " + path
    return ""


def import_module(target):
    name = target.where
    try:
        __import__(name)
        return sys.modules[name]
    except BaseException as error:
        missing = type(error) is ModuleNotFoundError and error.name
        if not missing or not (name == missing or name.startswith(missing + ".")):
            raise raised("importing " + name, error) from error
        if not target.attribute:
            refuse_dotted(name, missing)
        message = 'no module named "%s": looked in %s and on sys.path; set --chdir or --pythonpath to where it is'
        message %= (missing, here())
        if name.endswith(".wsgi"):
            message = "there is no file %s, and %s" % (os.path.join(here(), name), message)
        raise Refused(message + other_virtualenv("")) from None


def refuse_dotted(name, missing):
    """Raise Refused for a target that has a dot for its colon, as it is written elsewhere.

    What is missing is no module, then, but an attribute of the one before it.
    """
    module = missing.rpartition(".")[0]
    if not module:
        return
    attribute = name[len(module) + 1 :]
    try:
        found = __import__(module) and sys.modules[module]  # it has been, to look for the rest
        for part in attribute.split("."):
            found = getattr(found, part)
    except BaseException:
        return  # there are better words for what is not there
    raise Refused("%s is no module but an attribute of one: write %s:%s" % (name, module, attribute))


def module_name(path):
    """Return the name that a file becomes a module under.

    A .py file has that which others can import it by. Any other gets one that nothing else can have, as under mod_wsgi:
    flask.wsgi must not be what "import flask" finds, nor site.py in the place of the standard library's. It is the same
    at each start and in each worker, so that what they pickle for one another is understood.
    """
    import hashlib

    base = os.path.basename(path)
    stem, ending = os.path.splitext(base)
    if ending == ".py" and stem not in sys.modules:
        return stem
    word = "".join(char if char.isalnum() else "_" for char in base)
    return "_%s_%s" % (word, hashlib.sha256(os.fsencode(path)).hexdigest()[:8])


def import_file(given):
    """Import a file by its path. Its folder goes onto sys.path, as with python file.py."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    path = os.path.normpath(os.path.join(here(), given))
    try:
        os.stat(path)
    except OSError as error:
        raise Refused("cannot read the application's file: %s: %s" % (path, error.strerror.lower())) from None
    if os.path.isdir(path):
        raise Refused("%s is a folder: write module:callable, or the path of a .py or .wsgi file" % given)
    sys.path.insert(0, os.path.dirname(path))
    name = module_name(path)
    loader = SourceFileLoader(name, path)
    module = module_from_spec(spec_from_loader(name, loader))
    sys.modules[name] = module
    try:
        if path.endswith(".py"):
            loader.exec_module(module)
        else:
            # Not kept as bytecode: the name of that is made from the file's without its
            # ending, and site.wsgi may stand beside a site.py.
            exec(loader.source_to_code(loader.get_data(path), path), vars(module))
    except BaseException as error:
        sys.modules.pop(name, None)
        raise raised("importing " + given, error, given) from error
    return module


def look_up(module, target):
    """Return the first of the names that the module has."""
    names = (target.attribute,) if target.attribute else DEFAULTS
    for name in names:
        found = module
        try:
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            continue
        except BaseException as error:
            raise raised("looking up %s in %s" % (name, target.where), error) from error
        return found
    raise Refused(
        '%s has no attribute "%s": write module:callable with the name of the WSGI application'
        % (target.where, '" or "'.join(names))
    )


def call_factory(factory, call):
    """Call module:make(args). The arguments are literals; nothing is evaluated."""
    import ast

    try:
        body = ast.parse(call, "<target>", "eval").body
        arguments = [ast.literal_eval(node) for node in body.args]
        keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in body.keywords}
        if None in keywords:  # **
            raise ValueError(call)
    except Exception:
        raise Refused(
            "%s: a factory takes literal arguments only, such as make('production', debug=False)" % call
        ) from None
    try:
        return factory(*arguments, **keywords)
    except BaseException as error:
        raise raised("calling " + call, error) from error


def check(target, application):
    """Raise Refused for what cannot be a WSGI application, as far as can be seen."""
    if not callable(application):
        raise Refused(
            "%s is not callable: it is of type %s, not a WSGI application" % (target.spec, type(application).__name__)
        )
    try:
        kind = look(application)
    except Exception:
        return
    if kind == "asgi":
        instead = (
            "name the WSGI application, wrap it in a2wsgi.ASGIMiddleware, or use a server for ASGI, such as Uvicorn"
        )
        if not target.is_file and target.where.endswith(".asgi"):
            instead = "Django's is %s.wsgi:application" % target.where[: -len(".asgi")]
        raise Refused("%s is an ASGI application, and gowsgi serves WSGI: %s" % (target.spec, instead))
    if not kind or target.arguments:  # what a factory has returned is no factory
        return
    if kind == "factory":
        raise Refused(
            "%s takes no environ and start_response, so it is what makes the application: "
            'write "%s()", in quotes for the shell' % (target.spec, target.named())
        )
    raise Refused(
        "%s takes other arguments than environ and start_response: if it is what makes the application, "
        'write "%s(…)" with what it takes, in quotes for the shell' % (target.spec, target.named())
    )


def load(spec):
    """Return the application that spec names, or raise Refused."""
    target = Target(spec)
    try:
        module = import_file(target.where) if target.is_file else import_module(target)
        application = look_up(module, target)
        if target.arguments:
            application = call_factory(application, target.attribute + target.arguments)
        check(target, application)
    except Refused as refused:
        refused.file = target.where if target.is_file else None
        raise
    return application
