import Testing

@testable import ReleaseModel

@Suite struct OTPReleaseFaultTests {
  static let folder = "releases/0.1.0"
  static let rel = "\(folder)/demo_relx.rel"
  static let app = "lib/demo_relx-0.1.0/ebin/demo_relx.app"
  static let boot = "\(folder)/start.boot"

  static func relFile(
    name: String = "demo_relx", version: String = "0.1.0", _ applications: String
  ) -> String {
    "{release,{\"\(name)\",\"\(version)\"},{erts,\"13.1.5\"},[\(applications)]}."
  }

  @Test func faultsNameTheirFile() {
    let (folder, rel, app, boot) = (Self.folder, Self.rel, Self.app, Self.boot)
    let data = "releases/start_erl.data"
    let cases: [((inout OTPReleaseFiles) -> Void, OTPReleaseError)] = [
      ({ $0[data] = nil }, .missing(files: [data])),
      ({ $0[data] = "" }, .unexpected(file: data, expected: .startErlData)),
      ({ $0[data] = "13 0.1.0 x" }, .unexpected(file: data, expected: .startErlData)),
      ({ $0.set(data, [0xFF, 32, 49]) }, .unexpected(file: data, expected: .startErlData)),
      ({ $0[data] = "13 ../.." }, .unsafeName(file: data, name: "../..")),
      ({ $0[data] = "13 a/b" }, .unsafeName(file: data, name: "a/b")),
      ({ $0[data] = "13 -x" }, .unsafeName(file: data, name: "-x")),
      (
        { $0[rel] = nil },
        .missing(files: ["\(folder)/NAME.rel", "releases/NAME.rel"])
      ),
      (
        { $0[rel] = "{a,\n b" },
        .malformed(file: rel, .text(.unexpectedEnd, line: 2, column: 3))
      ),
      ({ $0[rel] = "{release,a}." }, .unexpected(file: rel, expected: .releaseResource)),
      ({ $0[rel] = "a. b." }, .unexpected(file: rel, expected: .releaseResource)),
      (
        { $0[rel] = Self.relFile("{kernel,1}") },
        .unexpected(file: rel, expected: .releaseResource)
      ),
      (
        { $0[rel] = Self.relFile("{kernel,\"1\",always}") },
        .unexpected(file: rel, expected: .releaseResource)
      ),
      (
        { $0[rel] = Self.relFile("{kernel,\"1\",[1]}") },
        .unexpected(file: rel, expected: .releaseResource)
      ),
      (
        { $0[rel] = Self.relFile("{kernel,\"1\",[],load}") },
        .unexpected(file: rel, expected: .releaseResource)
      ),
      (
        { $0[rel] = Self.relFile(version: "0.2.0", "{kernel,\"1\"}") },
        .unexpected(file: rel, expected: .version("0.1.0"))
      ),
      ({ $0[rel] = Self.relFile("{'../../x',\"1\"}") }, .unsafeName(file: rel, name: "../../x")),
      ({ $0[rel] = Self.relFile("{kernel,\"1/2\"}") }, .unsafeName(file: rel, name: "1/2")),
      ({ $0[rel] = Self.relFile("{kernel,\"\"}") }, .unsafeName(file: rel, name: "")),
      ({ $0[rel] = Self.relFile(name: "..", "") }, .unsafeName(file: rel, name: "..")),
      ({ $0[rel] = Self.relFile(name: "a;b", "") }, .unsafeName(file: rel, name: "a;b")),
      (
        { $0[rel] = Self.relFile("{a,\"1\"},{a,\"2\"}") },
        .listedTwice(file: rel, application: "a")
      ),
      (
        { $0[rel] = Self.relFile("{kernel,\"8.5.3\"}") },
        .notListed(file: boot, application: "stdlib")
      ),
      (
        { $0["\(folder)/b.rel"] = $0[rel] },
        .ambiguous(directory: folder, files: ["b.rel", "demo_relx.rel"])
      ),
      (
        {
          $0[boot] = nil
          $0["\(folder)/start.script"] = nil
        },
        .missing(files: [
          boot, "\(folder)/demo_relx.boot", "\(folder)/start.script",
          "\(folder)/demo_relx.script",
        ])
      ),
      ({ $0.set(boot, [131, 80]) }, .malformed(file: boot, .external(.compressed, offset: 1))),
      ({ $0.set(boot, [131, 106]) }, .unexpected(file: boot, expected: .bootScript)),
      (
        { $0[app] = "{application,other,[]}." },
        .unexpected(file: app, expected: .applicationResource(name: "demo_relx"))
      ),
      (
        { $0[app] = "{application,demo_relx,[{applications,[\"x\"]}]}." },
        .unexpected(file: app, expected: .applicationResource(name: "demo_relx"))
      ),
      (
        { $0[app] = "{application,demo_relx,\n [}." },
        .malformed(file: app, .text(.unexpected("}"), line: 2, column: 3))
      ),
      ({ $0["bin/demo_relx"] = nil }, .missing(files: ["bin/demo_relx"])),
      (
        {
          $0["bin/nodetool"] = nil
          $0["releases/RELEASES"] = nil
        },
        .unknownKind
      ),
    ]
    for (index, (change, fault)) in cases.enumerated() {
      var files = OTPReleaseFiles(fixture: "relx")
      change(&files)
      #expect(throws: fault, "case \(index)") { try files.release() }
    }
  }

