import Events

/// How long two boots took, part by part, in milliseconds.
public struct BootDiff: Hashable, Encodable, Sendable {
  /// From the start of the command until the run was ready; a side is nil if not all of its parts are known.
  public var total: SlugDiff.Change<Int64>
  /// The parts that are no application, by name.
  public var phases: [SlugDiff.Named<Int>]
  public var applications: [SlugDiff.Named<Int>]

  public init(from old: Board.Boot, to new: Board.Boot) {
    total = SlugDiff.Change(from: old.total, to: new.total)
    phases = SlugDiff.Named.all(old.phases ?? [:], new.phases ?? [:])
    applications = SlugDiff.Named.all(old.milliseconds, new.milliseconds)
  }

  /// Smaller differences have no line, because two boots of one release differ by as much.
  private static let least = 5

  /// The whole, then the parts that differ, the greatest difference first.
  var lines: [String] {
    let parts =
      phases.map { (part: $0, kind: "phase") }
      + applications.map { (part: $0, kind: "application") }
    let great = parts.filter { Self.difference($0.part).magnitude >= Self.least }
      .sorted {
        (Self.difference($1.part).magnitude, $0.part.name)
          < (Self.difference($0.part).magnitude, $1.part.name)
      }
    let names = great.map { part, kind in
      SlugDiff.line(
        "\(kind) \(part.name)", part.from.map(Self.words), part.to.map(Self.words), "  ")
    }
    return [Self.line(total)] + SlugDiff.some(names)
  }

  private static func line(_ total: SlugDiff.Change<Int64>) -> String {
    guard let from = total.from, let to = total.to else { return "the whole is not known" }
    let sign = to < from ? "-" : "+"
    return "\(from) ms → \(to) ms (\(sign)\((to &- from).magnitude) ms)"
  }

  private static func words(_ milliseconds: Int) -> String { "\(milliseconds) ms" }

  /// Times come from the log, which may hold any numbers.
  private static func difference(_ part: SlugDiff.Named<Int>) -> Int {
    let (difference, isTooMuch) = (part.to ?? 0).subtractingReportingOverflow(part.from ?? 0)
    return isTooMuch ? .max : difference
  }
}
