import DiskReserve
import Events
import Posix

/// The Erlang and Elixir that a build uses.
public struct Toolchain: Hashable, Sendable {
  public enum Origin: Hashable, Sendable {
    /// The image's own, found in its `PATH`.
    case image
    /// Fetched, by this build or one before, from the place that is named.
    case prebuilt(String)
  }

  public struct Tool: Hashable, Sendable {
    public var version: ToolVersion
    public var origin: Origin
    /// Why this one, in one line.
    public var reason: String
    /// The folder that holds `bin` and `lib`.
    public var root: String
  }

  /// Folders to be put first into the `PATH`, in this order; none where all is the image's.
  public var folders: [String]
  public var erlang: Tool
  /// Nil where none was asked for.
  public var elixir: Tool?
  /// Another one when any of the tools is another; does not tell where the cache lies.
  public var identity: String
  /// To be removed after the build: where the tools lie when the cache cannot be used.
  public var scratch: String?

  /// What the choice depends on.
  public struct Request {
    public var wishes: BuildWishes
    public var needsElixir: Bool
    /// The platform's variables: `PATH`, `STACK`, proxies.
    public var environment: [String: String]
    /// RELPACK_TOOLCHAIN_URL: another place with the layout of the Hex team's builds.
    public var url: String?
    /// A folder that lives between builds, such as `CACHE_DIR/reltui/toolchains`; nil where there is none.
    public var cache: String?
    /// The source, where version managers look for their files.
    public var source: String?
    public var interrupts: Signals?

    public init(
      wishes: BuildWishes, needsElixir: Bool, environment: [String: String], url: String? = nil,
      cache: String?, source: String? = nil, interrupts: Signals? = nil
    ) {
      self.wishes = wishes
      self.needsElixir = needsElixir
      self.environment = environment
      self.url = url
      self.cache = cache
      self.source = source
      self.interrupts = interrupts
    }
  }

  /// Takes the image's tools where they are what is wished for, else prebuilt ones.
  ///
  /// Without a wish and without tools in the image, the newest Elixir is taken, and the newest Erlang/OTP it was
  /// compiled for. What is in the cache and fits is taken without asking whether there is something newer.
  /// - Parameter say: gets a line about what is done, as it happens.
  /// - Throws: `RT-BUILD-TOOLCHAIN`, `RT-BUILD-DOWNLOAD`, `RT-BUILD-CHECKSUM`, `RT-BUILD-CONFIG` for a bad address,
  ///   `RT-BUILD-TOOL-MISSING` for a missing curl, `RT-DISK-FULL`, and `RT-BUILD-INTERRUPTED` with the fact `signal`.
  public static func resolve(_ request: Request, say: (String) -> Void) throws(Cause) -> Toolchain {
    let image = InstalledTools(environment: request.environment, in: request.source)
    if let erlang = image.erlang, request.wishes.erlang?.matches(erlang.version) ?? true {
      let elixir = image.elixir.flatMap { tool in
        request.wishes.elixir?.matches(tool.version) ?? true ? tool : nil
      }
      if !request.needsElixir || elixir != nil {
        return Toolchain(
          image: erlang, request.needsElixir ? elixir : nil, wishes: request.wishes)
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

  private init(
    image erlang: InstalledTools.Tool, _ elixir: InstalledTools.Tool?, wishes: BuildWishes
  ) {
    self.init(
      folders: [], erlang: Tool(image: erlang, "Erlang/OTP", wishes.erlang),
      elixir: elixir.map { Tool(image: $0, "Elixir", wishes.elixir) },
      identity: ([erlang] + [elixir].compactMap { $0 }).map(\.identity).joined(separator: "; "))
  }

  init(folders: [String], erlang: Tool, elixir: Tool?, identity: String) {
    self.folders = folders
    self.erlang = erlang
    self.elixir = elixir
    self.identity = identity
  }

  /// The cache's folder, or one for this build alone.
  private static func makeFolder(
    _ cache: String?, _ scratch: inout String?, _ say: (String) -> Void
  ) throws(Cause) -> String {
    var reason = "there is no cache"
    if let cache {
      do throws(PosixError) {
        try Files.makeFolder(cache, mode: 0o755)
        // A folder that is there may be one that cannot be written.
        let probe = cache + "/new-" + Random.hex(6)
        try Files.makeFolder(probe)
        try Files.remove(probe)
        return try Files.resolve(cache)
      } catch { reason = "\(error)" }
    }
    let folder = "/tmp/relpack-tools-" + Random.hex(6)
    do throws(PosixError) { try Files.makeFolder(folder, mode: 0o755) } catch {
      throw Cause(error, as: .buildUnwritable)
    }
    scratch = folder
    say("Erlang and Elixir are fetched for this build alone: \(reason)")
    return folder
  }
}

extension Toolchain.Tool {
  init(image tool: InstalledTools.Tool, _ name: String, _ wish: VersionWish?) {
    let why = wish.map { "\($0.place) wants \($0.text)" } ?? "no version is asked for"
    self.init(
      version: tool.version, origin: .image,
      reason: "\(name) \(tool.version) of the image (\(why))",
      root: tool.root)
  }
}
