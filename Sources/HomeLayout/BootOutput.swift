/// Separates what a VM prints of its boot with `-init_debug` from what the application writes.
///
/// A VM prints each instruction of its boot script with `erlang:display`, which writes byte by byte: other processes' output
/// may stand before a line, without a newline, and within it. So each state of a boot has a list of the lines that the VM
/// may print next; anything else belongs to the application, even a line that looks like one of the VM's. Bytes that may
/// become a line of the VM's are held until that is known, for a moment at most.
///
/// Moments are microseconds of the monotonic clock.
public struct BootOutput: Sendable {
  public private(set) var account: BootAccount
  /// When a VM read its arguments, if it has printed nothing yet.
  private var arguments: Int64?
  private var open: [OpenBoot] = []
  /// Bytes from the first that may belong to a line of the VM's.
  private var held: [UInt8] = []
  private var heldSince: Int64 = 0
  /// The line `{progress,started}` and what was written after it, until it is known who wrote it.
  private var end: End?

  private struct End {
    var boot: Int
    var since: Int64
    var line: [UInt8]
    var after: [UInt8] = []
    /// Whether the VM is taken to have written it, since nothing came that says otherwise.
    var isOver = false
  }

  /// Printed by the flag `-s erlang display reltui_booted`, right after the boot.
  public static let mark = "reltui_booted"

  /// A longer line is passed on.
  private static let longestLine = 1 << 20
  /// Others' bytes within a line of the VM's.
  private static let longestGap = 8 << 10
  private static let patience: Int64 = 50_000
  private static let endPatience: Int64 = 100_000
  private static let overPatience: Int64 = 60_000_000

  public init(exec: Int64) { account = BootAccount(exec: exec) }

  /// Whether the VM may print lines now.
  public var isBooting: Bool { arguments != nil || !open.isEmpty }

  /// When to call `expire`; nil if nothing is held.
  public var deadline: Int64? {
    let line = held.isEmpty ? nil : heldSince + Self.patience
    let over = end.map { $0.since + ($0.isOver ? Self.overPatience : Self.endPatience) }
    return [line, over].compactMap { $0 }.min()
  }

  /// Notes that a VM reads its arguments now.
  public mutating func noteArguments(at now: Int64) { arguments = now }

  /// - Returns: the bytes that belong to the application.
  public mutating func take(_ bytes: [UInt8], at now: Int64) -> [UInt8] {
    if !isBooting && held.isEmpty && end == nil { return bytes }
    if held.isEmpty { heldSince = now }
    let all = held + bytes
    held = []
    return scan(all, at: now)
  }

  /// Passes on what was held for too long.
  public mutating func expire(at now: Int64) -> [UInt8] {
    var passed: [UInt8] = []
    if !held.isEmpty, now - heldSince >= Self.patience {
      let all = held
      held = []
      passed += scan(all, at: now, isLate: true)
    }
    if let end, now - end.since >= Self.endPatience {
      if now - end.since >= Self.overPatience { return passed + settle(true) }
      if end.isOver { return passed }
      // The VM of `eval` does something else after its boot, and prints no mark.
      note(.started, of: end.boot, at: max(0, end.since - account.exec))
      self.end?.isOver = true
      self.end?.after = []
      passed += end.after
    }
    return passed
  }

  /// The output has ended.
  public mutating func finish() -> [UInt8] {
    let rest = deliver(held[...])
    held = []
    guard let end else { return rest }
    return rest + settle(end.isOver || open.contains { $0.index == end.boot && $0.isComplete })
  }

  /// - Parameter isLate: whether the bytes were held for long enough; only a line that is being written may be held on.
  private mutating func scan(_ all: [UInt8], at now: Int64, isLate: Bool = false) -> [UInt8] {
    var passed: [UInt8] = []
    var start = 0
    while isBooting {
      let whole = firstWhole(all, from: start)
      guard let found = firstBroken(all, from: start, to: whole?.start ?? all.count) ?? whole else {
        break
      }
      passed += deliver(all[start..<found.start])
      passed += accept(found, at: now)
      start = found.next
    }
    let (end, isUnbroken) = firstOpen(all, from: start, isLate: isLate)
    passed += deliver(all[start..<end])
    // A long line takes its time.
    if end < all.count, end > 0 || isLate || isUnbroken { heldSince = now }
    held = Array(all[end...])
    return passed
  }

  /// Sends bytes on, or keeps them behind the line that may end the boot.
  private mutating func deliver(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    guard end?.isOver == false else { return Array(bytes) }
    end?.after += bytes
    return []
  }
}

// MARK: - Finding a line

extension BootOutput {
  private struct Found {
    var boot: Int?
    var line: BootLine
    var bytes: [UInt8]
    /// What others wrote within the line.
    var others: [UInt8] = []
    var start: Int
    var next: Int
  }

  /// The lines that may come next, with the place of their boot in `open`; nil for a new boot.
  private var candidates: [(Int?, BootLine)] {
    var all: [(Int?, BootLine)] = open.indices.reversed().flatMap { place in
      open[place].next.map { (place, $0) }
    }
    if let end, let place = open.firstIndex(where: { $0.index == end.boot }) {
      all.insert((place, .mark), at: 0)
    }
    if arguments != nil || open.contains(where: \.mayBeFollowed) { all.append((nil, .preloaded)) }
    return all
  }

  private static func begins(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
  }

  private func firstWhole(_ all: [UInt8], from start: Int) -> Found? {
    let candidates = candidates
    for place in all.indices[start...] where Self.begins(all[place]) {
      for (boot, line) in candidates {
        let (reached, stop) = line.advance(0, all[...], place)
        guard reached == line.count else { continue }
        let bytes = Array(all[place..<stop])
        return Found(boot: boot, line: line, bytes: bytes, start: place, next: stop)
      }
    }
    return nil
  }

