"""The CPythons that a wheel's workers are built against.

A worker needs the headers of its CPython. No machine has all of them, so they come
from one place, pinned: the jars of bytedeco's cpython, which hold them for each
X.Y. Nothing of them gets into a wheel. For 3.13 there is none of arm64, so those of
x86-64 serve both: what differs in pyconfig.h (looked at for all others) is what
CPython itself is compiled by; sizes and structures are the same.
"""

import hashlib
import os
import subprocess
import zipfile

JARS = {
    "3.10": ("3.10.8-1.5.8", "2f101b1aa06effdbda3c318c1728b13f22b571707c7b7704abaf5d19a33aa981"),
    "3.11": ("3.11.3-1.5.9", "668b42f6a8b1a9789de7d3ca54a81fefb754cd8e885554b42858bbcbc0dd497c"),
    "3.12": ("3.12.1-1.5.10", "a135fcf4dc01adebf7ea439252276fc3196db80f7e0dd3da0b61f1ec489b68bd"),
    "3.13": ("3.13.5-1.5.12", "50ad91aa0baa57f0235bb666b87d8bf2a44e215d28c250de1030502906af143b"),
    "3.14": ("3.14.3-1.5.13", "eb5f1a6fe2dc498ac18927189a37f28a47b0ba06ae6bd85112eff023fe2eb46f"),
}
COPY = "org.apache.maven.plugins:maven-dependency-plugin:copy"


class Failed(Exception):
    """One sentence for whoever runs make."""


def fetch(version, folder):
    """folder/X.Y with include/, fetched unless it is there."""
    target = os.path.join(folder, version)
    if os.path.isdir(target):
        return target
    release, checksum = JARS[version]
    artifact = "org.bytedeco:cpython:%s:jar:linux-x86_64" % release
    try:
        subprocess.run(
            ["mvn", "-q", "-B", COPY, "-Dartifact=" + artifact, "-DoutputDirectory=" + folder],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise Failed("mvn is not on PATH, CPython's headers are fetched by it: apt-get install maven") from None
    except subprocess.CalledProcessError as err:
        raise Failed("%s cannot be fetched: mvn ended with status %d" % (artifact, err.returncode)) from None
    jar = os.path.join(folder, "cpython-%s-linux-x86_64.jar" % release)
    with open(jar, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != checksum:
            raise Failed("%s is not what it was when it was pinned: look at it, then at JARS in %s" % (jar, __file__))
    unpack(jar, target)
    os.remove(jar)
    return target


def unpack(jar, target):
    """Takes the headers out, and appears whole or not at all."""
    top = "org/bytedeco/cpython/linux-x86_64/"
    unfinished = target + ".unfinished"
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            inside = name[len(top) :]
            if not inside.startswith("include/") or name.endswith("/"):
                continue
            path = os.path.join(unfinished, inside)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(archive.read(name))
    os.rename(unfinished, target)
