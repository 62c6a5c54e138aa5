import Events
import JSONText
import ReleaseModel

/// The output of `bin/release`.
public enum DefaultProcesses {
  /// YAML with the slug's process types. Source: Heroku, "Buildpack API", `bin/release`.
  public static func yaml(_ folder: String) throws(Cause) -> String {
    let entries = try processes(folder)
    if entries.isEmpty { return "---\n{}\n" }
    return "---\ndefault_process_types:\n"
      + entries.map { "  \(key($0.process)): \(quoted($0.command))\n" }.joined()
  }

  private static func processes(_ folder: String) throws(Cause) -> [Procfile.Entry] {
    if let bytes = try BuildReport.read(folder + "/" + Manifest.path) {
      return try Manifest(bytes: bytes).processes
    }
    guard let bytes = try BuildReport.read(folder + "/Procfile") else { return [] }
    return try Procfile(text: String(decoding: bytes, as: UTF8.self)).entries
  }

  private static let reserved: Set<String> = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null",
  ]

  private static func key(_ process: String) -> String {
    let isPlain = process.first?.isLetter == true && !reserved.contains(process.lowercased())
    return isPlain ? process : quoted(process)
  }

  /// A JSON string is a double-quoted scalar of YAML.
  private static func quoted(_ text: String) -> String {
    String(decoding: JSON.encode(text), as: UTF8.self)
  }
}
