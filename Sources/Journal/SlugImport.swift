import EventLog
import Events
import JSONText
import Posix
import Redaction

extension Journal {
  /// Writes what is to be told of a slug that was built elsewhere: the events that it came with, and that it is here.
  ///
  /// Each is written once, also if an earlier import was killed in between: what the log has is left out. So that two
  /// imports do not both find it missing, the caller holds the lock of the slugs.
  /// - Parameters:
  ///   - stored: the data of `slug.stored`.
  ///   - isNew: whether the slug has just come into the home; it may have been there before and removed.
  /// - Returns: how many of the record's events were written; all of them are durable then.
  public func tell(of stored: EventData, isNew: Bool, record: SlugRecord?) throws(Cause) -> Int {
    let ids = Set(record?.events.map(\.id) ?? [])
    let known =
      isNew && ids.isEmpty ? Known() : try known(ids: ids, slug: stored.slug ?? "")
    let missing = record?.events.filter { !known.ids.contains($0.id) } ?? []
    // The program that wrote the others may have been killed before they were on the disk.
    if !known.ids.isEmpty { try makeDurable() }
    do throws(EventLogError) {
      try log.append(missing.map { NewEvent(imported: $0, mask()) })
    } catch {
      throw Cause(error)
    }
    if isNew || !known.isStored { try append(.slugStored, app: nil, stored) }
    return missing.count
  }

  /// What the log has already.
  private struct Known {
    var ids: Set<String> = []
    var isStored = false
  }

  private func known(ids: Set<String>, slug: String) throws(Cause) -> Known {
    var known = Known()
    var reader = Reader(log)
    do throws(EventLogError) {
      while true {
        let lines = try reader.next()
        if lines.isEmpty { return known }
        for line in lines {
          if ids.contains(line.id) { known.ids.insert(line.id) }
          guard !known.isStored, line.bytes.contains(slug.utf8) else { continue }
          let event = Event(line)
          known.isStored = event.type == .slugStored && event.data.slug == slug
        }
      }
    } catch { throw Cause(error) }
  }
}

extension NewEvent {
  /// An event of a build as it is written a second time. Number and time are this log's; of what it says only that is
  /// taken which a build can say, so that none of it counts as an instance's or a request's.
  fileprivate init(imported event: Event, _ mask: Redactor) {
    let said = event.data
    let data = EventData {
      ($0.build, $0.slug, $0.step) = (said.build, said.slug, said.step)
      ($0.by, $0.commit, $0.line) = (said.by, said.commit, said.line)
      ($0.folder, $0.milliseconds, $0.size) = (said.folder, said.milliseconds, said.size)
      $0.occurred = event.time
    }
    self.init(
      source: event.source, type: event.typeName, subject: event.app,
      data: JSON.encode(mask(data)))
    id = event.id
  }
}

extension [UInt8] {
  /// Whether the bytes of `text` lie in these.
  fileprivate func contains(_ text: String.UTF8View) -> Bool {
    let text = Array(text)
    guard let first = text.first, count >= text.count else { return false }
    return indices.dropLast(text.count - 1).contains {
      self[$0] == first && self[$0..<($0 + text.count)].elementsEqual(text)
    }
  }
}
