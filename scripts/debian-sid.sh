# Sourced. `unpack_sid DIR PACKAGE ...` unpacks packages of Debian sid and their whole closure (libc included) into
# DIR/root without touching the system, and sets $root, $libs (its libraries) and $ldso (its loader). `patch_sid` is its
# patchelf. What runs from there needs that loader: `patch_sid --set-interpreter "$ldso" --force-rpath --set-rpath …`.
unpack_sid() {
    local dir=$1 apt=$1/apt uri deb
    shift
    root=$dir/root
    rm -rf "$apt" "$root"
    mkdir -p "$apt"/{lists,cache/archives}/partial "$root"
    : >"$apt/status"        # "nothing is installed", so that the closure is complete
    uri=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources | head -1)
    : "${uri:?no Debian mirror in /etc/apt/sources.list.d/debian.sources}"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri sid main" >"$apt/sources.list"
    get_sid "$apt" update
    get_sid "$apt" --download-only install patchelf "$@"
    for deb in "$apt"/cache/archives/*.deb; do dpkg-deb --extract "$deb" "$root"; done
    rm -rf "$apt"
    libs=$(dirname "$(ls "$root"/usr/lib/*/libc.so.6)")
    ldso=$(ls "$libs"/ld-linux-*.so.*)
}

get_sid() {
    local apt=$1
    shift
    apt-get -q -y -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Install-Recommends=false "$@" >&2
}

patch_sid() { "$ldso" --library-path "$libs" "$root/usr/bin/patchelf" "$@"; }
