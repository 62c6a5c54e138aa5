import ErlangDistribution
import Events
import Glibc
import NodeModel
import NodeWatch
import Operations
import Posix
import TestSupport
import Testing

/// What a watch says of a real node is what the node says of itself to another one.
@Suite(.waitsForPrograms) struct RealNodeTests {
  @Test(arguments: [Beam.Runtime.otp25, .otp28])
  func tellsWhatTheNodeTells(_ runtime: Beam.Runtime) throws {
    let beam = try Beam(runtime, name: "told", evaluating: ["application:start(crypto)"])
    var lookout = try Lookout(beam, parts: [.vitals, .processes, .settings])
    let isTold = try lookout.wait { lookout in
      lookout.watch.report.survey != nil && lookout.watch.report.settings?.values.isEmpty == false
        && lookout.watch.report.snapshot?.applications.contains { application in
          application.name == "crypto" && application.state == .running
            && !application.dependencies.isEmpty
        } == true
    }
    #expect(isTold, "\(lookout.watch.report)")
    let snapshot = try #require(lookout.watch.report.snapshot)
    #expect(snapshot.node == beam.name)
    #expect(try beam.eval("erlang:system_info(otp_release)") == "\"\(snapshot.otp)\"")
    #expect(try beam.eval("erlang:system_info(version)") == "\"\(snapshot.erts)\"")
    #expect(
      try beam.eval("erlang:system_info(schedulers_online)") == "\(snapshot.schedulersOnline)")
    #expect(try beam.eval("erlang:system_info(process_limit)") == "\(snapshot.processes.limit)")
    let order =
      "[atom_to_list(A)||{A,_,_}<-lists:reverse(application:which_applications())]"
    let running = snapshot.applications.filter { $0.state == .running }
    #expect(
      try beam.eval(order) == "[" + running.map { "\"\($0.name)\"" }.joined(separator: ",") + "]")
    let versions = "[V||{_,_,V}<-lists:reverse(application:which_applications())]"
    #expect(
      try beam.eval(versions) == "[" + running.map { "\"\($0.version)\"" }.joined(separator: ",")
        + "]")
    #expect(running.map(\.order) == Array(1...running.count).map { Optional($0) })
    #expect(running.last?.type == .temporary)
    let uptime = try #require(Int64(try beam.eval("element(1,erlang:statistics(wall_clock))")))
    #expect(abs(uptime - snapshot.uptime) < 20_000)
    let survey = try #require(lookout.watch.report.survey)
    let processes = survey.applications.values.map(\.processes).reduce(0, +)
    #expect(abs(processes - snapshot.processes.count) < 20)
    #expect(survey.applications["kernel"]?.memory ?? 0 > 10_000)
    let settings = try #require(lookout.watch.report.settings)
    #expect(settings.flags.contains { $0.hasPrefix("-name \(beam.name)") })
  }

  @Test func watchesABoot() throws {
    let network = try Beam.Network()
    let slow = try SlowApplication(milliseconds: 1500)
    let beam = try Beam(
      name: "boots", paths: [slow.path], evaluating: [slow.start], network: network, wait: false)
    var lookout = try Lookout(beam, parts: [.boot])
    let sawSlow = try lookout.wait { lookout in
      lookout.watch.report.boot?.current == "slow"
        && lookout.watch.report.boot?.stack.isEmpty == false
    }
    #expect(sawSlow, "\(lookout.watch.report)")
    #expect(lookout.watch.report.boot?.stack.first?.hasPrefix("timer:sleep/1") == true)
    #expect(lookout.watch.report.boot?.awaited == "slow")
    #expect(lookout.watch.report.boot?.hindrance?.hasPrefix("waiting for slow, in timer:") == true)
    let isOver = try lookout.wait { $0.watch.report.boot?.isFinished == true }
    #expect(isOver, "\(lookout.watch.report)")
    let boot = try #require(lookout.watch.report.boot)
    #expect((700...20_000).contains(boot.milliseconds["slow"] ?? 0))
    #expect(boot.steps.map(\.milliseconds).reduce(0, +) == boot.total)
  }

  @Test(arguments: [Beam.Runtime.otp25, .otp28])
  func givesTheLog(_ runtime: Beam.Runtime) throws {
    let beam = try Beam(runtime, name: "logs")
    var lookout = try Lookout(beam, parts: [.log])
    try lookout.rest(500)
    _ = try beam.eval("logger:error(\"one ~p\", [1])")
    _ = try beam.eval("logger:notice(#{what => two}, #{mfa => {here, there, 0}})")
    #expect(try lookout.wait { $0.lines.count >= 2 }, "\(lookout)")
    #expect(lookout.lines.map(\.text) == ["one 1", "what: two"])
    #expect(lookout.lines.map(\.level) == [.error, .notice])
    #expect(lookout.lines.last?.module == "here")
    #expect(lookout.lost == 0)
    // 20,000 lines at once: what is not shown is counted.
    let before = lookout.lines.count
    _ = try beam.eval(
      "spawn(fun()->[logger:notice(\"flood ~p\",[I])||I<-lists:seq(1,20000)],"
        + "persistent_term:put(flood,over)end)")
    #expect(try eventually { try beam.eval("persistent_term:get(flood,on)") == "over" })
    #expect(try lookout.wait { $0.lines.count - before + $0.lost >= 20_000 }, "\(lookout.lost)")
    #expect(lookout.lines.count - before + lookout.lost == 20_000)
    #expect(lookout.lost > 0)
    lookout.watch.parts = []
    lookout.watch.leave()
    #expect(
      try eventually { try beam.eval("maps:get(filters,logger:get_primary_config())") == "[]" })
  }

  /// A log message may be as large as a process's state, and the collector may be killed in the node.
  @Test func holdsLittleOfALargeLogAndLeavesNoFilterBehind() throws {
    let beam = try Beam(name: "large")
    var lookout = try Lookout(beam, parts: [.log])
    // The node's own handler holds what it has not written yet.
    _ = try beam.eval("logger:remove_handler(default)")
    let filters = "length(maps:get(filters,logger:get_primary_config()))"
    #expect(
      try eventually { () throws in
        try lookout.rest(50)
        return try beam.eval(filters) == "1"
      })
    _ = try beam.eval(
      "spawn(fun()->B=lists:seq(1,30000),[logger:error(\"state ~p\",[B])||_<-lists:seq(1,300)] end)"
    )
    #expect(try lookout.wait { $0.lines.count + $0.lost >= 300 }, "\(lookout.lines.count)")
    #expect(lookout.lines.allSatisfy { $0.text.utf8.count < 5000 })
    // Copies of 300 such lists would be 150 MB.
    let memory = try #require(Int(try beam.eval("erlang:memory(total)")))
    #expect(memory < 80 << 20)
    // The collector is killed in the node: its filter is removed, and another collector takes its place.
    let inside = "{current_function,{prim_eval,'receive',2}}"
    _ = try beam.eval(
      "[exit(P,kill)||P<-processes(),process_info(P,current_function)==\(inside)]")
    let isBack = try eventually(15_000) { () throws in
      try lookout.rest(50)
      _ = try beam.eval("logger:error(\"back\")")
      return lookout.lines.contains { $0.text == "back" }
    }
    #expect(isBack)
    #expect(try eventually { try beam.eval(filters) == "1" })
  }

  @Test func walksATree() throws {
    let beam = try Beam(name: "tree")
    var lookout = try Lookout(beam, parts: [])
    lookout.watch.tree = "kernel"
    #expect(try lookout.wait { $0.watch.report.tree != nil })
    let tree = try #require(lookout.watch.report.tree)
    #expect(tree.entries.first?.name.hasPrefix("kernel") == true)
    let top = try beam.eval("lists:sort([I||{I,_,_,_}<-supervisor:which_children(kernel_sup)])")
    let children = tree.entries.filter { $0.depth == 1 }.map {
      String($0.name.prefix { $0 != " " })
    }
    #expect(top == "[" + children.sorted().joined(separator: ",") + "]")
  }

  @Test func doesWhatItIsTold() throws {
    let beam = try Beam(name: "does")
    var lookout = try Lookout(beam, parts: [.vitals])
    let actions: [NodeAction] = [
      .logLevel(.warning), .collectGarbage, .startApplication("crypto"),
      .stopApplication("crypto"), .stopApplication("nowhere"),
    ]
    for (index, action) in actions.enumerated() {
      lookout.watch.perform(action, id: "\(index)")
      var outcomes: [(id: String, outcome: Result<Void, Cause>)] = []
      let end = Clock.monotonic() + 10_000
      while outcomes.isEmpty, Clock.monotonic() < end {
        try lookout.rest(20)
        outcomes = lookout.watch.takeOutcomes()
      }
      let isFine = (try? outcomes.first?.outcome.get()) != nil
      #expect(isFine == (action != .stopApplication("nowhere")), "\(action): \(outcomes)")
    }
    #expect(try beam.eval("maps:get(level,logger:get_primary_config())") == "warning")
  }

  @Test func saysWhatIsWrongAndComesBack() throws {
    let beam = try Beam(name: "wrong")
    var lookout = try Lookout(beam, parts: [.vitals])
    #expect(try lookout.wait { $0.watch.report.state == .up })
    beam.signal(.stop)
    #expect(try lookout.wait { $0.watch.report.state == .silent }, "\(lookout.watch.report)")
    #expect(lookout.watch.report.cause?.id == ProblemID.nodeSilent.rawValue)
    beam.signal(.cont)
    #expect(try lookout.wait { $0.watch.report.state == .up }, "\(lookout.watch.report)")
    beam.end()
    #expect(try lookout.wait { $0.watch.report.state == .down }, "\(lookout.watch.report)")
    let again = try Beam(name: "wrong", cookie: beam.cookie, network: beam.network)
    #expect(try lookout.wait { $0.watch.report.state == .up }, "\(lookout.watch.report)")
    withExtendedLifetime(again) {}
  }
}
