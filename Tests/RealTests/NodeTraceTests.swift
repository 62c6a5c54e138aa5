import Glibc
import Posix
import TestSupport
import Testing

/// The dashboard leaves no trace in a node that it watched.
@Suite(.waitsForPrograms) struct NodeTraceTests {
  private static let counts = """
    [erlang:system_info(atom_count), length(erlang:loaded()), erlang:system_info(process_count), \
    erlang:system_info(port_count), length(ets:all()), length(registered()), \
    length(logger:get_handler_ids()), length(maps:get(filters,logger:get_primary_config()))]
    """

  /// The first question makes a VM create the atoms of the question, and for its memory those of its
  /// allocators, whichever program asks. Here each node is asked.
  private static func counts(of beam: Beam) throws -> [Int] {
    _ = try beam.eval("erlang:memory()")
    _ = try beam.eval(
      "[erlang:system_info(I) || I <- [otp_release, atom_limit, ets_count, ets_limit, start_time]]")
    return try beam.eval(counts).split { !$0.isNumber }.compactMap { Int($0) }
  }

  enum Leaving: CaseIterable { case politely, killed }

  @Test(arguments: [Beam.Runtime.otp25, .otp28], Leaving.allCases)
  func watchingLeavesNothingBehind(_ runtime: Beam.Runtime, _ leaving: Leaving) throws {
    let (watched, other) = (try Beam(runtime, name: "seen"), try Beam(runtime, name: "unseen"))
    let stage = try Stage("trace")
    try stage.folder.write("cookie", watched.cookie, mode: 0o400)
    var environment = stage.environment
    environment["TERM"] = "xterm"
    environment["ERL_EPMD_PORT"] = "\(watched.epmdPort)"
    let screen = try ProgramTerminal(
      "reltui",
      ["--node", watched.name, "--cookie-file", stage.folder.path + "/cookie"],
      environment: environment, columns: 100, rows: 30)
    #expect(screen.wait(for: "counts"))
    // Opens each view once: settings, a tree, the boot, the log.
    for (keys, text) in [
      ("\r", "kernel net_ticktime"), ("\u{1B}3\r", "kernel_sup"), ("\u{1B}4", "kernel"),
      ("5", "It has logged nothing"),
    ] {
      screen.type(keys)
      #expect(screen.wait(for: text), "\(keys): \(screen.rest())")
    }
    _ = try watched.eval("logger:error(\"seen\")")
    _ = try other.eval("logger:error(\"seen\")")
    #expect(screen.wait(for: "seen"))
    if leaving == .politely { screen.type("q") } else { screen.signal(.kill) }
    _ = try screen.exit()
    // The node gives each connection a name and keeps it for the next one. The dashboard of another
    // test may have used one at the same time.
    var left: [Int] = []
    let expected = try Self.counts(of: other)
    let isClean = try eventually {
      left = try Self.counts(of: watched)
      return left.dropFirst() == expected.dropFirst() && left[0] - expected[0] <= 2
    }
    #expect(isClean, "\(left) instead of \(expected)")
  }
}
