import Events
import Instance
import Posix
import ReleaseModel

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
  /// Their values, where the real ones are wanted.
  var real: [String: String]?
  /// Whether it has the host's network.
  var hasNetwork: Bool
  /// The config var RELEASE_NAME: platforms set it when a release starts, too.
  var releaseName: String?
  /// Milliseconds that each OTP release may take.
  var limit: Int64

  var copy: String { scratch + "/tree" }
  var home: String { scratch + "/home" }
  var cookie: String { home + "/.erlang.cookie" }
  /// What lets the nodes of a rehearsal be asked is nobody else's.
  var path: String { scratch + "/script.json" }

  /// The command that starts a release: that of the process type `web`, else of another one. Of a longer command it is
  /// the part that starts the release; what it does besides is not ours to try.
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
