import JSONText
import Posix
import ReleaseModel
import TestSupport
import Testing

/// Bad input gives one line with an id and the right exit code, and changes nothing.
@Suite(.waitsForPrograms) struct ErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var exit: Int32
    var id: String
    var line: String

    init(_ arguments: [String], _ exit: Int32, _ id: String, _ line: String) {
      (self.arguments, self.exit, self.id, self.line) = (arguments, exit, id, line)
    }

    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let cases: [Case] = [
    Case(
      ["deploy", "nosuch", "nosuchslug"], 69, "RT-SLUG-UNKNOWN",
      "there is no slug 'nosuchslug', nor a folder or file of that name"),
    Case(["deploy", "No Such", "x"], 64, "RT-APP-NAME", "'No Such' cannot be an app's name"),
    Case(["deploy", "../x", "y"], 64, "RT-APP-NAME", "'../x' cannot be an app's name"),
    Case(
      ["build", "/nonexistent"], 69, "RT-SOURCE-MISSING",
      "cannot build '/nonexistent': no such file or directory"),
    Case(
      ["build", "/proc"], 65, "RT-SOURCE-UNKNOWN",
      "'/proc' holds neither one project of mix or rebar3 nor a built OTP release"),
    Case(
      ["build", "bad"], 65, "RT-PROCFILE-FORMAT",
      "Procfile:2: there is no ':' between process type and command"),
    Case(
      ["build", "badjson"], 65, "RT-APPJSON-FORMAT", "app.json: 'formation' has the wrong type"),
    Case(["restart", "nosuch"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["rollback", "nosuch"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["promote", "nosuch", "shop"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["promote", "x", "x"], 64, "RT-USAGE", "'x' cannot be promoted to itself"),
    Case(["stop", "nosuch"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["rpc", "nosuch", "1"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["rpc", "x", "1", "--timeout", "0"], 64, "RT-USAGE", "'0' is no number of seconds"),
    Case(["node"], 64, "RT-USAGE", "'node' needs a command"),
    Case(["node", "info", "x"], 69, "RT-APP-UNKNOWN", "there is no app 'x'"),
    Case(["logs", "nosuch"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["limits", "x", "memory=5"], 69, "RT-APP-UNKNOWN", "there is no app 'x'"),
    Case(["scale", "x", "web=two"], 69, "RT-APP-UNKNOWN", "there is no app 'x'"),
    Case(
      ["config", "x", "set", "PORT=1"], 64, "RT-CONFIG-NAME",
      "'PORT' is set by reltui for each run and cannot be a config var"),
    Case(
      ["config", "x", "set", "1A=1"], 64, "RT-CONFIG-NAME",
      "'1A' cannot be the name of a config var"),
    Case(["slug", "inspect", "abcd"], 69, "RT-SLUG-UNKNOWN", "there is no slug 'abcd'"),
    Case(
      ["slug", "import", "nosuch"], 69, "RT-SOURCE-MISSING",
      "cannot import 'nosuch': no such file or directory"),
    Case(
      ["slug", "import", "bad"], 65, "RT-MANIFEST-FORMAT",
      "'bad' has no .reltui/manifest.json, neither at its top nor in app/"),
    Case(
      ["slug", "import", "bad/Procfile"], 65, "RT-SLUG-ARCHIVE",
      "'Procfile' cannot be unpacked: tar: This does not look like a tar archive"),
    Case(["deplyo"], 64, "RT-USAGE", "unknown command 'deplyo'; did you mean 'deploy'?"),
    Case(["ps", "--jsn"], 64, "RT-USAGE", "unknown option '--jsn'; did you mean '--json'?"),
    Case(["deploy"], 64, "RT-USAGE", "'deploy' needs APP SLUG|DIR|FILE"),
    Case(["ps", "a", "b"], 64, "RT-USAGE", "'b' is one argument too many"),
    Case(["logs", "x", "-n"], 64, "RT-USAGE", "'-n' needs a value"),
    Case(["events", "emit"], 64, "RT-USAGE", "'events emit' needs TYPE or --stdin"),
    Case(["events", "emit", "a.b", "--stdin"], 64, "RT-USAGE", "'a.b' cannot go with --stdin"),
    Case(["events", "emit", "done"], 64, "RT-EVENT-TYPE", "'done' cannot be the type of an event"),
    Case(
      ["events", "emit", "deploy.requested"], 64, "RT-EVENT-TYPE",
      "'deploy.…' are types of reltui's own"),
    Case(
      ["events", "emit", "a.b", "--app", "../x"], 64, "RT-APP-NAME",
      "'../x' cannot be an app's name"),
    Case(
      ["events", "emit", "a.b", "--data", "[]"], 65, "RT-EVENT-DATA",
      "the data is not a JSON object"),
    Case(
      ["events", "emit", "a.b", "--data", "{\"a\":01}"], 65, "RT-EVENT-DATA",
      "the data is not JSON (near byte 8)"),
    Case(["events", "--app", "nosuch"], 69, "RT-APP-UNKNOWN", "there is no app 'nosuch'"),
    Case(["events", "--since", "soon"], 64, "RT-USAGE", "'soon' is not a time"),
    Case(["events", "--since", "42"], 64, "RT-USAGE", "'42' is not a time"),
    Case(
      ["events", "--since", "1h", "--until", "2h"], 64, "RT-USAGE", "--until is before --since"),
    Case(
      ["events", "--until", "1h", "-f"], 64, "RT-USAGE", "--until cannot go with --follow"),
    Case(["events", "--after", "-1"], 64, "RT-USAGE", "'-1' is no number of an event"),
    Case(["events", "-n", "many"], 64, "RT-USAGE", "'many' is no number of lines"),
    Case(["events", "--lines=-1"], 64, "RT-USAGE", "'-1' is no number of lines"),
    Case(["events", "verify", "x"], 64, "RT-USAGE", "'x' is one argument too many"),
  ]

  @Test(arguments: cases) func errorsAreOneLineAndChangeNothing(_ given: Case) throws {
    let stage = try Stage("errors")
    for (name, file, text) in [
      ("bad", "Procfile", "web: x\nno colon\n"), ("badjson", "app.json", #"{"formation": 3}"#),
    ] {
      try Files.makeFolder("\(stage.folder.path)/\(name)")
      try Files.replace("\(stage.folder.path)/\(name)/mix.exs", with: [])
      try Files.replace("\(stage.folder.path)/\(name)/\(file)", with: Array(text.utf8))
    }
    let answer = try stage.run("relctl", given.arguments)
    let lines = answer.errors.split(separator: "\n")
    #expect(lines.first.map(String.init) == "relctl: \(given.line) [\(given.id)]")
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("  ") } && lines.count <= 2)
    #expect(answer.exit == .code(given.exit) && answer.output.isEmpty)
    #expect(!Files.exists(stage.home.root))
  }

  @Test func unwritableHomeIsReported() throws {
    let stage = try Stage("home")
    try Files.replace(stage.folder.path + "/file", with: [])
    let home = ["RELTUI_HOME": stage.folder.path + "/file/home"]
    let answer = try stage.run(
      "relctl", ["deploy", "greeter", try Greeter.slug.get()], environment: home)
    #expect(
      answer.exit == .code(69) && answer.errors.contains("[RT-HOME-UNWRITABLE]"), "\(answer.errors)"
    )
    let agent = try stage.run("relctl", ["agent"], environment: home)
    #expect(
      agent.exit == .code(69) && agent.errors.contains("[RT-HOME-UNWRITABLE]"), "\(agent.errors)")
  }

  @Test func everyCommandHasHelp() throws {
    let stage = try Stage("help")
    let all = try stage.relctl("help").lines
    let names = all.filter { $0.hasPrefix("  ") }.map { $0.split(separator: " ")[0] }
    #expect(Set(names).isSuperset(of: ["build", "deploy", "ps", "restart", "rollback", "agent"]))
    for name in Set(names) {
      let help = try stage.relctl(String(name), "--help")
      #expect(help.exit == .code(0) && help.output.contains("relctl \(name)"), "\(name)")
    }
  }
}
