import ReleaseModel

/// The lines that the buildpack adds to a release's `env.sh`, which `bin/NAME` reads before it starts anything. They keep
/// variables that the app's own lines have set.
///
/// `mix release` writes one cookie for all copies of a release into the tree. Any user who has the slug could read it
/// and join the app's nodes. So the slug has no cookie, and each app gets its own: one for all releases in its slug.
///
/// RELEASE_NAME may be a config var that chose releases when the slug was built (`all`). `bin/NAME` would take it for
/// the name of the release that it starts, so the name is set before anything reads it.
///
/// PORT has no default when a release starts, because a default could be another app's port. `eval` only reads the
/// configuration, so there PORT is set to 0.
///
/// The lines are for any POSIX shell, also with `set -e` and `set -u`, and run only programs of coreutils and busybox.
struct StartSnippet {
  private let release: OTPRelease
  /// The name of the files that the releases of a slug share.
  private let slug: String

  init(_ release: OTPRelease, among releases: [OTPRelease]) {
    self.release = release
    slug = releases.map(\.name).min() ?? release.name
  }

  /// Goes before the app's own lines.
  var head: String {
    """
    \(OwnLines.opening): the name of this release --------------------------------------
    RELEASE_NAME=\(ShellWord.quoted(release.name))
    export RELEASE_NAME
    # -----------------------------------------------------------------------------------------------

    """
  }

  /// Goes after the app's own lines. A release in `rel/NAME` finds the top of its slug above it.
  var tail: String {
    """

    \(OwnLines.opening) ---------------------------------------------------------------
    reltui_slug="$RELEASE_ROOT\(release.folder == nil ? "" : "/../..")"
    reltui_app=\(ShellWord.quoted(slug))
    # The value that the platform or the app has set; a default is chosen below.
    reltui_given="${RELEASE_TMP:-}"

    """ + Self.lines
  }

  private static let lines = #"""
    # Text is UTF-8 unless the platform says otherwise.
    if [ -z "${LC_ALL:-}${LC_CTYPE:-}${LANG:-}" ]; then
      export LANG=C.UTF-8
    fi

    # RELEASE_NODE, if it is not set: one name for each dyno, so that two on a host do not clash.
    # "rpc" and similar commands find the node from any shell in the dyno, which has the same DYNO.
    if [ -z "${RELEASE_NODE:-}" ] && [ -n "${DYNO:-}" ]; then
      reltui_dyno=$DYNO
      while :; do
        case $reltui_dyno in
          *[!A-Za-z0-9_-]*)
            reltui_dyno="${reltui_dyno%%[!A-Za-z0-9_-]*}-${reltui_dyno#*[!A-Za-z0-9_-]}"
            ;;
          *) break ;;
        esac
      done
      RELEASE_NODE="$RELEASE_NAME-$reltui_dyno"
      unset reltui_dyno
    fi

    # PORT, only for "eval", which does not listen: configuration that requires PORT can be read.
    if [ -z "${PORT:-}" ] && [ "${RELEASE_COMMAND:-}" = eval ]; then
      export PORT=0
    fi

    # Whether $1 belongs to this user and is no link.
    reltui_is_ours() {
      [ -O "$1" ] && [ ! -h "$1" ]
    }

    # RELEASE_TMP: the release's own folder, or one of this user's if that cannot be written.
    if [ -z "${RELEASE_TMP:-}" ]; then
      for reltui_tmp in "$RELEASE_ROOT/tmp" "${HOME:-/nonexistent}/.cache/$RELEASE_NAME" \
        "${TMPDIR:-/tmp}/$RELEASE_NAME-$(id -u)"; do
        if (umask 077 && mkdir -p "$reltui_tmp") 2>/dev/null && [ -w "$reltui_tmp" ] &&
          reltui_is_ours "$reltui_tmp"; then
          export RELEASE_TMP="$reltui_tmp"
          break
        fi
      done
    fi

    # RELEASE_COOKIE, if it is not set: a hash of SECRET_KEY_BASE, so that all instances of the app
    # have the same one. Without SECRET_KEY_BASE it is random, made at the first start and kept in a
    # file for this user alone, so that "start", "rpc" and "stop" of all releases in this slug agree.
    if [ -z "${RELEASE_COOKIE:-}" ] && [ -n "${SECRET_KEY_BASE:-}" ]; then
      RELEASE_COOKIE="$(printf 'cookie %s' "$SECRET_KEY_BASE" | sha256sum | cut -c 1-64)"
    fi
    if [ -z "${RELEASE_COOKIE:-}" ]; then
      for reltui_place in "$reltui_given" "$reltui_slug/tmp" "${HOME:+$HOME/.cache/$reltui_app}" \
        "${TMPDIR:-/tmp}/$reltui_app-$(id -u)" "${HOME:-}"; do
        if [ -z "$reltui_place" ] || ! (umask 077 && mkdir -p "$reltui_place") 2>/dev/null; then
          continue
        fi
        # Another user's folder is used only if the platform has named it.
        case $reltui_place in
          "$reltui_given" | "${HOME:-}") ;;
          *) reltui_is_ours "$reltui_place" || continue ;;
        esac
        reltui_file="$reltui_place/.$reltui_app.cookie"
        if [ ! -e "$reltui_file" ]; then
          # Written to another file and linked into place, so that one of two first starts wins.
          # Starts in two containers may have the same process id, so the name is random.
          reltui_aside="$reltui_file.$(head -c 8 /dev/urandom | sha256sum | cut -c 1-16)"
          (umask 077 && head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >"$reltui_aside" &&
            ln "$reltui_aside" "$reltui_file") 2>/dev/null || true
          rm -f "$reltui_aside" 2>/dev/null || true
        fi
        if [ -s "$reltui_file" ] && reltui_is_ours "$reltui_file"; then
          RELEASE_COOKIE="$(cat "$reltui_file")"
          break
        fi
      done
    fi
    if [ -z "${RELEASE_COOKIE:-}" ]; then
      echo "ERROR: set RELEASE_COOKIE: there is no place to keep one (RELEASE_TMP, HOME)" >&2
      exit 1
    fi
    unset reltui_slug reltui_app reltui_given reltui_tmp reltui_place reltui_file reltui_aside
    unset -f reltui_is_ours
    # -----------------------------------------------------------------------------------------------

    """#
}
