import EventLog
import Events
import JSONText
import Redaction

extension EventJournal {
  /// Writes the events of an imported slug: those of its record, and `slug.stored`.
  ///
  /// Each event is written once, even if an earlier import was killed: events that the log has are left out. The caller
  /// holds the lock of the slugs, so that two imports cannot both find an event missing.
  /// - Parameters:
  ///   - stored: the data of `slug.stored`.
  ///   - isNew: whether the slug was just stored; it may have been stored and removed earlier.
  /// - Returns: how many of the record's events were written; all of them are durable.
  public func tell(of stored: EventData, isNew: Bool, record: SlugRecord?) throws(Cause) -> Int {
    let ids = Set(record?.events.map(\.id) ?? [])
    let known =
      isNew && ids.isEmpty ? Known() : try known(ids: ids, slug: stored.slug ?? "")
    let missing = record?.events.filter { !known.ids.contains($0.id) } ?? []
    // The program that wrote the known events may have been killed before they were durable.
    if !known.ids.isEmpty { try makeDurable() }
    do throws(EventLogError) {
      try log.append(missing.map { NewEvent(imported: $0, mask()) })
    } catch {
      throw Cause(error)
    }
    if isNew || !known.isStored { try append(.slugStored, app: nil, stored) }
    return missing.count
  }

  /// The part of the import that the log already has.
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
  /// An imported event of a build. It gets its own number and time, and only fields that builds
  /// use, so that it cannot count as an event of an instance or a request.
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
  /// Whether the text's bytes occur in these.
  fileprivate func contains(_ text: String.UTF8View) -> Bool {
    let text = Array(text)
    guard let first = text.first, count >= text.count else { return false }
    return indices.dropLast(text.count - 1).contains {
      self[$0] == first && self[$0..<($0 + text.count)].elementsEqual(text)
    }
  }
}
