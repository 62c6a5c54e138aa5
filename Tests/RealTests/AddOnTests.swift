import Events
import HomeLayout
import JSONText
import Posix
import TestSupport
import Testing

/// Add-ons of previews: the example for PostgreSQL against a real server, and hooks that fail.
@Suite(.serialized, .waitsForPrograms) final class AddOnTests: Sendable {
  let stage: Stage
  let hooks: String

  init() throws {
    try #require(User.isRoot, "this test needs root, to run a server as another user")
    stage = try Stage("addon")
    try Files.setMode(stage.folder.path, 0o755)
    hooks = stage.home.addOnHooks
    try stage.does("deploy", "shop", try stage.writeTrafficSlug("own"))
  }

  private func slug(_ name: String = "review", addons: String, script: String = "true") throws
    -> String
  {
    let path = try stage.writeTrafficSlug(name)
    try stage.folder.write(
      name + "/app.json",
      #"""
      {"reltui": {"observe": 0}, "healthchecks": {"web": [{"type": "startup", "path": "/health"}]},
       "environments": {"review": {"addons": \#(addons), "scripts": {"postdeploy": "\#(script)"}}}}
      """#)
    return path
  }

  private func install(_ name: String, _ provision: String, _ destroy: String = "exit 0") throws {
    for (hook, text) in [("provision", provision), ("destroy", destroy)] {
      try stage.folder.write(
        "home/hooks/addons/\(name)/\(hook)", "#!/bin/sh\n\(text)\n", mode: 0o755)
    }
  }

  /// Each preview has a database of its own, and can log in to no other; a close leaves none.
  @Test func databasesOfPreviews() throws {
    let server = try Server(in: stage.folder.path + "/pg")
    defer { server.stop() }
    try FileTree.copy(
      Workspace.root + "/docs/examples/addons/postgresql", to: hooks + "/postgresql")
    try stage.folder.write("home/hooks/addons/postgresql/settings", server.settings, mode: 0o600)
    let before = try server.databases()
    let slug = try slug(
      addons:
        #"["postgresql:small", {"plan": "postgresql", "as": "DB", "options": {"x": [1, "'; rm -rf /"]}}]"#,
      script:
        #"psql -qc 'create table visits (n int)' $DATABASE_URL && psql -qc 'create extension citext' $DATABASE_URL"#
    )
    // One add-on of a name: the second entry is the same database.
    for pull in ["1", "2"] {
      try stage.does("preview", "open", "--app", "shop", "--pr", pull, slug)
    }
    #expect(try server.databases() == (before + ["reltui_shop_pr_1", "reltui_shop_pr_2"]).sorted())
    let urls = try ["shop-pr-1", "shop-pr-2"].map { app in
      let run = try #require(try stage.ready().first { $0.app == app })
      let variables = ProcessTable.environment(of: try #require(run.pid))
      return String(try #require(variables.first { $0.hasPrefix("DATABASE_URL=") }).dropFirst(13))
    }
    #expect(server.logsIn(urls[0]) && server.logsIn(urls[1]))
    for other in ["postgres", "template1", "reltui_shop_pr_2"] {
      #expect(!server.logsIn(urls[0].replacing("/reltui_shop_pr_1", with: "/" + other)), "\(other)")
    }
    let events = try stage.events().map { String(decoding: JSON.encode($0), as: UTF8.self) }
    let password = try #require(
      urls[0].split(separator: ":").dropFirst(2).first?.split(separator: "@").first)
    #expect(!events.contains { $0.contains(password) })

    // A server that is down: the close says what is left, and is tried again.
    server.stop()
    let close = try stage.run("relctl", ["preview", "close", "shop-pr-1"])
    #expect(
      close.exit == .code(1) && close.errors.contains("[RT-PREVIEW-LEFTOVER]"), "\(close.errors)")
    #expect(close.errors.contains("the hook destroy of the add-on 'postgresql'"), "\(close.errors)")
    let report = try JSON.decode(
      PreviewReport.self, from: Array(try stage.does("preview", "show", "shop-pr-1", "--json").utf8)
    )
    #expect(report.state == .leftover)
    #expect(Files.exists(stage.home.app("shop-pr-1").path))
    try server.start()
    try stage.does("preview", "close", "shop-pr-1")
    try stage.does("preview", "close", "shop-pr-2")
    #expect(try server.databases() == before)
  }

  @Test func hooksThatFail() throws {
    let rows: [(name: String, provision: String, plan: String, says: String)] = [
      ("words", "echo hello", "words", "printed a line that is no NAME=VALUE"),
      ("port", "echo PORT=1", "port", "printed a line that is no NAME=VALUE"),
      ("down", "echo 'the server is down' >&2; exit 3", "down", "exit code 3: the server is down"),
      ("absent", "", "nosuch", "is no program"),
      ("name", "", "../evil", "is no plan of an add-on"),
      ("upper", "", "UPPER", "is no plan of an add-on"),
    ]
    for (index, row) in rows.enumerated() {
      try install(row.name, row.provision)
      let slug = try slug("bad-\(index)", addons: #"["\#(row.plan)"]"#)
      let answer = try stage.run(
        "relctl", ["preview", "open", "--app", "shop", "--pr", "\(index + 1)", slug])
      #expect(answer.exit == .code(1), "\(row.name)")
      #expect(
        answer.errors.contains(row.says) && answer.errors.contains("[RT-ADD-ON]"),
        "\(answer.errors)")
      try stage.does("preview", "close", "shop-pr-\(index + 1)")
    }
    // Options arrive on standard input, and nothing of the app in the arguments.
    try install(
      "echo", #"echo "GIVEN=$(cat) $# $ADDON_NAME $ADDON_PLAN $RELTUI_APP $RELTUI_PARENT""#)
    let tree = try slug("echo", addons: #"[{"plan": "echo:big", "options": {"a": "$(id)"}}]"#)
    let slug = String(
      try #require(try stage.does("build", tree).split(whereSeparator: \.isWhitespace).last))
    // Forks get only what is marked for them.
    let fork = try stage.run(
      "relctl", ["preview", "open", "--app", "shop", "--pr", "20", "--fork", "--slug", slug])
    #expect(
      fork.exit == .code(1) && fork.errors.contains("is not given to forks"), "\(fork.errors)")
    try stage.folder.write("home/hooks/addons/echo/forks", "")
    try stage.does("preview", "open", "--app", "shop", "--pr", "20", "--fork", "--slug", slug)
    let run = try #require(try stage.ready().first { $0.app == "shop-pr-20" })
    let given = ProcessTable.environment(of: try #require(run.pid)).first { $0.hasPrefix("GIVEN=") }
    #expect(given == #"GIVEN={"a":"$(id)"} 0 echo big shop-pr-20 shop"#)
    // A hook that others can write is not run.
    try Files.setMode(hooks + "/echo/destroy", 0o777)
    let close = try stage.run("relctl", ["preview", "close", "shop-pr-20"])
    #expect(close.errors.contains("can be written by others"), "\(close.errors)")
    try Files.setMode(hooks + "/echo/destroy", 0o755)
    try stage.does("preview", "close", "shop-pr-20")
  }
}

/// A PostgreSQL server of its own, as the user `postgres`.
private struct Server {
  let folder: String
  let port: UInt16
  private let programs: String

  init(in folder: String) throws {
    self.folder = folder
    port = try Loopback.freePort()
    let versions = try Files.list("/usr/lib/postgresql").compactMap { Int($0) }
    programs = "/usr/lib/postgresql/\(try #require(versions.max()))/bin"
    try Files.makeFolder(folder, mode: 0o755)
    let owned = try Invocation(
      ["chown", "postgres:postgres", folder], environment: ["PATH": Invocation.standardPath]
    ).run()
    #expect(owned.isSuccess, "\(owned.text)")
    try run([
      programs + "/initdb", "-D", folder + "/data", "--auth-local=peer",
      "--auth-host=scram-sha-256", "--no-sync",
    ])
    try start()
  }

  @discardableResult
  private func run(_ words: [String], by user: String = "postgres") throws -> Invocation.Result {
    let result = try Invocation(
      ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--init-groups"] + words, in: folder,
      environment: ["PATH": Invocation.standardPath, "LC_ALL": "C.UTF-8", "HOME": folder]
    ).run(limit: 60_000)
    if !result.isSuccess { throw Failed(text: result.text) }
    return result
  }

  struct Failed: Error { var text: String }

  func start() throws {
    let options = "-p \(port) -k \(folder) -c listen_addresses=127.0.0.1 -c fsync=off"
    try run([
      programs + "/pg_ctl", "-D", folder + "/data", "-l", folder + "/log", "-o", options, "-w",
      "start",
    ])
  }

  func stop() {
    _ = try? run([programs + "/pg_ctl", "-D", folder + "/data", "-m", "fast", "-w", "stop"])
  }

  var settings: String { "PGHOST=\(folder)\nPGPORT=\(port)\nURL_PORT=\(port)\n" }

  func databases() throws -> [String] {
    let answer = try run([
      "psql", "-h", folder, "-p", "\(port)", "-XAtc", "SELECT datname FROM pg_database ORDER BY 1",
    ])
    return answer.text.split(separator: "\n").map(String.init)
  }

  func logsIn(_ url: String) -> Bool { (try? run(["psql", "-XAtc", "SELECT 1", url])) != nil }
}
