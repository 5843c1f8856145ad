package config

// mountRows say which applications there are, and whose hosts.
func mountRows() []setting {
	return []setting{
		{
			name: "mount", group: groupMounts, meta: "PATH[=TARGET]", env: "SCRIPT_NAME",
			kind: mounts{},
			help: "Serve the application below this path, which becomes SCRIPT_NAME; with =TARGET, another application; may be repeated.",
			more: "The longest path that fits gets a request; what is below none gets a 404. [HOST]PATH=TARGET is for the requests of one host. In $GOWSGI_MOUNT: one a line.",
		},
		{
			name: "allowed-hosts", group: groupMounts, meta: "HOSTS",
			kind: list{field: func(s *Settings) *[]string { return &s.AllowedHosts }, item: allowedHost, want: "a host name without a port, .example.org for that and all below it, or *", commas: true},
			help: "Host names that are served, with commas between them; requests for others get a 421. Empty, or *: all.",
			more: "Hosts of a mount are served without being named here, and so is health_path for any.",
		},
	}
}
