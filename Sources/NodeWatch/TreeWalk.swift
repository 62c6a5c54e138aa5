import ErlangDistribution
import ErlangTerm
import NodeModel

/// A walk down the supervision tree of an application, level by level, as a value: it returns calls to make and
/// takes their answers.
struct TreeWalk {
  enum Step: Hashable {
    case master, top
    case count(Int)
    case children(Int)
    /// The current functions of the processes at these indexes.
    case doing([Int])
  }

  private struct Place {
    var entry: SupervisionEntry
    var pid: Term.Pid?
    var children: [Int] = []
  }

  let application: String
  private var places: [Place] = []
  private var open: Set<Step> = []
  private var note: String?

  /// The most children of a supervisor that are read, and the most processes that are shown.
  private static let mostChildren = 200
  private static let mostPlaces = 2000
  private static let deepest = 30
  /// A supervisor that is busy starting a child does not answer.
  private static let limit: Int64 = 2000

  init(_ application: String) { self.application = application }

  mutating func begin() -> [(Step, RemoteCall)] {
    [ask(.master, RemoteCall("application_controller", "get_master", [.atom(application)]))]
  }

  var isOver: Bool { open.isEmpty }

  private mutating func ask(_ step: Step, _ call: RemoteCall) -> (Step, RemoteCall) {
    var call = call
    (call.limit, call.isLinked) = (Self.limit, true)
    open.insert(step)
    return (step, call)
  }

  /// Takes an answer.
  /// - Returns: the next calls.
  mutating func take(_ step: Step, _ answer: Answer) -> [(Step, RemoteCall)] {
    guard open.remove(step) != nil else { return [] }
    switch step {
    case .master:
      guard let master = answer.value?.pid else {
        note = "\(application) has no processes of its own: it does not run, or is a library"
        return []
      }
      return [ask(.top, RemoteCall("application_master", "get_child", [.pid(master)]))]
    case .top: return begin(at: answer)
    case .count(let place): return decide(place, answer)
    case .children(let place): return add(answer, to: place)
    case .doing(let places): tell(answer, of: places)
    }
    return []
  }

  private mutating func begin(at answer: Answer) -> [(Step, RemoteCall)] {
    guard let parts = answer.value?.tuple, parts.count == 2, let pid = parts[0].pid else {
      note = "the top supervisor of \(application) is not known"
      return []
    }
    let name = parts[1].atom ?? "\(parts[1])"
    places = [
      Place(
        entry: SupervisionEntry(depth: 0, kind: .supervisor, name: name, pid: pid.short), pid: pid)
    ]
    return explore(0) + doing([0])
  }

  private mutating func explore(_ place: Int) -> [(Step, RemoteCall)] {
    guard let pid = places[place].pid, places[place].entry.depth < Self.deepest else { return [] }
    return [ask(.count(place), RemoteCall("supervisor", "count_children", [.pid(pid)]))]
  }

  private mutating func decide(_ place: Int, _ answer: Answer) -> [(Step, RemoteCall)] {
    guard let counts = answer.value, let pid = places[place].pid else {
      places[place].entry.doing = Self.silence(answer)
      return []
    }
    let count = max(counts.property("active")?.integer ?? 0, counts.property("specs")?.integer ?? 0)
    if count > Self.mostChildren || places.count + count > Self.mostPlaces {
      let depth = places[place].entry.depth + 1
      let entry = SupervisionEntry(
        depth: depth, kind: .more, name: "\(count) children, too many to list", pid: nil)
      places[place].children.append(places.count)
      places.append(Place(entry: entry))
      return []
    }
    return [ask(.children(place), RemoteCall("supervisor", "which_children", [.pid(pid)]))]
  }

  private static func silence(_ answer: Answer) -> String {
    answer == .timedOut ? "does not answer: it is starting a child, or hangs" : "cannot be asked"
  }

  private mutating func add(_ answer: Answer, to place: Int) -> [(Step, RemoteCall)] {
    guard let children = answer.value?.list else {
      places[place].entry.doing = Self.silence(answer)
      return []
    }
    var calls: [(Step, RemoteCall)] = []
    var new: [Int] = []
    // The supervisor lists the most recently started child first.
    for child in children.prefix(2 * Self.mostChildren).reversed() {
      guard let parts = child.tuple, parts.count == 4 else { continue }
      let isSupervisor = parts[2].atom == "supervisor"
      let entry = SupervisionEntry(
        depth: places[place].entry.depth + 1, kind: isSupervisor ? .supervisor : .worker,
        name: Self.name(parts[0], modules: parts[3]), pid: parts[1].pid?.short,
        doing: parts[1].pid == nil ? parts[1].atom ?? "" : "")
      let index = places.count
      places.append(Place(entry: entry, pid: parts[1].pid))
      places[place].children.append(index)
      if parts[1].pid != nil { new.append(index) }
      if isSupervisor { calls += explore(index) }
    }
    return calls + doing(new)
  }

  /// Children of a dynamic supervisor have no id: their module tells them apart.
  private static func name(_ id: Term, modules: Term) -> String {
    if id.atom == "undefined", let module = modules.list?.first?.atom { return module }
    return id.atom ?? String("\(id)".prefix(200))
  }

  private mutating func doing(_ indices: [Int]) -> [(Step, RemoteCall)] {
    let pids = indices.compactMap { places[$0].pid.map(Term.pid) }
    if pids.isEmpty { return [] }
    let keys = Term.list([.atom("registered_name"), .atom("current_function")])
    return [ask(.doing(indices), Vitals.each(pids, "erlang", "process_info", keys))]
  }

  private mutating func tell(_ answer: Answer, of indices: [Int]) {
    for (index, info) in zip(indices, answer.value?.list ?? []) {
      let what = Survey.function(info.property("current_function"))
      if places[index].entry.doing.isEmpty { places[index].entry.doing = what }
      if let name = info.property("registered_name")?.atom, name != places[index].entry.name {
        places[index].entry.name += " (\(name))"
      }
    }
  }

  /// The tree as far as it is known, depth first.
  var tree: SupervisionTree {
    var entries: [SupervisionEntry] = []
    var waiting = places.isEmpty ? [] : [0]
    while let index = waiting.popLast() {
      entries.append(places[index].entry)
      waiting += places[index].children.reversed()
    }
    return SupervisionTree(application: application, entries: entries, note: note)
  }
}
