import Events
import Posix

/// What a control group says of itself. cgroups(7)
public struct GroupReading: Hashable, Sendable {
  /// The limits that are in force.
  public var limits = Limits()
  /// Bytes in use.
  public var memory: Int?
  /// Processes and threads.
  public var pids: Int?
  /// Whether the kernel killed the group because it came to its own memory limit, and not because the host had no memory.
  public var wasKilledForMemory = false
  /// Whether a process or thread could not be started because of the limit.
  public var ranOutOfPids = false

  /// - Returns: nil if there is no such group.
  public init?(_ path: String) {
    guard let folder = try? File.open(path, .folder) else { return nil }
    func words(_ name: String) -> [String] {
      let bytes = (try? File.open(name, .read, in: folder).readToEnd(limit: 4096)) ?? []
      return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        .map(String.init)
    }
    func number(_ name: String) -> Int? { words(name).first.flatMap { Int($0) } }
    func count(_ word: String, in name: String) -> Int {
      let words = words(name)
      let place = words.firstIndex(of: word).map { $0 + 1 } ?? words.endIndex
      return place < words.endIndex ? Int(words[place]) ?? 0 : 0
    }
    limits = Limits(memory: number("memory.max"), pids: number("pids.max"))
    let quota = words("cpu.max").compactMap { Int($0) }
    if quota.count == 2, quota[1] > 0, (0..<1 << 40).contains(quota[0]) {
      limits.cpu = quota[0] * 1000 / quota[1]
    }
    (memory, pids) = (number("memory.current"), number("pids.current"))
    wasKilledForMemory =
      count("oom", in: "memory.events") > 0 && count("oom_kill", in: "memory.events") > 0
    ranOutOfPids = count("max", in: "pids.events") > 0
  }
}

extension GroupReading {
  /// Why a run ended, if it was a limit. The evidence is that of the cause that its output tells.
  public func cause(_ told: Cause, _ run: Board.Run, app: String) -> Cause? {
    let what = "\(run.instance) of \(run.release)"
    var cause: Cause
    if wasKilledForMemory, let limit = limits.memory {
      cause = Cause(
        .memoryLimit, "\(what) used more than its memory limit of \(ByteCount.text(limit))",
        remedy: remedy(.memory, limit, app), facts: ["limit": String(limit)])
    } else if ranOutOfPids, let limit = limits.pids, Self.tellsOfPids(told) {
      let ending = told.facts["ending"].map { " and \($0)" } ?? ""
      cause = Cause(
        .pidsLimit,
        "\(what) wanted more than its limit of \(Limits.Name.pids.words(limit))\(ending)",
        remedy: remedy(.pids, limit, app), facts: ["limit": String(limit)])
    } else {
      return nil
    }
    cause.facts.merge(told.facts) { $1 }
    cause.evidence = told.evidence
    return cause
  }

  /// Whether the output of the run tells that it could not start a process or thread. The kernel's count is of the run's
  /// whole life, so it does not say that the limit has to do with the end. fork(2), pthread_create(3)
  private static func tellsOfPids(_ told: Cause) -> Bool {
    let signs = [
      "Resource temporarily unavailable", "eagain", "EAGAIN", "system_limit", "Cannot fork",
      "Failed to create", "create thread",
    ]
    return ([told.sentence] + told.evidence.map(\.text)).contains { text in
      signs.contains { text.contains($0) }
    }
  }

  private func remedy(_ name: Limits.Name, _ limit: Int, _ app: String) -> String {
    let more = min(limit, name.range.upperBound / 2) * 2
    return "Give each instance more: relctl limits \(app) \(name.rawValue)=\(name.text(more))"
  }
}
