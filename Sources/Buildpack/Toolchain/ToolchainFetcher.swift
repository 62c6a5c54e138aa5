import Events
import Posix

/// The choice of prebuilt tools by the requirements, the image's tools and the lists of builds, and their download.
struct ToolchainFetcher {
  let request: Toolchain.Request
  let image: InstalledTools
  let store: ToolchainStore

  private typealias Entry = BuildList.Entry
  private static let greatestList = 8 << 20
  private static let greatestErlang = 512 << 20
  private static let greatestElixir = 64 << 20

  var config: BuildConfig { request.config }

  private var imageErlang: InstalledTools.Tool? {
    image.erlang.flatMap { config.erlang?.matches($0.version) ?? true ? $0 : nil }
  }

  func resolve(say: (String) -> Void) throws(Cause) -> Toolchain {
    if let toolchain = try cached() { return toolchain }
    let lock = try store.lock(request.interrupts) {
      say("Waiting for another build that fetches tools")
    }
    defer { withExtendedLifetime(lock) {} }
    // The other build may have fetched these tools.
    if let toolchain = try cached() { return toolchain }
    let toolchain = try fetched(say)
    if lock != nil { store.tidy(keeping: toolchain.trees) }
    return make(toolchain, isCached: false)
  }

  enum Erlang {
    case image(InstalledTools.Tool)
    case tree(ToolchainStore.Tree)
  }

  struct Pair {
    var erlang: Erlang
    var elixir: ToolchainStore.Tree?

    var trees: [ToolchainStore.Tree] {
      guard case .tree(let tree) = erlang else { return [elixir].compactMap { $0 } }
      return [tree] + [elixir].compactMap { $0 }
    }
  }

  // MARK: the cache

  private func cached() throws(Cause) -> Toolchain? {
    for pair in try cachedPairs() {
      // A damaged tree is not used, and is replaced when it is fetched again.
      if pair.trees.allSatisfy(store.isWhole) { return make(pair, isCached: true) }
    }
    return nil
  }

  private func cachedPairs() throws(Cause) -> [Pair] {
    let elixirs = store.trees(.elixir, for: nil).filter { fits($0, config.elixir) }
    if let imageErlang, request.needsElixir {
      let own = elixirs.filter { $0.otp == imageErlang.version.major }
      if !own.isEmpty || config.erlang != nil {
        return own.map { Pair(erlang: .image(imageErlang), elixir: $0) }
      }
    }
    let erlangs = store.trees(.otp, for: try platform()).filter { fits($0, config.erlang) }
    if !request.needsElixir { return erlangs.map { Pair(erlang: .tree($0)) } }
    return elixirs.flatMap { elixir in
      erlangs.filter { $0.version.major == elixir.otp }
        .map { Pair(erlang: .tree($0), elixir: elixir) }
    }
  }

  private func fits(_ tree: ToolchainStore.Tree, _ required: VersionRequirement?) -> Bool {
    required?.matches(tree.version) ?? (tree.version.candidate == nil)
  }

  // MARK: the lists of builds

  private func fetched(_ say: (String) -> Void) throws(Cause) -> Pair {
    if !request.needsElixir {
      let list = try list(.otp)
      guard let entry = list.candidates(config.erlang).first else {
        throw missing("Erlang/OTP", config.erlang, in: list, image.erlang)
      }
      return Pair(erlang: .tree(try erlang(entry, say)))
    }
    let elixirs = try list(.elixir)
    let offered = elixirs.candidates(config.elixir)
    if offered.isEmpty { throw missing("Elixir", config.elixir, in: elixirs, image.elixir) }
    if let imageErlang {
      if let entry = offered.first(where: { $0.otp == imageErlang.version.major }) {
        let programs = imageErlang.root + "/bin"
        return Pair(
          erlang: .image(imageErlang), elixir: try elixir(entry, erlang: programs, say))
      }
      if config.erlang != nil { throw unfit(offered, major: imageErlang.version.major) }
    }
    let (chosen, erlang) = try choose(offered)
    let tree = try self.erlang(erlang, say)
    return Pair(erlang: .tree(tree), elixir: try elixir(chosen, erlang: tree.programs, say))
  }

