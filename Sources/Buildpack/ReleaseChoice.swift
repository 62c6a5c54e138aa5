import ReleaseModel

/// The OTP releases of a project, from which a build chooses.
struct ReleaseChoice: Hashable {
  let declared: [String]
  /// The release that mix makes for a project that declares none; nil for an umbrella.
  let implicit: String?
  /// mix's `:default_release`.
  let usual: String?

  /// The word for the implicit release in the answer to the task, since mix has no name for it.
  static let nameless = "."

  /// - Parameters:
  ///   - chosen: the names in the setting; `all` means all.
  ///   - started: names of the programs in `bin/` that the Procfile starts.
  func pick(chosen: [String], started: [String]) throws(BuildFailure) -> [String] {
    let names = declared + (declared.isEmpty ? [implicit].compactMap { $0 } : [])
    if names.isEmpty { throw .releaseMissing(.mix) }
    if chosen == ["all"] { return told(names) }
    if let unknown = chosen.first(where: { !names.contains($0) }) {
      throw .releaseUnknown(unknown, names: names)
    }
    if !chosen.isEmpty { return told(unique(chosen)) }
    let wanted = unique(started.filter(names.contains))
    if !wanted.isEmpty { return told(wanted) }
    if let usual, names.contains(usual) { return [usual] }
    if names.count == 1 { return told(names) }
    throw .releaseAmbiguous(names: names)
  }

  private func told(_ names: [String]) -> [String] { declared.isEmpty ? [Self.nameless] : names }

  private func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  /// The programs in `bin/` that a Procfile's commands start: releases or their scripts.
  static func started(by entries: [Procfile.Entry]) -> [String] {
    entries.flatMap { entry in
      entry.command.split { " \t;&|()\"'".contains($0) }.compactMap { word in
        let path = word.hasPrefix("./") ? word.dropFirst(2) : word
        guard path.hasPrefix("bin/"), Manifest.isInside(String(path)) else { return nil }
        return String(path.dropFirst(4))
      }
    }
  }
}
