import Posix
import TestSupport

/// A slug that starts in milliseconds: the files of an OTP release, with process types that serve a page by busybox.
///
/// `web` and `worker` answer with one line: app, release, run and the config var, and have a second process. A `worker` takes a lock, so that a second
/// copy of the same instance is noticed; a release phase writes its name down.
struct TortureSlug {
  enum Kind: CaseIterable {
    case fast
    /// Takes half a second to start. Its instances are replaced one at a time.
    case slow
    /// Its `web` ends at once.
    case broken
    /// Its `web` ends soon after it was ready.
    case fragile
    /// The sample application, a BEAM.
    case greeter
  }

  static let apps = ["alpha", "beta"]
  /// The app that runs the sample application, in the long form only.
  static let greeter = "greeter"
  static let variable = "TORTURE_VALUE"

  let kind: Kind
  let notes: Notes

  /// Writes the slug's tree, or builds it.
  /// - Returns: its path.
  func make(in folder: TemporaryFolder) throws -> String {
    kind == .greeter ? try SampleRelease.tree.get() : try write(in: folder)
  }

  private func write(in folder: TemporaryFolder) throws -> String {
    let tree = "\(kind)-slug"
    try FileTree.copy(Fixtures.path("releases/mix"), to: "\(folder.path)/\(tree)")
    try folder.write("\(tree)/releases/0.1.0/env.sh", "")
    try folder.write("\(tree)/bin/demo_mix", "#!/bin/sh\nexit 1\n", mode: 0o755)
    try folder.write("\(tree)/app.json", appJSON)
    try folder.write("\(tree)/serve", serve)
    try folder.write("\(tree)/work", work)
    let web = kind == .broken ? "sleep 0.1; exit 3" : "sh serve"
    try folder.write("\(tree)/Procfile", "web: \(web)\nworker: sh work\nrelease: \(phase)\n")
    return "\(folder.path)/\(tree)"
  }

  private var appJSON: String {
    """
    {"environments": {"review": {"scripts": {"postdeploy": "sleep 0.05", "pr-predestroy": "sleep 0.05"}}},
     "reltui": {"observe": 1\(kind == .slow ? #", "batch": 1"# : "")},
     "formation": {"web": {"quantity": 1}, "worker": {"quantity": 1}},
     "healthchecks": {"web": [{"path": "/"}], "worker": [{"path": "/"}]}}
    """
  }

  private var serve: String {
    """
    mkdir -p "$HOME/www"
    echo "$RELTUI_APP $RELTUI_RELEASE $RELTUI_RUN ${\(Self.variable):--}" > "$HOME/www/index.html"
    \(kind == .slow ? "sleep 0.5" : "")
    sleep 600 &
    \(kind == .fragile ? "(sleep 0.7; kill -9 $$) &" : "")
    exec busybox httpd -f -p "127.0.0.1:$PORT" -h "$HOME/www"
    """
  }

  private var work: String {
    """
    exec 9> "\(notes.folder)/$RELTUI_APP-$RELTUI_INSTANCE.lock"
    flock -n 9 || echo "$RELTUI_APP $RELTUI_INSTANCE" >> "\(notes.twice)"
    . ./serve
    """
  }

  private var phase: String {
    #"sleep 0.1; echo "$RELTUI_APP $RELTUI_RELEASE" >> "\#(notes.phases)""#
  }

  /// Files outside of the home in which the slugs write.
  struct Notes {
    let folder: String
    var phases: String { folder + "/phases" }
    var twice: String { folder + "/twice" }

    func lines(_ file: String) throws -> [String] {
      String(decoding: try Files.readIfThere(file) ?? [], as: UTF8.self)
        .split(separator: "\n").map(String.init)
    }
  }
}
