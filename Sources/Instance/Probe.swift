import Posix
import ReleaseModel

/// What decides whether a run is ready.
public enum Gate: Hashable, Sendable {
  /// `GET path` on its port answers 2xx (and holds the text).
  case http(path: String, content: String?)
  /// The runtime says of itself (`init:get_status/0`) that it has started.
  case runtime

  /// The check that app.json names for the process type; without one the runtime is asked.
  public init(_ check: AppJSON.HealthCheck?) {
    if let path = check?.path {
      self = .http(path: path.hasPrefix("/") ? path : "/" + path, content: check?.content)
    } else {
      self = .runtime
    }
  }
}

/// One try at a gate, under way. It waits for nothing: whoever started it polls `descriptor` and calls `advance`.
public struct Probe: Sendable {
  public enum Verdict: Hashable, Sendable {
    case ready
    /// Not ready, and what was said instead.
    case notReady(String)
  }

  public let descriptor: Int32
  public let deadline: Int64
  private let gate: Gate
  private let file: File
  private var child: Child?
  private var answer: [UInt8] = []

  /// - Parameters:
  ///   - milliseconds: how long the try may take.
  ///   - status: the command that asks the runtime, for a run without a path.
  public init(_ gate: Gate, port: UInt16?, milliseconds: Int64, status: Invocation)
    throws(PosixError)
  {
    self.gate = gate
    deadline = Clock.monotonic() + milliseconds
    switch gate {
    case .http(let path, _):
      file = try Loopback.connect(port ?? 0, milliseconds: min(milliseconds, 10))
      // Some frameworks redirect what does not look like a request that came over TLS by name.
      let request =
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
        + "User-Agent: reltui\r\nAccept: */*\r\nConnection: close\r\n\r\n"
      try file.write(request)
    case .runtime:
      let (reading, writing) = try File.pipe()
      child = try Child.start(
        status, output: .file(writing), errors: .file(writing), newSession: true)
      file = reading
    }
    descriptor = file.descriptor
  }

  private static let longestAnswer = 65_536

  /// Reads what has come; nil while it is not decided. Ready is ready as soon as it is said, since a server may
  /// keep the connection open; anything else waits for the end of the answer or of the time.
  /// - Parameter isReadable: whether polling said that `descriptor` can be read.
  public mutating func advance(isReadable: Bool) -> Verdict? {
    var isOver = Clock.monotonic() >= deadline
    if isReadable {
      guard let part = try? file.read(upTo: 16_384) else {
        return end(.notReady("connection lost"))
      }
      answer += part
      isOver = isOver || part.isEmpty || answer.count > Self.longestAnswer
    }
    let verdict = answer.isEmpty && !isReadable ? .notReady("no answer in time") : verdict()
    return isOver || verdict == .ready ? end(verdict) : nil
  }

  private mutating func end(_ verdict: Verdict) -> Verdict {
    if let child {
      child.signal(9)
      _ = child.wait()
    }
    child = nil
    return verdict
  }

  private func verdict() -> Verdict {
    let text = String(decoding: answer, as: UTF8.self)
    switch gate {
    case .runtime:
      // `{started, started}` when the boot script is through and everything permanent runs.
      return text.hasPrefix("{started,")
        ? .ready
        : .notReady(String(text.split(separator: "\n").last ?? "the runtime does not answer"))
    case .http(_, let content):
      let head = text.split(separator: "\r\n", maxSplits: 1).first ?? ""
      let words = head.split(separator: " ")
      guard words.count > 1, words[0].hasPrefix("HTTP/"), let code = Int(words[1]) else {
        return .notReady("the answer is not HTTP")
      }
      let body = text.split(separator: "\r\n\r\n", maxSplits: 1).dropFirst().first ?? ""
      guard (200..<300).contains(code) else {
        let reason = body.split(separator: "\n").first.map { ": \($0)" } ?? ""
        return .notReady("\(code)\(reason)")
      }
      if let content, !body.contains(content) { return .notReady("\(code), without '\(content)'") }
      return .ready
    }
  }
}
