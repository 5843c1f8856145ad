#!/bin/sh
# Installs the Debian packages that `make bench` needs beside Go and Python:
#   wrk                  the load generator
#   apache2 apache2-dev  mod_wsgi (compiled against Apache by pip)
#   libev-dev            bjoern (compiled by pip)
#   gcc libc6-dev        uWSGI and bjoern
#   nginx-light nghttp2-client openssl   what faces the internet (make bench-front)
# A peer whose packages are missing is left out of a run, with its reason in the table.
set -eu

packages="wrk apache2 apache2-dev libev-dev gcc libc6-dev nginx-light nghttp2-client openssl"

missing=""
for package in $packages; do
	if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
		missing="$missing $package"
	fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "bench/install-peers.sh: not root; some peers will be missing. As root: apt-get install$missing" >&2
	exit 0
fi

# Apache is only ever started by the benchmark, on its own port: Debian must not start one as a service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	trap 'rm -f "$policy"' EXIT
fi
apt-get update -q
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
