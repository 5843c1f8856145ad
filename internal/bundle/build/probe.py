# Run by the interpreter whose packages are to be bundled, to say where they are.
import glob
import json
import os
import sys
import sysconfig
from importlib import metadata

BASE = getattr(sys, "_base_executable", None) or sys.executable


def licence(info):
    """What a distribution says of its licence, in one line."""
    value = info.get("License-Expression") or ""
    if not value:
        names = [line.rpartition(" :: ")[2] for line in info.get_all("Classifier") or [] if line.startswith("License :: ")]
        value = ", ".join(name for name in names if name != "OSI Approved")
    return " ".join((value or info.get("License") or "").split())[:120]


def packages():
    found = {}
    for dist in metadata.distributions():
        name = dist.metadata["Name"]
        if name and name.lower() not in found:
            found[name.lower()] = {"name": name, "version": dist.version, "licence": licence(dist.metadata)}
    return [found[name] for name in sorted(found)]


def scripts():
    """Console scripts that lie in the virtualenv's bin."""
    found = set()
    for dist in metadata.distributions():
        for entry in dist.entry_points:
            if entry.group == "console_scripts":
                found.add(entry.name)
    return sorted(found)


def editable(folders):
    """What setuptools' finders of editable installs import from elsewhere: {file: {package: folder}}."""
    import ast

    found = {}
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "__editable___*_finder.py"))):
            with open(path, encoding="utf-8") as source:
                for node in ast.parse(source.read()).body:
                    target = getattr(node, "target", None) or (getattr(node, "targets", None) or [None])[0]
                    if getattr(target, "id", None) == "MAPPING" and node.value is not None:
                        found[path] = ast.literal_eval(node.value)
    return found


purelib, platlib = sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
stdlib, platstdlib = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
base = sys.base_prefix
if sys.prefix != base:  # a virtualenv has no standard library of its own
    stdlib = sysconfig.get_path("stdlib", vars={"installed_base": base, "base": base})
    platstdlib = sysconfig.get_path("platstdlib", vars={"installed_platbase": sys.base_exec_prefix, "platbase": sys.base_exec_prefix})
own = {os.path.realpath(path) for path in (stdlib, platstdlib, os.path.join(platstdlib, "lib-dynload"))}
path = [entry for entry in sys.path if entry and os.path.exists(entry) and os.path.realpath(entry) not in own]
print(
    "gowsgi:"
    + json.dumps(
        {
            "executable": os.path.realpath(BASE),
            "cache_tag": sys.implementation.cache_tag,
            "base_prefix": base,
            "prefix": sys.prefix,
            "scripts_folder": sysconfig.get_path("scripts"),
            "stdlib": stdlib,
            "platstdlib": platstdlib,
            "dynload": sysconfig.get_config_var("DESTSHARED") or "",
            "purelib": purelib,
            "platlib": platlib,
            "platlibdir": getattr(sys, "platlibdir", "lib"),
            "path": path,
            "packages": packages(),
            "scripts": scripts(),
            "editable": editable([entry for entry in path if os.path.isdir(entry)]),
        }
    )
)