  /// The first line that has bytes of others within.
  private func firstBroken(_ all: [UInt8], from start: Int, to end: Int) -> Found? {
    let candidates = candidates
    // A VM ends its lines with CR LF, an application seldom does.
    guard let last = all[start..<end].lastIndex(of: 13), last + 1 < end else { return nil }
    for place in start..<last where Self.begins(all[place]) {
      let found = candidates.compactMap { boot, line -> Found? in
        var found = broken(line, all[..<end], at: place)
        found?.boot = boot
        return found
      }
      if let found = found.min(by: { $0.others.count < $1.others.count }) { return found }
    }
    return nil
  }

  private func broken(_ line: BootLine, _ all: ArraySlice<UInt8>, at place: Int) -> Found? {
    var found = Found(line: line, bytes: [], start: place, next: place)
    var matched = 0
    while true {
      let (reached, stop) = line.advance(matched, all, found.next)
      found.bytes += all[found.next..<stop]
      found.next = stop
      if reached == line.count { return found }
      guard Self.mayBeBroken(line, reached), stop < all.endIndex,
        let next = resumption(of: line, reached, all, stop)
      else { return nil }
      found.others += all[stop..<next]
      found.next = next
      matched = reached
    }
  }

  private static func mayBeBroken(_ line: BootLine, _ reached: Int) -> Bool {
    reached > 0 && !line.isInside(reached)
  }

  /// Where the line goes on after whole lines of others, since bytes without a newline may as well be part of a line of the
  /// application's that is like the VM's: the place from which all of its rest follows, else the first one from
  /// which four bytes of it do.
  private func resumption(
    of line: BootLine, _ matched: Int, _ all: ArraySlice<UInt8>, _ from: Int
  ) -> Int? {
    var other: Int?
    let limit = min(all.endIndex, from + Self.longestGap)
    guard let newline = all[from..<limit].firstIndex(of: 10) else { return nil }
    for place in newline + 1..<limit {
      let (reached, stop) = line.advance(matched, all, place)
      if reached == line.count { return place }
      if reached - matched >= 4, stop < all.endIndex { other = other ?? place }
    }
    return other
  }

  /// The first place from which the bytes may become a line.
  /// - Returns: the end of the bytes if there is none; and whether no bytes of others have come so far.
  private func firstOpen(_ all: [UInt8], from start: Int, isLate: Bool) -> (Int, Bool) {
    guard isBooting else { return (all.count, false) }
    let candidates = candidates
    for place in all.indices[start...] where Self.begins(all[place]) {
      var mayGoOn = false
      for (_, line) in candidates {
        let (reached, stop) = line.advance(0, all[...], place)
        if stop == all.count, !isLate || place > 0, stop - place <= Self.longestLine {
          return (place, true)
        }
        if Self.mayBeBroken(line, reached) { mayGoOn = true }
      }
      if mayGoOn, !isLate, all.count - place < Self.longestGap { return (place, false) }
    }
    return (all.count, false)
  }
}

// MARK: - What a line means

extension BootOutput {
  /// - Returns: what others wrote within the line, and what was held and is known now to be the application's.
  private mutating func accept(_ found: Found, at now: Int64) -> [UInt8] {
    var passed: [UInt8] = []
    let moment = max(0, now - account.exec)
    if found.line.kind == .mark {
      passed += settle(true)
    } else {
      // If the boot goes on, the application wrote the line that seemed to end it; if another begins, the VM did.
      if let end, let place = found.boot {
        if open[place].index == end.boot { passed += settle(false) }
      } else {
        passed += settle(true)
      }
      if let place = found.boot {
        if case .progress("started") = found.line.kind {
          end = End(boot: open[place].index, since: now, line: found.bytes)
        } else {
          let step = open[place].take(found.line, found.bytes)
          if let step { note(step, of: open[place].index, at: moment) }
        }
      } else {
        begin(at: moment)
      }
    }
    return passed + deliver(found.others[...])
  }

  private mutating func begin(at moment: Int64) {
    let isRestart = arguments == nil && open.contains(where: \.isConfiguring)
    if isRestart { open.removeAll(where: \.isConfiguring) }
    let start = isRestart ? moment : arguments.map { max(0, $0 - account.exec) } ?? moment
    arguments = nil
    if account.boots.count == BootAccount.mostBoots { forgetOldest() }
    account.boots.append(BootAccount.Boot(start: start, isRestart: isRestart))
    open.append(OpenBoot(index: account.boots.count - 1))
    note(.code, of: account.boots.count - 1, at: moment)
  }

  /// A command may start one VM after another for ever.
  private mutating func forgetOldest() {
    account.boots.removeFirst()
    for place in open.indices { open[place].index -= 1 }
    open.removeAll { $0.index < 0 }
  }

  private mutating func note(_ kind: BootAccount.Step.Kind, of boot: Int, at moment: Int64) {
    let steps = account.boots[boot].steps
    guard steps.last?.kind != kind, steps.count < BootAccount.mostSteps else { return }
    account.boots[boot].steps.append(BootAccount.Step(moment, kind))
  }

  /// Decides who wrote the line that may end a boot.
  private mutating func settle(_ isVM: Bool) -> [UInt8] {
    guard let end else { return [] }
    self.end = nil
    if isVM {
      note(.started, of: end.boot, at: max(0, end.since - account.exec))
      open.removeAll { $0.index == end.boot }
      return end.after
    }
    if account.boots[end.boot].hasStarted { account.boots[end.boot].steps.removeLast() }
    return end.line + end.after
  }
}
