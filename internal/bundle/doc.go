// Package bundle is a site in one executable: gowsgi, and behind it everything
// that the site needs to run on a machine without Python. gowsgi build makes
// one (package build below), and a gowsgi that finds itself to be one unpacks
// and serves it.
//
// # The file
//
//	the program | the archive | the manifest | the trailer
//
// The program is gowsgi without the workers that it carries, marked in its ELF
// header, so that what was cut off behind it is missed. The archive is the
// contents of all files in one stream of zstd, in the manifest's order. The
// manifest, JSON in zstd, names each file with its SHA-256 and says what the
// bundle is. The trailer says where things begin, and has the manifest's
// SHA-256: nothing in the file is used before its hash was right. It is looked
// for damage, not for malice: who can change the program needs no manifest.
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
// of the same site that nobody holds are removed by who has just unpacked
// another. At each start every file is looked at, and what is missing or has
// another size is written again, since something may clean up where it lies:
// at a reload, too, and before a worker starts.
//
// Where it lies is the first place of a list that is ours, may be written and
// executed from, and has room (place.go). A folder that somebody else owns, or
// a link, is passed over: in /tmp anybody can be there first.
package bundle
