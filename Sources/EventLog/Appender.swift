import Posix

extension DurableLog {
  /// Appends events in this order, and returns when they are durable.
  ///
  /// The lock is held for the write only. The sync comes after it, so that concurrent writers share one sync. After a
  /// crash the first of several events may be in the log without the others.
  /// - Parameter mayUseReserve: whether the reserve for a full disk may be used. It is for the events that an operator
  ///   needs to free space.
  @discardableResult
  public func append(_ events: [NewEvent], mayUseReserve: Bool = false) throws(EventLogError)
    -> [Line]
  {
    if events.isEmpty { return [] }
    let (segment, lines) = try write(events, mayUseReserve)
    do throws(PosixError) { try segment.file.syncData() } catch {
      // Readers now see lines that may not be on the disk. No line may be written after them.
      closeAfterFailure(segment.first)
      throw .unsynced(error)
    }
    return lines
  }

  @discardableResult
  public func append(_ event: NewEvent, mayUseReserve: Bool = false) throws(EventLogError) -> Line?
  {
    try append([event], mayUseReserve: mayUseReserve).first
  }

  /// Returns when every line that can be read now is durable.
  public func sync() throws(EventLogError) {
    let segments = try segments()
    guard let newest = segments.last else { return }
    // Each segment was synced before the next one was begun, unless that sync failed.
    let oldest = cache.durable ?? segments.dropLast().last ?? newest
    for segment in segments where segment >= oldest {
      do throws(PosixError) { try File.open(path(of: segment), .read).syncData() } catch {
        // A segment that was dropped needs no sync.
        if error.errno != .noSuchFile { throw .unsynced(error) }
      }
    }
    cache.durable = newest
  }

  private func write(_ events: [NewEvent], _ mayUseReserve: Bool) throws(EventLogError)
    -> (segment: (first: UInt64, file: File), lines: [Line])
  {
    let forms = try forms(of: events)
    var writer = try Writer.open(self)
    let lines = try writer.lines(of: forms)
    let file = try writer.write(lines, mayUseReserve)
    let segment = writer.end.segment
    writer.leave()
    return ((segment, file), lines)
  }

  /// The work that needs no lock, done before other writers have to wait.
  private func forms(of events: [NewEvent]) throws(EventLogError) -> [Line.Form] {
    var forms: [Line.Form] = []
    for event in events {
      guard event.isWritable else { throw .malformed(id: event.id) }
      let form = Line.Form(event)
      if form.count >= Self.longestLine { throw .tooLong(limit: Self.longestLine) }
      forms.append(form)
    }
    return forms
  }

  private func closeAfterFailure(_ segment: UInt64) {
    guard var writer = try? Writer.open(self), writer.end.segment == segment else { return }
    try? writer.roll(hasFailed: true)
  }
}