  /// The newest Elixir for the required Erlang. Without a requirement, the newest Elixir and the newest Erlang for it.
  private func choose(_ elixirs: [Entry]) throws(Cause) -> (elixir: Entry, erlang: Entry) {
    let list = try list(.otp)
    let erlangs = list.candidates(config.erlang)
    guard let newest = erlangs.first else {
      throw missing("Erlang/OTP", config.erlang, in: list, image.erlang)
    }
    let ordered = elixirs.sorted { ($0.version, $0.otp ?? 0) > ($1.version, $1.otp ?? 0) }
    for elixir in ordered {
      if let erlang = erlangs.first(where: { $0.version.major == elixir.otp }) {
        return (elixir, erlang)
      }
    }
    throw unfit(elixirs, major: newest.version.major)
  }

  // MARK: fetching

  private func platform() throws(Cause) -> ToolchainPlatform {
    try ToolchainPlatform(
      stack: request.environment["STACK"],
      release: try? Files.read("/etc/os-release", limit: 65_536))
  }

  private var download: Download {
    Download(
      source: store.source, environment: request.environment, interrupts: request.interrupts)
  }

  private func list(_ kind: BuildList.Kind) throws(Cause) -> BuildList {
    let path = kind == .otp ? try platform().path : "elixir"
    let work = try workFolder()
    defer { try? Files.remove(work) }
    let file = work + "/builds.txt"
    _ = try download.fetch(
      path + "/builds.txt", to: file, limit: Self.greatestList, seconds: 60)
    return BuildList(
      try Cause.explaining(Files.read(file, limit: 2 * Self.greatestList)), of: kind)
  }

  private func erlang(_ entry: Entry, _ say: (String) -> Void) throws(Cause) -> ToolchainStore.Tree
  {
    let platform = try platform()
    let there = store.trees(.otp, for: platform).first { $0.version == entry.version }
    if let there, store.isWhole(there) { return there }
    return try fetch(
      "\(platform.path)/\(entry.name).tar.gz", entry, .otp, for: platform,
      limit: Self.greatestErlang, say
    ) { (archive) throws(Cause) in try archive.installErlang(entry.version) }
  }

  /// - Parameter erlang: the folder with the programs of the Erlang for this Elixir.
  private func elixir(_ entry: Entry, erlang: String, _ say: (String) -> Void) throws(Cause)
    -> ToolchainStore.Tree
  {
    let there = store.trees(.elixir, for: nil)
      .first { $0.version == entry.version && $0.otp == entry.otp }
    if let there, store.isWhole(there) { return there }
    return try fetch(
      "elixir/\(entry.name).zip", entry, .elixir, for: nil, limit: Self.greatestElixir, say
    ) { (archive) throws(Cause) in try archive.installElixir(erlang: erlang) }
  }

  private func fetch(
    _ path: String, _ entry: Entry, _ kind: ToolchainStore.Kind, for platform: ToolchainPlatform?,
    limit: Int, _ say: (String) -> Void,
    install: (ToolchainArchive) throws(Cause) -> String
  ) throws(Cause) -> ToolchainStore.Tree {
    guard let sum = entry.sum else {
      throw Cause(
        .checksum,
        "\(entry.name) of \(store.source.name) cannot be verified: its list has no checksum",
        remedy: "Choose a newer version.")
    }
    let work = try workFolder()
    defer { try? Files.remove(work) }
    let file = work + "/" + Files.name(of: path)
    say("Fetching \(store.source.shown(path))")
    let size = try download.fetch(path, to: file, limit: limit, seconds: 600)
    try verify(file, sum, path)
    say("\(Self.megabytes(size)) MB, SHA-256 \(sum.prefix(12))… as listed")
    let archive = ToolchainArchive(
      path: file, folder: work, name: entry.name, interrupts: request.interrupts)
    let tree = try install(archive)
    return try Cause.explaining(
      store.adopt(tree, kind, entry.version, otp: entry.otp, sum: sum, for: platform),
      as: .buildUnwritable)
  }

  private func workFolder() throws(Cause) -> String {
    try Cause.explaining(store.makeWorkFolder(), as: .buildUnwritable)
  }

  private func verify(_ file: String, _ sum: String, _ path: String) throws(Cause) {
    let found = Hex.encode(try Cause.explaining(SHA256.digest(ofFile: file)))
    guard found == sum else {
      throw Cause(
        .checksum,
        "\(store.source.shown(path)) has the SHA-256 \(found), and the list says \(sum)",
        remedy: "Build again. If it happens again, do not use that source.")
    }
  }

  private static func megabytes(_ size: Int) -> String {
    "\(size / 1_000_000).\(size % 1_000_000 / 100_000)"
  }
}
