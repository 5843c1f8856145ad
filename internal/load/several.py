# Loads all applications that one interpreter is to have, behind load.py.

SETTINGS = "DJANGO_SETTINGS_MODULE"


class Settings:
    """Notes, while an application is loaded, which Django settings it asks for.

    What the environment has already stays, as os.environ.setdefault() is called by Django's wsgi.py: so a second
    project would run with the settings of the first, and nobody would be told.
    """

    def __enter__(self):
        self.asked, self.before = [], os.environ.get(SETTINGS)
        self.setdefault = os.environ.setdefault
        os.environ.setdefault = self.noted
        return self

    def noted(self, key, value):
        if key == SETTINGS:
            self.asked.append(value)
        return self.setdefault(key, value)

    def __exit__(self, *error):
        if vars(os.environ).get("setdefault") == self.noted:
            del os.environ.setdefault
        after = os.environ.get(SETTINGS)
        if after != self.before:
            self.asked.append(after)


def load_next(spec, projects):
    """Load one application; projects are the Django settings of those before, and which of them that was."""
    refused = None
    with Settings() as settings:
        try:
            application = load(spec)
        except Refused as error:
            refused = error
    for asked in filter(None, settings.asked):
        for known, other in projects.items():
            if asked != known:
                raise Refused(
                    "%s is a Django project with the settings %s, and %s is one with %s: an interpreter has room "
                    "for one Django project, so serve the other with a gowsgi of its own" % (spec, asked, other, known)
                ) from None
        projects[asked] = spec
    if refused:
        raise refused
    return application


def load_all(targets):
    """Return the applications that targets name, as package load writes them. What is named twice is loaded once."""
    places = [target.split("\x1f") for target in targets.split("\x1e")]
    if len(places) == 1:
        return (load(places[0][1]),)
    loaded, projects = {}, {}
    for mount, spec in places:
        try:
            if spec not in loaded:
                loaded[spec] = load_next(spec, projects)
        except Refused as refused:
            if mount:
                refused.args = ("mount %s: %s" % (mount, refused),)
            raise
    return tuple(loaded[spec] for _, spec in places)
