// Package python finds the CPython that an application belongs to, and gives
// the worker built for it as a program that can be started.
//
// # The interpreter
//
// FindAs asks one interpreter, by running it: that of --venv, else of the
// virtualenv that gowsgi itself lies in, else of $VIRTUAL_ENV, else of the .venv
// in the application's folder, else the first python3 on PATH. Running it is the only answer
// that is right for virtualenvs, for the shims of version managers and for
// Pythons that were moved after they were built. It runs with -E -s and
// without the current folder on sys.path, so that neither PYTHONPATH nor a
// json.py beside the application changes the answer; -I would do the same, but
// Python 2 does not know it, and "CPython 2.7, too old" is the better message.
//
// A worker is loaded into the program that runs when the interpreter is started
// (load_linux.go), which /proc/self/exe names: sys.executable may be a link to it,
// or a script of a version manager's. Nothing else of CPython is looked for.
//
// With --user it is that user who runs it, before anything of root's does: what
// a user can write, root must not execute.
//
// What keeps it from running is told apart: a folder that the user may not enter,
// and what has run out (package scarcity), are no fault of the virtualenv, and
// nobody is told to make anew, which deletes it, what is healthy.
//
// # The workers
//
// make build packs one for each CPython X.Y into workers/, from where
// they are embedded (package packed describes the files). A fresh clone has
// none, compiles, and says so when asked to serve.
//
// To be loaded, a worker must be a file. It is kept in a cache,
// $XDG_CACHE_HOME/gowsgi or ~/.cache/gowsgi, under the hash of its content,
// which was recorded when it was packed. What lies there is read and hashed
// before it is used: that costs about a millisecond per megabyte and makes a
// half-written or damaged file harmless. The folder must be ours and private,
// and its parent ours as well: root with the HOME of somebody else must not
// start what that somebody may have put there. Where the folder cannot be used
// (no HOME, read-only, mounted noexec), the worker goes to memory
// (memfd_create) instead.
//
// Another user cannot enter that folder. A second one in /var/cache would do,
// but would be left behind for the sake of ten megabytes; so with --user it
// goes to memory, too, sealed against writing: a worker that was
// broken into must not reach the next ones.
//
// A Program holds the file that was checked open. Workers are started for as
// long as gowsgi runs, so it must not matter that somebody empties the cache
// meanwhile: Command then has the open file loaded, by way of /proc/self/fd. It
// does so only then, and where the loader cannot take the path, because debuggers
// look for a library where the loader found it.
package python
