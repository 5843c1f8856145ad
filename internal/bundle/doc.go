// Package bundle is a site in one executable: gowsgi, and with it everything
// that the site needs to run on a machine without Python. gowsgi build makes
// one (package build below), and the gowsgi inside unpacks and serves it.
//
// # The file
//
//	the head | the archive | the manifest | the trailer
//
// The head is a small program (cmd/gowsgi-head), marked in its ELF header, so that
// what was cut off behind it is missed. The archive is gowsgi, without the workers
// that it carries, and then the contents of all files, in the manifest's order, in
// one stream of zstd: gowsgi is several times as large as the head, and what is
// executed from the file itself cannot be compressed. The manifest, JSON and a list in
// zstd, names each of these with its SHA-256 and says what the bundle is; the head reads
// it as far as the list. The trailer says where things begin, and has the manifest's
// SHA-256: nothing in the file is used before its hash was right. It is looked for
// damage, not for malice: who can change the head needs no manifest.
//
// # The two programs
//
// The head unpacks gowsgi, into a folder of its own that all bundles with the same
// gowsgi share, and becomes it by execve(2): the process, its arguments, descriptors
// and environment stay. It knows --bundle-dir and its variable, and no other setting;
// where no folder will do, gowsgi is executed from memory, since it can say what is
// wrong, and much of what it does needs no folder. A variable hands over the file,
// open, so that both speak of the same one whatever is put in its place, the locks on
// the folder, and the path, which is what an upgrade starts (program.go).
//
// # The folder
//
// CPython wants files, and shared libraries have to be such. So a bundle is
// unpacked once, into a folder named by the manifest's hash, whose layout is
// that of an interpreter with a virtualenv beside it:
//
//	python/bin/python3.X  python/lib/      the interpreter, the standard library, shared libraries
//	venv/bin/python  venv/lib/…            the packages
//	app/                                   the application
//	worker                                 gowsgi-worker
//
// The interpreter finds its libraries by $ORIGIN, and itself by pyvenv.cfg, the
// only file besides the C library's loader that has the folder's own path in
// it, and is therefore written when it is unpacked. What is in the folder may
// not be written: what an application stored there would be gone with the next
// build.
//
// One process unpacks at a time, into a folder beside, which is synced to disk
// and then renamed. Whoever uses a folder holds a lock on a file in it. Folders
// of the same site that nobody holds, and no process runs from, are removed by who has just unpacked
// another, or finds no room to. At each start every file is looked at, and what is missing or has
// another size is written again, since something may clean up where it lies:
// at a reload, too, and before a worker starts. A folder where that cannot be done, or
// that others may write to, is replaced.
//
// Where it lies is the first place of a list that is ours, may be written and
// executed from, and has room (place.go). A folder that somebody else owns, or
// a link, is passed over: in /tmp anybody can be there first. So is one below a folder
// in which somebody else could put another in its stead.
package bundle
