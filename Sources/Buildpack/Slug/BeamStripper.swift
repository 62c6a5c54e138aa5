import Events
import Posix
import ReleaseModel

/// A virtual machine that reads all compiled modules of a tree. It strips their debug information if that is wanted, and
/// unpacks their content so that it can be searched. It runs beside the build from `begin` to `end`.
public final class BeamStripper {
  public struct Result: Hashable, Sendable {
    public struct Module: Hashable, Sendable {
      public var file: String
      public var bytes: [UInt8]
    }

    /// All modules except the toolchain's, in the order of the tree.
    public var modules: [Module]
    public var debugInfo: Manifest.DebugInfo
  }

  /// Milliseconds; 10,000 modules take some seconds.
  private static let limit: Int64 = 300_000

  private let folder: String
  private let child: Child
  private let isStripping: Bool
  private var hasEnded = false

  private init(folder: String, child: Child, isStripping: Bool) {
    (self.folder, self.child, self.isStripping) = (folder, child, isStripping)
  }

  deinit {
    if !hasEnded { kill() }
    try? Files.remove(folder)
  }

  /// Starts the virtual machine.
  /// - Parameters:
  ///   - tree: absolute. Its modules must not change until the end.
  ///   - folder: for the files that are exchanged with the machine; it is removed with this value.
  ///   - toolchain: names of applications that come with Erlang and Elixir.
  ///   - isStripping: whether debug information is removed from all modules.
  ///   - environment: the build's environment; its PATH has `erl`.
  public static func begin(
    _ tree: String, in folder: String, toolchain: Set<String>, isStripping: Bool,
    environment: [String: String]
  ) throws(PosixError) -> BeamStripper {
    try Files.makeFolder(folder)
    var list: [UInt8] = []
    for path in try modules(in: tree) {
      let isOwn = application(of: path).map { !toolchain.contains($0) } ?? true
      let work = (isStripping ? 1 : 0) | (isOwn ? 2 : 0)
      // A digit whose lowest bits are the work, then the name, then a zero byte.
      if work > 0 { list += [UInt8(ascii: "0") + UInt8(work)] + Array(path.utf8) + [0] }
    }
    try File.open(folder + "/list", .create).write(list)
    let log = try File.open(folder + "/log", .create)
    // Flags in ERL_… variables are for the app's own virtual machines.
    let variables = environment.filter { !$0.key.hasPrefix("ERL_") }
    let words = [
      "erl", "-boot", "no_dot_erlang", "-noinput", "-eval", BeamScript.text, "-extra", folder,
    ]
    let child = try Child.start(
      Invocation(words, in: tree, environment: variables), output: .file(log),
      errors: .file(log), newSession: true)
    return BeamStripper(folder: folder, child: child, isStripping: isStripping)
  }

  private static func modules(in tree: String) throws(PosixError) -> [String] {
    try FileTree.entries(of: tree).filter { $0.info.kind == .file && $0.path.hasSuffix(".beam") }
      .map(\.path)
  }

  /// The name in `[…/]lib/NAME-VSN/ebin/MODULE.beam`; nil for a module elsewhere.
  static func application(of path: String) -> String? {
    let parts = path.split(separator: "/")
    guard let lib = parts.firstIndex(of: "lib"), parts.count == lib + 4, parts[lib + 2] == "ebin",
      let dash = parts[lib + 1].lastIndex(of: "-")
    else { return nil }
    return String(parts[lib + 1][..<dash])
  }

  /// Waits until the machine has ended.
  /// - Returns: nil if a signal has ended it.
  public func end(interrupts: Signals? = nil) throws(Cause) -> Result? {
    let exit = try Cause.explaining(wait(interrupts))
    guard let exit else { return nil }
    guard exit == .code(0) else { throw failure("it ended with \(exit)") }
    let bytes = try Cause.explaining(File.open(folder + "/modules", .read).readWhole())
    return try result(bytes)
  }

  private func wait(_ interrupts: Signals?) throws(PosixError) -> Exit? {
    let end = Clock.monotonic() + Self.limit
    let watch = ProcessIdentity(of: child.pid)?.endWatch()
    while true {
      if let exit = child.exitIfEnded() {
        hasEnded = true
        return exit
      }
      let isOver = Clock.monotonic() > end
      if isOver || interrupts?.next() != nil {
        kill()
        return isOver ? .signal(.kill) : nil
      }
      _ = try Poll.wait(
        [watch?.descriptor, interrupts?.file.descriptor].compactMap { $0 }, milliseconds: 250)
    }
  }

  private func kill() {
    child.signal(.kill)
    _ = child.wait()
    hasEnded = true
  }

  /// The evidence is the machine's own output.
  private func failure(_ reason: String) -> Cause {
    let said = (try? Files.read(folder + "/log", limit: 1 << 20)) ?? []
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n")
    return Cause(
      .slugContent, "the compiled modules cannot be read: \(reason)",
      remedy: "Build the release again.",
      evidence: lines.prefix(3).map {
        Cause.Evidence(kind: "log", place: "erl", text: String($0.prefix(256)))
      })
  }

  /// Parses the machine's file: pairs of a name and bytes, each after its length in four bytes. The last pair has an
  /// empty name and two counts: modules with plain and with encrypted debug information.
  private func result(_ bytes: [UInt8]) throws(Cause) -> Result {
    var modules: [Result.Module] = []
    var place = 0
    func next() -> ArraySlice<UInt8>? {
      guard bytes.count - place >= 4 else { return nil }
      let length = bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
      guard bytes.count - place - 4 >= length else { return nil }
      defer { place += 4 + length }
      return bytes[(place + 4)..<(place + 4 + length)]
    }
    while let name = next(), let content = next() {
      if !name.isEmpty {
        modules.append(
          Result.Module(file: String(decoding: name, as: UTF8.self), bytes: Array(content)))
        continue
      }
      let counts = String(decoding: content, as: UTF8.self).split(separator: " ").compactMap {
        Int($0)
      }
      guard counts.count == 2 else { break }
      let info: Manifest.DebugInfo =
        counts[1] > 0 ? .encrypted : counts[0] > 0 ? .kept : .stripped
      return Result(modules: modules, debugInfo: info)
    }
    throw failure("its report has no end")
  }
}
