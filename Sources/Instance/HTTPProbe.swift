import Posix
import ReleaseModel

/// The check that decides whether a run is ready.
public enum Gate: Hashable, Sendable {
  /// `GET path` on the run's port answers 2xx, with the content if one is given.
  case http(path: String, content: String?)
  /// The node reports that it has booted and no application is starting.
  case runtime

  /// The health check that app.json has for the process type; without one the runtime is asked.
  public init(_ check: AppJSON.HealthCheck?) {
    if let path = check?.path {
      self = .http(path: path.hasPrefix("/") ? path : "/" + path, content: check?.content)
    } else {
      self = .runtime
    }
  }
}

/// A request in progress. It never blocks: the caller polls `descriptor` and calls `advance`.
public struct HTTPProbe: Sendable {
  public enum Verdict: Hashable, Sendable {
    case ready
    /// The server did not answer as it should; the text says how it answered.
    case notReady(String)
  }

  public let descriptor: Int32
  public let deadline: Int64
  private let content: String?
  private let file: File
  private var answer: [UInt8] = []

  /// Sends `GET path`.
  /// - Parameters:
  ///   - content: text that the answer must contain.
  ///   - milliseconds: the time limit.
  public init(
    path: String, content: String?, port: UInt16, milliseconds: Int64
  ) throws(PosixError) {
    self.content = content
    deadline = Clock.monotonic() + milliseconds
    file = try Loopback.connect(port, milliseconds: min(milliseconds, 10))
    // Some frameworks redirect requests that do not appear to have come over TLS with a host name.
    let request =
      "GET \(path) HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
      + "User-Agent: reltui\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    try file.write(request)
    descriptor = file.descriptor
  }

  private static let longestAnswer = 65_536

  /// Reads the answer as far as it has come; nil if more is needed. A ready answer counts at once, because a server may
  /// keep the connection open; any other answer is read to its end or to the time limit.
  /// - Parameter isReadable: whether polling reported that `descriptor` is readable.
  public mutating func advance(isReadable: Bool) -> Verdict? {
    var isOver = Clock.monotonic() >= deadline
    if isReadable {
      guard let part = try? file.read(upTo: 16_384) else {
        return .notReady("connection lost")
      }
      answer += part
      isOver = isOver || part.isEmpty || answer.count > Self.longestAnswer
    }
    let verdict = answer.isEmpty && !isReadable ? .notReady("no answer in time") : verdict()
    return isOver || verdict == .ready ? verdict : nil
  }

  private func verdict() -> Verdict {
    let text = String(decoding: answer, as: UTF8.self)
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
