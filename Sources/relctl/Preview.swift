import CommandLine
import Events
import HomeLayout
import Operations
import Posix

extension Option {
  fileprivate static let parent = Option("--app", value: "APP", "the app whose pull request it is")
  fileprivate static let pull = Option("--pr", value: "N", "the number of the pull request")
  /// The two that name a preview.
  static let pullRequest = [parent, pull]
  fileprivate static let lease = Option(
    "--lease", value: "TIME", "how long it stays, as in 7d, 36h or 90m")
}

extension Command {
  static let previewOpen = Command(
    CommandSyntax(
      "preview open", "[DIR|FILE] --app APP --pr N", count: 0...1,
      "open or update a preview of a pull request",
      details: """
        Examples: relctl preview open --app shop --pr 12 .
                  relctl preview open --app shop --pr 12 --slug 3f0c9d2a7e11
                  relctl preview open --app shop --pr 12 --git https://git.example.com/shop.git --ref fix

        A preview is an app of its own, shop-pr-12, at pr-12.shop.localhost. It has the config vars that
        relctl config shop set --preview has set, those of its add-ons and the defaults of app.json, and
        none of the app's own. Opening it again updates it and renews its lease; the newest request wins.

        Code of a fork needs --fork, and root: it is built and run as a user of its own, and gets no secret.
        """,
      options: Option.pullRequest + [
        Option("--slug", value: "SLUG", "a stored slug"),
        Option("--git", value: "URL", "build what this repository has"),
        Option("--ref", value: "REF", "the branch, tag or commit of --git"),
        Option("--fork", "the code is that of a fork"), .lease,
      ] + Option.buildVariables + [.detach, .json])
  ) { call throws(Cause) in
    try PreviewOpening(call).run()
  }

  static let previewList = Command(
    CommandSyntax(
      "preview list", "[APP]", count: 0...1, "show the previews, of one app or of all",
      options: [.json])
  ) { call throws(Cause) in
    let board = try call.board()
    let parent = call.arguments.positional.first
    if let parent { _ = try CommandCall.app(parent, on: board) }
    let now = Timestamp(milliseconds: Clock.now())
    let reports = board.previews(of: parent).compactMap { PreviewReport($0, now: now) }
    if call.wantsJSON { return call.report(json: reports) }
    if reports.isEmpty {
      call.context.print("no previews; open one with: relctl preview open --app APP --pr N DIR")
      return .success
    }
    let rows = reports.map { report in
      [
        report.app, report.state.rawValue, report.url ?? "–", report.leaseText(at: now),
        String(report.commit?.prefix(7) ?? "–"), call.shown(report.by ?? "–"),
        call.shown(report.cause?.sentence ?? report.line ?? ""),
      ]
    }
    let head = ["PREVIEW", "STATE", "URL", "LEASE", "COMMIT", "BY", ""]
    call.context.print(trimmed(Table.render([head] + rows)))
    return .success
  }

  static let previewShow = Command(
    CommandSyntax(
      "preview show", "[PREVIEW]", count: 0...1, "show one preview",
      details: "Name it as in shop-pr-12, or with --app and --pr.",
      options: Option.pullRequest + [.json])
  ) { call throws(Cause) in
    let now = Timestamp(milliseconds: Clock.now())
    guard let report = PreviewReport(try call.preview(), now: now) else { return .success }
    if call.wantsJSON { return call.report(json: report) }
    let rows: [[String?]] = [
      [
        "preview",
        "\(report.app), pull request \(report.pull) of \(report.parent)"
          + (report.fork ? ", a fork" : ""),
      ],
      ["state", report.state.rawValue], ["url", report.url],
      ["lease", report.until.map { "\(report.leaseText(at: now)), until \($0)" } ?? "pinned"],
      ["release", report.release.map { "\($0), slug \(report.slug?.prefix(12) ?? "")" }],
      ["commit", report.commit.map { "\($0.prefix(12)) \(report.line ?? "")" }],
      ["by", report.by], ["cause", report.cause?.sentence],
      ["", report.cause?.remedy],
    ]
    let known = rows.compactMap { row in row[1].map { [row[0] ?? "", call.shown($0)] } }
    call.context.print(trimmed(Table.render(known)))
    return .success
  }

  static let previewRenew = Command(
    CommandSyntax(
      "preview renew", "[PREVIEW]", count: 0...1, "begin a preview's lease anew",
      details: "Without --lease it has the length of before. A pinned preview has a lease again.",
      options: Option.pullRequest + [.lease, .detach, .json])
  ) { call throws(Cause) in
    let app = try call.preview()
    let lease = try call.lease() ?? app.preview?.lease ?? Board.Preview.usualLease
    return try call.request(RenewPreview(app: app.name, lease: lease))
  }

  static let previewPin = Command(
    CommandSyntax(
      "preview pin", "[PREVIEW]", count: 0...1, "keep a preview until it is closed",
      options: Option.pullRequest + [.detach, .json])
  ) { call throws(Cause) in
    try call.request(RenewPreview(app: try call.preview().name, lease: 0))
  }

