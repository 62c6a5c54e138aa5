import ErlangTerm

/// An OTP release on disk, made by mix or relx, as its own files describe it.
///
/// Paths are relative to the root of the release, the folder that holds `bin`, `lib` and
/// `releases`. Encoded as JSON it is part of a slug's manifest.
public struct OTPRelease: Codable, Equatable, Sendable {
  /// The tool that made the release, which decides how its start command is used.
  public enum Kind: String, Codable, Sendable {
    /// `mix release` (Elixir).
    case mix
    /// relx, by `rebar3 release`.
    case relx
  }

  /// How an application is started, and what its end means for the node: "rel", SASL reference manual.
  public enum StartType: String, Codable, Sendable, CaseIterable {
    /// When it ends, the node ends.
    case permanent
    /// When it ends abnormally, the node ends.
    case transient
    /// Its end is only reported.
    case temporary
    case load
    /// Neither loaded nor started, but its code is in the release.
    case none

    init?(_ term: Term) {
      guard let word = term.atom else { return nil }
      self.init(rawValue: word)
    }
  }

  public struct Application: Codable, Equatable, Sendable {
    public var name: String
    public var version: String
    public var startType = StartType.permanent
    /// Its place in the boot order, from 1; `nil` if the boot script does not start it.
    public var order: Int?
    public var description = ""
    /// The applications that must be started before it, without optional ones that the release does not have.
    public var dependencies: [String] = []
    public var optionalDependencies: [String] = []
    public var includedApplications: [String] = []
    public var registered: [String] = []
    /// The module that starts it; a library application has none.
    public var callbackModule: String?
    public var modules = 0

    enum CodingKeys: String, CodingKey {
      case name, version, order, description, dependencies, registered, modules
      case startType = "start_type"
      case optionalDependencies = "optional_dependencies"
      case includedApplications = "included_applications"
      case callbackModule = "callback_module"
    }
  }

  public var name: String
  public var version: String
  public var ertsVersion: String
  public var kind: Kind
  /// The folder of its `lib` and `releases` in the slug's tree, such as `rel/NAME`; nil for the top of the tree.
  public var folder: String?
  /// In the order of the release resource file.
  public var applications: [Application]
  /// The start command, relative to the slug's tree: `bin/NAME`.
  public var startCommand: String
  /// The argument with which the start command runs the node in the foreground.
  public var startArgument: String

  enum CodingKeys: String, CodingKey {
    case name, version, kind, folder, applications
    case ertsVersion = "erts_version"
    case startCommand = "start_command"
    case startArgument = "start_argument"
  }

  /// The applications that the boot script starts, in its order.
  public var bootOrder: [String] {
    applications.filter { $0.order != nil }.sorted { $0.order ?? 0 < $1.order ?? 0 }.map(\.name)
  }
}

extension OTPRelease {
  /// The release that `releases/start_erl.data` names.
  ///
  /// - Parameters:
  ///   - read: the bytes of a file, `nil` if there is none.
  ///   - list: the names in a folder, empty if there is none.
  public init(
    read: @escaping (_ path: String) throws -> [UInt8]?,
    list: @escaping (_ directory: String) -> [String]
  ) throws(OTPReleaseError) {
    self = try OTPReleaseReader(read: read, list: list).release()
  }

  /// Checks a name from a file, which is not trusted: as part of a path it must stay in its folder, and it must mean
  /// nothing to a shell.
  static func requireSafe(_ name: String, file: String) throws(OTPReleaseError) {
    let isSafe =
      (1...255).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasPrefix("-")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "._-+~@".utf8.contains(byte)
        }
      }
    guard isSafe else { throw .unsafeName(file: file, name: name) }
  }
}
