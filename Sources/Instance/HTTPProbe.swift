import Diagnosis
import Posix
import ReleaseModel

/// What a check by HTTP asks, and which answers pass.
public struct HTTPCheck: Hashable, Sendable {
  public var path: String
  public var host: String
  /// More headers, by name; they replace the usual ones.
  public var headers: [String: String]
  public var status: ClosedRange<Int>
  /// Text that the answer must contain.
  public var content: String?

  public init(
    path: String, host: String = "localhost", headers: [String: String] = [:],
    status: ClosedRange<Int> = 200...299, content: String? = nil
  ) {
    self.path = path.hasPrefix("/") ? path : "/" + path
    (self.host, self.headers, self.status, self.content) = (host, headers, status, content)
  }

  /// The request. Bytes of app.json that would break it are encoded or left out.
  var request: [UInt8] {
    let head = fields.map { "\($0.name): \($0.value)\r\n" }
    return Array("GET \(encodedPath) HTTP/1.1\r\n\(head.joined())\r\n".utf8)
  }

  /// The headers of the request.
  public var fields: [(name: String, value: String)] {
    // Some frameworks redirect requests that do not appear to have come over TLS with a host name.
    var all = [
      "Host": host, "X-Forwarded-Proto": "https", "User-Agent": "reltui", "Accept": "*/*",
      "Connection": "close",
    ]
    for (name, value) in headers where !name.isEmpty && name.utf8.allSatisfy(Self.isToken) {
      let usual = all.keys.first { $0.lowercased() == name.lowercased() }
      all[usual ?? name] = value
    }
    all["Connection"] = "close"
    // RFC 9112 recommends that Host comes first.
    let names = ["Host"] + all.keys.filter { $0 != "Host" }.sorted()
    return names.map { name in
      let value = (all[name] ?? "").utf8.filter { $0 >= 32 && $0 != 127 }
      return (name, String(decoding: value, as: UTF8.self))
    }
  }

  public var encodedPath: String {
    path.utf8.map { byte in
      byte > 32 && byte < 127
        ? String(UnicodeScalar(byte))
        : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  /// RFC 9110, 5.6.2
  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

/// The check that decides whether a run is ready.
public enum Gate: Hashable, Sendable {
  /// The answer to a request on the run's port.
  case http(HTTPCheck)
  /// The node reports that it has booted and no application is starting.
  case runtime

  /// The health check that app.json has for the process type; without one the runtime is asked.
  public init(_ check: AppJSON.HealthCheck?) {
    guard let check, let path = check.path else {
      self = .runtime
      return
    }
    let headers = (check.httpHeaders ?? []).map { ($0.name, $0.value) }
    let own = Dictionary(headers) { first, _ in first }
    let host = own.first { $0.key.lowercased() == "host" }?.value
    self = .http(
      HTTPCheck(
        path: path, host: host ?? "localhost", headers: own,
        status: check.status?.range ?? 200...299,
        content: check.content))
  }
}

/// A request in progress. It never blocks: the caller polls `descriptor` and calls `advance`.
public struct HTTPProbe: Sendable {
  public enum Verdict: Hashable, Sendable {
    case ready
    /// The server did not answer as it should.
    case notReady(CheckAnswer)
    /// The server did not answer at all.
    case silent(CheckAnswer)
  }

  public let descriptor: Int32
  public let deadline: Int64
  private let check: HTTPCheck
  private let milliseconds: Int64
  private let file: File
  private var answer = HTTPAnswer()
  private var searched = 0

  /// - Parameter milliseconds: the time limit.
  public init(_ check: HTTPCheck, port: UInt16, milliseconds: Int64) throws(PosixError) {
    (self.check, self.milliseconds) = (check, milliseconds)
    deadline = Clock.monotonic() + milliseconds
    file = try Loopback.connectToEither(port, milliseconds: min(milliseconds, 10))
    try file.write(check.request)
    descriptor = file.descriptor
  }

  private var question: String { "GET \(check.path)" }

  private var noAnswer: CheckAnswer {
    CheckAnswer(
      "\(question) gets no answer in \((milliseconds + 999) / 1000) s", question: question)
  }

  /// Reads the answer as far as it has come; nil if more is needed. The verdict is given as soon as it is certain, because
  /// a server may keep the connection open.
  /// - Parameter isReadable: whether polling reported that `descriptor` is readable.
  public mutating func advance(isReadable: Bool) -> Verdict? {
    if isReadable {
      guard let part = try? file.read(upTo: 16_384) else {
        return .silent(CheckAnswer("\(question): connection lost", question: question))
      }
      if part.isEmpty { answer.close() } else { answer.feed(part) }
      if let verdict = verdict(isLast: false) { return verdict }
    }
    if Clock.monotonic() < deadline { return nil }
    return verdict(isLast: true) ?? .silent(noAnswer)
  }

  /// - Parameter isLast: whether no more of the answer is waited for.
  private mutating func verdict(isLast: Bool) -> Verdict? {
    if answer.isBroken { return .notReady(CheckAnswer("\(question): the answer is not HTTP")) }
    guard answer.hasHeaders, let code = answer.code else { return nil }
    let isOver = answer.isOver || isLast
    if check.status.contains(code) {
      guard let content = check.content, !hasContent(content) else { return .ready }
      return isOver
        ? .notReady(CheckAnswer("\(question) answers \(code) without '\(content)'")) : nil
    }
    if let location = answer.location, (300..<400).contains(code) {
      return .notReady(.redirect(code, question, to: location))
    }
    guard isOver || answer.body.contains(UInt8(ascii: "\n")) || answer.body.count > 1000 else {
      return nil
    }
    let line = answer.body.prefix { $0 != UInt8(ascii: "\n") }
    return .notReady(.status(code, question, line: String(decoding: line, as: UTF8.self)))
  }

  /// Searches the part of the body that was not searched before.
  private mutating func hasContent(_ content: String) -> Bool {
    let wanted = Array(content.utf8)
    if wanted.isEmpty { return true }
    while searched + wanted.count <= answer.body.count {
      if answer.body[searched..<searched + wanted.count].elementsEqual(wanted) { return true }
      searched += 1
    }
    return false
  }
}
