/// A list of what one thread waits for: descriptors, moments and signals.
///
/// The caller gives each descriptor and each moment a token, usually a case of an enum of its own. `wait` returns what
/// has happened under which token. The loop makes no callbacks, owns no thread, and reads nothing but its signals: a
/// descriptor whose bytes the caller leaves unread is ready again in the next turn.
///
/// ```
/// loop.watch(output.descriptor, as: .output)
/// loop.wake(.probe, at: Clock.monotonic() + 500)
/// let turn = try loop.wait()
/// if turn.has(.output) { copyOutput() }
/// if turn.has(.probe) { probe() }
/// ```
///
/// It is `@inlinable` so that it is specialised for the tokens of another module: the agent needs half the time for a turn.
public struct EventLoop<Token: Hashable & Sendable>: Sendable {
  @usableFromInline let signals: Signals?
  @usableFromInline var interests: [Token: [Poll.Interest]] = [:]
  @usableFromInline var moments: [Token: Int64] = [:]

  /// What happened in one wait.
  public struct Turn: Sendable {
    @inlinable init() {}

    /// In the order in which they arrived.
    public var signals: [Signal] = []
    /// The descriptors that are ready, under the token they were registered with.
    public var ready: [Token: [Poll.Ready]] = [:]
    /// The tokens whose moment has come.
    public var due: Set<Token> = []

    /// The tokens of which a descriptor is ready or the moment has come.
    @inlinable public var tokens: Set<Token> { due.union(ready.keys) }

    /// Whether a descriptor of the token is ready or its moment has come.
    @inlinable public func has(_ token: Token) -> Bool {
      due.contains(token) || ready[token] != nil
    }

    /// Whether nothing happened before the deadline.
    @inlinable public var isEmpty: Bool { signals.isEmpty && ready.isEmpty && due.isEmpty }
  }

  /// - Parameter signals: signals that end a wait; `wait` takes them.
  @inlinable public init(signals: Signals? = nil) { self.signals = signals }

  /// Registers these descriptors under the token, in place of those it had before. An empty list removes them. Remove a
  /// descriptor before it is closed: its number is soon given to another file.
  @inlinable public mutating func watch(_ interests: [Poll.Interest], as token: Token) {
    self.interests[token] = interests.isEmpty ? nil : interests
  }

  /// Waits until the descriptor can be read or its other end is closed; nil removes the token's descriptors.
  @inlinable public mutating func watch(_ descriptor: Int32?, as token: Token) {
    watch(descriptor.map { [Poll.Interest($0)] } ?? [], as: token)
  }

  /// Sets the moment at which the token becomes due, once, in milliseconds of `Clock.monotonic`; nil removes it.
  @inlinable public mutating func wake(_ token: Token, at moment: Int64?) {
    moments[token] = moment
  }

  /// Removes the token's descriptors and its moment.
  @inlinable public mutating func forget(_ token: Token) {
    interests[token] = nil
    moments[token] = nil
  }

  /// Waits until something happens. poll(2)
  /// - Parameter deadline: when to give up, in milliseconds of `Clock.monotonic`; nil waits for ever, 0 does not wait.
  /// - Returns: everything that has happened; empty only at the deadline.
  @inlinable public mutating func wait(until deadline: Int64? = nil) throws(PosixError) -> Turn {
    let list = interests.flatMap { token, all in all.map { (token, $0) } }
    var polled = list.map(\.1)
    if let signals { polled.append(Poll.Interest(signals.file.descriptor)) }
    while true {
      let end = [deadline, moments.values.min()].compactMap { $0 }.min()
      let limit = end.map { max(0, $0 - Clock.monotonic()) }
      let states = try Poll.states(of: polled, milliseconds: limit)
      var turn = Turn()
      for ((token, _), state) in zip(list, states) {
        if let state { turn.ready[token, default: []].append(state) }
      }
      while let signal = signals?.next() { turn.signals.append(signal) }
      turn.due = takeDue()
      let isOver = deadline.map { $0 <= Clock.monotonic() } ?? false
      if !turn.isEmpty || isOver { return turn }
    }
  }

  @inlinable mutating func takeDue() -> Set<Token> {
    let now = Clock.monotonic()
    guard let first = moments.values.min(), first <= now else { return [] }
    let due = moments.compactMap { $0.value <= now ? $0.key : nil }
    for token in due { moments[token] = nil }
    return Set(due)
  }
}
