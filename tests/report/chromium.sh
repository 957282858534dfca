#!/usr/bin/env bash
# The browser that the report is opened in. Installs Debian's Chromium where there is none; fails where it cannot.
set -euo pipefail
for name in "${BOXOFFICE_CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
        "$name" --version
        exit
    fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "No Chromium is installed. Install it, or give its path in BOXOFFICE_CHROMIUM." >&2
    exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
chromium --version
