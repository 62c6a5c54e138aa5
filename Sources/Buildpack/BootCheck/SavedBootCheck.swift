import JSONText
import Posix
import ReleaseModel

/// The result of a successful boot check, saved in the cache folder, so that a build in which nothing has changed need
/// not boot the slug again. A failed check is never saved. If the file is missing, damaged or untrusted, the slug is
/// booted.
struct SavedBootCheck: Codable, Equatable {
  var format = Self.format
  /// A digest of everything that can change the result of a boot check.
  var digest: String
  /// One result for each OTP release; all have booted.
  var results: [BootCheck.Result]

  static let format = 1
  static let file = "rehearsal.json"
  private static let greatestSize = 1 << 20

  /// - Returns: nil if the file is missing, belongs to another user, or is about another check.
  static func read(_ folder: String, digest: String, releases: [String]) -> [BootCheck.Result]? {
    guard let folder = try? File.open(folder, .folder),
      let file = try? File.open(Self.file, .read, in: folder), let info = try? file.info(),
      info.kind == .file, info.owner == User.id, info.mode & 0o022 == 0,
      info.size <= greatestSize, let bytes = try? file.readWhole(limit: greatestSize),
      let saved = try? JSON.decode(Self.self, from: bytes), saved.format == format,
      saved.digest == digest, saved.results.map(\.release) == releases,
      saved.results.allSatisfy(\.hasBooted)
    else { return nil }
    return saved.results
  }

  /// Saves the results if all releases booted. If the cache cannot be written, the next build boots the slug again.
  static func write(_ results: [BootCheck.Result], digest: String, to folder: String) {
    guard !results.isEmpty, results.allSatisfy(\.hasBooted) else { return }
    let saved = SavedBootCheck(digest: digest, results: results)
    let path = folder + "/" + file
    // A folder with this name would keep every later build from saving its result.
    if Files.isFolder(path) { try? Files.remove(path) }
    try? Files.replace(path, with: JSON.encode(saved))
  }

  static func digest(slug: String, _ request: BootCheck.Request) -> String {
    let hasNetwork = request.mode.hasNetwork
    var parts = [
      "slug", slug, "mode", request.mode.rawValue, "limit", String(request.limit),
      "relpack", BuildInputs.program, "arch", Manifest.Target.host.arch, "user", String(User.id),
      "apart", String(isApart(network: !hasNetwork, request.searchPath)),
      "name", request.config["RELEASE_NAME"] ?? "",
    ]
    for path in ["/etc/os-release", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/version"] {
      let bytes = (try? Files.read(path, limit: 1 << 16)) ?? []
      parts += [path, String(decoding: bytes, as: UTF8.self)]
    }
    parts += request.releases.flatMap { ["release", $0.name, $0.startCommand, $0.startArgument] }
    parts += request.processes.flatMap { ["process", $0.process, $0.command] }
    let placeholders = PlaceholderVars(request.variables, request.appJSON).values
    for values in [placeholders, request.mode == .real ? request.config : [:]] {
      parts += ["values"] + values.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    }
    parts += ["known"] + request.config.keys.sorted()
    var hash = SHA256()
    for part in parts { hash.update(Array("\(part.utf8.count):\(part)".utf8)) }
    return Hex.encode(hash.finish())
  }

  /// Whether this host allows the sandbox's namespaces now.
  private static func isApart(network: Bool, _ searchPath: String) -> Bool {
    let words = Isolation.entrance(network: network) + ["true"]
    let result = try? Invocation(words, environment: ["PATH": searchPath]).run(
      errors: .null, limit: 10_000)
    return result?.isSuccess == true
  }
}

extension BootCheck.Result {
  fileprivate var hasBooted: Bool { if case .started = outcome { true } else { false } }
}
