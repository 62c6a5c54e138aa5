import Events
import Posix

/// Unpacked tools in a folder that is kept between builds. Its path may differ from build to build.
///
/// A tree gets its name when it is complete and has run; a marker file in it holds its checksum and sizes. Builds may
/// run side by side: a named tree is never changed, and the lock only keeps two builds from fetching the same tools.
struct ToolchainStore {
  struct Tree: Hashable {
    var kind: Kind
    var version: ToolVersion
    /// For Elixir, the OTP with which it was compiled.
    var otp: Int?
    var path: String
    var sum: String

    var programs: String { path + "/bin" }
    /// Does not depend on the path of the cache.
    var identity: String { "\(kind.rawValue) \(version) \(sum.prefix(16))" }
  }

  enum Kind: String { case otp, elixir }

  let folder: String
  /// Part of the tree's name, since one version may differ between two sources.
  let source: ToolchainSource

  private static let marker = ".reltui-toolchain"
  private static let format = 1
  /// Milliseconds to wait for another build that is fetching.
  private static let patience: Int64 = 120_000
  private static let mostTrees = 4

  /// The trees that have a marker, the newest version first. Their files are not checked.
  func trees(_ kind: Kind, for platform: ToolchainPlatform?) -> [Tree] {
    let end = "-" + key(platform)
    let names = (try? Files.list(folder, skippingOthers: true)) ?? []
    return names.compactMap { name -> Tree? in
      guard name.hasPrefix(kind.rawValue + "-"), name.hasSuffix(end) else { return nil }
      let middle = name.dropFirst(kind.rawValue.count + 1).dropLast(end.count)
      return tree(kind, String(middle), at: folder + "/" + name)
    }.sorted { $0.version > $1.version }
  }

  private func tree(_ kind: Kind, _ name: String, at path: String) -> Tree? {
    guard let facts = Self.marker(path), let sum = facts["sha256"] else { return nil }
    var (version, otp) = (name, Int?.none)
    if let mark = name.firstRange(of: "-otp-") {
      version = String(name[..<mark.lowerBound])
      otp = Int(name[mark.upperBound...])
    }
    guard let version = ToolVersion(version), kind == .otp || otp != nil else { return nil }
    return Tree(kind: kind, version: version, otp: otp, path: path, sum: sum)
  }

  private static func marker(_ path: String) -> [String: String]? {
    guard let bytes = try? Files.read(path + "/" + marker, limit: 4096) else { return nil }
    var facts: [String: String] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1)
      if words.count == 2 { facts[String(words[0])] = String(words[1]) }
    }
    return facts["format"] == String(format) ? facts : nil
  }

  /// Whether a tree is complete, by the number and size of its files.
  func isWhole(_ tree: Tree) -> Bool {
    guard let facts = Self.marker(tree.path), let size = try? Self.size(tree.path) else {
      return false
    }
    return facts["files"] == String(size.files) && facts["bytes"] == String(size.bytes)
  }

  private static func size(_ path: String) throws(PosixError) -> (files: Int, bytes: Int) {
    var size = (files: 0, bytes: 0)
    for entry in try FileTree.entries(of: path, skipping: { $0 == marker })
    where entry.info.kind != .folder {
      size.files += 1
      size.bytes += entry.info.size
    }
    return size
  }

  /// Sixteen hexadecimal digits that identify the source and the platform of trees.
  private func key(_ platform: ToolchainPlatform?) -> String {
    let text = "\(source.base)\n\(platform?.path ?? "")"
    return Hex.encode(SHA256.digest(Array(text.utf8)).prefix(8))
  }

  /// Takes the lock for fetching into the folder. Nil if that is not possible in time; fetching without it is safe.
  func lock(_ interrupts: Signals?, waiting: () -> Void) throws(Cause) -> Lock? {
    let end = Clock.monotonic() + Self.patience
    var hasTold = false
    while Clock.monotonic() < end {
      do throws(PosixError) {
        if let lock = try Lock.take(folder + "/lock") { return lock }
      } catch { return nil }
      if !hasTold { waiting() }
      hasTold = true
      let descriptors = [interrupts?.file.descriptor].compactMap { $0 }
      _ = try? Poll.wait(descriptors, milliseconds: 200)
      if let signal = interrupts?.next() { throw Cause(interruptedBy: signal) }
    }
    return nil
  }

  func makeWorkFolder() throws(PosixError) -> String {
    let path = folder + "/new-" + Random.hex(6)
    try Files.makeFolder(path, mode: 0o755)
    return path
  }

  func adopt(
    _ path: String, _ kind: Kind, _ version: ToolVersion, otp: Int?, sum: String,
    for platform: ToolchainPlatform?
  ) throws(PosixError) -> Tree {
    let size = try Self.size(path)
    let facts = [
      "format \(Self.format)", "sha256 \(sum)", "files \(size.files)", "bytes \(size.bytes)",
    ]
    let text = facts.map { $0 + "\n" }.joined()
    try Files.replace(path + "/" + Self.marker, with: Array(text.utf8), mode: 0o644)
    let variant = otp.map { "-otp-\($0)" } ?? ""
    let target = "\(folder)/\(kind.rawValue)-\(version)\(variant)-\(key(platform))"
    let tree = Tree(kind: kind, version: version, otp: otp, path: target, sum: sum)
    do throws(PosixError) { try Files.rename(path, to: target) } catch {
      // Another build was faster, or a damaged tree has the name.
      guard [.notEmpty, .exists, .notADirectory].contains(error.errno) else { throw error }
      if isWhole(tree), Self.marker(target)?["sha256"] == sum { return tree }
      try discard(target)
      try Files.rename(path, to: target)
    }
    return tree
  }

  /// Removes a tree. It loses its name in one step, so that no build uses half of it.
  func discard(_ path: String) throws(PosixError) {
    let old = folder + "/new-" + Random.hex(6)
    try Files.rename(path, to: old)
    try? Files.remove(old)
  }

  /// Removes folders of killed builds, and the trees that were fetched longest ago. The caller holds the lock.
  func tidy(keeping kept: [Tree]) {
    let names = (try? Files.list(folder, skippingOthers: true)) ?? []
    let hour: Int64 = 3_600_000_000_000
    for name in names where name.hasPrefix("new-") {
      let age = Clock.now() * 1_000_000 - (Files.modified(folder + "/" + name) ?? 0)
      if age > hour { try? Files.remove(folder + "/" + name) }
    }
    let used = Set(kept.map { Files.name(of: $0.path) })
    for kind in [Kind.otp, .elixir] {
      let trees = names.filter { $0.hasPrefix(kind.rawValue + "-") && !used.contains($0) }
        .sorted { fetched($0) > fetched($1) }
      for name in trees.dropFirst(Self.mostTrees - 1) { try? discard(folder + "/" + name) }
    }
  }

  private func fetched(_ name: String) -> Int64 {
    Files.modified("\(folder)/\(name)/\(Self.marker)") ?? 0
  }
}
