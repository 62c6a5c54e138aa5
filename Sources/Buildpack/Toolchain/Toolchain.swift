import Events
import Posix

public struct Toolchain: Hashable, Sendable {
  public struct Tool: Hashable, Sendable {
    public var version: ToolVersion
    /// Why this tool was chosen, in one line.
    public var reason: String
    public var root: String
  }

  /// Folders that come first in the `PATH`, in this order; none if all tools are the image's.
  public var folders: [String]
  public var erlang: Tool
  /// Nil if the project does not need Elixir.
  public var elixir: Tool?
  /// Changes when one of the tools changes. It does not depend on the path of the cache.
  public var identity: String
  /// The folder of the tools if the cache cannot be used. It is removed after the build.
  public var scratch: String?

  public struct Request {
    public var config: BuildConfig
    public var needsElixir: Bool
    /// The platform's variables: `PATH`, `STACK`, proxies.
    public var environment: [String: String]
    /// RELPACK_TOOLCHAIN_URL: another address with the layout of the Hex team's builds.
    public var url: String?
    /// A folder that is kept between builds, such as `CACHE_DIR/reltui/toolchains`; nil if there is none.
    public var cache: String?
    /// The source, in which version managers look for their files.
    public var source: String?
    public var interrupts: Signals?
  }

  /// Chooses the image's tools if they fit the requirements, else prebuilt ones.
  ///
  /// Without a requirement and without tools in the image, it chooses the newest Elixir, and the newest Erlang/OTP for
  /// which that Elixir was compiled. If tools in the cache fit, it does not look for newer ones.
  /// - Parameter say: receives a line for each thing that is done.
  /// - Throws: `RT-BUILD-TOOLCHAIN`, `RT-BUILD-DOWNLOAD`, `RT-BUILD-CHECKSUM`, `RT-BUILD-CONFIG` for a bad address,
  ///   `RT-BUILD-TOOL-MISSING` for a missing curl, `RT-DISK-FULL`, and `RT-BUILD-INTERRUPTED` with the fact `signal`.
  public static func resolve(_ request: Request, say: (String) -> Void) throws(Cause) -> Toolchain {
    let image = InstalledTools(environment: request.environment, in: request.source)
    if let erlang = image.erlang, request.config.erlang?.matches(erlang.version) ?? true {
      let elixir = image.elixir.flatMap { tool in
        request.config.elixir?.matches(tool.version) ?? true ? tool : nil
      }
      if !request.needsElixir || elixir != nil {
        return Toolchain(
          image: erlang, request.needsElixir ? elixir : nil, config: request.config)
      }
    }
    let source = try ToolchainSource(url: request.url)
    var scratch: String?
    let folder = try makeFolder(request.cache, &scratch, say)
    do throws(Cause) {
      let store = ToolchainStore(folder: folder, source: source)
      let fetcher = ToolchainFetcher(request: request, image: image, store: store)
      var toolchain = try fetcher.resolve(say: say)
      toolchain.scratch = scratch
      return toolchain
    } catch {
      if let scratch { try? Files.remove(scratch) }
      throw error
    }
  }

  /// The cache's folder, or a folder for this build alone.
  private static func makeFolder(
    _ cache: String?, _ scratch: inout String?, _ say: (String) -> Void
  ) throws(Cause) -> String {
    var reason = "there is no cache"
    if let cache {
      do throws(PosixError) {
        try Files.makeFolder(cache, mode: 0o755)
        // The folder may exist and not be writable.
        let probe = cache + "/new-" + Random.hex(6)
        try Files.makeFolder(probe)
        try Files.remove(probe)
        return try Files.resolve(cache)
      } catch { reason = "\(error)" }
    }
    let folder = "/tmp/relpack-tools-" + Random.hex(6)
    try Cause.explaining(Files.makeFolder(folder, mode: 0o755), as: .buildUnwritable)
    scratch = folder
    say("Erlang and Elixir are fetched for this build alone: \(reason)")
    return folder
  }
}

extension Toolchain {
  fileprivate init(
    image erlang: InstalledTools.Tool, _ elixir: InstalledTools.Tool?, config: BuildConfig
  ) {
    self.init(
      folders: [], erlang: Tool(image: erlang, "Erlang/OTP", config.erlang),
      elixir: elixir.map { Tool(image: $0, "Elixir", config.elixir) },
      identity: ([erlang] + [elixir].compactMap { $0 }).map(\.identity).joined(separator: "; "))
  }
}

extension Toolchain.Tool {
  init(image tool: InstalledTools.Tool, _ name: String, _ required: VersionRequirement?) {
    let why = required.map { "\($0.place) wants \($0.text)" } ?? "the project names no version"
    self.init(
      version: tool.version,
      reason: "\(name) \(tool.version) of the image (\(why))",
      root: tool.root)
  }
}
