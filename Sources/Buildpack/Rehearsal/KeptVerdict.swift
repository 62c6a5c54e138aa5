import DiskReserve
import JSONText
import Posix
import ReleaseModel

/// That a slug booted when it was last rehearsed, kept in the cache's folder, so that a build in which nothing has
/// changed need not boot it again. Only a boot that succeeded is kept. Whatever is wrong with the file costs a boot.
struct KeptVerdict: Codable, Equatable {
  var format = Self.format
  /// Of all that decides how a rehearsal ends.
  var digest: String
  /// One for each OTP release; all have booted.
  var results: [Rehearsal.Result]

  static let format = 1
  static let file = "rehearsal.json"
  private static let greatestSize = 1 << 20

  /// - Parameter releases: names of those that would be booted now.
  /// - Returns: nil where the file is not there, is not ours or tells of anything else.
  static func read(_ folder: String, digest: String, releases: [String]) -> [Rehearsal.Result]? {
    guard let folder = try? File.open(folder, .folder),
      let file = try? File.open(Self.file, .read, in: folder), let info = try? file.info(),
      info.kind == .file, info.owner == User.id, info.mode & 0o022 == 0,
      info.size <= greatestSize, let bytes = try? file.readWhole(limit: greatestSize),
      let kept = try? JSON.decode(Self.self, from: bytes), kept.format == format,
      kept.digest == digest, kept.results.map(\.release) == releases,
      kept.results.allSatisfy(\.hasBooted)
    else { return nil }
    return kept.results
  }

  /// Keeps it where all have booted. A cache that cannot be written costs the next build a boot.
  static func write(_ results: [Rehearsal.Result], digest: String, to folder: String) {
    guard !results.isEmpty, results.allSatisfy(\.hasBooted) else { return }
    let kept = KeptVerdict(digest: digest, results: results)
    let path = folder + "/" + file
    // A folder of that name would be in the way for ever.
    if Files.isFolder(path) { try? Files.remove(path) }
    try? Files.replace(path, with: JSON.encode(kept))
  }

  /// - Parameter slug: its id.
  static func digest(slug: String, _ request: Rehearsal.Request) -> String {
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
    let standIns = StandIns(request.variables, request.appJSON).values
    for values in [standIns, request.mode == .real ? request.config : [:]] {
      parts += ["values"] + values.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    }
    parts += ["known"] + request.config.keys.sorted()
    var hash = SHA256()
    for part in parts { hash.update(Array("\(part.utf8.count):\(part)".utf8)) }
    return Hex.encode(hash.finish())
  }

  /// Whether the place of its own is to be had now.
  private static func isApart(network: Bool, _ searchPath: String) -> Bool {
    let words = Isolation.entrance(network: network) + ["true"]
    let result = try? Invocation(words, environment: ["PATH": searchPath]).run(
      errors: .null, limit: 10_000)
    return result?.isSuccess == true
  }
}

extension Rehearsal.Result {
  fileprivate var hasBooted: Bool { if case .started = outcome { true } else { false } }
}
