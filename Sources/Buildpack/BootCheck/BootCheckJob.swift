import Events
import Posix
import ReleaseModel

/// The input of `relpack boot-check`: a JSON file that says what to boot and how.
struct BootCheckJob: Codable, Sendable {
  /// The slug's tree. The check works in a copy of it.
  var tree: String
  var scratch: String
  var releases: [OTPRelease]
  var processes: [Procfile.Entry]
  var variables: [Manifest.Variable]
  var placeholders: PlaceholderVars
  /// Names of the app's config vars.
  var known: Set<String>
  /// The config vars with their real values; nil if the check must not use them.
  var real: [String: String]?
  var hasNetwork: Bool
  /// The config var RELEASE_NAME, since platforms also set it when a release starts.
  var releaseName: String?
  /// Milliseconds that each OTP release may take.
  var limit: Int64

  var copy: String { scratch + "/tree" }
  var home: String { scratch + "/home" }
  var cookie: String { home + "/.erlang.cookie" }
  var path: String { scratch + "/job.json" }

  /// The command that starts a release, from the process type `web` or else from another one. Only the part of the
  /// command that starts the release is run, since the other parts may change data.
  func command(of release: OTPRelease, hasServer: Bool) -> String {
    let server = (release.folder.map { $0 + "/" } ?? "") + "bin/server"
    let candidates =
      processes.filter { $0.process == ProcessType.web }
      + processes.filter { $0.process != ProcessType.web && $0.process != ProcessType.release }
    let fitting = candidates.lazy.compactMap {
      ProcessCommand.start(of: release, server: server, in: $0.command)
    }
    return fitting.first
      ?? (hasServer ? server : "\(release.startCommand) \(release.startArgument)")
  }

  /// The whole environment of a program that the check starts. No variable of the build gets into it.
  func environment(_ placeholders: PlaceholderVars, node: String, flags: String, port: UInt16)
    -> [String: String]
  {
    var variables = (real ?? placeholders.values).filter { !PlaceholderVars.isOurs($0.key) }
    variables["PATH"] = "\(copy)/bin:\(Invocation.standardPath)"
    variables["HOME"] = home
    variables["LANG"] = "C.UTF-8"
    variables["PORT"] = String(port)
    variables["RELEASE_NAME"] = releaseName
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
