# What the `provide` scripts of tests share that install packages of npm and of PyPI; they source this.
#
# Needs Node.js 18 or newer with npm, Python 3.11 or newer with venv, and for the first time their package indexes. What is
# installed is fixed by lock files and lies in ${WEIRHOUSE_CACHE:-${XDG_CACHE_HOME:-~/.cache}}/weirhouse; it counts only once
# its file `complete` is written, last.

# provide_packages NAME FOLDER REQUIREMENTS
#
# Prints the folder that has `node_modules`, by package-lock.json in FOLDER, and `venv`, by the file REQUIREMENTS.
# Ends with status 3 and the reason on standard error if it cannot be had here.
provide_packages() {
  local name=$1 manifests=$2 requirements=$3
  local cache=${WEIRHOUSE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/weirhouse
  local version python folder
  missing() { echo "$name: $*" >&2; exit 3; }

  { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; } ||
    missing "no node of version 18 or newer with npm (Debian: nodejs, npm)"
  python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    missing "no python3 of version 3.11 or newer with the modules venv and ensurepip (Debian: python3-venv)"
  version=$(cat "$manifests/package-lock.json" "$requirements" | sha256sum | cut -c1-12)
  # A virtual environment does not outlive the Python it was made with.
  python=$(python3 -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
  folder=$cache/$name-$version-python-$python

  mkdir -p "$cache"
  exec 9>"$folder.lock"
  flock 9
  if [[ ! -e $folder/complete ]]; then
    rm -rf "$folder"
    mkdir "$folder"
    cp "$manifests"/package{,-lock}.json "$folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >&2 || missing "npm could not install it (see above)"
    { python3 -m venv "$folder/venv" &&
      "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"; } >&2 ||
      missing "pip could not install it (see above)"
    touch "$folder/complete"
  fi
  echo "$folder"
}
