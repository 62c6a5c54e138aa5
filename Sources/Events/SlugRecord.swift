/// The events of the build that made a slug. They travel inside the slug when it was built on a host without a home.
///
/// They are not part of the slug's identity, so any program that handles the slug can change them.
/// Therefore only events of one build are accepted: nothing about a running system.
public struct SlugRecord: Hashable, Sendable {
  public static let path = ".reltui/events.jsonl"
  public static let mostEvents = 1000
  /// Largest size of the file in bytes.
  public static let greatestSize = 1 << 20
  /// Longest line in bytes.
  public static let longestLine = 64 << 10

  public let build: String
  /// The events in order; their times are those of the host that built the slug.
  public let events: [Event]

  /// - Parameter slug: the id of the slug that carries the record.
  /// - Throws: `RT-SLUG-RECORD`, which names the first invalid line.
  public init(events: [Event], slug: String) throws(Cause) {
    guard let build = events.first?.data.build else {
      throw Self.refusal(line: 1, "there is no event that names a build")
    }
    (self.build, self.events) = (build, events)
    var ids: Set<String> = []
    for (index, event) in events.enumerated() {
      guard let fault = fault(of: event, at: index, slug: slug) else {
        if ids.insert(event.id).inserted { continue }
        throw Self.refusal(line: index + 1, "its id is that of an earlier line")
      }
      throw Self.refusal(line: index + 1, fault)
    }
    if events.count == 1 { throw Self.refusal(line: 2, "there is no build.finished") }
  }

  private func fault(of event: Event, at index: Int, slug: String) -> String? {
    let expected: EventType =
      index == 0 ? .buildStarted : index == events.count - 1 ? .buildFinished : .buildStep
    if index >= Self.mostEvents { return "there are more than \(Self.mostEvents) events" }
    if event.sequence != UInt64(index + 1) { return "its number is \(event.sequence)" }
    guard event.isReadable else { return "its data cannot be read" }
    guard event.type == expected else {
      return "'\(event.typeName.prefix(64))' is in the place of \(expected.rawValue)"
    }
    if event.source.isEmpty { return "it has no source" }
    if let app = event.app, !AppName.isValid(app) {
      return "'\(app.prefix(64))' cannot be an app's name"
    }
    guard event.data.build == build, BuildID.isValid(build) else {
      return "its build is '\(event.data.build?.prefix(64) ?? "")'"
        + (index > 0 ? ", that of the lines before '\(build.prefix(64))'" : "")
    }
    if expected == .buildFinished, event.data.slug != slug {
      return "it is the record of another slug, '\(event.data.slug?.prefix(64) ?? "")'"
    }
    return nil
  }

  /// The cause for a record that is refused.
  public static func refusal(line: Int, _ fault: String) -> Cause {
    Cause(
      .slugRecord, "\(path):\(line): \(fault)",
      remedy: "Build it again; or remove the file: a slug needs no record.")
  }
}
