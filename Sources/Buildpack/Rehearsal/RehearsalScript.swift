import Instance
import Posix

/// What is to be rehearsed, as the program that does it is told.
struct RehearsalScript: Codable, Sendable {
  /// The slug's tree; it is copied, and not changed.
  var tree: String
  /// A folder of the rehearsal's own.
  var scratch: String
  var releases: [OTPRelease]
  var processes: [Procfile.Entry]
  var variables: [Manifest.Variable]
  var standIns: StandIns
  /// Names of the app's config vars.
  var known: Set<String>
  /// Their values, where the real ones are wanted, with a network.
  var real: [String: String]?
  /// Milliseconds that each OTP release may take.
  var limit: Int64

  var copy: String { scratch + "/tree" }
  var home: String { scratch + "/home" }
  var cookie: String { home + "/.erlang.cookie" }
  /// What lets the nodes of a rehearsal be asked is nobody else's.
  var path: String { scratch + "/script.json" }

  /// The command that starts a release: that of the process type `web`, else of another one, where it does nothing but
  /// start the release; what a longer command does besides is not ours to try.
  func command(of release: OTPRelease, hasServer: Bool) -> String {
    let server = (release.folder.map { $0 + "/" } ?? "") + "bin/server"
    let candidates =
      processes.filter { $0.process == ProcessType.web }
      + processes.filter { $0.process != ProcessType.web && $0.process != ProcessType.release }
    let fitting = candidates.first { Self.starts($0.command, release, server: server) }
    return fitting?.command
      ?? (hasServer ? server : "\(release.startCommand) \(release.startArgument)")
  }

  /// `env A=1 bin/app start`, `A=1 exec ./bin/app start`, `bin/server`
  private static func starts(_ command: String, _ release: OTPRelease, server: String) -> Bool {
    if command.contains(where: { ";&|<>()`\n".contains($0) }) { return false }
    var words = command.split(whereSeparator: \.isWhitespace)[...]
    words = words.drop { $0 == "exec" || $0 == "env" || isAssignment($0) }
    guard let program = words.popFirst() else { return false }
    let path = program.hasPrefix("./") ? program.dropFirst(2) : program
    return path == server && words.isEmpty
      || path == release.startCommand && words.elementsEqual([Substring(release.startArgument)])
  }

  private static func isAssignment(_ word: Substring) -> Bool {
    guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return false }
    return word[..<equals].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }

  /// The whole environment of what is started; nothing of the build's leaks into it.
  /// - Parameters:
  ///   - flags: for the VM.
  ///   - port: the app's.
  func environment(_ standIns: StandIns, node: String, flags: String, port: UInt16)
    -> [String: String]
  {
    var variables = (real ?? standIns.values).filter { !StandIns.isOurs($0.key) }
    variables["PATH"] = "\(copy)/bin:\(Invocation.standardPath)"
    variables["HOME"] = home
    variables["LANG"] = "C.UTF-8"
    variables["PORT"] = String(port)
    variables["RELEASE_NODE"] = node
    variables["RELEASE_DISTRIBUTION"] = "name"
    variables["RELEASE_COOKIE"] = "unused"
    variables["RELEASE_TMP"] = scratch + "/tmp"
    variables["ERL_CRASH_DUMP"] = scratch + "/erl_crash.dump"
    variables["ERL_CRASH_DUMP_BYTES"] = "0"
    // A second `-setcookie` makes the VM read the file in its HOME; see `RunSpecification`.
    variables["ERL_ZFLAGS"] = flags
    return variables
  }
}
