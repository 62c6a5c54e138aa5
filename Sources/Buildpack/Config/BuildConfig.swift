import Events

/// The build configuration in the source: the files of earlier buildpacks and of version managers. They are read as data;
/// nothing in them is run here.
public struct BuildConfig: Hashable, Sendable {
  /// A point of the build at which a command of the project runs, by its key in `elixir_buildpack.config`.
  public enum Hook: String, CaseIterable, Sendable {
    case preFetchDependencies = "hook_pre_fetch_dependencies"
    case preCompile = "hook_pre_compile"
    /// Instead of `mix compile`.
    case compile = "hook_compile"
    case postCompile = "hook_post_compile"
  }

  /// A text for `bash -c` in the source's folder, or arguments for a shell to split.
  public struct ShellText: Hashable, Sendable {
    public var text: String
    public var place: FilePlace
  }

  public var erlang: VersionRequirement?
  public var elixir: VersionRequirement?
  public var node: VersionRequirement?
  public var alwaysRebuild = false
  public var hooks: [Hook: ShellText] = [:]
  public var testArguments: ShellText?
  /// The folder for `mix release`, relative to the source; nil for the source itself.
  public var releaseFolder: String?
  /// The folder of the Phoenix application, relative to the source; nil for the source itself.
  public var phoenixFolder: String?
  /// The folder with package.json, relative to the Phoenix application; nil if no file names it.
  public var assetsFolder: String?
  /// The script that builds the assets, relative to the source; nil if no file names one.
  public var assetsScript: String?
  /// One line for each key that is unknown or ignored: file, line, key, and the reason.
  public var warnings: [String] = []

  /// The files, in the order in which they are read. If two name a version, the later one counts.
  public static let files = [
    ".tool-versions", "releases_buildpack.config", "phoenix_static_buildpack.config",
    "elixir_buildpack.config",
  ]

  /// - Parameter read: returns the bytes of a file at the top of the source, nil if there is no such file.
  /// - Throws: `RT-BUILD-FILE` if a file cannot be understood, and the errors of `read`.
  public init(read: (String) throws(Cause) -> [UInt8]?) throws(Cause) {
    for file in Self.files {
      guard let bytes = try read(file) else { continue }
      var reader = BuildConfigReader(config: self, file: file)
      if file == ".tool-versions" {
        try reader.readToolVersions(bytes)
      } else {
        try reader.readConfig(bytes)
      }
      self = reader.finish()
    }
    takeErlangOfElixir()
  }

  /// `1.14.5-otp-25` also requires Erlang/OTP 25, unless a file names another one.
  private mutating func takeErlangOfElixir() {
    guard let elixir, let otp = elixir.otp, let version = ToolVersion(String(otp)) else { return }
    guard let erlang else {
      self.erlang = VersionRequirement(text: String(otp), version: version, place: elixir.place)
      return
    }
    if erlang.version.major != otp {
      warnings.append(
        "\(elixir.place): elixir: '-otp-\(otp)' is ignored: \(erlang.place) wants "
          + "Erlang/OTP \(erlang.text)")
    }
  }
}
