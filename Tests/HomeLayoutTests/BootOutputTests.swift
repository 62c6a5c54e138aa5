import HomeLayout
import TestSupport
import Testing

/// What is taken out of a run's output, and what it tells of the boot.
@Suite struct BootOutputTests {
  private static let head = [
    "{progress,preloaded}", "{progress,kernel_load_completed}", "{progress,modules_loaded}",
    "{start,heart}", "{start,logger}", "{start,application_controller}",
    "{progress,init_kernel_started}",
  ]
  private static func load(_ name: String) -> String {
    "{apply,{application,load,[{application,\(name),[{description,\"a {b}\"},{vsn,\"1\"}]}]}}"
  }
  private static func start(_ name: String) -> String {
    "{apply,{application,start_boot,[\(name),permanent]}}"
  }
  private static let loads =
    ["stdlib", "one", "two"].map(load) + ["{progress,applications_loaded}"]
  private static let end = ["{progress,started}", "[reltui_booted]"]

  private static func vm(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }

  private static let early = vm(head + loads + [start("kernel"), start("stdlib"), start("one")])
  private static let late = vm([start("two")] + end)

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// The whole output in pieces of one size, a tenth of a millisecond apart.
  private static func passed(_ text: String, by size: Int = .max, vms: Int = 1) -> (
    String, BootAccount
  ) {
    var output = BootOutput(exec: 0)
    var (passed, moment): ([UInt8], Int64) = ([], 0)
    output.noteArguments(at: moment)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      moment += 100
      if output.deadline.map({ $0 <= moment }) == true { passed += output.expire(at: moment) }
      passed += output.take(Array(rest.prefix(size)), at: moment)
      rest = rest.dropFirst(size)
    }
    passed += output.finish()
    return (Self.text(passed), output.account)
  }

  /// Lines and halves of an application during its boot, and what must be left of all.
  @Test(arguments: [
    "", "hello\n", "half", "{\"level\":\"info\"}\n", "{apple,1}\n", "{progress,started}\n",
    "{progress,started}\r\n", "{progress,started}\r\nmore\n", "{progress,preloaded}\r\n",
    "{start,heart}\r\n", "{apply,{application,start_boot,[kernel,permanent]}}\r\n",
    "{apply,{application,start_boot,[three,permanent]}}\r\n", "{apply,{m,f,[]}}\r\n",
    "{path,[\"x\"]}\r\n", "{done_in_microseconds,1}\r\n", "[reltui_booted]\r\n",
    "{running_on_load_handler,m}\r\n", "x {progress,started}", "{apply,{application,start_b\n",
    "{progress,started}\r\n{progress,started}\r\n", "{apply,{c,erlangrc,[[]]}}\r\n",
    "{progress,nearly_started}\r\n", "{apply,{application,start_boot,[twofold,permanent]}}\r\n",
  ])
  func theApplicationsOutputIsLeft(_ words: String) {
    for size in [Int.max, 1, 7] {
      let (passed, account) = Self.passed(Self.early + words + Self.late, by: size)
      #expect(passed == words, "by \(size)")
      #expect(account.boots.count == 1 && account.boots[0].hasStarted)
      #expect(
        account.boots[0].steps.map(\.kind) == [
          .code, .application("kernel"), .code, .application("kernel"), .application("stdlib"),
          .application("one"), .application("two"), .started,
        ])
    }
  }

  /// A VM writes byte by byte, and another thread of it writes at the same time.
  @Test func linesOfOthersWithinALine() {
    let line = Self.vm([Self.start("two")])
    for place in [1, 2, 5, 9, 20, 36, line.utf8.count - 2] {
      for words in ["12:04 [info] application started\n", "x\nhalf", "{progress,x}\n{a}\n"] {
        let cut = line.utf8.index(line.startIndex, offsetBy: place)
        let all = Self.early + line[..<cut] + words + line[cut...] + Self.vm(Self.end)
        for size in [Int.max, 1] {
          let (passed, account) = Self.passed(all, by: size)
          #expect(passed == words, "at \(place) by \(size)")
          #expect(account.boots[0].steps.suffix(2).map(\.kind) == [.application("two"), .started])
        }
      }
    }
  }

  /// After the boot, and without arguments of ours, nothing is touched.
  @Test func nothingIsTouchedOutsideABoot() {
    let all = Self.early + Self.late
    let (passed, account) = Self.passed(all + all + "{progress,preloaded}\r\n")
    #expect(passed == all + "{progress,preloaded}\r\n" && account.boots.count == 1)
    var output = BootOutput(exec: 0)
    #expect(Self.text(output.take(Array(all.utf8), at: 1)) == all && output.deadline == nil)
    #expect(output.account.boots.isEmpty && output.account.times(until: 9) == nil)
  }

  @Test func whatCannotBecomeALineIsPassedAtOnce() {
    var output = BootOutput(exec: 0)
    output.noteArguments(at: 0)
    _ = output.take(Array(Self.early.utf8), at: 1)
    for words in ["half", "}a", "[b", " error"] {
      #expect(Self.text(output.take(Array(words.utf8), at: 2)) == words)
    }
    #expect(output.deadline == nil)
    #expect(output.take(Array("{progress,sta".utf8), at: 3).isEmpty)
    #expect(output.deadline == 50_003 && output.expire(at: 50_002).isEmpty)
    #expect(Self.text(output.expire(at: 50_003)) == "{progress,sta" && output.deadline == nil)
    #expect(Self.text(output.take(Array(Self.late.utf8), at: 50_004)) == "")
  }

  @Test func longLines() {
    let modules = String(repeating: "module_of_the_application,", count: 6000)
    let long = Self.load("stdlib").replacing("1", with: modules)
    let rest = Self.loads.dropFirst() + ["kernel", "stdlib", "one", "two"].map(Self.start)
    let (passed, account) = Self.passed(Self.vm(Self.head + [long] + rest + Self.end), by: 1000)
    #expect(passed == "" && account.boots[0].hasStarted)
    var output = BootOutput(exec: 0)
    output.noteArguments(at: 0)
    let head = Self.vm(Self.head)
    #expect(output.take(Array(head.utf8), at: 1).isEmpty)
    let endless = Array("{apply,{application,load,[{application,a,[".utf8)
    var count = output.take(endless, at: 2).count
    for _ in 1...40 { count += output.take([UInt8](repeating: 97, count: 65_536), at: 3).count }
    #expect(count == endless.count + 40 * 65_536)
  }

  /// OTP 28 tells how long each instruction took; the application cannot write one between.
  @Test func linesOfOTP28() {
    func timed(_ lines: [String]) -> [String] {
      lines.flatMap { $0.hasPrefix("{progress") ? [$0] : [$0, "{done_in_microseconds,12}"] }
    }
    let early = timed(
      ["{progress,preloaded}", "{path,[\"$ROOT/lib\"]}", "{primLoad,[a,b]}"] + Self.head.dropFirst()
        + Self.loads)
    let onLoad = [
      Self.start("kernel"), "{running_on_load_handler,crypto}",
      "{on_load_handler_returned_ok,crypto}", "{done_in_microseconds,3}",
      "{done_in_microseconds,4}",
    ]
    let words = "{apply,{m,f,[]}}\r\n{progress,started}\r\n"
    let one = Self.vm([Self.start("one")]) + words + Self.vm(["{done_in_microseconds,5}"])
    let rest = Self.vm(timed([Self.start("two"), "{apply,{m,f,[]}}"]) + Self.end)
    let all = Self.vm(early + onLoad + timed([Self.start("stdlib")])) + one + rest
    let (passed, account) = Self.passed(all)
    #expect(passed == words)
    #expect(
      account.boots[0].steps.dropFirst(3).map(\.kind) == [
        .application("kernel"), .onLoad("crypto"), .application("kernel"), .application("stdlib"),
        .application("one"), .application("two"), .call("m:f"), .started,
      ])
  }

  /// An application prints the last line long before the VM does.
  @Test func lateEnd() {
    var output = BootOutput(exec: 0)
    output.noteArguments(at: 0)
    let line = "{progress,started}\r\n"
    #expect(output.take(Array((Self.early + line).utf8), at: 5000).isEmpty)
    #expect(output.expire(at: 105_000).isEmpty && output.account.boots[0].hasStarted)
    #expect(Self.text(output.take(Array(Self.late.utf8), at: 900_000)) == line)
    #expect(output.account.boots[0].steps.suffix(2).map(\.start) == [900_000, 900_000])
    var crashed = BootOutput(exec: 0)
    crashed.noteArguments(at: 0)
    #expect(crashed.take(Array((Self.early + line).utf8), at: 1).isEmpty)
    #expect(Self.text(crashed.finish()) == line, "the VM ended in its boot")
  }

  @Test func severalBoots() throws {
    let config = Self.vm(["{apply,{'Elixir.Config.Provider',boot,[]}}"])
    let first = Self.vm(Self.head + Self.loads + [Self.start("kernel"), Self.start("stdlib")])
    let again = first + config + "configured\n" + first + Self.vm(["one", "two"].map(Self.start))
    let (passed, account) = Self.passed(again + Self.vm(Self.end))
    #expect(passed == "configured\n")
    #expect(account.boots.map(\.isRestart) == [false, true] && account.boots[1].hasStarted)
    var output = BootOutput(exec: 0)
    var words: [UInt8] = []
    for moment in [1, 2] as [Int64] {
      output.noteArguments(at: moment * 1000)
      words += output.take(
        Array((Self.early + Self.late + "ran \(moment)\n").utf8), at: moment * 1500)
    }
    #expect(Self.text(words) == "ran 1\nran 2\n")
    #expect(output.account.boots.map(\.start) == [1000, 2000])
    #expect(try #require(output.account.times(until: 4000)).phases["boot 1 vm"] == 1)
  }

  /// Anything may stand between the lines of the VM's, in pieces of any size.
  @Test func anyOutputIsLeft() {
    var random = Scramble(28)
    var count = 0
    let words = [
      "{", "{apply,{", "{application,start_boot,[two", ",permanent]}}", "{progress,", "started}",
      "[reltui_booted]", "\n", "\n", "x", "\r", "half", "}", "\u{0}", "é",
    ]
    for _ in 1...300 {
      let lines = Self.head + Self.loads + ["kernel", "stdlib", "one", "two"].map(Self.start)
      var (all, said) = ("", "")
      for line in lines + Self.end {
        all += Self.vm([line])
        if all.utf8.count < Self.early.utf8.count { continue }
        let words = (0..<Int.random(in: 0...6, using: &random)).map { _ in
          words.randomElement(using: &random) ?? ""
        }.joined()
        (all, said) = (all + words, said + words)
      }
      let (passed, account) = Self.passed(all, by: .random(in: 1...200, using: &random))
      count += said.utf8.count
      #expect(passed == said, "\(all.debugDescription)")
      #expect(account.boots.first?.hasStarted == true, "\(all.debugDescription)")
    }
    #expect(count > 10_000)
  }

  @Test func endlesslyManyBoots() {
    var output = BootOutput(exec: 0)
    for moment in 1...100 as ClosedRange<Int64> {
      output.noteArguments(at: moment)
      // Every second VM ends in its boot.
      let text = moment.isMultiple(of: 2) ? Self.early : Self.early + Self.late
      #expect(output.take(Array(text.utf8), at: moment).isEmpty)
    }
    #expect(output.account.boots.count == 20 && output.account.boots.last?.start == 100)
  }

  @Test func twoVMsAtOnce() {
    let all = Self.vm(Self.head + Self.loads + [Self.start("kernel"), Self.start("stdlib")])
    let config = Self.vm(["{apply,{'Elixir.Config.Provider',boot,[]}}"])
    let rest = config + Self.vm(["one", "two"].map(Self.start))
    var output = BootOutput(exec: 0)
    output.noteArguments(at: 0)
    var passed: [UInt8] = []
    let head = "{progress,preloaded}\r\n"
    for part in [head, all, "a\n", all.dropFirst(head.count), rest, rest, "b\n"]
      as [any StringProtocol]
    { passed += output.take(Array(String(part).utf8), at: 1) }
    for _ in 1...2 { passed += output.take(Array(Self.vm(Self.end).utf8), at: 2) }
    #expect(Self.text(passed) == "a\nb\n")
    #expect(output.account.boots.map(\.hasStarted) == [true, true])
    #expect(output.account.boots.allSatisfy { $0.steps.contains { $0.kind == .config } })
  }

  /// A VM that ends before it prints the mark, as that of `eval` does.
  @Test func bootWithoutTheMark() {
    var output = BootOutput(exec: 0)
    output.noteArguments(at: 0)
    let whole = Self.early + Self.vm([Self.start("two"), "{progress,started}"])
    #expect(output.take(Array(whole.utf8), at: 5000).isEmpty)
    #expect(output.take(Array("said\n".utf8), at: 6000).isEmpty)
    #expect(Self.text(output.expire(at: 105_000)) == "said\n")
    #expect(output.account.boots[0].steps.last == BootAccount.Step(5000, .started))
    #expect(Self.text(output.take(Array("more\n".utf8), at: 200_000)) == "more\n")
    output.noteArguments(at: 300_000)
    #expect(output.take(Array((Self.early + Self.late).utf8), at: 400_000).isEmpty)
    #expect(output.account.boots.map(\.hasStarted) == [true, true] && !output.isBooting)
  }
}

