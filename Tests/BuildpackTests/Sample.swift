import Glibc
import Posix
import TestSupport
import Testing

/// A typical project of a user, from Tests/Fixtures/projects.
struct Sample: Sendable, CustomTestStringConvertible {
  var name: String
  var project: String
  var language = "Elixir"
  var config: [String: String] = [:]
  /// A file whose `one` is `two` after a change of one line.
  var constant: String
  /// The answer of the process on its port after that change.
  var answer: String
  /// Its process types; the first one is started.
  var processes: [String]
  /// Config vars that it needs at run time.
  var variables: [String: String] = [:]
  var cache = CacheState.empty
  /// Lines of the build's output that must be there.
  var says: [String] = []
  /// Files of the slug that must be there.
  var holds: [String] = []

  var testDescription: String { name }

  /// The folder of a project, without the shared server.
  static func folder(_ project: String) -> String { Fixtures.path("projects/" + project) }

  /// Copies the project's files. Each of its applications with a callback module gets the server that all projects
  /// share, under its own module name: Tests/Fixtures/server.
  func copy(to source: String) throws {
    try FileTree.copy(Self.folder(project), to: source)
    for entry in try FileTree.entries(of: source) where Files.name(of: entry.path) == "mix.exs" {
      let mix = source + "/" + entry.path
      let text = String(decoding: try Files.read(mix), as: UTF8.self)
      guard let mod = text.firstRange(of: "mod: {") else { continue }
      let module = String(text[mod.upperBound...].prefix { $0 != "." })
      for name in ["application.ex", "listener.ex"] {
        let file = String(decoding: try Files.read(Fixtures.path("server/" + name)), as: UTF8.self)
        let target = "\(Files.parent(of: mix))/lib/\(module.lowercased())/\(name)"
        try Files.makeFolder(Files.parent(of: target), mode: 0o755)
        try File.open(target, .create, mode: 0o644).write(file.replacing("Sample", with: module))
      }
    }
  }

  /// The content of CACHE_DIR before the first build.
  enum CacheState: Sendable {
    case missing, empty
    /// Files of another program, or of another version of this one.
    case garbage
    /// Files that an attacker has put there.
    case hostile

    func prepare(_ path: String) throws {
      if self == .missing { return }
      try Files.makeFolder(path + "/other/buildpack", mode: 0o755)
      if self == .empty { return }
      let ours = path + "/reltui"
      for name in ["hex", "mix", "rebar3", "build", "deps", "v0"] {
        try Files.makeFolder("\(ours)/\(name)", mode: 0o755)
        try File.open("\(ours)/\(name)/format", .create).write("format 99\n{]")
      }
      if self == .garbage { return }
      try Files.symbolicLink(to: "/etc", at: ours + "/etc")
      try Files.symbolicLink(to: "nothing", at: ours + "/build/nothing")
      try Files.symbolicLink(to: "..", at: ours + "/build/up")
      guard mkfifo(ours + "/pipe", 0o644) == 0, mkfifo(ours + "/build/pipe", 0o644) == 0 else {
        throw PosixError("make", ours + "/pipe", Errno(rawValue: errno))
      }
    }
  }

  /// Makes the repository that the project depends on.
  func prepare(_ folder: TemporaryFolder) throws {
    if project == "cellar" { try Remote.make(in: folder) }
  }

  /// Writes the repository's address and commit into the source.
  func complete(_ source: String, _ folder: TemporaryFolder) throws {
    guard project == "cellar" else { return }
    let commit = String(decoding: try Files.read(folder.path + "/commit"), as: UTF8.self)
    for name in ["mix.exs", "mix.lock"] {
      let text = String(decoding: try Files.read(source + "/" + name), as: UTF8.self)
      try rewrite(
        source + "/" + name,
        text.replacing("REMOTE", with: Remote.url(in: folder)).replacing("COMMIT", with: commit))
    }
  }

