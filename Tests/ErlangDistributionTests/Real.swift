import ErlangTerm
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

/// Real nodes that several tests talk to; they end with the test process.
enum Real {
  static let runtimes: [Beam.Runtime] = [.otp25, .otp28]
  private static let otp25 = Result { try start(.otp25) }
  private static let otp28 = Result { try start(.otp28) }

  private static func start(_ runtime: Beam.Runtime) throws -> Beam {
    try Beam(runtime, name: "shared", paths: ["/usr/lib/elixir/lib/elixir/ebin"])
  }

  static func node(_ runtime: Beam.Runtime) throws -> Beam {
    switch runtime {
    case .otp25: try otp25.get()
    case .otp28: try otp28.get()
    }
  }

  static func client(_ runtime: Beam.Runtime) throws -> Client { try node(runtime).client() }
}

extension Beam {
  var address: NodeAddress { NodeAddress(name: .test(name), door: .epmd(port: epmdPort)) }

  func client() throws -> Client { try Client(to: address, cookie: .test(cookie)) }

  /// A connection whose hands are shaken.
  func connect() throws -> Connection {
    var connection = try Connection(to: address, cookie: .test(cookie))
    try connection.shakeHands()
    return connection
  }
}

extension Client {
  mutating func value(_ module: String, _ function: String, _ arguments: [Term] = []) throws -> Term
  {
    let answer = try call(RemoteCall(module, function, arguments))
    guard let value = answer.value else { throw Played.Odd(text: answer.complaint ?? "") }
    return value
  }

  /// Evaluates Erlang; its tokens and forms travel too.
  mutating func eval(_ text: String) throws -> Term {
    let forms = try forms(text)
    let answer = try value("erl_eval", "exprs", [forms, .list([])])
    guard let parts = answer.tuple, parts.count > 1 else { throw Played.Odd(text: "\(answer)") }
    return parts[1]
  }

  mutating func forms(_ text: String) throws -> Term {
    let scanned = try value("erl_scan", "string", [.charlist(text + ".")])
    guard let tokens = scanned.tuple, tokens.count > 1 else { throw Played.Odd(text: "\(scanned)") }
    let parsed = try value("erl_parse", "parse_exprs", [tokens[1]])
    guard let forms = parsed.tuple, forms.count > 1 else { throw Played.Odd(text: "\(parsed)") }
    return forms[1]
  }
}
