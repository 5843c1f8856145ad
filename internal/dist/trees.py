"""Tries the wheel as somebody does who has nothing else: in fresh trees of Debian.

    python3 internal/dist/trees.py [SUITE...]    needs root, dist/….whl and, the first time, debootstrap

In each tree a user makes a virtualenv, and does what README.md says under
"Install"; the application gets a request, new code by a reload, and is stopped.
Then root does what docs/internet.md says of an empty Debian, up to serving, which
is tried with --check-config: no authority finds the tree.
Where Debian's Python is too old, it is looked at what pip and gowsgi say. What is
unpacked once is kept under build/trees; the mounts are this process's own.
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

import wheel

ROOT, Failed = wheel.ROOT, wheel.cpython.Failed
BUILD = os.path.join(ROOT, "build", "trees")
# CPython 3.9 on glibc 2.31, 3.11 on 2.36, and the newest; none has a libpython.
SUITES = ["bullseye", "bookworm", "sid"]
TOO_OLD = {"bullseye": "3.9"}
PACKAGES = "ca-certificates,python3-venv"
CHECKS = ["auditwheel==6.8.2", "twine==7.0.0"]
USER = "visitor"
HOME = "/home/" + USER
ADDRESS = "127.0.0.1:8919"
PATIENCE = 60  # seconds
# Bytecode counts as current if size and second of the source are the same, so editions have several.
APPLICATION = """\
from flask import Flask

application = Flask(__name__)


@application.get("/")
def edition():
    return "%s edition"
"""

# What docs/internet.md takes for granted: a project of Django's in /srv/site.
PROJECT = {
    "requirements.txt": "Django\n",
    "manage.py": """\
import os

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
execute_from_command_line()
""",
    "mysite/settings.py": """\
SECRET_KEY = "of a tree"
INSTALLED_APPS = ["django.contrib." + name for name in ("contenttypes", "auth", "admin", "staticfiles")]
ROOT_URLCONF = "mysite.settings"
urlpatterns = []
STATIC_URL = "static/"
STATIC_ROOT = "/srv/site/static_root"
""",
    "mysite/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_wsgi_application()
""",
}


def expect(what, true, said=""):
    if not true:
        raise Failed("%s\n%s" % (what, said))


def finish(args, env=None):
    """The status that a command ends with, and what it writes."""
    done = subprocess.run(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


class Tree:
    """A fresh one, unpacked from what was made the first time."""

    def __init__(self, suite):
        self.suite, self.root = suite, os.path.join(BUILD, suite)
        base = self.root + ".tar"
        if not os.path.exists(base):
            make_base(suite, base)
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True)
        os.makedirs(self.root)
        subprocess.run(["tar", "-xf", base, "-C", self.root], check=True)
        for name in ("proc", "dev"):
            subprocess.run(["mount", "--rbind", "/" + name, self.path("/" + name)], check=True)
        # Whom the machine asks for packages, the tree asks as well.
        for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
            if os.path.exists(path):
                os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
                shutil.copy(path, self.path(path))
        self.run("useradd --create-home " + USER, user="root")

    def path(self, inside):
        return self.root + inside

    def write(self, inside, text):
        os.makedirs(os.path.dirname(self.path(inside)), exist_ok=True)
        with open(self.path(inside), "w") as out:
            out.write(text)
        subprocess.run(["chroot", self.root, "chown", "-R", USER, HOME], check=True)

    def copy(self, file, inside):
        os.makedirs(self.path(inside), exist_ok=True)
        shutil.copy(file, self.path(inside))

    def command(self, script, user=USER):
        args = ["chroot", "--userspec=" + user, self.root, "sh", "-e", "-c", "cd ~\n" + script]
        env = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        home = HOME if user == USER else "/root"
        env.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", HOME=home, LANG="C.UTF-8", GOWSGI_BIND=ADDRESS)
        return args, env

    def run(self, script, user=USER, fails=False):
        """What it writes."""
        status, said = finish(*self.command(script, user))
        expect("%s: %r ended with status %d" % (self.suite, script, status), (status != 0) == fails, said)
        return said

    def start(self, script):
        args, env = self.command(script)
        log = open(os.path.join(BUILD, self.suite + ".log"), "w+")
        return subprocess.Popen(args, env=env, stdout=log, stderr=log, start_new_session=True), log


