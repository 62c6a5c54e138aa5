import Posix

// Measures the budgets, each in the same run as its peer if it has one. `make bench` runs it; it is never installed and
// is not a test.

/// A part of the table that can be asked for by its name.
enum Group: String, CaseIterable {
  case log, mask, follow, million, screen, build, deploy, agent, traffic, node, fleet

  func show(_ scratch: Scratch) throws {
    switch self {
    case .log: try LogRows(scratch).show()
    case .mask: try MaskRows(scratch: scratch).show()
    case .follow: try FollowRows(scratch: scratch).show()
    case .million: try MillionRows(scratch).show()
    case .screen: try ScreenRows(scratch: scratch).show()
    case .build: try BuildRows(scratch: scratch).show()
    case .deploy: try DeployRows(scratch: scratch).show()
    case .agent: try AgentRows(scratch: scratch).show()
    case .traffic: try TrafficRows(scratch: scratch).show()
    case .node: try NodeRows(scratch).show()
    case .fleet: try FleetRows(scratch).show()
    }
  }
}

func measure(_ words: [String]) throws {
  let groups = words.compactMap(Group.init(rawValue:))
  if groups.count < words.count {
    let names = Group.allCases.map(\.rawValue).joined(separator: ", ")
    print("relbench: the groups are: \(names)")
    Program.exit(64)
  }
  let scratch = try Scratch()
  defer { scratch.clean() }
  Row.showHead()
  for group in groups.isEmpty ? Group.allCases : groups { try group.show(scratch) }
}

Signals.turnWriteFailuresIntoErrors()
do {
  let words = Array(CommandLine.arguments.dropFirst())
  if let first = words.first, let member = Member(rawValue: first) {
    try member.run(Array(words.dropFirst()))
  } else {
    try measure(words)
  }
} catch {
  print("relbench: \(error)")
  Program.exit(1)
}
