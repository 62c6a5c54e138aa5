import CommandLine
import ErlangDistribution
import Events
import HomeLayout
import NodeModel
import Observation

// What all commands share that come into a node.

extension Option {
  static let cookieFile = Option(
    "--cookie-file", value: "FILE", "the node's cookie; else as found, or in ~/.erlang.cookie")
  static let tlsOptions = Option(
    "--tls-options", value: "FILE", "for distribution over TLS: the node's own ssl_dist_optfile")

  static func timeout(_ standard: String) -> Option {
    Option("--timeout", value: "SECONDS", "how long to wait for it (default: \(standard))")
  }
}

extension CommandCall {
  /// Where nodes are, with what was said of them here. Another user's home holds no nodes of ours, unless it was named.
  func nodeLocator() throws(Cause) -> NodeLocator {
    var home: Home?
    do throws(Cause) { home = try self.home() } catch {
      if arguments["--home"] != nil { throw error }
    }
    let board = try home.map { home throws(Cause) in
      try LiveBoard.board(of: home, program: "relctl").board
    }
    return NodeLocator(
      home: home, board: board ?? Board(), environment: context.environment,
      cookieFile: arguments["--cookie-file"].map(context.absolute), tls: try tlsOptions())
  }

  private func tlsOptions() throws(Cause) -> TLSOptions? {
    guard let file = arguments["--tls-options"] else { return nil }
    do throws(TLSOptions.Unreadable) {
      return try TLSOptions(file: context.absolute(file))
    } catch { throw Cause(.nodeTLS, error.sentence) }
  }

  /// Milliseconds; nil where nothing was said.
  func timeout() throws(Cause) -> Int64? {
    try number("--timeout", in: 1...1_000_000, of: "seconds", remedy: "Write it as in: 30")
      .map { Int64($0) * 1000 }
  }

  func connect(_ node: KnownNode) throws(Cause) -> Client {
    let access = try node.access.get()
    do throws(DistributionError) {
      return try Client(to: access.address, cookie: access.cookie)
    } catch { throw Cause(error) }
  }

  /// Text of many lines, each fit for where it goes.
  func write(_ text: String) {
    let lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false)
      .map { shown(String(decoding: $0, as: UTF8.self)) }
    context.print(bytes: Array(lines.joined(separator: "\n").utf8))
  }
}

/// What a call prints: written as it comes, or kept for a report.
struct CallOutput {
  let call: CommandCall
  private(set) var kept = ""
  private var isLineOpen = false

  /// Bytes that are kept of it.
  private static let longest = 16 << 20

  init(_ call: CommandCall) { self.call = call }

  mutating func take(_ text: String) {
    if text.isEmpty { return }
    isLineOpen = text.utf8.last != 10
    if !call.wantsJSON {
      call.write(text)
    } else if kept.utf8.count < Self.longest {
      kept += text
    }
  }

  /// Shows the value, on a line of its own.
  mutating func end(node: String, value: String, milliseconds: Double) {
    if call.wantsJSON {
      call.print(
        json: CallReport(node: node, value: value, output: kept, ms: milliseconds))
    } else {
      call.write((isLineOpen ? "\n" : "") + value + "\n")
    }
  }

  /// Nothing follows what was printed.
  mutating func end() {
    if isLineOpen, !call.wantsJSON { call.write("\n") }
  }
}
