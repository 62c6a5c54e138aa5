import Posix

/// What a repair has done.
public struct Repair: Hashable, Sendable {
  /// What was taken out of the segments.
  public var taken: [Damage] = []
  /// The file that holds it.
  public var aside: String?
  /// What a writer had left at the end when it was ended; no event was acknowledged there.
  public var torn: Damage?
  /// The file that holds that; nil where it could not be kept.
  public var tornAside: String?
  /// The numbers of lines that have their newline again.
  public var restored: [UInt64] = []
}

extension EventLog {
  /// Sets aside what is no line, and writes blanks in its place: no line moves, and readers who stand behind it go on.
  /// Whole lines stay as they are; one that lacks only its newline gets it. When this returns it is durable; killed in
  /// between, it can be run again.
  public func repair() throws(EventLogError) -> Repair {
    var writer = try Writer.open(self, isThorough: true)
    defer { withExtendedLifetime(writer) {} }
    let mending = writer.mending
    var repair = Repair(
      torn: mending.torn, tornAside: mending.aside, restored: mending.restored)
    let segments = try segments()
    do throws(PosixError) {
      var places: [Aside.Place] = []
      for segment in segments {
        let written = segment == writer.end.segment ? writer.end.offset : nil
        places += try damage(in: segment, upTo: written, &repair.restored)
      }
      if places.last?.segment == writer.end.segment {
        // What is damaged there counts among the numbers that were given; its place taken, the next segment's name does.
        try writer.roll()
      }
      if !places.isEmpty { repair.aside = try Aside(self).save(places) }
      for place in places { try blank(place) }
      repair.taken = places.map {
        Damage(
          path: path(of: $0.segment), offset: $0.range.lowerBound, length: $0.range.count,
          kind: .unreadable)
      }
    } catch { throw .unwritable(error) }
    return repair
  }

  /// Gives lines that lack it their newline.
  /// - Parameter end: of the log, in the newest segment.
  /// - Returns: what is damaged, neighbours as one.
  private func damage(in segment: UInt64, upTo end: Int?, _ restored: inout [UInt64])
    throws(PosixError) -> [Aside.Place]
  {
    let file = try File.open(path(of: segment), .change)
    var walk = Walk(file, isNewest: end != nil, written: end ?? 0)
    var places: [Aside.Place] = []
    while let piece = try walk.next() {
      switch piece.content {
      case .line(let line, let ending) where ending != Self.newline:
        try file.write([Self.newline], at: piece.range.lowerBound + line.bytes.count)
        try file.syncData()
        restored.append(line.sequence)
      case .damage:
        if let last = places.last, last.range.upperBound == piece.range.lowerBound {
          places[places.count - 1].range = last.range.lowerBound..<piece.range.upperBound
        } else {
          places.append(Aside.Place(segment: segment, file: file, range: piece.range))
        }
      case .line, .padding, .zeros: break
      }
    }
    return places
  }

  private func blank(_ place: Aside.Place) throws(PosixError) {
    let last = place.range.upperBound - 1
    try place.file.fill(place.range.lowerBound..<last, with: Piece.padding)
    try place.file.write([Self.newline], at: last)
    try place.file.syncData()
  }
}
