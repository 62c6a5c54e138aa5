/// The changes from an OTP release in one slug to its counterpart in another slug.
public struct OTPReleaseDiff: Hashable, Encodable, Sendable {
  /// An application that is in both.
  public struct Changed: Hashable, Encodable, Sendable {
    public var name: String
    /// The versions; equal if only files differ.
    public var from: String
    public var to: String
    public var files: Int
  }

  /// An application that was added or removed.
  public struct Single: Hashable, Encodable, Sendable {
    public var name: String
    public var version: String
  }

  /// The new name; the old one if the OTP release was removed.
  public var name: String
  /// One side is missing if the whole OTP release was added or removed.
  public var version: SlugDiff.Change<String>
  public var ertsVersion: SlugDiff.Change<String>
  public var added: [Single]
  public var removed: [Single]
  public var changed: [Changed]
  public var startTypes: [SlugDiff.Named<OTPRelease.StartType>]
  /// Applications started in both that moved in the boot order, with their places among all applications.
  public var bootOrder: [SlugDiff.Named<Int>]
  /// Nil if the OTP release itself was added or removed.
  public var hotUpgrade: HotUpgrade?

  private enum CodingKeys: String, CodingKey {
    case name, version, added, removed, changed
    case ertsVersion = "erts_version"
    case startTypes = "start_types"
    case bootOrder = "boot_order"
    case hotUpgrade = "hot_upgrade"
  }

  static func all(from old: Manifest, to new: Manifest, files: [SlugDiff.File]) -> [OTPReleaseDiff]
  {
    // If each slug has only one, the two are compared even if their names differ.
    let isOnly = old.otpReleases.count == 1 && new.otpReleases.count == 1
    func partner(of release: OTPRelease, in others: [OTPRelease]) -> OTPRelease? {
      isOnly ? others.first : others.first { $0.name == release.name }
    }
    let paths = files.map(\.path)
    let kept = new.otpReleases.compactMap { release in
      OTPReleaseDiff(
        partner(of: release, in: old.otpReleases), release, old, new, paths)
    }
    let gone = old.otpReleases.filter { partner(of: $0, in: new.otpReleases) == nil }
    return kept + gone.compactMap { OTPReleaseDiff($0, nil, old, new, paths) }
  }

  /// - Returns: nil where nothing has changed.
  private init?(
    _ old: OTPRelease?, _ new: OTPRelease?, _ oldSlug: Manifest, _ newSlug: Manifest,
    _ paths: [String]
  ) {
    guard let either = new ?? old else { return nil }
    name = either.name
    version = SlugDiff.Change(from: old?.version, to: new?.version)
    ertsVersion = SlugDiff.Change(from: old?.ertsVersion, to: new?.ertsVersion)
    let before = Self.applications(of: old)
    let after = Self.applications(of: new)
    func singles(_ release: OTPRelease?, without others: [String: OTPRelease.Application])
      -> [Single]
    {
      (release?.applications ?? []).filter { others[$0.name] == nil }
        .map { Single(name: $0.name, version: $0.version) }.sorted { $0.name < $1.name }
    }
    added = old == nil ? [] : singles(new, without: before)
    removed = new == nil ? [] : singles(old, without: after)
    let both = before.keys.filter { after[$0] != nil }.sorted()
    let counts = Self.differing(paths, old, new)
    changed = both.compactMap { name in
      guard let from = before[name]?.version, let to = after[name]?.version else { return nil }
      let count =
        (counts["\(name)-\(to)"] ?? 0) + (from == to ? 0 : counts["\(name)-\(from)"] ?? 0)
      return from == to && count == 0
        ? nil : Changed(name: name, from: from, to: to, files: count)
    }
    startTypes = both.compactMap { name in
      let (from, to) = (before[name]?.startType, after[name]?.startType)
      return from == to ? nil : SlugDiff.Named(name: name, from: from, to: to)
    }
    bootOrder = Self.moved(old, new, before, after)
    hotUpgrade = nil
    guard let old, let new else { return }
    if name == old.name, isEmpty { return nil }
    hotUpgrade = HotUpgrade(self, from: old, to: new, oldSlug, newSlug)
  }

  private var isEmpty: Bool {
    version.from == version.to && ertsVersion.from == ertsVersion.to && added.isEmpty
      && removed.isEmpty && changed.isEmpty && startTypes.isEmpty && bootOrder.isEmpty
  }

  private static func applications(of release: OTPRelease?) -> [String: OTPRelease.Application] {
    Dictionary((release?.applications ?? []).map { ($0.name, $0) }) { first, _ in first }
  }

  /// How many of the paths are in each application's folder of either OTP release, by `NAME-VERSION`.
  private static func differing(_ paths: [String], _ old: OTPRelease?, _ new: OTPRelease?)
    -> [String: Int]
  {
    var counts: [String: Int] = [:]
    let roots = Set(
      [old, new].compactMap { $0 }.map { ($0.folder.map { $0 + "/" } ?? "") + "lib/" })
    for path in paths {
      guard let root = roots.first(where: path.hasPrefix) else { continue }
      let folder = path.dropFirst(root.count).prefix { $0 != "/" }
      counts[String(folder), default: 0] += 1
    }
    return counts
  }

  /// The fewest applications that must move to turn one boot order into the other.
  private static func moved(
    _ old: OTPRelease?, _ new: OTPRelease?, _ before: [String: OTPRelease.Application],
    _ after: [String: OTPRelease.Application]
  ) -> [SlugDiff.Named<Int>] {
    func isStarted(_ name: String) -> Bool {
      before[name]?.order != nil && after[name]?.order != nil
    }
    let places = Dictionary(
      (old?.bootOrder ?? []).filter(isStarted).enumerated().map { ($1, $0) },
      uniquingKeysWith: { first, _ in first })
    let names = (new?.bootOrder ?? []).filter(isStarted)
    let staying = longestRise(names.map { places[$0] ?? 0 })
    return names.indices.filter { !staying.contains($0) }.map { index in
      SlugDiff.Named(
        name: names[index], from: before[names[index]]?.order, to: after[names[index]]?.order)
    }
  }

  private static func longestRise(_ numbers: [Int]) -> Set<Int> {
    // ends[n]: of the rising sequences of n + 1 numbers, the index of the least last number.
    var ends: [Int] = []
    var previous = [Int?](repeating: nil, count: numbers.count)
    for (index, number) in numbers.enumerated() {
      var (low, high) = (0, ends.count)
      while low < high {
        let middle = (low + high) / 2
        if numbers[ends[middle]] < number { low = middle + 1 } else { high = middle }
      }
      if low > 0 { previous[index] = ends[low - 1] }
      if low == ends.count { ends.append(index) } else { ends[low] = index }
    }
    var rise: Set<Int> = []
    var next = ends.last
    while let index = next {
      rise.insert(index)
      next = previous[index]
    }
    return rise
  }
}
