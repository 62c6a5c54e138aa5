import Events

/// What people wrote for the buildpacks they had. The files are read as data: nothing in them is run here.
public struct BuildWishes: Hashable, Sendable {
  /// A moment of the build at which a command of the project is run, by its key in `elixir_buildpack.config`.
  public enum Hook: String, CaseIterable, Sendable {
    case preFetchDependencies = "hook_pre_fetch_dependencies"
    case preCompile = "hook_pre_compile"
    /// Instead of `mix compile`.
    case compile = "hook_compile"
    case postCompile = "hook_post_compile"
  }

  /// For `bash -c`, in the folder of the source.
  public struct Command: Hashable, Sendable {
    public var text: String
    public var place: FilePlace
  }

  public var erlang: VersionWish?
  public var elixir: VersionWish?
  public var node: VersionWish?
  /// Nothing that was kept from a build before is to be used.
  public var alwaysRebuild = false
  public var hooks: [Hook: Command] = [:]
  /// Arguments for `mix test`, to be split as a shell does.
  public var testArguments: Command?
  /// Where `mix release` is to run, relative to the source; nil for the source itself.
  public var releaseFolder: String?
  /// Where the Phoenix application lies, relative to the source; nil for the source itself.
  public var phoenixFolder: String?
  /// Where its package.json lies, relative to that; nil where nobody says so.
  public var assetsFolder: String?
  /// The script that builds the assets, relative to the source; nil where nobody names one.
  public var assetsScript: String?
  /// A line for each key that is not known or not honoured: file, line, key, and what is so instead.
  public var warnings: [String] = []

  /// The files that are read, in this order; where two name a version the later one counts.
  public static let files = [
    ".tool-versions", "releases_buildpack.config", "phoenix_static_buildpack.config",
    "elixir_buildpack.config",
  ]

  public init() {}

  /// - Parameter read: gives the bytes of a file at the top of the source, nil where there is none.
  /// - Throws: `RT-BUILD-FILE` where a file cannot be understood, and what `read` throws.
  public init(read: (String) throws(Cause) -> [UInt8]?) throws(Cause) {
    for file in Self.files {
      guard let bytes = try read(file) else { continue }
      var reader = WishReader(wishes: self, file: file)
      if file == ".tool-versions" {
        try reader.readToolVersions(bytes)
      } else {
        try reader.readConfig(bytes)
      }
      self = reader.finish()
    }
    takeErlangOfElixir()
  }

  /// `1.14.5-otp-25` asks for Erlang/OTP 25 where nobody asks for another.
  private mutating func takeErlangOfElixir() {
    guard let elixir, let otp = elixir.otp, let version = ToolVersion(String(otp)) else { return }
    guard let erlang else {
      self.erlang = VersionWish(text: String(otp), version: version, place: elixir.place)
      return
    }
    if erlang.version.major != otp {
      warnings.append(
        "\(elixir.place): elixir: '-otp-\(otp)' is passed over: \(erlang.place) wants "
          + "Erlang/OTP \(erlang.text)")
    }
  }
}
