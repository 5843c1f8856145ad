"""A py4web site: the factory py4web.wsgi with one app, apps/_default.

Proves that py4web's loader, its thread-local request and fixtures (session,
database and template, which run around each action), uploads, generators and
error tickets work in a server that is not its own. py4web writes next to its
apps, so they are copied to the data folder. See site_parts for the paths.
"""

import logging
import pathlib
import shutil

from py4web.core import ERROR_PAGES, Reloader, wsgi

import site_parts

logging.basicConfig()
ERROR_PAGES[404] = site_parts.NOT_FOUND
ERROR_PAGES[500] = site_parts.BROKEN

apps = site_parts.DATA / "apps"
shutil.copytree(pathlib.Path(__file__).parent / "apps", apps, dirs_exist_ok=True)
application = wsgi(apps_folder=str(apps), dashboard_mode="none")
for name, traceback in Reloader.ERRORS.items():
    if traceback:  # py4web itself goes on without the app
        raise RuntimeError(f"the app {name} was not loaded:\n{traceback}")
