import Posix

/// The result of a repair.
public struct Repair: Hashable, Sendable {
  /// The damage that was taken out of the segments.
  public var taken: [Damage] = []
  public var aside: String?
  /// The unfinished bytes after the end of the log, which a writer left when it ended; none of them was acknowledged.
  public var torn: Damage?
  /// The file that holds `torn`; nil if it could not be written.
  public var tornAside: String?
  /// The numbers of lines that have their newline again.
  public var restored: [UInt64] = []
}

extension DurableLog {
  /// Copies damage to `aside` and overwrites it with blanks. No line moves, so readers can continue. A line that lacks
  /// only its newline gets it. The repair is durable when this returns; if it is killed before, it can be run again.
  public func repair() throws(EventLogError) -> Repair {
    var writer = try Writer.open(self, isThorough: true)
    defer { withExtendedLifetime(writer) {} }
    let mending = writer.mending
    var repair = Repair(torn: mending.torn, tornAside: mending.aside, restored: mending.restored)
    let segments = try segments()
    do throws(PosixError) {
      var ranges: [SegmentRange] = []
      for segment in segments {
        let written = segment == writer.end.segment ? writer.end.offset : nil
        ranges += try damage(in: segment, upTo: written, &repair.restored)
      }
      if ranges.last?.segment == writer.end.segment {
        // The damage stands for numbers that were used. Once it is blank, only the name of a new segment records them.
        try writer.roll()
      }
      if !ranges.isEmpty { repair.aside = try Quarantine(self).save(ranges) }
      for range in ranges { try blank(range) }
      repair.taken = ranges.map {
        Damage(
          path: path(of: $0.segment), offset: $0.bytes.lowerBound, length: $0.bytes.count,
          kind: .unreadable)
      }
    } catch { throw .unwritable(error) }
    return repair
  }

  /// Writes the missing newlines of lines.
  /// - Parameter end: the end of the log if this is the newest segment, else nil.
  /// - Returns: the damage; adjacent ranges are joined.
  private func damage(in segment: UInt64, upTo end: Int?, _ restored: inout [UInt64])
    throws(PosixError) -> [SegmentRange]
  {
    let file = try File.open(path(of: segment), .change)
    var committed = CommittedParts(file, isNewest: end != nil, written: end ?? 0)
    var ranges: [SegmentRange] = []
    while let part = try committed.next() {
      switch part.content {
      case .line(let line, let ending) where ending != Self.newline:
        try file.write([Self.newline], at: part.range.lowerBound + line.bytes.count)
        try file.syncData()
        restored.append(line.sequence)
      case .damage:
        if let last = ranges.last, last.bytes.upperBound == part.range.lowerBound {
          ranges[ranges.count - 1].bytes = last.bytes.lowerBound..<part.range.upperBound
        } else {
          ranges.append(SegmentRange(segment: segment, file: file, bytes: part.range))
        }
      case .line, .padding, .zeros: break
      }
    }
    return ranges
  }

  private func blank(_ damaged: SegmentRange) throws(PosixError) {
    let last = damaged.bytes.upperBound - 1
    try damaged.file.fill(damaged.bytes.lowerBound..<last, with: SegmentPart.padding)
    try damaged.file.write([Self.newline], at: last)
    try damaged.file.syncData()
  }
}
