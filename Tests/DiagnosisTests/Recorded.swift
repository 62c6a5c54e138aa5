import Diagnosis
import Events
import HomeLayout
import JSONText
import Posix
import ReleaseModel
import TestSupport

/// Output of runs of the project `shop` in the fixtures, as their log files have it.
enum Recorded {
  static let folder = Workspace.root + "/Tests/Fixtures/outputs"

  static func all() throws -> [String] {
    try Files.list(folder).filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
  }

  static func lines(_ name: String) -> [LogLine] {
    let bytes = (try? Files.read("\(folder)/\(name).log")) ?? []
    return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
      LogLine(line: $0, fallback: Timestamp(milliseconds: 0))
    }
  }

  /// The exit codes of the runs that did not end with 1.
  private static let exits: [String: Int32] = [
    "erts-arch": 126, "erlexec-mode": 126, "start-mode": 126, "no-proc": 127,
  ]

  static func facts(_ name: String) -> FailureFacts {
    var facts =
      name == "migration"
      ? FailureFacts(app: "shop", subject: "release.1", process: "release")
      : FailureFacts(app: "shop", subject: "web.1", process: "web")
    facts.output = lines(name)
    facts.exit = .code(exits[name] ?? 1)
    facts.port = 25_000
    facts.command = "bin/shop start"
    (facts.tree, facts.folder) = ("/srv/slug", "/srv/run")
    facts.otpRelease = manifest?.mainRelease
    facts.variables = manifest?.variables ?? []
    facts.migrations = manifest?.migrations ?? []
    facts.files = manifest?.files ?? []
    facts.host.glibc = { "2.36" }
    facts.host.machine = "x86_64"
    facts.host.architecture = { _ in name == "erts-arch" ? "aarch64" : nil }
    if name == "vm-args" { facts.arguments = "+P 200000\n+Zq\n" }
    return facts
  }

  /// The OTP release of the project `stall`.
  static func erlang() throws -> OTPRelease {
    let text = """
      {"name": "stall", "version": "0.1.0", "kind": "relx", "erts_version": "13.1.5",
       "start_command": "bin/stall", "start_argument": "foreground", "applications": [
        {"name": "stall", "version": "0.1.0", "start_type": "permanent", "order": 1, "description": "",
         "optional_dependencies": [], "included_applications": [],
         "dependencies": [], "registered": [], "callback_module": "stall_app", "modules": 3}]}
      """
    return try JSON.decode(OTPRelease.self, from: Array(text.utf8))
  }

  /// That of the project `shop`, with few of its files; its programs are not executable.
  static let manifest: Manifest? = {
    guard let bytes = try? Files.read("\(folder)/manifest.json") else { return nil }
    return try? Manifest(bytes: bytes)
  }()
}
