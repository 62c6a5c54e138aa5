import ErlangTerm
import Events
import HomeLayout
import ReleaseModel

/// Everything that is known of a run that failed.
public struct FailureFacts: Sendable {
  public var app: String
  /// What ended, such as `web.1`: the subject of a sentence that has no better one.
  public var subject: String
  /// Its process type, such as `web`.
  public var process: String
  /// The run's `PORT`.
  public var port: UInt16?
  /// The command that was run, as the Procfile has it.
  public var command = ""
  /// Whether the run was ever ready.
  public var wasReady = false
  /// How the run's process ended; nil if it is not known.
  public var exit: RunStatus.Exit?
  public var ended: Timestamp?
  /// When the facts were read.
  public var now: Timestamp?
  /// The output, oldest line first, with values of config vars masked.
  public var output: [LogLine] = []
  /// The first line of the crash dump that the VM wrote as it ended.
  public var slogan: String?
  /// The text of the file with the VM's arguments.
  public var arguments = ""
  /// What the VM has told of its boot.
  public var boot: BootAccount?
  public var otpRelease: OTPRelease?
  /// What the slug's manifest says; empty if it is not known.
  public var variables: [Manifest.Variable] = []
  public var migrations: [Manifest.Migration] = []
  public var files: [Manifest.Entry] = []
  /// The folder of the slug's tree, and that of the run. Paths in them are shown relative.
  public var tree = ""
  public var folder = ""
  public var host = HostFacts()
  /// Masks the values of config vars.
  public var mask: @Sendable (String) -> String = { $0 }

  public init(app: String, subject: String, process: String) {
    (self.app, self.subject, self.process) = (app, subject, process)
  }
}

/// What the host knows. Each fact is looked up when a sentence needs it.
public struct HostFacts: Sendable {
  /// `pid 812 (nginx)`, if a program listens on the port.
  public var holder: @Sendable (UInt16) -> String? = { _ in nil }
  /// The architecture that a program or library is for, such as `aarch64`; nil if it is not known.
  public var architecture: @Sendable (_ path: String) -> String? = { _ in nil }
  /// What the kernel says of the run's process, if it killed it because memory ran out: `beam.smp used 1200 MB`.
  public var memoryKill: @Sendable () -> String? = { nil }
  /// Such as `2.36`.
  public var glibc: @Sendable () -> String? = { nil }
  /// Such as `x86_64`.
  public var machine = Manifest.Target.host.arch

  public init() {}
}

extension FailureFacts {
  var argumentLines: [(number: Int, text: Substring)] {
    arguments.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
      ($0.offset + 1, $0.element)
    }
  }

  var isReleasePhase: Bool { process == ProcessType.release }
  /// The id for the failure of a run that does its work once; nil for other runs.
  var scriptFailure: ProblemID? {
    isReleasePhase ? .releasePhase : ProcessType.runsOnce(process) ? .previewScript : nil
  }

  /// The application that the OTP release is for: the one with its name, or the last one that it starts.
  var mainApplication: String? {
    otpRelease?.applications.first { $0.name == otpRelease?.name }?.name
      ?? otpRelease?.bootOrder.last
  }

  /// A term in the release's language.
  func write(_ term: Term) -> String {
    let plain = term.withoutNumbers
    return otpRelease?.kind == .relx ? plain.description : ElixirWords.write(plain)
  }

  /// A path without the folders of the slug and of the run, and without `x/..` in it.
  func short(path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      if part == "..", let last = parts.last, !last.isEmpty, last != ".." {
        parts.removeLast()
      } else if part != "." {
        parts.append(part)
      }
    }
    let plain = parts.joined(separator: "/")
    for (folder, name) in [(tree, ""), ("/app", ""), (self.folder, "")] where !folder.isEmpty {
      if plain.hasPrefix(folder + "/") { return name + plain.dropFirst(folder.count + 1) }
    }
    return plain
  }

  /// A text in which the paths of the slug are relative to it.
  func short(_ text: String) -> String {
    var text = text
    for folder in [tree, self.folder] where !folder.isEmpty {
      text = text.replacing(folder + "/", with: "")
    }
    return text
  }

  /// The entry of a path of the slug.
  func entry(_ path: String) -> Manifest.Entry? {
    files.first { $0.path == path }
  }

  /// The application whose code a module is, as the slug's files tell.
  func application(of module: String) -> String? {
    let name = "/ebin/\(module).beam"
    guard let path = files.first(where: { $0.path.hasSuffix(name) })?.path else {
      return nil
    }
    let folder = path.dropLast(name.count).split(separator: "/").last ?? ""
    return folder.lastIndex(of: "-").map { String(folder[..<$0]) } ?? String(folder)
  }

  /// Applications of Erlang/OTP and Elixir, whose code is never where an operator looks first.
  private static let platform: Set<String> = [
    "kernel", "stdlib", "sasl", "compiler", "crypto", "ssl", "public_key", "asn1", "inets",
    "runtime_tools", "mnesia", "os_mon", "tools", "syntax_tools", "xmerl", "elixir", "logger",
    "eex", "iex", "mix",
  ]

  /// The place in the app's own code, as a stack trace shows it: `lib/shop/faults.ex:75`.
  func place(in frames: [Failure.Frame]) -> String? {
    let known = frames.compactMap { frame -> (frame: Failure.Frame, application: String)? in
      guard frame.file != nil, let name = frame.application ?? application(of: frame.module),
        !Self.platform.contains(name)
      else { return nil }
      return (frame, name)
    }
    guard let found = known.first(where: { $0.application == mainApplication }) ?? known.first,
      let file = found.frame.file
    else { return nil }
    let place = short(path: file) + (found.frame.line.map { ":\($0)" } ?? "")
    return found.application == mainApplication ? place : "\(found.application): \(place)"
  }
}
