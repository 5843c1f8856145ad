package config

import "time"

// fileRows say which files are served without the application.
func fileRows() []setting {
	return []setting{
		{
			name: "static", group: groupFiles, meta: "PATH=DIR",
			kind: list{field: func(s *Settings) *[]string { return &s.Static }, item: staticItem, want: "/path=DIR, such as /static=assets, or django"},
			help: "Answer what is below a path with files of a folder; may be repeated. django: STATIC_URL and STATIC_ROOT of its settings.",
			more: "The longest path counts. What is not there gets a 404, not the application. In $GOWSGI_STATIC: one a line. docs/internet.md has all about files.",
		},
		{
			name: "document-root", group: groupFiles, meta: "DIR",
			kind: path(func(s *Settings) *string { return &s.DocumentRoot }, "a directory, as one line of text"),
			help: "Answer GET and HEAD with a file of this folder if there is one, else with the application.",
			more: "All that is in it is public, but for names that begin with a dot; .well-known is not one of them.",
		},
		{
			name: "static-index", group: groupFiles, meta: "NAMES", def: "index.html",
			kind: list{field: func(s *Settings) *[]string { return &s.StaticIndex }, item: fileName, want: "a file's name without a /", commas: true},
			help: "Names of the file that stands for its folder, with commas between them; the first that is there.",
		},
		{
			name: "static-max-age", group: groupFiles, meta: "SECONDS", def: "60",
			kind: duration(func(s *Settings) *time.Duration { return &s.StaticMaxAge }, 0, 10*365*24*time.Hour),
			help: "How long browsers keep a file without asking whether it has changed; HTML pages are always asked about.",
		},
		{
			name: "static-immutable", group: groupFiles, meta: "WORD", def: "auto",
			kind: choice(func(s *Settings) *string { return &s.StaticImmutable }, "auto", "never"),
			help: "Have browsers keep files for good whose names change with their content; auto or never.",
			more: "Such names are base.27e20196a850.css (Django's ManifestStaticFilesStorage), main.8ec1b8d3.chunk.js (webpack) and index-BUhyRkP5.js (Vite).",
		},
		{
			name: "static-symlinks", group: groupFiles, meta: "WORD", def: "inside",
			kind: choice(func(s *Settings) *string { return &s.StaticSymlinks }, "inside", "never", "anywhere"),
			help: "Which symbolic links are followed: inside, those that stay in their folder; never; or anywhere.",
			more: "A link that is written as an absolute path is one that leaves it. anywhere is what collectstatic --link needs.",
		},
		{
			name: "static-listing", group: groupFiles, def: "false",
			kind: onOff(func(s *Settings) *bool { return &s.StaticListing }),
			help: "List folders below static that have no index file.",
		},
		{
			name: "sendfile-root", group: groupFiles, meta: "DIR",
			kind: list{field: func(s *Settings) *[]string { return &s.SendfileRoot }, item: sendfileItem, want: "a directory, for X-Sendfile, or /prefix=DIR, for X-Accel-Redirect"},
			help: "Send the file that the application names with X-Sendfile if it is below DIR; with /prefix=DIR, X-Accel-Redirect.",
			more: "May be repeated. Without it the two fields are passed on, for a proxy in front. In $GOWSGI_SENDFILE_ROOT: one a line.",
		},
	}
}