  /// The change of one line.
  func change(_ source: String) throws {
    let path = source + "/" + constant
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    // The name of a module may hold the word too.
    let old = text.contains(" one") ? " one" : "\"one"
    try rewrite(path, text.replacing(old, with: old.replacing("one", with: "two")))
  }

  static let all = [
    Sample(
      name: "pebble", project: "pebble", language: "Erlang", constant: "src/pebble_app.erl",
      answer: "pebble two", processes: ["web"], says: ["       web: bin/pebble foreground"]),
    Sample(
      name: "sprout", project: "sprout", constant: "lib/sprout.ex", answer: "sprout two, peat",
      processes: ["web"], variables: ["SOIL": "peat"], cache: .missing,
      says: ["       web: bin/sprout start"]),
    Sample(
      name: "orchard: all", project: "orchard", config: ["RELEASE_NAME": "all\n"],
      constant: "lib/orchard.ex", answer: "orchard two, apple", processes: ["apple", "pear"],
      cache: .hostile,
      holds: ["rel/apple/bin/apple", "rel/pear/bin/pear", "bin/apple", "bin/pear"]),
    Sample(
      name: "grove", project: "grove", constant: "apps/roots/lib/roots.ex",
      answer: "canopy over roots two, 3 deep", processes: ["web"], cache: .garbage,
      holds: ["lib/roots-0.1.0/priv/repo/migrations/20240301090000_add_depth.exs"]),
    Sample(
      name: "burrow", project: "burrow", config: ["RELPACK_BOOT_CHECK": "fail"],
      constant: "libs/shared/lib/shared.ex",
      answer: "burrow one, shared two, dig, as a server", processes: ["web"],
      variables: ["BURROW_KEY": "x"], says: ["       web: bin/server"],
      holds: ["bin/migrate", "share/motto.txt"]),
    Sample(
      name: "cellar", project: "cellar", constant: "deps/stone/lib/stone.ex",
      answer: "cellar one, stone two, moss one", processes: ["web"],
      says: ["-----> Fetching dependencies"]),
    Sample(
      name: "anvil", project: "anvil", constant: "lib/anvil.ex",
      answer: "anvil two, struck 42 times", processes: ["web"],
      holds: ["lib/anvil-0.1.0/priv/anvil.so"]),
    Sample(
      name: "lantern", project: "lantern", constant: "assets/js/app.js",
      answer: "lantern one, app-c5341bc2eab7128fd91cfe808ce3181b.js: light(\"two\");",
      processes: ["web"], says: ["-----> Building assets", "       web: bin/server"]),
    Sample(
      name: "kiosk", project: "kiosk", constant: "assets/page.txt",
      answer: "kiosk one, built by a hook, page two", processes: ["web", "worker"],
      says: ["       compiled for prod", "-----> Building assets"]),
  ]
}

/// The git repository of a dependency.
enum Remote {
  static func url(in folder: TemporaryFolder) -> String { "file://\(folder.path)/remote.git" }

  static func make(in folder: TemporaryFolder) throws {
    let script = """
      set -e; cd "$0"; cp -R "$1" work; git init -q --bare remote.git
      git -C remote.git symbolic-ref HEAD refs/heads/main
      cd work; git init -q; git checkout -q -b main; git add .
      git -c user.name=x -c user.email=x@localhost commit -q -m moss
      git push -q ../remote.git main; git rev-parse HEAD | tr -d '\\n' > ../commit
      """
    let result = try Invocation(
      ["sh", "-c", script, folder.path, Fixtures.path("projects/moss")],
      environment: ["PATH": Invocation.standardPath, "HOME": folder.path]
    ).run(limit: 30_000)
    if !result.isSuccess { throw BuildHost.Failed(output: result.text) }
  }
}

func rewrite(_ path: String, _ text: String) throws {
  try File.open(path, .replace).write(text)
}

func replace(in path: String, _ old: String, _ new: String) throws {
  let text = String(decoding: try Files.read(path), as: UTF8.self)
  guard text.contains(old) else { throw BuildHost.Failed(output: "\(path) has no '\(old)'") }
  try rewrite(path, text.replacing(old, with: new))
}
