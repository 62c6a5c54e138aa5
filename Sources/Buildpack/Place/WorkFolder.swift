/// The folder in which one build works: a copy of the source, and all that is made of it.
struct WorkFolder: Hashable, Sendable {
  /// Absolute.
  let root: String

  /// What a build has there of its own.
  static let names: Set<String> = ["app", "build", "rel", "tmp", "home", "modules"]

  /// The copy of the whole source.
  var source: String { root + "/app" }
  /// What is compiled into. mix puts what it fetches for itself (esbuild, tailwind) beside it.
  var build: String { root + "/build" }
  /// Where rebar3 puts releases, each in a folder of its name.
  var releases: String { root + "/rel" }
  var slug: String { releases + "/slug" }
  /// TMPDIR of the tools: several builds, perhaps of several users, must not meet in a shared one.
  var temporary: String { root + "/tmp" }
  var home: String { root + "/home" }
  /// What passes between us and the virtual machine that reads modules.
  var modules: String { root + "/modules" }
}