  @Test func absentApplicationIsMissing() {
    var files = OTPReleaseFiles(fixture: "mix")
    files["lib/iex-1.14.0/ebin/iex.app"] = nil
    #expect(throws: OTPReleaseError.missing(files: ["lib/iex-1.14.0/ebin/iex.app"])) {
      try files.release()
    }
  }

  @Test func readErrorsNameTheirFile() {
    struct Denied: Error, CustomStringConvertible { var description: String { "denied" } }
    let file = "releases/start_erl.data"
    #expect(throws: OTPReleaseError.unreadable(file: file, reason: "denied")) {
      try OTPRelease(read: { _ in throw Denied() }, list: { _ in [] })
    }
  }

  @Test func otherInstructionsAreNotABootScript() {
    let file = "start.script"
    let cases = [
      "[{apply,{application,start_boot,[]}}]", "[{apply,{application,start_boot,[a,b]}}]",
      "[{apply,{application,start_boot,[a,permanent,x]}}]", "[{apply,{application,load,[a]}}]",
      "[{kernelProcess,application_controller,{application_controller,start,[a]}}]", "a",
    ]
    for instructions in cases {
      let text = "{script,{\"a\",\"1\"},\(instructions)}."
      #expect(throws: OTPReleaseError.unexpected(file: file, expected: .bootScript)) {
        try BootScript(scriptFile: Array(text.utf8), file: file)
      }
    }
  }

  @Test func startWithoutATypeIsTemporary() throws {
    let text = "{script,{\"a\",\"1\"},[{path,[]},{apply,{application,start_boot,[a]}}]}."
    let script = try BootScript(scriptFile: Array(text.utf8), file: "start.script")
    #expect(script.starts == [BootScript.Start(application: "a", type: .temporary)])
  }

  @Test func truncatedBootFileIsMalformed() throws {
    let bytes = try #require(OTPReleaseFiles(fixture: "relx").bytes(Self.boot))
    var wrong: [Int] = []
    for count in stride(from: 0, to: bytes.count, by: 11) {
      do {
        _ = try BootScript(bootFile: Array(bytes[..<count]), file: Self.boot)
        wrong.append(count)
      } catch .malformed(_, .external(_, let offset)) {
        if offset > count { wrong.append(count) }
      } catch {
        wrong.append(count)
      }
    }
    #expect(wrong == [])
  }

  @Test func sentencesNameTheFacts() {
    let cases: [(OTPReleaseError, String)] = [
      (.missing(files: ["a", "b"]), "a or b: not in the release"),
      (
        .malformed(file: "a.rel", .text(.unexpected("}"), line: 2, column: 3)),
        "a.rel: unexpected '}' at line 2, column 3"
      ),
      (.unsafeName(file: "a.rel", name: "x\n"), #"a.rel: the name "x\n" can't be used in a path"#),
      (
        .unexpected(file: "a.rel", expected: .version("1")), "a.rel: expected version 1"
      ),
    ]
    for (fault, sentence) in cases { #expect(fault.description == sentence) }
  }
}
