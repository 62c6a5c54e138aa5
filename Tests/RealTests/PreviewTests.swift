import Events
import HomeLayout
import JSONText
import Posix
import TestSupport
import Testing

/// Previews by the real programs: opened, updated, slept, closed, and what is left.
@Suite(.waitsForPrograms) struct PreviewTests {
  let stage: Stage

  init() throws {
    stage = try Stage("preview", router: true)
    try stage.does("deploy", "shop", try stage.writeTrafficSlug("own"))
  }

  private func refused(_ words: String...) throws -> String {
    let answer = try stage.run("relctl", words)
    #expect(answer.exit != .code(0), "\(words)")
    return answer.errors
  }

  /// A slug for previews, with scripts that leave files where every user may write.
  private func slug(_ name: String = "review", version: Int = 1, _ more: String = "") throws
    -> String
  {
    let path = try stage.writeTrafficSlug(name, version: version)
    try stage.folder.write(
      name + "/app.json",
      #"""
      {"reltui": {"observe": 0}, "env": {"PLAIN": "plain", "TOKEN": {"generator": "secret"}},
       "healthchecks": {"web": [{"type": "startup", "path": "/health"}]},
       "environments": {"review": {"env": {"PLAIN": "review"}\#(more)}}}
      """#)
    return path
  }

  private func report(_ name: String) throws -> PreviewReport {
    try JSON.decode(
      PreviewReport.self, from: Array(try stage.does("preview", "show", name, "--json").utf8))
  }

  private func get(_ host: String, _ path: String = "/", milliseconds: Int64 = 20_000) throws
    -> String
  {
    let port = try #require(
      PortRecord(text: String(decoding: try Files.read(stage.home.router.port), as: UTF8.self)))
    let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
    let answer = try Loopback.exchange(
      Array(request.utf8), port: port.port, milliseconds: milliseconds)
    return String(decoding: answer, as: UTF8.self)
  }

  /// Everything that a preview could leave: names in the home, config vars, routes, processes, files of other users.
  private func traces() throws -> [String] {
    let apps = try Files.list(stage.home.apps)
    let map = String(decoding: try Files.read(stage.home.router.path + "/local.map"), as: UTF8.self)
    let own = "HOME=\(stage.home.apps)/shop-pr-"
    let processes = ProcessTable.pids().filter {
      ProcessTable.environment(of: $0).contains { $0.hasPrefix(own) }
    }
    let mark = stage.folder.path + "/"
    let files = try ["/tmp", "/var/tmp", "/dev/shm"].flatMap { folder in
      try Files.list(folder, skippingOthers: true).filter { $0.hasPrefix("preview-test-") }
    }
    return apps + map.split(separator: "\n").map(String.init) + processes.map { "\($0)" } + files
      + (try Files.list(stage.home.slugs).filter { $0 != ".lock" }) + [mark]
  }

  @Test func opensUpdatesAndLeavesNothing() throws {
    let before = try traces()
    try stage.does("config", "shop", "set", "--preview", "FROM_PARENT=previews")
    let scripts = #"""
      , "scripts": {"postdeploy": "echo $PLAIN $FROM_PARENT >> /tmp/preview-test-$RELTUI_APP; echo x > /dev/shm/preview-test-$RELTUI_APP; (setsid sleep 600 &)",
                    "pr-predestroy": "echo $TOKEN > /var/tmp/preview-test-$RELTUI_APP"}
      """#
    let open = ["preview", "open", "--app", "shop", "--pr", "12"]
    let first = try stage.run("relctl", open + [try slug(scripts)])
    #expect(first.exit == .code(0), "\(first.errors)")
    let answer = try get("pr-12.shop.localhost")
    #expect(answer.contains(" 200 "))
    #expect(answer.lowercased().contains("x-robots-tag: noindex"))
    #expect(try report("shop-pr-12").state == .ready)
    // Another commit: the script runs no second time, the secret stays the same.
    let config = stage.home.app("shop-pr-12")
    let sets = try Files.list(config.configs)
    let second = try stage.run("relctl", open + [try slug(version: 2, scripts)])
    #expect(second.exit == .code(0), "\(second.errors)")
    #expect(try report("shop-pr-12").release == ReleaseNumber(2))
    #expect(try Files.list(config.configs) == sets)
    let opened = try stage.events().filter { $0.type == .previewOpened }
    #expect(opened.count == 1)
    if !User.isRoot {
      let said = try Files.read("/tmp/preview-test-shop-pr-12")
      #expect(String(decoding: said, as: UTF8.self) == "review previews\n")
    }
    let renewed = try stage.does("preview", "renew", "--app", "shop", "--pr", "12", "--json")
    #expect(renewed.contains(#""url":"http://pr-12.shop.localhost:"#), "\(renewed)")
    let closing = try stage.does("preview", "close", "shop-pr-12")
    #expect(closing.contains("removed: address pr-12.shop.localhost"), "\(closing)")
    // Where the preview has no uid of its own, what it leaves outside of the home is not known to be its.
    let after = try traces()
    if User.isRoot { #expect(after == before) }
    #expect(try get("pr-12.shop.localhost").contains(" 404 "))
    #expect(try stage.does("preview", "list", "--json") == "[]\n")
  }

  /// A preview gets nothing of its parent, and nothing that is another app's secret.
  @Test func inheritsNoConfig() throws {
    try stage.does(
      "config", "shop", "set", "DATABASE_URL=postgres://shop:s3cr3tpassword@db/shop",
      "TZ=Europe/Berlin")
    let errors = try refused(
      "config", "shop", "set", "--preview", "ECTO=postgres://shop:s3cr3tpassword@db/shop")
    #expect(errors.contains("the value of ECTO is shop's"))
    #expect(errors.contains("RT-CONFIG-FOREIGN"))
    #expect(!errors.contains("s3cr3t"))
    // What is no secret may be the same.
    try stage.does("config", "shop", "set", "--preview", "TZ=Europe/Berlin", "OWN=previews")
    // A value that becomes an app's secret later is refused when the preview is opened.
    try stage.does("config", "shop", "set", "--preview", "LATER=postgres://a:longpassword@db/x")
    try stage.does("deploy", "other", try stage.writeTrafficSlug("own"))
    try stage.does("config", "other", "set", "MINE=postgres://a:longpassword@db/x")
    let refusal = try refused("preview", "open", "--app", "shop", "--pr", "3", try slug())
    #expect(refusal.contains("the value of LATER is other's"))
    try stage.does("config", "shop", "unset", "--preview", "LATER")
    try stage.does("preview", "open", "--app", "shop", "--pr", "3", try slug())
    let run = try #require(try stage.ready().first { $0.app == "shop-pr-3" })
    let variables = ProcessTable.environment(of: try #require(run.pid))
    #expect(variables.isSuperset(of: ["PLAIN=review", "OWN=previews", "TZ=Europe/Berlin"]))
    #expect(!variables.contains { $0.contains("s3cr3t") || $0.hasPrefix("DATABASE_URL") })
    try stage.does("preview", "close", "shop-pr-3")
  }

  @Test func refusesWhatCannotBe() throws {
    let slug = try slug()
    try stage.does("deploy", "shop-pr-7", try stage.writeTrafficSlug("own"))
    let rows: [([String], String)] = [
      (["--app", "nosuch", "--pr", "1", slug], "RT-APP-UNKNOWN"),
      (["--app", "shop", "--pr", "0", slug], "RT-USAGE"),
      (["--app", "shop", "--pr", "x", slug], "RT-USAGE"),
      (["--app", "shop", "--pr", "1"], "RT-USAGE"),
      (["--app", "shop", "--pr", "1", slug, "--slug", "abc"], "RT-USAGE"),
      (["--app", "shop", "--pr", "1", "--lease", "1y", slug], "RT-USAGE"),
      (["--app", "shop", "--pr", "7", slug], "RT-PREVIEW-NAME"),
      (["--app", "shop", "--pr", "1", "--git", "ext::sh -c id"], "RT-GIT"),
      (["--app", "shop", "--pr", "1", "--git", "--upload-pack=id"], "RT-GIT"),
      (["--app", "shop", "--pr", "1", "--git", "https://a:b@x/y.git"], "RT-GIT"),
      (
        ["--app", "shop", "--pr", "1", "--git", "/nosuch", "--ref", "refs/pull/1/head"],
        "RT-PREVIEW-FORK"
      ),
      (["--app", "shop", "--pr", "1", "--git", "/nosuch", "--ref", "-x"], "RT-GIT"),
      (["--app", "shop", "--pr", "1", "--git", stage.folder.path + "/nosuch"], "RT-GIT"),
    ]
    for (words, id) in rows {
      let answer = try stage.run("relctl", ["preview", "open"] + words)
      #expect(
        answer.exit != .code(0) && answer.errors.contains("[\(id)]"), "\(words): \(answer.errors)")
    }
    for words in [
      ["show", "nosuch"], ["close", "shop"], ["renew", "--app", "shop", "--pr", "9"],
    ] {
      #expect(try stage.run("relctl", ["preview"] + words).errors.contains("[RT-PREVIEW-UNKNOWN]"))
    }
    try stage.does("preview", "set", "shop", "most=1")
    try stage.does("preview", "open", "--app", "shop", "--pr", "1", slug)
    #expect(
      try refused("preview", "open", "--app", "shop", "--pr", "2", slug).contains(
        "RT-PREVIEW-LIMIT"))
    #expect(
      try refused("preview", "open", "--app", "shop-pr-1", "--pr", "2", slug).contains(
        "is a preview itself"))
    try stage.does("domains", "shop", "add", "example.com")
    for host in ["*.example.com", "*.previews.example.com", "*.com"] {
      #expect(
        try refused("domains", "shop", "add", "--previews", host).contains("RT-DOMAIN"), "\(host)")
    }
    try stage.does("domains", "shop", "add", "--previews", "*.previews.example.org")
    #expect(
      try refused("domains", "shop", "add", "a.previews.example.org").contains("RT-DOMAIN-TAKEN"))
    #expect(try get("shop-pr-1.previews.example.org").contains(" 200 "))
    try stage.does("preview", "close", "shop-pr-1")
    try stage.does("stop", "shop-pr-7")
  }

  /// The lease ends although no agent ran meanwhile.
  @Test func leaseEndsWithoutAnAgent() throws {
    try stage.does("preview", "open", "--app", "shop", "--pr", "5", try slug())
    try stage.does("preview", "open", "--app", "shop", "--pr", "6", try slug())
    try stage.does("preview", "renew", "shop-pr-5", "--lease", "10s")
    try stage.does("preview", "renew", "shop-pr-6", "--lease", "10s")
    try stage.does("preview", "pin", "shop-pr-6")
    try stage.does("agent", "stop")
    let end = try #require(try report("shop-pr-5").until)
    #expect(eventually { Timestamp(milliseconds: Clock.now()) > end })
    #expect(try report("shop-pr-5").state == .ready)
    try stage.does("agent", "start")
    #expect(try eventually { try stage.events().contains { $0.type == .previewClosed } })
    let closed = try stage.events().filter { $0.type == .previewCloseRequested }
    #expect(closed.map(\.app) == ["shop-pr-5"])
    #expect(closed.first?.data.by == "lease")
    #expect(try report("shop-pr-6").pinned)
    try stage.does("preview", "renew", "shop-pr-6")
    #expect(try !report("shop-pr-6").pinned)
    try stage.does("preview", "close", "shop-pr-6")
  }

  /// Many clients wake it at once: all are answered, and it boots once. Also when no agent lives.
  @Test(arguments: [true, false]) func sleepsAndWakes(hasAgent: Bool) throws {
    try stage.does("preview", "open", "--app", "shop", "--pr", "8", try slug())
    try stage.does("router", "set", "shop-pr-8", "sleep=10s")
    #expect(try eventually(40_000) { try report("shop-pr-8").state == .asleep })
    #expect(try stage.ready().map(\.app) == ["shop"])
    if !hasAgent { try stage.killAgent() }
    let before = try stage.events().count
    let answers = Threads.collect(20) { _ in try? get("pr-8.shop.localhost", milliseconds: 60_000) }
    #expect(answers.allSatisfy { $0?.contains(" 200 ") == true })
    let after = try stage.events().dropFirst(before)
    #expect(after.filter { $0.type == .appWoke }.count == 1)
    #expect(after.filter { $0.type == .instanceStarting }.count == 1)
    try stage.does("preview", "close", "shop-pr-8")
  }
}
