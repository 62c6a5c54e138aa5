import Events
import HomeLayout
import JSONText

/// The manifest of a slug. Its SHA-256 is the slug's id, so builds of the same source must give the same manifest.
public struct Manifest: Codable, Equatable, Sendable {
  public struct Entry: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Sendable { case file, folder, link }

    /// Relative to the slug's tree.
    public var path: String
    public var kind: Kind
    /// Octal permission bits, such as `644`; files and folders have them.
    public var mode: String?
    /// Bytes; files have it.
    public var size: Int?
    public var sha256: String?
    public var target: String?

    public init(
      path: String, kind: Kind, mode: String? = nil, size: Int? = nil, sha256: String? = nil,
      target: String? = nil
    ) {
      (self.path, self.kind, self.mode, self.size, self.sha256) = (path, kind, mode, size, sha256)
      self.target = target
    }

    public var isExecutable: Bool { mode == "755" || mode == "555" }
  }

  /// The kind of host that the native code inside runs on.
  public struct Target: Codable, Hashable, Sendable {
    public var os: String
    public var arch: String
    /// The lowest glibc that is enough, such as `2.34`; nil if the build did not check it.
    public var glibc: String?
    /// Names of shared libraries that the host must have, sorted, as in `DT_NEEDED`: elf(5).
    public var libraries: [String]?

    /// The kind of host this program was built for.
    public static var host: Target {
      #if arch(x86_64)
        Target(os: "linux", arch: "x86_64")
      #elseif arch(arm64)
        Target(os: "linux", arch: "aarch64")
      #endif
    }
  }

  public struct Variable: Codable, Hashable, Sendable {
    public enum Need: String, Codable, Sendable {
      /// Without it the release cannot boot.
      case required
      /// The configuration reads it in a branch that may not run.
      case conditional
      /// It has a default, or may be missing.
      case optional
    }
    public var name: String
    public var need: Need
    public var file: String
    public var line: Int

    public init(name: String, need: Need, file: String, line: Int) {
      (self.name, self.need, self.file, self.line) = (name, need, file, line)
    }
  }

  /// A database migration that an application brings in `priv`.
  public struct Migration: Codable, Hashable, Sendable {
    public var application: String
    /// Below the application's `priv`, such as `repo/migrations`.
    public var folder: String
    /// Its file's name without `.exs`, such as `20260101120000_create_users`.
    public var name: String

    public init(application: String, folder: String, name: String) {
      (self.application, self.folder, self.name) = (application, folder, name)
    }
  }

  /// A key of the configuration that an application read at compile time. Another value at run time has no effect, so
  /// Elixir refuses to boot then.
  public struct CompileEnv: Codable, Hashable, Sendable {
    /// The application whose configuration it is.
    public var application: String
    /// As the argument of `Application.compile_env/2`: `:key`, or `[:key, :inner]`.
    public var key: String
    public var reader: String

    public init(application: String, key: String, reader: String) {
      (self.application, self.key, self.reader) = (application, key, reader)
    }
  }

  /// The state of the debug information in the applications' code.
  public enum DebugInfo: String, Codable, Sendable { case stripped, kept, encrypted }

  public var format = HomeFormat.current
  public var otpReleases: [OTPRelease]
  /// The Procfile's process types, or the default ones of the OTP release.
  public var processes: [Procfile.Entry]
  public var appJSON: AppJSON?
  public var tools: [String: String]
  public var target: Target
  /// Sorted by name, file and line; nil if the build did not look for them.
  public var variables: [Variable]?
  /// Sorted; nil if the build did not look for them.
  public var migrations: [Migration]?
  /// Keys that applications other than those of Erlang and Elixir read. Sorted by application, key and reader; nil if
  /// the build did not look for them.
  public var compileEnv: [CompileEnv]?
  /// Nil if it is not known.
  public var debugInfo: DebugInfo?
  /// Everything in the tree but the manifest itself, folders before what is in them.
  public var files: [Entry]

  private enum CodingKeys: String, CodingKey {
    case format, processes, tools, target, variables, migrations, files
    case otpReleases = "otp_releases"
    case appJSON = "app_json"
    case debugInfo = "debug_info"
    case compileEnv = "compile_env"
  }

  public init(
    otpReleases: [OTPRelease], processes: [Procfile.Entry], appJSON: AppJSON?,
    tools: [String: String], target: Target, files: [Entry]
  ) {
    (self.otpReleases, self.processes, self.appJSON) = (otpReleases, processes, appJSON)
    (self.tools, self.target, self.files) = (tools, target, files)
  }

  /// The manifest's path in a slug's tree.
  public static let path = ".reltui/manifest.json"

  public var bytes: [UInt8] { JSON.encode(self) + [UInt8(ascii: "\n")] }

  /// Reads a manifest and checks that everything used as a path stays inside the tree.
  public init(bytes: [UInt8]) throws(Cause) {
    struct Head: Decodable { var format: Int }
    do {
      let head = try JSON.decode(Head.self, from: bytes)
      guard head.format <= HomeFormat.current else {
        throw Cause(.formatNewer, "the manifest has format \(head.format)")
      }
      self = try JSON.decode(Manifest.self, from: bytes)
    } catch {
      if let cause = error as? Cause { throw cause }
      throw Cause(.manifestFormat, "the slug's manifest cannot be read: \(JSON.explain(error))")
    }
    try checkEntries()
    try checkNames()
  }

  /// Whether a relative path stays in the folder it starts from, judged by its text alone.
  public static func isInside(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." } && !path.utf8.contains(0)
  }

  public var size: Int {
    files.filter { $0.kind == .file }.reduce(0) { $0.addingClamped($1.size ?? 0) }
  }

  /// The OTP release that is started if no process type names one.
  public var mainRelease: OTPRelease? { otpReleases.first }

  /// The OTP release whose start command is in a process type's command; the first one if no start command is.
  public func release(startedBy process: String) -> OTPRelease? {
    let words = (command(of: process) ?? "").split(whereSeparator: \.isWhitespace)
    func isStart(_ word: Substring, _ release: OTPRelease) -> Bool {
      word == release.startCommand || word == "./" + release.startCommand
        || release.folder.map { word.hasPrefix($0 + "/bin/") } == true
    }
    return otpReleases.first { release in words.contains { isStart($0, release) } } ?? mainRelease
  }

  public func command(of process: String) -> String? {
    processes.first { $0.process == process }?.command
  }

  /// What holds for a preview: app.json's environment for it, whose scripts become process types that run once.
  public var forPreview: Manifest {
    var preview = self
    preview.appJSON = appJSON?.forPreview
    let scripts = ProcessType.scripts.compactMap { name in
      preview.appJSON?.scripts?[name].map { Procfile.Entry(process: name, command: $0) }
    }
    let names = Set(scripts.map(\.process))
    preview.processes = processes.filter { !names.contains($0.process) } + scripts
    return preview
  }

  /// The manifest as it holds for an app.
  public func fit(for app: Board.App?) -> Manifest { app?.preview == nil ? self : forPreview }

  /// Instances by process type before any scaling: app.json's formation, else one `web` (Heroku's default).
  public var defaultFormation: [String: Int] {
    var formation: [String: Int] = [:]
    for entry in processes where !ProcessType.runsOnce(entry.process) {
      let quantity = appJSON?.formation?[entry.process]?.quantity
      formation[entry.process] =
        quantity.map { min(max(0, $0), 100) } ?? (entry.process == ProcessType.web ? 1 : 0)
    }
    return formation
  }
}
