import Events

/// The sentences about chosen tools, and the causes if no tools fit.
extension ToolchainFetcher {
  func make(_ pair: Pair, isCached: Bool) -> Toolchain {
    let elixir = pair.elixir.map { tool($0, "Elixir", config.elixir, image.elixir, isCached) }
    var identities = pair.trees.map(\.identity)
    let erlang: Toolchain.Tool
    switch pair.erlang {
    case .image(let found):
      erlang = Toolchain.Tool(image: found, "Erlang/OTP", config.erlang)
      identities.insert(found.identity, at: 0)
    case .tree(let tree): erlang = tool(tree, "Erlang/OTP", config.erlang, image.erlang, isCached)
    }
    return Toolchain(
      folders: pair.trees.map(\.programs), erlang: erlang, elixir: elixir,
      identity: identities.joined(separator: "; "))
  }

  private func tool(
    _ tree: ToolchainStore.Tree, _ name: String, _ required: VersionRequirement?,
    _ other: InstalledTools.Tool?, _ isCached: Bool
  ) -> Toolchain.Tool {
    let why =
      required.map { "\($0.place) wants \($0.text)" }
      ?? "the project names no version; .tool-versions can"
    let has = other.map { "; the image has \($0.version)" } ?? ""
    let place = store.source.name
    let origin = isCached ? "the cache, from \(place)" : place
    return Toolchain.Tool(
      version: tree.version,
      reason: "\(name) \(tree.version) from \(origin) (\(why)\(has))", root: tree.path)
  }

  /// The cause if no entry of the list fits.
  func missing(
    _ name: String, _ required: VersionRequirement?, in list: BuildList,
    _ other: InstalledTools.Tool?
  ) -> Cause {
    guard let required else {
      return Cause(.toolchain, "\(store.source.name) has no \(name)\(faults)")
    }
    let nearest = list.nearest(to: required.version).joined(separator: ", ")
    let near = nearest.isEmpty ? "" : "; the nearest are \(nearest)"
    let has = other.map { "; the image has \($0.version)" } ?? ""
    return Cause(
      .toolchain,
      "\(required.place) wants \(name) \(required.text), which \(store.source.name) does not have"
        + near + has + faults,
      remedy: "Choose one of those versions, or build on an image that has this one.")
  }

  /// The cause if no fitting Elixir was compiled for the Erlang.
  func unfit(_ elixirs: [BuildList.Entry], major: Int) -> Cause {
    let majors = Set(elixirs.compactMap(\.otp)).sorted().map(String.init).joined(separator: ", ")
    let what = config.elixir.map { "\($0.place) wants Elixir \($0.text)" } ?? "Elixir"
    let erlang = config.erlang.map { "\($0.place) wants \($0.text)" } ?? "the image has it"
    return Cause(
      .toolchain,
      "\(what), which \(store.source.name) has only for Erlang/OTP \(majors), not for \(major) "
        + "(\(erlang))",
      remedy: "See which go together: hexdocs.pm/elixir/compatibility-and-deprecations.html")
  }

  private var faults: String { image.faults.map { "; " + $0 }.joined() }
}
