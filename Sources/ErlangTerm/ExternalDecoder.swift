// A decoder of one term. `term` is kept small and handles only containers, because its frame is on the stack once for
// each level of nesting. Terms that hold no others are in ExternalLeaves.swift.

struct ExternalDecoder {
  let bytes: [UInt8]
  var position: Int
  private var terms = 0

  init(bytes: [UInt8], position: Int) { (self.bytes, self.position) = (bytes, position) }

  mutating func term(depth: Int) throws(TermError) -> Term {
    let start = position
    guard depth <= ExternalFormat.maximumDepth else {
      throw .external(.tooDeep(limit: ExternalFormat.maximumDepth), offset: start)
    }
    let byte = try byte()
    guard let tag = Tag(rawValue: byte) else {
      throw .external(.unsupportedTag(byte), offset: start)
    }
    switch tag {
    case .smallTuple: return .tuple(try terms(count(width: 1), depth: depth))
    case .largeTuple: return .tuple(try terms(count(width: 4), depth: depth))
    case .list:
      let elements = try terms(count(width: 4), depth: depth)
      return .list(elements, tail: try term(depth: depth + 1))
    case .map: return .map(try entries(depth: depth))
    case .newFun: return try fun(start: start, depth: depth)
    default: return try leaf(tag, start: start)
    }
  }

  /// An element count. Every element takes at least one byte, so a count that is greater than the rest of the input is
  /// refused before any element is read.
  private mutating func count(width: Int, bytesEach: Int = 1) throws(TermError) -> Int {
    let start = position
    let count = Int(try unsigned(width))
    guard count * bytesEach <= bytes.count - position else {
      let missing = count * bytesEach - (bytes.count - position)
      throw .external(.truncated(missing: missing), offset: start)
    }
    try hold(count, start: start)
    return count
  }

  /// Counts terms that are about to be read, up to the limit.
  mutating func hold(_ count: Int, start: Int) throws(TermError) {
    terms += count
    guard terms <= ExternalFormat.maximumTerms else {
      throw .external(.tooManyTerms(limit: ExternalFormat.maximumTerms), offset: start)
    }
  }

  private mutating func terms(_ count: Int, depth: Int) throws(TermError) -> [Term] {
    var elements: [Term] = []
    // Reserve only a little: each nested count could claim the whole rest of the input.
    elements.reserveCapacity(min(count, 16))
    for _ in 0..<count {
      elements.append(try term(depth: depth + 1))
    }
    return elements
  }

  private mutating func entries(depth: Int) throws(TermError) -> [Term: Term] {
    var entries: [Term: Term] = [:]
    for _ in 0..<(try count(width: 4, bytesEach: 2)) {
      let start = position
      let key = try term(depth: depth + 1)
      let value = try term(depth: depth + 1)
      guard entries.updateValue(value, forKey: key) == nil else {
        throw .external(.duplicateKey, offset: start)
      }
    }
    return entries
  }

  private mutating func fun(start: Int, depth: Int) throws(TermError) -> Term {
    let size = Int(try unsigned(4))
    let arity = try byte()
    let uniq = Array(try take(16))
    let index = UInt32(truncatingIfNeeded: try unsigned(4))
    let freeCount = try count(width: 4)
    let module = try atom()
    let (oldIndex, oldUniq) = (try smallInteger(), try smallInteger())
    let creator = try pid()
    let free = try terms(freeCount, depth: depth)
    let actual = position - start - 1
    guard size == actual else {
      throw .external(.badFunSize(stated: size, actual: actual), offset: start)
    }
    return .fun(
      Term.Fun(
        module: module, arity: arity, uniq: uniq, index: index, oldIndex: oldIndex,
        oldUniq: oldUniq, pid: creator, free: free))
  }

  mutating func byte() throws(TermError) -> UInt8 {
    guard position < bytes.count else { throw .external(.truncated(missing: 1), offset: position) }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func take(_ count: Int) throws(TermError) -> ArraySlice<UInt8> {
    let rest = bytes.count - position
    guard count <= rest else {
      throw .external(.truncated(missing: count - max(0, rest)), offset: position)
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// An unsigned number of `width` (1…8) bytes, the most significant first.
  mutating func unsigned(_ width: Int) throws(TermError) -> UInt64 {
    try take(width).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