def make_base(suite, base):
    if not shutil.which("debootstrap"):
        raise Failed("debootstrap is not on PATH: apt-get install debootstrap")
    template = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    mirrors = [uri for uri in finish(template)[1].split() if "security" not in uri]
    mirror = os.environ.get("MIRROR") or [*mirrors, "http://deb.debian.org/debian"][0]
    unfinished = base + ".unfinished"
    subprocess.run(["rm", "-rf", "--one-file-system", unfinished], check=True)
    print("making a tree of Debian " + suite, flush=True)
    args = ["debootstrap", "--variant=minbase", "--include=" + PACKAGES, suite, unfinished, mirror]
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["tar", "-cf", base + ".part", "-C", unfinished, "."], check=True)
    os.rename(base + ".part", base)
    subprocess.run(["rm", "-rf", unfinished], check=True)


def until(text, process, log):
    """Waits for an answer."""
    deadline = time.monotonic() + PATIENCE
    while answer() != text:
        if process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            raise Failed("nobody has answered %r within %d s\n%s" % (text, PATIENCE, log.read()))
        time.sleep(0.05)


def answer():
    try:
        with urllib.request.urlopen("http://%s/" % ADDRESS, timeout=PATIENCE) as response:
            return response.read().decode()
    except (urllib.error.URLError, OSError):
        return None


def instructions(document, title):
    """The commands that a document has under a title: to install, and to serve."""
    with open(os.path.join(ROOT, document)) as file:
        section = file.read().partition("\n## %s\n" % title)[2].partition("\n## ")[0]
    block = re.search("```sh\n(.*?)```", section, re.S)
    expect("%s has no commands under %s" % (document, title), block)
    lines = block.group(1).strip().splitlines()
    serves = re.match("(/srv/site/.venv/bin/)?gowsgi ", lines[-1])
    expect("%s's commands are to install, and then to serve" % document, serves, block.group(1))
    return "\n".join(lines[:-1]), lines[-1]


def serve(tree, line):
    """A request, a reload, a stop."""
    module = HOME + "/myproject/wsgi.py"
    tree.write(module, APPLICATION % "first")
    process, log = tree.start(". .venv/bin/activate; exec " + line)
    try:
        until("first edition", process, log)
        tree.write(module, APPLICATION % "another")
        process.send_signal(signal.SIGHUP)
        until("another edition", process, log)
        process.send_signal(signal.SIGTERM)
        status = process.wait(PATIENCE)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    log.seek(0)
    text = log.read()
    expect("%s: it ended with status %d" % (tree.suite, status), status == 0, text)
    expect("%s: the log has faults" % tree.suite, "event=gowsgi.stopped" in text and "level=ERROR" not in text, text)
    return re.search("event=gowsgi.starting.* python=(\\S+)", text).group(1)


def visit(tree, path):
    tree.copy(path, HOME + "/dist")
    tree.run("chown -R %s %s" % (USER, HOME), user="root")
    install, line = instructions("README.md", "Install")
    tree.run("python3 -m venv .venv && . .venv/bin/activate && pip install -q flask")
    if tree.suite in TOO_OLD:
        return refused(tree, path, install, line)
    tree.run(". .venv/bin/activate\n" + install)
    for command in ("gowsgi --version", "python -m gowsgi_server --version"):
        said = tree.run(". .venv/bin/activate; " + command)
        expect("%s: %s" % (tree.suite, command), "workers for CPython 3.10, " in said, said)
    expect("%s has a libpython" % tree.suite, not glob.glob(tree.path("/usr/lib/*/libpython3*.so*")))
    version = serve(tree, line)
    face(tree, path)
    return "CPython %s serves" % version


