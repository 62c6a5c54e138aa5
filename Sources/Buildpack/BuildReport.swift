import Events
import JSONText
import Posix
import Redaction
import ReleaseModel

/// The output of `bin/report`: flat JSON with facts about the last build in a folder, also about a failed one.
/// Source: Heroku, "Buildpack API".
public enum BuildReport {
  /// The file in the source in which a failed build leaves its report.
  static let path = ".reltui/report.json"

  /// An error is ignored: if the folder cannot be written, the build's own failure says so.
  static func keep(_ failure: BuildFailure, in source: String, mask: Redactor) {
    let cause = mask(failure.cause)
    var facts = ["failure": cause.id, "cause": cause.sentence]
    facts["remedy"] = cause.remedy
    let lines = cause.evidence.map { $0.kind == "log" ? $0.text : "\($0.place): \($0.text)" }
    if !lines.isEmpty { facts["last_lines"] = lines.joined(separator: "\n") }
    let file = source + "/" + path
    guard Files.isFolder(source), (try? Files.info(Files.parent(of: file)))?.kind != .link else {
      return
    }
    do throws(PosixError) {
      try Files.makeFolder(Files.parent(of: file), mode: 0o755)
      try Files.replace(file, with: JSON.encode(facts) + [UInt8(ascii: "\n")], mode: 0o644)
    } catch { return }
  }

  static func forget(_ source: String) { try? Files.remove(source + "/" + path) }

  public static func text(_ source: String) throws(Cause) -> String {
    if let bytes = try read(source + "/" + path),
      let text = String(validating: bytes, as: UTF8.self)
    {
      return text
    }
    guard let bytes = try read(source + "/" + Manifest.path) else { return "{}\n" }
    let id = Hex.encode(SHA256.digest(bytes))
    let facts = facts(try Manifest(bytes: bytes), id)
    return String(decoding: JSON.encode(facts), as: UTF8.self) + "\n"
  }

  static func read(_ path: String) throws(Cause) -> [UInt8]? {
    try Cause.explaining(Files.readIfThere(path, limit: 64 << 20))
  }

  private enum Fact: Encodable {
    case text(String)
    case number(Int)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .number(let number): try container.encode(number)
      }
    }
  }

  private static func facts(_ manifest: Manifest, _ id: String) -> [String: Fact] {
    let files = manifest.files.filter { $0.kind == .file }
    var facts: [String: Fact] = [
      "slug": .text(id), "arch": .text(manifest.target.arch), "files": .number(files.count),
      "bytes": .number(files.reduce(0) { $0 + ($1.size ?? 0) }),
      "releases": .text(
        manifest.otpReleases.map { "\($0.name) \($0.version)" }.joined(separator: ", ")),
      "applications": .number(
        Set(manifest.otpReleases.flatMap { $0.applications.map(\.name) }).count),
      "processes": .text(manifest.processes.map(\.process).joined(separator: ", ")),
      "migrations": .number(manifest.migrations?.count ?? 0),
      "required_variables": .text(
        (manifest.variables ?? []).filter { $0.need == .required }.map(\.name)
          .joined(separator: ", ")),
    ]
    facts["glibc"] = manifest.target.glibc.map(Fact.text)
    facts["debug_info"] = manifest.debugInfo.map { .text($0.rawValue) }
    for (tool, version) in manifest.tools { facts[tool + "_version"] = .text(version) }
    return facts
  }
}