  static let previewClose = Command(
    CommandSyntax(
      "preview close", "[PREVIEW]", count: 0...1,
      "remove a preview with everything that belongs to it",
      details: """
        Its script pr-predestroy runs first, for two minutes at most. Then its runs are stopped, and its
        add-ons, config vars, files, addresses and logs are removed, and its slug if nothing else needs it.
        What cannot be removed is named, and tried again every minute.
        """, options: Option.pullRequest + [.detach, .json])
  ) { call throws(Cause) in
    // CI closes each pull request, also one that has no preview.
    if call.arguments.positional.isEmpty {
      let (parent, number) = try call.pullRequest()
      let board = try call.board()
      _ = try CommandCall.app(parent, on: board)
      if board.preview(of: parent, pull: number) == nil {
        call.context.note("relctl: '\(parent)' has no preview of pull request \(number)")
        return call.wantsJSON
          ? call.report(json: ["app": PreviewName.of(parent, number), "state": "closed"]) : .success
      }
    }
    return try call.request(ClosePreview(app: try call.preview().name))
  }

  static let previewGC = Command(
    CommandSyntax(
      "preview gc", "[APP]", count: 0...1, "close the previews of pull requests that are over",
      details: """
        The agent closes a preview by itself when its lease ends. --keep names the pull requests of APP that
        are still open, or is none: previews of others are closed, also those whose closing CI has missed.
        """,
      options: [
        Option("--keep", value: "N,N…", "the pull requests of APP that are still open"),
        Option("--dry-run", "say what would be closed"), .detach, .json,
      ])
  ) { call throws(Cause) in
    try call.closeOverduePreviews()
  }

  static let previewSet = Command(
    CommandSyntax(
      "preview set", "APP NAME=VALUE…", count: 2...10,
      "change what holds for all previews of an app",
      details: PreviewSetting.allCases.map { "\($0.rawValue): \($0.meaning)" }.joined(
        separator: "\n"),
      options: [.detach, .json])
  ) { call throws(Cause) in
    let app = try call.app(call.target().app)
    var settings: [String: String] = [:]
    for word in call.arguments.positional.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw Cause(.usage, "'\(word)' is no NAME=VALUE", remedy: "Write it as in: most=30")
      }
      settings[String(parts[0])] = String(parts[1])
    }
    return try call.request(ChangePreviews(app: app.name, settings))
  }
}

extension CommandCall {
  /// The preview that the arguments name.
  func preview() throws(Cause) -> Board.App {
    let board = try board()
    guard let name = arguments.positional.first else {
      let (parent, number) = try pullRequest()
      _ = try Self.app(parent, on: board)
      guard let app = board.preview(of: parent, pull: number) else {
        throw Cause(.previewUnknown, "'\(parent)' has no preview of pull request \(number)")
      }
      return app
    }
    guard let app = board.apps[name], app.preview != nil else {
      throw Refusal.noPreview(name).cause
    }
    return app
  }

  func pullRequest() throws(Cause) -> (parent: String, number: Int) {
    guard let parent = arguments["--app"], arguments["--pr"] != nil else {
      throw Cause(
        .usage, "the pull request is missing", remedy: "Write it as in: --app shop --pr 12")
    }
    let number = try number(
      "--pr", in: 1...PreviewName.greatest, of: "a pull request", remedy: "As in: --pr 12")
    return (parent, number ?? 0)
  }

  func lease() throws(Cause) -> Int64? {
    guard let text = arguments["--lease"] else { return nil }
    guard let lease = LeaseText.milliseconds(text) else { throw Refusal.lease.cause }
    return lease
  }

  fileprivate func closeOverduePreviews() throws(Cause) -> Outcome {
    let board = try board()
    let now = Timestamp(milliseconds: Clock.now())
    if let name = arguments.positional.first { _ = try Self.app(name, on: board) }
    var overdue = board.previews(of: arguments.positional.first).filter {
      $0.preview?.isClosing == true || $0.preview?.until.map { $0 <= now } == true
    }
    if let words = arguments["--keep"] {
      guard let parent = arguments.positional.first else {
        throw Cause(.usage, "--keep needs the app", remedy: "As in: preview gc shop --keep 12,15")
      }
      _ = try Self.app(parent, on: board)
      // An empty list may be that of a program that has failed.
      let numbers = words == "none" ? [] : words.split(separator: ",").map { Int($0) }
      guard !numbers.contains(nil), !words.isEmpty else {
        throw Cause(
          .usage, "'\(words)' are no numbers of pull requests", remedy: "As in: --keep 12,15")
      }
      overdue = board.previews(of: parent).filter { !numbers.contains($0.preview?.pull) }
    }
    if arguments.has("--dry-run") {
      if wantsJSON { return report(json: overdue.map(\.name)) }
      for app in overdue { context.print("would close \(app.name)") }
      return .success
    }
    if wantsJSON {
      throw Cause(.usage, "--json prints what would be closed", remedy: "Add --dry-run.")
    }
    var outcome = Outcome.success
    for app in overdue {
      do throws(Cause) {
        let one = try request(ClosePreview(app: app.name))
        if one.exitCode != ExitCode.success { outcome = one }
      } catch {
        warn(error)
        outcome = Outcome(exitCode: ExitCode.failed, report: [])
      }
    }
    return outcome
  }
}