@Suite struct BootAccountTests {
  private static var account: BootAccount {
    var account = BootAccount(exec: 1_000_000)
    var boot = BootAccount.Boot(start: 40_400)
    boot.steps = [
      .init(150_300, .code), .init(400_000, .application("kernel")), .init(420_000, .onLoad("m")),
      .init(425_000, .application("kernel")), .init(450_000, .config), .init(460_000, .call("c:d")),
      .init(470_000, .application("a b")), .init(495_000, .started),
    ]
    account.boots = [boot]
    return account
  }

  @Test func textIsReadAsItWasWritten() {
    var account = Self.account
    account.boots.append(BootAccount.Boot(start: 500_000, isRestart: true))
    #expect(BootAccount(text: account.text) == account)
    for text in [
      "", "format 1\n", "format 2\nexec 1\n", "format 1\nexec x\n", "format 1\nexec 1\n7 code\n",
      "format 1\nexec 1\nvm 2\n7 other\n", "format 1\nexec 1\nvm\n",
      "format 1\nexec 1\nvm 2\n7 apply\n",
    ] { #expect(BootAccount(text: text) == nil, "\(text)") }
  }

  @Test func timesAddUpToTheWhole() throws {
    let times = try #require(Self.account.times(until: 1_600_400))
    #expect(times.applications == ["kernel": 45, "a b": 25])
    #expect(
      times.phases == [
        "script": 40, "vm": 110, "code": 250, "on_load m": 5, "config": 10, "apply c:d": 10,
        "ready": 105,
      ])
    for end in stride(from: 1_000_000 as Int64, through: 1_700_000, by: 33_333) {
      let times = try #require(Self.account.times(until: end))
      let sum = times.applications.values.reduce(0, +) + times.phases.values.reduce(0, +)
      #expect(sum == (end - 1_000_000 + 500) / 1000)
    }
  }

  @Test func earlierBootsAreTold() throws {
    var account = Self.account
    var second = BootAccount.Boot(start: 600_000)
    second.steps = [.init(700_000, .code), .init(720_000, .application("kernel"))]
    account.boots.append(second)
    let times = try #require(account.times(until: 1_750_000))
    #expect(times.applications == ["kernel": 30])
    #expect(times.phases["boot 1 application kernel"] == 45 && times.phases["boot 1 run"] == 105)
    #expect(times.phases["ready"] == 0 && times.phases["vm"] == 100 && times.phases["code"] == 20)
    let all = times.applications.values.reduce(0, +) + times.phases.values.reduce(0, +)
    #expect(all == 750 && account.current == "starting 'kernel'")
  }
}
