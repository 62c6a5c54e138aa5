import CommandLine
import Dashboard
import ErlangDistribution
import Events
import HomeLayout
import PlainText
import Posix
import Terminal

/// The arguments of `reltui`.
struct DashboardOptions {
  static let command = CommandSyntax(
    "", "", "Shows the apps of this host: releases, instances, boot order, logs and events.",
    details: """
      Restart is under R and rollback under B, both ask first; ? shows all keys.
      Without a terminal, print one frame: reltui --once
      """,
    options: [
      Option("--once", "print one frame and leave"),
      Option(
        "--view", value: "NAME",
        "first view: " + ViewName.allCases.map(\.rawValue).joined(separator: ", ")),
      Option("--app", value: "NAME", "select this app"),
      Option("--node", value: "NAME@HOST[:PORT]", "watch this node; may be given several times"),
      Option("--cookie-file", value: "FILE", "the cookie of the nodes named"),
      Option(
        "--tls-options", value: "FILE",
        "the node's own ssl_dist_optfile, for distribution over TLS"),
      Option("--size", value: "80x24", "size of the frame that --once prints"),
      Option(
        "--json",
        "print the instances as JSON, as relctl ps --json does, or what named nodes say, and leave"),
      Option("--at", value: "TIME", "as it was then: 07:05, 2h (ago), RFC 3339, or event number"),
      Option("--read-only", "refuse everything that changes something"),
      Option("--theme", value: "NAME|FILE", "colours: dark, light or a file"),
      Option("--version", "show the version"),
    ])

  var isOnce: Bool
  var isJSON: Bool
  var isReadOnly: Bool
  var at: HistoryPoint?
  /// The first view; nil to let the dashboard choose.
  var view: ViewName?
  var app: String?
  /// Nodes to watch, as they were typed.
  var nodes: [String]
  var cookieFile: String?
  var tls: TLSOptions?
  var size: Size?
  var palette: Palette
  var home: Home

  init(_ arguments: Arguments, _ context: Context) throws(Cause) {
    isOnce = arguments.has("--once")
    isJSON = arguments.has("--json")
    at = try arguments["--at"].map { text throws(Cause) in try HistoryPoint(typed: text) }
    isReadOnly = arguments.has("--read-only")
    view = try Self.view(arguments["--view"])
    app = arguments["--app"]
    nodes = arguments.allValues["--node"] ?? []
    cookieFile = arguments["--cookie-file"].map(context.absolute)
    tls = try arguments["--tls-options"].map { file throws(Cause) in
      do throws(TLSOptions.Unreadable) {
        return try TLSOptions(file: context.absolute(file))
      } catch { throw Cause(.nodeTLS, error.sentence) }
    }
    if at != nil, !nodes.isEmpty {
      throw Cause(.usage, "--node and --at do not go together: nodes are asked now")
    }
    size = try arguments["--size"].map(Self.size)
    palette = try Self.palette(arguments["--theme"], context)
    home = try context.home(arguments["--home"])
  }

  private static func view(_ word: String?) throws(Cause) -> ViewName? {
    guard let word else { return nil }
    if let view = ViewName(word: word) { return view }
    let names = ViewName.allCases.map(\.rawValue)
    let near =
      Spelling.nearest(to: word, among: names).first.map { "; did you mean '\($0)'?" } ?? ""
    throw Cause(
      .usage, "there is no view '\(word)'\(near)",
      remedy: "The views are: " + names.joined(separator: ", "))
  }

  private static func size(_ text: String) throws(Cause) -> Size {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let columns = parts[0], let rows = parts[1], columns > 0, rows > 0,
      columns <= Size.largest.columns, rows <= Size.largest.rows
    else {
      throw Cause(.usage, "'\(text)' is no size", remedy: "Write columns x rows: --size 80x24")
    }
    return Size(columns: columns, rows: rows)
  }

  private static func palette(_ name: String?, _ context: Context) throws(Cause) -> Palette {
    let name = name ?? BuiltInTheme.dark.rawValue
    if let theme = BuiltInTheme(rawValue: name) { return try parse(theme.text, file: theme.file) }
    let bytes: [UInt8]
    do throws(PosixError) { bytes = try Files.read(context.absolute(name), limit: 1 << 20) } catch {
      let names = BuiltInTheme.allCases.map(\.rawValue).joined(separator: " and ")
      throw Cause(.theme, "\(error)", remedy: "The themes \(names) are built in.")
    }
    return try parse(String(decoding: bytes, as: UTF8.self), file: name)
  }

  private static func parse(_ text: String, file: String) throws(Cause) -> Palette {
    do throws(ThemeError) { return try Palette(theme: text, file: file) } catch {
      throw Cause(.theme, error.sentence, remedy: error.remedy)
    }
  }
}
