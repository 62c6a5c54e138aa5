/// The folder in which one build works: a copy of the source, and everything that is built from it.
struct WorkFolder: Hashable, Sendable {
  /// Absolute.
  let root: String

  /// The names that a build uses in it.
  static let names: Set<String> = ["app", "build", "rel", "tmp", "home", "modules"]

  var source: String { root + "/app" }
  /// The folder for compiled code. mix puts programs that it fetches (esbuild, tailwind) beside it.
  var build: String { root + "/build" }
  /// The folder for releases. rebar3 makes a folder with the release's name in it.
  var releases: String { root + "/rel" }
  var slug: String { releases + "/slug" }
  /// TMPDIR of the tools, which builds must not share.
  var temporary: String { root + "/tmp" }
  var home: String { root + "/home" }
  /// The files that `BeamStripper` exchanges with its virtual machine.
  var modules: String { root + "/modules" }
}
