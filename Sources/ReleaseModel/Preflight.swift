import Events

/// What is known of a deployment before it starts anything: what keeps it from working, and what may.
///
/// A finding refuses only if the release cannot work; what may work is a warning, and what is not known is not told.
public struct Preflight {
  public struct Finding: Hashable, Sendable {
    /// Whether the deployment cannot work; otherwise the finding is a warning.
    public var refuses: Bool
    public var cause: Cause

    /// Paths and commands come from the slug and may be of any length.
    fileprivate var shortened: Finding {
      var finding = self
      if cause.sentence.count > 200 { finding.cause.sentence = cause.sentence.prefix(199) + "…" }
      return finding
    }
  }

  let app: String
  let manifest: Manifest
  /// Instances by process type.
  let formation: [String: Int]
  /// The names of the config vars.
  let config: Set<String>
  let host: HostOffer
  /// The process types that will run.
  let running: [Procfile.Entry]
  private let texts: SlugTexts
  /// What a file in the slug's tree needs; nil if it is no native code.
  let native: (_ path: String) -> NativeNeeds?
  private let entries: [String: Manifest.Entry]
  /// The OTP releases that the running process types start.
  private(set) var startedReleases: [OTPRelease] = []

  /// - Parameter runsPhase: whether the release phase runs.
  public init(
    app: String, _ manifest: Manifest, formation: [String: Int], runsPhase: Bool = true,
    config: Set<String>, host: HostOffer, read: @escaping (String) -> String?,
    native: @escaping (String) -> NativeNeeds?
  ) {
    (self.app, self.manifest, self.formation, self.config) = (app, manifest, formation, config)
    (self.host, self.native) = (host, native)
    texts = SlugTexts(read)
    running = manifest.processes.filter { entry in
      entry.process == ProcessType.release ? runsPhase : formation[entry.process] ?? 0 > 0
    }
    entries = Dictionary(manifest.files.map { ($0.path, $0) }) { first, _ in first }
    startedReleases = manifest.otpReleases.filter { release in
      running.contains { start(of: release, by: $0.command) != nil }
    }
  }

  /// Those that refuse come first.
  public func findings() -> [Finding] {
    let texts = StartTexts(self)
    let all =
      hostFindings(texts) + programFindings(texts) + variableFindings(texts) + portFindings(texts)
      + migrationFindings(texts)
    return (all.filter(\.refuses) + all.filter { !$0.refuses }).map(\.shortened)
  }

  /// The cause of a refusal for findings: the first one that refuses, with the others as evidence.
  public static func refusal(for findings: [Finding]) -> Cause? {
    let causes = findings.filter(\.refuses).map(\.cause)
    guard var cause = causes.first else { return nil }
    cause.evidence += causes.dropFirst().prefix(20).map {
      Cause.Evidence(kind: "file", place: "also", text: $0.sentence)
    }
    return cause
  }

  func entry(_ path: String) -> Manifest.Entry? { entries[path] }

  /// The text of a file in the slug's tree; nil if it cannot be read.
  func read(_ path: String) -> String? { texts[path] }

  enum Start {
    /// A command of the line is the release's own start command.
    case plain
    /// Another program starts it, which may set variables.
    case wrapped
  }

  /// How a line of a process type, or a script of the slug that it starts, starts an OTP release; nil if it does not.
  func start(of release: OTPRelease, by line: String) -> Start? {
    let commands = ProcessCommand.all(in: line).prefix(Self.mostCommands)
    let scripts = commands.filter { $0.ownProgram != release.name }.flatMap {
      texts.commands(in: $0.program)
    }
    let all = commands + scripts
    if all.contains(where: { $0.isStart(of: release) }) { return .plain }
    let isNamed = all.contains { $0.words.contains { $0.lastPart == release.name } }
    return isNamed ? .wrapped : nil
  }

  /// Commands of a line that are looked at, each of which may be a script that is read.
  static let mostCommands = 20
}

/// The texts of a slug's files. Each is read and parsed once.
private final class SlugTexts {
  private let read: (String) -> String?
  private var texts: [String: String?] = [:]
  private var commands: [String: [ProcessCommand]] = [:]
  /// Bytes of a script that are parsed.
  private static let longest = 1 << 16

  init(_ read: @escaping (String) -> String?) { self.read = read }

  subscript(_ path: String) -> String? {
    if let known = texts[path] { return known }
    let text = read(path)
    texts[path] = .some(text)
    return text
  }

  func commands(in path: String) -> [ProcessCommand] {
    if let known = commands[path] { return known }
    let text = String(decoding: (self[path] ?? "").utf8.prefix(Self.longest), as: UTF8.self)
    let all = text.shellLines.flatMap(ProcessCommand.all)
    commands[path] = all
    return all
  }
}

extension ProcessCommand {
  /// Commands of a release's start command that read its run-time configuration.
  private static let verbs: Set<String> = [
    "start", "start_iex", "daemon", "daemon_iex", "eval", "foreground", "console",
  ]

  fileprivate func isStart(of release: OTPRelease) -> Bool {
    program.lastPart == release.name && words.count > 1 && Self.verbs.contains(words[1])
  }
}

extension StringProtocol {
  /// The part of a path after its last slash.
  var lastPart: String {
    lastIndex(of: "/").map { String(self[index(after: $0)...]) } ?? String(self)
  }

  /// The lines of a shell script that are no comments, trimmed.
  var shellLines: [String] {
    split(whereSeparator: \.isNewline).map { String(Substring($0).trimmed) }.filter {
      !$0.isEmpty && !$0.hasPrefix("#")
    }
  }
}
