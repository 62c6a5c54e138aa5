import ErlangTerm
import Posix
import SlugStore

/// Names, versions and licences of a project's packages, for the bill of materials. A file that cannot be read is
/// skipped, because no build depends on it.
public enum Components {
  private static let limit = 1 << 20

  /// - Parameters:
  ///   - deps: the folder with the packages' sources: mix's `deps`, rebar3's `_build/default/lib`.
  ///   - locks: `mix.lock`, `rebar.lock`.
  public static func read(deps: String, locks: [String]) -> [Component] {
    let digests = locks.reduce(into: [:]) { digests, path in
      digests.merge(self.digests(lock: path)) { first, _ in first }
    }
    let names = (try? Files.list(deps, skippingOthers: true)) ?? []
    return names.compactMap { name in
      guard var component = component("\(deps)/\(name)", name) else { return nil }
      component.sha256 = component.package.flatMap { digests[$0] }
      return component
    }
  }

  private static func component(_ folder: String, _ name: String) -> Component? {
    if let terms = terms(folder + "/hex_metadata.config") { return component(package: terms) }
    // A package that is not from Hex may name its licences in its application file.
    let files = ["\(folder)/src/\(name).app.src", "\(folder)/ebin/\(name).app"]
    for terms in files.lazy.compactMap(terms) {
      let parts = terms.first?.tuple(tagged: "application").map(Array.init) ?? []
      let licences = parts.last?.property("licenses").flatMap(texts) ?? []
      if let name = parts.first?.atom, !licences.isEmpty {
        return Component(application: name, licences: licences)
      }
    }
    return nil
  }

  /// The package that the terms describe: pairs whose keys are texts. Source: Hex, "Package metadata".
  private static func component(package terms: [Term]) -> Component? {
    func value(_ key: String) -> Term? {
      terms.lazy.compactMap(\.tuple).first { $0.count == 2 && $0.first?.text == key }?.last
    }
    guard let name = value("name")?.text, let version = value("version")?.text else { return nil }
    return Component(
      application: value("app")?.text ?? name,
      licences: value("licenses").flatMap(texts) ?? [], package: name, version: version)
  }

  private static func texts(_ term: Term) -> [String]? { term.list?.compactMap(\.text) }

  private static func terms(_ path: String) -> [Term]? {
    (try? Files.readIfThere(path, limit: limit)).flatMap { try? TextFormat.consult($0) }
  }

  /// SHA-256 of the packages' archives, by package.
  private static func digests(lock path: String) -> [String: String] {
    if path.hasSuffix(".lock"), let terms = terms(path) {
      let table = terms.lazy.compactMap { $0.property("pkg_hash_ext")?.list }.first ?? []
      let pairs = table.compactMap(\.tuple).compactMap { pair -> (String, String)? in
        guard pair.count == 2, let name = pair[0].text, let digest = pair[1].text, isDigest(digest)
        else { return nil }
        return (name, digest.lowercased())
      }
      return Dictionary(pairs) { first, _ in first }
    }
    let bytes = (try? Files.readIfThere(path, limit: limit)) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return Dictionary(lines.compactMap(digest)) { first, _ in first }
  }

  /// `  "app": {:hex, :package, "1.0.0", "INNER", [:mix], […], "hexpm", "OUTER"},`
  private static func digest(line: Substring) -> (String, String)? {
    let head = "{:hex, :"
    guard let start = line.firstRange(of: head) else { return nil }
    let name = line[start.upperBound...].prefix { $0 != "," }
    let texts = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard texts.count > 2 else { return nil }
    let digest = String(texts[texts.count - 2])
    return isDigest(digest) ? (String(name), digest) : nil
  }

  private static func isDigest(_ text: String) -> Bool {
    Hex.decode(text.lowercased())?.count == 32
  }
}
