import Posix
import ReleaseModel

/// The Erlang and Elixir in a `PATH`. Their versions are read from their files if possible, because starting a virtual
/// machine takes longer than everything else.
public struct InstalledTools: Sendable {
  public struct Tool: Hashable, Sendable {
    public var version: ToolVersion
    /// The folder that holds `bin` and `lib`, links resolved.
    public var root: String
    /// Changes when the tool changes: version, path, and a digest of sizes and times of some of its files.
    public var identity: String
  }

  public var erlang: Tool?
  public var elixir: Tool?
  /// One line for each program in the `PATH` that does not work.
  public var faults: [String] = []

  private let environment: [String: String]
  private let directory: String?
  private static let patience: Int64 = 20_000

  /// - Parameters:
  ///   - environment: with the `PATH`. The other variables are for programs that must be run.
  ///   - directory: the source, in which version managers look for their files.
  public init(environment: [String: String], in directory: String? = nil) {
    (self.environment, self.directory) = (environment, directory)
    if let program = program("erl") {
      erlang = erlangByFiles(program) ?? askErlang(program)
    }
    if let program = program("elixir"), self.program("mix") != nil {
      elixir = elixirByFiles(program) ?? askElixir(program)
    }
  }

  private func program(_ name: String) -> String? {
    try? Invocation([name], environment: environment).program()
  }

  // MARK: by files

  private func erlangByFiles(_ program: String) -> Tool? {
    guard let real = try? Files.resolve(program), let script = Self.script(real) else { return nil }
    let layout = Files.parent(of: Files.parent(of: real))
    // A script that finds its own path is right even if its tree was moved.
    let moves = script.contains("ROOTDIR=\"$(") || script.contains("ROOTDIR=\"$dyn_rootdir\"")
    let written = script.split(separator: "\n").lazy.compactMap(ErlScript.root).first
    return Self.erlang(at: moves ? layout : written ?? layout, script: real)
  }

  /// The OTP in a tree, with the version from its folder `releases`.
  static func erlang(at root: String, script: String) -> Tool? {
    guard let root = try? Files.resolve(root) else { return nil }
    let names = (try? Files.list(root + "/releases", skippingOthers: true)) ?? []
    // "13.1.5 25"
    let words = text(root + "/releases/start_erl.data")?.split { $0.isWhitespace } ?? []
    let current = words.count == 2 ? String(words[1]) : nil
    let majors = names.compactMap { Int($0) }.sorted().map(String.init)
    for major in [current].compactMap({ $0 }) + majors.reversed() where names.contains(major) {
      let file = root + "/releases/" + major + "/OTP_VERSION"
      // The version of a patched OTP ends with two stars.
      guard let line = text(file)?.split(whereSeparator: \.isNewline).first,
        let version = ToolVersion(line.prefix { $0 != "*" && $0 != " " })
      else { continue }
      let emulators = names.isEmpty || words.isEmpty ? [] : ["/erts-\(words[0])/bin/beam.smp"]
      let files = [script, file, root + "/bin/start.boot"] + emulators.map { root + $0 }
      return Tool(
        version: version, root: root, identity: identity("otp", version, root, files: files))
    }
    return nil
  }

  private func elixirByFiles(_ program: String) -> Tool? {
    guard let real = try? Files.resolve(program) else { return nil }
    return Self.elixir(at: Files.parent(of: Files.parent(of: real)))
  }

  static func elixir(at folder: String) -> Tool? {
    guard let root = try? Files.resolve(folder) else { return nil }
    let file = root + "/lib/elixir/ebin/elixir.app"
    guard let bytes = try? Files.read(file, limit: 1 << 20),
      let spec = try? ApplicationSpec(appFile: bytes, name: "elixir", file: file),
      let version = ToolVersion(spec.version)
    else { return nil }
    let files = [
      root + "/bin/elixir", root + "/bin/mix", file, root + "/lib/elixir/ebin/Elixir.System.beam",
      root + "/lib/mix/ebin/mix.app",
    ]
    return Tool(
      version: version, root: root, identity: identity("elixir", version, root, files: files))
  }

  private static func script(_ path: String) -> String? {
    text(path).flatMap { $0.hasPrefix("#!") ? $0 : nil }
  }

  private static func text(_ path: String) -> String? {
    (try? Files.read(path, limit: 65_536)).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func identity(
    _ name: String, _ version: ToolVersion, _ root: String, files: [String]
  ) -> String {
    let facts = files.map { path in
      let size = (try? Files.info(path))?.size ?? -1
      return "\(path) \(size) \(Files.modified(path) ?? 0)"
    }
    let digest = SHA256.digest(Array(facts.joined(separator: "\n").utf8))
    return "\(name) \(version) \(root) \(Hex.encode(digest.prefix(8)))"
  }

  // MARK: by running them

  /// Runs the program, which may be a version manager's shim.
  /// - Parameter tool: finds the tool by the path that the program prints.
  private mutating func ask(_ program: String, _ question: [String], _ tool: (String) -> Tool?)
    -> Tool?
  {
    let answer = run([program] + question)
    if let path = answer.last, path.hasPrefix("/"), let tool = tool(path) { return tool }
    let said = answer.first.map { ": " + $0.prefix(200) } ?? ""
    faults.append("'\(program)' does not print its version\(said)")
    return nil
  }

  private mutating func askErlang(_ program: String) -> Tool? {
    let question = "io:format(\"~ts~n\",[code:root_dir()]),halt()."
    return ask(program, ["-noshell", "-noinput", "-eval", question]) {
      Self.erlang(at: $0, script: program)
    }
  }

  private mutating func askElixir(_ program: String) -> Tool? {
    ask(program, ["-e", "IO.puts(:code.lib_dir(:elixir))"]) { library in
      let isLibrary = library.hasSuffix("/lib/elixir")
      return isLibrary ? Self.elixir(at: String(library.dropLast("/lib/elixir".count))) : nil
    }
  }

  private func run(_ arguments: [String]) -> [String] {
    var environment = environment
    environment["ERL_CRASH_DUMP_SECONDS"] = "0"
    if environment["HOME", default: ""].isEmpty { environment["HOME"] = "/tmp" }
    let invocation = Invocation(arguments, in: directory, environment: environment)
    guard let result = try? invocation.run(limit: Self.patience) else { return [] }
    return result.text.split(whereSeparator: \.isNewline).map(String.init)
  }
}

/// The shell script `bin/erl`, which holds the path of its OTP.
enum ErlScript {
  /// The path in a line like `ROOTDIR=/usr/lib/erlang`, with quotes or without.
  static func root(_ line: some StringProtocol) -> String? {
    let words = line.drop { $0 == " " || $0 == "\t" }
    guard words.hasPrefix("ROOTDIR=") else { return nil }
    let value = String(words.dropFirst("ROOTDIR=".count)).filter { $0 != "\"" && $0 != "\r" }
    return value.hasPrefix("/") ? value : nil
  }

  /// The script, changed to find its own path, so that the tree can be moved.
  /// - Parameter depth: how many folders below the tree's root the script is.
  static func movable(_ script: String, depth: Int) -> String {
    let up = Array(repeating: "..", count: depth).joined(separator: "/")
    let lines = script.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard root(line) != nil else { return String(line) }
      let indent = line.prefix { $0 == " " || $0 == "\t" }
      return indent + "ROOTDIR=\"$(cd \"$(dirname \"$(readlink -f \"$0\")\")/\(up)\" && pwd -P)\""
    }
    return lines.joined(separator: "\n")
  }
}
