import Posix
import ReleaseModel
import TestSupport
import Testing

/// A node that was watched is left as one that was not.
struct TraceTests {
  private static let counts = """
    [erlang:system_info(atom_count), length(code:all_loaded()), erlang:system_info(process_count), \
    erlang:system_info(port_count), length(ets:all()), length(registered()), \
    length(logger:get_handler_ids()), length(maps:get(filters,logger:get_primary_config()))]
    """

  @Test(arguments: [Beam.Runtime.otp25, .otp28])
  func leavesNothing(_ runtime: Beam.Runtime) throws {
    let (watched, other) = (try Beam(runtime, name: "a"), try Beam(runtime, name: "b"))
    var lookout = try Lookout(
      watched, parts: [.vitals, .boot, .processes, .settings, .log, .happenings])
    lookout.watch.tree = "kernel"
    #expect(
      try lookout.wait { $0.watch.report.survey != nil && $0.watch.report.tree != nil })
    try lookout.rest(1500)
    lookout.watch.leave()
    let before = try other.eval("lists:sort([M||{M,_}<-code:all_loaded()])")
    let after = try watched.eval("lists:sort([M||{M,_}<-code:all_loaded()])")
    print(runtime, try other.eval(Self.counts), try watched.eval(Self.counts))
    print(Set(after.split(separator: ",")).subtracting(before.split(separator: ",")))
  }
}
