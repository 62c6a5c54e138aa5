import Posix
import TestSupport
import Testing

/// `relctl node …` with real nodes outside any app.
@Suite(.waitsForPrograms) struct NodeCommandTests {
  struct Case: Sendable {
    var words: [String]
    var exit: Int32
    /// The standard output; for an error, how standard error begins after the program's name.
    var text: String

    init(_ words: [String], _ exit: Int32 = 0, _ text: String) {
      (self.words, self.exit, self.text) = (words, exit, text)
    }
  }

  static let calls: [Case] = [
    Case(["lists", "seq", "[1,3]"], 0, "[1,2,3]\n"),
    Case(
      ["erlang", "list_to_tuple", #"[[kernel, "text", <<"bin">>, #{a => 1}, {1.5, []}]]"#], 0,
      #"{kernel,"text",<<"bin">>,#{a => 1},{1.5,[]}}"# + "\n"),
    Case(["erlang", "make_tuple", "[0, x]."], 0, "{}\n"),
    Case(["io", "format", #"["a~nb ~p", [x]]"#], 0, "a\nb x\nok\n"),
    Case(["io", "put_chars", #"[<<"ä"/utf8, "\n">>]"#], 0, "ä\nok\n"),
    Case(["foo", "bar"], 1, "foo:bar/0 is not there: undef [RT-NODE-CALL]"),
    Case(["lists", "map", "[a, b]"], 1, "lists:map/2 failed: function_clause [RT-NODE-CALL]"),
    Case(["erlang", "+", "[1, a]"], 1, "erlang:'+'/2 failed: badarith [RT-NODE-CALL]"),
    Case(["erlang", "exit", "[{gone, 1}]"], 1, "erlang:exit/1 exited: {gone,1} [RT-NODE-CALL]"),
    Case(["erlang", "throw", "[ball]"], 1, "erlang:throw/1 threw ball [RT-NODE-CALL]"),
    Case(
      ["timer", "sleep", "[60000]", "--timeout", "1"], 75,
      "timer:sleep/1 has not returned within 1 s [RT-NODE-SILENT]"),
  ]

  @Test(arguments: [Beam.Runtime.otp25, .otp28])
  func callsPrintAValueOrOneSentence(_ runtime: Beam.Runtime) throws {
    let stage = try Stage("calls")
    let beam = try Beam(runtime, name: "called-\(Random.hex(4))")
    for item in Self.calls {
      let answer = try stage.run("relctl", ["node", "rpc", beam.name] + item.words)
      #expect(answer.exit == .code(item.exit), "\(item.words) \(answer.errors)")
      if item.exit == 0 {
        #expect(answer.output == item.text && answer.errors.isEmpty, "\(item.words)")
      } else {
        #expect(answer.errors.hasPrefix("relctl: \(item.text)\n"), "\(answer.errors)")
      }
      #expect(!(answer.output + answer.errors).contains(beam.cookie))
    }
    // The value is printed once, whatever the number of calls.
    let measured = try stage.relctl("node", "rpc", beam.name, "erlang", "node", "--repeat", "20")
    #expect(measured.output == "'\(beam.name)'\n")
    #expect(measured.errors.hasPrefix("20 calls in ") && measured.errors.contains("p99"))
    let facts = try stage.relctl("node", "rpc", beam.name, "io", "nl", "--json").output
    #expect(facts.contains(#""output":"\n","value":"ok""#), "\(facts)")
  }

  @Test func badArgumentsAreRefused() throws {
    let stage = try Stage("refused")
    let beam = try Beam(name: "guarded-\(Random.hex(4))")
    let (wrong, open) = (stage.folder.path + "/wrong", stage.folder.path + "/open")
    try stage.folder.write("wrong", "another-cookie", mode: 0o400)
    try stage.folder.write("open", beam.cookie, mode: 0o644)
    let call = ["erlang", "node"]
    let nobody = "nobody-\(Random.hex(4))@127.0.0.1"
    let epmd = ["ERL_EPMD_PORT": "\(beam.epmdPort)"]
    let cases: [Case] = [
      Case(
        [beam.name] + call + ["--cookie-file", wrong], 69,
        "\(beam.name) does not accept our cookie [RT-NODE-COOKIE]"),
      Case(
        [beam.name] + call + ["--cookie-file", open], 69,
        "the cookie file '\(open)' may be read by others than its owner [RT-COOKIE-FILE]\n"
          + "  Make it its owner's alone: chmod 400 '\(open)'"),
      Case(
        [nobody] + call + ["--cookie-file", wrong], 69,
        "the epmd of 127.0.0.1 (port \(beam.epmdPort)) knows no node"),
      Case([nobody] + call, 69, "no cookie is known for '\(nobody)'"),
      Case(["\(beam.name):1"] + call, 69, "\(beam.name) cannot be reached on port 1"),
      Case(["nobody"] + call, 64, "'nobody' is no node's name [RT-NODE-NAME]"),
      Case(
        [beam.name] + call + ["[a"], 64,
        "the arguments cannot be read: unexpected end at line 1, column 3 [RT-USAGE]"),
      Case([beam.name] + call + ["{a}"], 64, "the arguments are no list: {a} [RT-USAGE]"),
      Case([beam.name] + call + ["--repeat", "0"], 64, "'0' is no number of calls [RT-USAGE]"),
      Case([beam.name] + call + ["--timeout", "x"], 64, "'x' is no number of seconds [RT-USAGE]"),
      Case(
        [beam.name, String(repeating: "m", count: 256), "f"], 64,
        "the call cannot be sent: can't encode: atom of 256 characters [RT-USAGE]"),
    ]
    for item in cases {
      let answer = try stage.run("relctl", ["node", "rpc"] + item.words, environment: epmd)
      #expect(answer.exit == .code(item.exit), "\(item.words) \(answer.errors)")
      #expect(answer.errors.hasPrefix("relctl: \(item.text)"), "\(answer.errors)")
      #expect(!answer.errors.contains(beam.cookie) && answer.output.isEmpty)
    }
  }

  @Test func nodesAreListedWithTheirKind() throws {
    let stage = try Stage("list")
    let beam = try Beam(
      name: "listed-\(Random.hex(4))", arguments: ["-kernel", "my_secret", "abc"])
    let frozen = try Beam(name: "frozen-\(Random.hex(4))")
    frozen.signal(.stop)
    let table = try stage.relctl("node", "list")
    #expect(table.exit == .code(0))
    let row = try #require(table.lines.first { $0.hasPrefix(beam.name) })
    #expect(row.contains("pid \(beam.pid) (") && row.contains(" 25 ") && row.hasSuffix("up"))
    // A node that does not answer is listed too.
    #expect(table.lines.contains { $0.hasPrefix(frozen.name) && !$0.hasSuffix("up") })
    let note = try #require(table.lines.first { $0.hasPrefix("\(frozen.name): ") })
    #expect(note.hasSuffix("[RT-NODE-SILENT]"), "\(note)")
    let listed = try stage.relctl("node", "list", "--json").output
    #expect(listed.contains(#""node":"\#(beam.name)""#))

    let info = try stage.relctl("node", "info", beam.name)
    #expect(info.exit == .code(0), "\(info.errors)")
    for text in ["OTP 25, ERTS 13", "1  kernel", "2  stdlib", "processes", "-name \(beam.name)"] {
      #expect(info.output.contains(text), "\(text)")
    }
    #expect(info.lines.contains { $0.contains("my_secret") && $0.hasSuffix("«masked»'") })
    let facts = try stage.relctl("node", "info", beam.name, "--json").output
    #expect(facts.contains(#""ready":true"#) && facts.contains(#""settings":{"#))
    #expect(!(info.output + facts + table.output).contains(beam.cookie))
    frozen.signal(.cont)
    let down = try stage.relctl("node", "info", "nobody-\(Random.hex(4))@127.0.0.1")
    #expect(down.exit == .code(69) && down.errors.contains("[RT-COOKIE-FILE]"), "\(down.errors)")
  }

  @Test(arguments: [Beam.Runtime.otp25, .otp28])
  func remoteShellHasNoCookieInItsArguments(_ runtime: Beam.Runtime) throws {
    let stage = try Stage("shell")
    let beam = try Beam(runtime, name: "shelled-\(Random.hex(4))")
    let refused = try stage.relctl("node", "remote", beam.name)
    #expect(refused.exit == .code(69) && refused.errors.contains("[RT-TERMINAL]"))
    let terminal = try ProgramTerminal(
      "relctl", ["node", "remote", beam.name],
      environment: stage.environment.merging(["TERM": "xterm"]) { $1 })
    #expect(terminal.wait(for: "(\(beam.name))1>"))
    terminal.type("6 * 7.\r")
    #expect(terminal.wait(for: "42"))
    let shell = try #require(Self.process(with: ["-remsh", beam.name]))
    let home = try #require(
      ProcessTable.environment(of: shell).first { $0.hasPrefix("HOME=/tmp/reltui-remote-") })
    let folder = String(home.dropFirst(5))
    #expect(try Files.info(folder + "/.erlang.cookie")?.mode == 0o400)
    #expect(!ProcessTable.environment(of: shell).contains { $0.contains(beam.cookie) })
    for process in ProcessTable.all() {
      #expect(!Self.words(of: process.pid).contains { $0.contains(beam.cookie) })
    }
    terminal.signal(.term)
    #expect(try terminal.exit() != nil)
    #expect(!Files.exists(folder))
    #expect(!terminal.rest().contains(beam.cookie))
    #expect(try beam.eval("6 * 7") == "42")
  }

  private static func process(with words: [String]) -> Int32? {
    ProcessTable.all().map(\.pid).first { pid in
      let own = self.words(of: pid)
      return own.first?.hasSuffix("beam.smp") == true && words.allSatisfy(own.contains)
    }
  }

  private static func words(of pid: Int32) -> [String] {
    let bytes = (try? Files.read("/proc/\(pid)/cmdline", limit: 1 << 20)) ?? []
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}
