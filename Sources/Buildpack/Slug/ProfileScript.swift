import Posix
import ReleaseModel
import SlugStore

/// The slug's own file in `.profile.d`, which a platform reads before it runs a process type or gives somebody a shell.
/// What has to hold without a platform too stands in `env.sh`: `StartSnippet`.
public enum ProfileScript {
  static let name = "reltui"

  /// Adds it. A file of the app's own with that name stays, and ours gets another one.
  public static func add(to slug: String, _ releases: [OTPRelease]) throws(PosixError) {
    let folder = slug + "/.profile.d"
    try Files.makeFolder(folder, mode: 0o755)
    var path = "\(folder)/\(name).sh"
    var number = 2
    while try Files.info(path) != nil {
      path = "\(folder)/\(name)-\(number).sh"
      number += 1
    }
    try File.open(path, .create, mode: 0o644).write(text(releases))
  }

  /// Any POSIX shell reads it, perhaps with `set -e` and `set -u`.
  static func text(_ releases: [OTPRelease]) -> String {
    let folders = ["bin"] + releases.compactMap { $0.folder.map { $0 + "/bin" } }
    let hasRelx = releases.contains { $0.kind == .relx }
    return locale + path(folders.map(ShellWord.quoted)) + (hasRelx ? cookie : "")
  }

  private static let locale = """
    # Written by reltui's buildpack.
    # Text is UTF-8 unless the platform says otherwise.
    if [ -z "${LC_ALL:-}${LC_CTYPE:-}${LANG:-}" ]; then
      export LANG=C.UTF-8
    fi

    """

  /// A file that is read cannot know where it lies, so the slug is looked for where platforms have it.
  private static func path(_ folders: [String]) -> String {
    """

    # PATH: the slug's programs come first.
    for reltui_slug in "${PWD:-.}" "${HOME:-/app}" /app; do
      if [ -f "$reltui_slug/.reltui/manifest.json" ]; then
        for reltui_folder in \(folders.reversed().joined(separator: " ")); do
          if [ -d "$reltui_slug/$reltui_folder" ]; then
            PATH="$reltui_slug/$reltui_folder${PATH:+:$PATH}"
          fi
        done
        export PATH
        break
      fi
    done
    unset reltui_slug reltui_folder

    """
  }

  /// A release of relx finds its cookie in this file, unless its vm.args has one; in argv everybody could read it.
  private static let cookie = #"""

    # ~/.erlang.cookie, where there is none: RELEASE_COOKIE, else made from SECRET_KEY_BASE in a way
    # that does not lead back to it, so that all instances of the app agree.
    if [ -n "${HOME:-}" ] && [ ! -e "$HOME/.erlang.cookie" ] &&
      [ -n "${RELEASE_COOKIE:-}${SECRET_KEY_BASE:-}" ]; then
      # Written aside and linked into place: nobody reads half of it.
      (
        umask 077
        if [ -n "${RELEASE_COOKIE:-}" ]; then
          printf %s "$RELEASE_COOKIE"
        else
          printf 'cookie %s' "$SECRET_KEY_BASE" | sha256sum | cut -c 1-64
        fi >"$HOME/.erlang.cookie.$$" && [ -s "$HOME/.erlang.cookie.$$" ] &&
          ln "$HOME/.erlang.cookie.$$" "$HOME/.erlang.cookie"
      ) 2>/dev/null || true
      rm -f "$HOME/.erlang.cookie.$$" 2>/dev/null || true
    fi

    """#
}
