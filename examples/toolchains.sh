#!/usr/bin/env bash
# Installs what a new machine lacks to build the example mappers. Running it again changes nothing.
#
# Compilers and componentizers go into each example's own folder (`.venv`, `node_modules`), in the versions that
# the folder pins; only Node.js, Python's venv and make come from Debian, where they are missing.
set -euo pipefail
cd "$(dirname "$0")"

packages=()
command -v make >/dev/null || packages+=(make)
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv)
if ((${#packages[@]})); then
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "${packages[@]}"
fi

# Side by side, since they mostly wait for downloads.
folders=(mapper-js mapper-ts mapper-python mapper-c mapper-go)
pids=()
for folder in "${folders[@]}"; do
    make --silent -C "$folder" tools &
    pids+=($!)
done
failed=0
for i in "${!folders[@]}"; do
    wait "${pids[$i]}" || { echo "toolchains: ${folders[$i]} has no toolchain" >&2; failed=1; }
done
exit "$failed"
