import HomeLayout
import Posix

extension EventLog {
  /// Writes events behind all others, in this order, and returns when they are durable.
  ///
  /// The lock is held for the write only: the sync comes after it, so that writers who come at the same time share one.
  /// A crash between may leave the first of several.
  /// - Parameter mayUseReserve: whether the room that is kept for a full disk may be used; only for what an operator
  ///   needs to come out of it.
  @discardableResult
  public func append(_ drafts: [Draft], mayUseReserve: Bool = false) throws(EventLogError)
    -> [Line]
  {
    if drafts.isEmpty { return [] }
    let (segment, lines) = try write(drafts, mayUseReserve)
    do throws(PosixError) { try segment.file.syncData() } catch {
      // From now on the page cache shows what may not be on the disk: no line must be written behind it.
      closeAfterFailure(segment.first)
      throw .unsynced(error)
    }
    return lines
  }

  @discardableResult
  public func append(_ draft: Draft, mayUseReserve: Bool = false) throws(EventLogError) -> Line? {
    try append([draft], mayUseReserve: mayUseReserve).first
  }

  /// Returns when every line that can be read now is durable.
  public func sync() throws(EventLogError) {
    let segments = try segments()
    guard let newest = segments.last else { return }
    // A segment is synced before the next one is begun, unless that has failed.
    let oldest = desk.durable ?? segments.dropLast().last ?? newest
    for segment in segments where segment >= oldest {
      do throws(PosixError) { try File.open(path(of: segment), .read).syncData() } catch {
        // What was dropped needs no sync.
        if error.errno != .noSuchFile { throw .unsynced(error) }
      }
    }
    desk.durable = newest
  }

  private func write(_ drafts: [Draft], _ mayUseReserve: Bool) throws(EventLogError)
    -> (segment: (first: UInt64, file: File), lines: [Line])
  {
    let forms = try forms(of: drafts)
    var writer = try Writer.open(self)
    let lines = try writer.lines(of: forms)
    let file = try writer.write(lines, mayUseReserve)
    let segment = writer.end.segment
    writer.leave()
    return ((segment, file), lines)
  }

  /// All that can be done before the lock is ours, which others wait for.
  private func forms(of drafts: [Draft]) throws(EventLogError) -> [Line.Form] {
    var forms: [Line.Form] = []
    for draft in drafts {
      guard draft.isWritable else { throw .malformed(id: draft.id) }
      let form = Line.Form(draft)
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
