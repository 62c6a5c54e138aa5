import Posix

/// What a repair has done.
public struct Repair: Hashable, Sendable {
  /// What was taken out of the segments.
  public var taken: [Damage] = []
  /// The file that holds it.
  public var aside: String?
  /// Lines that had lost only their newline and count again.
  public var restored = 0
}

extension EventLog {
  /// Sets aside what is no line, and writes blanks in its place: no line moves, and readers who stand behind it go on.
  /// Whole lines stay as they are. When this returns it is durable; killed in between, it can be run again.
  public func repair() throws(EventLogError) -> Repair {
    var writer = try Writer(self)
    defer { withExtendedLifetime(writer) {} }
    var repair = Repair()
    let segments = try segments()
    do throws(PosixError) {
      var wounds: [Wound] = []
      for segment in segments {
        wounds += try self.wounds(of: segment, isNewest: segment == segments.last)
      }
      let taken = wounds.filter { !$0.isLine }
      if taken.last?.segment == writer.end.segment {
        // What is damaged there counts among the numbers that were given; its place taken, the next segment's name does.
        try writer.roll()
      }
      if !taken.isEmpty {
        repair.aside = try Aside(self).save(taken.map { ($0.segment, $0.offset, $0.bytes) })
      }
      // Before, so that none is left if we are killed in between.
      if let first = wounds.first(where: \.isLine) {
        try removeCheckpoints(behind: first.segment, oldest: segments.first ?? 1)
      }
      for wound in wounds { try heal(wound) }
      repair.restored = wounds.count - taken.count
      repair.taken = taken.map {
        Damage(
          path: path(of: $0.segment), offset: $0.offset, length: $0.bytes.count, kind: .unreadable)
      }
    } catch { throw .unwritable(error) }
    return repair
  }

  /// They do not know of a line that is restored. They can be made anew where all lines are there, or one stands
  /// before them that can be read.
  private func removeCheckpoints(behind segment: UInt64, oldest: UInt64) throws(PosixError) {
    guard let kept = try? checkpoints() else { return }
    let hasBase = kept.contains { base in
      base <= segment && ((try? checkpoint(before: base)) ?? nil) != nil
    }
    guard oldest == 1 || hasBase else { return }
    for checkpoint in kept where checkpoint > segment { try removeCheckpoint(checkpoint) }
  }

  private struct Wound {
    var segment: UInt64
    var offset: Int
    var bytes: [UInt8]
    /// Whether it is a whole line but for the newline, in whose place the last byte stands.
    var isLine: Bool { Line(bytes.dropLast()) != nil }
  }

  /// The newest segment's tail was mended when the lock was taken; an older one may end in an unfinished line.
  private func wounds(of segment: UInt64, isNewest: Bool) throws(PosixError) -> [Wound] {
    let all = try File.open(path(of: segment), .read).readWhole()
    let (pieces, rest) = Piece.split(all)
    var wounds: [Wound] = []
    for piece in pieces {
      if case .damage = piece.content {
        wounds.append(
          Wound(segment: segment, offset: piece.range.lowerBound, bytes: Array(all[piece.range])))
      }
    }
    let end = all.countWithoutZeros
    if !isNewest, rest < end, let first = all[rest..<end].firstIndex(where: { $0 != 0 }) {
      // With the byte where the newline belongs: the one behind it, if no other stands there.
      let hasOther = Line(all[first..<end].dropLast()) != nil
      wounds.append(
        Wound(segment: segment, offset: first, bytes: all[first..<end] + (hasOther ? [] : [0])))
    }
    return wounds
  }

  private func heal(_ wound: Wound) throws(PosixError) {
    let file = try File.open(path(of: wound.segment), .change)
    let kept = wound.isLine ? Array(wound.bytes.dropLast()) : blanks(wound.bytes.count - 1)
    try file.write(kept + [Self.newline], at: wound.offset)
    try file.syncData()
  }

  private func blanks(_ count: Int) -> [UInt8] { [UInt8](repeating: Piece.padding, count: count) }
}
