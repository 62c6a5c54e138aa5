import Posix

/// The time from source to slug, compared with what developers type: `mix deps.get && mix release`.
struct BuildRows {
  let scratch: Scratch

  func show() throws {
    let greeter = try scratch.sample("greeter")
    let tiny = scratch.folder + "/tiny"
    _ = try bare(["mix", "new", tiny, "--app", "tiny", "--sup"], in: scratch.folder)
    let large = try LargeProject.make(in: scratch.folder) { _ = try bare($0, in: $1) }
    for project in [
      Project(name: "a tiny app", source: tiny, same: "< 0.3 s", changed: "–"),
      Project(name: "greeter", source: greeter, same: "< 0.3 s", changed: "≤ 0.7"),
      Project(
        name: "\(LargeProject.dependencies) dependencies", source: large, rounds: 3,
        same: "< 1 s", changed: "≤ 0.2"),
    ] {
      let cold = try showCold(project)
      try showWarm(project, cold: cold)
    }
    try showSize(greeter)
    try showStore(greeter)
  }

  // MARK: - Time

  /// A project to build, and the budgets of building it again.
  private struct Project {
    let name: String
    let source: String
    var rounds = 5
    let same: String
    let changed: String
  }

  /// - Returns: the median milliseconds without the boot check.
  private func showCold(_ project: Project) throws -> Double {
    var (ours, peer, checked): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<project.rounds {
      ours.append(try compile(project.source, cache: newFolder(), bootCheck: "off").milliseconds)
      checked.append(
        try compile(project.source, cache: newFolder(), bootCheck: "fail").milliseconds)
      let copy = try copy(project.source)
      peer.append(
        try Stopwatch.time {
          _ = try bare(["mix", "deps.get"], in: copy)
          _ = try bare(["mix", "release"], in: copy)
        })
    }
    Row.show(
      what: "buildpack, cold, \(project.name)", ours: "\(Int(ours.median)) ms",
      peer: "mix deps.get, release \(Int(peer.median)) ms",
      ratio: (ours.median / peer.median).two, budget: "≤ 1.05")
    Row.show(
      what: "… with the boot check", ours: "\(Int(checked.median)) ms",
      ratio: "+\(Int(checked.median - ours.median))", budget: "one boot")
    return ours.median
  }

  private func showWarm(_ project: Project, cold: Double) throws {
    let cache = newFolder()
    _ = try compile(project.source, cache: cache, bootCheck: "warn")
    var (same, changed): ([Double], [Double]) = ([], [])
    for round in 0..<project.rounds {
      same.append(try compile(project.source, cache: cache, bootCheck: "warn").milliseconds)
      let other = try copy(project.source)
      try change(other, "change \(round)")
      changed.append(try compile(other, cache: cache, bootCheck: "off").milliseconds)
      _ = try compile(project.source, cache: cache, bootCheck: "warn")
    }
    Row.show(
      what: "rebuild, nothing changed, \(project.name)", ours: "\(Int(same.median)) ms",
      budget: project.same)
    Row.show(
      what: "rebuild, one file changed, \(project.name)", ours: "\(Int(changed.median)) ms",
      peer: "cold \(Int(cold)) ms", ratio: (changed.median / cold).two, budget: project.changed)
  }

  /// Adds a function to the first module in `lib`.
  private func change(_ source: String, _ text: String) throws {
    let lib = source + "/lib"
    guard let name = try Files.list(lib).first(where: { $0.hasSuffix(".ex") }) else { return }
    let module = "\ndefmodule Changed do\n  def text, do: \"\(text)\"\nend\n"
    let bytes = try Files.read("\(lib)/\(name)") + Array(module.utf8)
    try Files.replace("\(lib)/\(name)", with: bytes, mode: 0o644)
  }

  private func compile(_ source: String, cache: String, bootCheck: String) throws
    -> (milliseconds: Double, slug: String)
  {
    let copy = try copy(source)
    let variables = newFolder()
    try Files.makeFolder(variables)
    try Files.replace(variables + "/RELPACK_BOOT_CHECK", with: Array(bootCheck.utf8))
    let milliseconds = try Stopwatch.time {
      try scratch.run("relpack", "compile", copy, cache, variables)
    }
    return (milliseconds, copy)
  }

  private func copy(_ source: String) throws -> String {
    let copy = newFolder()
    try FileTree.copy(source, to: copy)
    return copy
  }

  private func newFolder() -> String { "\(scratch.folder)/\(Random.hex(8))" }

  @discardableResult
  private func bare(_ words: [String], in folder: String) throws -> Invocation.Result {
    var environment = scratch.environment
    environment["MIX_ENV"] = "prod"
    let result = try Invocation(words, in: folder, environment: environment).run(limit: 120_000)
    if !result.isSuccess { throw PosixError("run", words.joined(separator: " "), .invalid) }
    return result
  }

  // MARK: - Size

  /// The size of a slug, compared with what a buildpack ships that leaves everything where it was built.
  private func showSize(_ source: String) throws {
    let slug = try compile(source, cache: newFolder(), bootCheck: "off").slug
    let everything = try copy(source)
    _ = try bare(["mix", "release"], in: everything)
    let (ours, peer) = (
      try packed([slug]), try packed([everything, "/usr/lib/erlang", "/usr/lib/elixir"])
    )
    Row.show(
      what: "slug, packed", ours: "\((Double(ours) / 1e6).short) MB",
      peer: "source, _build, Erlang, Elixir \((Double(peer) / 1e6).short) MB",
      ratio: (Double(ours) / Double(peer)).two, budget: "≤ 0.1")
  }

  private func packed(_ folders: [String]) throws -> Int {
    let file = newFolder()
    _ = try bare(["tar", "-czf", file] + folders, in: scratch.folder)
    return try Files.info(file)?.size ?? 0
  }

  /// The disk space of ten slugs of slightly changed source, compared with one.
  private func showStore(_ source: String) throws {
    let scratch = scratch.with(home: "store")
    let home = scratch.environment["RELTUI_HOME"] ?? ""
    var sizes: [Int] = []
    for round in 0..<10 {
      let changed = try copy(source)
      try change(changed, "store \(round)")
      try scratch.run("relctl", "build", changed, "--home", home)
      sizes.append(try used([home + "/objects", home + "/slugs"]))
    }
    let (one, ten) = (Double(sizes.first ?? 1), Double(sizes.last ?? 1))
    Row.show(
      what: "ten slugs of changed source on disk", ours: "\((ten / 1e6).short) MB",
      peer: "one \((one / 1e6).short) MB", ratio: (ten / one).two, budget: "≤ 1.2")
  }

  /// Bytes on the disk, each file once.
  private func used(_ folders: [String]) throws -> Int {
    let result = try bare(["du", "-s", "-c", "--block-size=1"] + folders, in: scratch.folder)
    let total = result.text.split(separator: "\n").last ?? ""
    return total.split(separator: "\t").first.flatMap { Int($0) } ?? 0
  }
}
