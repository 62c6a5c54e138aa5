import Posix
import ReleaseModel

/// The buildpack's file in the slug's `.profile.d`. A platform reads it before it runs a process type or a shell. Settings
/// that are also needed without a platform are in `env.sh`: `StartSnippet`.
public enum ProfileScript {
  static let name = "reltui"

  /// Adds the file. If the app has a file of that name, this one gets another name.
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

  /// For any POSIX shell, also with `set -e` and `set -u`.
  static func text(_ releases: [OTPRelease]) -> String {
    let folders = ["bin"] + releases.compactMap { $0.folder.map { $0 + "/bin" } }
    let hasRelx = releases.contains { $0.kind == .relx }
    return OwnLines.file + "\n" + locale + path(folders.map(ShellWord.quoted))
      + (hasRelx ? cookie : "")
  }

  private static let locale = """
    # Text is UTF-8 unless the platform says otherwise.
    if [ -z "${LC_ALL:-}${LC_CTYPE:-}${LANG:-}" ]; then
      export LANG=C.UTF-8
    fi

    """

  /// A shell file that is sourced cannot know its own path, so this looks for the slug where platforms put it.
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

  /// Lines that write ~/.erlang.cookie, from which a release of relx reads its cookie unless its vm.args has one. Every
  /// user of the host could read a cookie in argv.
  private static let cookie = #"""

    # ~/.erlang.cookie, if it is missing: RELEASE_COOKIE, else a hash of SECRET_KEY_BASE, so that all
    # instances of the app have the same cookie.
    if [ -n "${HOME:-}" ] && [ ! -e "$HOME/.erlang.cookie" ] &&
      [ -n "${RELEASE_COOKIE:-}${SECRET_KEY_BASE:-}" ]; then
      # Written to another file and linked into place, so that no process reads half of it.
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
