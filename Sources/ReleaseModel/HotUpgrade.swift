/// An assessment of whether OTP's release handling could upgrade a running node from one OTP release to another.
/// Nothing here upgrades a node; it only lists what would be missing.
///
/// Sources: "Release Handling" and "Upgrade when Erlang/OTP has Changed" in OTP's design and system principles;
/// systools(3), `make_relup`; release_handler(3).
public struct HotUpgrade: Hashable, Encodable, Sendable {
  public enum Verdict: String, Codable, Sendable {
    /// Everything that a `relup` is made of is there.
    case possible
    /// The upgrade would begin with a restart of the emulator, so it has no advantage.
    case restart
    case impossible
  }

  public enum Obstacle: Hashable, Sendable {
    case target
    case renamed
    /// A node can have each version of a release only once.
    case sameVersion(String)
    case noHandler
    /// These applications differ but keep their version, so the upgrade would not load them.
    case sameApplicationVersions([String])
    case noUpgradeFiles([String])
    case emulator(from: String, to: String)
    /// A new version of these applications needs a new emulator.
    case coreApplications([String])
  }

  public var verdict: Verdict
  /// The obstacles; those that make the upgrade impossible come first.
  public var obstacles: [Obstacle]

  /// Applications that are never changed in a running emulator.
  static let core = ["kernel", "stdlib", "sasl"]

  init(
    _ diff: OTPReleaseDiff, from old: OTPRelease, to new: OTPRelease, _ oldSlug: Manifest,
    _ newSlug: Manifest
  ) {
    var obstacles: [Obstacle] = []
    if (oldSlug.target.os, oldSlug.target.arch) != (newSlug.target.os, newSlug.target.arch) {
      obstacles.append(.target)
    }
    if old.name != new.name { obstacles.append(.renamed) }
    if old.version == new.version { obstacles.append(.sameVersion(new.version)) }
    if !old.applications.contains(where: { $0.name == "sasl" && $0.order != nil }) {
      obstacles.append(.noHandler)
    }
    let same = diff.changed.filter { $0.from == $0.to }.map(\.name)
    if !same.isEmpty { obstacles.append(.sameApplicationVersions(same)) }
    let files = Set(newSlug.files.map(\.path))
    let root = new.folder.map { $0 + "/" } ?? ""
    let without = diff.changed.filter { $0.from != $0.to && !Self.core.contains($0.name) }.filter {
      !files.contains("\(root)lib/\($0.name)-\($0.to)/ebin/\($0.name).appup")
    }.map(\.name)
    if !without.isEmpty { obstacles.append(.noUpgradeFiles(without)) }
    let isImpossible = !obstacles.isEmpty
    if old.ertsVersion != new.ertsVersion {
      obstacles.append(.emulator(from: old.ertsVersion, to: new.ertsVersion))
    }
    let core = diff.changed.filter { $0.from != $0.to && Self.core.contains($0.name) }.map(\.name)
    if !core.isEmpty { obstacles.append(.coreApplications(core)) }
    self.obstacles = obstacles
    verdict = isImpossible ? .impossible : obstacles.isEmpty ? .possible : .restart
  }
}

extension HotUpgrade.Obstacle: Encodable {
  private enum CodingKeys: String, CodingKey { case kind, applications, sentence }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(applications, forKey: .applications)
    try container.encode(sentence, forKey: .sentence)
  }

  private var kind: String {
    switch self {
    case .target: "target"
    case .renamed: "renamed"
    case .sameVersion: "same_version"
    case .noHandler: "no_handler"
    case .sameApplicationVersions: "same_application_version"
    case .noUpgradeFiles: "no_appup"
    case .emulator: "erts_version"
    case .coreApplications: "core_application"
    }
  }

  private var applications: [String]? {
    switch self {
    case .sameApplicationVersions(let names), .noUpgradeFiles(let names),
      .coreApplications(let names):
      names
    default: nil
    }
  }

  public var sentence: String {
    func list(_ names: [String]) -> String {
      let shown = names.prefix(5).joined(separator: ", ")
      return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
    }
    switch self {
    case .target: return "the target is another one"
    case .renamed: return "the OTP release has another name"
    case .sameVersion(let version): return "the OTP release's version is \(version) in both"
    case .noHandler: return "sasl, which handles releases, is not started in the old one"
    case .sameApplicationVersions(let names):
      return "changed under the same version: \(list(names))"
    case .noUpgradeFiles(let names): return "no .appup in the new slug: \(list(names))"
    case .emulator(let from, let to): return "ERTS \(from) becomes \(to)"
    case .coreApplications(let names): return "new version of \(list(names))"
    }
  }
}
