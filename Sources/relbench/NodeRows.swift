import ErlangDistribution
import Posix

/// Calls of a real node's function, compared with Erlang's own C client and with the release's own `rpc`.
struct NodeRows {
  private let scratch: Scratch
  private let peer: String
  private let tree: String
  private let epmdPort: UInt16
  private let name = "greeter@127.0.0.1"

  private static let rounds = 7
  private static let calls = 10_000

  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    peer = try scratch.compile("bench-ei", libraries: ["-lei", "-lpthread"])
    let source = try scratch.sample("node")
    var environment = scratch.environment
    environment["MIX_ENV"] = "prod"
    let mix = Invocation(["mix", "release"], in: source, environment: environment)
    let result = try mix.run(limit: 300_000)
    if !result.isSuccess { throw PosixError("build", source, .invalid) }
    tree = source + "/_build/prod/rel/greeter"
    try scratch.makeCookie()
    epmdPort = try Loopback.freePort()
  }

  func show() throws {
    let epmd = try scratch.startEPMD(epmdPort)
    defer { epmd.end() }
    let node = try Child.startSilent(release("start"))
    defer { node.end() }
    let limit = Clock.monotonic() + 20_000
    var port: UInt16?
    while port == nil, Clock.monotonic() < limit {
      port = (try? EPMD(port: epmdPort).nodes())?.first { $0.name == "greeter" }?.port
      Clock.pause(milliseconds: 20)
    }
    guard let port else { throw PosixError("start", "greeter", .timedOut) }
    let (ours, theirs) = try rounds(String(port))
    Row.show(
      what: "call to a node, one after the other", ours: figures(ours),
      peer: "C ei client \(figures(theirs))",
      ratio: zip(ours, theirs).map { $0.seconds / $1.seconds }.median.two, budget: "≤ 1.2")
    let script = try Stopwatch.times(5) {
      if try !release("rpc", "Node.self()").run(limit: 20_000).isSuccess {
        throw PosixError("run", "bin/greeter rpc", .invalid)
      }
    }.median
    let call = ours.flatMap(\.took).median
    Row.show(
      what: "call to a node", ours: "\(Int(call * 1000)) µs",
      peer: "bin/greeter rpc \(Int(script)) ms", ratio: "\(Int(script / call))", budget: "≥ 500")
  }

  /// The sides take turns; the first round only warms up.
  private func rounds(_ door: String) throws -> (ours: [Crew], theirs: [Crew]) {
    var (ours, theirs): ([Crew], [Crew]) = ([], [])
    let count = String(Self.calls)
    for _ in 0..<(Self.rounds + 1) {
      ours.append(
        try Crew.run(1) {
          scratch.invocation("relbench", [Member.call.rawValue, door, name, count, $0])
        })
      theirs.append(
        try Crew.run(1) { scratch.invocation(peer, ["127.0.0.1", door, name, count, $0]) })
    }
    return (Array(ours.dropFirst()), Array(theirs.dropFirst()))
  }

  private func figures(_ rounds: [Crew]) -> String {
    let took = rounds.flatMap(\.took)
    return "\(Int(took.median * 1000)) µs, p99 \(Int(took.share(0.99) * 1000)) µs"
  }

  /// The release reads its cookie from the file in HOME.
  private func release(_ words: String...) -> Invocation {
    let own = [
      "RELEASE_DISTRIBUTION": "name", "RELEASE_NODE": name, "RELEASE_COOKIE": "unused",
      "ERL_ZFLAGS": "-setcookie x -start_epmd false", "RELEASE_TMP": scratch.folder,
      "GREETER_GREETING": "Hello", "PORT": "0",
    ]
    return Invocation(
      [tree + "/bin/greeter"] + words, in: scratch.folder,
      environment: scratch.environment(epmd: epmdPort).merging(own) { $1 })
  }
}