def face(tree, path):
    """From an empty Debian to HTTPS; with ports of its own, as an empty one has them."""
    for name, text in PROJECT.items():
        tree.write("/srv/site/" + name, text)
    tree.copy(path, "/root")
    install, line = instructions(os.path.join("docs", "internet.md"), "From an empty Debian to HTTPS")
    tree.run(install, user="root")
    said = tree.run("unshare --net env -u GOWSGI_BIND %s --check-config" % line, user="root")
    for word in ("https://:443", "obtained for example.org", "event=static.found", "application loaded"):
        expect("%s: docs/internet.md's commands lead elsewhere, not to %s" % (tree.suite, word), word in said, said)


def refused(tree, path, install, line):
    """What pip and gowsgi say to a Python that is too old."""
    version = TOO_OLD[tree.suite]
    said = tree.run(". .venv/bin/activate\n" + install, fails=True)
    expect("pip does not say so", "requires a different Python: %s." % version in said, said)
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/scripts/gowsgi"))
        program = archive.extract(name, BUILD)
    os.chmod(program, 0o755)
    tree.copy(program, HOME + "/bin")
    said = tree.run(". .venv/bin/activate; ~/bin/" + line, fails=True)
    sentence = r"is CPython %s\.\d+, and gowsgi needs 3.10 or newer: make a virtualenv" % re.escape(version)
    expect("gowsgi does not say so, in one line", re.search(sentence, said) and said.count("\n") == 1, said)
    return "CPython %s is refused, in words" % version


def opened(path):
    """A wheel whose workers auditwheel can see: it does not look into our program."""
    with zipfile.ZipFile(path) as archive:
        files = [(name, archive.read(name), 0o755) for name in archive.namelist() if not name.endswith("/RECORD")]
    for name in wheel.cpython.JARS:
        with open(os.path.join(wheel.workers("amd64"), "gowsgi-worker-" + name), "rb") as file:
            files.append(("gowsgi_server/%s.so" % name, file.read(), 0o755))
    copy = os.path.join(BUILD, os.path.basename(path))
    wheel.write_wheel(copy, files)
    return copy


def check(path):
    """What PyPI and pip will see in it."""
    venv = os.path.join(ROOT, "build", "dist", "checks")
    if not os.path.exists(os.path.join(venv, "bin", "twine")):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [os.path.join(venv, "bin", "pip"), "install", "-q", "--disable-pip-version-check", *CHECKS]
        subprocess.run(pip, check=True)
    for name, *args in (["twine", "check", "--strict", path], ["auditwheel", "show", opened(path)]):
        status, said = finish([os.path.join(venv, "bin", name), *args])
        expect("%s is not content" % name, status == 0, said)
    needs = re.search(r'platform tag:\s+"manylinux_(\d+)_(\d+)_', said)
    allowed = tuple(map(int, wheel.GLIBC.split(".")))
    expect("the wheel is not for glibc %s" % wheel.GLIBC, needs and tuple(map(int, needs.groups())) <= allowed, said)
    return "the wheel needs glibc %s.%s, its tag has %s" % (*needs.groups(), wheel.GLIBC)


def main(suites):
    wheels = glob.glob(os.path.join(ROOT, "dist", "*_x86_64.whl"))
    try:
        if os.geteuid() != 0:
            raise Failed("only root can enter trees: run it as root")
        if len(wheels) != 1:
            raise Failed("%d wheels for x86-64 are in dist/, not one: rm -rf dist, then make wheel" % len(wheels))
        if "TREES_MOUNTS" not in os.environ:
            os.environ["TREES_MOUNTS"] = "own"
            os.execvp("unshare", ["unshare", "--mount", sys.executable, os.path.abspath(__file__), *suites])
        os.makedirs(BUILD, exist_ok=True)
        print(check(wheels[0]), flush=True)
        for suite in suites or SUITES:
            print("%s: %s" % (suite, visit(Tree(suite), wheels[0])), flush=True)
    except Failed as err:
        sys.exit("trees: %s" % err)
    except subprocess.CalledProcessError as err:
        sys.exit("trees: %s ended with status %d" % (" ".join(err.cmd[:3]), err.returncode))


if __name__ == "__main__":
    main(sys.argv[1:])
