import ErlangDistribution
import ErlangTerm
import NodeModel
import ReleaseModel

/// The call that reads a node's vital signs, and the meaning of its answer.
public enum Vitals {
  private static let systemKeys = [
    "otp_release", "version", "schedulers", "schedulers_online", "process_count", "process_limit",
    "port_count", "port_limit", "atom_count", "atom_limit", "ets_count", "ets_limit", "start_time",
  ]

  /// Several functions in one call, each by `erlang:apply/3`. None changes the node's state: `statistics(wall_clock)`
  /// would, as its second number is the time since the last such call.
  public static var call: RemoteCall {
    let functions: [(String, String, [Term])] = [
      ("erlang", "node", []),
      (
        "lists", "map",
        [export("erlang", "system_info", 1), .list(systemKeys.map { .atom($0) })]
      ),
      ("erlang", "monotonic_time", []),
      ("erlang", "convert_time_unit", [.integer(1), .atom("second"), .atom("native")]),
      ("erlang", "statistics", [.atom("run_queue_lengths_all")]),
      ("erlang", "memory", []),
      ("application_controller", "info", []),
      ("init", "get_status", []),
      ("erlang", "nodes", [.atom("connected")]),
    ]
    return several(functions)
  }

  /// The call made while a node boots. It reads little, since it is made often.
  static var bootCall: RemoteCall {
    several([("application_controller", "info", []), ("init", "get_status", [])])
  }

  static func several(_ functions: [(String, String, [Term])], limit: Int64 = 5000) -> RemoteCall {
    RemoteCall(
      "lists", "zipwith3",
      [
        export("erlang", "apply", 3), .list(functions.map { .atom($0.0) }),
        .list(functions.map { .atom($0.1) }), .list(functions.map { .list($0.2) }),
      ], limit: limit)
  }

  /// `fun Module:Function/2` of each of the terms and one argument, in one call.
  static func each(_ terms: [Term], _ module: String, _ function: String, _ argument: Term)
    -> RemoteCall
  {
    RemoteCall(
      "lists", "zipwith",
      [
        export(module, function, 2), .list(terms),
        .list(Array(repeating: argument, count: terms.count)),
      ])
  }

  static func export(_ module: String, _ function: String, _ arity: UInt8) -> Term {
    .export(Term.Export(module: module, function: function, arity: arity))
  }

  // MARK: - Answers

  /// - Parameters:
  ///   - ownName: the name that the node gives us, which is left out of its peers.
  ///   - dependencies: the dependencies that were read before.
  static func snapshot(
    _ answer: Term, ownName: String, dependencies: [String: [String]]
  ) -> NodeSnapshot? {
    guard let parts = answer.list, parts.count == 9, let node = parts[0].atom,
      let system = parts[1].list, system.count == systemKeys.count,
      let applications = Applications(parts[6])
    else { return nil }
    let value = Dictionary(zip(systemKeys, system)) { $1 }
    func number(_ key: String) -> Int { value[key]?.integer ?? 0 }
    func usage(_ name: String) -> NodeSnapshot.Usage {
      NodeSnapshot.Usage(number("\(name)_count"), of: number("\(name)_limit"))
    }
    var snapshot = NodeSnapshot(node: node)
    snapshot.otp = value["otp_release"]?.text ?? ""
    snapshot.erts = value["version"]?.text ?? ""
    snapshot.uptime = uptime(parts[2], since: value["start_time"], unit: parts[3])
    snapshot.status = status(parts[7])
    snapshot.isReady = snapshot.status == "started" && applications.starting.isEmpty
    (snapshot.schedulers, snapshot.schedulersOnline) = (
      number("schedulers"), number("schedulers_online")
    )
    snapshot.runQueues = (parts[4].list ?? []).compactMap(\.integer)
    snapshot.memory = memory(parts[5])
    (snapshot.processes, snapshot.ports) = (usage("process"), usage("port"))
    (snapshot.atoms, snapshot.ets) = (usage("atom"), usage("ets"))
    snapshot.applications = applications.all(dependencies)
    snapshot.peers = (parts[8].list ?? []).compactMap(\.atom).filter { $0 != ownName }.sorted()
    return snapshot
  }

  /// `{starting, started}`: the boot's state, and the last progress that the boot script reported.
  static func status(_ term: Term) -> String { term.tuple?.first?.atom ?? "" }

  private static func uptime(_ now: Term, since start: Term?, unit: Term) -> Int64 {
    guard let now = now.integer, let start = start?.integer, let unit = unit.integer, unit > 0
    else { return 0 }
    let (passed, overflows) = now.subtractingReportingOverflow(start)
    if overflows || passed < 0 { return 0 }
    return unit >= 1000 ? Int64(passed / (unit / 1000)) : Int64(passed)
  }

  private static func memory(_ term: Term) -> NodeSnapshot.Memory {
    var memory = NodeSnapshot.Memory()
    memory.total = term.property("total")?.integer ?? 0
    memory.processes = term.property("processes")?.integer ?? 0
    memory.system = term.property("system")?.integer ?? 0
    memory.atom = term.property("atom")?.integer ?? 0
    memory.binary = term.property("binary")?.integer ?? 0
    memory.code = term.property("code")?.integer ?? 0
    memory.ets = term.property("ets")?.integer ?? 0
    return memory
  }
}

/// The answer of `application_controller:info/0`. That call does not wait for an application that is being started, as
/// `application:which_applications/0` does.
struct Applications: Equatable {
  struct Loaded: Equatable {
    var name: String
    var description: String
    var version: String
  }

  var loaded: [Loaded]
  var types: [String: OTPRelease.StartType]
  /// In the order in which they were started.
  var running: [String]
  /// The process that all processes of an application have as their group leader.
  var masters: [Term: String]
  /// In the order in which they were begun.
  var starting: [String]

  init?(_ info: Term) {
    guard let loaded = info.property("loaded")?.list, let running = info.property("running")?.list
    else { return nil }
    self.loaded = loaded.compactMap { entry in
      guard let parts = entry.tuple, parts.count == 3, let name = parts[0].atom else { return nil }
      return Loaded(name: name, description: parts[1].text ?? "", version: parts[2].text ?? "")
    }
    let started = info.property("started")?.list ?? []
    types = Dictionary(
      started.compactMap { entry in
        guard let parts = entry.tuple, parts.count == 2, let name = parts[0].atom,
          let type = parts[1].atom.flatMap(OTPRelease.StartType.init(rawValue:))
        else { return nil }
        return (name, type)
      }
    ) { $1 }
    self.running = running.reversed().compactMap { $0.tuple?.first?.atom }
    masters = Dictionary(
      running.compactMap { entry in
        guard let parts = entry.tuple, parts.count == 2, let name = parts[0].atom,
          parts[1].pid != nil
        else { return nil }
        return (parts[1], name)
      }
    ) { $1 }
    starting = (info.property("starting")?.list ?? []).reversed().compactMap { entry in
      entry.atom ?? entry.tuple?.first?.atom
    }
  }

  func all(_ dependencies: [String: [String]]) -> [NodeSnapshot.Application] {
    let places = Dictionary(zip(running, 1...)) { first, _ in first }
    let waiting = Set(starting)
    let all = loaded.map { application in
      let place = places[application.name]
      return NodeSnapshot.Application(
        name: application.name, version: application.version,
        state: place != nil ? .running : waiting.contains(application.name) ? .starting : .loaded,
        type: types[application.name], order: place,
        dependencies: dependencies[application.name] ?? [],
        description: application.description)
    }
    return all.sorted { ($0.order ?? .max, $0.name) < ($1.order ?? .max, $1.name) }
  }
}
